/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.h - a run: warm up, measure, let connections end, wait for the last answers.
 *
 *   WARM     everything runs, nothing counts
 *   MEASURE  between the snapshots `from` and `to` of the report
 *   DRAIN    no connection is opened; those that are open end under the flood that they began in
 *   SETTLE   there is no flood any more; until nothing more comes in
 *   DONE
 *
 * While the process is stopped (SIGSTOP, SIGTSTP) the run's clock stands still, until SIGCONT: who
 * runs several in turn measures what each did in its own time, and no timer of theirs expires.
 *
 * Threads: the main lcore, which is the one thread that takes SIGCONT, before it goes on.
 */
#ifndef SW_LOAD_RUN_H
#define SW_LOAD_RUN_H

#include "args.h"
#include "clock.h"
#include "io.h"
#include "report.h"

/* Answers that take longer than QUIET after the last packet are not waited for. */
#define SW_RUN_QUIET_NS	 200000000u
#define SW_RUN_SETTLE_NS 2000000000u

/* A run that ends by a number fails where its port takes nothing for so long. */
#define SW_RUN_STUCK_S 10

struct rte_rcu_qsbr;

enum sw_phase { SW_PHASE_WARM, SW_PHASE_MEASURE, SW_PHASE_DRAIN, SW_PHASE_SETTLE, SW_PHASE_DONE };

struct sw_run {
	const struct sw_load_args *args;
	struct sw_io *outside; /* the port that loads */
	struct sw_io *inside;  /* of the emulated server, or NULL */
	enum sw_phase phase;
	bool stop;		     /* nothing new is to begin: sw_run_stop() */
	unsigned idle_s;	     /* in which the port has taken nothing, of what waited */
	uint64_t now_ns, stopped_ns; /* sw_run_now(), and what it leaves out */
	uint64_t start_ns, phase_end_ns, second_ns;
	uint64_t from_ns;
	uint64_t last_rx_ns; /* when the last frame came in: the loop's */
	uint64_t next_event_ns;
	uint64_t drain_ns;	   /* the longest DRAIN */
	bool settles;		   /* there is a flood, whose last answers are waited for */
	void *mode;		   /* of the mode's loop */
	struct rte_rcu_qsbr *qsbr; /* of the loop, thread 0: unmap.h */
	struct sw_clock clock;
	struct sw_load_snapshot second;
	struct sw_load_report report;
	void (*snapshot)(const struct sw_run *r, struct sw_load_snapshot *s);
	bool (*drained)(const struct sw_run *r); /* DRAIN or SETTLE has nothing to wait for */
	bool (*waits)(const struct sw_run *r);	 /* there is something to be sent, now */
};

extern volatile int sw_run_stop_signal;
extern volatile int sw_run_continued; /* set by SIGCONT */

static inline uint64_t
sw_run_raw_ns(const struct sw_run *r)
{
	return sw_clock_ns(&r->clock, rte_rdtsc());
}

/* raw: a clock that goes on while the process is stopped. */
sw_always_inline uint64_t
sw_run_time(struct sw_run *r, uint64_t (*raw)(const struct sw_run *r))
{
	uint64_t now = raw(r) - r->stopped_ns;

	if (unlikely(sw_run_continued)) {
		sw_run_continued = 0;
		/* Anew: it may have been stopped behind the first look. */
		now = raw(r) - r->stopped_ns;
		if (r->now_ns != 0) {
			r->stopped_ns += now - r->now_ns;
			now = r->now_ns;
		}
	}
	r->now_ns = now;
	return now;
}

sw_always_inline uint64_t
sw_run_now(struct sw_run *r)
{
	return sw_run_time(r, sw_run_raw_ns);
}

/* snapshot, drained, waits, drain_ns, settles and mode are set. */
void sw_run_start(struct sw_run *r, uint64_t now_ns);

/* Called when now >= r->next_event_ns; moves the phase. */
void sw_run_event(struct sw_run *r, uint64_t now_ns);

/* It is DONE because the port took nothing any more. */
static inline bool
sw_run_is_stuck(const struct sw_run *r)
{
	return r->idle_s >= SW_RUN_STUCK_S;
}

/* All of --count has left, or all of --total have ended: the next event is at once. */
static inline void
sw_run_stop(struct sw_run *r)
{
	r->stop = true;
	r->next_event_ns = 0;
}

/* The modes: from a linked port to a full report. 0 or -errno after a message. */
int sw_run_flood(struct sw_run *r);
int sw_run_connect(struct sw_run *r); /* and mixed */

/* Makes n <= SW_IO_BURST packets and sends them; nothing is pending before. Returns how many. */
unsigned sw_run_flood_burst(struct sw_io *io, struct sw_flood *f, unsigned n);

#endif
