/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What clients are promised, by what servers said before (lib/handshake/learn.c): given up, tried
 * again, and forgotten.
 */
#include "unit/servers_run.h"

/* What one server lacked is promised to nobody for 60 s, then to see: doubling while in vain. */
START_TEST(option_is_not_promised_any_more)
{
	static const uint8_t option[] = {RIG_WS, RIG_SACK, RIG_TS, RIG_ECN};
	const unsigned all = RIG_MSS | RIG_WS | RIG_SACK | RIG_TS | RIG_ECN;
	const uint8_t lacked = option[_i];
	/* Without timestamps there is nothing to remember ECN by. */
	unsigned rest = all & ~(lacked == RIG_TS ? RIG_TS | RIG_ECN : lacked);
	unsigned wait = 60;

	connection(false, lacked);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LEARNED), 1);
	for (unsigned turn = 0; turn < 3; turn++, wait *= 2) {
		struct rig_conn c = conn_of(false, 0), other = conn_of(true, 0);

		ck_assert_uint_eq(told_to(&c).options, rest);
		open_with(&c); /* tells nothing: it was not asked */
		ck_assert_uint_eq(told_to(&other).options, all); /* IPv6 is learned by itself */
		pass_time(wait - 1);
		c = conn_of(false, 0);
		ck_assert_uint_eq(told_to(&c).options, rest);
		pass_time(1);
		c = conn_of(false, lacked);
		ck_assert_uint_eq(told_to(&c).options, all);
		open_with(&c); /* in vain */
	}
	struct rig_conn c;

	pass_time(wait);
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).options, all);
	open_with(&c); /* it has it now */
	pass_time(1);
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).options, all);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LEARNED), 2);
	connection(false, lacked); /* and lacks it again: from the start */
	pass_time(59);
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).options, rest);
	pass_time(1);
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).options, all);
	connection(false, lacked);
	pass_time(119);
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).options, rest);
}
END_TEST

static unsigned
mss_told(bool v6)
{
	struct rig_conn c = conn_of(v6, 0);

	return told_to(&c).mss;
}

static void
learn_mss_of(uint16_t mss)
{
	struct rig_conn c = conn_of(false, 0);

	c.smss = mss;
	rig_syn(&r, &c);
	open_with(&c);
}

/* The smallest of two periods of 64 s: with several servers the smallest must be honoured. */
START_TEST(mss_is_learned)
{
	ck_assert_uint_eq(mss_told(false), 1460);
	learn_mss_of(1380);
	ck_assert_uint_eq(mss_told(false), 1380);
	ck_assert_uint_eq(mss_told(true), 1440);
	learn_mss_of(1460);
	ck_assert_uint_eq(mss_told(false), 1380);
	learn_mss_of(1300);
	ck_assert_uint_eq(mss_told(false), 1300);
	pass_time(64);
	learn_mss_of(1460);
	ck_assert_uint_eq(mss_told(false), 1300);
	pass_time(64);
	learn_mss_of(9000);
	ck_assert_uint_eq(mss_told(false), 1460);
	pass_time(64);
	learn_mss_of(9000);
	ck_assert_uint_eq(mss_told(false), 9000);
}
END_TEST

/* The scale is not in the cookie: with one key only one is told. A cookie of before means that. */
START_TEST(scale_is_learned_at_the_next_key)
{
	struct rig_conn c = conn_of(false, 0), before = conn_of(false, 0);
	struct pkt_make m;

	c.swscale = 9;
	rig_syn(&r, &c);
	open_with(&c);
	ck_assert_uint_eq(told_to(&before).scale, 7);
	pass_time(64);
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).scale, 9);
	for (unsigned i = 0; i < 2; i++) {
		struct rig_conn *p = i ? &c : &before;

		p->swscale = 9;
		open_with(p);
		m = rig_server(p);
		m.window = 100;
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.window, i ? 100 : 400);
	}
	/* Others who share the secret have learned otherwise: all say what is configured. */
	r.view.shared = true;
	pass_time(64);
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).scale, 7);
}
END_TEST

/* A server that is not asked for an option does not lack it: clients without any teach nothing. */
START_TEST(what_is_not_asked_is_not_learned)
{
	const unsigned all = RIG_MSS | RIG_WS | RIG_SACK | RIG_TS | RIG_ECN;
	struct rig_conn c = conn_of(_i, 0);

	c.opts_len = 4; /* MSS alone */
	c.syn_flags = 0;
	ck_assert_uint_eq(told_to(&c).options, RIG_MSS);
	open_with(&c);
	ck_assert_uint_eq(c.asked, RIG_MSS);
	c = conn_of(_i, 0);
	ck_assert_uint_eq(told_to(&c).options, all);
	ck_assert_uint_eq(rig_stat(&r, SW_C_LEARNED), 0);
}
END_TEST

/* What was learned of another configuration, or where it is off, counts for nothing. */
START_TEST(what_is_not_learned)
{
	struct rig_params p = {0};
	struct rig_conn c;
	struct rig other;

	connection(false, RIG_SACK);
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).options & RIG_SACK, 0);
	rig_init(&other, &p); /* learn is off there */
	r.view.policy = other.policy_mem;
	for (unsigned i = 0; i < 2; i++) {
		c = conn_of(false, RIG_SACK);
		ck_assert_uint_eq(told_to(&c).options & RIG_SACK, RIG_SACK);
		open_with(&c);
	}
	r.view.policy = r.policy_mem;
	c = conn_of(false, 0);
	ck_assert_uint_eq(told_to(&c).options & RIG_SACK, RIG_SACK);
	rig_fini(&other);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("servers learn");
	TCase *c = tcase_create("servers learn");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, option_is_not_promised_any_more, 0, 4);
	tcase_add_test(c, mss_is_learned);
	tcase_add_test(c, scale_is_learned_at_the_next_key);
	tcase_add_loop_test(c, what_is_not_asked_is_not_learned, 0, 2);
	tcase_add_test(c, what_is_not_learned);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
