/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt_make.h"

/* A packet that grows. */
struct out {
	uint8_t *p;
	size_t len, cap;
};

static void
put8(struct out *o, unsigned v)
{
	if (o->len == o->cap) {
		fprintf(stderr, "pkt_make: %zu bytes are too few\n", o->cap);
		abort();
	}
	o->p[o->len++] = (uint8_t)v;
}

static void
put16(struct out *o, unsigned v)
{
	put8(o, v >> 8 & 0xff);
	put8(o, v & 0xff);
}

static void
put32(struct out *o, uint32_t v)
{
	put16(o, v >> 16);
	put16(o, v & 0xffff);
}

static void
put(struct out *o, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put8(o, p[i]);
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
set16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint16_t
pkt_sum(uint32_t start, const uint8_t *p, size_t len)
{
	uint32_t sum = start;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		while (sum > 0xffff)
			sum = sum - 0x10000 + 1;
	}
	return (uint16_t)(0xffff - sum);
}

uint16_t
pkt_l4_sum(bool v6, const uint8_t *src, const uint8_t *dst, uint8_t proto, const uint8_t *p,
	size_t len)
{
	uint8_t ps[40] = {0};
	struct out o = {.p = ps, .cap = sizeof(ps)};

	put(&o, src, v6 ? 16 : 4);
	put(&o, dst, v6 ? 16 : 4);
	if (v6) {
		put32(&o, (uint32_t)len);
		put32(&o, proto);
	} else {
		put16(&o, proto);
		put16(&o, (unsigned)len);
	}
	return pkt_sum(0xffffu - pkt_sum(0, ps, o.len), p, len);
}

static void
make_l2(struct out *o, const struct pkt_make *m)
{
	static const uint8_t zero[6], dst[6] = {2, 0, 0, 0, 0, 2}, src[6] = {2, 0, 0, 0, 0, 1};

	put(o, memcmp(m->dst_mac, zero, 6) ? m->dst_mac : dst, 6);
	put(o, memcmp(m->src_mac, zero, 6) ? m->src_mac : src, 6);
	for (unsigned i = 0; i < m->n_vlan; i++) {
		put16(o, m->vlan_tpid[i] ? m->vlan_tpid[i] : 0x8100);
		put16(o, m->vlan_tci[i]);
	}
	put16(o, m->ethertype ? m->ethertype : m->v6 ? 0x86dd : 0x0800);
}

/* l4_len: bytes behind the IP header and its options or extension headers. */
static void
make_ip(struct out *o, const struct pkt_make *m, uint8_t proto, size_t l4_len)
{
	const size_t start = o->len, opts_len = (m->ip_opts_len + 3) / 4 * 4;
	const unsigned ttl = m->ttl ? m->ttl : 64;

	if (m->v6) {
		put32(o, 6u << 28 | (uint32_t)m->tos << 20);
		put16(o, (unsigned)(m->ext_len + l4_len));
		put8(o, m->ext_len ? m->ext_first : proto);
		put8(o, ttl);
		put(o, m->src, 16);
		put(o, m->dst, 16);
		put(o, m->ext, m->ext_len);
		return;
	}
	put8(o, (unsigned)(0x40 | (20 + opts_len) / 4));
	put8(o, m->tos);
	put16(o, (unsigned)(20 + opts_len + l4_len));
	put16(o, m->ip_id);
	put16(o, m->frag);
	put8(o, ttl);
	put8(o, proto);
	put16(o, 0);
	put(o, m->src, 4);
	put(o, m->dst, 4);
	put(o, m->ip_opts, m->ip_opts_len);
	while (o->len < start + 20 + opts_len)
		put8(o, 0);
	set16(o->p + start + 10, pkt_sum(0, o->p + start, o->len - start));
}

static void
make_tcp(struct out *o, const struct pkt_make *m)
{
	const size_t start = o->len, opts_len = (m->opts_len + 3) / 4 * 4;

	put16(o, m->sport);
	put16(o, m->dport);
	put32(o, m->seq);
	put32(o, m->ack);
	put8(o, (unsigned)((20 + opts_len) / 4 << 4));
	put8(o, m->flags);
	put16(o, m->window);
	put16(o, 0);
	put16(o, m->urgent);
	put(o, m->opts, m->opts_len);
	while (o->len < start + 20 + opts_len)
		put8(o, 0);
	put(o, m->payload, m->payload_len);
	set16(o->p + start + 16,
		pkt_l4_sum(m->v6, m->src, m->dst, 6, o->p + start, o->len - start));
}

