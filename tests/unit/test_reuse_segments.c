/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the ends of an open connection may say beside plain data: duplicates, keepalives, probes,
 * window updates, urgent data, numbers that wrap, half-closed transfers; and what is held early.
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig.h"

static struct rig r;

static const struct rig_conn conn4 = {.cport = 40000, .c = 0xfffffff0, .s = 7000};
static const struct rig_conn conn6 = {.v6 = true, .cport = 40001, .c = 5, .s = 0xffffffff};
static uint8_t data[1448];

static void
setup(void)
{
	rig_init(&r, NULL);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
}

static void
teardown(void)
{
	rig_fini(&r);
}

static const struct pkt_seen *
through(unsigned side, const struct pkt_make *m)
{
	rig_send(&r, side, m);
	const struct pkt_seen *s = &rig_only(&r, side ? SW_OUTSIDE : SW_INSIDE)->seen;

	ck_assert_uint_eq(s->flags, m->flags);
	ck_assert_uint_eq(s->payload_len, m->payload_len);
	ck_assert(m->payload_len == 0 || memcmp(s->payload, m->payload, m->payload_len) == 0);
	return s;
}

/* The handshake ACK again, and again: nothing while half-open, a segment like any other later. */
START_TEST(handshake_ack_again)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
	m = rig_client(&c);
	for (unsigned i = 0; i < 3; i++) {
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 0);
	}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_HANDSHAKE_STRAY), 3);
	rig_synack(&r, &c);
	ck_assert_uint_eq(through(SW_OUTSIDE, &m)->ack, c.s + 1);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_SYN_SENT), 1);
	ck_assert_uint_eq(rig_flows(&r), 1);
}
END_TEST

/* RFC 9293, 3.8.4: one number below, empty or with a byte of garbage; both ways, both forms. */
START_TEST(keepalives)
{
	for (unsigned i = 0; i < 8; i++) {
		struct rig_conn c = i & 4 ? conn6 : conn4;
		unsigned side = i & 1;
		struct pkt_make m, ack;

		c.cport += (uint16_t)i;
		rig_to_state(&r, &c, SW_FLOW_OPEN);
		rig_tick(&r, 5000);
		m = side == SW_OUTSIDE ? rig_client(&c) : rig_server(&c);
		m.seq--;
		m.payload = data;
		m.payload_len = i >> 1 & 1;
		uint32_t before = rig_flow(&r, &c)->deadline_ms;
		const struct pkt_seen *s = through(side, &m);

		ck_assert_uint_eq(s->seq, side == SW_OUTSIDE ? c.c : c.k);
		ck_assert_uint_eq(s->ack, side == SW_OUTSIDE ? c.s + 1 : c.c + 1);
		ck_assert_uint_eq(rig_flow(&r, &c)->deadline_ms, before + 5000);
		ack = side == SW_OUTSIDE ? rig_server(&c) : rig_client(&c);
		s = through(!side, &ack);
		ck_assert_uint_eq(s->ack, side == SW_OUTSIDE ? c.c + 1 : c.s + 1);
	}
}
END_TEST

/* Before the server has answered there is nothing to keep alive; before the cookie even less. */
START_TEST(keepalives_of_a_handshake)
{
	struct rig_conn c = conn4;

	for (unsigned half = 0; half < 2; half++)
		for (unsigned len = 0; len < 2; len++) {
			struct pkt_make m;

			if (half && len == 0)
				rig_ack(&r, &c);
			else if (len == 0)
				rig_syn(&r, &c);
			m = rig_client(&c);
			m.seq--;
			m.payload = data;
			m.payload_len = len;
			rig_send(&r, SW_OUTSIDE, &m);
			ck_assert_uint_eq(r.n_sent, 0);
			ck_assert_uint_eq(rig_flows(&r), half);
			ck_assert_uint_eq(sw_engine_gauges(r.e).held, 0);
		}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BAD), 2);
}
END_TEST

/* A server that closes its window, the client's probes into it, and the update; all scales. */
START_TEST(zero_window)
{
	static const struct {
		uint8_t scale;
		uint16_t says, seen;
	} cases[] = {{7, 0, 0}, {7, 400, 400}, {9, 0, 0}, {9, 1, 4}, {9, 20000, 65535}, {2, 0, 0},
		{2, 46, 1}, {2, 65535, 2047}};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = conn4;
		struct pkt_make m;

		c.cport += (uint16_t)i;
		c.swscale = cases[i].scale;
		memcpy(c.opts, "\3\3\7\1", 4);
		c.opts_len = 4;
		rig_to_state(&r, &c, SW_FLOW_OPEN);
		m = rig_server(&c);
		m.window = cases[i].says;
		ck_assert_uint_eq(through(SW_INSIDE, &m)->window, cases[i].seen);
		m = rig_client(&c);
		m.payload = data;
		m.payload_len = 1; /* the probe: a byte beyond the window */
		ck_assert_uint_eq(through(SW_OUTSIDE, &m)->seq, c.c + 1);
		m = rig_client(&c);
		m.window = 0; /* the client's own: as it is */
		ck_assert_uint_eq(through(SW_OUTSIDE, &m)->window, 0);
		m.window = 77;
		ck_assert_uint_eq(through(SW_OUTSIDE, &m)->window, 77);
	}
}
END_TEST

