/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients send before their server has answered: held, bounded, and delivered in order. */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "unit/rig_each.h"

/*
 * A handshake ACK, and the first segments of a request, in one burst:
 * only two of them carry the cookie.
 */
START_TEST(request_in_one_burst)
{
	struct rig_conn c = conn4;
	uint8_t data[1000];

	memset(data, 'x', sizeof(data));
	rig_syn(&r, &c);
	for (unsigned i = 0; i < 6; i++) {
		struct pkt_make m = rig_client(&c);

		m.payload = data;
		m.payload_len = i ? sizeof(data) : 0;
		m.seq = c.c + 1 + (i ? i - 1 : 0) * 1000;
		rig_queue(&r, SW_OUTSIDE, &m);
	}
	rig_run(&r);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_SYN);
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 5);
	/* The client's timer: what is held already is not held twice. */
	struct pkt_make again = rig_client(&c);

	again.payload = data;
	again.payload_len = sizeof(data);
	rig_send(&r, SW_OUTSIDE, &again);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
	rig_synack_held(&r, &c);
	ck_assert_uint_eq(r.n_sent, 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(r.sent[i].seen.seq, c.c + 1 + i * 1000);
		ck_assert_uint_eq(r.sent[i].seen.ack, c.s + 1);
		ck_assert(r.sent[i].seen.tcp_ok);
	}
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_HELD_RELEASED), 5);
}
END_TEST

/*
 * After a loss, as far as can be seen, the server gets an ACK by itself before what is held. _i:
 * our SYN again by its timer; at once, since the server remembered an older connection.
 */
START_TEST(ack_by_itself_after_a_loss)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	m = rig_client(&c);
	m.payload = (const uint8_t *)"GET /";
	m.payload_len = 5;
	rig_send(&r, SW_OUTSIDE, &m);
	if (_i == 0) {
		rig_tick(&r, 1000);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_SYN);
	} else {
		m = rig_server(&c);
		m.ack = 12345;
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 2);
		ck_assert_uint_eq(r.sent[1].seen.flags, SW_TCP_SYN);
	}
	rig_synack(&r, &c);
	ck_assert_uint_eq(r.n_sent, 3);
	ck_assert_uint_eq(r.sent[2].seen.payload_len, 5);
}
END_TEST

/* What was held got lost: each SYN-ACK that comes again is acknowledged, by us. _i: a FIN, too. */
START_TEST(consumed_synack_comes_again)
{
	struct rig_conn c = _i & 1 ? conn6 : conn4;
	uint8_t o[40];
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	m = rig_client(&c);
	m.payload = (const uint8_t *)"GET /";
	m.payload_len = 5;
	m.flags |= _i & 2 ? SW_TCP_FIN : 0;
	rig_send(&r, SW_OUTSIDE, &m);
	rig_synack_held(&r, &c);
	for (unsigned i = 0; i < 3; i++) {
		rig_tick(&r, 1000);
		m = rig_server_synack(&c, o);
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_ACK);
		ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
		ck_assert_uint_eq(r.sent[0].seen.ack, c.s + 1);
		ck_assert_uint_eq(r.sent[0].seen.window, 1000);
	}
	ck_assert_uint_eq(rig_stat(&r, SW_C_CLIENT_OPENED), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SYNACK_CONSUMED), 1);
	m = rig_client(&c); /* the client's timer */
	m.payload = (const uint8_t *)"GET /";
	m.payload_len = 5;
	m.flags |= _i & 2 ? SW_TCP_FIN : 0;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.payload_len, 5);
}
END_TEST

