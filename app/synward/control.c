/* SPDX-License-Identifier: BSD-3-Clause */
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include <rte_launch.h>
#include <rte_malloc.h>

#include "lcore.h"
#include "log.h"

/*
 * How often the control thread looks around when nothing happens, and while it waits for workers to
 * let go of a view: a burst is over in microseconds.
 */
#define IDLE_NS	 (1000 * 1000 * 1000L)
#define GRACE_NS (2 * 1000 * 1000L)

struct sw_control_secrets {
	struct sw_master master;
	struct sw_keys keys[2];
};

static sigset_t waited_for;

void
sw_control_signals(void)
{
	sigemptyset(&waited_for);
	sigaddset(&waited_for, SIGINT);
	sigaddset(&waited_for, SIGTERM);
	sigaddset(&waited_for, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &waited_for, NULL);
	/* A reader of our output or telemetry that goes away must not end the service. */
	signal(SIGPIPE, SIG_IGN);
	/*
	 * net_tap would ask the kernel for a queued signal for each packet and poll only after one:
	 * it takes the first real-time signal that has its default action. With none left it polls,
	 * and does not hang on when the main thread gets to run or on whether the signal queue had
	 * room.
	 */
	for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
		signal(signo, SIG_IGN);
}

static uint64_t
now_s(const struct sw_control *c)
{
	struct timespec ts;

	clock_gettime(c->clock, &ts);
	return (uint64_t)ts.tv_sec;
}

/*
 * Pages for the secrets. That they are locked and left out of dumps is hardening: a warning only.
 */
static struct sw_control_secrets *
secrets_map(void)
{
	size_t len = sizeof(struct sw_control_secrets);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		sw_log_error("no memory for the keys: %s", strerror(errno));
		return NULL;
	}
	if (mlock(p, len) != 0)
		sw_log_warning(
			"the keys may be swapped out: cannot lock their page: %s (ulimit -l)",
			strerror(errno));
	if (madvise(p, len, MADV_DONTDUMP) != 0)
		sw_log_warning("the keys may stand in a core dump: %s", strerror(errno));
	return p;
}

static void
secrets_unmap(struct sw_control_secrets *s)
{
	if (s == NULL)
		return;
	sw_wipe(s, sizeof(*s));
	munmap(s, sizeof(*s));
}

static int
secrets_fill(struct sw_control *c, struct sw_config *cfg)
{
	struct sw_master *master = &c->secrets->master;

	if (cfg->has_secret) {
		*master = cfg->master;
		sw_wipe(&cfg->master, sizeof(cfg->master));
		return 0;
	}
	/*
	 * 32 bytes are never cut short once the kernel's generator is seeded,
	 * and this waits for it.
	 */
	if (getrandom(master, sizeof(*master), 0) != sizeof(*master)) {
		sw_log_error("cannot read random numbers for the keys: %s", strerror(errno));
		return -EIO;
	}
	return 0;
}

static int
policy_make(struct sw_control *c, const struct sw_config *cfg, int socket)
{
	struct sw_policy_spec spec = sw_config_policy_spec(cfg);
	size_t size = sw_policy_size(&spec);
	struct sw_policy_error err;
	int rc;

	c->policy = rte_zmalloc_socket("sw_policy", size, SW_CACHE_LINE_BYTES, socket);
	if (c->policy == NULL) {
		sw_log_error(
			"no memory for the policy (%zu KiB): give more (-m MEGABYTES before the "
			"--, or more hugepages)",
			size >> 10);
		return -ENOMEM;
	}
	rc = sw_policy_build(c->policy, size, &spec, &err);
	if (rc != 0)
		sw_log_error("the services do not make a policy: %s", strerror(-rc));
	return rc;
}

/* Derives the keys of this moment and lets the workers see them. The other view is free for it. */
static void
publish(struct sw_control *c)
{
	unsigned next = c->current ^ 1;
	uint64_t now = now_s(c);

	sw_keys_derive(&c->secrets->keys[next], &c->secrets->master, now, c->epoch_s);
	c->derived_at_s = now;
	c->change_at_s = now + sw_keys_next_change(now, c->epoch_s);
	/* Pairs with the load-acquire in lcore.c: loop(). */
	__atomic_store_n(&c->view, &c->views[next], __ATOMIC_RELEASE);
	c->current = next;
	c->grace_token = rte_rcu_qsbr_start(c->qsbr);
	c->grace = true;
}

