/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine packet by packet: each branch of the handshake with its packets, its counters and its
 * flow. (Whole connections under loss are the simulator's, tests/sim.)
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig.h"

static struct rig r;

static const struct rig_conn conn4 = {.cport = 40000, .c = 0xfffffff0, .s = 7000};
static const struct rig_conn conn6 = {.v6 = true, .cport = 40001, .c = 5, .s = 0xffffffff};

static void
teardown(void)
{
	rig_fini(&r);
}

static void
setup(void)
{
	rig_init(&r, NULL);
}

/* The one packet that the last call sent. */
static const struct sent *
only(unsigned side)
{
	ck_assert_uint_eq(r.n_sent, 1);
	ck_assert_uint_eq(r.sent[0].side, side);
	ck_assert(!r.sent[0].tcp || (r.sent[0].seen.tcp_ok && r.sent[0].seen.ip_ok));
	return &r.sent[0];
}

static struct sw_flow *
the_flow(const struct rig_conn *c)
{
	struct sw_tuple t = {.vlan_af = c->v6 ? SW_TUPLE_IPV6 : 0};
	struct pkt_make m = rig_client(c);

	memcpy(c->v6 ? t.client.b : t.client.b + 12, m.src, c->v6 ? 16 : 4);
	memcpy(c->v6 ? t.server.b : t.server.b + 12, m.dst, c->v6 ? 16 : 4);
	t.cport_be = rte_cpu_to_be_16(m.sport);
	t.sport_be = rte_cpu_to_be_16(m.dport);
	return sw_flow_find(sw_engine_flows(r.e), &t);
}

START_TEST(open_and_translate)
{
	struct rig_conn c = _i ? conn6 : conn4;
	uint8_t data[] = "hello";

	rig_open(&r, &c);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_OPEN);
	struct pkt_make m = rig_client(&c);

	m.payload = data;
	m.payload_len = 5;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.ack, c.s + 1);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
	ck_assert(memcmp(r.sent[0].seen.payload, "hello", 5) == 0);
	m = rig_server(&c);
	m.payload = data;
	m.payload_len = 5;
	m.ack = c.c + 6;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(only(SW_OUTSIDE)->seen.seq, c.k + 1);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.c + 6);
	ck_assert_uint_eq(the_flow(&c)->aux, c.c + 6);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SPLICED_TO_SERVER), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SPLICED_TO_CLIENT), 1);
}
END_TEST

/*
 * A handshake ACK, and the first segments of a request, in one burst:
 * only two of them carry the cookie.
 */
START_TEST(request_in_one_burst)
{
	struct rig_conn c = conn4;
	uint8_t data[1000];

	memset(data, 'x', sizeof(data));
	rig_syn(&r, &c);
	for (unsigned i = 0; i < 6; i++) {
		struct pkt_make m = rig_client(&c);

		m.payload = data;
		m.payload_len = i ? sizeof(data) : 0;
		m.seq = c.c + 1 + (i ? i - 1 : 0) * 1000;
		rig_queue(&r, SW_OUTSIDE, &m);
	}
	rig_run(&r);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_SYN);
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 5);
	/* The client's timer: what is held already is not held twice. */
	struct pkt_make again = rig_client(&c);

	again.payload = data;
	again.payload_len = sizeof(data);
	rig_send(&r, SW_OUTSIDE, &again);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
	rig_synack(&r, &c);
	ck_assert_uint_eq(r.n_sent, 1 + 1 + 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(r.sent[2 + i].seen.seq, c.c + 1 + i * 1000);
		ck_assert_uint_eq(r.sent[2 + i].seen.ack, c.s + 1);
		ck_assert(r.sent[2 + i].seen.tcp_ok);
	}
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_HELD_RELEASED), 5);
}
END_TEST

/*
 * A client's timer sends a later segment with a newer timestamp while the first ones are held. What the
 * server sees must never go back in time, or it takes the held ones for old duplicates (PAWS).
 */
