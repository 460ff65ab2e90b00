/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenarios_flows.c - what moves a flow and what must not: replays, forged closings, new SYNs,
 * timers, corrupted segments; and the modes that have none.
 */
#include <string.h>

#include "scenarios.h"

static struct seg_path path4;

static void
setup(void)
{
	path4 = bench_path(false, 1, 40000);
}

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

/*
 * Forged closings from the outside, by distance of the guess from what the server has
 * acknowledged.
 */
static const struct {
	uint8_t flags;
	uint32_t off;
	uint8_t state; /* then */
} forged[] = {
	{SEG_RST, 0x40000000, SW_FLOW_QUIET},
	{SEG_RST, 0x80000000, SW_FLOW_QUIET},
	{SEG_RST | SEG_ACK, (1u << 22) + 100, SW_FLOW_QUIET},
	{SEG_FIN | SEG_ACK, 0x40000000, SW_FLOW_QUIET},
	{SEG_FIN | SEG_ACK, -100000u, SW_FLOW_QUIET},
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
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_QUIET);
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

/* A bad checksum: the segment may say anything, nothing is done and nothing is sent. */
START_TEST(corrupted_segment_moves_no_half_open_flow)
{
	static const struct {
		int from;
		uint8_t flags;
		uint32_t seq, ack;
	} row[] = {
		{CLIENT, SEG_RST, ISN_C + 1, 0},
		{SERVER, SEG_RST | SEG_ACK, 0, ISN_C + 1},
		{SERVER, SEG_SYN | SEG_ACK, ISN_S, ISN_C + 1},
		{SERVER, SEG_SYN | SEG_ACK, ISN_S, ISN_C + 2},
		{SERVER, SEG_ACK, ISN_S, ISN_C + 70},
	};
	struct bench b;
	uint32_t k;

	bench_init(&b);
	k = bench_cookie(&b, &path4, ISN_C);
	ck_assert(bench_return(&b, &path4, ISN_C, k));
	for (unsigned i = 0; i < SW_ARRAY_LEN(row); i++) {
		struct seg s = bench_seg(row[i].flags, row[i].seq, row[i].ack);

		ck_assert_msg(bench_feed_corrupt(&b, &path4, row[i].from, &s) == 0, "row %u", i);
		ck_assert_ptr_nonnull(bench_flow(&b, &path4));
		ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_SYN_SENT);
	}
	bench_fini(&b);
}
END_TEST

/*
 * The server has closed by RST; a late copy of our SYN opened another: its SYN-ACK is not ours to
 * ACK.
 */
START_TEST(late_synack_opens_no_ghost)
{
	struct bench b;
	struct seg rst = bench_seg(SEG_RST | SEG_ACK, ISN_S + 1, ISN_C + 1);
	struct seg synack = bench_seg(SEG_SYN | SEG_ACK, ISN_S + 12345, ISN_C + 1);

	bench_init(&b);
	bench_open(&b, &path4, ISN_C, ISN_S);
	bench_feed(&b, &path4, SERVER, &rst);
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_RST_SERVER);
	bench_feed(&b, &path4, SERVER, &synack);
	for (unsigned i = 0; i < b.n; i++) {
		ck_assert_int_eq(b.c[i].side, SW_INSIDE);
		ck_assert_uint_eq(b.c[i].seg.flags & SEG_RST, SEG_RST);
	}
	bench_fini(&b);
}
END_TEST

/*
 * A SYN-ACK twice, the copy after the server's data and FIN: neither answered by RST nor counted.
 */
START_TEST(late_copy_of_a_synack_harms_nothing)
{
	struct bench b;
	struct seg fin = bench_seg(SEG_FIN | SEG_ACK, ISN_S + 1, ISN_C + 1);
	struct seg synack = bench_seg(SEG_SYN | SEG_ACK, ISN_S, ISN_C + 1);

	bench_init(&b);
	bench_open(&b, &path4, ISN_C, ISN_S);
	bench_feed(&b, &path4, SERVER, &fin);
	bench_feed(&b, &path4, SERVER, &synack);
	for (unsigned i = 0; i < b.n; i++)
		ck_assert_uint_eq(b.c[i].seg.flags & SEG_RST, 0);
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_FIN_SERVER);
	bench_fini(&b);
}
END_TEST

/*
 * On a tuple that is used again the first segment of the new connection is lost, the second comes:
 * it must not run into the old connection, whose server would answer with an RST that fits the new
 * one.
 */
START_TEST(lost_first_segment_on_a_closing_tuple)
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
	k = bench_cookie(&b, &path4, isn2);
	s = bench_seg(SEG_ACK, isn2 + 101, k + 1);
	s.pay = (const uint8_t *)"late";
	s.pay_len = 4;
	ck_assert_uint_eq(bench_feed(&b, &path4, CLIENT, &s), 0);
	ck_assert(bench_return(&b, &path4, isn2, k));
	ck_assert_uint_eq(bench_flow(&b, &path4)->state, SW_FLOW_SYN_SENT);
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

Suite *
suite_flows(void)
{
	Suite *s = suite_create("flows");
	TCase *t = tcase_create("scripts");

	tcase_set_timeout(t, 0);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, replayed_ack_makes_no_second_flow);
	tcase_add_test(t, silent_server_is_asked_four_times);
	tcase_add_loop_test(t, forged_closing_deletes_no_flow, 0, (int)SW_ARRAY_LEN(forged));
	tcase_add_test(t, syn_on_a_live_flow_goes_to_the_server);
	tcase_add_test(t, syn_on_a_closing_tuple_opens_anew);
	tcase_add_test(t, corrupted_segment_moves_no_half_open_flow);
	tcase_add_test(t, late_synack_opens_no_ghost);
	tcase_add_test(t, late_copy_of_a_synack_harms_nothing);
	tcase_add_test(t, lost_first_segment_on_a_closing_tuple);
	tcase_add_loop_test(t, modes_without_flows, 0, 4);
	suite_add_tcase(s, t);
	return s;
}
