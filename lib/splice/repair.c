/* SPDX-License-Identifier: BSD-3-Clause */
#include "splice/repair.h"

#include "packet/checksum.h"
#include "packet/options.h"
#include "packet/wire.h"
#include "splice/rewrite.h"

#define OPTIONS_MAX_BYTES 40

#define SACK_HEAD_BYTES	 2
#define SACK_BLOCK_BYTES 8

#define ECN_MASK 3 /* RFC 3168, 5 */
#define ECN_CE	 3

/* Sum over the options, which start at an even offset of what the TCP checksum is over. */
static uint16_t
options_sum(const struct sw_pkt *p)
{
	return sw_csum_fold(
		sw_csum_add(0, sw_pkt_tcp(p) + SW_TCP_BYTES, sw_rewrite_options_len(p)));
}

static void
blank_options(struct sw_pkt *p, uint8_t flags, uint64_t *diff)
{
	const uint16_t before = options_sum(p);
	uint8_t *tcp = sw_pkt_tcp(p);
	struct sw_opt_iter it = sw_opt_begin(p);
	struct sw_opt o;

	while (sw_opt_next(&it, &o) > 0) {
		if ((o.kind == SW_OPT_TS && flags & SW_FLOW_TS_MADE) ||
			(o.kind == SW_OPT_SACK && flags & SW_FLOW_NO_SACK))
			memset(tcp + (o.p - tcp), SW_OPT_NOP, o.len);
	}
	*diff += sw_csum_diff16(before, options_sum(p));
}

/* The server reads window fields as bytes, the client writes them shifted. */
static void
unscale_window(const struct sw_flow *f, uint8_t *tcp, uint64_t *diff)
{
	uint8_t *field = tcp + offsetof(struct sw_wire_tcp, window_be);
	const rte_be16_t old_be = sw_load16(field);
	uint32_t window = (uint32_t)rte_be_to_cpu_16(old_be) << f->wscale_client;
	rte_be16_t new_be;

	if (window > UINT16_MAX)
		window = UINT16_MAX;
	new_be = rte_cpu_to_be_16((uint16_t)window);
	sw_store16(field, new_be);
	*diff += sw_csum_diff16(old_be, new_be);
}

/* The traffic class of IPv6 lies across the first two bytes, the TOS of IPv4 is the second. */
static unsigned
ecn_shift(const struct sw_pkt *p)
{
	return sw_tuple_is_v6(&p->tuple) ? 4 : 0;
}

static unsigned
ecn_of(const struct sw_pkt *p)
{
	return p->f->data[p->l3_off + 1] >> ecn_shift(p) & ECN_MASK;
}

static void
ecn_clear(struct sw_pkt *p)
{
	uint8_t *ip = p->f->data + p->l3_off;
	const uint16_t before = sw_load16(ip);

	ip[1] &= (uint8_t) ~(ECN_MASK << ecn_shift(p));
	if (!sw_tuple_is_v6(&p->tuple)) {
		struct sw_wire_ip4 *ip4 = (struct sw_wire_ip4 *)ip;

		ip4->csum = sw_csum_apply(ip4->csum, sw_csum_diff16(before, sw_load16(ip)));
	}
}

enum sw_drop
sw_repair_to_server(const struct sw_flow *f, struct sw_pkt *p)
{
	const bool blank =
		f->flags & (SW_FLOW_TS_MADE | SW_FLOW_NO_SACK) && sw_rewrite_options_len(p) > 0;
	const unsigned ecn = f->flags & SW_FLOW_NO_ECN ? ecn_of(p) : 0;
	uint64_t diff = 0;

	/* Judged whole before anything is written: a packet that is refused is as it was. */
	if (blank && !sw_rewrite_options_ok(sw_opt_begin(p)))
		return SW_DROP_TCP_OPTIONS;
	if (ecn == ECN_CE)
		return SW_DROP_CONGESTED;

	if (blank)
		blank_options(p, f->flags, &diff);
	if (f->flags & SW_FLOW_NO_WSCALE && !(p->tcp_flags & SW_TCP_SYN))
		unscale_window(f, sw_pkt_tcp(p), &diff);
	if (diff != 0)
		sw_rewrite_csum(sw_pkt_tcp(p), diff);
	if (ecn != 0)
		ecn_clear(p);
	return SW_DROP_NONE;
}

/* Bytes of a SACK option of len bytes, cut to the whole blocks that fit in room; 0: none does. */
static uint32_t
sack_fit(uint32_t len, uint32_t room)
{
	if (len <= room)
		return len;
	if (room < SACK_HEAD_BYTES + SACK_BLOCK_BYTES)
		return 0;
	return room - (room - SACK_HEAD_BYTES) % SACK_BLOCK_BYTES;
}

/* Bytes of the options that are kept whole: neither timestamps nor SACK nor padding. */
static uint32_t
kept_len(const struct sw_pkt *p)
{
	struct sw_opt_iter it = sw_opt_begin(p);
	struct sw_opt o;
	uint32_t n = 0;

	while (sw_opt_next(&it, &o) > 0) {
		if (o.kind != SW_OPT_TS && o.kind != SW_OPT_SACK)
			n += o.len;
	}
	return n;
}

