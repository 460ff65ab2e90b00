/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "seg_int.h"

/* Over pseudo-header and segment: 0xffff where the checksum within is right. */
static uint16_t
tcp_sum(const uint8_t *ip, bool v6, const uint8_t *tcp, size_t len)
{
	uint64_t sum = 6 + len;

	sum += v6 ? sum16(ip + 8, 32) : sum16(ip + 12, 8);
	return fold(sum + sum16(tcp, len));
}

unsigned
seg_opt_len(const struct seg *s)
{
	unsigned n = 0;

	n += s->mss ? 4 : 0;
	n += s->wscale != SEG_NO_WSCALE ? 3 : 0;
	n += s->sack_ok ? 2 : 0;
	n += s->ts ? 10 : 0;
	n += s->n_sack ? 2 + 8u * s->n_sack : 0;
	return (n + 3) & ~3u;
}

static void
put_options(uint8_t *o, unsigned padded, const struct seg *s)
{
	uint8_t *p = o;

	if (s->mss) {
		p[0] = 2, p[1] = 4;
		put16(p + 2, s->mss);
		p += 4;
	}
	if (s->ts) {
		p[0] = 8, p[1] = 10;
		put32(p + 2, s->tsval);
		put32(p + 6, s->tsecr);
		p += 10;
	}
	if (s->sack_ok) {
		p[0] = 4, p[1] = 2;
		p += 2;
	}
	if (s->wscale != SEG_NO_WSCALE) {
		p[0] = 3, p[1] = 3, p[2] = s->wscale;
		p += 3;
	}
	if (s->n_sack) {
		p[0] = 5, p[1] = (uint8_t)(2 + 8 * s->n_sack);
		for (unsigned i = 0; i < s->n_sack; i++) {
			put32(p + 2 + 8 * i, s->sack[i].left);
			put32(p + 6 + 8 * i, s->sack[i].right);
		}
		p += p[1];
	}
	while (p < o + padded)
		*p++ = 1;
}

/* Headers of 8 bytes each: hop-by-hop options first, then destination options. */
static uint8_t *
put_extension(uint8_t *p, unsigned extra)
{
	for (; extra > 0; extra -= 8, p += 8) {
		memset(p, 0, 8);
		p[0] = extra > 8 ? IPV6_DSTOPTS : 6;
		p[2] = 1; /* PadN of the other four bytes */
		p[3] = 4;
	}
	return p;
}

static uint8_t *
put_ip(uint8_t *p, const struct seg_path *path, int from, size_t tcp_len, uint8_t ecn)
{
	const struct seg_end *src = &path->end[from], *dst = &path->end[!from];

	if (path->v6) {
		memset(p, 0, 40);
		p[0] = 0x60;
		p[1] = (uint8_t)(ecn << 4);
		put16(p + 4, (unsigned)tcp_len + path->extra);
		p[6] = path->extra ? IPV6_HOPOPTS : 6;
		p[7] = 61;
		memcpy(p + 8, src->addr, 16);
		memcpy(p + 24, dst->addr, 16);
		return put_extension(p + 40, path->extra);
	}
	memset(p, 0, 20);
	memset(p + 20, 1, path->extra); /* NOPs */
	p[0] = (uint8_t)(0x45 + path->extra / 4);
	p[1] = ecn;
	put16(p + 2, (unsigned)(20 + path->extra + tcp_len));
	p[6] = 0x40;
	p[8] = 61;
	p[9] = 6;
	memcpy(p + 12, src->addr, 4);
	memcpy(p + 16, dst->addr, 4);
	put16(p + 10, (uint16_t)~fold(sum16(p, 20u + path->extra)));
	return p + 20 + path->extra;
}

size_t
seg_build(uint8_t *buf, size_t cap, const struct seg_path *path, int from, const struct seg *s)
{
	unsigned opt = seg_opt_len(s);
	size_t tcp_len = 20 + opt + s->pay_len;
	size_t len = 14 + 4u * path->n_tags + (path->v6 ? 40 : 20) + path->extra + tcp_len;
	uint8_t *p = buf, *ip, *tcp;

	if (len > cap || opt > 40)
		return 0;
	memcpy(p, path->end[!from].mac, 6);
	memcpy(p + 6, path->end[from].mac, 6);
	p += 12;
	for (unsigned i = 0; i < path->n_tags; i++, p += 4) {
		put16(p, path->tpid[i]);
		put16(p + 2, path->tci[i]);
	}
	put16(p, path->v6 ? ETHER_IPV6 : ETHER_IPV4);
	ip = p + 2;
	tcp = put_ip(ip, path, from, tcp_len, s->ecn);
	memset(tcp, 0, 20);
	put16(tcp, path->end[from].port);
	put16(tcp + 2, path->end[!from].port);
	put32(tcp + 4, s->seq);
	put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)((20 + opt) / 4 << 4);
	tcp[13] = s->flags;
	put16(tcp + 14, s->window);
	put16(tcp + 18, s->urgent);
	put_options(tcp + 20, opt, s);
	if (s->pay_len)
		memcpy(tcp + 20 + opt, s->pay, s->pay_len);
	put16(tcp + 16, (uint16_t)~tcp_sum(ip, path->v6, tcp, tcp_len));
	return len;
}

