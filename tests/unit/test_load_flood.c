/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back to a flood is counted as what it is. */
#include "packet/options.h"
#include "reply_rig.h"

static unsigned seen;

/* What is counted as what, and that one of `sample` is judged. */
START_TEST(counting)
{
	static const struct {
		uint8_t flags;
		size_t field;
	} cases[] = {
		{0x12, offsetof(struct sw_flood_stats, synack)},
		{0x04, offsetof(struct sw_flood_stats, rst)},
		{0x14, offsetof(struct sw_flood_stats, rst)},
		{0x02, offsetof(struct sw_flood_stats, syn)},
		{0x10, offsetof(struct sw_flood_stats, tcp)},
		{0x11, offsetof(struct sw_flood_stats, tcp)},
	};
	struct rig r;

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases) * 2; i++) {
		rig_init(&r, i & 1, i & 2 ? 3 : 0, SW_CRAFT_NONE);
		r.m.flags = cases[i / 2].flags;
		judge(&r, &seen);
		sw_flood_input(r.flood, r.buf, (uint32_t)r.len);
		ck_assert_uint_eq(*(uint64_t *)((char *)&r.flood->stats + cases[i / 2].field), 1);
		ck_assert_uint_eq(r.flood->stats.rx, 1);
		free(r.flood);
	}
	rig_init(&r, false, 0, SW_CRAFT_NONE);
	r.flood->sample = 10;
	r.flood->until_sample = 1;
	ck_assert_int_eq(judge(&r, &seen), SW_REPLY_RIGHT);
	for (int i = 0; i < 100; i++) {
		/* The 1st, 11th ... are judged: each fourth of those is a wrong one. */
		r.buf[r.s.l4_off + 8] ^= i % 40 == 0;
		sw_flood_input(r.flood, r.buf, (uint32_t)r.len);
		r.buf[r.s.l4_off + 8] ^= i % 40 == 0;
	}
	ck_assert_uint_eq(r.flood->stats.synack, 100);
	ck_assert_uint_eq(r.flood->stats.checked, 10);
	ck_assert_uint_eq(r.flood->stats.invalid[SW_REPLY_TCP_CSUM], 3);
	ck_assert_uint_eq(r.flood->stats.invalid[SW_REPLY_RIGHT], 7);
	ck_assert_uint_eq(r.flood->stats.with[SW_OPT_MSS], 0);
	free(r.flood);
}
END_TEST

/* Options are counted of what was judged and right. */
START_TEST(options)
{
	for (unsigned set = 0; set < SW_CRAFT_OPTION_SETS; set++) {
		const bool mss = set != SW_CRAFT_NONE, full = set >= SW_CRAFT_LINUX;
		const bool ts = set == SW_CRAFT_LINUX || set == SW_CRAFT_MAC;
		struct rig r;

		rig_init(&r, set & 1, 0, set);
		right_options(&r);
		r.flood->sample = r.flood->until_sample = 1;
		ck_assert_int_eq(judge(&r, &seen), SW_REPLY_RIGHT);
		for (int i = 0; i < 3; i++) {
			r.buf[r.s.l4_off + 8] ^= i == 0; /* a wrong one */
			sw_flood_input(r.flood, r.buf, (uint32_t)r.len);
			r.buf[r.s.l4_off + 8] ^= i == 0;
		}
		ck_assert_uint_eq(r.flood->stats.checked, 3);
		ck_assert_uint_eq(r.flood->stats.with[SW_OPT_MSS], 2 * mss);
		ck_assert_uint_eq(r.flood->stats.with[SW_OPT_WSCALE], 2 * full);
		ck_assert_uint_eq(r.flood->stats.with[SW_OPT_SACK_PERM], 2 * full);
		ck_assert_uint_eq(r.flood->stats.with[SW_OPT_TS], 2 * ts);
		free(r.flood);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_flood");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_test(t, counting);
	tcase_add_test(t, options);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
