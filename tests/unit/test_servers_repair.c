/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Servers that lack what a client was promised: that connection is rewritten for as long as it
 * lives (lib/splice/repair.h), and neither end notices.
 */
#include "unit/servers_run.h"

/* A segment of the client, with timestamps and a SACK block, as the server gets it. */
static const struct pkt_seen *
client_segment(const struct rig_conn *c, uint8_t *o, struct pkt_make *m)
{
	*m = rig_client(c);
	rig_ts(o, c->ctsval + 1, c->ktsval);
	memcpy(o + 12, "\1\1\5\12\0\0\0\1\0\0\0\2", 12);
	m->opts = o;
	m->opts_len = 24;
	m->payload = data;
	m->payload_len = 100;
	rig_send(&r, SW_OUTSIDE, m);
	const struct pkt_seen *s = &rig_only(&r, SW_INSIDE)->seen;

	ck_assert_uint_eq(s->seq, c->c + 1);
	ck_assert_uint_eq(s->ack, c->s + 1);
	ck_assert_uint_eq(s->payload_len, 100);
	ck_assert(memcmp(s->payload, data, 100) == 0);
	return s;
}

START_TEST(server_without_timestamps)
{
	struct rig_conn c = conn_of(_i, RIG_TS);
	uint8_t o[40], o2[24];
	struct pkt_make m = first_answer(&c, o);
	const uint8_t *ts;

	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 2);
	ck_assert_uint_eq(r.sent[0].side, SW_INSIDE);
	ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_RST);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.c + 1);
	const struct pkt_seen *s = &r.sent[1].seen;

	ck_assert_uint_eq(s->flags & ~ECN, SW_TCP_SYN);
	ck_assert_uint_eq(s->seq, c.c);
	ck_assert(rig_opt(s, SW_OPT_TS) == NULL && rig_opt(s, SW_OPT_SACK_PERM) != NULL);
	ts = rig_opt(s, SW_OPT_MSS); /* room for the timestamps that are put in */
	ck_assert_uint_eq((unsigned)ts[2] << 8 | ts[3], (_i ? 1440 : 1460) - 12);
	rig_send(&r, SW_INSIDE, &m); /* a copy of what was refused */
	ck_assert_uint_eq(r.n_sent, 0);
	c.asked &= (uint8_t)~RIG_TS;
	c.s += 5555;
	rig_synack(&r, &c);
	ts = rig_opt(&r.sent[0].seen, SW_OPT_TS); /* the client still has them */
	ck_assert_uint_eq(rig_get32(ts + 2), c.ktsval);
	ck_assert_uint_eq(rig_get32(ts + 6), c.ctsval);
	ck_assert(rig_opt(&r.sent[1].seen, SW_OPT_TS) == NULL);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REPAIRED), 1);
	s = client_segment(&c, o2, &m);
	ck_assert(rig_opt(s, SW_OPT_TS) == NULL && rig_opt(s, SW_OPT_SACK) != NULL);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t at = i * 250;

		m = rig_server(&c);
		m.payload = data;
		m.payload_len = 1388;
		rig_send(&r, SW_INSIDE, &m);
		s = &rig_only(&r, SW_OUTSIDE)->seen;
		ts = rig_opt(s, SW_OPT_TS);
		ck_assert(ts != NULL);
		ck_assert_uint_eq(s->opts_len, 12);
		ck_assert_uint_eq(rig_get32(ts + 2), c.ktsval + at);
		ck_assert_uint_eq(rig_get32(ts + 6), 0);
		ck_assert_uint_eq(s->seq, c.k + 1);
		ck_assert_uint_eq(s->payload_len, 1388);
		ck_assert(memcmp(s->payload, data, 1388) == 0);
		rig_tick(&r, 250);
	}
}
END_TEST

START_TEST(server_without_sack)
{
	struct rig_conn c = connection(_i, RIG_SACK);
	uint8_t o[24];
	struct pkt_make m;
	const struct pkt_seen *s = client_segment(&c, o, &m);

	ck_assert(rig_opt(s, SW_OPT_SACK) == NULL);
	ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 6), c.stsval);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REPAIRED), 1);
}
END_TEST