/*
 * Writes the option list with a timestamp into out: never shorter than the one of p, so that a
 * header never shrinks. Returns its length, 0 where it does not fit even without SACK.
 */
static uint32_t
rebuild_options(const struct sw_pkt *p, uint32_t tsval, uint8_t out[OPTIONS_MAX_BYTES])
{
	struct sw_opt_iter it = sw_opt_begin(p);
	struct sw_opt o;
	uint32_t n = SW_OPT_TS_BYTES + kept_len(p);
	uint32_t sack_room = OPTIONS_MAX_BYTES - n;

	if (n > OPTIONS_MAX_BYTES)
		return 0;
	sw_store32(out, SW_OPT_TS_WORD);
	sw_store32(out + 4, rte_cpu_to_be_32(tsval));
	sw_store32(out + 8, 0);
	n = SW_OPT_TS_BYTES;
	while (sw_opt_next(&it, &o) > 0) {
		uint32_t len = o.len;

		if (o.kind == SW_OPT_TS)
			continue;
		if (o.kind == SW_OPT_SACK) {
			len = sack_fit(len, sack_room);
			if (len == 0)
				continue;
			sack_room -= len;
		}
		memcpy(out + n, o.p, len);
		out[n + 1] = (uint8_t)len;
		n += len;
	}
	while (n < sw_rewrite_options_len(p) || n % 4 != 0)
		out[n++] = SW_OPT_NOP;
	return n;
}

/* The 16-bit length in the IP header: total length of IPv4, payload length of IPv6. */
static uint8_t *
ip_len_field(const struct sw_pkt *p)
{
	uint8_t *ip = p->f->data + p->l3_off;

	return ip + (sw_tuple_is_v6(&p->tuple) ? offsetof(struct sw_wire_ip6, plen_be)
					       : offsetof(struct sw_wire_ip4, len_be));
}

/* Moves all headers before the TCP options `grow` bytes to the left; p and its frame with them. */
static void
move_headers(struct sw_pkt *p, uint32_t grow)
{
	struct sw_frame *f = p->f;

	memmove(f->data - grow, f->data, p->l4_off + SW_TCP_BYTES);
	f->data -= grow;
	f->len += grow;
	f->pkt_len += grow;
	f->headroom = (uint16_t)(f->headroom - grow);
	p->pay_off = (uint16_t)(p->pay_off + grow);
}

/* Makes the IP header say that the packet is `grow` bytes longer. */
static void
grow_ip(struct sw_pkt *p, uint32_t grow)
{
	uint8_t *field = ip_len_field(p);
	const rte_be16_t old_be = sw_load16(field);
	const rte_be16_t new_be = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(old_be) + grow));

	sw_store16(field, new_be);
	if (!sw_tuple_is_v6(&p->tuple)) {
		struct sw_wire_ip4 *ip = (struct sw_wire_ip4 *)(p->f->data + p->l3_off);

		ip->csum = sw_csum_apply(ip->csum, sw_csum_diff16(old_be, new_be));
	}
}

/* Puts the new option list into p, whose headers have been moved to make `grow` bytes of room. */
static void
replace_options(struct sw_pkt *p, const uint8_t *options, uint32_t len, uint32_t grow)
{
	uint8_t *tcp = sw_pkt_tcp(p);
	uint8_t *off = tcp + offsetof(struct sw_wire_tcp, off);
	const uint16_t off_before = sw_load16(off);
	uint16_t sum_before;
	uint64_t diff;

	/* The old list still stands at the end of the new one's place. */
	sum_before = sw_csum_fold(sw_csum_add(0, tcp + SW_TCP_BYTES + grow, len - grow));
	memcpy(tcp + SW_TCP_BYTES, options, len);
	diff = sw_csum_diff16(sum_before, options_sum(p));

	*off = (uint8_t)((SW_TCP_BYTES + len) / 4 << 4 | (*off & 0xf));
	diff += sw_csum_diff16(off_before, sw_load16(off));
	/* The length in the pseudo-header; a sum of words is linear in it. */
	diff += rte_cpu_to_be_16((uint16_t)grow);
	sw_rewrite_csum(tcp, diff);
}

enum sw_drop
sw_repair_to_client(const struct sw_flow *f, struct sw_pkt *p, uint32_t now_ms)
{
	uint8_t options[OPTIONS_MAX_BYTES];
	uint32_t len, grow;

	if (!(f->flags & SW_FLOW_TS_MADE) || p->tcp_flags & (SW_TCP_SYN | SW_TCP_RST))
		return SW_DROP_NONE;
	if (!sw_rewrite_options_ok(sw_opt_begin(p)))
		return SW_DROP_TCP_OPTIONS;
	/* A longer first fragment would put all later ones in the wrong place. */
	if (p->kind == SW_PKT_FIRST)
		return SW_DROP_NO_ROOM;
	len = rebuild_options(p, now_ms + f->ts_delta, options);
	if (len == 0)
		return SW_DROP_NO_ROOM;
	grow = len - sw_rewrite_options_len(p);
	if (grow > p->f->headroom ||
		rte_be_to_cpu_16(sw_load16(ip_len_field(p))) + grow > UINT16_MAX)
		return SW_DROP_NO_ROOM;

	move_headers(p, grow);
	grow_ip(p, grow);
	replace_options(p, options, len, grow);
	return SW_DROP_NONE;
}
