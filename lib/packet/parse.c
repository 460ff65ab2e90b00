/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/checksum.h"
#include "packet/parse.h"
#include "packet/wire.h"

/* Headers of so many packets ahead are on their way while one is read. */
#define PREFETCH_AHEAD 4

/*
 * The combinations of FIN SYN RST PSH ACK URG that TCP stacks send, one bit each. Every segment of
 * a connection but the first SYN and some RSTs has ACK (RFC 9293, 3.10.7.4: without it, it is
 * dropped), so bare FIN, PSH, URG and none at all are scans; SYN with FIN or RST, and FIN with RST,
 * contradict themselves. PSH goes with anything. URG goes with SYN, ACK and FIN+ACK, which old
 * stacks do send. ECE and CWR (RFC 3168) are not looked at. It is the set that firewalls have long
 * enforced, so nothing that crosses the Internet today depends on more.
 */
#define FLAGS_OK(f) (1ull << (f) | 1ull << ((f) | SW_TCP_PSH))
#define FLAGS_SEEN  0x3f

static const uint64_t flags_ok = FLAGS_OK(SW_TCP_SYN) | FLAGS_OK(SW_TCP_SYN | SW_TCP_URG) |
				 FLAGS_OK(SW_TCP_SYN | SW_TCP_ACK) | FLAGS_OK(SW_TCP_RST) |
				 FLAGS_OK(SW_TCP_RST | SW_TCP_ACK) | FLAGS_OK(SW_TCP_ACK) |
				 FLAGS_OK(SW_TCP_ACK | SW_TCP_URG) |
				 FLAGS_OK(SW_TCP_FIN | SW_TCP_ACK) |
				 FLAGS_OK(SW_TCP_FIN | SW_TCP_ACK | SW_TCP_URG);

sw_always_inline void
set_bad(struct sw_pkt *p, enum sw_drop reason)
{
	p->kind = SW_PKT_BAD;
	p->reason = (uint8_t)reason;
}

sw_always_inline void
set_ports(struct sw_pkt *p, rte_be16_t src_be, rte_be16_t dst_be)
{
	const bool out = p->f->side == SW_OUTSIDE;

	p->tuple.cport_be = out ? src_be : dst_be;
	p->tuple.sport_be = out ? dst_be : src_be;
}

sw_always_inline void
set_addrs4(struct sw_pkt *p, const struct sw_wire_ip4 *ip, uint32_t vlan)
{
	const bool out = p->f->side == SW_OUTSIDE;

	p->tuple = (struct sw_tuple){.vlan_af = vlan};
	p->tuple.client.w_be[3] = out ? ip->src_be : ip->dst_be;
	p->tuple.server.w_be[3] = out ? ip->dst_be : ip->src_be;
}

sw_always_inline void
set_addrs6(struct sw_pkt *p, const struct sw_wire_ip6 *ip, uint32_t vlan)
{
	const bool out = p->f->side == SW_OUTSIDE;

	memcpy(p->tuple.client.b, out ? ip->src : ip->dst, sizeof(p->tuple.client.b));
	memcpy(p->tuple.server.b, out ? ip->dst : ip->src, sizeof(p->tuple.server.b));
	set_ports(p, 0, 0);
	p->tuple.vlan_af = vlan | SW_TUPLE_IPV6;
}

/*
 * off: of the TCP header, at most f->len and ip_end; ip_end: of the first byte behind the IP
 * packet, at most f->pkt_len. The tuple's addresses are set, its ports are 0.
 */
