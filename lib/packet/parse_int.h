/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parse_int.h - what the parts of the parser share: parse.c (packets), ext.c (IPv6 extension
 * headers), icmp.c (packets that ICMP errors quote). Private to packet/.
 */
#ifndef SW_PACKET_PARSE_INT_H
#define SW_PACKET_PARSE_INT_H

#include "base/base.h"
#include "packet/parse.h"
#include "packet/wire.h"

/* A way through the extension headers of one IPv6 packet. Offsets count from data. */
struct sw_ext_walk {
	const uint8_t *data;
	uint32_t end;	   /* bytes that can be read, at most ip_end */
	uint32_t ip_end;   /* of the first byte behind the IPv6 packet */
	uint32_t off;	   /* in: first header, at most end; out: where the walk has ended */
	uint8_t next;	   /* in: kind of the first header; out: of what stands at off */
	bool fragment;	   /* in: false; out: a fragment, not an atomic one */
	uint16_t frag_off; /* in: 0; out: bytes of the packet before this fragment */
	bool direct;	   /* out: what stands at off follows a fragment header of a fragment */
};

/*
 * Walks to the first header that is no extension header (TCP, or what is not looked into), or to a
 * fragment header whose fragment is not the first: next is then what that header says. Returns
 * SW_DROP_NONE, or why the headers cannot be followed: off and next are of the one that is wrong.
 */
enum sw_drop sw_ext_walk(struct sw_ext_walk *w);

/*
 * The ICMP message (vlan_af with SW_TUPLE_IPV6: ICMPv6) at off, at most f->len and ip_end: makes p
 * an SW_PKT_ICMP or a bad one, or leaves it as it is: SW_PKT_OTHER. p->l3_off is set.
 */
void sw_parse_icmp(struct sw_pkt *p, uint32_t off, uint32_t ip_end, uint32_t vlan_af);

sw_always_inline void
sw_pkt_set_bad(struct sw_pkt *p, enum sw_drop reason)
{
	p->kind = SW_PKT_BAD;
	p->reason = (uint8_t)reason;
}

/* from_client: the source of the header that they are read from is the client. */
sw_always_inline void
sw_pkt_set_ports(struct sw_pkt *p, bool from_client, rte_be16_t src_be, rte_be16_t dst_be)
{
	p->tuple.cport_be = from_client ? src_be : dst_be;
	p->tuple.sport_be = from_client ? dst_be : src_be;
}

/* The addresses of the tuple; its ports become 0. */
sw_always_inline void
sw_pkt_set_addrs4(
	struct sw_pkt *p, bool from_client, const struct sw_wire_ip4 *ip, uint32_t vlan_af)
{
	const rte_be32_t client_be = from_client ? ip->src_be : ip->dst_be;
	const rte_be32_t server_be = from_client ? ip->dst_be : ip->src_be;

	p->tuple.client.q[0] = p->tuple.server.q[0] = 0;
	p->tuple.client.q[1] = (uint64_t)client_be << 32; /* w_be[3] */
	p->tuple.server.q[1] = (uint64_t)server_be << 32;
	sw_pkt_set_ports(p, from_client, 0, 0);
	p->tuple.vlan_af = vlan_af;
}

sw_always_inline void
sw_pkt_set_addrs6(
	struct sw_pkt *p, bool from_client, const struct sw_wire_ip6 *ip, uint32_t vlan_af)
{
	memcpy(p->tuple.client.b, from_client ? ip->src : ip->dst, sizeof(p->tuple.client.b));
	memcpy(p->tuple.server.b, from_client ? ip->dst : ip->src, sizeof(p->tuple.server.b));
	sw_pkt_set_ports(p, from_client, 0, 0);
	p->tuple.vlan_af = vlan_af | SW_TUPLE_IPV6;
}

#endif
