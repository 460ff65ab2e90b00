/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors and the packets that they quote. */
#include <check.h>

#include "packet/parse.h"
#include "parse_cases.h"
#include "parse_run.h"
#include "unit/pkt_icmp.h"

/* The sender of the quoted packet is the one that the error goes to: V4, V6 of parse_cases.h. */
#define BACK4 .src = {203, 0, 113, 9}, .dst = {192, 0, 2, 1}
#define BACK6 \
	.v6 = true, .src = {0x20, 1, 0xd, 0xb8, [15] = 9}, .dst = {0x20, 1, 0xd, 0xb8, [15] = 1}

/* The packet that an error is made of: its own headers, what it says, the packet that it quotes. */
struct error {
	const char *name;
	struct pkt_make outer;
	uint8_t type, code;
	struct pkt_make quoted;
};

/* Errors that are read, one of each shape. */
static const struct error shapes[] = {
	{"port unreachable", {BACK4}, 3, 3, {V4, TCP}},
	{"too big", {BACK4, .n_vlan = 1, .vlan_tci = {7}}, 3, 4, {V4, TCP, DATA("hello")}},
	{"time exceeded", {BACK4, .pad_to = 140}, 11, 0,
		{V4, TCP, OPTS(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2), DATA("hello")}},
	{"parameter problem", {BACK4, IPOPTS(131, 7, 4)}, 12, 0,
		{V4, TCP, IPOPTS(131, 7, 4, 1, 2, 3, 4)}},
	{"first fragment quoted", {BACK4}, 3, 1, {V4, TCP, .frag = 0x2000}},
	{"unreachable, IPv6", {BACK6}, 1, 4, {V6, TCP}},
	{"too big, IPv6", {BACK6, EXT(0, HBH(58))}, 2, 0, {V6, TCP, DATA("hello")}},
	{"time exceeded, IPv6", {BACK6, .n_vlan = 2, .vlan_tci = {7, 9}, .pad_to = 200}, 3, 1,
		{V6, TCP, EXT(0, HBH(60), DST(44), FRAG(51, 1), AH(6)), DATA("hello")}},
	{"parameter problem, IPv6", {BACK6, EXT(44, FRAG(58, 0))}, 4, 2,
		{V6, TCP, EXT(44, FRAG(6, 0))}},
};

/* Makes the error e with n bytes of its quote (SIZE_MAX: all of them); buf: PKT_MAX bytes. */
static size_t
make(uint8_t *buf, const struct error *e, size_t n)
{
	uint8_t quoted[PKT_MAX];
	const size_t len = pkt_make(quoted, sizeof(quoted), &e->quoted) - 14;

	return pkt_make_icmp(buf, &e->outer, (unsigned)e->type << 8 | e->code, 1400, quoted + 14,
		n < len ? n : len);
}

static struct sw_tuple
tuple_in(const struct pkt_quote *q, enum sw_side side)
{
	return tuple_of(q->outer.v6, q->src, q->dst, q->sport, q->dport, vlan_of(&q->outer),
		sw_other_side(side));
}

/* All that is said of a packet, against the naive reader. */
static void
check_icmp(const struct run *r, const uint8_t *buf, size_t len, const char *what)
{
	const struct sw_pkt *p = &r->p;
	struct pkt_quote q;
	const enum pkt_quote_kind kind = pkt_read_icmp(buf, len, &q);

	ck_assert_msg(
		(p->kind == SW_PKT_ICMP) == (kind == PKT_QUOTE_TCP), "%s: kind %d", what, p->kind);
	ck_assert_msg((p->reason == SW_DROP_ICMP_BAD) == (kind == PKT_QUOTE_BAD), "%s: reason %d",
		what, p->reason);
	if (kind != PKT_QUOTE_NONE)
		check_tuple(p, tuple_in(&q, r->f.side), what);
	if (kind != PKT_QUOTE_TCP)
		return;
	ck_assert_msg(
		p->l3_off == q.outer.l3_off && p->l4_off == q.outer.l4_off, "%s: outer", what);
	ck_assert_msg(p->pay_off == q.tcp_off && p->pay_len == q.n, "%s: quoted", what);
	ck_assert_msg(p->ip_hdr_len == q.tcp_off - q.ip_off, "%s: quoted IP header", what);
	ck_assert_msg(
		p->icmp_type == buf[q.outer.l4_off] && p->icmp_code == buf[q.outer.l4_off + 1],
		"%s: type, code", what);
	ck_assert_msg(p->seq == pkt_get32(buf + q.tcp_off + 4), "%s: seq", what);
	ck_assert_msg(p->proto == (q.outer.v6 ? 58 : 1), "%s: protocol", what);
}

