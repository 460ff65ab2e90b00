/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshakes in which the client is silent or the server begins: SYN-ACKs that are sent again
 * (lib/handshake/recent.c), and connections that a server opens from a protected port.
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig.h"

#define RECENT 8

static struct rig r;

static const struct rig_conn conn4 = {.cport = 40000, .c = 0xfffffff0, .s = 7000};
static const struct rig_conn conn6 = {.v6 = true, .cport = 40001, .c = 5, .s = 0xffffffff};

static void
setup(void)
{
	struct rig_params p = {.recent = RECENT};

	rig_init(&r, &p);
}

static void
teardown(void)
{
	rig_fini(&r);
}

/* Time until something is sent: one tick at a time, for a tick's packets are kept no longer. */
static unsigned
ms_until_sent(unsigned limit_ms)
{
	for (unsigned ms = 10; ms <= limit_ms; ms += 10) {
		rig_tick(&r, 10);
		if (r.n_sent > 0)
			return ms;
	}
	return 0;
}

/* Again after 1, 2 and 4 s, each the same bytes, and no more; looked for once in 100 ms. */
START_TEST(synack_again_while_no_ack_comes)
{
	struct rig_conn c = _i ? conn6 : conn4;
	uint8_t first[PKT_MAX];
	uint32_t len;

	memcpy(c.opts, "\2\4\5\264\4\2\10\12\0\0\0\62\0\0\0\0\1\3\3\7", 20);
	c.opts_len = 20;
	rig_syn(&r, &c);
	len = r.sent[0].len;
	memcpy(first, r.sent[0].data, len);
	for (unsigned i = 0; i < 3; i++) {
		unsigned ms = ms_until_sent(10000);

		ck_assert_uint_ge(ms, 1000u << i);
		ck_assert_uint_le(ms, (1000u << i) + 110);
		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->len, len);
		ck_assert(memcmp(r.sent[0].data, first, len) == 0);
		ck_assert_uint_eq(rig_stat(&r, SW_C_SYNACK_RETRANSMITTED), i + 1);
	}
	ck_assert_uint_eq(ms_until_sent(20000), 0);
	rig_ack(&r, &c); /* it still counts */
	ck_assert_uint_eq(rig_stat(&r, SW_C_SYNACK_SENT), 1);
}
END_TEST

/*
 * The handshake ACK is lost and the server is to speak first: the client answers the second SYN-ACK
 * with its ACK again, and the server's greeting comes through.
 */
START_TEST(lost_ack_of_a_silent_client)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	ck_assert_uint_gt(ms_until_sent(1200), 0);
	rig_ack(&r, &c);
	rig_synack(&r, &c);
	m = rig_server(&c);
	m.payload = (const uint8_t *)"220 ready";
	m.payload_len = 9;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.seq, c.k + 1);
	rig_tick(&r, 10000);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SYNACK_RETRANSMITTED), 1);
}
END_TEST

/* What ends it, and what does not: an ACK or an exact RST; not what anybody could send. */
START_TEST(what_ends_the_repetition)
{
	static const struct {
		const char *name;
		uint8_t flags;
		uint32_t seq, ack; /* what is added to the right ones */
		bool ends;
	} cases[] = {
		{"ACK", SW_TCP_ACK, 0, 0, true},
		{"RST of a host that never sent the SYN", SW_TCP_RST, 0, 0, true},
		{"RST, one too far", SW_TCP_RST, 1, 0, false},
		{"RST, one too early", SW_TCP_RST, (uint32_t)-1, 0, false},
		{"ACK of another number", SW_TCP_ACK, 0, 1, false},
		{"ACK with another number", SW_TCP_ACK, 1, 0, false},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = conn4;
		uint64_t before = rig_stat(&r, SW_C_SYNACK_RETRANSMITTED);
		struct pkt_make m;

		c.cport += (uint16_t)i;
		rig_syn(&r, &c);
		m = rig_client(&c);
		m.flags = cases[i].flags;
		m.seq += cases[i].seq;
		m.ack += cases[i].ack;
		rig_send(&r, SW_OUTSIDE, &m);
		rig_tick(&r, 8000);
		ck_assert_msg(
			rig_stat(&r, SW_C_SYNACK_RETRANSMITTED) - before == (cases[i].ends ? 0 : 3),
			"%s", cases[i].name);
	}
}
END_TEST

