/* SPDX-License-Identifier: BSD-3-Clause */
/* load_run_rig.h - a run of synload's phases on a clock of the test's own, without ports. */
#ifndef SW_TEST_LOAD_RUN_RIG_H
#define SW_TEST_LOAD_RUN_RIG_H

#include <check.h>
#include <string.h>

#include "run.h"

#define MS	 1000000ull
#define SECOND	 (1000 * MS)
#define START_NS 5000

static struct sw_load_args a;
static struct sw_io io;
static struct sw_run r;
static struct sw_load_snapshot counted;
static bool none_open, all_answered, something_waits;
static uint64_t now;

static inline void
snapshot(const struct sw_run *run, struct sw_load_snapshot *s)
{
	(void)run;
	*s = counted;
}

static inline bool
drained(const struct sw_run *run)
{
	return run->phase == SW_PHASE_DRAIN ? none_open : all_answered;
}

static inline bool
waits(const struct sw_run *run)
{
	(void)run;
	return something_waits;
}

static inline void
begin(const struct sw_load_args *args)
{
	a = *args;
	a.quiet = true;
	memset(&r, 0, sizeof(r));
	memset(&counted, 0, sizeof(counted));
	sw_run_stop_signal = 0;
	none_open = all_answered = something_waits = false;
	r.args = &a;
	r.outside = &io;
	r.snapshot = snapshot;
	r.drained = drained;
	r.waits = waits;
	r.drain_ns = 3 * SECOND;
	now = START_NS;
	sw_run_start(&r, now);
}

/* As the loops do it, a microsecond a turn. */
static inline void
pass(uint64_t ns)
{
	for (const uint64_t end = now + ns; now < end && r.phase != SW_PHASE_DONE; now += 1000)
		if (now >= r.next_event_ns)
			sw_run_event(&r, now);
}

static inline void
pass_until_done(void)
{
	const uint64_t end = now + 100 * SECOND;

	while (r.phase != SW_PHASE_DONE && now < end)
		pass(MS);
	ck_assert_int_eq(r.phase, SW_PHASE_DONE);
}

#endif