/* What is held was to acknowledge the SYN-ACK, and cannot be sent: the server asks again. */
START_TEST(held_with_malformed_options)
{
	struct rig_conn c = conn4;
	uint8_t o[40], bad[] = {1, 1, SW_OPT_SACK, 0};
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	m = rig_client(&c);
	m.opts = bad;
	m.opts_len = sizeof(bad);
	m.payload = bad;
	m.payload_len = sizeof(bad);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 1);
	for (unsigned again = 0; again < 2; again++) {
		m = rig_server_synack(&c, o);
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(rig_drop(&r, SW_DROP_TCP_OPTIONS), 1);
		ck_assert_uint_eq(r.n_sent, again);
		ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_ACK_SENT), again);
		if (!again)
			continue;
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_ACK);
		ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
	}
}
END_TEST

/*
 * A client's timer sends a later segment with a newer timestamp while the first ones are held. What
 * the server sees must never go back in time, or it takes the held ones for old duplicates (PAWS).
 */
START_TEST(timestamps_to_the_server_never_go_back)
{
	struct rig_conn c = conn4;
	uint8_t syn_ts[] = {1, 1, 8, 10, 0, 0, 0, 50, 0, 0, 0, 0}, ts[12];
	uint32_t last = 0;

	memcpy(c.opts, syn_ts, sizeof(syn_ts));
	c.opts_len = sizeof(syn_ts);
	rig_syn(&r, &c);
	memcpy(ts, syn_ts, 8);
	ck_assert_uint_eq(r.sent[0].seen.opts[6], 8); /* MSS 4, NOP NOP, TS: its TSval at 8 */
	memcpy(ts + 8, r.sent[0].seen.opts + 8, 4);
	for (unsigned i = 0; i < 3; i++) {
		struct pkt_make m = rig_client(&c);

		ts[7] = (uint8_t)(50 + 20 * i); /* TSval: 50, 70, 90 */
		m.opts = ts;
		m.opts_len = sizeof(ts);
		m.payload = ts;
		m.payload_len = i ? 10 : 0;
		m.seq = c.c + 1 + (i ? i - 1 : 0) * 10;
		rig_send(&r, SW_OUTSIDE, &m);
	}
	struct pkt_make m = rig_server(&c);

	m.flags = SW_TCP_SYN | SW_TCP_ACK;
	m.seq = c.s;
	m.opts = syn_ts;
	m.opts_len = sizeof(syn_ts);
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 4); /* with an ACK of ours: the server's MSS is less, 536 */
	for (unsigned i = 1; i < 4; i++) {
		const struct pkt_seen *s = &r.sent[i].seen;

		ck_assert_uint_eq(s->opts_len, 12);
		ck_assert_uint_ge(s->opts[7], last);
		last = s->opts[7];
	}
}
END_TEST

/* What is held came out of order: an RST behind the end of it is the client's. */
START_TEST(reset_behind_held_out_of_order)
{
	static const unsigned at[] = {0, 200, 100};
	struct rig_conn c = conn4;
	uint8_t data[100] = {0};
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	for (unsigned i = 0; i < SW_ARRAY_LEN(at); i++) {
		m = rig_client(&c);
		m.payload = data;
		m.payload_len = sizeof(data);
		m.seq = c.c + 1 + at[i];
		rig_send(&r, SW_OUTSIDE, &m);
	}
	m = rig_client(&c);
	m.flags = SW_TCP_RST | SW_TCP_ACK;
	m.seq = c.c + 1 + 299;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
	m.seq++;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 1);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(rig_flows(&r), 0);
}
END_TEST

START_TEST(hold_is_bounded_in_bytes)
{
	struct rig_conn c = conn4;
	uint8_t data[1000] = {0};

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	for (unsigned i = 0; i < 40; i++) {
		struct pkt_make m = rig_client(&c);

		m.payload = data;
		m.payload_len = sizeof(data);
		m.seq = c.c + 1 + i * 1000;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 0);
	}
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 32); /* 32,768 bytes were advertised */
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HOLD_FULL), 8);
}
END_TEST