/* Wipes the keys of the old view once no worker sees it. */
static void
retire(struct sw_control *c)
{
	if (rte_rcu_qsbr_check(c->qsbr, c->grace_token, false) != 1)
		return;
	sw_wipe(&c->secrets->keys[c->current ^ 1], sizeof(c->secrets->keys[0]));
	c->grace = false;
}

struct sw_control *
sw_control_create(struct sw_config *cfg, unsigned n_workers, int socket)
{
	struct sw_control *c =
		rte_zmalloc_socket("sw_control", sizeof(*c), SW_CACHE_LINE_BYTES, socket);

	if (c != NULL)
		c->qsbr = rte_zmalloc_socket("sw_qsbr", rte_rcu_qsbr_get_memsize(n_workers),
			RTE_CACHE_LINE_SIZE, socket);
	if (c == NULL || c->qsbr == NULL || rte_rcu_qsbr_init(c->qsbr, n_workers) != 0) {
		sw_log_error("no memory for the control thread");
		goto fail;
	}
	/*
	 * Front ends that share a secret share the wall clock too; alone, a clock that nobody sets.
	 */
	c->clock = cfg->has_secret ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	c->epoch_s = cfg->epoch_s;
	c->secrets = secrets_map();
	if (c->secrets == NULL || secrets_fill(c, cfg) != 0 || policy_make(c, cfg, socket) != 0)
		goto fail;
	for (unsigned i = 0; i < SW_ARRAY_LEN(c->views); i++)
		c->views[i] = (struct sw_view){
			.policy = c->policy,
			.keys = &c->secrets->keys[i],
			.timeouts = cfg->timeouts,
			.budget = cfg->budget,
			.shared = cfg->has_secret,
			.pass_fragments = cfg->pass_fragments,
			.pass_icmp = cfg->pass_icmp,
		};
	publish(c);
	return c;

fail:
	sw_control_free(c);
	return NULL;
}

void
sw_control_free(struct sw_control *c)
{
	if (c == NULL)
		return;
	secrets_unmap(c->secrets);
	rte_free(c->policy);
	rte_free(c->qsbr);
	rte_free(c);
}

void
sw_control_stop(struct sw_control *c)
{
	__atomic_store_n(&c->stop, 1, __ATOMIC_RELAXED);
}

/* A worker's function returns only when it is told to. */
static bool
all_run(struct sw_worker *const workers[], unsigned n_workers)
{
	for (unsigned i = 0; i < n_workers; i++) {
		if (rte_eal_get_lcore_state(workers[i]->lcore) != RUNNING) {
			sw_log_error("worker %u ended by itself; stopping", i);
			return false;
		}
	}
	return true;
}

/* A clock that was set back counts as a change too: the keys follow the wall clock both ways. */
static bool
keys_are_due(const struct sw_control *c)
{
	uint64_t now = now_s(c);

	return now >= c->change_at_s || now < c->derived_at_s;
}

int
sw_control_run(struct sw_control *c, struct sw_worker *const workers[], unsigned n_workers)
{
	for (;;) {
		struct timespec wait = {.tv_sec = IDLE_NS / 1000000000L};

		if (!all_run(workers, n_workers))
			return -ECHILD;
		if (c->grace)
			retire(c);
		if (!c->grace && keys_are_due(c))
			publish(c);
		if (c->grace)
			wait = (struct timespec){.tv_nsec = GRACE_NS};
		switch (sigtimedwait(&waited_for, NULL, &wait)) {
		case SIGINT:
		case SIGTERM:
			return 0;
		case SIGHUP:
			sw_log_warning("SIGHUP: this version reads its configuration at the start "
				       "only; nothing was changed");
			break;
		default: /* the time is up, or another signal came between */
			break;
		}
	}
}