/* The client's windows are scaled, the server reads them as they stand. */
START_TEST(server_without_scale)
{
	static const uint16_t window[][2] = {
		{0, 0}, {3, 384}, {511, 65408}, {512, 65535}, {65535, 65535}};
	struct rig_conn c = connection(_i, RIG_WS);

	ck_assert_uint_eq(r.sent[1].seen.window, 65535); /* our ACK: 1000 << 7 */
	for (unsigned i = 0; i < SW_ARRAY_LEN(window); i++) {
		struct pkt_make m = rig_client(&c);

		m.window = window[i][0];
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.window, window[i][1]);
		m = rig_server(&c); /* and the client reads the server's by 7 */
		m.window = 12800;
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.window, 100);
	}
}
END_TEST

/* ECT means nothing to this server, CE is a loss (RFC 6040, 4.2); the way back is not touched. */
START_TEST(server_without_ecn)
{
	struct rig_conn c = connection(_i, RIG_ECN);

	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		struct pkt_make m = rig_client(&c);

		m.tos = 0x48 | ecn;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(r.n_sent, ecn != 3);
		ck_assert_uint_eq(rig_drop(&r, SW_DROP_CONGESTED), ecn == 3);
		if (ecn != 3) {
			const struct sent *s = rig_only(&r, SW_INSIDE);
			const uint8_t *ip = s->data + s->seen.l3_off;
			unsigned tos = _i ? (ip[0] << 4 & 0xf0) | ip[1] >> 4 : ip[1];

			ck_assert_uint_eq(tos, 0x48);
		}
	}
}
END_TEST

/*
 * RFC 3168, 6.1.1.1: a SYN that is not answered may be lost because of its ECN bits. The client was
 * told yes, so the connection that comes of a later one is repaired. Once may be chance; three
 * times in a row, and clients are no longer told yes.
 */
START_TEST(ecn_is_given_up_when_not_answered)
{
	for (unsigned i = 0; i < 3; i++) {
		struct rig_conn c = conn_of(_i, 0);

		c.cport = (uint16_t)(c.cport + i);
		rig_syn(&r, &c);
		ck_assert_uint_eq(r.sent[0].seen.flags & ECN, SW_TCP_ECE);
		rig_ack(&r, &c);
		ck_assert_uint_eq(r.sent[0].seen.flags & ECN, ECN);
		for (unsigned ms = 1000; ms <= 4000; ms *= 2) {
			rig_tick(&r, ms);
			ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.flags & ECN, 0);
		}
		c.lacks = RIG_ECN; /* it was not asked */
		rig_synack(&r, &c);
		ck_assert_uint_eq(rig_flow(&r, &c)->flags & SW_FLOW_REPAIR, SW_FLOW_NO_ECN);
		ck_assert_uint_eq(rig_stat(&r, SW_C_LEARNED), i == 2);
	}
	struct rig_conn c = conn_of(_i, 0);

	c.cport = (uint16_t)(c.cport + 9);
	ck_assert_uint_eq(told_to(&c).options & RIG_ECN, 0);
}
END_TEST

/*
 * Segments longer than the server takes are cut; nothing is lost, FIN and PSH come last. One that
 * does not say takes 536 or 1220 (RFC 9293, 3.7.1).
 */
START_TEST(server_with_smaller_mss)
{
	const bool v6 = _i & 1, unsaid = _i & 2;
	const unsigned takes = !unsaid ? 576 : v6 ? 1220 : 536;
	const unsigned last = unsaid && v6 ? 1 : 2;
	struct rig_conn c = conn_of(v6, unsaid ? RIG_MSS : 0);
	struct pkt_make m;
	uint8_t got[sizeof(data)], o[12];
	uint32_t at = 0;

	c.smss = 576;
	rig_syn(&r, &c);
	open_with(&c);
	m = rig_client(&c);
	m.opts = o;
	m.opts_len = rig_ts(o, c.ctsval + 1, c.ktsval);
	m.flags |= SW_TCP_PSH | SW_TCP_FIN;
	m.payload = data;
	m.payload_len = sizeof(data);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, last + 1);
	for (unsigned i = 0; i < r.n_sent; i++) {
		const struct pkt_seen *s = &r.sent[i].seen;

		ck_assert(r.sent[i].tcp && r.sent[i].side == SW_INSIDE && s->tcp_ok && s->ip_ok);
		ck_assert_uint_eq(s->seq, (uint32_t)(c.c + 1 + at));
		ck_assert_uint_eq(s->ack, c.s + 1);
		ck_assert_uint_le(s->opts_len + s->payload_len, takes);
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 6), c.stsval);
		ck_assert_uint_eq(s->flags, i == last ? m.flags : SW_TCP_ACK);
		ck_assert_uint_le(at + s->payload_len, sizeof(got));
		memcpy(got + at, s->payload, s->payload_len);
		at += (uint32_t)s->payload_len;
	}
	ck_assert_uint_eq(at, sizeof(data));
	ck_assert(memcmp(got, data, at) == 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SEGMENT_CUT), 1);
	ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_FIN_CLIENT);
}
END_TEST