size_t
pkt_make(uint8_t *buf, size_t cap, const struct pkt_make *m)
{
	struct out o = {.p = buf, .cap = cap};
	const uint8_t proto = m->proto ? m->proto : 6;
	size_t l4_len = m->payload_len;

	if (proto == 6)
		l4_len += 20 + (m->opts_len + 3) / 4 * 4;
	make_l2(&o, m);
	make_ip(&o, m, proto, l4_len);
	if (proto == 6)
		make_tcp(&o, m);
	else
		put(&o, m->payload, m->payload_len);
	while (o.len < m->pad_to)
		put8(&o, 0xa5);
	return o.len;
}

/* The three readers return the offset of what follows, 0 where it is not there. */
static size_t
read_l2(const uint8_t *b, size_t len, struct pkt_seen *s)
{
	size_t off = 14;

	if (len < 14)
		return 0;
	while (get16(b + off - 2) == 0x8100 || get16(b + off - 2) == 0x88a8 ||
		get16(b + off - 2) == 0x9100) {
		if (s->n_vlan == 2 || off + 4 > len)
			return 0;
		s->vlan_tci[s->n_vlan++] = (uint16_t)get16(b + off);
		off += 4;
	}
	s->l3_off = off;
	s->v6 = get16(b + off - 2) == 0x86dd;
	return s->v6 || get16(b + off - 2) == 0x0800 ? off : 0;
}

