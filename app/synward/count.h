/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * count.h - counters of one writer that others read while it counts (totals.c).
 *
 * Threads: one adds to a counter; any may read it, with a relaxed load.
 */
#ifndef SW_APP_COUNT_H
#define SW_APP_COUNT_H

#include "base/base.h"

/* Stored whole: a reader sees the value before or after, not a half of each. */
sw_always_inline void
sw_counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

#endif
