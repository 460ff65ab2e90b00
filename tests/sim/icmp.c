/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "icmp.h"
#include "seg_int.h"

#define ICMP_HEADER 8

/* The IP header behind the tags. */
static const uint8_t *
ip_of(const uint8_t *frame)
{
	const uint8_t *p = frame + 12;

	while (get16(p) == 0x8100 || get16(p) == 0x88a8)
		p += 4;
	return p + 2;
}

size_t
icmp_ip_len(const uint8_t *frame, size_t len)
{
	return len - (size_t)(ip_of(frame) - frame);
}

/* Header of the IP packet with `len` bytes of ICMP, from the router to the sender of `in`. */
static uint8_t *
put_router_ip(uint8_t *p, const uint8_t *in, bool v6, unsigned len)
{
	memset(p, 0, 40);
	if (v6) { /* 2001:db8:ffff::1 */
		p[0] = 0x60;
		put16(p + 4, len);
		p[6] = 58;
		p[7] = 60;
		memcpy(p + 8, "\x20\x01\x0d\xb8\xff\xff", 6);
		p[23] = 1;
		memcpy(p + 24, in + 8, 16);
		return p + 40;
	}
	p[0] = 0x45; /* 203.0.113.1 */
	put16(p + 2, 20 + len);
	p[8] = 60;
	p[9] = 1;
	memcpy(p + 12, "\xcb\x00\x71\x01", 4);
	memcpy(p + 16, in + 12, 4);
	put16(p + 10, (uint16_t)~fold(sum16(p, 20)));
	return p + 20;
}

/* Over the message, and for IPv6 the pseudo-header: 0xffff where the checksum within is right. */
static uint16_t
icmp_sum(const uint8_t *ip, bool v6, const uint8_t *icmp, size_t len)
{
	return fold(sum16(icmp, len) + (v6 ? sum16(ip + 8, 32) + 58 + len : 0));
}

size_t
icmp_too_big_build(uint8_t *buf, const uint8_t *frame, uint32_t mtu)
{
	const uint8_t *in = ip_of(frame), *tcp;
	size_t l2 = (size_t)(in - frame), quote;
	bool v6 = in[0] >> 4 == 6;
	uint8_t *ip = buf + l2, *icmp;

	if (v6) {
		unsigned next = in[6];

		for (tcp = in + 40; next != 6; tcp += 8)
			next = tcp[0];
	} else {
		tcp = in + (in[0] & 15) * 4;
	}
	quote = (size_t)(tcp - in) + (tcp[12] >> 4) * 4u;
	memcpy(buf, frame + 6, 6);
	memcpy(buf + 6, frame, 6);
	memcpy(buf + 12, frame + 12, l2 - 12);
	icmp = put_router_ip(ip, in, v6, (unsigned)(ICMP_HEADER + quote));
	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = v6 ? 2 : 3;
	icmp[1] = v6 ? 0 : 4;
	put16(icmp + 6, mtu);
	memcpy(icmp + ICMP_HEADER, in, quote);
	put16(icmp + 2, (uint16_t)~icmp_sum(ip, v6, icmp, ICMP_HEADER + quote));
	return l2 + (size_t)(icmp - ip) + ICMP_HEADER + quote;
}

/* The quoted packet, of which len bytes are there. */
static const char *
get_quoted(const uint8_t *q, size_t len, bool v6, struct too_big *t)
{
	size_t hdr = v6 ? 40 : (q[0] & 15) * 4u;
	unsigned next = v6 ? q[6] : q[9];

	if (len < hdr + 8)
		return "quoted packet is short";
	t->quoted.v6 = v6;
	memcpy(t->quoted.end[0].addr, q + (v6 ? 8 : 12), v6 ? 16 : 4);
	memcpy(t->quoted.end[1].addr, q + (v6 ? 24 : 16), v6 ? 16 : 4);
	for (; v6 && next != 6 && len >= hdr + 16; hdr += 8)
		next = q[hdr];
	if (next != 6)
		return "quoted packet is not TCP";
	t->quoted.end[0].port = get16(q + hdr);
	t->quoted.end[1].port = get16(q + hdr + 2);
	t->seq = get32(q + hdr + 4);
	return NULL;
}

const char *
icmp_too_big_parse(const uint8_t *d, size_t len, struct too_big *t)
{
	const uint8_t *ip = ip_of(d), *icmp;
	bool v6 = ip[0] >> 4 == 6;
	size_t n;

	memset(t, 0, sizeof(*t));
	for (const uint8_t *p = d + 12; p + 2 < ip && t->quoted.n_tags < 2; p += 4) {
		t->quoted.tpid[t->quoted.n_tags] = get16(p);
		t->quoted.tci[t->quoted.n_tags++] = get16(p + 2);
	}
	if (len < (size_t)(ip - d) + (v6 ? 40 : 20) + ICMP_HEADER + 28)
		return "ICMP error is short";
	icmp = ip + (v6 ? 40 : 20);
	n = v6 ? get16(ip + 4) : get16(ip + 2) - 20u;
	if (n > len - (size_t)(icmp - d) || ip[v6 ? 6 : 9] != (v6 ? 58 : 1))
		return "not ICMP";
	if (!v6 && fold(sum16(ip, 20)) != 0xffff)
		return "IPv4 checksum";
	if (icmp_sum(ip, v6, icmp, n) != 0xffff)
		return "ICMP checksum";
	if (icmp[0] != (v6 ? 2 : 3) || icmp[1] != (v6 ? 0 : 4))
		return "another ICMP message";
	t->mtu = get16(icmp + 6);
	return get_quoted(icmp + ICMP_HEADER, n - ICMP_HEADER, v6, t);
}