sw_always_inline void
parse_tcp(struct sw_pkt *p, uint32_t off, uint32_t ip_end)
{
	const struct sw_frame *f = p->f;
	const uint32_t seen = (ip_end < f->len ? ip_end : f->len) - off;
	const struct sw_wire_tcp *tcp = (const struct sw_wire_tcp *)(f->data + off);
	uint32_t hdr;

	if (sw_unlikely(seen < SW_TCP_BYTES)) {
		if (seen >= 4)
			set_ports(p, tcp->sport_be, tcp->dport_be);
		set_bad(p, SW_DROP_TCP_HEADER);
		return;
	}
	set_ports(p, tcp->sport_be, tcp->dport_be);
	p->tcp_flags = tcp->flags;
	p->seq = rte_be_to_cpu_32(tcp->seq_be);
	p->ack = rte_be_to_cpu_32(tcp->ack_be);

	hdr = (tcp->off >> 4) * 4u;
	if (sw_unlikely(hdr < SW_TCP_BYTES || hdr > seen)) {
		set_bad(p, SW_DROP_TCP_HEADER);
		return;
	}
	p->l4_off = (uint16_t)off;
	p->ip_hdr_len = (uint16_t)(off - p->l3_off);
	p->pay_off = (uint16_t)(off + hdr);
	p->pay_len = ip_end - off - hdr;
	p->kind = SW_PKT_TCP;
	if (sw_unlikely(!(flags_ok >> (tcp->flags & FLAGS_SEEN) & 1)))
		set_bad(p, SW_DROP_TCP_FLAGS);
}

/* hdr: a whole IPv4 header of len bytes, checksum and all. */
sw_always_inline bool
ip4_csum_ok(const struct sw_frame *f, const uint8_t *hdr, uint32_t len)
{
	uint64_t sum;

	if (f->csum & SW_CSUM_IP_BAD)
		return false;
	if (f->csum & SW_CSUM_IP_GOOD)
		return true;
	if (sw_unlikely(len != SW_IP4_BYTES))
		return sw_csum_ipv4(hdr, len) == 0;
	sum = (uint64_t)sw_load32(hdr) + sw_load32(hdr + 4) + sw_load32(hdr + 8) +
	      sw_load32(hdr + 12) + sw_load32(hdr + 16);
	return sw_csum_fold(sum) == 0xffff;
}

sw_always_inline void
parse_ip4(struct sw_pkt *p, uint32_t l3, uint32_t vlan)
{
	const struct sw_frame *f = p->f;
	const struct sw_wire_ip4 *ip = (const struct sw_wire_ip4 *)(f->data + l3);
	uint32_t hdr, len;

	if (sw_unlikely(f->len < l3 + SW_IP4_BYTES)) {
		set_bad(p, SW_DROP_FRAME_SHORT);
		return;
	}
	hdr = (ip->ver_ihl & 0xf) * 4u;
	if (sw_unlikely(ip->ver_ihl >> 4 != 4 || hdr < SW_IP4_BYTES)) {
		set_bad(p, SW_DROP_IP_HEADER);
		return;
	}
	if (sw_unlikely(f->len < l3 + hdr)) {
		set_bad(p, SW_DROP_FRAME_SHORT);
		return;
	}
	len = rte_be_to_cpu_16(ip->len_be);
	if (sw_unlikely(len < hdr || l3 + len > f->pkt_len)) {
		set_bad(p, SW_DROP_IP_LENGTH);
		return;
	}
	p->proto = ip->proto;
	if (sw_unlikely(ip->frag_be & SW_IP4_FRAG_MASK_BE)) {
		p->kind = SW_PKT_FRAGMENT;
		set_addrs4(p, ip, vlan);
		return;
	}
	if (ip->proto != SW_IPPROTO_TCP)
		return;
	if (sw_unlikely(!ip4_csum_ok(f, (const uint8_t *)ip, hdr))) {
		set_bad(p, SW_DROP_IP_CHECKSUM);
		return;
	}
	set_addrs4(p, ip, vlan);
	parse_tcp(p, l3 + hdr, l3 + len);
}

/*
 * Where the bytes of an IPv6 header end too early: the sender's fault if the packet is too short
 * for it, else it is not in the piece of the frame that can be read.
 */
