/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RST, SYN and FIN in every state of a flow, exact, near, stale and blind; the same tuple again out
 * of every closing state; how long each state is kept. (Single cases: test_engine_closing.c. What
 * else passes an open connection: test_reuse_segments.c.)
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig_each.h"

/* A connection of its own for each round of a loop. */
static struct rig_conn
conn_of(unsigned n)
{
	struct rig_conn c = n & 1 ? conn6 : conn4;

	c.cport = (uint16_t)(30000 + n);
	c.c += 100003 * n;
	c.s += 77777 * n;
	return c;
}

static unsigned
state_of(const struct rig_conn *c)
{
	return rig_flow(&r, c)->state;
}

/* Places of an RST: the next byte that the server waits for, or how far from it. */
static const struct {
	const char *name;
	uint32_t off;
	bool near;
} places[] = {
	{"exact", 0, true},
	{"the byte before", (uint32_t)-1, true},
	{"behind data in flight", 1000, true},
	{"the last that counts", (1u << 22) - 1, true},
	{"the first that does not", 1u << 22, false},
	{"stale", (uint32_t)-5000, false},
	{"blind", 1u << 28, false},
	{"half the circle away", 1u << 31, false},
};

/* RFC 5961, 3: none of them ends a connection here; the server judges, the entry's timer moves. */
START_TEST(rst_of_the_client_in_every_state)
{
	unsigned n = 0;

	for (unsigned st = SW_FLOW_QUIET; st < SW_FLOW_STATE_MAX; st++)
		for (unsigned i = 0; i < 2 * SW_ARRAY_LEN(places); i++) {
			struct rig_conn c = conn_of(n++);
			unsigned place = i / 2, want = st;

			rig_to_state(&r, &c, st);
			struct pkt_make m = rig_client(&c);
			/* FIN_BOTH: its FIN is acknowledged. */
			uint32_t next = c.c + 1 + (st == SW_FLOW_FIN_BOTH);

			m.flags = SW_TCP_RST | (i & 1 ? SW_TCP_ACK : 0);
			m.seq = next + places[place].off;
			m.ack = i & 1 ? c.k + 1 : 0;
			rig_send(&r, SW_OUTSIDE, &m);
			const struct pkt_seen *s = &rig_only(&r, SW_INSIDE)->seen;

			ck_assert_uint_eq(s->flags, m.flags);
			ck_assert_uint_eq(s->seq, m.seq);
			ck_assert_uint_eq(s->ack, i & 1 ? c.s + 1 : 0);
			if (places[place].near && st != SW_FLOW_RST_SERVER)
				want = SW_FLOW_RST_CLIENT;
			ck_assert_msg(state_of(&c) == want, "%s, %s: %s", sw_flow_state_name(st),
				places[place].name, sw_flow_state_name(state_of(&c)));
		}
}
END_TEST

START_TEST(rst_of_the_client_while_half_open)
{
	for (unsigned i = 0; i < SW_ARRAY_LEN(places); i++) {
		struct rig_conn c = conn_of(i);

		rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
		struct pkt_make m = rig_client(&c);

		m.flags = SW_TCP_RST;
		m.seq += places[i].off;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_msg(r.n_sent == !i, "%s", places[i].name);
		ck_assert_msg((rig_flow(&r, &c) == NULL) == !i, "%s", places[i].name);
	}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), SW_ARRAY_LEN(places) - 1);
}
END_TEST

/* The server's is believed. While it has not answered, only one that acknowledges our SYN. */
START_TEST(rst_of_the_server_in_every_state)
{
	for (unsigned st = SW_FLOW_QUIET; st < SW_FLOW_STATE_MAX; st++) {
		struct rig_conn c = conn_of(st);

		rig_to_state(&r, &c, st);
		struct pkt_make m = rig_server(&c);

		m.flags = SW_TCP_RST;
		m.seq += 500;
		m.ack = 0;
		rig_send(&r, SW_INSIDE, &m);
		const struct pkt_seen *s = &rig_only(&r, SW_OUTSIDE)->seen;

		ck_assert_uint_eq(s->flags, SW_TCP_RST);
		ck_assert_uint_eq(s->seq, c.k + 501);
		ck_assert_uint_eq(s->ack, 0);
		ck_assert_uint_eq(state_of(&c), SW_FLOW_RST_SERVER);
	}
	struct rig_conn c = conn_of(SW_FLOW_SYN_SENT);

	rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
	struct pkt_make m = rig_server(&c);

	m.flags = SW_TCP_RST;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(state_of(&c), SW_FLOW_SYN_SENT);
}
END_TEST

/*
 * A SYN in every state, of a new connection, or of the same one come late. Live flows: the server
 * challenges it (RFC 5961, 4), closing ones: a cookie; the flow goes on as it was.
 */
