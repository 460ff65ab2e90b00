/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/checksum.h"
#include "packet/parse.h"
#include "packet/parse_int.h"
#include "packet/wire.h"

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
set_ports(struct sw_pkt *p, rte_be16_t src_be, rte_be16_t dst_be)
{
	sw_pkt_set_ports(p, p->f->side == SW_OUTSIDE, src_be, dst_be);
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
		sw_pkt_set_bad(p, SW_DROP_TCP_HEADER);
		return;
	}
	set_ports(p, tcp->sport_be, tcp->dport_be);
	p->tcp_flags = tcp->flags;
	p->seq = rte_be_to_cpu_32(tcp->seq_be);
	p->ack = rte_be_to_cpu_32(tcp->ack_be);

	hdr = (tcp->off >> 4) * 4u;
	if (sw_unlikely(hdr < SW_TCP_BYTES || hdr > seen)) {
		sw_pkt_set_bad(p, SW_DROP_TCP_HEADER);
		return;
	}
	p->l4_off = (uint16_t)off;
	p->ip_hdr_len = (uint16_t)(off - p->l3_off);
	p->pay_off = (uint16_t)(off + hdr);
	p->pay_len = ip_end - off - hdr;
	p->kind = SW_PKT_TCP;
	if (sw_unlikely(!(flags_ok >> (tcp->flags & FLAGS_SEEN) & 1)))
		sw_pkt_set_bad(p, SW_DROP_TCP_FLAGS);
}

/* A first fragment. It gets a body of its own, so that whole packets do not pay for it. */
static sw_noinline void
parse_first(struct sw_pkt *p, uint32_t off, uint32_t ip_end)
{
	parse_tcp(p, off, ip_end);
	if (p->kind == SW_PKT_TCP)
		p->kind = SW_PKT_FIRST;
}

/*
 * The options of an IPv4 header of len bytes that TCP follows: SW_DROP_NONE, or why not. A source
 * route whose pointer has not passed its end (RFC 791, 3.1) goes on to another address than the one
 * in the header, and that is the one that TCP sums up.
 */
static sw_noinline enum sw_drop
ip4_options(const uint8_t *hdr, uint32_t len)
{
	for (uint32_t at = SW_IP4_BYTES; at < len && hdr[at] != SW_IP4_OPT_EOL;) {
		const uint8_t kind = hdr[at];
		uint32_t opt;

		if (kind == SW_IP4_OPT_NOP) {
			at++;
			continue;
		}
		if (len - at < 2)
			return SW_DROP_IP_HEADER;
		opt = hdr[at + 1];
		if (opt < 2 || opt > len - at)
			return SW_DROP_IP_HEADER;
		if (kind == SW_IP4_OPT_LSRR || kind == SW_IP4_OPT_SSRR) {
			if (opt < 3)
				return SW_DROP_IP_HEADER;
			if (hdr[at + 2] <= opt)
				return SW_DROP_SOURCE_ROUTE;
		}
		at += opt;
	}
	return SW_DROP_NONE;
}

/* hdr: an IPv4 header of len bytes that has options. */
static sw_noinline enum sw_drop
ip4_judge_long(const struct sw_frame *f, const uint8_t *hdr, uint32_t len)
{
	if (!(f->csum & SW_CSUM_IP_GOOD) && sw_csum_ipv4(hdr, len) != 0)
		return SW_DROP_IP_CHECKSUM;
	return ip4_options(hdr, len);
}

/* hdr: a whole IPv4 header of len bytes that TCP follows; its checksum and options. */
sw_always_inline enum sw_drop
ip4_judge(const struct sw_frame *f, const uint8_t *hdr, uint32_t len)
{
	uint64_t sum;

	if (f->csum & SW_CSUM_IP_BAD)
		return SW_DROP_IP_CHECKSUM;
	if (sw_unlikely(len != SW_IP4_BYTES))
		return ip4_judge_long(f, hdr, len);
	if (f->csum & SW_CSUM_IP_GOOD)
		return SW_DROP_NONE;
	sum = (uint64_t)sw_load32(hdr) + sw_load32(hdr + 4) + sw_load32(hdr + 8) +
	      sw_load32(hdr + 12) + sw_load32(hdr + 16);
	return sw_csum_fold(sum) == 0xffff ? SW_DROP_NONE : SW_DROP_IP_CHECKSUM;
}

/* A fragment of any IPv4 packet; hdr: bytes of its IP header, which are all there. */
static sw_noinline void
parse_frag4(struct sw_pkt *p, uint32_t hdr, uint32_t ip_end, uint32_t vlan)
{
	const struct sw_frame *f = p->f;
	const struct sw_wire_ip4 *ip = (const struct sw_wire_ip4 *)(f->data + p->l3_off);
	const uint16_t off = rte_be_to_cpu_16(ip->frag_be) & SW_IP4_OFF_MASK;
	const bool tcp = ip->proto == SW_IPPROTO_TCP;
	enum sw_drop reason = SW_DROP_NONE;

	if (tcp)
		reason = off == 0 ? ip4_judge(f, (const uint8_t *)ip, hdr)
				  : ip4_options((const uint8_t *)ip, hdr);
	if (reason != SW_DROP_NONE) {
		sw_pkt_set_bad(p, reason);
		return;
	}
	sw_pkt_set_addrs4(p, f->side == SW_OUTSIDE, ip, vlan);
	if (tcp && off == 0) {
		parse_first(p, p->l3_off + hdr, ip_end);
		return;
	}
	p->kind = SW_PKT_FRAGMENT;
	p->frag_off = (uint16_t)(off * 8);
}

