/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parse_run.h - parses one packet for a test, and compares what comes out with the naive reader.
 * To be included once, by a program that uses Check.
 */
#ifndef SW_TEST_PARSE_RUN_H
#define SW_TEST_PARSE_RUN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/parse.h"
#include "pkt_make.h"

struct run {
	struct sw_frame f;
	struct sw_pkt p;
};

/* Parses `len` bytes that lie alone in memory. pkt_len: 0: len. Give back with done(). */
static struct run *
parse(const uint8_t *buf, size_t len, size_t pkt_len, enum sw_side side, uint8_t csum)
{
	struct run *r = malloc(sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->f = (struct sw_frame){
		.data = pkt_dup(buf, len),
		.len = (uint32_t)len,
		.pkt_len = (uint32_t)(pkt_len ? pkt_len : len),
		.side = side,
		.csum = csum,
	};
	memset(&r->p, 0xee, sizeof(r->p)); /* what is left over from before must not matter */
	sw_parse_burst(&r->f, &r->p, 1);
	ck_assert_ptr_eq(r->p.f, &r->f);
	ck_assert_uint_le(r->p.kind, SW_PKT_BAD);
	ck_assert((r->p.kind == SW_PKT_BAD) == (r->p.reason != SW_DROP_NONE));
	ck_assert_uint_lt(r->p.reason, SW_DROP_MAX);
	return r;
}

static void
done(struct run *r)
{
	free(r->f.data);
	free(r);
}

/* The tuple that a packet from `side` has, ports 0 where there are none. */
static struct sw_tuple
tuple_of(bool v6, const uint8_t *src, const uint8_t *dst, unsigned sport, unsigned dport,
	uint32_t vlan, enum sw_side side)
{
	const bool out = side == SW_OUTSIDE;
	struct sw_tuple t;

	memset(&t, 0, sizeof(t));
	memcpy(t.client.b + (v6 ? 0 : 12), out ? src : dst, v6 ? 16 : 4);
	memcpy(t.server.b + (v6 ? 0 : 12), out ? dst : src, v6 ? 16 : 4);
	t.cport_be = rte_cpu_to_be_16((uint16_t)(out ? sport : dport));
	t.sport_be = rte_cpu_to_be_16((uint16_t)(out ? dport : sport));
	t.vlan_af = vlan | (v6 ? 1u << 31 : 0);
	return t;
}

static void
check_tuple(const struct sw_pkt *p, struct sw_tuple want, const char *what)
{
	ck_assert_msg(memcmp(&p->tuple, &want, sizeof(want)) == 0, "%s: tuple", what);
}

static uint32_t
vlan_of(const struct pkt_seen *s)
{
	uint32_t ids[3] = {0};
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_vlan; i++) {
		if (s->vlan_tci[i] % 4096)
			ids[n++] = s->vlan_tci[i] % 4096;
	}
	return ids[0] + ids[1] * 4096;
}

/* The parser found a TCP header and what it says, be it that of a first fragment. */
static inline bool
found_tcp(const struct sw_pkt *p)
{
	return p->kind == SW_PKT_TCP || p->kind == SW_PKT_FIRST || p->reason == SW_DROP_TCP_FLAGS;
}

/* The same by the naive reader; ip_good: the checksum of the IPv4 header does not matter. */
static inline bool
model_tcp(const uint8_t *buf, size_t len, bool ip_good, struct pkt_seen *s)
{
	return (pkt_read(buf, len, s) || pkt_read_first(buf, len, s)) && (s->ip_ok || ip_good);
}

/* All that a parsed TCP packet says, against what the naive reader found in the same bytes. */
static void
check_tcp(const struct run *r, const struct pkt_seen *s, const uint8_t *buf, const char *what)
{
	const struct sw_pkt *p = &r->p;

	if (p->kind != SW_PKT_BAD)
		ck_assert_msg(
			p->kind == (s->more ? SW_PKT_FIRST : SW_PKT_TCP), "%s: %d", what, p->kind);
	check_tuple(p, tuple_of(s->v6, s->src, s->dst, s->sport, s->dport, vlan_of(s), r->f.side),
		what);
	ck_assert_msg(p->l3_off == s->l3_off && p->l4_off == s->l4_off, "%s: offsets", what);
	ck_assert_msg(p->ip_hdr_len == s->l4_off - s->l3_off, "%s: IP header length", what);
	ck_assert_msg(p->pay_off == s->payload - buf, "%s: payload offset", what);
	ck_assert_msg(p->pay_len == s->payload_len, "%s: payload length", what);
	ck_assert_msg(p->seq == s->seq && p->ack == s->ack, "%s: seq or ack", what);
	ck_assert_msg(p->tcp_flags == s->flags && p->proto == 6, "%s: flags", what);
	ck_assert_ptr_eq(sw_pkt_tcp(p), r->f.data + s->l4_off);
	ck_assert_uint_eq(sw_pkt_seq_len(p), s->payload_len + (s->flags & 1) + (s->flags >> 1 & 1));
}

/*
 * Every header byte of the packet m with every value: a packet is TCP here where it is TCP to the
 * naive reader, and then all fields agree.
 */
static inline void
check_all_bytes(const struct pkt_make *m, const char *name)
{
	uint8_t buf[PKT_MAX];
	const size_t len = pkt_make(buf, sizeof(buf), m);
	struct pkt_seen s;
	size_t hdrs;

	ck_assert(model_tcp(buf, len, false, &s));
	hdrs = (size_t)(s.payload - buf);
	for (size_t at = 12; at < hdrs; at++) {
		const uint8_t old = buf[at];

		for (unsigned i = 0; i < 256 * 2; i++) {
			const bool good_ip = i & 1;
			struct run *r;
			char what[80];

			buf[at] = (uint8_t)(i / 2);
			snprintf(what, sizeof(what), "%s, byte %zu is %02x", name, at, buf[at]);
			r = parse(buf, len, 0, SW_OUTSIDE, good_ip ? SW_CSUM_IP_GOOD : 0);
			ck_assert_msg(found_tcp(&r->p) == model_tcp(buf, len, good_ip, &s),
				"%s: kind %d, reason %d", what, r->p.kind, r->p.reason);
			if (found_tcp(&r->p)) {
				check_tcp(r, &s, buf, what);
				if (!s.more)
					ck_assert_msg(
						sw_pkt_tcp_csum_ok(&r->p) == s.tcp_ok, "%s", what);
			}
			done(r);
		}
		buf[at] = old;
	}
}

#endif
