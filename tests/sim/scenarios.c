/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenarios - scripts for the engine: floods, forgeries, keys, replays, forged closings, timers.
 * `scenarios` runs all of them, those with whole peers too.
 */
#include <stdlib.h>
#include <string.h>

#include "scenarios.h"

#define ISN_C 0xfffffff0u /* wraps in the first bytes */
#define ISN_S 0x10000000u

static struct seg_path path4, path6;

static struct seg_path
path(bool v6, uint32_t client, uint16_t port)
{
	return seg_path_make(v6, client, port, RIG_PORT_PROXY, 0, 0);
}

static void
setup(void)
{
	path4 = path(false, 1, 40000);
	path6 = path(true, 1, 40000);
}

START_TEST(spoofed_syns_make_no_flow)
{
	struct bench b;
	struct rng r = {.s = 7};
	unsigned n = 100000;

	bench_init(&b);
	for (unsigned i = 0; i < n; i++) {
		struct seg_path p = path(i & 1, (uint32_t)rng_range(&r, 1, 0xfffff),
			(uint16_t)rng_range(&r, 1024, 65535));

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
		p = path(i & 1, (uint32_t)rng_range(&r, 1, 0xfffff), (uint16_t)rng_next(&r));
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
		q = path(v6, 2, 40000);
		ck_assert(!bench_return(&b, &q, ISN_C, k));
		q = path(v6, 1, 40001);
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
 * Right cookies that this engine never issued: a twin with the same secret did, as a lucky guess would.
 * One cookie was issued here, so one is let in; a replay of that one is not counted twice.
 */
START_TEST(spent_budget_refuses_right_cookies)
{
	struct bench twin, b;
	struct seg_path p[3] = {path(false, 1, 1), path(true, 2, 2), path(false, 3, 3)};
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

START_TEST(replayed_ack_makes_no_second_flow)
{
	struct bench b;
	struct seg synack = bench_seg(SEG_SYN | SEG_ACK, ISN_S, ISN_C + 1);
	struct seg ack;
	uint32_t k;

	bench_init(&b);
	k = bench_cookie(&b, &path4, ISN_C);
	ck_assert(bench_return(&b, &path4, ISN_C, k));
	ck_assert(!bench_return(&b, &path4, ISN_C, k)); /* half-open */
	bench_feed(&b, &path4, SERVER, &synack);
	ack = bench_seg(SEG_ACK, ISN_C + 1, k + 1); /* live: an ACK like any other */
	ck_assert_uint_eq(bench_feed(&b, &path4, CLIENT, &ack), 1);
	ck_assert_int_eq(b.c[0].side, SW_INSIDE);
	ck_assert_uint_eq(b.c[0].seg.flags, SEG_ACK);
	ck_assert_uint_eq(b.c[0].seg.ack, ISN_S + 1);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_COOKIE_ACCEPTED), 1);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_FLOW_CREATED), 1);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_SERVER_SYN_SENT), 1);
	ck_assert_uint_eq(rig_gauges(&b.rig).flows, 1);
	bench_fini(&b);
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

/* SYN at 0, 1, 3 and 7 s; at 15 s the client is reset. */
START_TEST(silent_server_is_asked_four_times)
{
	static const unsigned at_s[] = {1, 3, 7, 15};
	struct bench b;
	uint64_t start;
	unsigned seen = 0;
	uint32_t k;

	bench_init(&b);
	start = b.now;
	k = bench_cookie(&b, &path4, ISN_C);
	ck_assert(bench_return(&b, &path4, ISN_C, k));
	while (seen < 4 && b.now < start + 20 * SIM_SEC) {
		uint64_t now = b.now;

		if (bench_wait(&b, 10 * SIM_MS) == 0)
			continue;
		ck_assert_uint_eq(b.n, 1);
		ck_assert_uint_ge(now - start, at_s[seen] * SIM_SEC);
		ck_assert_uint_le(now - start, at_s[seen] * SIM_SEC + 30 * SIM_MS);
		if (seen < 3) {
			ck_assert_int_eq(b.c[0].side, SW_INSIDE);
			ck_assert_uint_eq(b.c[0].seg.flags, SEG_SYN);
			ck_assert_uint_eq(b.c[0].seg.seq, ISN_C);
		} else {
			ck_assert_int_eq(b.c[0].side, SW_OUTSIDE);
			ck_assert_uint_eq(b.c[0].seg.flags & SEG_RST, SEG_RST);
			ck_assert_uint_eq(b.c[0].seg.seq, k + 1);
		}
		seen++;
	}
	ck_assert_uint_eq(seen, 4);
	ck_assert_uint_eq(bench_wait(&b, 20 * SIM_SEC), 0);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_SERVER_TIMED_OUT), 1);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_SERVER_SYN_RETRANSMITTED), 3);
	ck_assert_uint_eq(rig_gauges(&b.rig).flows + rig_gauges(&b.rig).pending, 0);
	bench_fini(&b);
}
END_TEST

