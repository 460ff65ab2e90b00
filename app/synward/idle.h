/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * idle.h - how long a worker that has nothing to do may sleep.
 *
 * The ports that synward runs on have no receive interrupt in common, so a worker looks again by
 * itself. It polls on for SW_IDLE_AFTER_US after the last packet, then sleeps between its rounds:
 * 50 us at first, twice as long each time, at most SW_IDLE_SLEEP_MAX_US. A packet starts it anew.
 * What a sleeping worker costs a packet is at most that, and the kernel's timer slack. The engine's
 * tick (TICK_US in worker.c: 1 ms) comes by as much later, which its timers, of seconds, do not
 * mind; the grace period of a view (2 ms) is longer than the longest sleep.
 *
 * Threads: each worker has its own. No I/O here: the caller sleeps.
 */
#ifndef SW_APP_IDLE_H
#define SW_APP_IDLE_H

#include "base/base.h"

#define SW_IDLE_AFTER_US     200
#define SW_IDLE_SLEEP_MIN_US 50
#define SW_IDLE_SLEEP_MAX_US 1000

struct sw_idle {
	uint64_t tsc_per_us; /* 0: never sleep */
	uint64_t since_tsc;  /* of the first empty round; 0: the last one was not empty */
	uint32_t sleep_us;   /* of the last sleep */
};

/* There was something to do. */
sw_always_inline void
sw_idle_busy(struct sw_idle *idle)
{
	idle->since_tsc = 0;
}

/* There was nothing at tsc, which is not 0: microseconds to sleep, 0 to poll on. */
sw_always_inline uint32_t
sw_idle_rest(struct sw_idle *idle, uint64_t tsc)
{
	if (idle->tsc_per_us == 0)
		return 0;
	if (idle->since_tsc == 0) {
		idle->since_tsc = tsc;
		idle->sleep_us = SW_IDLE_SLEEP_MIN_US / 2;
		return 0;
	}
	if (tsc - idle->since_tsc < idle->tsc_per_us * SW_IDLE_AFTER_US)
		return 0;
	idle->sleep_us *= 2;
	if (idle->sleep_us > SW_IDLE_SLEEP_MAX_US)
		idle->sleep_us = SW_IDLE_SLEEP_MAX_US;
	return idle->sleep_us;
}

#endif
