/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h - nanoseconds from the TSC: one multiplication, no division, no system call.
 *
 * ns = ns0 + (tsc - tsc0) * mult / 2^32, mult = 10^9 * 2^32 / TSC frequency. The product has 96
 * bits; mult is exact to 1 part in 10^9, half a second in 16 years.
 *
 * It starts at the wall clock, so that what is derived from it (the timestamps of SYN-ACKs) goes on
 * forward over a restart, and then only counts: nobody steps it.
 *
 * Threads: immutable once made.
 */
#ifndef SW_APP_CLOCK_H
#define SW_APP_CLOCK_H

#include <stdint.h>
#include <time.h>

#include <rte_cycles.h>

struct sw_clock {
	uint64_t tsc0;
	uint64_t ns0;
	uint64_t mult;
};

static inline struct sw_clock
sw_clock_start(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct sw_clock){
		.tsc0 = rte_rdtsc(),
		.ns0 = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec,
		.mult = (uint64_t)(((unsigned __int128)1000000000u << 32) / rte_get_tsc_hz()),
	};
}

static inline uint64_t
sw_clock_ns(const struct sw_clock *c, uint64_t tsc)
{
	return c->ns0 + (uint64_t)((unsigned __int128)(tsc - c->tsc0) * c->mult >> 32);
}

#endif