START_TEST(timestamps_to_the_server_never_go_back)
{
	struct rig_conn c = conn4;
	uint8_t syn_ts[] = {1, 1, 8, 10, 0, 0, 0, 50, 0, 0, 0, 0}, ts[12];
	uint32_t last = 0;

	memcpy(c.opts, syn_ts, sizeof(syn_ts));
	c.opts_len = sizeof(syn_ts);
	rig_syn(&r, &c);
	memcpy(ts, syn_ts, 8);
	ck_assert_uint_eq(r.sent[0].seen.opts[6], 8); /* MSS 4, NOP NOP, TS: its TSval at 8 */
	memcpy(ts + 8, r.sent[0].seen.opts + 8, 4);
	for (unsigned i = 0; i < 3; i++) {
		struct pkt_make m = rig_client(&c);

		ts[7] = (uint8_t)(50 + 20 * i); /* TSval: 50, 70, 90 */
		m.opts = ts;
		m.opts_len = sizeof(ts);
		m.payload = ts;
		m.payload_len = i ? 10 : 0;
		m.seq = c.c + 1 + (i ? i - 1 : 0) * 10;
		rig_send(&r, SW_OUTSIDE, &m);
	}
	struct pkt_make m = rig_server(&c);

	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s;
	m.opts = syn_ts;
	m.opts_len = sizeof(syn_ts);
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 4);
	for (unsigned i = 1; i < 4; i++) {
		const struct pkt_seen *s = &r.sent[i].seen;

		ck_assert_uint_eq(s->opts_len, 12);
		ck_assert_uint_ge(s->opts[7], last);
		last = s->opts[7];
	}
}
END_TEST

START_TEST(hold_is_bounded_in_bytes)
{
	struct rig_conn c = conn4;
	uint8_t data[1000] = {0};

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	for (unsigned i = 0; i < 40; i++) {
		struct pkt_make m = rig_client(&c);

		m.payload = data;
		m.payload_len = sizeof(data);
		m.seq = c.c + 1 + i * 1000;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 0);
	}
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 32); /* 32,768 bytes were advertised */
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HOLD_FULL), 8);
}
END_TEST

START_TEST(hold_is_bounded_in_segments)
{
	struct rig_conn c = conn4;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	for (unsigned i = 0; i < SW_HOLD_PER_FLOW + 3; i++) {
		struct pkt_make m = rig_client(&c);

		m.payload = (const uint8_t *)"y";
		m.payload_len = 1;
		m.seq = c.c + 1 + i;
		rig_send(&r, SW_OUTSIDE, &m);
	}
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, SW_HOLD_PER_FLOW);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HOLD_FULL), 3);
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
		ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_SYN);
		ck_assert_uint_eq(r.sent[0].seen.seq, c.c);
	}
	rig_tick(&r, 8000 - 10);
	ck_assert_uint_eq(rig_flows(&r), 1);
	rig_tick(&r, 10);
	ck_assert_uint_eq(only(SW_OUTSIDE)->seen.flags, SW_TCP_RST | SW_TCP_ACK);
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
	ck_assert_uint_eq(only(SW_OUTSIDE)->seen.flags, SW_TCP_RST | SW_TCP_ACK);
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

/* A corrupted packet of either end, while the server is awaited, is not answered and changes nothing. */
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
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(sw_engine_gauges(r.e).pending, 0);
}
END_TEST

/* Our ACK of the SYN-ACK was lost: the server says SYN-ACK again and gets its ACK again. */
START_TEST(synack_again)
{
	struct rig_conn c = conn4;

	rig_open(&r, &c);
	struct pkt_make m = rig_server(&c);

	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_ACK);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.s + 1);
	ck_assert_uint_eq(r.sent[0].seen.window, 1000);
	/* A late copy, when the server has acknowledged more: nothing to say. */
	struct pkt_make data = rig_server(&c);

	data.ack = c.c + 50;
	rig_send(&r, SW_INSIDE, &data);
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_OPEN);
	/* Another ISN: the server has lost the connection and answers the client's new SYN. */
	m.ack = 99;
	m.seq = 1234;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(r.sent[0].seen.seq, 99);
	ck_assert(sw_flow_reusable(the_flow(&c)));
}
END_TEST

/* The client reset, and a late copy of our SYN opens the server a second time: that is ended. */
START_TEST(second_synack_after_reset)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_RST;
	rig_send(&r, SW_OUTSIDE, &m);
	m = rig_server(&c);
	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s + 100001;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
}
END_TEST

