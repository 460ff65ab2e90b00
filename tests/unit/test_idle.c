/* SPDX-License-Identifier: BSD-3-Clause */
/* When an idle worker sleeps and for how long. */
#include <check.h>

#include "idle.h"

#define PER_US 2600

START_TEST(polls_then_sleeps_longer_and_longer)
{
	static const uint32_t want[] = {50, 100, 200, 400, 800, 1000, 1000, 1000};
	struct sw_idle idle = {.tsc_per_us = PER_US};
	uint64_t tsc = UINT64_MAX - PER_US * 1000ull; /* the counter may wrap */

	for (unsigned turn = 0; turn < 3; turn++) {
		const uint64_t first = tsc;

		for (; tsc - first < PER_US * SW_IDLE_AFTER_US; tsc += 777)
			ck_assert_uint_eq(sw_idle_rest(&idle, tsc), 0);
		for (unsigned i = 0; i < SW_ARRAY_LEN(want); i++) {
			const uint32_t us = sw_idle_rest(&idle, tsc);

			ck_assert_uint_eq(us, want[i]);
			tsc += us * PER_US;
		}
		sw_idle_busy(&idle);
	}
}
END_TEST

START_TEST(traffic_keeps_it_awake)
{
	struct sw_idle idle = {.tsc_per_us = PER_US};

	for (uint64_t tsc = 1; tsc < PER_US * 100000ull; tsc += PER_US * 10) {
		ck_assert_uint_eq(sw_idle_rest(&idle, tsc), 0);
		if (tsc / (PER_US * 10) % 10 == 9)
			sw_idle_busy(&idle);
	}
}
END_TEST

START_TEST(never_when_polling)
{
	struct sw_idle idle = {0};

	for (uint64_t tsc = 1; tsc < PER_US * 100000ull; tsc += PER_US * 100)
		ck_assert_uint_eq(sw_idle_rest(&idle, tsc), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("idle");
	TCase *tc = tcase_create("idle");

	tcase_add_test(tc, polls_then_sleeps_longer_and_longer);
	tcase_add_test(tc, traffic_keeps_it_awake);
	tcase_add_test(tc, never_when_polling);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_FORK_GETENV);
}
