/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments of both families, and IPv4 options. */
#include <check.h>

#include "packet/parse.h"
#include "parse_cases.h"
#include "parse_run.h"

START_TEST(first_fragments)
{
	uint8_t buf[PKT_MAX];
	const size_t len = pkt_make(buf, sizeof(buf), &first[_i]);
	struct pkt_seen s;

	ck_assert(!pkt_read(buf, len, &s) && pkt_read_first(buf, len, &s));
	ck_assert_uint_eq(s.payload_len, first[_i].payload_len);
	for (unsigned side = 0; side < SW_SIDES; side++) {
		struct run *r = parse(buf, len, 0, side, 0);

		ck_assert_int_eq(r->p.kind, SW_PKT_FIRST);
		check_tcp(r, &s, buf, "first fragment");
		done(r);
	}
}
END_TEST

START_TEST(against_model)
{
	check_all_bytes(&first[_i], "first fragment");
}
END_TEST

/* The flags that a whole segment is refused for, a first fragment is refused for, and no others. */
START_TEST(all_flags)
{
	static const uint8_t frag[] = {FRAG(6, 1)};

	for (unsigned v = 0; v < 256 * 2; v++) {
		struct pkt_make m = {IP6, PORTS_SEQ, .v6 = v & 1, .flags = (uint8_t)(v / 2)};
		struct pkt_make w = m;
		uint8_t buf[PKT_MAX];
		struct run *r, *whole;
		struct pkt_seen s;
		size_t len;

		whole = parse(buf, pkt_make(buf, sizeof(buf), &w), 0, SW_OUTSIDE, 0);
		if (m.v6) {
			m.ext_first = 44;
			m.ext = frag;
			m.ext_len = sizeof(frag);
		} else {
			m.frag = 0x2000;
		}
		len = pkt_make(buf, sizeof(buf), &m);
		r = parse(buf, len, 0, SW_OUTSIDE, 0);
		ck_assert_msg((r->p.kind == SW_PKT_FIRST) == (whole->p.kind == SW_PKT_TCP),
			"flags %02x", m.flags);
		ck_assert_int_eq(r->p.reason, whole->p.reason);
		ck_assert(pkt_read_first(buf, len, &s));
		check_tcp(r, &s, buf, "flags");
		done(r);
		done(whole);
	}
}
END_TEST

/* A first fragment that ends within its TCP header, or whose further bytes are elsewhere. */
START_TEST(cut_in_the_header)
{
	uint8_t buf[PKT_MAX];
	struct pkt_make m = first[_i];
	struct pkt_seen s;
	size_t len, hdr;

	m.pad_to = 0;
	len = pkt_make(buf, sizeof(buf), &m);
	ck_assert(pkt_read_first(buf, len, &s));
	hdr = (size_t)(s.payload - buf);
	for (size_t n = s.l4_off; n < len; n++) {
		const bool ports = n >= s.l4_off + 4;
		struct run *r = parse(buf, n, len, SW_INSIDE, 0);
		const size_t v = n - s.l3_off - (s.v6 ? 40 : 0);
		uint8_t *at = buf + s.l3_off + (s.v6 ? 4 : 2);
		const uint8_t old[2] = {at[0], at[1]};

		/* By the frame, then by the IP length. */
		for (unsigned turn = 0; turn < 2; turn++) {
			ck_assert_msg(r->p.kind == (n < hdr ? SW_PKT_BAD : SW_PKT_FIRST),
				"%zu of %zu: %d", n, hdr, r->p.reason);
			if (n < hdr)
				ck_assert_int_eq(r->p.reason, SW_DROP_TCP_HEADER);
			check_tuple(&r->p,
				tuple_of(s.v6, s.src, s.dst, ports ? s.sport : 0,
					ports ? s.dport : 0, vlan_of(&s), SW_INSIDE),
				"cut");
			done(r);
			at[0] = (uint8_t)(v >> 8);
			at[1] = (uint8_t)v;
			r = parse(buf, len, 0, SW_INSIDE, SW_CSUM_IP_GOOD);
		}
		if (n >= hdr)
			ck_assert_uint_eq(r->p.pay_len, n - hdr);
		done(r);
		memcpy(at, old, 2);
	}
}
END_TEST