/* Urgent data passes with flag and pointer; a pointer without the flag too (RFC 9293, 3.8.5). */
START_TEST(urgent)
{
	for (unsigned i = 0; i < 4; i++) {
		struct rig_conn c = conn4;
		struct pkt_make m;

		c.cport += (uint16_t)i;
		rig_to_state(&r, &c, SW_FLOW_OPEN);
		m = i & 1 ? rig_server(&c) : rig_client(&c);
		m.flags |= i & 2 ? SW_TCP_URG : 0;
		m.urgent = 0x8005;
		m.payload = data;
		m.payload_len = 10;
		const struct pkt_seen *s = through(i & 1, &m);

		ck_assert_uint_eq(s->urgent, 0x8005);
		ck_assert_uint_eq(s->seq, i & 1 ? c.k + 1 : c.c + 1);
	}
}
END_TEST

/* Sequence numbers, both clocks and SACK edges go over 2^32 in the middle of a transfer. */
START_TEST(everything_wraps)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct rig_conn c = v6 ? conn6 : conn4;
		uint8_t o[24], ts[12];

		c.c = 0xfffff000;
		c.s = 0xffffe000;
		c.ctsval = 0xfffffff8;
		c.stsval = 0xfffffffc;
		c.opts_len = rig_ts(c.opts, c.ctsval, 0) + 2;
		memcpy(c.opts + 12, "\4\2", 2);
		rig_to_state(&r, &c, SW_FLOW_QUIET);
		for (unsigned i = 0; i < 12; i++) {
			uint32_t off = i * (uint32_t)sizeof(data), sack[2];
			struct pkt_make m = rig_client(&c);

			m.opts = o;
			m.opts_len = 24;
			rig_ts(o, c.ctsval + i, c.ktsval + i);
			memcpy(o + 12, "\1\1\5\12", 4);
			sack[0] = rte_cpu_to_be_32(c.k + 1 + off);
			sack[1] = rte_cpu_to_be_32(c.k + 1 + off + 1000);
			memcpy(o + 16, sack, 8);
			m.seq += off;
			m.ack += off;
			m.payload = data;
			m.payload_len = 1000;
			const struct pkt_seen *s = through(SW_OUTSIDE, &m);

			ck_assert_uint_eq(s->seq, (uint32_t)(c.c + 1 + off));
			ck_assert_uint_eq(s->ack, (uint32_t)(c.s + 1 + off));
			ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 2), c.ctsval + i);
			ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 6), c.stsval + i);
			ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_SACK) + 2), c.s + 1 + off);
			ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_SACK) + 6), c.s + 1001 + off);
			m = rig_server(&c);
			m.opts = ts;
			m.opts_len = rig_ts(ts, c.stsval + i, c.ctsval + i);
			m.seq += off;
			m.ack += off;
			m.payload = data;
			m.payload_len = sizeof(data);
			s = through(SW_INSIDE, &m);
			ck_assert_uint_eq(s->seq, (uint32_t)(c.k + 1 + off));
			ck_assert_uint_eq(s->ack, (uint32_t)(c.c + 1 + off));
			ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 2), c.ktsval + i);
			ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 6), c.ctsval + i);
		}
	}
}
END_TEST

/* One end has finished, the other sends on for longer than `closing`, but never pauses so long. */
START_TEST(half_closed_transfer)
{
	for (unsigned from = 0; from < 2; from++) {
		struct rig_conn c = from ? conn6 : conn4;
		unsigned state = from ? SW_FLOW_FIN_CLIENT : SW_FLOW_FIN_SERVER;

		rig_to_state(&r, &c, state);
		for (unsigned i = 0; i < 6; i++) {
			struct pkt_make m = from ? rig_server(&c) : rig_client(&c);
			struct pkt_make a = from ? rig_client(&c) : rig_server(&c);

			rig_tick(&r, SW_TIMEOUT_CLOSING_MS / 4);
			m.seq += i * 1000;
			m.ack++;
			m.payload = data;
			m.payload_len = 1000;
			const struct pkt_seen *s = through(from, &m);

			ck_assert_uint_eq(s->seq, (uint32_t)((from ? c.k : c.c) + 1 + i * 1000));
			a.seq++;
			a.ack += (i + 1) * 1000;
			s = through(!from, &a);
			ck_assert_uint_eq(
				s->ack, (uint32_t)((from ? c.s : c.c) + 1 + (i + 1) * 1000));
			ck_assert_uint_eq(rig_flow(&r, &c)->state, state);
		}
		struct pkt_make fin = from ? rig_server(&c) : rig_client(&c);

		fin.seq += 6000;
		fin.ack++;
		fin.flags |= SW_TCP_FIN;
		through(from, &fin);
		ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_BOTH);
	}
}
END_TEST