static enum sw_drop
ip6_short(uint32_t need, uint32_t ip_end)
{
	return need > ip_end ? SW_DROP_IP_LENGTH : SW_DROP_FRAME_SHORT;
}

/*
 * Length of the extension header at x, of which at least 8 bytes can be read; 0: malformed. Every
 * one is at least 8 bytes long, so the walk moves on.
 */
static uint32_t
ext_len(uint8_t kind, const struct sw_wire_ext *x)
{
	if (kind == SW_IPPROTO_AH)
		return x->len >= 1 ? (x->len + 2u) * 4 : 0; /* RFC 4302, 2.2: in words, less 2 */
	/*
	 * With segments left, the destination is one of the stops; the one that TCP means and
	 * sums up stands further down. To judge it as what it is not would be a way around.
	 */
	if (kind == SW_IPPROTO_ROUTING && x->left != 0)
		return 0;
	return (x->len + 1u) * 8;
}

/*
 * Walks the extension headers from `off` on, the first of the kind `next`. The tuple has the
 * addresses. Returns the offset of the TCP header, or 0 where p is finished with.
 */
static sw_noinline uint32_t
walk_ext(struct sw_pkt *p, uint8_t next, uint32_t off, uint32_t ip_end)
{
	const uint32_t end = ip_end < p->f->len ? ip_end : p->f->len;

	for (unsigned n = 0;; n++) {
		const struct sw_wire_ext *x = (const struct sw_wire_ext *)(p->f->data + off);
		uint32_t len;

		p->proto = next;
		if (next == SW_IPPROTO_TCP)
			return off;
		if (next != SW_IPPROTO_HOPOPTS && next != SW_IPPROTO_ROUTING &&
			next != SW_IPPROTO_FRAGMENT && next != SW_IPPROTO_AH &&
			next != SW_IPPROTO_DSTOPTS)
			return 0; /* ESP, no next header, all else: nobody finds a TCP behind it */
		/* Hop-by-hop options stand first or nowhere (RFC 8200, 4.1). */
		if (n == SW_PARSE_EXT_MAX || (next == SW_IPPROTO_HOPOPTS && n > 0)) {
			set_bad(p, SW_DROP_IP6_HEADERS);
			return 0;
		}
		if (end - off < 8) {
			set_bad(p, ip6_short(off + 8, ip_end));
			return 0;
		}
		if (next == SW_IPPROTO_FRAGMENT) {
			/* An atomic one (RFC 6946) too: no TCP stack sends them any more. */
			p->proto = x->next;
			p->kind = SW_PKT_FRAGMENT;
			return 0;
		}
		len = ext_len(next, x);
		if (len == 0) {
			set_bad(p, SW_DROP_IP6_HEADERS);
			return 0;
		}
		if (end - off < len) {
			set_bad(p, ip6_short(off + len, ip_end));
			return 0;
		}
		next = x->next;
		off += len;
	}
}

/* A jumbogram (RFC 2675) has the length 0 and a hop-by-hop header, which does not fit into that. */
sw_always_inline void
parse_ip6(struct sw_pkt *p, uint32_t l3, uint32_t vlan)
{
	const struct sw_frame *f = p->f;
	const struct sw_wire_ip6 *ip = (const struct sw_wire_ip6 *)(f->data + l3);
	uint32_t off = l3 + SW_IP6_BYTES, ip_end;

	if (sw_unlikely(f->len < off)) {
		set_bad(p, SW_DROP_FRAME_SHORT);
		return;
	}
	if (sw_unlikely((*(const uint8_t *)ip) >> 4 != 6)) {
		set_bad(p, SW_DROP_IP_HEADER);
		return;
	}
	ip_end = off + rte_be_to_cpu_16(ip->plen_be);
	if (sw_unlikely(ip_end > f->pkt_len)) {
		set_bad(p, SW_DROP_IP_LENGTH);
		return;
	}
	set_addrs6(p, ip, vlan);
	p->proto = ip->next;
	if (sw_unlikely(ip->next != SW_IPPROTO_TCP)) {
		off = walk_ext(p, ip->next, off, ip_end);
		if (!off)
			return;
	}
	parse_tcp(p, off, ip_end);
}

