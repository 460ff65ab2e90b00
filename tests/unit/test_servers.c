/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Servers that answer late, twice, from elsewhere, before they are asked, with another scale than
 * promised, or not at all. (What they lack: test_servers_repair.c, test_servers_learn.c. Silent
 * clients, and servers that open: test_servers_open.c. Beside segments: test_servers_icmp.c,
 * test_servers_fragments.c.)
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig.h"

static struct rig r;

static const struct rig_conn conn4 = {.cport = 40000, .c = 0xfffffff0, .s = 7000, .stsval = 9000};
static const struct rig_conn conn6 = {
	.v6 = true, .cport = 40001, .c = 5, .s = 0xffffffff, .stsval = 1};

static void
setup(void)
{
	rig_init(&r, NULL);
}

static void
teardown(void)
{
	rig_fini(&r);
}

/* A client with all options. */
static struct rig_conn
full(const struct rig_conn *base)
{
	static const uint8_t opts[20] = {
		2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 50, 0, 0, 0, 0, 1, 3, 3, 7};
	struct rig_conn c = *base;

	memcpy(c.opts, opts, sizeof(opts));
	c.opts_len = sizeof(opts);
	c.ctsval = 60;
	return c;
}

static const struct pkt_seen *
server_says(const struct rig_conn *c, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct pkt_make m = rig_server(c);

	m.flags = flags;
	m.seq = seq;
	m.ack = ack;
	rig_send(&r, SW_INSIDE, &m);
	return &r.sent[0].seen;
}

/* The SYN-ACK comes before and after each of our retransmissions, and just before we give up. */
START_TEST(slow_server)
{
	static const unsigned at_ms[] = {10, 990, 1000, 1010, 2990, 3010, 6990, 7010, 14990};

	for (unsigned i = 0; i < SW_ARRAY_LEN(at_ms); i++) {
		struct rig_conn c = full(i & 1 ? &conn6 : &conn4);
		struct pkt_make m;

		c.cport += (uint16_t)(10 * i);
		rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
		uint64_t again = rig_stat(&r, SW_C_SERVER_SYN_RETRANSMITTED);

		rig_tick(&r, at_ms[i]);
		again = rig_stat(&r, SW_C_SERVER_SYN_RETRANSMITTED) - again;
		ck_assert_uint_eq(
			again, (at_ms[i] >= 1000) + (at_ms[i] >= 3000) + (at_ms[i] >= 7000));
		rig_synack(&r, &c);
		m = rig_client(&c);
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.ack, c.s + 1);
		rig_tick(&r, 20000); /* no timer is left */
		ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
	}
	ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_TIMED_OUT), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_CLIENT_RST_SENT), 0);
}
END_TEST

/* 15 s are over: the client has been told, and the server's late SYN-ACK finds nothing. */
START_TEST(too_slow_server)
{
	struct rig_conn c = conn4;

	rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
	rig_tick(&r, 15000);
	ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.flags, SW_TCP_RST | SW_TCP_ACK);
	server_says(&c, SW_TCP_SYN | SW_TCP_ACK, c.s, c.c + 1);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_SERVER_NO_FLOW), 1);
	rig_open(&r, &c); /* the client tries again on the same port */
}
END_TEST

/* Every retransmission asks for the same. */
START_TEST(our_syn_again_is_the_same)
{
	struct rig_conn c = full(&conn4);
	uint8_t first[PKT_MAX];
	uint32_t len;

	rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
	len = r.sent[0].len;
	memcpy(first, r.sent[0].data, len);
	for (unsigned ms = 1000; ms <= 4000; ms *= 2) {
		rig_tick(&r, ms);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->len, len);
		ck_assert(memcmp(r.sent[0].data, first, len) == 0);
	}
}
END_TEST

/* What it says before its SYN-ACK (reordered on the way) is nothing yet; afterwards it passes. */
START_TEST(server_speaks_first)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct rig_conn c = v6 ? conn6 : conn4;
		struct pkt_make hello, m;

		rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
		hello = rig_server(&c);
		hello.payload = (const uint8_t *)"220 ready";
		hello.payload_len = 9;
		rig_send(&r, SW_INSIDE, &hello);
		ck_assert_uint_eq(r.n_sent, 0);
		ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), v6 + 1);
		uint8_t o[40];

		m = rig_server_synack(&c, o);
		rig_queue(&r, SW_INSIDE, &m);
		rig_queue(&r, SW_INSIDE, &hello); /* both in one burst */
		rig_run(&r);
		ck_assert_uint_eq(r.n_sent, 3);
		ck_assert_uint_eq(r.sent[0].side, SW_OUTSIDE);
		ck_assert_uint_eq(r.sent[1].side, SW_OUTSIDE);
		ck_assert_uint_eq(r.sent[1].seen.seq, c.k + 1);
		ck_assert_uint_eq(r.sent[1].seen.payload_len, 9);
		ck_assert_uint_eq(r.sent[2].side, SW_INSIDE);
		ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
		m = rig_client(&c);
		m.ack = c.k + 10;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.ack, c.s + 10);
		ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
	}
}
END_TEST

