/* SPDX-License-Identifier: BSD-3-Clause */
/* The order in which synload comes up and goes down. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include "args.h"
#include "eal.h"
#include "io.h"
#include "log.h"
#include "port.h"
#include "run.h"
#include "unmap.h"

enum { EXIT_MEASURED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Buffers for what has been received and is looked at. */
#define RX_BUFFERS 1024

#define LINK_TIMEOUT_S 60
#define LINK_NAP_US    10000

struct load {
	struct sw_load_args args;
	struct sw_port ports[2];
	struct sw_io io[2];
	unsigned n_ports;
};

static void
on_signal(int number)
{
	sw_run_stop_signal = number;
}

static void
on_continue(int number)
{
	sw_run_continued = number;
}

/*
 * Blocked before any other thread is there, all of which take that over, and unblocked for this one
 * when it begins its loop: a handler on another thread may run when the loop has gone on already.
 */
static void
block_continue(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	pthread_sigmask(how, &set, NULL);
}

static int
start_ports(struct load *l)
{
	const struct sw_load_args *a = &l->args;
	const struct sw_port_wish wish = {.n_workers = 1};
	const struct sw_port_pool_wish pools = {
		.n_extra = RX_BUFFERS, .fifo = a->fifo_buffers, .or_else = ""};
	const char *names[2] = {a->side_inside ? a->inside : a->outside, NULL};
	int rc = 0;

	if (a->mode != SW_LOAD_FLOOD)
		names[1] = a->inside;
	for (unsigned i = 0; i < 2 && names[i] != NULL && rc == 0; i++) {
		rc = sw_port_find(&l->ports[l->n_ports], names[i], &wish);
		l->n_ports += l->ports[l->n_ports].probed;
	}
	if (rc == 0)
		rc = sw_port_pools(l->ports, l->n_ports, &pools);
	for (unsigned i = 0; i < l->n_ports && rc == 0; i++) {
		rc = sw_io_open(&l->io[i], &l->ports[i]);
		if (rc == 0)
			rc = sw_port_start(&l->ports[i], 0, false);
	}
	return rc;
}

/* memif and vhost ports come up when their other end does. */
static int
wait_for_links(const struct load *l)
{
	unsigned naps = 0;

	for (unsigned i = 0; i < l->n_ports;) {
		struct rte_eth_link link = {0};

		if (rte_eth_link_get_nowait(l->ports[i].id, &link) == 0 && link.link_status) {
			i++;
			continue;
		}
		if (sw_run_stop_signal)
			return -EINTR;
		/* Counted, not timed: who is stopped meanwhile has waited no longer for it. */
		if (naps++ == LINK_TIMEOUT_S * (1000000 / LINK_NAP_US)) {
			sw_log_error(
				"port %s (%s) has had no link for %d s: is its other end there?",
				l->ports[i].name, l->ports[i].driver, LINK_TIMEOUT_S);
			return -ENOLINK;
		}
		rte_delay_us_sleep(LINK_NAP_US);
	}
	return 0;
}

/* The run, with nothing unmapped inside a round of its loop: a port's other end may go any time. */
static int
run_guarded(const struct load *l, struct sw_run *run)
{
	int rc;

	run->qsbr = rte_zmalloc("synload_qsbr", rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	if (run->qsbr == NULL) {
		sw_log_error("no memory");
		return -ENOMEM;
	}
	rte_rcu_qsbr_init(run->qsbr, 1);
	rte_rcu_qsbr_thread_register(run->qsbr, 0);
	rte_rcu_qsbr_thread_online(run->qsbr, 0);
	sw_unmap_guard(run->qsbr);
	block_continue(SIG_UNBLOCK);
	rc = l->args.mode == SW_LOAD_FLOOD ? sw_run_flood(run) : sw_run_connect(run);
	/* First, or who waits for this thread would keep sw_unmap_guard() waiting. */
	rte_rcu_qsbr_thread_offline(run->qsbr, 0);
	sw_unmap_guard(NULL);
	rte_rcu_qsbr_thread_unregister(run->qsbr, 0);
	rte_free(run->qsbr);
	return rc;
}

static int
measure(struct load *l)
{
	static struct sw_run run;
	int rc;

	run.args = &l->args;
	run.outside = &l->io[0];
	run.clock = sw_clock_start();
	if (l->n_ports > 1)
		run.inside = &l->io[1];
	printf("synload: ready: %s (%s)%s%s\n", l->ports[0].name, l->ports[0].driver,
		l->n_ports > 1 ? ", server on " : "", l->n_ports > 1 ? l->ports[1].name : "");
	fflush(stdout);
	rc = wait_for_links(l);
	if (rc == 0)
		rc = run_guarded(l, &run);
	if (rc != 0)
		return rc;
	if (sw_run_is_stuck(&run)) {
		sw_log_error(
			"port %s (%s) has taken nothing for %d s: is its other end still there?",
			l->ports[0].name, l->ports[0].driver, SW_RUN_STUCK_S);
		return -ETIMEDOUT;
	}
	sw_report_table(stdout, &run.report);
	if (l->args.json != NULL) {
		rc = sw_report_json(l->args.json, &run.report);
		if (rc != 0)
			sw_log_error("cannot write %s: %s", l->args.json, strerror(-rc));
	}
	return rc;
}

static int
start_eal(const struct sw_eal_args *eal)
{
	char **argv;
	int argc, rc;

	argv = sw_eal_argv(eal, NULL, &argc);
	if (argv == NULL) {
		sw_log_error("no memory for the arguments");
		return -ENOMEM;
	}
	rc = sw_eal_init(eal, argc, argv);
	free(argv);
	return rc;
}

static int
run(struct load *l)
{
	int rc = start_ports(l);

	if (rc == 0)
		rc = measure(l);
	sw_ports_stop(l->ports, l->n_ports);
	for (unsigned i = 0; i < l->n_ports; i++)
		sw_io_close(&l->io[i]);
	sw_port_pools_free(l->ports, l->n_ports);
	return rc == 0 ? EXIT_MEASURED : EXIT_FAILED;
}

/* The report's file can be written: better said now than at the end of the run. */
static int
try_json(const char *path)
{
	FILE *f;

	if (path == NULL)
		return 0;
	f = fopen(path, "ae");
	if (f == NULL) {
		sw_log_error("cannot write %s: %s", path, strerror(errno));
		return -EIO;
	}
	fclose(f);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct load l;
	struct sw_eal_args eal;
	int split, status;

	if (argc < 1)
		return EXIT_USAGE;
	split = sw_eal_split(&eal, argc, argv);
	if (sw_load_args_parse(&l.args, argc - split, argv + split, sw_log_error) != 0)
		return EXIT_USAGE;
	if (l.args.action == SW_LOAD_HELP) {
		sw_load_help();
		return EXIT_MEASURED;
	}
	if (l.args.action == SW_LOAD_VERSION) {
		printf("synload %s\n", SW_VERSION);
		return EXIT_MEASURED;
	}
	if (try_json(l.args.json) != 0)
		return EXIT_FAILED;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGCONT, on_continue);
	block_continue(SIG_BLOCK);
	status = start_eal(&eal);
	if (status != 0)
		return status == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	status = run(&l);
	rte_eal_cleanup();
	return status;
}
