/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one client, or one server's answer to it, must not do to all others, and what a client must
 * not reach through an entry that a server has opened.
 */
#include "unit/servers_run.h"

#define ALL (RIG_MSS | RIG_WS | RIG_SACK | RIG_TS | RIG_ECN)

/* A client without timestamps; a server that answers it with SYN cookies has no room for more. */
static struct rig_conn
without_timestamps(uint8_t lacks)
{
	struct rig_conn c = conn_of(false, lacks);

	c.opts_len = 12;
	memcpy(c.opts, "\2\4\5\264\1\1\4\2\1\3\3\7", 12);
	return c;
}

static struct rig_conn
with_mss(unsigned mss)
{
	struct rig_conn c = conn_of(false, 0);

	c.opts[2] = (uint8_t)(mss >> 8);
	c.opts[3] = (uint8_t)mss;
	return c;
}

static unsigned
server_told_mss(struct rig_conn *c)
{
	rig_syn(&r, c);
	rig_ack(&r, c);
	const uint8_t *o = rig_opt(&rig_only(&r, SW_INSIDE)->seen, SW_OPT_MSS);

	return (unsigned)o[2] << 8 | o[3];
}

START_TEST(answers_to_clients_without_timestamps)
{
	struct rig_conn c = without_timestamps(RIG_WS | RIG_SACK), next;

	rig_syn(&r, &c);
	open_with(&c);
	ck_assert_uint_eq(
		rig_flow(&r, &c)->flags & SW_FLOW_REPAIR, SW_FLOW_NO_SACK | SW_FLOW_NO_WSCALE);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LEARNED), 0);
	next = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&next).options, ALL);
	/* What such an answer has counts all the same. */
	connection(false, RIG_WS);
	next = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&next).options, ALL & ~RIG_WS);
}
END_TEST

START_TEST(small_mss_of_one_client)
{
	static const struct {
		unsigned client, server, promised;
	} cases[] = {
		{48, 48, 1460},	    /* an echo of what it was told */
		{1460, 560, 1220},  /* a path of that client's, or a server: no lower than this */
		{1460, 1220, 1220}, /* both sides of the bound */
		{1460, 1221, 1221}, {1460, 8960, 8960}, /* a larger one */
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = with_mss(cases[i].client), next;

		c.smss = (uint16_t)cases[i].server;
		rig_syn(&r, &c);
		open_with(&c);
		next = conn_of(false, 0);
		ck_assert_uint_eq(told_to(&next).mss, cases[i].promised);
		pass_time(200); /* two periods: only what is said last counts */
	}
}
END_TEST

/* Promised 1400 by what was learned, while others were promised 1460: nothing to cut. */
START_TEST(right_promise_is_not_cut)
{
	struct rig_conn c = conn_of(false, 0);
	struct pkt_make m;

	c.smss = 1400;
	rig_syn(&r, &c);
	open_with(&c);
	c = without_timestamps(0);
	c.smss = 1400;
	ck_assert_uint_eq(told_to(&c).mss, 1400);
	open_with(&c);
	m = rig_client(&c);
	m.payload = data;
	m.payload_len = 1400;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.payload_len, 1400);
	m.payload_len = 1399;
	rig_send(&r, SW_OUTSIDE, &m);
	rig_only(&r, SW_INSIDE);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SEGMENT_CUT), 0);
}
END_TEST

/* Old and embedded stacks: not much is lost by the classes. */
START_TEST(small_clients_keep_their_mss)
{
	static const unsigned mss[][2] = {{1452, 1420}, {1400, 1360}, {1240, 1220}, {536, 512},
		{512, 512}, {511, 216}, {216, 216}, {215, 48}};

	for (unsigned i = 0; i < SW_ARRAY_LEN(mss); i++) {
		struct rig_conn c = with_mss(mss[i][0]);

		ck_assert_uint_eq(server_told_mss(&c), mss[i][1]);
	}
}
END_TEST

/*
 * A server has sent a SYN. What does not acknowledge it opens nothing: no forged SYN-ACK, no ACK,
 * no SYN gets through the entry, and the entry does not live on by them.
 */
START_TEST(only_its_answer_opens_what_a_server_asked_for)
{
	struct rig_conn c = conn_of(false, 0);
	struct pkt_make m = rig_server(&c);

	m.flags = SW_TCP_SYN;
	m.seq = c.s;
	m.ack = 0;
	rig_send(&r, SW_INSIDE, &m);
	rig_only(&r, SW_OUTSIDE);
	uint32_t deadline = rig_flow(&r, &c)->deadline_ms;

	pass_time(1);
	m = rig_client(&c);
	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.ack = c.s + 2;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_SYNACK_FROM_CLIENT), 1);
	rig_syn(&r, &c); /* a SYN is answered with a cookie */
	m = rig_client(&c);
	m.ack = c.k + 77;
	rig_send(&r, SW_OUTSIDE, &m);
	rig_only(&r, SW_INSIDE); /* for the server to judge, as without us */
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_QUIET);
	ck_assert_uint_eq(rig_flow(&r, &c)->deadline_ms, deadline);
	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.ack = c.s + 1;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.ack, c.s + 1);
	ck_assert_uint_eq(rig_flow(&r, &c)->flags, SW_FLOW_FROM_SERVER);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LIVE_SYN_PASSED), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("servers trust");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, answers_to_clients_without_timestamps);
	tcase_add_test(c, small_mss_of_one_client);
	tcase_add_test(c, right_promise_is_not_cut);
	tcase_add_test(c, small_clients_keep_their_mss);
	tcase_add_test(c, only_its_answer_opens_what_a_server_asked_for);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_FORK_GETENV);
}