sw_always_inline void
parse_ip4(struct sw_pkt *p, uint32_t l3, uint32_t vlan)
{
	const struct sw_frame *f = p->f;
	const struct sw_wire_ip4 *ip = (const struct sw_wire_ip4 *)(f->data + l3);
	enum sw_drop reason;
	uint32_t hdr, len;

	if (sw_unlikely(f->len < l3 + SW_IP4_BYTES)) {
		sw_pkt_set_bad(p, SW_DROP_FRAME_SHORT);
		return;
	}
	hdr = (ip->ver_ihl & 0xf) * 4u;
	if (sw_unlikely(ip->ver_ihl >> 4 != 4 || hdr < SW_IP4_BYTES)) {
		sw_pkt_set_bad(p, SW_DROP_IP_HEADER);
		return;
	}
	if (sw_unlikely(f->len < l3 + hdr)) {
		sw_pkt_set_bad(p, SW_DROP_FRAME_SHORT);
		return;
	}
	len = rte_be_to_cpu_16(ip->len_be);
	if (sw_unlikely(len < hdr || l3 + len > f->pkt_len)) {
		sw_pkt_set_bad(p, SW_DROP_IP_LENGTH);
		return;
	}
	p->proto = ip->proto;
	if (sw_unlikely(ip->frag_be & SW_IP4_FRAG_MASK_BE)) {
		parse_frag4(p, hdr, l3 + len, vlan);
		return;
	}
	if (ip->proto != SW_IPPROTO_TCP) {
		if (ip->proto == SW_IPPROTO_ICMP)
			sw_parse_icmp(p, l3 + hdr, l3 + len, vlan);
		return;
	}
	reason = ip4_judge(f, (const uint8_t *)ip, hdr);
	if (sw_unlikely(reason != SW_DROP_NONE)) {
		sw_pkt_set_bad(p, reason);
		return;
	}
	sw_pkt_set_addrs4(p, f->side == SW_OUTSIDE, ip, vlan);
	parse_tcp(p, l3 + hdr, l3 + len);
}

/*
 * What does not begin with a TCP header: looks through the extension headers from `off` on, the
 * first of the kind p->proto. The tuple has the addresses. Returns the offset of the TCP header of
 * a whole packet, or 0 where p is finished with.
 */
static sw_noinline uint32_t
parse_ext6(struct sw_pkt *p, uint32_t off, uint32_t ip_end)
{
	struct sw_ext_walk w = {
		.data = p->f->data,
		.off = off,
		.end = ip_end < p->f->len ? ip_end : p->f->len,
		.ip_end = ip_end,
		.next = p->proto,
	};
	const enum sw_drop reason = sw_ext_walk(&w);

	p->proto = w.next;
	if (reason != SW_DROP_NONE) {
		sw_pkt_set_bad(p, reason);
		return 0;
	}
	if (!w.fragment) {
		if (w.next == SW_IPPROTO_TCP)
			return w.off;
		if (w.next == SW_IPPROTO_ICMP6)
			sw_parse_icmp(p, w.off, ip_end, p->tuple.vlan_af);
		return 0; /* ESP, no next header, all else: nobody finds a TCP behind it */
	}
	/* Behind further headers, a later fragment could lie over TCP's: that is none to pass. */
	if (w.frag_off == 0 && w.next == SW_IPPROTO_TCP && w.direct) {
		parse_first(p, w.off, ip_end);
		return 0;
	}
	p->kind = SW_PKT_FRAGMENT;
	p->frag_off = w.frag_off;
	return 0;
}

/* A jumbogram (RFC 2675) has the length 0 and a hop-by-hop header, which does not fit into that. */
sw_always_inline void
parse_ip6(struct sw_pkt *p, uint32_t l3, uint32_t vlan)
{
	const struct sw_frame *f = p->f;
	const struct sw_wire_ip6 *ip = (const struct sw_wire_ip6 *)(f->data + l3);
	uint32_t off = l3 + SW_IP6_BYTES, ip_end;

	if (sw_unlikely(f->len < off)) {
		sw_pkt_set_bad(p, SW_DROP_FRAME_SHORT);
		return;
	}
	if (sw_unlikely((*(const uint8_t *)ip) >> 4 != 6)) {
		sw_pkt_set_bad(p, SW_DROP_IP_HEADER);
		return;
	}
	ip_end = off + rte_be_to_cpu_16(ip->plen_be);
	if (sw_unlikely(ip_end > f->pkt_len)) {
		sw_pkt_set_bad(p, SW_DROP_IP_LENGTH);
		return;
	}
	sw_pkt_set_addrs6(p, f->side == SW_OUTSIDE, ip, vlan);
	p->proto = ip->next;
	if (sw_unlikely(ip->next != SW_IPPROTO_TCP)) {
		off = parse_ext6(p, off, ip_end);
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
			sw_pkt_set_bad(p, SW_DROP_VLAN_DEPTH);
			return;
		}
		if (f->len < off + SW_VLAN_BYTES) {
			sw_pkt_set_bad(p, SW_DROP_FRAME_SHORT);
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
		sw_pkt_set_bad(p, SW_DROP_FRAME_SHORT);
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
	for (unsigned i = 0; i < n; i++)
		parse_one(&frames[i], &pkts[i]);
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
