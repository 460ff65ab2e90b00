/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Servers that turn out to lack timestamps are reset and asked anew (test_servers_repair.c): the
 * second answer does not come, or the reset does not arrive.
 */
#include "unit/servers_run.h"

/* It lacks timestamps, is asked anew, and refuses, or says nothing more. */
START_TEST(second_syn_fails)
{
	for (unsigned silent = 0; silent < 2; silent++) {
		struct rig_conn c = conn_of(false, RIG_TS);
		uint8_t o[40];
		struct pkt_make m;

		rig_syn(&r, &c);
		if (!c.ts) { /* learned in the first round */
			pass_time(60);
			rig_syn(&r, &c);
		}
		rig_ack(&r, &c);
		m = rig_server_synack(&c, o);
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 2);
		if (silent) {
			rig_tick(&r, 15000);
		} else {
			m = rig_server(&c);
			m.flags = SW_TCP_RST | SW_TCP_ACK;
			m.seq = 0;
			rig_send(&r, SW_INSIDE, &m);
		}
		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.flags, SW_TCP_RST | SW_TCP_ACK);
		ck_assert_uint_eq(r.sent[0].seen.seq, c.k + 1);
		ck_assert_uint_eq(r.sent[0].seen.ack, c.c + 1);
		ck_assert_uint_eq(rig_flows(&r), 0);
	}
}
END_TEST

/*
 * Our RST is lost: the server goes on with what it said first, and after each timer it is sent
 * again. A server that says the same after the last one (the ISN of one with SYN cookies may be the
 * same) is taken at its word.
 */
START_TEST(reset_of_the_first_syn_is_lost)
{
	struct rig_conn c = conn_of(_i, RIG_TS);
	uint8_t o[40];
	struct pkt_make m = first_answer(&c, o);

	for (unsigned ms = 1000; ms <= 4000; ms *= 2) {
		for (unsigned copy = 0; copy < 3; copy++) {
			rig_send(&r, SW_INSIDE, &m);
			ck_assert_uint_eq(r.n_sent, copy ? 0 : 2);
			if (copy == 0)
				ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_RST);
		}
		rig_tick(&r, ms);
		ck_assert(rig_opt(&rig_only(&r, SW_INSIDE)->seen, SW_OPT_TS) == NULL);
	}
	c.asked &= (uint8_t)~RIG_TS;
	rig_synack(&r, &c);
	ck_assert_uint_eq(rig_flow(&r, &c)->flags & SW_FLOW_REPAIR, SW_FLOW_TS_MADE);
}
END_TEST

/* Our own timer may be far off, as SYNs were lost: the server's tells that it repeats. */
START_TEST(reset_is_lost_after_lost_syns)
{
	static const unsigned ms_sent[][2] = {{3000, 2}, {490, 0}, {10, 2}};
	struct rig_conn c = conn_of(_i, RIG_TS);
	uint8_t o[40];
	struct pkt_make m = first_answer(&c, o);

	for (unsigned i = 0; i < SW_ARRAY_LEN(ms_sent); i++) {
		rig_tick(&r, ms_sent[i][0]);
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(r.n_sent, ms_sent[i][1]);
	}
	ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(r.sent[1].seen.flags & ~ECN, SW_TCP_SYN);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("servers anew");
	TCase *c = tcase_create("servers anew");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, second_syn_fails);
	tcase_add_loop_test(c, reset_of_the_first_syn_is_lost, 0, 2);
	tcase_add_loop_test(c, reset_is_lost_after_lost_syns, 0, 2);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