/* Our ACK of the SYN-ACK is lost, once and again; with timestamps it has to echo the newest. */
START_TEST(synack_again_with_timestamps)
{
	struct rig_conn c = full(&conn4);

	rig_to_state(&r, &c, SW_FLOW_QUIET);
	for (unsigned i = 1; i < 4; i++) {
		uint8_t o[40];
		struct pkt_make m;

		c.stsval += 1000;
		m = rig_server_synack(&c, o);
		rig_send(&r, SW_INSIDE, &m);
		const struct pkt_seen *s = &rig_only(&r, SW_INSIDE)->seen;

		ck_assert_uint_eq(s->flags, SW_TCP_ACK);
		ck_assert_uint_eq(s->seq, c.c + 1);
		ck_assert_uint_eq(s->ack, c.s + 1);
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 2), c.ctsval);
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 6), c.stsval);
		ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_ACK_SENT), 1 + i);
	}
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
}
END_TEST

/* SYN-ACK twice in one burst, as after two copies of our SYN: one connection, one ACK each. */
START_TEST(synack_twice_in_one_burst)
{
	struct rig_conn c = conn4;
	uint8_t o[40];
	struct pkt_make m;

	rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
	m = rig_server_synack(&c, o);
	rig_queue(&r, SW_INSIDE, &m);
	rig_queue(&r, SW_INSIDE, &m);
	rig_run(&r);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_ESTABLISHED), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_CLIENT_OPENED), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_ACK_SENT), 2);
	ck_assert_uint_eq(r.n_sent, 3);
}
END_TEST

/* A SYN-ACK that is repeated in a state where nobody waits for an ACK is dropped. */
START_TEST(late_synack_in_every_state)
{
	for (unsigned st = SW_FLOW_FIN_SERVER; st < SW_FLOW_STATE_MAX; st++) {
		struct rig_conn c = conn4;

		c.cport += (uint16_t)st;
		rig_to_state(&r, &c, st);
		server_says(&c, SW_TCP_SYN | SW_TCP_ACK, c.s, c.c + 1);
		ck_assert_msg(r.n_sent == 0, "%s", sw_flow_state_name(st));
		ck_assert_uint_eq(rig_flow(&r, &c)->state, st);
	}
	/*
	 * A SYN on the closing tuple takes the place of what was known of the server's ISN. Where
	 * the server may wait for an ACK it is the client who answers (test_reuse_marked.c).
	 */
	for (unsigned st = SW_FLOW_FIN_CLIENT; st < SW_FLOW_STATE_MAX; st++) {
		struct rig_conn c = conn4, again;

		c.cport += (uint16_t)(100 + st);
		rig_to_state(&r, &c, st);
		again = c;
		again.c += 1000000;
		rig_syn(&r, &again);
		server_says(&c, SW_TCP_SYN | SW_TCP_ACK, c.s, c.c + 1);
		ck_assert_msg(r.n_sent == (st == SW_FLOW_FIN_CLIENT), "%s", sw_flow_state_name(st));
		ck_assert(r.n_sent == 0 || r.sent[0].side == SW_OUTSIDE);
		ck_assert_uint_eq(rig_flow(&r, &c)->state, st);
	}
}
END_TEST

/*
 * Two servers behind one address, or a gateway: what answers it goes to whom it came from. _i:
 * without early data.
 */
START_TEST(answer_from_another_station)
{
	struct rig_conn c = conn4;
	uint8_t o[40];
	struct pkt_make m, data;

	rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
	data = rig_client(&c);
	data.payload = (const uint8_t *)"early";
	data.payload_len = _i ? 0 : 5;
	rig_send(&r, SW_OUTSIDE, &data);
	m = rig_server_synack(&c, o);
	memcpy(m.src_mac, "\2\0\0\0\0\7", 6);
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(r.n_sent, _i ? 2 : 1);
	if (_i) /* to the client */
		ck_assert(memcmp(r.sent[0].data, "\2\0\0\0\0\1\2\0\0\0\0\7", 12) == 0);
	/* To the station that the client spoke to, which listens: data, or an ACK of ours. */
	ck_assert_uint_eq(r.sent[_i].seen.payload_len, _i ? 0 : 5);
	ck_assert(memcmp(r.sent[_i].data, "\2\0\0\0\0\2\2\0\0\0\0\1", 12) == 0);
}
END_TEST