/* Forged closings from the outside, by distance of the guess from what the server has acknowledged. */
static const struct {
	uint8_t flags;
	uint32_t off;
	uint8_t state; /* then */
} forged[] = {
	{SEG_RST, 0x40000000, SW_FLOW_OPEN},
	{SEG_RST, 0x80000000, SW_FLOW_OPEN},
	{SEG_RST | SEG_ACK, (1u << 22) + 100, SW_FLOW_OPEN},
	{SEG_FIN | SEG_ACK, 0x40000000, SW_FLOW_OPEN},
	{SEG_FIN | SEG_ACK, -100000u, SW_FLOW_OPEN},
	{SEG_RST, 1000, SW_FLOW_RST_CLIENT},
	{SEG_RST | SEG_ACK, 0, SW_FLOW_RST_CLIENT},
	{SEG_FIN | SEG_ACK, 1000, SW_FLOW_FIN_CLIENT},
};

START_TEST(forged_closing_deletes_no_flow)
{
	struct bench b;
	struct seg s, data;
	uint32_t k;

	bench_init(&b);
	k = bench_open(&b, &path4, ISN_C, ISN_S);
	s = bench_seg(forged[_i].flags, ISN_C + 1 + forged[_i].off, k + 1);
	/* It is passed on to the end that can judge it. */
	ck_assert_uint_eq(bench_feed(&b, &path4, CLIENT, &s), 1);
	ck_assert_int_eq(b.c[0].side, SW_INSIDE);
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, forged[_i].state);
	bench_wait(&b, 5 * SIM_SEC);
	/* The client goes on: what was said to be reset was not. */
	data = bench_seg(SEG_ACK | SEG_PSH, ISN_C + 1, k + 1);
	data.pay = (const uint8_t *)"hello";
	data.pay_len = 5;
	ck_assert_uint_eq(bench_feed(&b, &path4, CLIENT, &data), 1);
	ck_assert_uint_eq(b.c[0].seg.pay_len, 5);
	ck_assert_uint_eq(b.c[0].seg.ack, ISN_S + 1);
	if (forged[_i].flags & SEG_RST)
		ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_OPEN);
	bench_wait(&b, 60 * SIM_SEC);
	ck_assert_ptr_nonnull(bench_flow(&b, &path4));
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_FLOW_RESET), 0);
	bench_fini(&b);
}
END_TEST

START_TEST(syn_on_a_live_flow_goes_to_the_server)
{
	struct bench b;
	struct seg syn = bench_seg(SEG_SYN, ISN_C + 5000, 0);

	bench_init(&b);
	bench_open(&b, &path4, ISN_C, ISN_S);
	ck_assert_uint_eq(bench_feed(&b, &path4, CLIENT, &syn), 1);
	ck_assert_int_eq(b.c[0].side, SW_INSIDE);
	ck_assert_uint_eq(b.c[0].seg.flags, SEG_SYN);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_LIVE_SYN_PASSED), 1);
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_OPEN);
	bench_fini(&b);
}
END_TEST

