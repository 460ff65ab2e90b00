/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pkt_icmp.h - makes ICMP errors for tests, and reads and checks them, without a line of lib/; see
 * pkt_make.h.
 */
#ifndef SW_TEST_PKT_ICMP_H
#define SW_TEST_PKT_ICMP_H

#include <string.h>

#include "unit/pkt_make.h"

static inline unsigned
pkt_get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static inline uint32_t
pkt_get32(const uint8_t *p)
{
	return (uint32_t)pkt_get16(p) << 16 | pkt_get16(p + 2);
}

/*
 * Makes an error of the type and code that quotes n bytes at quote; rest: its bytes 4 to 7. outer
 * is the packet that carries it, all but protocol and payload. Returns its length.
 */
static inline size_t
pkt_make_icmp(uint8_t *buf, const struct pkt_make *outer, unsigned type_code, uint32_t rest,
	const uint8_t *quote, size_t n)
{
	uint8_t msg[PKT_MAX] = {(uint8_t)(type_code >> 8), (uint8_t)type_code};
	struct pkt_make m = *outer;
	uint16_t sum;

	for (int i = 0; i < 4; i++)
		msg[4 + i] = (uint8_t)(rest >> (24 - 8 * i));
	memcpy(msg + 8, quote, n);
	sum = m.v6 ? pkt_l4_sum(true, m.src, m.dst, 58, msg, 8 + n) : pkt_sum(0, msg, 8 + n);
	msg[2] = (uint8_t)(sum >> 8);
	msg[3] = (uint8_t)sum;
	m.proto = m.v6 ? 58 : 1;
	m.payload = msg;
	m.payload_len = 8 + n;
	return pkt_make(buf, PKT_MAX, &m);
}

enum pkt_quote_kind {
	PKT_QUOTE_NONE, /* no error, or one about something that is not TCP */
	PKT_QUOTE_TCP,
	PKT_QUOTE_BAD, /* quotes too little of TCP, or goes to another than the quoted sender */
};

/* What a packet quotes. Offsets are from the start of the packet. */
struct pkt_quote {
	struct pkt_seen outer;
	size_t ip_off; /* of the quoted IP header */
	size_t tcp_off;
	size_t n; /* bytes that are there from tcp_off on, at most those of the quoted packet */
	const uint8_t *src, *dst;
	unsigned sport, dport; /* 0 with n below 4 */
};

/* b: the packet; end: of what can be read of it. The same for both families. */
static inline enum pkt_quote_kind
pkt_quote_ip(const uint8_t *b, size_t end, struct pkt_quote *q)
{
	const uint8_t *ip = b + q->ip_off;
	size_t ip_end, off;
	unsigned frag = 0;
	uint8_t next;

	if (q->ip_off + (q->outer.v6 ? 40 : 20) > end || ip[0] >> 4 != (q->outer.v6 ? 6 : 4))
		return PKT_QUOTE_NONE;
	if (q->outer.v6) {
		next = ip[6];
		ip_end = q->ip_off + 40 + pkt_get16(ip + 4);
		if (ip_end > end)
			ip_end = end;
		off = pkt_walk6(b, q->ip_off + 40, ip_end, &next, &frag);
		if (off == 0) {
			off = ip_end; /* may be TCP, of which nothing can be seen */
			next = 6;
			frag = 0;
		}
		q->src = ip + 8;
		q->dst = ip + 24;
	} else {
		if ((ip[0] & 15) < 5)
			return PKT_QUOTE_NONE;
		next = ip[9];
		off = q->ip_off + (ip[0] & 15) * 4u;
		frag = (pkt_get16(ip + 6) & 0x1fff) * 8;
		ip_end = q->ip_off + pkt_get16(ip + 2);
		if (ip_end > end)
			ip_end = end;
		q->src = ip + 12;
		q->dst = ip + 16;
	}
	if (next != 6 || frag >= 8)
		return PKT_QUOTE_NONE;
	q->tcp_off = off;
	q->n = ip_end > off ? ip_end - off : 0;
	if (q->n >= 4) {
		q->sport = pkt_get16(b + off);
		q->dport = pkt_get16(b + off + 2);
	}
	return q->n < 8 || memcmp(q->src, q->outer.dst, q->outer.v6 ? 16 : 4) != 0 ? PKT_QUOTE_BAD
										   : PKT_QUOTE_TCP;
}

/* Reads a whole packet. q is valid as far as the kind says. */
static inline enum pkt_quote_kind
pkt_read_icmp(const uint8_t *b, size_t len, struct pkt_quote *q)
{
	unsigned type;

	memset(q, 0, sizeof(*q));
	if (!pkt_read_ip(b, len, &q->outer) || q->outer.more ||
		q->outer.proto != (q->outer.v6 ? 58 : 1) || q->outer.l4_off + 8 > q->outer.ip_end)
		return PKT_QUOTE_NONE;
	type = b[q->outer.l4_off];
	if (q->outer.v6 ? type < 1 || type > 4 : type != 3 && type != 11 && type != 12)
		return PKT_QUOTE_NONE;
	q->ip_off = q->outer.l4_off + 8;
	return pkt_quote_ip(b, q->outer.ip_end, q);
}

/* The checksum of the ICMP message of a whole packet is right. */
static inline bool
pkt_icmp_ok(const uint8_t *b, const struct pkt_seen *s)
{
	const uint8_t *msg = b + s->l4_off;
	const size_t n = s->ip_end - s->l4_off;

	return (s->v6 ? pkt_l4_sum(true, s->src, s->dst, 58, msg, n) : pkt_sum(0, msg, n)) == 0;
}

#endif
