/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine packet by packet: each branch of the handshake with its packets, its counters and its
 * flow. (Closing and reuse: test_engine_closing.c. Whole connections under loss: tests/sim.)
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig_each.h"

START_TEST(open_and_translate)
{
	struct rig_conn c = _i ? conn6 : conn4;
	uint8_t data[] = "hello";

	rig_open(&r, &c);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
	struct pkt_make m = rig_client(&c);

	m.payload = data;
	m.payload_len = 5;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.ack, c.s + 1);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
	ck_assert(memcmp(r.sent[0].seen.payload, "hello", 5) == 0);
	m = rig_server(&c);
	m.payload = data;
	m.payload_len = 5;
	m.ack = c.c + 6;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.seq, c.k + 1);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.c + 6);
	ck_assert_uint_eq(rig_flow(&r, &c)->aux, c.c + 6);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SPLICED_TO_SERVER), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SPLICED_TO_CLIENT), 1);
}
END_TEST

START_TEST(silent_server)
{
	struct rig_conn c = conn4;
	static const unsigned at_ms[] = {1000, 3000, 7000};
	unsigned t = 0;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	for (unsigned i = 0; i < SW_ARRAY_LEN(at_ms); i++) {
		rig_tick(&r, at_ms[i] - t - 10);
		ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_SYN_RETRANSMITTED), i);
		rig_tick(&r, 10);
		t = at_ms[i];
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_SYN);
		ck_assert_uint_eq(r.sent[0].seen.seq, c.c);
	}
	rig_tick(&r, 8000 - 10);
	ck_assert_uint_eq(rig_flows(&r), 1);
	rig_tick(&r, 10);
	ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.flags, SW_TCP_RST | SW_TCP_ACK);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.k + 1);
	ck_assert(memcmp(r.sent[0].data, "\2\0\0\0\0\1\2\0\0\0\0\2", 12) == 0);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(sw_engine_gauges(r.e).pending, 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_FAILED), 1);
}
END_TEST

START_TEST(server_refuses)
{
	struct rig_conn c = conn4;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	struct pkt_make m = rig_server(&c);

	m.flags = SW_TCP_RST | SW_TCP_ACK;
	m.seq = 0;
	m.ack = c.c + 2; /* not ours */
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
	m.ack = c.c + 1;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.flags, SW_TCP_RST | SW_TCP_ACK);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.k + 1);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.c + 1);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_REFUSED), 1);
}
END_TEST

/* The server answers our SYN with an ACK of an older connection: RST, and the SYN again, once. */
START_TEST(server_remembers_old_connection)
{
	struct rig_conn c = conn4;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	for (unsigned turn = 0; turn < 2; turn++) {
		struct pkt_make m = rig_server(&c);

		m.ack = 12345;
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(r.n_sent, turn ? 1 : 2);
		ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_RST);
		ck_assert_uint_eq(r.sent[0].seen.seq, 12345);
		ck_assert_uint_eq(r.sent[0].side, SW_INSIDE);
		ck_assert(memcmp(r.sent[0].data, "\2\0\0\0\0\2\2\0\0\0\0\1", 12) == 0);
		if (turn == 0)
			ck_assert_uint_eq(r.sent[1].seen.flags, SW_TCP_SYN);
	}
	rig_synack(&r, &c);
}
END_TEST

/*
 * A corrupted packet of either end, while the server is awaited, is not answered and changes
 * nothing.
 */
START_TEST(corrupted_while_waiting)
{
	struct rig_conn c = conn4;
	static const struct {
		unsigned side;
		uint8_t flags;
	} cases[] = {
		{SW_INSIDE, SW_TCP_SYN | SW_TCP_ACK},
		{SW_INSIDE, SW_TCP_ACK},
		{SW_INSIDE, SW_TCP_RST | SW_TCP_ACK},
		{SW_OUTSIDE, SW_TCP_RST},
		{SW_OUTSIDE, SW_TCP_ACK | SW_TCP_PSH},
	};

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	for (unsigned i = 0; i < 2 * SW_ARRAY_LEN(cases); i++) {
		struct pkt_make m =
			cases[i / 2].side == SW_INSIDE ? rig_server(&c) : rig_client(&c);
		uint8_t b[PKT_MAX];

		m.flags = cases[i / 2].flags;
		m.payload = (const uint8_t *)"early";
		m.payload_len = cases[i / 2].flags & SW_TCP_PSH ? 5 : 0;
		size_t len = pkt_make(b, sizeof(b), &m);

		b[14 + 20 + (i & 1 ? 11 : 19)] ^= 1; /* ACK number, or urgent pointer */
		rig_queue_raw(&r, cases[i / 2].side, b, len, 0);
		rig_run(&r);
		ck_assert_msg(r.n_sent == 0, "case %u", i);
	}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_TCP_CHECKSUM), 2 * SW_ARRAY_LEN(cases));
	rig_synack(&r, &c);
}
END_TEST

START_TEST(client_resets_while_waiting)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_RST;
	m.seq = c.c + 500; /* a guess */
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_flows(&r), 1);
	m.seq = c.c + 1;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(sw_engine_gauges(r.e).pending, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine");
	TCase *c = tcase_create("engine");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, open_and_translate, 0, 2);
	tcase_add_test(c, silent_server);
	tcase_add_test(c, server_refuses);
	tcase_add_test(c, server_remembers_old_connection);
	tcase_add_test(c, corrupted_while_waiting);
	tcase_add_test(c, client_resets_while_waiting);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_FORK_GETENV);
}