START_TEST(syn_of_the_client_in_every_state)
{
	for (unsigned st = 0; st < SW_FLOW_STATE_MAX; st++)
		for (unsigned late = 0; late < 2; late++) {
			struct rig_conn c = conn_of(2 * st + late);
			bool live = st == SW_FLOW_QUIET || st == SW_FLOW_OPEN;

			rig_to_state(&r, &c, st);
			struct pkt_make m = rig_client_syn(&c);

			m.seq = late ? c.c : c.c + 123456;
			rig_send(&r, SW_OUTSIDE, &m);
			ck_assert_msg(state_of(&c) == st, "%s", sw_flow_state_name(st));
			if (late && st == SW_FLOW_SYN_SENT) {
				ck_assert_uint_eq(r.n_sent, 0);
				continue;
			}
			const struct pkt_seen *s = &rig_only(&r, live)->seen;

			ck_assert_uint_eq(s->flags, live ? SW_TCP_SYN : SW_TCP_SYN | SW_TCP_ACK);
			if (live)
				ck_assert_uint_eq(s->seq, m.seq);
			else
				ck_assert_uint_eq(s->ack, m.seq + 1);
			ck_assert_msg(
				!!(rig_flow(&r, &c)->flags & SW_FLOW_REOPEN) == (!live && !late),
				"%s, late %u", sw_flow_state_name(st), late);
		}
	ck_assert_uint_eq(rig_stat(&r, SW_C_LIVE_SYN_PASSED), 4);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
	ck_assert_uint_eq(rig_flows(&r), 2 * SW_FLOW_STATE_MAX);
}
END_TEST

/* A restarted client: challenge ACK, its RST, its SYN again, and the connection that it wanted. */
START_TEST(challenge_answered_by_a_restarted_client)
{
	struct rig_conn c = conn4, again = conn4;
	struct pkt_make m;

	rig_to_state(&r, &c, SW_FLOW_OPEN);
	again.c += 0x40000000;
	again.s += 99;
	m = rig_client(&again);
	m.flags = SW_TCP_SYN;
	m.seq = again.c;
	rig_send(&r, SW_OUTSIDE, &m);
	rig_only(&r, SW_INSIDE);
	m = rig_server(&c); /* the server's challenge */
	rig_send(&r, SW_INSIDE, &m);
	const struct pkt_seen *s = &rig_only(&r, SW_OUTSIDE)->seen;

	ck_assert_uint_eq(s->seq, c.k + 1);
	ck_assert_uint_eq(s->ack, c.c + 1);
	m = rig_client(&c);
	m.flags = SW_TCP_RST;
	m.seq = s->ack;
	rig_send(&r, SW_OUTSIDE, &m);
	rig_only(&r, SW_INSIDE);
	ck_assert_uint_eq(state_of(&c), SW_FLOW_RST_CLIENT);
	rig_open(&r, &again);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REOPENED), 1);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_flow(&r, &again)->delta, again.k - again.s);
}
END_TEST

/*
 * The same tuple at once, out of every closing state; the server has forgotten the old connection
 * (even rounds) or still has it and says so with an ACK (odd rounds).
 */
START_TEST(reuse_out_of_every_closing_state)
{
	for (unsigned i = 2 * SW_FLOW_FIN_CLIENT; i < 2 * SW_FLOW_STATE_MAX; i++) {
		struct rig_conn c = conn_of(i), again;
		struct pkt_make m;

		rig_to_state(&r, &c, i / 2);
		again = c;
		again.c += 5000000;
		again.s += 3;
		rig_syn(&r, &again);
		ck_assert_uint_eq(state_of(&c), i / 2);
		rig_ack(&r, &again);
		if (i & 1) {
			m = rig_server(&c);
			m.seq += 10;
			m.ack += 20;
			rig_send(&r, SW_INSIDE, &m);
			ck_assert_uint_eq(r.n_sent, 2);
			ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_RST);
			ck_assert_uint_eq(r.sent[0].seen.seq, m.ack);
			ck_assert_uint_eq(r.sent[1].seen.flags, SW_TCP_SYN);
			ck_assert_uint_eq(r.sent[1].seen.seq, again.c);
		}
		rig_synack(&r, &again);
		ck_assert_uint_eq(state_of(&again), SW_FLOW_QUIET);
		m = rig_client(&again);
		m.payload = (const uint8_t *)"new";
		m.payload_len = 3;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.ack, again.s + 1);
		m = rig_server(&again);
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.seq, again.k + 1);
	}
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REOPENED), 10);
	ck_assert_uint_eq(rig_flows(&r), 10);
}
END_TEST

/* A FIN on the handshake ACK, alone or behind data: held, delivered, and the flow is closing. */
START_TEST(fin_on_the_handshake_ack)
{
	for (unsigned len = 0; len < 6; len += 5) {
		struct rig_conn c = conn_of(len);
		struct pkt_make m;

		rig_syn(&r, &c);
		m = rig_client(&c);
		m.flags |= SW_TCP_FIN;
		m.payload = (const uint8_t *)"query";
		m.payload_len = len;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_SYN);
		rig_send(&r, SW_OUTSIDE, &m); /* the client's timer */
		ck_assert_uint_eq(r.n_sent, 0);
		rig_synack_held(&r, &c);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_FIN | SW_TCP_ACK);
		ck_assert_uint_eq(r.sent[0].seen.payload_len, len);
		ck_assert_uint_eq(state_of(&c), SW_FLOW_FIN_CLIENT);
	}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 2);
}
END_TEST

