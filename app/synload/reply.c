/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply.h"

const char *const sw_reply_fault_names[SW_REPLY_FAULTS] = {
	[SW_REPLY_L2] = "l2",
	[SW_REPLY_IP] = "ip",
	[SW_REPLY_IP_CSUM] = "ip_checksum",
	[SW_REPLY_TUPLE] = "tuple",
	[SW_REPLY_TCP] = "tcp",
	[SW_REPLY_TCP_CSUM] = "tcp_checksum",
	[SW_REPLY_FLAGS] = "flags",
	[SW_REPLY_ACK] = "ack",
	[SW_REPLY_OPTIONS] = "options",
	[SW_REPLY_NOT_OFFERED] = "option_not_offered",
	[SW_REPLY_TSECR] = "tsecr",
};

const char *const sw_reply_option_names[SW_REPLY_OPTIONS_MAX] = {
	[SW_REPLY_MSS] = "with_mss",
	[SW_REPLY_WSCALE] = "with_wscale",
	[SW_REPLY_SACK] = "with_sack",
	[SW_REPLY_TS] = "with_ts",
};

/* What was found, offsets from the start of the frame. */
struct found {
	const uint8_t *frame;
	uint32_t ip, tcp, opts, end;
	bool v6;
	union sw_addr src, dst;
	uint32_t secret_seq, secret_ts;
};

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* RFC 1071, one word after the other. */
static uint32_t
sum16(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (; len > 1; len -= 2, p += 2)
		sum += get16(p);
	if (len > 0)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

static bool
sum_is_right(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static enum sw_reply_fault
check_l2(struct found *f, const struct sw_load_l2 *l2, uint32_t len)
{
	const uint8_t *p = f->frame;
	uint32_t off = 12;

	if (len < 14 || memcmp(p, l2->src, 6) != 0 || memcmp(p + 6, l2->dst, 6) != 0)
		return SW_REPLY_L2;
	if (l2->vlan != 0) {
		if (len < 18 || get16(p + 12) != 0x8100 || (get16(p + 14) & 0xfff) != l2->vlan)
			return SW_REPLY_L2;
		off = 16;
	}
	f->v6 = get16(p + off) == 0x86dd;
	if (!f->v6 && get16(p + off) != 0x0800)
		return SW_REPLY_L2;
	f->ip = off + 2;
	return SW_REPLY_RIGHT;
}

static enum sw_reply_fault
check_ip4(struct found *f, uint32_t len)
{
	const uint8_t *ip = f->frame + f->ip;

	if (f->ip + 20 > len || ip[0] != 0x45 || ip[9] != 6 || (get16(ip + 6) & 0x3fff) != 0)
		return SW_REPLY_IP;
	f->tcp = f->ip + 20;
	f->end = f->ip + get16(ip + 2);
	if (f->end > len || f->end < f->tcp || ip[8] == 0)
		return SW_REPLY_IP;
	if (!sum_is_right(sum16(0, ip, 20)))
		return SW_REPLY_IP_CSUM;
	memcpy(f->src.b + 12, ip + 12, 4);
	memcpy(f->dst.b + 12, ip + 16, 4);
	return SW_REPLY_RIGHT;
}

static enum sw_reply_fault
check_ip6(struct found *f, uint32_t len)
{
	const uint8_t *ip = f->frame + f->ip;

	if (f->ip + 40 > len || ip[0] >> 4 != 6 || ip[6] != 6 || ip[7] == 0)
		return SW_REPLY_IP;
	f->tcp = f->ip + 40;
	f->end = f->tcp + get16(ip + 4);
	if (f->end > len)
		return SW_REPLY_IP;
	memcpy(f->src.b, ip + 8, 16);
	memcpy(f->dst.b, ip + 24, 16);
	return SW_REPLY_RIGHT;
}

static bool
is_server(const struct sw_load_route *r, const struct found *f, uint16_t port)
{
	for (unsigned i = 0; i < r->n_servers; i++) {
		const struct sw_load_server *s = &r->servers[i];

		if (s->v6 == f->v6 && s->port == port && memcmp(&s->addr, &f->src, 16) == 0)
			return true;
	}
	return false;
}

static enum sw_reply_fault
check_tuple(struct found *f, const struct sw_load_route *r)
{
	const uint16_t sport = (uint16_t)get16(f->frame + f->tcp);
	const uint16_t dport = (uint16_t)get16(f->frame + f->tcp + 2);
	const uint32_t ports = (uint32_t)dport << 16 | sport;
	uint64_t secret;

	if (!is_server(r, f, sport) || !sw_space_holds(&r->space[f->v6], &f->dst, dport))
		return SW_REPLY_TUPLE;
	secret = sw_load_secret(f->dst.q[1], f->dst.q[0], ports, r->key);
	f->secret_seq = (uint32_t)secret;
	f->secret_ts = (uint32_t)(secret >> 32);
	return SW_REPLY_RIGHT;
}

static enum sw_reply_fault
check_tcp(struct found *f)
{
	const uint8_t *tcp = f->frame + f->tcp;
	const uint8_t *ip = f->frame + f->ip;
	uint32_t sum = 6 + f->end - f->tcp;

	f->opts = f->tcp + 20;
	/* No data: nobody asked for TCP Fast Open. */
	if (f->tcp + (tcp[12] >> 4) * 4u != f->end || f->end < f->opts)
		return SW_REPLY_TCP;
	sum = f->v6 ? sum16(sum, ip + 8, 32) : sum16(sum, ip + 12, 8);
	if (!sum_is_right(sum16(sum, tcp, f->end - f->tcp)))
		return SW_REPLY_TCP_CSUM;
	if (tcp[13] != 0x12)
		return SW_REPLY_FLAGS;
	return get32(tcp + 8) == f->secret_seq + 1 ? SW_REPLY_RIGHT : SW_REPLY_ACK;
}

/* Length that an option of a SYN-ACK must have; 0: the kind has no place in an answer to us. */
static unsigned
option_len(unsigned kind)
{
	switch (kind) {
	case 2:
		return 4;
	case 3:
		return 3;
	case 4:
		return 2;
	case 8:
		return 10;
	default:
		return 0;
	}
}

static bool
was_offered(enum sw_craft_options set, unsigned kind)
{
	switch (kind) {
	case 2:
		return true; /* says what the server takes, asked or not (RFC 9293, 3.7.1) */
	case 3:
	case 4:
		return set >= SW_CRAFT_LINUX;
	default:
		return set == SW_CRAFT_LINUX || set == SW_CRAFT_MAC;
	}
}

static enum sw_reply_fault
check_options(const struct found *f, enum sw_craft_options offered, unsigned *carries)
{
	const uint8_t *p = f->frame + f->opts, *end = f->frame + f->end;
	unsigned seen = 0;

	while (p < end && p[0] != 0) {
		const unsigned kind = p[0];

		if (kind == 1) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return SW_REPLY_OPTIONS;
		if (option_len(kind) == 0)
			return SW_REPLY_NOT_OFFERED;
		if (p[1] != option_len(kind) || (seen & 1u << kind) != 0)
			return SW_REPLY_OPTIONS;
		if ((kind == 2 && get16(p + 2) == 0) || (kind == 3 && p[2] > 14))
			return SW_REPLY_OPTIONS;
		if (!was_offered(offered, kind))
			return SW_REPLY_NOT_OFFERED;
		if (kind == 8 && get32(p + 6) != f->secret_ts)
			return SW_REPLY_TSECR;
		seen |= 1u << kind;
		p += p[1];
	}
	*carries = (seen >> 2 & 1) << SW_REPLY_MSS | (seen >> 3 & 1) << SW_REPLY_WSCALE |
		   (seen >> 4 & 1) << SW_REPLY_SACK | (seen >> 8 & 1) << SW_REPLY_TS;
	return SW_REPLY_RIGHT;
}

enum sw_reply_fault
sw_reply_check(const struct sw_load_route *r, enum sw_craft_options offered, const uint8_t *frame,
	uint32_t len, unsigned *carries)
{
	struct found f = {.frame = frame};
	enum sw_reply_fault fault = check_l2(&f, &r->l2, len);

	*carries = 0;
	if (fault == SW_REPLY_RIGHT)
		fault = f.v6 ? check_ip6(&f, len) : check_ip4(&f, len);
	if (fault == SW_REPLY_RIGHT && f.tcp + 20 > f.end)
		fault = SW_REPLY_TCP;
	if (fault == SW_REPLY_RIGHT)
		fault = check_tuple(&f, r);
	if (fault == SW_REPLY_RIGHT)
		fault = check_tcp(&f);
	if (fault == SW_REPLY_RIGHT)
		fault = check_options(&f, offered, carries);
	return fault;
}
