/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flows that are marked: a SYN on the tuple has got a cookie, which may come back. What that must
 * not change for the connection that is there, and when the mark is made.
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig_each.h"

static struct pkt_make
syn_of(const struct rig_conn *c, uint32_t isn)
{
	struct pkt_make m = rig_client_syn(c);

	m.seq = isn;
	return m;
}

/*
 * A SYN that anybody may have sent, while the server has not answered yet; then our ACK to the
 * server is lost. Where the flow kept what that ACK was made of there is the number of the SYN now:
 * the server's SYN-ACK goes to the client, which acknowledges it like any segment that it has had.
 */
START_TEST(synack_again_on_a_marked_flow)
{
	struct rig_conn c = _i ? conn6 : conn4, other;
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	other = c;
	other.c += 0x60000000;
	rig_syn(&r, &other);
	rig_synack(&r, &c);
	ck_assert(rig_flow(&r, &c)->flags & SW_FLOW_REOPEN);
	struct pkt_make again = rig_server(&c);

	again.flags = SW_TCP_SYN | SW_TCP_ACK;
	again.seq = c.s;
	rig_send(&r, SW_INSIDE, &again);
	ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.flags, SW_TCP_SYN | SW_TCP_ACK);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.k);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.c + 1);
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.seq, c.c + 1);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.s + 1);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);

	/* The server has had it: a late copy. */
	m = rig_server(&c);
	m.ack = c.c + 9;
	rig_send(&r, SW_INSIDE, &m);
	rig_send(&r, SW_INSIDE, &again);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
}
END_TEST

/*
 * The client has reset and opens anew; an ACK of its old connection was overtaken by both and comes
 * in one burst with the SYN, behind it. That shows the old connection alive: the SYN is for the
 * server to challenge, and gets no cookie that would be forgotten.
 */
START_TEST(syn_and_late_segment_in_one_burst)
{
	struct rig_conn c = _i ? conn6 : conn4;
	struct pkt_make m;

	rig_to_state(&r, &c, SW_FLOW_RST_CLIENT);
	m = syn_of(&c, c.c + 100000);
	rig_queue(&r, SW_OUTSIDE, &m);
	m = rig_client(&c);
	rig_queue(&r, SW_OUTSIDE, &m);
	rig_run(&r);
	ck_assert_uint_eq(r.n_sent, 2);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_eq(r.sent[i].side, SW_INSIDE);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
	ck_assert_uint_eq(rig_flow(&r, &c)->flags & SW_FLOW_REOPEN, 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LIVE_SYN_PASSED), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SYNACK_SENT), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reuse marked");
	TCase *c = tcase_create("reuse marked");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, synack_again_on_a_marked_flow, 0, 2);
	tcase_add_loop_test(c, syn_and_late_segment_in_one_burst, 0, 2);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
