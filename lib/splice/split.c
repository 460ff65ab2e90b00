/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/checksum.h"
#include "packet/wire.h"
#include "splice/repair.h"
#include "splice/rewrite.h"

/* How one packet is cut. */
struct cut {
	const struct sw_pkt *p;
	uint32_t total; /* payload of the whole */
	uint32_t chunk; /* payload of each piece but the last */
	unsigned n;
};

/* Payload bytes of piece i. */
static uint32_t
piece_len(const struct cut *c, unsigned i)
{
	return i + 1 < c->n ? c->chunk : c->total - i * c->chunk;
}

static uint32_t
capacity(const struct sw_frame *f)
{
	return f->len + f->room;
}

unsigned
sw_split_count(const struct sw_pkt *p, uint32_t limit)
{
	const uint32_t options = sw_rewrite_options_len(p);

	/* Cut, a SYN would be several of them. A reset's data (RFC 9293, 3.5.3) is unnumbered. */
	if (p->tcp_flags & (SW_TCP_SYN | SW_TCP_RST) || options + p->pay_len <= limit)
		return 1;
	if (p->kind != SW_PKT_TCP || p->f->pkt_len > p->f->len || options >= limit)
		return 0;
	return (p->pay_len + limit - options - 1) / (limit - options);
}

static void
write_ip(const struct cut *c, uint8_t *ip, uint32_t tcp_len, unsigned i)
{
	const uint32_t hdr_len = c->p->ip_hdr_len;

	if (sw_tuple_is_v6(&c->p->tuple)) {
		struct sw_wire_ip6 *ip6 = (struct sw_wire_ip6 *)ip;

		ip6->plen_be = rte_cpu_to_be_16((uint16_t)(hdr_len - SW_IP6_BYTES + tcp_len));
	} else {
		struct sw_wire_ip4 *ip4 = (struct sw_wire_ip4 *)ip;

		ip4->len_be = rte_cpu_to_be_16((uint16_t)(hdr_len + tcp_len));
		/* Pieces that may be fragmented must differ; others need not (RFC 6864, 4). */
		if (!(ip4->frag_be & SW_IP4_DF_BE))
			ip4->id_be = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip4->id_be) + i));
		ip4->csum = 0;
		ip4->csum = sw_csum_ipv4(ip4, hdr_len);
	}
}

/*
 * The urgent pointer leads to the byte behind the urgent data (RFC 9293, 3.1), which may lie in a
 * later piece. Pieces that begin there or behind have nothing urgent.
 */
static void
write_urgent(struct sw_wire_tcp *tcp, uint32_t at)
{
	const uint16_t urgent = rte_be_to_cpu_16(tcp->urgent_be);

	if (at == 0 || !(tcp->flags & SW_TCP_URG))
		return;
	if (urgent > at) {
		tcp->urgent_be = rte_cpu_to_be_16((uint16_t)(urgent - at));
	} else {
		tcp->urgent_be = 0;
		tcp->flags &= (uint8_t)~SW_TCP_URG;
	}
}

/* f has the headers of the whole and the payload of piece i: makes the headers those of piece i. */
static void
finish_piece(const struct cut *c, struct sw_frame *f, unsigned i)
{
	const struct sw_pkt *p = c->p;
	const uint32_t at = i * c->chunk, cap = capacity(f);
	const uint32_t tcp_len = p->pay_off - p->l4_off + piece_len(c, i);
	uint8_t *ip = f->data + p->l3_off;
	struct sw_wire_tcp *tcp = (struct sw_wire_tcp *)(f->data + p->l4_off);

	f->len = p->l4_off + tcp_len;
	f->pkt_len = f->len;
	f->room = cap - f->len > UINT16_MAX ? UINT16_MAX : (uint16_t)(cap - f->len);

	write_ip(c, ip, tcp_len, i);
	tcp->seq_be = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->seq_be) + at);
	write_urgent(tcp, at);
	if (i > 0)
		tcp->flags &= (uint8_t)~SW_TCP_CWR;
	if (i + 1 < c->n)
		tcp->flags &= (uint8_t) ~(SW_TCP_FIN | SW_TCP_PSH);
	tcp->csum = 0;
	tcp->csum = (uint16_t)~sw_csum_fold(sw_csum_add(
		sw_csum_tcp_pseudo(ip, sw_tuple_is_v6(&p->tuple), tcp_len), tcp, tcp_len));
}

bool
sw_split(struct sw_pkt *p, uint32_t limit, struct sw_frame *more, unsigned n)
{
	struct cut c = {
		.p = p,
		.total = p->pay_len,
		.chunk = limit - sw_rewrite_options_len(p),
		.n = n,
	};

	SW_ASSERT(n == sw_split_count(p, limit));
	if (n <= 1)
		return n == 1;
	for (unsigned i = 1; i < n; i++) {
		if (capacity(&more[i - 1]) < p->pay_off + piece_len(&c, i))
			return false;
	}
	for (unsigned i = 1; i < n; i++) {
		struct sw_frame *f = &more[i - 1];
		const uint8_t *payload = p->f->data + p->pay_off + i * c.chunk;

		memcpy(f->data, p->f->data, p->pay_off);
		memcpy(f->data + p->pay_off, payload, piece_len(&c, i));
		f->side = p->f->side;
		f->csum = p->f->csum;
		finish_piece(&c, f, i);
	}
	/* The others were made from its headers: it is the last to be changed. */
	finish_piece(&c, p->f, 0);
	p->pay_len = c.chunk;
	p->tcp_flags = sw_pkt_tcp(p)[offsetof(struct sw_wire_tcp, flags)];
	return true;
}
