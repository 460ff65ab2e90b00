/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "packet/parse.h"
#include "parse_cases.h"
#include "parse_run.h"

START_TEST(good_packets)
{
	uint8_t buf[PKT_MAX];
	const size_t len = pkt_make(buf, sizeof(buf), &good[_i]);
	struct pkt_seen s;
	char what[32];

	snprintf(what, sizeof(what), "packet %d", _i);
	ck_assert(pkt_read(buf, len, &s) && s.ip_ok && s.tcp_ok);
	ck_assert_uint_eq(s.payload_len, good[_i].payload_len); /* padding is not data */
	ck_assert_uint_eq(s.sport, good[_i].sport);
	for (unsigned side = 0; side < SW_SIDES; side++) {
		struct run *r = parse(buf, len, 0, side, 0);

		ck_assert_msg(r->p.kind == SW_PKT_TCP, "%s: kind %d", what, r->p.kind);
		check_tcp(r, &s, buf, what);
		ck_assert(sw_pkt_tcp_csum_ok(&r->p));
		done(r);
	}
}
END_TEST

/* FIN SYN RST PSH ACK URG, without PSH: what passes. Written down here once more, by hand. */
static const char *const flags_allowed[] = {
	"S", "SU", "SA", "R", "RA", "A", "AU", "FA", "FAU" /* and each with PSH */
};

START_TEST(all_flags)
{
	for (unsigned v = 0; v < 256 * 2; v++) {
		const struct pkt_make m = {IP6, PORTS_SEQ, .flags = (uint8_t)v, .v6 = v >= 256,
			OPTS(1, 1, 1, 1), DATA("pay")};
		static const char letters[] = "FSR.AU";
		uint8_t buf[PKT_MAX];
		const size_t len = pkt_make(buf, sizeof(buf), &m);
		char name[8];
		unsigned n = 0;
		bool allowed = false;
		struct pkt_seen s;
		struct run *r;

		for (unsigned i = 0; i < 6; i++) {
			if (v >> i & 1 && letters[i] != '.')
				name[n++] = letters[i];
		}
		name[n] = '\0';
		for (size_t i = 0; i < SW_ARRAY_LEN(flags_allowed); i++)
			allowed |= strcmp(flags_allowed[i], name) == 0;

		r = parse(buf, len, 0, SW_OUTSIDE, 0);
		ck_assert_msg(
			r->p.kind == (allowed ? SW_PKT_TCP : SW_PKT_BAD), "flags %02x", v & 0xff);
		if (!allowed)
			ck_assert_int_eq(r->p.reason, SW_DROP_TCP_FLAGS);
		/* Either way all is known of it, so that it can be bridged. */
		ck_assert(pkt_read(buf, len, &s));
		check_tcp(r, &s, buf, "flags");
		done(r);
	}
}
END_TEST

START_TEST(odd_packets)
{
	uint8_t buf[PKT_MAX];
	const size_t len = pkt_make(buf, sizeof(buf), &odd[_i].m);
	const struct pkt_make *m = &odd[_i].m;

	if (odd[_i].at >= 0)
		buf[14 + odd[_i].at] = odd[_i].val; /* none of the changed ones has a tag */
	for (unsigned side = 0; side < SW_SIDES; side++) {
		struct run *r = parse(buf, len, 0, side, 0);

		ck_assert_msg(r->p.kind == odd[_i].kind && r->p.reason == odd[_i].reason,
			"%s: kind %d, reason %d", odd[_i].name, r->p.kind, r->p.reason);
		if (odd[_i].proto)
			ck_assert_msg(
				r->p.proto == odd[_i].proto, "%s: %d", odd[_i].name, r->p.proto);
		if (r->p.kind == SW_PKT_FRAGMENT)
			check_tuple(&r->p, tuple_of(m->v6, m->src, m->dst, 0, 0, 0, side),
				odd[_i].name);
		if (r->p.kind == SW_PKT_FIRST)
			check_tuple(&r->p,
				tuple_of(m->v6, m->src, m->dst, m->sport, m->dport, 0, side),
				odd[_i].name);
		/* The header's length alone is wrong: the packet can still be told from others. */
		if (r->p.reason == SW_DROP_TCP_HEADER && odd[_i].at == (m->v6 ? 52 : 32))
			check_tuple(&r->p,
				tuple_of(m->v6, m->src, m->dst, m->sport, m->dport, 0, side),
				odd[_i].name);
		done(r);
	}
}
END_TEST

