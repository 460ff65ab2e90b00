/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/parse_int.h"

/*
 * ICMP errors and the packets that they quote. None of it is reached by a TCP packet.
 *
 *   IP | ICMP, 8 bytes | quoted IP with options or extension headers | quoted TCP, 8 bytes or more
 *
 * Behind the quoted packet may stand zeros and extension structures (RFC 4884). They are not TCP:
 * where the quoted packet's own length ends before them, that is where it ends for us. A quote that
 * was cut short has at least 128 bytes before them, which hold any IPv4 and TCP header whole.
 */

/* The quoted TCP header: [off, end) can be read, both from f->data. */
struct quote {
	uint32_t off;
	uint32_t end;
};

static bool
is_error(bool v6, uint8_t type)
{
	if (v6)
		return type >= SW_ICMP6_UNREACHABLE && type <= SW_ICMP6_PARAMETER;
	/* Source quench (RFC 6633) is obsolete, a redirect is no error. */
	return type == SW_ICMP_UNREACHABLE || type == SW_ICMP_EXCEEDED || type == SW_ICMP_PARAMETER;
}

/* An error goes to the sender of what it quotes: one that goes outside quotes a client's packet. */
static bool
quotes_client(const struct sw_pkt *p)
{
	return p->f->side == SW_INSIDE;
}

/* end: of what can be read. True with the tuple's addresses set and *q: it is TCP's beginning. */
static bool
quote_ip4(struct sw_pkt *p, uint32_t at, uint32_t end, uint32_t vlan_af, struct quote *q)
{
	const struct sw_wire_ip4 *ip = (const struct sw_wire_ip4 *)(p->f->data + at);
	uint32_t hdr, ip_end;

	if (end - at < SW_IP4_BYTES)
		return false;
	hdr = (ip->ver_ihl & 0xf) * 4u;
	if (ip->ver_ihl >> 4 != 4 || hdr < SW_IP4_BYTES || ip->proto != SW_IPPROTO_TCP ||
		rte_be_to_cpu_16(ip->frag_be) & SW_IP4_OFF_MASK)
		return false;
	ip_end = at + rte_be_to_cpu_16(ip->len_be);
	sw_pkt_set_addrs4(p, quotes_client(p), ip, vlan_af);
	*q = (struct quote){.off = at + hdr, .end = ip_end < end ? ip_end : end};
	return true;
}

/*
 * The same. Extension headers that cannot be followed may hide a TCP header, which the receiver
 * would find: that counts as a TCP header of which nothing is quoted.
 */
static bool
quote_ip6(struct sw_pkt *p, uint32_t at, uint32_t end, uint32_t vlan_af, struct quote *q)
{
	const struct sw_wire_ip6 *ip = (const struct sw_wire_ip6 *)(p->f->data + at);
	struct sw_ext_walk w = {.data = p->f->data, .off = at + SW_IP6_BYTES};

	if (end - at < SW_IP6_BYTES)
		return false;
	if (*(const uint8_t *)ip >> 4 != 6)
		return false;
	w.ip_end = w.off + rte_be_to_cpu_16(ip->plen_be);
	w.end = w.ip_end < end ? w.ip_end : end;
	w.next = ip->next;
	if (sw_ext_walk(&w) != SW_DROP_NONE)
		w.off = w.end;
	else if (w.next != SW_IPPROTO_TCP || w.frag_off != 0)
		return false;
	sw_pkt_set_addrs6(p, quotes_client(p), ip, vlan_af);
	*q = (struct quote){.off = w.off, .end = w.end};
	return true;
}

/* The one that it goes to is the one that it quotes; at: of the quoted IP header. */
static bool
is_for_quoted(const struct sw_pkt *p, uint32_t at, bool v6)
{
	const uint8_t *outer = p->f->data + p->l3_off, *quoted = p->f->data + at;

	if (v6)
		return memcmp(outer + offsetof(struct sw_wire_ip6, dst),
			       quoted + offsetof(struct sw_wire_ip6, src), 16) == 0;
	return sw_load32(outer + offsetof(struct sw_wire_ip4, dst_be)) ==
	       sw_load32(quoted + offsetof(struct sw_wire_ip4, src_be));
}

void
sw_parse_icmp(struct sw_pkt *p, uint32_t off, uint32_t ip_end, uint32_t vlan_af)
{
	const struct sw_wire_icmp *icmp = (const struct sw_wire_icmp *)(p->f->data + off);
	const uint32_t end = ip_end < p->f->len ? ip_end : p->f->len;
	const uint32_t at = off + SW_ICMP_BYTES;
	const bool v6 = vlan_af & SW_TUPLE_IPV6;
	const struct sw_wire_tcp *tcp;
	struct quote q;
	uint32_t seen;

	if (end - off < SW_ICMP_BYTES || !is_error(v6, icmp->type))
		return;
	if (!(v6 ? quote_ip6(p, at, end, vlan_af, &q) : quote_ip4(p, at, end, vlan_af, &q)))
		return;
	tcp = (const struct sw_wire_tcp *)(p->f->data + q.off);
	seen = q.end > q.off ? q.end - q.off : 0;
	if (seen >= 4)
		sw_pkt_set_ports(p, quotes_client(p), tcp->sport_be, tcp->dport_be);
	if (seen < 8 || !is_for_quoted(p, at, v6)) {
		sw_pkt_set_bad(p, SW_DROP_ICMP_BAD);
		return;
	}
	p->kind = SW_PKT_ICMP;
	p->icmp_type = icmp->type;
	p->icmp_code = icmp->code;
	p->l4_off = (uint16_t)off;
	p->ip_hdr_len = (uint16_t)(q.off - at);
	p->pay_off = (uint16_t)q.off;
	p->pay_len = seen;
	p->seq = rte_be_to_cpu_32(tcp->seq_be);
}