/*
 * A flood takes the few places once a second and no more; what is not remembered is answered all
 * the same. What came first keeps its place, or the flood would push every client out.
 */
START_TEST(repetition_is_bounded)
{
	for (unsigned s = 0; s < 3; s++) {
		for (unsigned i = 0; i < 20 * RECENT; i++) {
			struct rig_conn c = conn4;

			c.cport = (uint16_t)(1000 + 1000 * s + i);
			rig_syn(&r, &c);
		}
		for (unsigned ms = 0; ms < 1000; ms += 10) {
			rig_tick(&r, 10);
			for (unsigned i = 0; i < r.n_sent; i++)
				ck_assert_uint_lt(r.sent[i].seen.dport % 1000, RECENT + 1);
		}
	}
	rig_tick(&r, 20000);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SYNACK_SENT), 60 * RECENT);
	ck_assert_uint_gt(rig_stat(&r, SW_C_SYNACK_RETRANSMITTED), 0);
	ck_assert_uint_le(rig_stat(&r, SW_C_SYNACK_RETRANSMITTED), 3 * 3 * RECENT + 3);
}
END_TEST

/* What is forgotten twice was one: the other one is still sent again, and ends, too. */
START_TEST(forgotten_once)
{
	struct rig_conn a = conn4, b = conn4;
	struct pkt_make rst;
	struct rig t;

	rig_init(&t, &(struct rig_params){.recent = 1024});
	b.cport++;
	rig_syn(&t, &a);
	rig_syn(&t, &b);
	for (unsigned i = 0; i < 2; i++) { /* the second ACK is a replay */
		rig_ack(&t, &a);
		rst = rig_client(&a);
		rst.flags = SW_TCP_RST;
		rig_send(&t, SW_OUTSIDE, &rst);
		ck_assert_uint_eq(rig_flows(&t), 0);
	}
	rig_tick(&t, 1500);
	ck_assert_uint_eq(rig_stat(&t, SW_C_SYNACK_RETRANSMITTED), 1);
	rst = rig_client(&b);
	rst.flags = SW_TCP_RST;
	rig_send(&t, SW_OUTSIDE, &rst);
	rig_tick(&t, 8000);
	ck_assert_uint_eq(rig_stat(&t, SW_C_SYNACK_RETRANSMITTED), 1);
	rig_fini(&t);
}
END_TEST

START_TEST(repetition_is_off)
{
	struct rig_conn c = conn4;
	struct rig t;

	rig_init(&t, NULL);
	rig_syn(&t, &c);
	rig_tick(&t, 20000);
	ck_assert_uint_eq(rig_stat(&t, SW_C_TX_OUTSIDE), 1);
	rig_fini(&t);
}
END_TEST

/* Sends m; it must come out on the other side with not a byte changed. */
static void
unchanged(unsigned side, const struct pkt_make *m)
{
	uint8_t b[PKT_MAX];
	size_t len = pkt_make(b, sizeof(b), m);

	rig_queue_raw(&r, side, b, len, 0);
	rig_run(&r);
	ck_assert_uint_eq(rig_only(&r, !side)->len, len);
	ck_assert(memcmp(r.sent[0].data, b, len) == 0);
}

static struct pkt_make
server_syn(const struct rig_conn *c)
{
	struct pkt_make m = rig_server(c);

	m.flags = SW_TCP_SYN;
	m.seq = c->s;
	m.ack = 0;
	m.opts = (const uint8_t *)"\2\4\5\264\1\3\3\7";
	m.opts_len = 8;
	return m;
}

