/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine packet by packet, behind the handshake: what is repeated, resets, closing, and the
 * same tuple again.
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig_each.h"

/* Our ACK of the SYN-ACK was lost: the server says SYN-ACK again and gets its ACK again. */
START_TEST(synack_again)
{
	struct rig_conn c = conn4;

	rig_open(&r, &c);
	struct pkt_make m = rig_server(&c);

	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_ACK);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.s + 1);
	ck_assert_uint_eq(r.sent[0].seen.window, 1000);
	/* A late copy, when the server has acknowledged more: nothing to say. */
	struct pkt_make data = rig_server(&c);

	data.ack = c.c + 50;
	rig_send(&r, SW_INSIDE, &data);
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
	/* Another ISN: the server has lost the connection and answers the client's new SYN. */
	m.ack = 99;
	m.seq = 1234;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(r.sent[0].seen.seq, 99);
	ck_assert(sw_flow_reusable(rig_flow(&r, &c)));
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
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
}
END_TEST

/* A server that answers two copies of our SYN with two ISNs: the later answer ends nothing. */
START_TEST(late_synack_of_another_isn)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_server(&c);
	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s + 5;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
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
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_CLIENT);
	m = rig_server(&c);
	m.flags = SW_TCP_FIN | SW_TCP_ACK;
	m.ack = c.c + 2;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_BOTH);
	again = c;
	again.c += 100000;
	again.s += 77777;
	rig_syn(&r, &again);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert(rig_flow(&r, &c)->flags & SW_FLOW_REOPEN);
	/* The old connection's last ACK still finds its way. */
	m = rig_client(&c);
	m.seq = c.c + 2;
	m.ack = c.k + 2;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.ack, c.s + 2);
	/*
	 * The new one's first segment is lost, its second comes: it is nothing for the old
	 * connection.
	 */
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
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
	ck_assert_uint_eq(rig_flow(&r, &c)->delta, again.k - again.s);
}
END_TEST

/*
 * Both FINs seen, or only the server's: a later SYN with a flood's ISN must not spoil the true
 * one's ACK.
 */
START_TEST(later_syn_does_not_spoil_a_reuse)
{
	struct rig_conn c = conn4, again = conn4, spoof = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_server(&c);
	m.flags = SW_TCP_FIN | SW_TCP_ACK;
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_SERVER);
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

/*
 * A late copy of the connection's own SYN, when the client has finished sending: nothing changes.
 */
START_TEST(own_syn_again_on_closing_flow)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client(&c);
	m.flags = SW_TCP_FIN | SW_TCP_ACK;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_CLIENT);
	rig_syn(&r, &c);
	rig_send(&r, SW_OUTSIDE, &m); /* the FIN again */
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_FIN | SW_TCP_ACK);
	m.flags = SW_TCP_ACK; /* the handshake ACK again */
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_ACK);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REOPENED), 0);
}
END_TEST

/*
 * Marked for reuse, then shown to be alive: its SYNs still get cookies and never reach the server.
 */
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
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
	again.c += 5000;
	rig_syn(&r, &again);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LIVE_SYN_PASSED), 0);
}
END_TEST

/*
 * A SYN of another ISN and the server's SYN-ACK in one burst: the flow is open, and not to be taken
 * over.
 */
START_TEST(syn_and_synack_in_one_burst)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	m = rig_client_syn(&c);
	m.seq = 77;
	rig_queue(&r, SW_OUTSIDE, &m);
	m = rig_server(&c);
	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s;
	rig_queue(&r, SW_INSIDE, &m);
	rig_run(&r);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
	ck_assert_uint_eq(rig_flow(&r, &c)->flags & SW_FLOW_REOPEN, 0);
	ck_assert_uint_eq(rig_flow(&r, &c)->server_isn, (uint16_t)c.s);
}
END_TEST

/* A restarted client on a connection that lives: the server is to challenge it, no cookie. */
START_TEST(syn_on_live_flow)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_open(&r, &c);
	m = rig_client_syn(&c);
	m.seq = 4711;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_SYN);
	ck_assert_uint_eq(r.sent[0].seen.seq, 4711);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
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
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_ACK);
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
		rig_only(&r, SW_INSIDE);
		ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
	}
	m = rig_client(&c);
	m.flags = SW_TCP_RST;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_RST_CLIENT);
	/* The true client goes on: it was no reset. */
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
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
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_RST_CLIENT);
	rig_tick(&r, SW_TIMEOUT_CLOSING_MS - 1000);
	ck_assert_uint_eq(rig_flows(&r), 1);
	rig_tick(&r, 3000);
	ck_assert_uint_eq(rig_flows(&r), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine closing");
	TCase *c = tcase_create("engine closing");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, synack_again);
	tcase_add_test(c, second_synack_after_reset);
	tcase_add_test(c, late_synack_of_another_isn);
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
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_FORK_GETENV);
}