/* VLAN ids of a tuple. */
static const struct {
	unsigned n;
	uint16_t tci[2];
	uint32_t want;
} vlans[] = {
	{0, {0}, 0},
	{1, {5}, 5},
	{1, {0xf005}, 5}, /* priority and drop bits are no part of it */
	{1, {4095}, 4095},
	{1, {0xe000}, 0}, /* a priority tag */
	{2, {5, 7}, 5 | 7 << 12},
	{2, {7, 5}, 7 | 5 << 12},
	{2, {4095, 4095}, 0xffffff},
	{2, {0, 5}, 5}, /* a priority tag equals no tag */
	{2, {5, 0x2000}, 5},
	{2, {0, 0}, 0},
};

START_TEST(vlan_ids)
{
	static const uint16_t tpids[][2] = {
		{0x8100, 0x8100}, {0x88a8, 0x8100}, {0x8100, 0x88a8}, {0x88a8, 0x88a8}};

	for (size_t i = 0; i < SW_ARRAY_LEN(tpids) * 2; i++) {
		struct pkt_make m = {IP6, TCP, .v6 = i & 1, .n_vlan = vlans[_i].n};
		uint8_t buf[PKT_MAX];
		struct run *r;

		memcpy(m.vlan_tci, vlans[_i].tci, sizeof(vlans[_i].tci));
		memcpy(m.vlan_tpid, tpids[i / 2], sizeof(tpids[0]));
		r = parse(buf, pkt_make(buf, sizeof(buf), &m), 0, SW_OUTSIDE, 0);
		ck_assert_int_eq(r->p.kind, SW_PKT_TCP);
		ck_assert_uint_eq(r->p.l3_off, 14 + 4 * m.n_vlan);
		check_tuple(&r->p,
			tuple_of(m.v6, m.src, m.dst, m.sport, m.dport, vlans[_i].want, SW_OUTSIDE),
			"vlan");
		done(r);
	}
}
END_TEST

/* The port's word on the IPv4 header checksum, and none. */
START_TEST(ip_checksum_by_port)
{
	static const struct {
		uint8_t csum;
		bool right, taken;
	} t[] = {
		{0, true, true},
		{0, false, false},
		{SW_CSUM_IP_GOOD, true, true},
		{SW_CSUM_IP_GOOD, false, true}, /* not looked at again */
		{SW_CSUM_IP_BAD, true, false},
		{SW_CSUM_IP_BAD, false, false},
		{SW_CSUM_L4_GOOD, false, false}, /* says nothing of the IP header */
		{SW_CSUM_L4_BAD, true, true},
	};
	uint8_t buf[PKT_MAX];

	for (size_t i = 0; i < SW_ARRAY_LEN(t); i++) {
		const size_t len = pkt_make(buf, sizeof(buf), &good[0]);
		struct run *r;

		buf[14 + 11] ^= t[i].right ? 0 : 1;
		r = parse(buf, len, 0, SW_OUTSIDE, t[i].csum);
		ck_assert_msg(r->p.kind == (t[i].taken ? SW_PKT_TCP : SW_PKT_BAD), "row %zu", i);
		if (!t[i].taken)
			ck_assert_int_eq(r->p.reason, SW_DROP_IP_CHECKSUM);
		done(r);
	}
	/* IPv6 has none: a port that speaks of one is not believed. */
	struct run *r =
		parse(buf, pkt_make(buf, sizeof(buf), &good[1]), 0, SW_OUTSIDE, SW_CSUM_IP_BAD);

	ck_assert_int_eq(r->p.kind, SW_PKT_TCP);
	done(r);
}
END_TEST