START_TEST(errors)
{
	const struct error *e = &shapes[_i];
	const struct pkt_make *m = &e->quoted;
	uint8_t buf[PKT_MAX];
	const size_t len = make(buf, e, SIZE_MAX);

	for (unsigned side = 0; side < SW_SIDES; side++) {
		struct run *r = parse(buf, len, 0, side, 0);

		ck_assert_msg(
			r->p.kind == SW_PKT_ICMP, "%s: %d, %d", e->name, r->p.kind, r->p.reason);
		ck_assert(r->p.icmp_type == e->type && r->p.icmp_code == e->code);
		ck_assert_uint_eq(r->p.seq, m->seq);
		ck_assert_uint_eq(r->p.pay_len, 20 + (m->opts_len + 3) / 4 * 4 + m->payload_len);
		ck_assert_uint_eq(r->p.ip_hdr_len,
			(m->v6 ? 40 + m->ext_len : 20 + (m->ip_opts_len + 3) / 4 * 4));
		/* To the server from outside: the server is the source of what is quoted. */
		ck_assert_uint_eq(rte_be_to_cpu_16(side == SW_OUTSIDE ? r->p.tuple.sport_be
								      : r->p.tuple.cport_be),
			m->sport);
		ck_assert_mem_eq((side == SW_OUTSIDE ? r->p.tuple.client : r->p.tuple.server).b +
					 (m->v6 ? 0 : 12),
			m->dst, m->v6 ? 16 : 4);
		check_icmp(r, buf, len, e->name);
		done(r);
	}
}
END_TEST

/* Only errors: each type, with each family's meaning. */
START_TEST(types)
{
	for (unsigned i = 0; i < 256 * 2; i++) {
		struct error e = shapes[i & 1 ? 5 : 0];
		uint8_t buf[PKT_MAX];
		bool want;
		struct run *r;

		e.type = (uint8_t)(i / 2);
		want = i & 1 ? e.type == 1 || e.type == 2 || e.type == 3 || e.type == 4
			     : e.type == 3 || e.type == 11 || e.type == 12;
		r = parse(buf, make(buf, &e, SIZE_MAX), 0, SW_OUTSIDE, 0);
		ck_assert_msg(r->p.kind == (want ? SW_PKT_ICMP : SW_PKT_OTHER), "type %u", e.type);
		done(r);
		/* The other family's protocol number is no ICMP. */
		const size_t len = make(buf, &e, SIZE_MAX);

		buf[14 + (i & 1 ? 6 : 9)] = i & 1 ? 1 : 58;
		r = parse(buf, len, 0, SW_OUTSIDE, 0);
		ck_assert_int_eq(r->p.kind, SW_PKT_OTHER);
		done(r);
	}
}
END_TEST

/* What is quoted ends at each byte: 8 bytes of TCP are enough, 4 are its ports. */
START_TEST(short_quotes)
{
	const struct error *e = &shapes[_i];
	const struct pkt_make *m = &e->quoted;
	const size_t hdr = m->v6 ? 40 + m->ext_len : 20 + (m->ip_opts_len + 3) / 4 * 4;
	uint8_t buf[PKT_MAX];

	for (size_t n = 0; n < hdr + 20; n++) {
		const size_t len = make(buf, e, n);
		struct run *r = parse(buf, len, 0, SW_INSIDE, 0);
		const bool ports = n >= hdr + 4;
		const enum sw_pkt_kind want = n < (m->v6 ? 40 : 20) ? SW_PKT_OTHER
					      : n < hdr + 8	    ? SW_PKT_BAD
								    : SW_PKT_ICMP;

		ck_assert_msg(r->p.kind == want, "%s, %zu: %d", e->name, n, r->p.kind);
		if (want == SW_PKT_BAD)
			ck_assert_int_eq(r->p.reason, SW_DROP_ICMP_BAD);
		if (want != SW_PKT_OTHER)
			check_tuple(&r->p,
				tuple_of(m->v6, m->src, m->dst, ports ? m->sport : 0,
					ports ? m->dport : 0, r->p.tuple.vlan_af & 0xffffff,
					SW_OUTSIDE),
				e->name);
		if (want == SW_PKT_ICMP)
			ck_assert_uint_eq(r->p.pay_len, n - hdr);
		check_icmp(r, buf, len, e->name);
		done(r);
	}
}
END_TEST