static struct pkt_make
client_synack(const struct rig_conn *c)
{
	struct pkt_make m = rig_client(c);

	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c->c;
	m.ack = c->s + 1;
	return m;
}

/* An active-mode transfer, a server that calls back: from the protected port, untranslated. */
START_TEST(server_opens)
{
	struct rig_conn c = _i ? conn6 : conn4;
	struct pkt_make m = server_syn(&c);

	unchanged(SW_INSIDE, &m);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_FROM_SERVER), 1);
	unchanged(SW_INSIDE, &m); /* its timer */
	m = client_synack(&c);
	unchanged(SW_OUTSIDE, &m);
	unchanged(SW_OUTSIDE, &m); /* the server's ACK was lost */
	m = rig_server(&c);
	m.payload = (const uint8_t *)"hello";
	m.payload_len = 5;
	unchanged(SW_INSIDE, &m);
	m = rig_client(&c);
	m.ack = c.s + 6;
	unchanged(SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
	struct pkt_make syn = m; /* open is open: the server is to challenge it */

	syn.flags = SW_TCP_SYN;
	syn.seq = 4711;
	unchanged(SW_OUTSIDE, &syn);
	m.flags |= SW_TCP_FIN;
	unchanged(SW_OUTSIDE, &m);
	m = rig_server(&c);
	m.seq += 5;
	m.ack++;
	m.flags |= SW_TCP_FIN;
	unchanged(SW_INSIDE, &m);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_BOTH);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_DROPPED), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SYNACK_SENT), 0);
}
END_TEST

/* The client refuses, or never answers: the entry goes, and lets nothing else in. */
START_TEST(server_opens_in_vain)
{
	struct rig_conn c = conn4;
	struct pkt_make m = client_synack(&c);

	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_SYNACK_FROM_CLIENT), 1);
	m = server_syn(&c);
	unchanged(SW_INSIDE, &m);
	m = rig_client(&c);
	m.flags = SW_TCP_RST | SW_TCP_ACK;
	m.seq = 0;
	m.ack = c.s + 1;
	unchanged(SW_OUTSIDE, &m);
	rig_tick(&r, SW_TIMEOUT_RESET_MS + 1500);
	ck_assert_uint_eq(rig_flows(&r), 0);
	for (unsigned again = 0; again < 2; again++) {
		m = server_syn(&c);
		unchanged(SW_INSIDE, &m);
		if (again) { /* its timer, and a minute from there */
			rig_tick(&r, 30000);
			unchanged(SW_INSIDE, &m);
		}
		rig_tick(&r, 60000);
		ck_assert_uint_eq(rig_flows(&r), 1);
		rig_tick(&r, 1500);
		ck_assert_uint_eq(rig_flows(&r), 0);
		ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_EXPIRED), again + 1);
		ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_QUIET), 0);
	}
	m = client_synack(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
}
END_TEST

/*
 * A bit of the first SYN fell on the way: nobody answers such a one, and it must not decide what
 * the client's answer to the next one is held against; nor end a connection whose tuple is used
 * again.
 */
START_TEST(server_opens_corrupted)
{
	struct rig_conn c = conn4;
	struct pkt_make m = server_syn(&c);
	uint8_t b[PKT_MAX];
	size_t len = pkt_make(b, sizeof(b), &m);

	b[14 + 20 + 5] ^= 2; /* in its sequence number */
	rig_queue_raw(&r, SW_INSIDE, b, len, 0);
	rig_run(&r);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_flows(&r), 0);
	unchanged(SW_INSIDE, &m);
	rig_queue_raw(&r, SW_INSIDE, b, len, 0); /* and one later: its receiver turns it away */
	rig_run(&r);
	m = client_synack(&c);
	unchanged(SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_SYNACK_FROM_CLIENT), 0);

	c.cport++;
	rig_to_state(&r, &c, SW_FLOW_FIN_CLIENT);
	m = server_syn(&c);
	len = pkt_make(b, sizeof(b), &m);
	b[14 + 20 + 5] ^= 2;
	rig_queue_raw(&r, SW_INSIDE, b, len, 0);
	rig_run(&r);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_CLIENT);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_TCP_CHECKSUM), 2);
}
END_TEST

