/* SPDX-License-Identifier: BSD-3-Clause */
#include "seg.h"

#include "packet/checksum.h"
#include "packet/options.h"
#include "packet/wire.h"

#define TS_BYTES 12 /* NOP, NOP, timestamps */

static unsigned
l2_len(const struct sw_seg *s)
{
	return SW_ETH_BYTES + (s->l2->vlan != 0 ? SW_VLAN_BYTES : 0);
}

static unsigned
tcp_len(const struct sw_seg *s)
{
	return SW_TCP_BYTES + (s->ts ? TS_BYTES : 0);
}

static unsigned
ip_len(const struct sw_seg *s)
{
	return sw_tuple_is_v6(s->tuple) ? SW_IP6_BYTES : SW_IP4_BYTES;
}

uint8_t *
sw_seg_payload(uint8_t *frame, const struct sw_seg *s)
{
	return frame + l2_len(s) + ip_len(s) + tcp_len(s);
}

static void
put_l2(uint8_t *p, const struct sw_seg *s)
{
	const bool v6 = sw_tuple_is_v6(s->tuple);

	memcpy(p, s->to_client ? s->l2->src : s->l2->dst, 6);
	memcpy(p + 6, s->to_client ? s->l2->dst : s->l2->src, 6);
	p += 12;
	if (s->l2->vlan != 0) {
		sw_store16(p, SW_ETHER_VLAN_BE);
		sw_store16(p + 2, rte_cpu_to_be_16(s->l2->vlan));
		p += 4;
	}
	sw_store16(p, v6 ? SW_ETHER_IP6_BE : SW_ETHER_IP4_BE);
}

static void
put_ip(uint8_t *p, const struct sw_seg *s)
{
	const struct sw_tuple *t = s->tuple;
	const union sw_addr *src = s->to_client ? &t->server : &t->client;
	const union sw_addr *dst = s->to_client ? &t->client : &t->server;
	const unsigned len = tcp_len(s) + s->pay_len;

	if (sw_tuple_is_v6(t)) {
		struct sw_wire_ip6 *ip = (struct sw_wire_ip6 *)p;

		ip->ver_tc_flow_be = RTE_BE32(0x60000000);
		ip->plen_be = rte_cpu_to_be_16((uint16_t)len);
		ip->next = SW_IPPROTO_TCP;
		ip->hops = 64;
		memcpy(ip->src, src->b, 16);
		memcpy(ip->dst, dst->b, 16);
	} else {
		struct sw_wire_ip4 *ip = (struct sw_wire_ip4 *)p;

		*ip = (struct sw_wire_ip4){
			.ver_ihl = 0x45,
			.len_be = rte_cpu_to_be_16((uint16_t)(SW_IP4_BYTES + len)),
			.frag_be = SW_IP4_DF_BE,
			.ttl = 64,
			.proto = SW_IPPROTO_TCP,
			.src_be = src->w_be[3],
			.dst_be = dst->w_be[3],
		};
		ip->csum = sw_csum_ipv4(ip, sizeof(*ip));
	}
}

uint16_t
sw_seg_finish(uint8_t *frame, const struct sw_seg *s)
{
	const struct sw_tuple *t = s->tuple;
	uint8_t *ip = frame + l2_len(s);
	struct sw_wire_tcp *tcp = (struct sw_wire_tcp *)(ip + ip_len(s));
	const unsigned hdr = tcp_len(s), len = hdr + s->pay_len;

	put_l2(frame, s);
	put_ip(ip, s);
	*tcp = (struct sw_wire_tcp){
		.sport_be = s->to_client ? t->sport_be : t->cport_be,
		.dport_be = s->to_client ? t->cport_be : t->sport_be,
		.seq_be = rte_cpu_to_be_32(s->seq),
		.ack_be = rte_cpu_to_be_32(s->ack),
		.off = (uint8_t)(hdr / 4 << 4),
		.flags = s->flags,
		.window_be = rte_cpu_to_be_16(s->window),
	};
	if (s->ts) {
		uint8_t *o = (uint8_t *)(tcp + 1);

		sw_store32(o, RTE_BE32(SW_OPT_NOP << 24 | SW_OPT_NOP << 16 | SW_OPT_TS << 8 |
				       SW_OPT_TS_LEN));
		sw_store32(o + 4, rte_cpu_to_be_32(s->tsval));
		sw_store32(o + 8, rte_cpu_to_be_32(s->tsecr));
	}
	tcp->csum = (uint16_t)~sw_csum_fold(
		sw_csum_add(sw_csum_tcp_pseudo(ip, sw_tuple_is_v6(t), len), tcp, len));
	return (uint16_t)((uint8_t *)tcp - frame + len);
}