START_TEST(hold_is_bounded_in_segments)
{
	struct rig_conn c = conn4;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	for (unsigned i = 0; i < SW_HOLD_PER_FLOW + 3; i++) {
		struct pkt_make m = rig_client(&c);

		m.payload = (const uint8_t *)"y";
		m.payload_len = 1;
		m.seq = c.c + 1 + i;
		rig_send(&r, SW_OUTSIDE, &m);
	}
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, SW_HOLD_PER_FLOW);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HOLD_FULL), 3);
}
END_TEST

/*
 * The first data behind a handshake ACK has the numbers of that, and is judged with it where both
 * are in one burst: not by it.
 */
START_TEST(numbers_of_the_ack)
{
	static const struct {
		const char *packets; /* A: the ACK, D: data; small: with a wrong checksum; X: the
					cookie is another one, and so with all that follow */
		unsigned accepted, held, checksum, stray, bad, bufs;
	} cases[] = {
		{"AD", 1, 1, 0, 0, 0, 0},
		{"aD", 1, 1, 1, 0, 0, 1},
		{"Ad", 1, 0, 1, 0, 0, 0},
		{"ad", 0, 0, 2, 0, 0, 0},
		{"AAD", 1, 1, 0, 1, 0, 0},
		{"ADD", 1, 1, 0, 1, 0, 0},
		{"DA", 1, 1, 0, 1, 0, 1},
		{"aADd", 1, 1, 2, 0, 0, 0},
		{"XAD", 0, 0, 0, 0, 2, 0},
		{"ADXAD", 1, 1, 0, 2, 0, 0},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = conn4;
		struct rig t;
		bool other = false;

		rig_init(&t, NULL);
		rig_syn(&t, &c);
		for (const char *p = cases[i].packets; *p != 0; p++) {
			struct pkt_make m = rig_client(&c);
			uint8_t b[PKT_MAX];

			m.ack += other;
			m.payload = (const uint8_t *)"GET /";
			m.payload_len = *p == 'D' || *p == 'd' ? 5 : 0;
			if (*p == 'X') {
				other = true;
				continue;
			}
			size_t len = pkt_make(b, sizeof(b), &m);

			b[len - 1] ^= *p >= 'a'; /* of the data, or the urgent pointer */
			rig_queue_raw(&t, SW_OUTSIDE, b, len, 0);
		}
		rig_run(&t);
		ck_assert_msg(rig_stat(&t, SW_C_COOKIE_ACCEPTED) == cases[i].accepted, "%u", i);
		ck_assert_msg(rig_flows(&t) == cases[i].accepted, "%u", i);
		ck_assert_msg(sw_engine_gauges(t.e).held == cases[i].held, "%u", i);
		ck_assert_msg(rig_drop(&t, SW_DROP_TCP_CHECKSUM) == cases[i].checksum, "%u", i);
		ck_assert_msg(rig_drop(&t, SW_DROP_HANDSHAKE_STRAY) == cases[i].stray, "%u", i);
		ck_assert_msg(rig_drop(&t, SW_DROP_COOKIE_BAD) == cases[i].bad, "%u", i);
		ck_assert_msg(rig_stat(&t, SW_C_MADE) == cases[i].bufs, "%u", i);
		ck_assert_msg(t.n_sent == cases[i].accepted, "%u", i); /* a SYN */
		rig_fini(&t);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine early");
	TCase *c = tcase_create("engine early");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, request_in_one_burst);
	tcase_add_test(c, numbers_of_the_ack);
	tcase_add_loop_test(c, ack_by_itself_after_a_loss, 0, 2);
	tcase_add_loop_test(c, consumed_synack_comes_again, 0, 4);
	tcase_add_test(c, held_with_malformed_options);
	tcase_add_test(c, timestamps_to_the_server_never_go_back);
	tcase_add_test(c, reset_behind_held_out_of_order);
	tcase_add_test(c, hold_is_bounded_in_bytes);
	tcase_add_test(c, hold_is_bounded_in_segments);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
