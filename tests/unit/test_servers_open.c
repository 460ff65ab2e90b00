/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections that a server opens from a protected port, and those that both ends open. */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig.h"

static struct rig r;

static const struct rig_conn conn4 = {.cport = 40000, .c = 0xfffffff0, .s = 7000};
static const struct rig_conn conn6 = {.v6 = true, .cport = 40001, .c = 5, .s = 0xffffffff};

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