/* The rest of the error lies in further segments: what can be read decides. */
START_TEST(short_frames)
{
	const struct error *e = &shapes[_i];
	uint8_t buf[PKT_MAX];
	const size_t len = make(buf, e, SIZE_MAX);
	struct pkt_quote q;

	ck_assert_int_eq(pkt_read_icmp(buf, len, &q), PKT_QUOTE_TCP);
	for (size_t n = q.outer.l4_off; n < len; n++) {
		struct run *r = parse(buf, n, len, SW_OUTSIDE, 0);
		const size_t end = q.tcp_off + q.n; /* the rest is padding */
		const enum sw_pkt_kind want = n < q.ip_off + (q.outer.v6 ? 40 : 20) ? SW_PKT_OTHER
					      : n < q.tcp_off + 8		    ? SW_PKT_BAD
										    : SW_PKT_ICMP;

		ck_assert_msg(r->p.kind == want, "%s, %zu: %d", e->name, n, r->p.kind);
		if (want == SW_PKT_BAD)
			ck_assert_int_eq(r->p.reason, SW_DROP_ICMP_BAD);
		if (want == SW_PKT_ICMP)
			ck_assert_uint_eq(r->p.pay_len, (n < end ? n : end) - q.tcp_off);
		done(r);
	}
}
END_TEST

/* Every byte from the Ethernet type to the quoted TCP header with every value. */
START_TEST(against_model)
{
	const struct error *e = &shapes[_i];
	uint8_t buf[PKT_MAX];
	const size_t len = make(buf, e, SIZE_MAX);
	struct pkt_quote q;

	ck_assert_int_eq(pkt_read_icmp(buf, len, &q), PKT_QUOTE_TCP);
	for (size_t at = 12, end = q.tcp_off + 20; at < end; at++) {
		const uint8_t old = buf[at];

		for (unsigned v = 0; v < 256; v++) {
			struct run *r;
			char what[80];

			buf[at] = (uint8_t)v;
			snprintf(what, sizeof(what), "%s, byte %zu is %02x", e->name, at, v);
			r = parse(buf, len, 0, v & 1, 0);
			check_icmp(r, buf, len, what);
			done(r);
		}
		buf[at] = old;
	}
}
END_TEST

/* Errors that quote something else, or are for someone else. */
static const struct {
	struct error e;
	uint8_t kind;
} others[] = {
	{{"about UDP", {BACK4}, 3, 3, {V4, .proto = 17, DATA("12345678")}}, SW_PKT_OTHER},
	{{"about UDP, IPv6", {BACK6}, 1, 4, {V6, .proto = 17, DATA("12345678")}}, SW_PKT_OTHER},
	{{"about an echo", {BACK4}, 3, 1, {V4, .proto = 1, DATA("12345678")}}, SW_PKT_OTHER},
	{{"about a later fragment", {BACK4}, 3, 4, {V4, TCP, .frag = 0x2001}}, SW_PKT_OTHER},
	{{"about a later fragment, IPv6", {BACK6}, 2, 0, {V6, TCP, EXT(44, FRAG(6, 9))}},
		SW_PKT_OTHER},
	{{"about ESP behind options", {BACK6}, 2, 0, {V6, TCP, EXT(60, DST(50))}}, SW_PKT_OTHER},
	{{"IPv4 in ICMPv6", {BACK6}, 1, 0, {V4, TCP, DATA("12345678901234567890")}}, SW_PKT_OTHER},
	{{"IPv6 in ICMP", {BACK4}, 3, 0, {V6, TCP}}, SW_PKT_OTHER},
	{{"in a fragment", {BACK4, .frag = 0x2000}, 3, 3, {V4, TCP}}, SW_PKT_FRAGMENT},
	{{"in a later fragment", {BACK4, .frag = 1}, 3, 3, {V4, TCP}}, SW_PKT_FRAGMENT},
	{{"in a fragment, IPv6", {BACK6, EXT(44, FRAG(58, 1))}, 1, 4, {V6, TCP}}, SW_PKT_FRAGMENT},
	{{"for another", {.src = {1, 1, 1, 1}, .dst = {192, 0, 2, 2}}, 3, 3, {V4, TCP}},
		SW_PKT_BAD},
	{{"for the one it was sent to", {.src = {1, 1, 1, 1}, .dst = {198, 51, 100, 7}}, 3, 3,
		 {V4, TCP}},
		SW_PKT_BAD},
	{{"for another, IPv6", {.v6 = true, .dst = {0x20, 1, 0xd, 0xb8, [14] = 1, [15] = 1}}, 1, 4,
		 {V6, TCP}},
		SW_PKT_BAD},
	{{"for another, and not TCP", {.src = {1, 1, 1, 1}, .dst = {192, 0, 2, 2}}, 3, 3,
		 {V4, .proto = 17, DATA("12345678")}},
		SW_PKT_OTHER},
	{{"stops left in the quote", {BACK6}, 1, 0, {V6, TCP, EXT(43, RTG(6, 1))}}, SW_PKT_BAD},
	{{"too many headers in the quote", {BACK6}, 1, 0,
		 {V6, TCP,
			 EXT(60, DST(60), DST(60), DST(60), DST(60), DST(60), DST(60), DST(60),
				 DST(60), DST(6))}},
		SW_PKT_BAD},
};