/* Each bit of a TCP packet's segment and addresses turned: the TCP checksum sees it. */
START_TEST(tcp_checksum_bits)
{
	uint8_t buf[PKT_MAX];
	const size_t len = pkt_make(buf, sizeof(buf), &good[_i]);
	struct pkt_seen s;

	ck_assert(pkt_read(buf, len, &s));
	const size_t addrs = s.l3_off + (s.v6 ? 8 : 12);
	const size_t end = (size_t)(s.payload - buf) + s.payload_len;

	for (size_t bit = 0; bit < len * 8; bit++) {
		const size_t at = bit / 8;
		const bool in_addrs = at >= addrs && at < addrs + (s.v6 ? 32 : 8);
		struct run *r;

		if (!in_addrs && at < s.l4_off)
			continue;
		buf[at] ^= (uint8_t)(1 << bit % 8);
		r = parse(buf, len, 0, SW_OUTSIDE, SW_CSUM_IP_GOOD);
		if (r->p.kind == SW_PKT_TCP || r->p.reason == SW_DROP_TCP_FLAGS) {
			ck_assert_msg(sw_pkt_tcp_csum_ok(&r->p) == (at >= end), "bit %zu", bit);
			r->f.csum = SW_CSUM_L4_GOOD;
			ck_assert(sw_pkt_tcp_csum_ok(&r->p));
			r->f.csum = SW_CSUM_L4_BAD;
			ck_assert(!sw_pkt_tcp_csum_ok(&r->p));
		}
		done(r);
		buf[at] ^= (uint8_t)(1 << bit % 8);
	}
}
END_TEST

START_TEST(against_model)
{
	char name[32];

	snprintf(name, sizeof(name), "packet %d", _i);
	check_all_bytes(&good[_i], name);
}
END_TEST

/* A burst of all shapes, in random order and number, gives what each gives alone. */
START_TEST(bursts)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 300; i++) {
		uint64_t seed = base + i;
		const unsigned n = pkt_rand(&seed) % (SW_BURST_MAX + 1);
		struct sw_frame f[SW_BURST_MAX];
		struct sw_pkt p[SW_BURST_MAX];

		for (unsigned k = 0; k < n; k++) {
			const uint64_t r = pkt_rand(&seed);
			uint8_t buf[PKT_MAX];
			size_t len = r & 1 ? pkt_make(buf, sizeof(buf),
						     &good[r / 2 % SW_ARRAY_LEN(good)])
					   : pkt_make(buf, sizeof(buf),
						     &odd[r / 2 % SW_ARRAY_LEN(odd)].m);

			if (r >> 40 & 1)
				len = (r >> 41) % (len + 1);
			f[k] = (struct sw_frame){.data = pkt_dup(buf, len),
				.len = (uint32_t)len,
				.pkt_len = (uint32_t)len,
				.side = r >> 39 & 1};
		}
		sw_parse_burst(f, p, n);
		for (unsigned k = 0; k < n; k++) {
			struct run *r = parse(f[k].data, f[k].len, 0, f[k].side, 0);

			ck_assert_ptr_eq(p[k].f, &f[k]);
			ck_assert_msg(p[k].kind == r->p.kind && p[k].reason == r->p.reason &&
					      p[k].proto == r->p.proto,
				"seed %lu, packet %u", base + i, k);
			if (p[k].kind != SW_PKT_OTHER && p[k].kind != SW_PKT_BAD)
				check_tuple(&p[k], r->p.tuple, "burst");
			if (p[k].kind == SW_PKT_FRAGMENT)
				ck_assert_uint_eq(p[k].frag_off, r->p.frag_off);
			if (p[k].kind == SW_PKT_TCP || p[k].kind == SW_PKT_FIRST)
				ck_assert(p[k].pay_off == r->p.pay_off &&
					  p[k].pay_len == r->p.pay_len && p[k].seq == r->p.seq &&
					  p[k].ack == r->p.ack);
			done(r);
			free(f[k].data);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parse");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, good_packets, 0, SW_ARRAY_LEN(good));
	tcase_add_test(tc, all_flags);
	tcase_add_loop_test(tc, odd_packets, 0, SW_ARRAY_LEN(odd));
	tcase_add_loop_test(tc, vlan_ids, 0, SW_ARRAY_LEN(vlans));
	tcase_add_test(tc, ip_checksum_by_port);
	tcase_add_loop_test(tc, tcp_checksum_bits, 0, SW_ARRAY_LEN(good));
	tcase_add_loop_test(tc, against_model, 0, SW_ARRAY_LEN(good));
	tcase_add_test(tc, bursts);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_NOFORK);
}
