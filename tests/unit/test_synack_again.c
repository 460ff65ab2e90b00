/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN-ACKs that are sent again while no ACK comes (lib/handshake/recent.c). */
#include <check.h>
#include <string.h>

#include "packet/parse.h"
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

int
main(void)
{
	Suite *s = suite_create("SYN-ACKs again");
	TCase *c = tcase_create("SYN-ACKs again");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, synack_again_while_no_ack_comes, 0, 2);
	tcase_add_test(c, lost_ack_of_a_silent_client);
	tcase_add_test(c, what_ends_the_repetition);
	tcase_add_test(c, repetition_is_bounded);
	tcase_add_test(c, repetition_is_off);
	tcase_add_test(c, forgotten_once);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
