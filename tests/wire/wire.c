/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire - joins two Linux interfaces with a wire that is as bad as it is told to be.
 *
 *   [ port a ] -- receive --> push tags --> impair[AB] --> send -- [ port b ]
 *   [ port a ] <-- send -- impair[BA] <-- pop tags <-- receive --- [ port b ]
 *
 * What netem does where a kernel has it, with decisions that a seed repeats. One thread: it sleeps
 * in ppoll() until a frame arrives or one falls due.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/prctl.h>

#include "args.h"
#include "impair.h"
#include "port.h"
#include "vlan.h"

#define NS_PER_S	  1000000000u
#define QUEUE_MAX_PACKETS 65536u
#define PAD_BYTE	  0xa5 /* not zero: whoever adds it to a checksum shall be wrong */

struct wire {
	struct port port[2]; /* a, b */
	struct impair impair[WIRE_DIRS];
	struct vlan_stack tags;
	uint32_t pad;
	uint64_t untagged; /* frames from b without our tags */
	uint64_t no_memory;
};

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Direction d leads from port d to port d ^ 1. */
static void
take_in(struct wire *w, unsigned d)
{
	struct port_frame frames[PORT_BATCH];
	int n = port_receive(&w->port[d], frames);
	uint64_t now = now_ns();

	if (n < 0) {
		fprintf(stderr, "wire: %s: %s\n", w->port[d].name, strerror(-n));
		return;
	}
	for (int i = 0; i < n; i++) {
		uint8_t *data = frames[i].data;
		uint32_t len = frames[i].len;

		if (len < w->pad) {
			memset(data + len, PAD_BYTE, w->pad - len);
			len = w->pad;
		}
		if (w->tags.n != 0 && d == WIRE_AB) {
			data = vlan_push_stack(data, &len, &w->tags);
		} else if (w->tags.n != 0) {
			data = vlan_pop_stack(data, &len, &w->tags);
			if (data == NULL) {
				w->untagged++;
				continue;
			}
		}
		if (impair_push(&w->impair[d], now, data, len) != 0)
			w->no_memory++;
	}
}

static void
give_out(struct wire *w, unsigned d)
{
	struct impair *im = &w->impair[d];
	struct impair_packet *pkts[PORT_BATCH];
	struct port_frame frames[PORT_BATCH];
	uint64_t now = now_ns();
	unsigned n;

	do {
		for (n = 0; n < PORT_BATCH && (pkts[n] = impair_pop(im, now)) != NULL; n++)
			frames[n] = (struct port_frame){pkts[n]->data, pkts[n]->len};
		if (n > 0)
			port_send(&w->port[d ^ 1], frames, n);
		for (unsigned i = 0; i < n; i++)
			impair_release(im, pkts[i]);
	} while (n == PORT_BATCH);
}

static struct timespec
until_due(const struct wire *w, uint64_t now)
{
	uint64_t next = IMPAIR_NEVER_NS, wait = NS_PER_S;

	for (unsigned d = 0; d < WIRE_DIRS; d++)
		if (impair_next_ns(&w->impair[d]) < next)
			next = impair_next_ns(&w->impair[d]);
	if (next <= now)
		wait = 0;
	else if (next - now < wait)
		wait = next - now;
	return (struct timespec){
		.tv_sec = (time_t)(wait / NS_PER_S), .tv_nsec = (long)(wait % NS_PER_S)};
}

static void
run(struct wire *w, const sigset_t *unblocked)
{
	struct pollfd pfd[2];

	for (unsigned d = 0; d < WIRE_DIRS; d++)
		pfd[d] = (struct pollfd){.fd = w->port[d].fd, .events = POLLIN};
	while (!stop) {
		struct timespec wait = until_due(w, now_ns());

		if (ppoll(pfd, 2, &wait, unblocked) < 0)
			continue; /* a signal: the loop's condition sees it */
		for (unsigned d = 0; d < WIRE_DIRS; d++)
			if (pfd[d].revents != 0)
				take_in(w, d);
		for (unsigned d = 0; d < WIRE_DIRS; d++)
			give_out(w, d);
	}
}

static int
report(struct wire *w)
{
	static const char *const names[WIRE_DIRS] = {"ab", "ba"};
	uint64_t oversize = 0;

	for (unsigned d = 0; d < WIRE_DIRS; d++) {
		const struct impair *im = &w->impair[d];
		const struct impair_counters *c = &im->count;

		port_read_missed(&w->port[d]);
		printf("%s in %" PRIu64 " out %" PRIu64 " lost %" PRIu64 " dup %" PRIu64
		       " reordered %" PRIu64 " corrupted %" PRIu64 " overflowed %" PRIu64
		       " queued %zu\n",
			names[d], c->in, c->out, c->lost, c->duplicated, c->reordered, c->corrupted,
			c->overflowed, impair_queued(im));
	}
	for (unsigned p = 0; p < 2; p++) {
		const struct port_counters *c = &w->port[p].count;

		printf("%c received %" PRIu64 " sent %" PRIu64 " oversize %" PRIu64
		       " send_failed %" PRIu64 " missed %" PRIu64 "\n",
			'a' + (int)p, c->received, c->sent, c->oversize, c->send_failed, c->missed);
		oversize += c->oversize;
	}
	printf("untagged %" PRIu64 "\n", w->untagged);
	fflush(stdout);
	if (oversize > 0)
		fputs("wire: frames larger than the interface may carry were dropped: turn tso, "
		      "gso "
		      "and gro off at the ends (ethtool -K)\n",
			stderr);
	if (w->no_memory > 0)
		fputs("wire: out of memory, packets were dropped\n", stderr);
	return oversize > 0 || w->no_memory > 0;
}

/* Signals are only let in while ppoll() waits, so that none falls between test and sleep. */
static sigset_t
catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t blocked, old;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigdelset(&old, SIGINT);
	sigdelset(&old, SIGTERM);
	return old;
}

int
main(int argc, char **argv)
{
	static struct wire wire;
	struct wire_args args;
	sigset_t unblocked;
	int rc = wire_args_read(&args, argc, argv);

	if (rc != 0)
		return rc < 0 ? 2 : 0;
	wire.tags = args.tags;
	wire.pad = args.pad;
	unblocked = catch_signals();
	/* Due times are kept to some microseconds, not to the 50 us of a common process's timers.
	 */
	prctl(PR_SET_TIMERSLACK, 1);
	for (unsigned i = 0; i < 2; i++)
		if (port_open(&wire.port[i], args.port[i]) != 0 ||
			impair_init(&wire.impair[i], &args.dir[i], QUEUE_MAX_PACKETS) != 0)
			return 1;
	puts("wire: ready");
	fflush(stdout);
	run(&wire, &unblocked);
	rc = report(&wire);
	for (unsigned d = 0; d < WIRE_DIRS; d++)
		impair_fini(&wire.impair[d]);
	return rc;
}
