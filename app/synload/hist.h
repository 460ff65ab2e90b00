/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hist.h - a histogram of times: linear below 64 us, then 32 buckets for each doubling.
 *
 * A value is at most 1/32 (3.2 %) below the upper end of its bucket, which is what a percentile
 * says. The largest value is kept as it is.
 *
 * Threads: one.
 */
#ifndef SW_LOAD_HIST_H
#define SW_LOAD_HIST_H

#include "base/base.h"

#define SW_HIST_SUB_BITS 5
#define SW_HIST_BUCKETS	 ((32 - SW_HIST_SUB_BITS + 1) << SW_HIST_SUB_BITS)

struct sw_hist {
	uint64_t n;
	uint64_t sum_us;
	uint32_t max_us;
	uint64_t bucket[SW_HIST_BUCKETS];
};

static inline unsigned
sw_hist_bucket(uint32_t us)
{
	unsigned shift;

	if (us < 2u << SW_HIST_SUB_BITS)
		return us;
	shift = 31 - (unsigned)__builtin_clz(us) - SW_HIST_SUB_BITS;
	return (shift << SW_HIST_SUB_BITS) + (us >> shift);
}

/* The largest value of a bucket. */
static inline uint32_t
sw_hist_upper(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2u << SW_HIST_SUB_BITS)
		return bucket;
	shift = (bucket >> SW_HIST_SUB_BITS) - 1;
	return (uint32_t)(((uint64_t)(bucket - (shift << SW_HIST_SUB_BITS)) + 1) << shift) - 1;
}

static inline void
sw_hist_add(struct sw_hist *h, uint32_t us)
{
	h->n++;
	h->sum_us += us;
	h->bucket[sw_hist_bucket(us)]++;
	if (us > h->max_us)
		h->max_us = us;
}

/* What a share (0.5, 0.99) of the values is not above; 0 without values. */
static inline uint32_t
sw_hist_percentile(const struct sw_hist *h, double share)
{
	const double want = share * (double)h->n;
	uint64_t seen = 0;

	for (unsigned i = 0; i < SW_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > 0 && (double)seen >= want)
			return sw_hist_upper(i) < h->max_us ? sw_hist_upper(i) : h->max_us;
	}
	return h->max_us;
}

#endif
