/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenarios_cookies.c - floods, guesses, forgeries, keys and the budget: what must open nothing.
 */
#include <string.h>

#include "scenarios.h"

static struct seg_path path4, path6;

static void
setup(void)
{
	path4 = bench_path(false, 1, 40000);
	path6 = bench_path(true, 1, 40000);
}

START_TEST(spoofed_syns_make_no_flow)
{
	struct bench b;
	struct rng r = {.s = 7};
	unsigned n = 100000;

	bench_init(&b);
	for (unsigned i = 0; i < n; i++) {
		struct seg_path p = bench_path(i & 1, (uint32_t)rng_range(&r, 1, 0xfffff), 0);

		p.end[CLIENT].port = (uint16_t)rng_range(&r, 1024, 65535);
		bench_cookie(&b, &p, (uint32_t)rng_next(&r));
		b.now += SIM_US;
	}
	ck_assert_uint_eq(b.total[SW_OUTSIDE], n);
	ck_assert_uint_eq(b.total[SW_INSIDE], 0);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_SYNACK_SENT), n);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_FLOW_CREATED), 0);
	ck_assert_uint_eq(rig_gauges(&b.rig).flows, 0);
	ck_assert_uint_eq(rig_gauges(&b.rig).pending, 0);
	bench_fini(&b);
}
END_TEST

/* One guess is right with 2^-24; with this seed none of a million is (the chance was 94 %). */
START_TEST(blind_acks_open_nothing)
{
	struct bench b;
	struct rng r = {.s = 100};
	unsigned n = 1000000, k = 0;
	struct rig_buf *bufs[SW_BURST_MAX];
	uint8_t sides[SW_BURST_MAX] = {0}, data[RIG_FRAME_MAX];
	struct seg_path p;
	struct seg s = bench_seg(SEG_ACK, 0, 0);
	size_t len;

	bench_init(&b);
	/* The budget is no obstacle: more was issued than is guessed back. */
	b.rig.view.budget = false;
	for (unsigned i = 0; i < n; i++) {
		p = bench_path(i & 1, (uint32_t)rng_range(&r, 1, 0xfffff), 0);
		p.end[CLIENT].port = (uint16_t)rng_next(&r);
		s.seq = (uint32_t)rng_next(&r);
		s.ack = (uint32_t)rng_next(&r);
		len = seg_build(data, sizeof(data), &p, CLIENT, &s);
		bufs[k++] = rig_buf_get(&b.rig, data, (uint32_t)len, 64);
		if (k < SW_BURST_MAX && i + 1 < n)
			continue;
		rig_burst(&b.rig, b.now, bufs, sides, k, 0);
		k = 0;
	}
	ck_assert_uint_eq(rig_drops(&b.rig, SW_DROP_COOKIE_BAD), n);
	ck_assert_uint_eq(b.total[SW_OUTSIDE] + b.total[SW_INSIDE], 0);
	ck_assert_uint_eq(rig_gauges(&b.rig).flows, 0);
	bench_fini(&b);
}
END_TEST

START_TEST(cookie_is_bound_to_all_it_names)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct seg_path p = v6 ? path6 : path4, q;
		struct bench b;
		uint32_t k;

		bench_init(&b);
		k = bench_cookie(&b, &p, ISN_C);
		for (unsigned bit = 0; bit < 32; bit++) {
			ck_assert(!bench_return(&b, &p, ISN_C, k ^ 1u << bit));
			ck_assert(!bench_return(&b, &p, ISN_C ^ 1u << bit, k));
		}
		q = bench_path(v6, 2, 40000);
		ck_assert(!bench_return(&b, &q, ISN_C, k));
		q = bench_path(v6, 1, 40001);
		ck_assert(!bench_return(&b, &q, ISN_C, k));
		q = p;
		q.n_tags = 1, q.tpid[0] = 0x8100, q.tci[0] = 5;
		ck_assert(!bench_return(&b, &q, ISN_C, k));
		ck_assert_uint_eq(rig_gauges(&b.rig).flows, 0);
		ck_assert(bench_return(&b, &p, ISN_C, k));
		ck_assert_uint_eq(rig_gauges(&b.rig).flows, 1);
		bench_fini(&b);
	}
}
END_TEST

