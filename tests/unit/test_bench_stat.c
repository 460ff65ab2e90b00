/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>

#include "bench/stat.h"
#include "unit/pkt_make.h"

START_TEST(one_sample)
{
	uint64_t s[] = {640};
	struct bench_stat r = bench_stat(s, 1, 32);

	ck_assert_double_eq(r.median, 20);
	ck_assert_double_eq(r.p99, 20);
	ck_assert_double_eq(r.min, 20);
}
END_TEST

START_TEST(median_of_odd_and_even)
{
	uint64_t odd[] = {9, 1, 5}, even[] = {9, 1, 6, 5};

	ck_assert_double_eq(bench_stat(odd, 3, 1).median, 5);
	ck_assert_double_eq(bench_stat(even, 4, 1).median, 5.5);
}
END_TEST

/* 1..n in falling order: the sample of rank r is r. */
START_TEST(percentile_is_a_nearest_rank)
{
	static const struct {
		size_t n;
		double p99;
	} cases[] = {{2, 2}, {99, 99}, {100, 99}, {101, 100}, {200, 198}, {201, 199}, {1000, 990}};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		uint64_t s[1000];

		for (size_t i = 0; i < cases[c].n; i++)
			s[i] = cases[c].n - i;
		ck_assert_double_eq(bench_stat(s, cases[c].n, 1).p99, cases[c].p99);
		ck_assert_uint_eq(s[0], 1);
	}
}
END_TEST

/* Samples beyond 32 bits are ordered right; at least 99 % are not above p99, and it is a sample. */
START_TEST(random_rows)
{
	uint64_t seed = pkt_seed();

	for (unsigned round = 0; round < 200; round++) {
		uint64_t s[300];
		size_t n = 1 + pkt_rand(&seed) % 300, not_above = 0, below = 0, at = 0;
		struct bench_stat r;

		for (size_t i = 0; i < n; i++)
			s[i] = pkt_rand(&seed) >> (12 + pkt_rand(&seed) % 40);
		r = bench_stat(s, n, 1);
		for (size_t i = 0; i < n; i++) {
			not_above += (double)s[i] <= r.p99;
			below += (double)s[i] < r.p99;
			at += (double)s[i] == r.p99;
			ck_assert_msg((double)s[i] >= r.min, "seed %lu", (unsigned long)seed);
		}
		ck_assert_msg(not_above * 100 >= n * 99 && below * 100 < n * 99 && at > 0,
			"seed %lu: %zu of %zu not above, %zu below", (unsigned long)seed, not_above,
			n, below);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bench_stat");
	TCase *tc = tcase_create("bench_stat");

	tcase_add_test(tc, one_sample);
	tcase_add_test(tc, median_of_odd_and_even);
	tcase_add_test(tc, percentile_is_a_nearest_rank);
	tcase_add_test(tc, random_rows);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_FORK_GETENV);
}
