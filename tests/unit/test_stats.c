/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <ctype.h>
#include <string.h>

#include "stats/stats.h"

START_TEST(names_are_unique_and_plain)
{
	for (unsigned i = 0; i < SW_C_MAX; i++) {
		const struct sw_counter_info *a = &sw_counter_info[i];

		if (i == SW_C_DROP_BASE) {
			ck_assert_ptr_null(a->name);
			continue;
		}
		ck_assert_ptr_nonnull(a->name);
		ck_assert(strlen(a->name) < 64 && strlen(a->help) > 10 && strlen(a->unit) > 0);
		for (const char *p = a->name; *p; p++)
			ck_assert(islower((unsigned char)*p) || *p == '_' ||
				  isdigit((unsigned char)*p));
		for (unsigned k = i + 1; k < SW_C_MAX; k++)
			ck_assert(k == SW_C_DROP_BASE ||
				  strcmp(a->name, sw_counter_info[k].name) != 0);
	}
	ck_assert_str_eq(sw_counter_info[SW_C_SYN_RECEIVED].name, "syn_received");
	ck_assert_str_eq(
		sw_counter_info[SW_C_DROP_BASE + SW_DROP_COOKIE_BAD].name, "drop_cookie_bad");
}
END_TEST

START_TEST(bursts_add_up)
{
	struct sw_stats s = {0}, other = {0};
	uint64_t sum[SW_C_MAX] = {0};

	for (unsigned n = 0; n < 100; n++) {
		struct sw_stats_burst b;

		sw_stats_clear(&b);
		for (unsigned i = 0; i < SW_C_MAX; i++)
			b.c[i] = i;
		sw_count_drop(&b, SW_DROP_TABLE_FULL);
		sw_stats_fold(&s, &b);
	}
	s.c[0] = other.c[0] = 1ull << 40; /* more than 32 bits */
	sw_stats_read(&s, sum);
	sw_stats_read(&other, sum);
	ck_assert_uint_eq(sum[0], 1ull << 41);
	for (unsigned i = 1; i < SW_C_MAX; i++) {
		bool extra = i == SW_C_DROPPED || i == SW_C_DROP_BASE + SW_DROP_TABLE_FULL;

		ck_assert_uint_eq(sum[i], 100 * (i + extra));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("stats");
	TCase *c = tcase_create("stats");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, names_are_unique_and_plain);
	tcase_add_test(c, bursts_add_up);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