/* Refused before and after a retransmission, and by the one that was to be asked again. */
START_TEST(refused_late)
{
	for (unsigned i = 0; i < 3; i++) {
		struct rig_conn c = conn4;

		rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
		if (i == 1)
			rig_tick(&r, 3500);
		if (i == 2) { /* it remembers an old connection, and then refuses the new one */
			server_says(&c, SW_TCP_ACK, 4711, 815);
			ck_assert_uint_eq(r.n_sent, 2);
			ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_RST);
			ck_assert_uint_eq(r.sent[1].seen.flags, SW_TCP_SYN);
		}
		const struct pkt_seen *s = server_says(&c, SW_TCP_RST | SW_TCP_ACK, 0, c.c + 1);

		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.flags, SW_TCP_RST | SW_TCP_ACK);
		ck_assert_uint_eq(s->seq, c.k + 1);
		ck_assert_uint_eq(s->ack, c.c + 1);
		ck_assert_uint_eq(rig_flows(&r), 0);
		ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_REFUSED), i + 1);
		rig_tick(&r, 16000);
		ck_assert_uint_eq(r.n_sent, 0);
	}
	ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_TIMED_OUT), 0);
}
END_TEST

/* Held data of a connection that is refused is given back; the next connection is not harmed. */
START_TEST(refused_with_early_data)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
	for (unsigned i = 0; i < 3; i++) {
		m = rig_client(&c);
		m.seq += i * 4;
		m.payload = (const uint8_t *)"data";
		m.payload_len = 4;
		rig_send(&r, SW_OUTSIDE, &m);
	}
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 3);
	server_says(&c, SW_TCP_RST | SW_TCP_ACK, 0, c.c + 1);
	ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.seq, c.k + 1);
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_HELD_DISCARDED), 3);
	rig_open(&r, &c);
}
END_TEST

/* Other options than configured, nothing learned: the client sees what it was promised. */
START_TEST(other_scale_than_promised)
{
	static const struct {
		uint8_t scale;
		uint16_t says, seen;
	} cases[] = {
		{7, 1000, 1000}, {1, 6400, 100}, {8, 1000, 2000}, {14, 1, 128}, {14, 600, 65535}};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = full(&conn6);
		struct pkt_make m;

		c.cport += (uint16_t)i;
		c.swscale = cases[i].scale;
		rig_to_state(&r, &c, SW_FLOW_OPEN);
		m = rig_server(&c);
		m.window = cases[i].says;
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.window, cases[i].seen);
	}
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REPAIRED), 0);
}
END_TEST

/* A client that proves itself and never speaks: kept for `quiet`, counted under its own name. */
START_TEST(client_that_never_speaks)
{
	struct rig_conn c[2] = {conn4, conn6};

	r.view.timeouts.state_ms[SW_FLOW_QUIET] = 5000;
	rig_to_state(&r, &c[0], SW_FLOW_QUIET);
	rig_to_state(&r, &c[1], SW_FLOW_QUIET);
	rig_tick(&r, 3000);
	server_says(&c[0], SW_TCP_ACK, c[0].s + 1,
		c[0].c + 1); /* the server's word is not the client's */
	ck_assert_uint_eq(rig_flow(&r, &c[0])->state, SW_FLOW_QUIET);
	struct pkt_make m = rig_client(&c[1]);

	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_flow(&r, &c[1])->state, SW_FLOW_OPEN);
	rig_tick(&r, 4900);
	ck_assert_uint_eq(rig_flows(&r), 2);
	rig_tick(&r, 2000);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_QUIET), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_EXPIRED), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("servers");
	TCase *c = tcase_create("servers");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, slow_server);
	tcase_add_test(c, too_slow_server);
	tcase_add_test(c, our_syn_again_is_the_same);
	tcase_add_test(c, server_speaks_first);
	tcase_add_test(c, synack_again_with_timestamps);
	tcase_add_test(c, synack_twice_in_one_burst);
	tcase_add_test(c, late_synack_in_every_state);
	tcase_add_loop_test(c, answer_from_another_station, 0, 2);
	tcase_add_test(c, refused_late);
	tcase_add_test(c, refused_with_early_data);
	tcase_add_test(c, other_scale_than_promised);
	tcase_add_test(c, client_that_never_speaks);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