/*
 * The server gives up before the client has answered, and tries again from the same port with
 * another number: that is the one that the client's answer has to fit. Once it is answered, no SYN
 * changes that any more.
 */
START_TEST(server_opens_anew)
{
	struct rig_conn c = conn4, old = conn4;
	struct pkt_make m = server_syn(&old);

	unchanged(SW_INSIDE, &m);
	c.s += 100000;
	m = server_syn(&c);
	unchanged(SW_INSIDE, &m);
	m = client_synack(&old);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_SYNACK_FROM_CLIENT), 1);
	m = client_synack(&c);
	unchanged(SW_OUTSIDE, &m);
	m = server_syn(&old);
	unchanged(SW_INSIDE, &m);
	m = client_synack(&c); /* the server's ACK was lost */
	unchanged(SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_FROM_SERVER), 1);
	ck_assert_uint_eq(rig_flows(&r), 1);
}
END_TEST

/* Only in mode proxy are there entries; a server of another mode is not helped. */
START_TEST(server_opens_in_other_modes)
{
	for (unsigned port = 81; port < 84; port++) {
		struct rig_conn c = conn4;
		struct pkt_make m;

		c.sport = (uint16_t)port;
		m = server_syn(&c);
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(r.n_sent, port == 82); /* pass */
	}
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_SERVER_NO_FLOW), 1);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_SERVICE_DROP), 1);
}
END_TEST

/*
 * Both open at once (RFC 9293, 3.5), the server's SYN seen first: the client's SYN gets a cookie,
 * but the client answers the server's, and that connection is the one.
 */
START_TEST(both_open_server_first)
{
	struct rig_conn c = conn4, own;
	struct pkt_make m = server_syn(&c);

	unchanged(SW_INSIDE, &m);
	own = c;
	rig_syn(&r, &own);
	m = client_synack(&c);
	unchanged(SW_OUTSIDE, &m);
	m = rig_server(&c); /* SYN-RECEIVED there too: its SYN-ACK, then data */
	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s;
	unchanged(SW_INSIDE, &m);
	m = rig_client(&c);
	m.ack = c.s + 1;
	unchanged(SW_OUTSIDE, &m);
	m = rig_server(&c);
	unchanged(SW_INSIDE, &m);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_COOKIE_ACCEPTED), 0);
}
END_TEST

/* The client's SYN seen first: it has its cookie, and that connection is the one. */
START_TEST(both_open_client_first)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	m = server_syn(&c);
	unchanged(SW_INSIDE, &m);
	rig_ack(&r, &c);
	rig_synack(&r, &c);
	m = rig_server(&c);
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.seq, c.k + 1);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REOPENED), 1);
	ck_assert_uint_eq(rig_flow(&r, &c)->flags & SW_FLOW_FROM_SERVER, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("servers open");
	TCase *c = tcase_create("servers open");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, synack_again_while_no_ack_comes, 0, 2);
	tcase_add_test(c, lost_ack_of_a_silent_client);
	tcase_add_test(c, what_ends_the_repetition);
	tcase_add_test(c, repetition_is_bounded);
	tcase_add_test(c, repetition_is_off);
	tcase_add_test(c, forgotten_once);
	tcase_add_loop_test(c, server_opens, 0, 2);
	tcase_add_test(c, server_opens_in_vain);
	tcase_add_test(c, server_opens_corrupted);
	tcase_add_test(c, server_opens_anew);
	tcase_add_test(c, server_opens_in_other_modes);
	tcase_add_test(c, both_open_server_first);
	tcase_add_test(c, both_open_client_first);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