/* Offsets in both families' headers, and what they are in bytes. */
static const struct {
	uint16_t frag4, frag6; /* as they stand in the header */
	uint16_t off;
} offsets[] = {
	{0x0001, 0x0008, 8},
	{0x2001, 0x0009, 8},
	{0x2002, 0x0011, 16},
	{0x4003, 0x001e, 24}, /* DF, reserved bits */
	{0x1000, 0x8000, 32768},
	{0x1fff, 0xfff8, 65528},
	{0x3fff, 0xfff9, 65528},
};

START_TEST(later_fragments)
{
	static const uint8_t protos[] = {6, 17, 1, 58, 60, 50};

	for (unsigned i = 0; i < SW_ARRAY_LEN(protos) * 2 * SW_SIDES; i++) {
		const uint8_t proto = protos[i / 4],
			      frag[8] = {proto, 0, (uint8_t)(offsets[_i].frag6 >> 8),
				      (uint8_t)offsets[_i].frag6};
		/* Bytes that would be an ICMP error, and TCP without flags, if they were one. */
		const struct pkt_make m = {IP6, .v6 = i & 1, .proto = 17,
			.frag = i & 1 ? 0 : offsets[_i].frag4, .ext_first = 44, .ext = frag,
			.ext_len = i & 1 ? 8 : 0,
			DATA("\3\1..........................................................."),
			.n_vlan = 1, .vlan_tci = {5}};
		uint8_t buf[PKT_MAX];
		const size_t len = pkt_make(buf, sizeof(buf), &m);
		struct run *r;

		if (!m.v6)
			buf[18 + 9] = proto;
		r = parse(buf, len, 0, i >> 1 & 1, SW_CSUM_IP_GOOD);
		ck_assert_int_eq(r->p.kind, SW_PKT_FRAGMENT);
		ck_assert_uint_eq(r->p.frag_off, offsets[_i].off);
		ck_assert_uint_eq(r->p.proto, proto);
		ck_assert_uint_eq(r->p.l3_off, 18);
		check_tuple(&r->p, tuple_of(m.v6, m.src, m.dst, 0, 0, 5, i >> 1 & 1), "later");
		done(r);
	}
}
END_TEST

/* First fragments of what is not TCP: an ICMP error is not looked into. */
START_TEST(first_fragments_of_others)
{
	static const uint8_t protos[] = {17, 1, 58, 50};

	for (unsigned i = 0; i < SW_ARRAY_LEN(protos) * 2; i++) {
		const uint8_t frag[8] = {protos[i / 2], 0, 0, 1};
		const struct pkt_make m = {IP6, .v6 = i & 1, .proto = protos[i / 2],
			.frag = i & 1 ? 0 : 0x2000, .ext_first = 44, .ext = frag,
			.ext_len = i & 1 ? 8 : 0,
			DATA("\3\1..........................................................")};
		uint8_t buf[PKT_MAX];
		struct run *r = parse(buf, pkt_make(buf, sizeof(buf), &m), 0, SW_OUTSIDE, 0);

		ck_assert_int_eq(r->p.kind, SW_PKT_FRAGMENT);
		ck_assert_uint_eq(r->p.frag_off, 0);
		ck_assert_uint_eq(r->p.proto, protos[i / 2]);
		check_tuple(&r->p, tuple_of(m.v6, m.src, m.dst, 0, 0, 0, SW_OUTSIDE), "others");
		done(r);
	}
}
END_TEST

