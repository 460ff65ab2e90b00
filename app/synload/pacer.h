/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pacer.h - how much is due at a rate: an open loop, evenly spread.
 *
 * What a full ring held up is made up for, but no more than SW_PACER_CATCH_UP_NS of it: after that
 * the rate is simply not reached, and a burst does not follow a stall.
 *
 * Threads: one. Time: any clock that only goes forward, ns.
 */
#ifndef SW_LOAD_PACER_H
#define SW_LOAD_PACER_H

#include "base/base.h"

#define SW_PACER_CATCH_UP_NS 10000000u

struct sw_pacer {
	uint64_t rate; /* a second; 0: as fast as it goes */
	uint64_t start_ns;
	uint64_t done;
	uint64_t skipped; /* that were due and are given up */
};

static inline void
sw_pacer_start(struct sw_pacer *p, uint64_t rate, uint64_t now_ns)
{
	*p = (struct sw_pacer){.rate = rate, .start_ns = now_ns};
}

/* The number that is due now, at most max. */
static inline uint64_t
sw_pacer_due(struct sw_pacer *p, uint64_t now_ns, uint64_t max)
{
	uint64_t target, behind, most;

	if (p->rate == 0)
		return max;
	/* 2^64 ns are 584 years; the product needs 94 bits at most. */
	target = (uint64_t)((unsigned __int128)(now_ns - p->start_ns) * p->rate / 1000000000u);
	behind = target - p->done;
	most = (uint64_t)((unsigned __int128)SW_PACER_CATCH_UP_NS * p->rate / 1000000000u) + 1;
	if (behind > most) {
		p->skipped += behind - most;
		p->done += behind - most;
		behind = most;
	}
	return behind < max ? behind : max;
}

static inline void
sw_pacer_sent(struct sw_pacer *p, uint64_t n)
{
	p->done += n;
}

#endif
