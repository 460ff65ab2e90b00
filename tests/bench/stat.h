/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stat.h - median, 99th percentile and least of a row of samples.
 *
 * The percentile is a nearest rank: the least sample that is not exceeded by 99 % of them all, one
 * that was really seen. The median of an even number is the mean of the two in the middle.
 */
#ifndef BENCH_STAT_H
#define BENCH_STAT_H

#include <stddef.h>
#include <stdint.h>

struct bench_stat {
	double median;
	double p99;
	double min;
};

/* samples[0..n-1], n > 0, are sorted in place; each result is divided by `per`, which is not 0. */
struct bench_stat bench_stat(uint64_t *samples, size_t n, uint64_t per);

#endif