/* FINs of both ends, then the same tuple again at once. */
START_TEST(close_and_reuse)
{
	struct rig_conn c = conn4, again;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_FIN | SW_TCP_ACK;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_FIN_CLIENT);
	m = rig_server(&c);
	m.flags = SW_TCP_FIN | SW_TCP_ACK;
	m.ack = c.c + 2;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_FIN_BOTH);
	again = c;
	again.c += 100000;
	again.s += 77777;
	rig_syn(&r, &again);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert(the_flow(&c)->flags & SW_FLOW_REOPEN);
	/* The old connection's last ACK still finds its way. */
	m = rig_client(&c);
	m.seq = c.c + 2;
	m.ack = c.k + 2;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.ack, c.s + 2);
	/* The new one's first segment is lost, its second comes: it is nothing for the old connection. */
	m = rig_client(&again);
	m.seq = again.c + 1 + 500;
	m.payload = (const uint8_t *)"second";
	m.payload_len = 6;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
	rig_ack(&r, &again);
	rig_synack(&r, &again);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REOPENED), 1);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_OPEN);
	ck_assert_uint_eq(the_flow(&c)->delta, again.k - again.s);
}
END_TEST

/* Both FINs seen, or only the server's: a later SYN with a flood's ISN must not spoil the true one's ACK. */
START_TEST(later_syn_does_not_spoil_a_reuse)
{
	struct rig_conn c = conn4, again = conn4, spoof = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_server(&c);
	m.flags = SW_TCP_FIN | SW_TCP_ACK;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_FIN_SERVER);
	again.c += 100000;
	spoof.c = 77;
	rig_syn(&r, &again); /* gets a cookie: the server never sees a SYN on a closing tuple */
	rig_syn(&r, &spoof);
	rig_ack(&r, &again);
	rig_synack(&r, &again);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REOPENED), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LIVE_SYN_PASSED), 0);
}
END_TEST

/* A late copy of the connection's own SYN, when the client has finished sending: nothing changes. */
START_TEST(own_syn_again_on_closing_flow)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_FIN | SW_TCP_ACK;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_FIN_CLIENT);
	rig_syn(&r, &c);
	rig_send(&r, SW_OUTSIDE, &m); /* the FIN again */
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_FIN | SW_TCP_ACK);
	m.flags = SW_TCP_ACK; /* the handshake ACK again */
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_ACK);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REOPENED), 0);
}
END_TEST

/* Marked for reuse, then shown to be alive: its SYNs still get cookies and never reach the server. */
START_TEST(no_raw_syn_after_revival)
{
	struct rig_conn c = conn4, again = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_RST;
	m.seq = c.c + 100; /* near, not exact: the server takes no notice */
	rig_send(&r, SW_OUTSIDE, &m);
	again.c += 5000;
	rig_syn(&r, &again);
	m = rig_client(&c);
	m.seq = c.c + 1;
	m.ack = c.k + 20;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_OPEN);
	again.c += 5000;
	rig_syn(&r, &again);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LIVE_SYN_PASSED), 0);
}
END_TEST

/* A SYN of another ISN and the server's SYN-ACK in one burst: the flow is open, and not to be taken over. */
START_TEST(syn_and_synack_in_one_burst)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_SYN;
	m.seq = 77;
	m.ack = 0;
	rig_queue(&r, SW_OUTSIDE, &m);
	m = rig_server(&c);
	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s;
	rig_queue(&r, SW_INSIDE, &m);
	rig_run(&r);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_OPEN);
	ck_assert_uint_eq(the_flow(&c)->flags & SW_FLOW_REOPEN, 0);
	ck_assert_uint_eq(the_flow(&c)->server_isn, (uint16_t)c.s);
}
END_TEST

/* A restarted client on a connection that lives: the server is to challenge it, no cookie. */
START_TEST(syn_on_live_flow)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_SYN;
	m.seq = 4711;
	m.ack = 0;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_SYN);
	ck_assert_uint_eq(r.sent[0].seen.seq, 4711);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_OPEN);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LIVE_SYN_PASSED), 1);
}
END_TEST