/* IPv4 option lists, padded with 0 to 8 bytes, and what becomes of TCP behind them. */
static const struct {
	const char *name;
	uint8_t opts[8];
	uint8_t reason; /* 0: passes */
} options[] = {
	{"none", {0}, 0},
	{"NOPs", {1, 1, 1, 1, 1, 1, 1, 1}, 0},
	{"LSRR, all left", {131, 7, 4}, SW_DROP_SOURCE_ROUTE},
	{"LSRR, at its last byte", {131, 7, 7}, SW_DROP_SOURCE_ROUTE},
	{"LSRR, done", {131, 7, 8}, 0},
	{"LSRR, far beyond", {131, 7, 255}, 0},
	{"LSRR, pointer 0", {131, 7, 0}, SW_DROP_SOURCE_ROUTE},
	{"SSRR, all left", {137, 7, 4}, SW_DROP_SOURCE_ROUTE},
	{"SSRR, at its last byte", {137, 7, 7}, SW_DROP_SOURCE_ROUTE},
	{"SSRR, done", {137, 7, 8}, 0},
	{"SSRR behind NOPs", {1, 137, 7, 4}, SW_DROP_SOURCE_ROUTE},
	{"LSRR behind another", {148, 4, 0, 0, 131, 3, 3}, SW_DROP_SOURCE_ROUTE},
	{"empty LSRR", {131, 3, 4}, 0},
	{"LSRR without a pointer", {131, 2, 4}, SW_DROP_IP_HEADER},
	{"LSRR behind the end of the list", {0, 131, 7, 4}, 0},
	{"LSRR within another", {148, 8, 131, 5, 4}, 0},
	{"LSRR one byte too long", {131, 9, 4}, SW_DROP_IP_HEADER},
	{"LSRR up to the end", {1, 131, 7, 8, 0, 0, 0, 0}, 0},
	{"LSRR past the end by one", {1, 1, 131, 7, 8, 0, 0, 0}, SW_DROP_IP_HEADER},
	{"record route", {7, 7, 4}, 0},
	{"record route, full", {7, 7, 8}, 0},
	{"timestamp", {68, 8, 5, 0}, 0},
	{"record route too long", {7, 9, 4}, SW_DROP_IP_HEADER},
	{"length 1", {148, 1}, SW_DROP_IP_HEADER},
	{"length 0", {148, 0}, SW_DROP_IP_HEADER},
	{"length 2", {148, 2}, 0},
	{"no length", {1, 1, 1, 1, 1, 1, 1, 131}, SW_DROP_IP_HEADER},
	{"LSRR ends at its length", {1, 1, 1, 1, 1, 1, 131, 2}, SW_DROP_IP_HEADER},
	{"LSRR ends at its pointer", {1, 1, 1, 1, 1, 131, 3, 3}, SW_DROP_SOURCE_ROUTE},
};

START_TEST(ip4_options)
{
	static const struct {
		uint16_t frag;
		uint8_t proto, kind;
		bool judged;
	} as[] = {
		{0, 6, SW_PKT_TCP, true},
		{0x2000, 6, SW_PKT_FIRST, true},
		{0x2001, 6, SW_PKT_FRAGMENT, true},
		{0x0001, 6, SW_PKT_FRAGMENT, true},
		{0, 17, SW_PKT_OTHER, false},
		{0x2000, 17, SW_PKT_FRAGMENT, false},
		{0x0001, 17, SW_PKT_FRAGMENT, false},
		{0, 1, SW_PKT_OTHER, false},
	};
	const uint8_t want = options[_i].reason;

	for (size_t i = 0; i < SW_ARRAY_LEN(as); i++) {
		const struct pkt_make m = {V4, TCP, .proto = as[i].proto, .frag = as[i].frag,
			.ip_opts = options[_i].opts, .ip_opts_len = 8, DATA("12345678")};
		uint8_t buf[PKT_MAX];
		const size_t len = pkt_make(buf, sizeof(buf), &m);

		for (unsigned csum = 0; csum <= SW_CSUM_IP_GOOD; csum++) {
			struct run *r = parse(buf, len, 0, SW_OUTSIDE, (uint8_t)csum);
			const uint8_t reason = as[i].judged ? want : 0;

			ck_assert_msg(r->p.kind == (reason ? SW_PKT_BAD : as[i].kind) &&
					      r->p.reason == reason,
				"%s, row %zu: kind %d, reason %d", options[_i].name, i, r->p.kind,
				r->p.reason);
			done(r);
		}
		/* What is wrong on the wire is judged first. */
		buf[14 + 8] ^= 1;
		struct run *r = parse(buf, len, 0, SW_OUTSIDE, 0);

		if (as[i].kind == SW_PKT_TCP || as[i].kind == SW_PKT_FIRST)
			ck_assert_int_eq(r->p.reason, SW_DROP_IP_CHECKSUM);
		else
			ck_assert_int_eq(r->p.reason, as[i].judged ? want : 0);
		done(r);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parse_frag");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, first_fragments, 0, SW_ARRAY_LEN(first));
	tcase_add_loop_test(tc, against_model, 0, SW_ARRAY_LEN(first));
	tcase_add_test(tc, all_flags);
	tcase_add_loop_test(tc, cut_in_the_header, 0, SW_ARRAY_LEN(first));
	tcase_add_loop_test(tc, later_fragments, 0, SW_ARRAY_LEN(offsets));
	tcase_add_test(tc, first_fragments_of_others);
	tcase_add_loop_test(tc, ip4_options, 0, SW_ARRAY_LEN(options));
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_NOFORK);
}
