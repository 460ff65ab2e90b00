/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "packet/build.h"
#include "packet/checksum.h"
#include "packet/wire.h"

/* Bytes of options that write_opts() makes of o. */
static uint32_t
opts_len(const struct sw_tcp_opts *o)
{
	uint32_t len = 0;

	if (o->mss)
		len += 4;
	if (o->ts)
		len += 12; /* SACK-permitted takes the place of the two NOPs */
	else if (o->sack_perm)
		len += 4;
	if (o->wscale != SW_WSCALE_NONE)
		len += 4;
	return len;
}

/* The layout that Linux sends, which every middle box has seen. */
static void
write_opts(uint8_t *p, const struct sw_tcp_opts *o)
{
	if (o->mss) {
		sw_store32(p, SW_OPT_WORD(SW_OPT_MSS, SW_OPT_MSS_LEN, o->mss >> 8, o->mss & 0xff));
		p += 4;
	}
	if (o->ts) {
		const uint32_t head_be =
			o->sack_perm
				? SW_OPT_WORD(SW_OPT_SACK_PERM, 2, SW_OPT_TS, SW_OPT_TS_LEN)
				: SW_OPT_WORD(SW_OPT_NOP, SW_OPT_NOP, SW_OPT_TS, SW_OPT_TS_LEN);

		sw_store32(p, head_be);
		sw_store32(p + 4, rte_cpu_to_be_32(o->tsval));
		sw_store32(p + 8, rte_cpu_to_be_32(o->tsecr));
		p += 12;
	} else if (o->sack_perm) {
		sw_store32(p, SW_OPT_WORD(SW_OPT_NOP, SW_OPT_NOP, SW_OPT_SACK_PERM, 2));
		p += 4;
	}
	if (o->wscale != SW_WSCALE_NONE)
		sw_store32(p, SW_OPT_WORD(SW_OPT_NOP, SW_OPT_WSCALE, SW_OPT_WSCALE_LEN, o->wscale));
}

/*
 * The EtherType is the tuple's, whatever stands in l2: the header may be that of another packet of
 * the same client.
 */
static void
write_l2(uint8_t *d, const uint8_t *l2, const struct sw_segment *s, bool v6)
{
	memcpy(d, l2 + (s->swap_l2 ? 6 : 0), 6);
	memcpy(d + 6, l2 + (s->swap_l2 ? 0 : 6), 6);
	memcpy(d + 12, l2 + 12, s->l2_len - 12u);
	sw_store16(d + s->l2_len - 2, v6 ? SW_ETHER_IP6_BE : SW_ETHER_IP4_BE);
}

static void
write_ip4(uint8_t *d, const union sw_addr *src, const union sw_addr *dst, uint32_t len)
{
	struct sw_wire_ip4 *ip = (struct sw_wire_ip4 *)d;

	*ip = (struct sw_wire_ip4){
		.ver_ihl = 0x45,
		.len_be = rte_cpu_to_be_16((uint16_t)len),
		.frag_be = SW_IP4_DF_BE,
		.ttl = SW_TTL,
		.proto = SW_IPPROTO_TCP,
		.src_be = src->w_be[3],
		.dst_be = dst->w_be[3],
	};
	ip->csum = sw_csum_ipv4(ip, sizeof(*ip));
}

static void
write_ip6(uint8_t *d, const union sw_addr *src, const union sw_addr *dst, uint32_t plen)
{
	struct sw_wire_ip6 *ip = (struct sw_wire_ip6 *)d;

	ip->ver_tc_flow_be = RTE_BE32(0x60000000);
	ip->plen_be = rte_cpu_to_be_16((uint16_t)plen);
	ip->next = SW_IPPROTO_TCP;
	ip->hops = SW_TTL;
	memcpy(ip->src, src->b, sizeof(ip->src));
	memcpy(ip->dst, dst->b, sizeof(ip->dst));
}

static void
write_tcp(uint8_t *d, const struct sw_segment *s, const struct sw_tuple *t, uint32_t len)
{
	struct sw_wire_tcp *tcp = (struct sw_wire_tcp *)d;

	*tcp = (struct sw_wire_tcp){
		.sport_be = s->to_client ? t->sport_be : t->cport_be,
		.dport_be = s->to_client ? t->cport_be : t->sport_be,
		.seq_be = rte_cpu_to_be_32(s->seq),
		.ack_be = s->tcp_flags & SW_TCP_ACK ? rte_cpu_to_be_32(s->ack) : 0,
		.off = (uint8_t)(len / 4 << 4),
		.flags = s->tcp_flags,
		.window_be = rte_cpu_to_be_16(s->window),
	};
	write_opts(d + sizeof(*tcp), &s->opts);
}

int
sw_build_segment(struct sw_frame *f, const struct sw_segment *s)
{
	/* Copies, for l2 and the tuple may lie in the bytes that are about to be written. */
	const struct sw_tuple t = *s->tuple;
	const bool v6 = sw_tuple_is_v6(&t);
	const union sw_addr *src = s->to_client ? &t.server : &t.client;
	const union sw_addr *dst = s->to_client ? &t.client : &t.server;
	const uint32_t ip_len = v6 ? SW_IP6_BYTES : SW_IP4_BYTES;
	const uint32_t tcp_len = SW_TCP_BYTES + opts_len(&s->opts);
	const uint32_t total = s->l2_len + ip_len + tcp_len;
	const uint32_t cap = f->len + f->room;
	uint8_t l2[SW_L2_MAX_BYTES];
	uint8_t *ip, *tcp;

	SW_ASSERT(s->l2_len == 14 || s->l2_len == 18 || s->l2_len == 22);
	if (total > cap)
		return -ENOBUFS;
	memcpy(l2, s->l2, s->l2_len);

	ip = f->data + s->l2_len;
	tcp = ip + ip_len;
	write_l2(f->data, l2, s, v6);
	if (v6)
		write_ip6(ip, src, dst, tcp_len);
	else
		write_ip4(ip, src, dst, ip_len + tcp_len);
	write_tcp(tcp, s, &t, tcp_len);
	((struct sw_wire_tcp *)tcp)->csum = (uint16_t)~sw_csum_fold(
		sw_csum_add(sw_csum_tcp_pseudo(ip, v6, tcp_len), tcp, tcp_len));

	f->len = total;
	f->pkt_len = total;
	f->room = cap - total > UINT16_MAX ? UINT16_MAX : (uint16_t)(cap - total);
	return 0;
}