/* RFC 5961, 5: an ACK of bytes never sent, and an ancient one, are for the ends to refuse. */
START_TEST(acks_out_of_range)
{
	struct rig_conn c = conn4;

	rig_to_state(&r, &c, SW_FLOW_OPEN);
	for (unsigned i = 0; i < 4; i++) {
		uint32_t off = i & 2 ? 0x40000000 : (uint32_t)-0x40000000;
		struct pkt_make m = i & 1 ? rig_server(&c) : rig_client(&c);

		m.ack += off;
		m.payload = data;
		m.payload_len = 3;
		ck_assert_uint_eq(through(i & 1, &m)->ack, (i & 1 ? c.c : c.s) + 1 + off);
		ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
	}
}
END_TEST

/* Early data of several connections: the sum is bounded, what one gives back the other may use. */
START_TEST(hold_is_bounded_in_all)
{
	struct rig_params p = {.held = 5};
	struct rig_conn c[2] = {conn4, conn6};
	struct rig t;

	rig_init(&t, &p);
	for (unsigned i = 0; i < 2; i++) {
		rig_to_state(&t, &c[i], SW_FLOW_SYN_SENT);
		for (unsigned k = 0; k < 4; k++) {
			struct pkt_make m = rig_client(&c[i]);

			m.seq += k * 100;
			m.payload = data;
			m.payload_len = 100;
			rig_send(&t, SW_OUTSIDE, &m);
			ck_assert_uint_eq(t.n_sent, 0);
		}
	}
	ck_assert_uint_eq(sw_engine_gauges(t.e).held, 5);
	ck_assert_uint_eq(rig_drop(&t, SW_DROP_HOLD_FULL), 3);
	rig_synack_held(&t, &c[0]);
	ck_assert_uint_eq(t.n_sent, 4);
	struct pkt_make m = rig_client(&c[1]); /* the client's timer: now there is a place */

	m.seq += 100;
	m.payload = data;
	m.payload_len = 100;
	rig_send(&t, SW_OUTSIDE, &m);
	ck_assert_uint_eq(sw_engine_gauges(t.e).held, 2);
	rig_synack_held(&t, &c[1]);
	ck_assert_uint_eq(t.n_sent, 2);
	ck_assert_uint_eq(t.sent[1].seen.seq, c[1].c + 101);
	rig_fini(&t);
}
END_TEST

/* Early segments out of order, overlapping, and a FIN behind a gap: delivered as they came. */
START_TEST(early_data_out_of_order)
{
	static const struct {
		uint32_t off;
		uint16_t len;
		uint8_t fin;
		bool held;
	} segs[] = {
		{200, 100, SW_TCP_FIN, true},	       /* the last one first */
		{0, 100, 0, true}, {0, 100, 0, false}, /* again */
		{20, 50, 0, false},		       /* inside one that is held */
		{50, 100, 0, true},		       /* half of it is new */
		{200, 100, 0, false},		       /* inside, without the FIN */
		{0, 300, SW_TCP_FIN, true},	       /* all in one */
		{40000, 10, 0, false},		       /* beyond the window */
	};
	struct rig_conn c = conn4;
	unsigned n = 0;

	rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
	for (unsigned i = 0; i < SW_ARRAY_LEN(segs); i++) {
		struct pkt_make m = rig_client(&c);

		m.seq += segs[i].off;
		m.flags |= segs[i].fin;
		m.payload = data;
		m.payload_len = segs[i].len;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 0);
		n += segs[i].held;
		ck_assert_msg(sw_engine_gauges(r.e).held == n, "segment %u", i);
	}
	rig_synack(&r, &c);
	ck_assert_uint_eq(r.n_sent, 2 + n);
	n = 2;
	for (unsigned i = 0; i < SW_ARRAY_LEN(segs); i++)
		if (segs[i].held)
			ck_assert_uint_eq(r.sent[n++].seen.seq, (uint32_t)(c.c + 1 + segs[i].off));
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_CLIENT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reuse segments");
	TCase *c = tcase_create("reuse segments");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, handshake_ack_again);
	tcase_add_test(c, keepalives);
	tcase_add_test(c, keepalives_of_a_handshake);
	tcase_add_test(c, zero_window);
	tcase_add_test(c, urgent);
	tcase_add_test(c, everything_wraps);
	tcase_add_test(c, half_closed_transfer);
	tcase_add_test(c, acks_out_of_range);
	tcase_add_test(c, hold_is_bounded_in_all);
	tcase_add_test(c, early_data_out_of_order);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