/*
 * A server may send IPv6 packets of 1,280 bytes, whatever it is told (RFC 8201, 4): one that has
 * become longer by its timestamp is cut, and each piece fits the least link. What was longer before
 * is for a packet-too-big to make smaller, in IPv4 as well.
 */
START_TEST(no_longer_than_the_least_link)
{
	static const struct {
		uint32_t ip_len; /* of the server's packet */
		unsigned pieces[2];
	} cases[] = {
		{1268, {1, 1}}, {1269, {1, 2}}, {1280, {1, 2}}, {1281, {1, 1}}, {1400, {1, 1}}};
	struct rig_conn c = connection(_i, RIG_TS);

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct pkt_make m = rig_server(&c);
		uint32_t at = 0;

		m.flags |= SW_TCP_PSH;
		m.payload = data;
		m.payload_len = cases[i].ip_len - 20 - (_i ? 40 : 20);
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(r.n_sent, cases[i].pieces[_i]);
		for (unsigned k = 0; k < r.n_sent; k++) {
			const struct pkt_seen *s = &r.sent[k].seen;

			ck_assert(r.sent[k].side == SW_OUTSIDE && s->tcp_ok && s->ip_ok);
			ck_assert(r.n_sent == 1 || s->ip_end - s->l3_off <= 1280);
			ck_assert_uint_eq(s->seq, (uint32_t)(c.k + 1 + at));
			ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 2), c.ktsval);
			ck_assert_uint_eq(
				s->flags, k + 1 == r.n_sent ? m.flags : (unsigned)SW_TCP_ACK);
			ck_assert(memcmp(s->payload, data + at, s->payload_len) == 0);
			at += (uint32_t)s->payload_len;
		}
		ck_assert_uint_eq(at, m.payload_len);
	}
	ck_assert_uint_eq(rig_stat(&r, SW_C_SEGMENT_CUT), _i ? 2 : 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SPLICED_TO_CLIENT), SW_ARRAY_LEN(cases));
}
END_TEST

/* Without a buffer for the second piece it goes as it is: most links take it. */
START_TEST(not_cut_without_a_buffer)
{
	struct rig_conn c = connection(true, RIG_TS);
	struct pkt_make m = rig_server(&c);
	const struct pkt_seen *s;

	rig_take_spares(&r);
	m.payload = data;
	m.payload_len = 1280 - 20 - 40;
	rig_send(&r, SW_INSIDE, &m);
	s = &rig_only(&r, SW_OUTSIDE)->seen;
	ck_assert_uint_eq(s->payload_len, m.payload_len);
	ck_assert(rig_opt(s, SW_OPT_TS) != NULL && memcmp(s->payload, data, m.payload_len) == 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SEGMENT_CUT), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_DROPPED), 0);
}
END_TEST

/* The pieces would have right checksums. */
START_TEST(wrong_checksum_is_not_cut_right)
{
	struct rig_conn c = connection(true, RIG_TS);
	struct pkt_make m = rig_server(&c);
	uint8_t b[PKT_MAX];
	size_t len;

	m.payload = data;
	m.payload_len = 1220;
	len = pkt_make(b, sizeof(b), &m);
	b[len - 1] ^= 1;
	rig_queue_raw(&r, SW_INSIDE, b, len, 0);
	rig_run(&r);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_TCP_CHECKSUM), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("servers repair");
	TCase *c = tcase_create("servers repair");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, server_without_timestamps, 0, 2);
	tcase_add_loop_test(c, server_without_sack, 0, 2);
	tcase_add_loop_test(c, server_without_scale, 0, 2);
	tcase_add_loop_test(c, server_without_ecn, 0, 2);
	tcase_add_loop_test(c, ecn_is_given_up_when_not_answered, 0, 2);
	tcase_add_loop_test(c, server_with_smaller_mss, 0, 4);
	tcase_add_loop_test(c, no_longer_than_the_least_link, 0, 2);
	tcase_add_test(c, not_cut_without_a_buffer);
	tcase_add_test(c, wrong_checksum_is_not_cut_right);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