static const char *
get_options(const uint8_t *p, const uint8_t *end, struct seg *s)
{
	s->opt_len = (uint8_t)(end - p);
	s->wscale = SEG_NO_WSCALE;
	while (p < end && *p != 0) {
		if (*p == 1) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return "option overruns the header";
		if (p[0] == 2 && p[1] == 4) {
			s->mss = get16(p + 2);
		} else if (p[0] == 3 && p[1] == 3) {
			s->wscale = p[2];
		} else if (p[0] == 4 && p[1] == 2) {
			s->sack_ok = true;
		} else if (p[0] == 8 && p[1] == 10) {
			s->ts = true;
			s->tsval = get32(p + 2);
			s->tsecr = get32(p + 6);
		} else if (p[0] == 5 && p[1] >= 10 && p[1] <= 34 && (p[1] - 2) % 8 == 0) {
			s->n_sack = (uint8_t)((p[1] - 2) / 8);
			for (unsigned i = 0; i < s->n_sack; i++) {
				s->sack[i].left = get32(p + 2 + 8 * i);
				s->sack[i].right = get32(p + 6 + 8 * i);
			}
		} else {
			return "option with a wrong length, or unknown";
		}
		p += p[1];
	}
	return NULL;
}

static const char *
get_tcp(const uint8_t *ip, const uint8_t *tcp, size_t len, struct seg_path *path, struct seg *s)
{
	size_t hdr;

	if (len < 20)
		return "TCP header cut off";
	hdr = (size_t)(tcp[12] >> 4) * 4;
	if (hdr < 20 || hdr > len)
		return "TCP data offset";
	if (tcp_sum(ip, path->v6, tcp, len) != 0xffff)
		return "TCP checksum";
	path->end[0].port = get16(tcp);
	path->end[1].port = get16(tcp + 2);
	s->seq = get32(tcp + 4);
	s->ack = get32(tcp + 8);
	s->flags = tcp[13];
	s->window = get16(tcp + 14);
	s->urgent = get16(tcp + 18);
	s->pay = tcp + hdr;
	s->pay_len = (uint32_t)(len - hdr);
	return get_options(tcp + 20, tcp + hdr, s);
}

/* p: a whole IPv6 header, whose payload is there. */
static const char *
get_v6(const uint8_t *p, struct seg_path *path, struct seg *s)
{
	unsigned len = get16(p + 4), next = p[6];
	const uint8_t *q = p + 40;

	memcpy(path->end[0].addr, p + 8, 16);
	memcpy(path->end[1].addr, p + 24, 16);
	while (next == IPV6_HOPOPTS || next == IPV6_DSTOPTS) {
		unsigned n = len >= 8 ? 8 + 8u * q[1] : 9;

		if (n > len)
			return "IPv6 extension header";
		next = q[0];
		path->extra = (uint8_t)(path->extra + n);
		q += n;
		len -= n;
	}
	return next == 6 ? get_tcp(p, q, len, path, s) : "not tcp";
}

const char *
seg_parse(const uint8_t *d, size_t len, struct seg_path *path, struct seg *s)
{
	const uint8_t *p = d + 12, *end = d + len;
	unsigned ihl;

	memset(path, 0, sizeof(*path));
	memset(s, 0, sizeof(*s));
	if (len < 14)
		return "frame is short";
	memcpy(path->end[1].mac, d, 6);
	memcpy(path->end[0].mac, d + 6, 6);
	for (; end - p >= 6 && (get16(p) == 0x8100 || get16(p) == 0x88a8); p += 4) {
		if (path->n_tags == 2)
			return "three VLAN tags";
		path->tpid[path->n_tags] = get16(p);
		path->tci[path->n_tags++] = get16(p + 2);
	}
	if (get16(p) == ETHER_IPV6) {
		p += 2;
		if (end - p < 40 || p[0] >> 4 != 6 || get16(p + 4) > end - p - 40)
			return "IPv6 header";
		path->v6 = true;
		s->ecn = p[1] >> 4 & 3;
		return get_v6(p, path, s);
	}
	if (get16(p) != ETHER_IPV4)
		return "not tcp";
	p += 2;
	ihl = (p[0] & 15) * 4u;
	if (end - p < 20 || p[0] >> 4 != 4 || ihl < 20 || get16(p + 2) < ihl ||
		get16(p + 2) > end - p)
		return "IPv4 header";
	path->extra = (uint8_t)(ihl - 20);
	if (fold(sum16(p, ihl)) != 0xffff)
		return "IPv4 checksum";
	if (get16(p + 6) & 0x3fff || p[9] != 6)
		return "not tcp";
	s->ecn = p[1] & 3;
	memcpy(path->end[0].addr, p + 12, 4);
	memcpy(path->end[1].addr, p + 16, 4);
	return get_tcp(p, p + ihl, get16(p + 2) - ihl, path, s);
}

bool
seg_mark_ce(uint8_t *d, size_t len)
{
	uint8_t *p = d + 12;

	while (get16(p) == 0x8100 || get16(p) == 0x88a8)
		p += 4;
	if (p + 2 + 20 > d + len)
		return false;
	if (get16(p) == ETHER_IPV6 && p[3] & 0x30) {
		p[3] |= 0x30;
		return true;
	}
	if (get16(p) != ETHER_IPV4 || (p[3] & 3) == 0)
		return false;
	p += 2;
	p[1] |= SEG_CE;
	put16(p + 10, 0);
	put16(p + 10, (uint16_t)~fold(sum16(p, (p[0] & 15u) * 4)));
	return true;
}
