/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back to a flood: what is counted as what, and which options the answers carried. */
#include "load_reply_rig.h"

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
		judge(&r);
		sw_flood_input(r.flood, r.buf, (uint32_t)r.len);
		ck_assert_uint_eq(*(uint64_t *)((char *)&r.flood->stats + cases[i / 2].field), 1);
		ck_assert_uint_eq(r.flood->stats.rx, 1);
		free(r.flood);
	}
	rig_init(&r, false, 0, SW_CRAFT_NONE);
	r.flood->sample = 10;
	r.flood->until_sample = 1;
	ck_assert_int_eq(judge(&r), SW_REPLY_RIGHT);
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
	free(r.flood);
}
END_TEST

/* Every subset of the four options, in an order and out of it. */
START_TEST(options_that_are_carried)
{
	for (unsigned set = 0; set < 1 << SW_REPLY_OPTIONS_MAX; set++) {
		struct rig r;
		uint8_t ts[10] = {8, 10, 9, 9, 9, 9};

		rig_init(&r, set & 1, 0, SW_CRAFT_LINUX);
		r.flood->sample = r.flood->until_sample = 1;
		memcpy(ts + 6, r.s.opts + 8, 4);
		if (set & 1 << SW_REPLY_TS)
			add(&r, ts, sizeof(ts));
		if (set & 1 << SW_REPLY_MSS)
			add(&r, (uint8_t[]){2, 4, 5, 180}, 4);
		if (set & 1 << SW_REPLY_SACK)
			add(&r, (uint8_t[]){4, 2}, 2);
		if (set & 1 << SW_REPLY_WSCALE)
			add(&r, (uint8_t[]){1, 3, 3, 0}, 4);
		ck_assert_int_eq(judge(&r), SW_REPLY_RIGHT);
		ck_assert_uint_eq(r.carries, set);
		sw_flood_input(r.flood, r.buf, (uint32_t)r.len);
		for (unsigned o = 0; o < SW_REPLY_OPTIONS_MAX; o++)
			ck_assert_uint_eq(r.flood->stats.carried[o], set >> o & 1);
		free(r.flood);
	}
}
END_TEST

/* What a wrong one carries counts for nothing. */
START_TEST(no_options_of_wrong_ones)
{
	struct rig r;

	rig_init(&r, false, 0, SW_CRAFT_LINUX);
	right_options(&r);
	ck_assert_int_eq(judge(&r), SW_REPLY_RIGHT);
	ck_assert_uint_eq(r.carries, (1 << SW_REPLY_OPTIONS_MAX) - 1);
	r.opts[19]++; /* of the timestamp, which is the last */
	ck_assert_int_eq(judge(&r), SW_REPLY_TSECR);
	ck_assert_uint_eq(r.carries, 0);
	r.opts[19]--;
	r.m.ack++;
	ck_assert_int_eq(judge(&r), SW_REPLY_ACK);
	ck_assert_uint_eq(r.carries, 0);
	free(r.flood);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_answers");
	TCase *t = tcase_create("all");

	tcase_add_test(t, counting);
	tcase_add_test(t, options_that_are_carried);
	tcase_add_test(t, no_options_of_wrong_ones);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