START_TEST(syn_on_a_closing_tuple_opens_anew)
{
	struct bench b;
	struct seg s;
	uint32_t k, isn2 = ISN_C + 70000;

	bench_init(&b);
	k = bench_open(&b, &path4, ISN_C, ISN_S);
	s = bench_seg(SEG_FIN | SEG_ACK, ISN_C + 1, k + 1);
	bench_feed(&b, &path4, CLIENT, &s);
	s = bench_seg(SEG_FIN | SEG_ACK, ISN_S + 1, ISN_C + 2);
	bench_feed(&b, &path4, SERVER, &s);
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_FIN_BOTH);
	k = bench_cookie(&b, &path4, isn2);
	/* Only the cookie takes the flow over: the SYN alone changes nothing. */
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_FIN_BOTH);
	ck_assert(bench_return(&b, &path4, isn2, k));
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_SYN_SENT);
	ck_assert_uint_eq(rig_gauges(&b.rig).flows, 1);
	ck_assert_uint_eq(rig_count(&b.rig, SW_C_FLOW_REOPENED), 1);
	bench_fini(&b);
}
END_TEST

/* A mode's whole answer to a handshake and to a stray segment of the server. */
START_TEST(modes_without_flows)
{
	static const uint16_t port[] = {
		RIG_PORT_RESPOND, RIG_PORT_PASS, RIG_PORT_DROP, RIG_PORT_OTHER};
	struct seg_path p = seg_path_make(false, 1, 40000, port[_i], 0, 0);
	struct seg syn = bench_seg(SEG_SYN, ISN_C, 0), ack;
	struct bench b;

	bench_init(&b);
	bench_feed(&b, &p, CLIENT, &syn);
	ck_assert_uint_eq(b.total[SW_OUTSIDE], port[_i] == RIG_PORT_RESPOND);
	ck_assert_uint_eq(
		b.total[SW_INSIDE], port[_i] == RIG_PORT_PASS || port[_i] == RIG_PORT_OTHER);
	ck_assert_uint_eq(rig_drops(&b.rig, SW_DROP_SERVICE_DROP), port[_i] == RIG_PORT_DROP);
	if (port[_i] == RIG_PORT_RESPOND) {
		ack = bench_seg(SEG_ACK, ISN_C + 1, b.c[0].seg.seq + 1);
		bench_feed(&b, &p, CLIENT, &ack);
		ck_assert_uint_eq(rig_count(&b.rig, SW_C_RESPOND_ACCEPTED), 1);
		ack.ack ^= 0x100;
		bench_feed(&b, &p, CLIENT, &ack);
		ck_assert_uint_eq(rig_count(&b.rig, SW_C_RESPOND_ACCEPTED), 1);
		ck_assert_uint_eq(rig_drops(&b.rig, SW_DROP_COOKIE_BAD), 1);
		ck_assert_uint_eq(b.total[SW_INSIDE], 0);
	}
	ck_assert_uint_eq(rig_gauges(&b.rig).flows, 0);
	bench_fini(&b);
}
END_TEST

static Suite *
suite_engine(void)
{
	Suite *s = suite_create("engine");
	TCase *t = tcase_create("scripts");

	tcase_set_timeout(t, 0);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, spoofed_syns_make_no_flow);
	tcase_add_test(t, blind_acks_open_nothing);
	tcase_add_test(t, cookie_is_bound_to_all_it_names);
	tcase_add_loop_test(t, cookie_lives_through_one_rotation, 0, (int)SW_ARRAY_LEN(rotation));
	tcase_add_loop_test(t, spent_budget_refuses_right_cookies, 0, 2);
	tcase_add_test(t, replayed_ack_makes_no_second_flow);
	tcase_add_test(t, wiped_keys_accept_nothing);
	tcase_add_test(t, silent_server_is_asked_four_times);
	tcase_add_loop_test(t, forged_closing_deletes_no_flow, 0, (int)SW_ARRAY_LEN(forged));
	tcase_add_test(t, syn_on_a_live_flow_goes_to_the_server);
	tcase_add_test(t, syn_on_a_closing_tuple_opens_anew);
	tcase_add_loop_test(t, modes_without_flows, 0, 4);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(suite_engine());
	int failed;

	srunner_add_suite(r, suite_peers());
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
