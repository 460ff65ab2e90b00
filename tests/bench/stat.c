/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/stat.h"

#include <stdlib.h>

static int
by_value(const void *a, const void *b)
{
	uint64_t x, y;

	x = *(const uint64_t *)a;
	y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

struct bench_stat
bench_stat(uint64_t *samples, size_t n, uint64_t per)
{
	size_t rank = (n * 99 + 99) / 100; /* 1..n: of n samples, 99 % rounded up */

	qsort(samples, n, sizeof(*samples), by_value);
	return (struct bench_stat){
		.median = ((double)samples[(n - 1) / 2] + (double)samples[n / 2]) / 2 / (double)per,
		.p99 = (double)samples[rank - 1] / (double)per,
		.min = (double)samples[0] / (double)per,
	};
}