/* Not malformed, and no source route (131, 137) whose pointer is within it. */
static bool
ip4_opts_ok(const uint8_t *o, size_t n)
{
	size_t i = 0;

	while (i < n && o[i] != 0) {
		if (o[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 == n || o[i + 1] < 2 || i + o[i + 1] > n)
			return false;
		if ((o[i] == 131 || o[i] == 137) && (o[i + 1] == 2 || o[i + 2] <= o[i + 1]))
			return false;
		i += o[i + 1];
	}
	return true;
}

static size_t
read_ip4(const uint8_t *b, size_t len, struct pkt_seen *s)
{
	const uint8_t *ip = b + s->l3_off;
	size_t hdr;

	if (len < s->l3_off + 20 || ip[0] >> 4 != 4)
		return 0;
	hdr = (ip[0] & 15) * 4u;
	s->ip_end = s->l3_off + get16(ip + 2);
	if (hdr < 20 || s->l3_off + hdr > len || s->l3_off + hdr > s->ip_end || s->ip_end > len)
		return 0;
	if (get16(ip + 6) & 0x1fff)
		return 0;
	if (ip[9] == 6 && !ip4_opts_ok(ip + 20, hdr - 20))
		return 0;
	s->more = get16(ip + 6) & 0x2000;
	s->proto = ip[9];
	memcpy(s->src, ip + 12, 4);
	memcpy(s->dst, ip + 16, 4);
	s->ttl = ip[8];
	s->ip_ok = pkt_sum(0, ip, hdr) == 0;
	return s->l3_off + hdr;
}

size_t
pkt_walk6(const uint8_t *b, size_t off, size_t end, uint8_t *next, unsigned *frag)
{
	*frag = 0;
	for (int n = 0; *next == 0 || *next == 43 || *next == 44 || *next == 51 || *next == 60;
		n++) {
		size_t hdr = 0;

		if (n == 8 || off + 8 > end)
			return 0;
		if (*next == 51 && b[off + 1] > 0)
			hdr = (b[off + 1] + 2u) * 4;
		if (*next == 60 || (*next == 0 && n == 0) || (*next == 43 && b[off + 3] == 0))
			hdr = (b[off + 1] + 1u) * 8;
		if (*next == 44 && *frag == 0) {
			hdr = 8;
			*frag = get16(b + off + 2) & 0xfff9;
		}
		if (!hdr || off + hdr > end)
			return 0;
		*next = b[off];
		if (*frag >= 8)
			return off;
		off += hdr;
	}
	return off;
}

static size_t
read_ip6(const uint8_t *b, size_t len, struct pkt_seen *s)
{
	const uint8_t *ip = b + s->l3_off;
	size_t off = s->l3_off + 40;
	unsigned frag;

	if (len < off || ip[0] >> 4 != 6)
		return 0;
	s->ip_end = off + get16(ip + 4);
	if (s->ip_end > len)
		return 0;
	s->proto = ip[6];
	off = pkt_walk6(b, off, s->ip_end, &s->proto, &frag);
	if (frag >= 8)
		return 0;
	s->more = frag & 1;
	memcpy(s->src, ip + 8, 16);
	memcpy(s->dst, ip + 24, 16);
	s->ttl = ip[7];
	s->ip_ok = true;
	return off;
}

bool
pkt_read_ip(const uint8_t *buf, size_t len, struct pkt_seen *s)
{
	memset(s, 0, sizeof(*s));
	if (!read_l2(buf, len, s))
		return false;
	s->l4_off = s->v6 ? read_ip6(buf, len, s) : read_ip4(buf, len, s);
	return s->l4_off != 0;
}

static bool
read_tcp(const uint8_t *buf, size_t len, struct pkt_seen *s)
{
	const uint8_t *tcp;
	size_t hdr;

	if (!pkt_read_ip(buf, len, s) || s->proto != 6 || s->l4_off + 20 > s->ip_end)
		return false;
	tcp = buf + s->l4_off;
	hdr = (tcp[12] >> 4) * 4u;
	if (hdr < 20 || s->l4_off + hdr > s->ip_end)
		return false;
	s->sport = (uint16_t)get16(tcp);
	s->dport = (uint16_t)get16(tcp + 2);
	s->seq = get32(tcp + 4);
	s->ack = get32(tcp + 8);
	s->flags = tcp[13];
	s->window = (uint16_t)get16(tcp + 14);
	s->urgent = (uint16_t)get16(tcp + 18);
	s->opts = tcp + 20;
	s->opts_len = hdr - 20;
	s->payload = tcp + hdr;
	s->payload_len = s->ip_end - s->l4_off - hdr;
	s->tcp_ok =
		!s->more && pkt_l4_sum(s->v6, s->src, s->dst, 6, tcp, s->ip_end - s->l4_off) == 0;
	return true;
}

bool
pkt_read(const uint8_t *buf, size_t len, struct pkt_seen *s)
{
	return read_tcp(buf, len, s) && !s->more;
}

/* The headers of s are sound, and it is an IPv6 first fragment: where its fragment header ends. */
static size_t
frag_end(const uint8_t *b, const struct pkt_seen *s)
{
	size_t off = s->l3_off + 40;
	uint8_t next = b[s->l3_off + 6];

	while (next != 44 || (get16(b + off + 2) & 0xfff9) == 0) {
		size_t hdr = next == 44	  ? 8
			     : next == 51 ? (b[off + 1] + 2u) * 4
					  : (b[off + 1] + 1u) * 8;

		next = b[off];
		off += hdr;
	}
	return off + 8;
}

bool
pkt_read_first(const uint8_t *buf, size_t len, struct pkt_seen *s)
{
	return read_tcp(buf, len, s) && s->more && (!s->v6 || frag_end(buf, s) == s->l4_off);
}

bool
pkt_check(const uint8_t *buf, size_t len)
{
	struct pkt_seen s;

	return pkt_read(buf, len, &s) && s.ip_ok && s.tcp_ok;
}

void
pkt_fix(uint8_t *buf, size_t len)
{
	struct pkt_seen s;
	uint8_t *tcp;

	if (!pkt_read(buf, len, &s)) {
		fprintf(stderr, "pkt_fix: not a TCP packet\n");
		abort();
	}
	tcp = buf + s.l4_off;
	set16(tcp + 16, 0);
	set16(tcp + 16, pkt_l4_sum(s.v6, s.src, s.dst, 6, tcp, 20 + s.opts_len + s.payload_len));
	if (!s.v6) {
		set16(buf + s.l3_off + 10, 0);
		set16(buf + s.l3_off + 10, pkt_sum(0, buf + s.l3_off, s.l4_off - s.l3_off));
	}
}

uint8_t *
pkt_dup(const uint8_t *buf, size_t len)
{
	uint8_t *p = malloc(len ? len : 1);

	if (!p)
		abort();
	if (len)
		memcpy(p, buf, len);
	return p;
}

uint64_t
pkt_seed(void)
{
	const char *s = getenv("SW_TEST_SEED");

	return s ? strtoull(s, NULL, 0) : 1;
}
