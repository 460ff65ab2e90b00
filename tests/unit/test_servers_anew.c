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

/* What the server said first, again after some time: how many packets come of it. */
struct repeat {
	unsigned ms, sent;
};

static void
repeat_synack(const struct pkt_make *m, const struct repeat *rep, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		rig_tick(&r, rep[i].ms);
		rig_send(&r, SW_INSIDE, m);
		ck_assert_msg(r.n_sent == rep[i].sent, "%u: %u sent", i, r.n_sent);
	}
	if (r.n_sent == 2) {
		ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_RST);
		ck_assert_uint_eq(r.sent[1].seen.flags & ~ECN, SW_TCP_SYN);
	}
}

/*
 * Our own timer may be far off, as SYNs were lost: the server's tells that it repeats. The first
 * time our RST may still be on its way.
 */
START_TEST(reset_is_lost_after_lost_syns)
{
	static const struct repeat rep[] = {
		{3000, 2}, {490, 0}, {510, 0}, {490, 0}, {10, 2}, {490, 0}, {10, 0}, {500, 2}};
	struct rig_conn c = conn_of(_i, RIG_TS);
	uint8_t o[40];
	struct pkt_make m = first_answer(&c, o);

	repeat_synack(&m, rep, SW_ARRAY_LEN(rep));
	ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_RST_SENT), 3);
}
END_TEST

/* The RST was on its way: what answers the SYN behind it opens the connection. */
START_TEST(reset_is_on_its_way)
{
	static const struct repeat rep[] = {{3000, 2}, {1000, 0}, {490, 0}};
	struct rig_conn c = conn_of(_i, RIG_TS);
	uint8_t o[40];
	struct pkt_make m = first_answer(&c, o);

	repeat_synack(&m, rep, SW_ARRAY_LEN(rep));
	c.asked &= (uint8_t)~RIG_TS;
	c.s += 5555;
	rig_synack(&r, &c);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_RST_SENT), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REPAIRED), 1);
}
END_TEST

/*
 * Our timer comes soon after the RST: what answers that SYN with the first SYN-ACK lost the RST. So
 * it is where the server has repeated it before.
 */
START_TEST(reset_is_lost_shortly_before_our_timer)
{
	static const struct repeat rep[] = {{900, 2}, {90, 0}}, again[] = {{0, 2}, {1000, 0}};
	struct rig_conn c = conn_of(_i, RIG_TS);
	uint8_t o[40];
	struct pkt_make m = first_answer(&c, o);

	repeat_synack(&m, rep, SW_ARRAY_LEN(rep));
	rig_tick(&r, 10);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags & ~ECN, SW_TCP_SYN);
	repeat_synack(&m, again, SW_ARRAY_LEN(again));
	rig_tick(&r, 1000);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags & ~ECN, SW_TCP_SYN);
	repeat_synack(&m, again, 1);
}
END_TEST

/* By the server's timer alone: twice more, then it is taken as it is. */
START_TEST(reset_is_lost_each_time)
{
	static const struct repeat rep[] = {{0, 2}, {500, 0}, {490, 0}};
	struct rig_conn c = conn_of(_i, RIG_TS);
	uint8_t o[40];
	struct pkt_make m = first_answer(&c, o);

	rig_tick(&r, 3000); /* our next timer: in 4 s */
	for (unsigned i = 0; i < 3; i++) {
		repeat_synack(&m, rep, SW_ARRAY_LEN(rep));
		rig_tick(&r, 10);
	}
	c.asked &= (uint8_t)~RIG_TS;
	rig_synack(&r, &c);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_RST_SENT), 3);
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
	tcase_add_loop_test(c, reset_is_on_its_way, 0, 2);
	tcase_add_loop_test(c, reset_is_lost_shortly_before_our_timer, 0, 2);
	tcase_add_loop_test(c, reset_is_lost_each_time, 0, 2);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