START_TEST(not_about_tcp)
{
	const struct error *e = &others[_i].e;
	uint8_t buf[PKT_MAX];
	const size_t len = make(buf, e, SIZE_MAX);

	for (unsigned side = 0; side < SW_SIDES; side++) {
		struct run *r = parse(buf, len, 0, side, 0);

		ck_assert_msg(r->p.kind == others[_i].kind, "%s: kind %d", e->name, r->p.kind);
		if (r->p.kind == SW_PKT_BAD)
			ck_assert_int_eq(r->p.reason, SW_DROP_ICMP_BAD);
		if (r->p.kind == SW_PKT_FRAGMENT)
			check_tuple(&r->p,
				tuple_of(e->outer.v6, e->outer.src, e->outer.dst, 0, 0, 0, side),
				e->name);
		check_icmp(r, buf, len, e->name);
		done(r);
	}
}
END_TEST

/* Zeros and extension structures (RFC 4884) behind the quoted packet are not part of it. */
START_TEST(extensions)
{
	const struct error *e = &shapes[_i];
	uint8_t quoted[PKT_MAX], buf[PKT_MAX];
	const size_t n = pkt_make(quoted, sizeof(quoted), &e->quoted) - 14;
	struct run *r;
	size_t len;

	memset(quoted + 14 + n, 0, sizeof(quoted) - 14 - n);
	memcpy(quoted + 14 + 128, (const uint8_t[]){0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4}, 12);
	len = pkt_make_icmp(
		buf, &e->outer, (unsigned)e->type << 8 | e->code, 32u << 16, quoted + 14, 128 + 12);
	r = parse(buf, len, 0, SW_OUTSIDE, 0);
	ck_assert_int_eq(r->p.kind, SW_PKT_ICMP);
	ck_assert_uint_eq(r->p.ip_hdr_len + r->p.pay_len, n);
	check_icmp(r, buf, len, e->name);
	done(r);
	/*
	 * The quoted packet was longer by a byte, and by all and more: each byte that is there
	 * counts.
	 */
	for (size_t more = 1; more <= 1000; more += 333) {
		uint8_t *at = buf + len - 128 - 12 + (e->quoted.v6 ? 4 : 2);
		const size_t was = n - (e->quoted.v6 ? 40 : 0);

		if (e->outer.pad_to > len - 12)
			break; /* not to be found from the end */
		at[0] = (uint8_t)((was + more) >> 8);
		at[1] = (uint8_t)(was + more);
		r = parse(buf, len, 0, SW_OUTSIDE, 0);
		ck_assert_int_eq(r->p.kind, SW_PKT_ICMP);
		ck_assert_uint_eq(r->p.ip_hdr_len + r->p.pay_len, n + more < 140 ? n + more : 140);
		done(r);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parse_icmp");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, errors, 0, SW_ARRAY_LEN(shapes));
	tcase_add_test(tc, types);
	tcase_add_loop_test(tc, short_quotes, 0, SW_ARRAY_LEN(shapes));
	tcase_add_loop_test(tc, short_frames, 0, SW_ARRAY_LEN(shapes));
	tcase_add_loop_test(tc, against_model, 0, SW_ARRAY_LEN(shapes));
	tcase_add_loop_test(tc, not_about_tcp, 0, SW_ARRAY_LEN(others));
	tcase_add_loop_test(tc, extensions, 0, SW_ARRAY_LEN(shapes));
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_NOFORK);
}
