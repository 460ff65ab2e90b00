/* SPDX-License-Identifier: BSD-3-Clause */
/* Which cookies are accepted: of which keys, how many, how often, and of whom in one burst. */
#include <check.h>
#include <string.h>

#include "packet/parse.h"
#include "unit/rig_each.h"

/* More right cookies than were issued in the epoch: the surplus opens nothing. */
START_TEST(budget)
{
	struct rig_conn c = conn4, copy;
	struct rig other;

	/* The same keys elsewhere issue a cookie that is right here, too. */
	rig_init(&other, NULL);
	copy = c;
	rig_syn(&other, &copy);
	rig_fini(&other);
	struct pkt_make m = rig_client(&copy);

	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BUDGET), 1);
	ck_assert_uint_eq(rig_flows(&r), 0);
	r.view.budget = false; /* a cluster shares its keys and turns it off */
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_flows(&r), 1);
}
END_TEST

/* A client that lets its own connection end and replays its ACK spends nobody else's budget. */
START_TEST(replays_do_not_spend_the_budget)
{
	struct rig_conn c = conn4, other = conn4;

	other.cport++;
	rig_syn(&r, &c);
	rig_syn(&r, &other);
	for (unsigned i = 0; i < 5; i++) {
		struct pkt_make m = rig_client(&c);

		rig_ack(&r, &c);
		m.flags = SW_TCP_RST;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(rig_flows(&r), 0);
	}
	rig_ack(&r, &other);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BUDGET), 0);
}
END_TEST

/* A right cookie says nothing for the ACK beside it, whatever of its numbers is the same. */
START_TEST(cookie_of_the_one_beside)
{
	for (unsigned k = 0; k < 6; k++) {
		struct rig_conn c = conn4;
		struct pkt_make m[2];

		c.cport = (uint16_t)(c.cport + 10 * k);
		rig_syn(&r, &c);
		m[0] = m[1] = rig_client(&c);
		if (k % 3 == 0)
			m[1].sport++;
		else if (k % 3 == 1)
			m[1].seq += 0x10000;
		else
			m[1].ack += 0x10000;
		/* The wrong one behind the right one, then ahead of it. */
		rig_queue(&r, SW_OUTSIDE, &m[k / 3]);
		rig_queue(&r, SW_OUTSIDE, &m[1 - k / 3]);
		rig_run(&r);
		ck_assert_msg(rig_stat(&r, SW_C_FLOW_CREATED) == k + 1, "case %u", k);
		ck_assert_uint_eq(rig_stat(&r, SW_C_COOKIE_ACCEPTED), k + 1);
		ck_assert_ptr_nonnull(rig_flow(&r, &c));
		/* It finds the flow there already, or not yet. */
		ck_assert_uint_eq(rig_flows(&r), k + 1);
	}
	ck_assert_uint_ge(rig_drop(&r, SW_DROP_COOKIE_BAD), 4);
}
END_TEST

/* Equal ACKs of one burst, one with a timestamp that is not ours: that one alone is refused. */
START_TEST(bad_timestamp_before_a_good_one)
{
	for (unsigned k = 0; k < 2; k++) {
		struct rig_conn c = conn4;
		uint8_t good[12], bad[12];
		struct pkt_make m;

		c.cport = (uint16_t)(c.cport + k);
		memcpy(c.opts,
			(uint8_t[]){2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 5},
			20);
		c.opts_len = 20;
		c.ctsval = 10;
		rig_syn(&r, &c);
		ck_assert(c.ts);
		m = rig_client(&c);
		m.opts_len = rig_ts(good, c.ctsval, c.ktsval);
		rig_ts(bad, c.ctsval, c.ktsval ^ 0x10000);
		m.opts = bad;
		if (k == 0)
			rig_queue(&r, SW_OUTSIDE, &m);
		m.opts = good;
		rig_queue(&r, SW_OUTSIDE, &m);
		m.opts = bad;
		if (k == 1)
			rig_queue(&r, SW_OUTSIDE, &m);
		rig_run(&r);
		ck_assert_uint_eq(rig_stat(&r, SW_C_COOKIE_ACCEPTED), k + 1);
	}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BAD), 1);
}
END_TEST

/* Two that are the same and wrong do not belong to what an ACK ahead of them has opened. */
START_TEST(wrong_twice_behind_a_right_one)
{
	struct rig_conn c = conn4, other = conn4;
	struct pkt_make m;

	other.cport++;
	rig_syn(&r, &c);
	m = rig_client(&c);
	rig_queue(&r, SW_OUTSIDE, &m);
	other.k = c.k + 1;
	m = rig_client(&other);
	rig_queue(&r, SW_OUTSIDE, &m);
	rig_queue(&r, SW_OUTSIDE, &m);
	rig_run(&r);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BAD), 2);
	ck_assert_uint_eq(rig_flows(&r), 1);
}
END_TEST

START_TEST(key_epochs)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	r.now_ns += 64ull * 1000000000; /* one rotation: the key of the last epoch still verifies */
	rig_rekey(&r);
	rig_ack(&r, &c);
	c.cport++;
	r.now_ns += 10ull * 1000000000; /* within the first half of the epoch */
	rig_rekey(&r);
	rig_syn(&r, &c);
	r.now_ns += 2 * 64ull * 1000000000; /* two rotations */
	rig_rekey(&r);
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BAD), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine cookies");
	TCase *c = tcase_create("engine cookies");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, budget);
	tcase_add_test(c, replays_do_not_spend_the_budget);
	tcase_add_test(c, cookie_of_the_one_beside);
	tcase_add_test(c, bad_timestamp_before_a_good_one);
	tcase_add_test(c, wrong_twice_behind_a_right_one);
	tcase_add_test(c, key_epochs);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_FORK_GETENV);
}