/* Seconds from the start of an epoch of 64 s to the SYN, from there to the ACK; is it taken? */
static const struct {
	unsigned syn, ack;
	bool good;
} rotation[] = {
	{0, 0, true},	/* same key */
	{0, 63, true},	/* same epoch, other slot has the next key */
	{0, 64, true},	/* one rotation */
	{0, 95, true},	/* end of the first half of the next epoch */
	{0, 96, false}, /* its slot has been given away */
	{63, 32, true}, /* shortest life: half an epoch */
	{63, 33, false},
	{32, 63, true},
	{10, 128, false}, /* two rotations: the slot has another key */
	{10, 192, false},
};

START_TEST(cookie_lives_through_one_rotation)
{
	struct bench b;
	uint32_t k;

	bench_init(&b);
	b.now += rotation[_i].syn * SIM_SEC;
	k = bench_cookie(&b, &path4, ISN_C);
	b.now += rotation[_i].ack * SIM_SEC;
	ck_assert_int_eq(bench_return(&b, &path4, ISN_C, k), rotation[_i].good);
	ck_assert_uint_eq(rig_drops(&b.rig, SW_DROP_COOKIE_BAD), !rotation[_i].good);
	bench_fini(&b);
}
END_TEST

/*
 * Right cookies that this engine never issued: a twin with the same secret did, as a lucky guess
 * would. One cookie was issued here, so one is let in; a replay of that one is not counted twice.
 */
START_TEST(spent_budget_refuses_right_cookies)
{
	struct bench twin, b;
	struct seg_path p[3] = {
		bench_path(false, 1, 1), bench_path(true, 2, 2), bench_path(false, 3, 3)};
	struct seg rst = bench_seg(SEG_RST | SEG_ACK, 0, ISN_C + 1);
	uint32_t k[3];

	bench_init(&twin);
	bench_init(&b);
	b.rig.view.budget = _i;
	for (unsigned i = 0; i < 3; i++)
		k[i] = bench_cookie(&twin, &p[i], ISN_C);
	ck_assert_int_eq(bench_return(&b, &p[0], ISN_C, k[0]), !_i);
	bench_cookie(&b, &path4, ISN_C);
	ck_assert_int_eq(bench_return(&b, &p[1], ISN_C, k[1]), true);
	ck_assert_int_eq(bench_return(&b, &p[2], ISN_C, k[2]), !_i);
	ck_assert_uint_eq(rig_drops(&b.rig, SW_DROP_COOKIE_BUDGET), _i ? 2 : 0);
	ck_assert_uint_eq(rig_gauges(&b.rig).flows, _i ? 1 : 3);
	bench_feed(&b, &p[1], SERVER, &rst);
	ck_assert_uint_eq(b.n, 1);
	ck_assert_int_eq(b.c[0].side, SW_OUTSIDE);
	ck_assert_uint_eq(b.c[0].seg.flags & SEG_RST, SEG_RST);
	ck_assert_uint_eq(b.c[0].seg.seq, k[1] + 1);
	ck_assert(bench_return(&b, &p[1], ISN_C, k[1]));
	ck_assert_int_eq(bench_return(&b, &p[2], ISN_C, k[2]), false); /* refused, or a replay */
	bench_fini(&b);
	bench_fini(&twin);
}
END_TEST

START_TEST(wiped_keys_accept_nothing)
{
	struct bench b;
	static const struct sw_keys zero;
	struct sw_keys gone;
	uint32_t k;

	bench_init(&b);
	k = bench_cookie(&b, &path4, ISN_C);
	gone = b.rig.keys;
	sw_wipe(&gone, sizeof(gone));
	ck_assert_mem_eq(&gone, &zero, sizeof(gone));
	b.rig.master.k[0].k0 ^= 1;
	b.rig.keys_until_s = 0; /* derived anew, of another secret */
	ck_assert(!bench_return(&b, &path4, ISN_C, k));
	ck_assert_uint_eq(rig_gauges(&b.rig).flows, 0);
	bench_fini(&b);
}
END_TEST

Suite *
suite_cookies(void)
{
	Suite *s = suite_create("cookies");
	TCase *t = tcase_create("scripts");

	tcase_set_timeout(t, 0);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, spoofed_syns_make_no_flow);
	tcase_add_test(t, blind_acks_open_nothing);
	tcase_add_test(t, cookie_is_bound_to_all_it_names);
	tcase_add_loop_test(t, cookie_lives_through_one_rotation, 0, (int)SW_ARRAY_LEN(rotation));
	tcase_add_loop_test(t, spent_budget_refuses_right_cookies, 0, 2);
	tcase_add_test(t, wiped_keys_accept_nothing);
	suite_add_tcase(s, t);
	return s;
}