/*
 * The last ACK of a closed connection is lost, the server's FIN comes again and again: each time it
 * passes and keeps the entry; then nothing does, and late segments meet nothing.
 */
START_TEST(last_ack_lost)
{
	struct rig_conn c = conn4;
	struct pkt_make fin, ack;

	rig_to_state(&r, &c, SW_FLOW_FIN_BOTH);
	fin = rig_server(&c);
	fin.flags |= SW_TCP_FIN;
	fin.ack = c.c + 2;
	ack = rig_client(&c);
	ack.seq = c.c + 2;
	ack.ack = c.k + 2;
	for (unsigned i = 0; i < 3; i++) {
		rig_tick(&r, SW_TIMEOUT_CLOSED_MS - 1000);
		rig_send(&r, SW_INSIDE, &fin);
		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.seq, c.k + 1);
		rig_send(&r, SW_OUTSIDE, &ack);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.ack, c.s + 2);
		ck_assert_uint_eq(state_of(&c), SW_FLOW_FIN_BOTH);
	}
	rig_tick(&r, SW_TIMEOUT_CLOSED_MS + 1500);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_CLOSED), 1);
	rig_send(&r, SW_INSIDE, &fin);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_SERVER_NO_FLOW), 1);
	rig_send(&r, SW_OUTSIDE, &ack);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BAD), 1);
}
END_TEST

/* Each state has a time of its own, is kept for all of it, and goes under its own name. */
START_TEST(idle_time_of_every_state)
{
	static const struct {
		uint8_t state;
		uint32_t ms;
		enum sw_counter why;
	} cases[] = {
		{SW_FLOW_QUIET, 2000, SW_C_FLOW_QUIET},
		{SW_FLOW_OPEN, 4000, SW_C_FLOW_EXPIRED},
		{SW_FLOW_FIN_CLIENT, 6000, SW_C_FLOW_EXPIRED},
		{SW_FLOW_FIN_SERVER, 8000, SW_C_FLOW_EXPIRED},
		{SW_FLOW_FIN_BOTH, 10000, SW_C_FLOW_CLOSED},
		{SW_FLOW_RST_CLIENT, 12000, SW_C_FLOW_RESET},
		{SW_FLOW_RST_SERVER, 14000, SW_C_FLOW_RESET},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++)
		r.view.timeouts.state_ms[cases[i].state] = cases[i].ms;
	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = conn_of(i);

		rig_to_state(&r, &c, cases[i].state);
	}
	for (unsigned i = 0, t = 0; i < SW_ARRAY_LEN(cases); i++) {
		uint64_t before = rig_stat(&r, cases[i].why);

		rig_tick(&r, cases[i].ms - t); /* its last moment */
		ck_assert_uint_eq(rig_flows(&r), SW_ARRAY_LEN(cases) - i);
		rig_tick(&r, 1500); /* a turn of the ageing takes a second */
		t = cases[i].ms + 1500;
		ck_assert_uint_eq(rig_flows(&r), SW_ARRAY_LEN(cases) - i - 1);
		ck_assert_uint_eq(rig_stat(&r, cases[i].why), before + 1);
	}
}
END_TEST

/*
 * RFC 5382, REQ-5: 2 h 4 min open, 4 min with one FIN seen. RFC 7857, 2.2 wants 4 min after an RST.
 */
START_TEST(default_times)
{
	const uint32_t *ms = sw_timeouts_default.state_ms;

	ck_assert_uint_ge(ms[SW_FLOW_OPEN], 7440 * 1000);
	ck_assert_uint_ge(ms[SW_FLOW_QUIET], 7440 * 1000);
	ck_assert_uint_ge(ms[SW_FLOW_FIN_CLIENT], 240 * 1000);
	ck_assert_uint_ge(ms[SW_FLOW_FIN_SERVER], 240 * 1000);
	/* docs/conformance.md says why these are shorter. */
	ck_assert_uint_eq(ms[SW_FLOW_FIN_BOTH], 30 * 1000);
	ck_assert_uint_eq(ms[SW_FLOW_RST_CLIENT], 10 * 1000);
	ck_assert_uint_eq(ms[SW_FLOW_RST_SERVER], 10 * 1000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reuse");
	TCase *c = tcase_create("reuse");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, rst_of_the_client_in_every_state);
	tcase_add_test(c, rst_of_the_client_while_half_open);
	tcase_add_test(c, rst_of_the_server_in_every_state);
	tcase_add_test(c, syn_of_the_client_in_every_state);
	tcase_add_test(c, challenge_answered_by_a_restarted_client);
	tcase_add_test(c, reuse_out_of_every_closing_state);
	tcase_add_test(c, fin_on_the_handshake_ack);
	tcase_add_test(c, last_ack_lost);
	tcase_add_test(c, idle_time_of_every_state);
	tcase_add_test(c, default_times);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