static bool
is_vlan(rte_be16_t type_be)
{
	return type_be == SW_ETHER_VLAN_BE || type_be == SW_ETHER_QINQ_BE ||
	       type_be == SW_ETHER_QINQ_OLD_BE;
}

/* The frame has an Ethernet header whose type is a VLAN tag's. */
static sw_noinline void
parse_tagged(struct sw_pkt *p)
{
	const struct sw_frame *f = p->f;
	uint32_t off = SW_ETH_BYTES, vlan = 0;
	rte_be16_t type_be = sw_load16(f->data + 12);

	for (unsigned n = 0; is_vlan(type_be); n++) {
		uint32_t id;

		if (n == SW_PARSE_VLAN_MAX) {
			set_bad(p, SW_DROP_VLAN_DEPTH);
			return;
		}
		if (f->len < off + SW_VLAN_BYTES) {
			set_bad(p, SW_DROP_FRAME_SHORT);
			return;
		}
		/* Id 0 is a priority tag: the frame is in no VLAN by it. */
		id = rte_be_to_cpu_16(sw_load16(f->data + off)) & SW_VLAN_ID_MASK;
		vlan |= vlan ? id << SW_TUPLE_INNER_SHIFT : id;
		type_be = sw_load16(f->data + off + 2);
		off += SW_VLAN_BYTES;
	}
	p->l3_off = (uint16_t)off;
	if (type_be == SW_ETHER_IP4_BE)
		parse_ip4(p, off, vlan);
	else if (type_be == SW_ETHER_IP6_BE)
		parse_ip6(p, off, vlan);
}

/* Untagged frames get bodies of their own, with the offset a constant. */
sw_always_inline void
parse_one(struct sw_frame *f, struct sw_pkt *p)
{
	rte_be16_t type_be;

	p->f = f;
	p->kind = SW_PKT_OTHER;
	p->reason = SW_DROP_NONE;
	p->proto = 0;
	p->tcp_flags = 0;
	p->l3_off = SW_ETH_BYTES;
	if (sw_unlikely(f->len < SW_ETH_BYTES)) {
		set_bad(p, SW_DROP_FRAME_SHORT);
		return;
	}
	type_be = sw_load16(f->data + 12);
	if (sw_likely(type_be == SW_ETHER_IP4_BE))
		parse_ip4(p, SW_ETH_BYTES, 0);
	else if (sw_likely(type_be == SW_ETHER_IP6_BE))
		parse_ip6(p, SW_ETH_BYTES, 0);
	else if (is_vlan(type_be))
		parse_tagged(p);
}

void
sw_parse_burst(struct sw_frame *frames, struct sw_pkt *pkts, unsigned n)
{
	SW_ASSERT(n <= SW_BURST_MAX);
	for (unsigned i = 0; i < n && i < PREFETCH_AHEAD; i++)
		__builtin_prefetch(frames[i].data);
	for (unsigned i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			__builtin_prefetch(frames[i + PREFETCH_AHEAD].data);
		parse_one(&frames[i], &pkts[i]);
	}
}

bool
sw_pkt_tcp_csum_ok(const struct sw_pkt *p)
{
	const struct sw_frame *f = p->f;
	const uint32_t tcp_len = p->pay_off - p->l4_off + p->pay_len;
	uint64_t sum;

	if (f->csum & SW_CSUM_L4_BAD)
		return false;
	if (f->csum & SW_CSUM_L4_GOOD || p->l4_off + tcp_len > f->len)
		return true;
	sum = sw_csum_tcp_pseudo(f->data + p->l3_off, sw_tuple_is_v6(&p->tuple), tcp_len);
	return sw_csum_fold(sw_csum_add(sum, f->data + p->l4_off, tcp_len)) == 0xffff;
}