/* Half-open, and the client starts over with another ISN: the newer one wins. */
START_TEST(new_isn_while_half_open)
{
	struct rig_conn c = conn4, again = conn4;

	again.c += 5000;
	rig_syn(&r, &c);
	rig_ack(&r, &c);
	rig_syn(&r, &again);
	ck_assert_uint_eq(rig_flows(&r), 1);
	/* The first connection's ACK, again, is a duplicate and nothing else. */
	struct pkt_make m = rig_client(&c);

	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	rig_ack(&r, &again);
	ck_assert_uint_eq(sw_engine_gauges(r.e).pending, 1);
	rig_synack(&r, &again);
	ck_assert_uint_eq(rig_flows(&r), 1);
}
END_TEST

/* A replay of the handshake ACK on the live flow is a segment of it. */
START_TEST(replay_on_live_flow)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(only(SW_INSIDE)->seen.flags, SW_TCP_ACK);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_CREATED), 1);
	ck_assert_uint_eq(rig_flows(&r), 1);
}
END_TEST

START_TEST(blind_rst_and_fin)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	for (unsigned fin = 0; fin < 2; fin++) {
		m = rig_client(&c);
		m.flags = fin ? SW_TCP_FIN | SW_TCP_ACK : SW_TCP_RST;
		m.seq = c.c + 1 + (1u << 28);
		rig_send(&r, SW_OUTSIDE, &m);
		only(SW_INSIDE);
		ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_OPEN);
	}
	m = rig_client(&c);
	m.flags = SW_TCP_RST;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_RST_CLIENT);
	/* The true client goes on: it was no reset. */
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_OPEN);
	/* A real one: nothing follows, and the entry goes. */
	m.flags = SW_TCP_RST;
	rig_send(&r, SW_OUTSIDE, &m);
	rig_tick(&r, SW_TIMEOUT_RESET_MS + 2000);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_RESET), 1);
}
END_TEST

/* An RST that is near but not exact shortens the timer less: it may be a lucky guess. */
START_TEST(rst_behind_data_in_flight)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_RST;
	m.seq = c.c + 1001;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(the_flow(&c)->state, SW_FLOW_RST_CLIENT);
	rig_tick(&r, SW_TIMEOUT_CLOSING_MS - 1000);
	ck_assert_uint_eq(rig_flows(&r), 1);
	rig_tick(&r, 3000);
	ck_assert_uint_eq(rig_flows(&r), 0);
}
END_TEST

START_TEST(ageing)
{
	struct rig_conn c = conn4;

	rig_open(&r, &c);
	r.view.timeouts.state_ms[SW_FLOW_OPEN] = 5000;
	struct pkt_make m = rig_client(&c);

	rig_send(&r, SW_OUTSIDE, &m); /* takes the new timeout */
	rig_tick(&r, 4900);
	ck_assert_uint_eq(rig_flows(&r), 1);
	rig_tick(&r, 2000);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_EXPIRED), 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("engine");
	TCase *c = tcase_create("engine");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, open_and_translate, 0, 2);
	tcase_add_test(c, request_in_one_burst);
	tcase_add_test(c, timestamps_to_the_server_never_go_back);
	tcase_add_test(c, hold_is_bounded_in_bytes);
	tcase_add_test(c, hold_is_bounded_in_segments);
	tcase_add_test(c, silent_server);
	tcase_add_test(c, server_refuses);
	tcase_add_test(c, server_remembers_old_connection);
	tcase_add_test(c, corrupted_while_waiting);
	tcase_add_test(c, client_resets_while_waiting);
	tcase_add_test(c, synack_again);
	tcase_add_test(c, second_synack_after_reset);
	tcase_add_test(c, close_and_reuse);
	tcase_add_test(c, later_syn_does_not_spoil_a_reuse);
	tcase_add_test(c, own_syn_again_on_closing_flow);
	tcase_add_test(c, no_raw_syn_after_revival);
	tcase_add_test(c, syn_and_synack_in_one_burst);
	tcase_add_test(c, syn_on_live_flow);
	tcase_add_test(c, new_isn_while_half_open);
	tcase_add_test(c, replay_on_live_flow);
	tcase_add_test(c, blind_rst_and_fin);
	tcase_add_test(c, rst_behind_data_in_flight);
	tcase_add_test(c, ageing);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(suite());

	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);

	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
