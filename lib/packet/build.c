/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "packet/build.h"
#include "packet/checksum.h"
#include "packet/put.h"
#include "packet/wire.h"

/* Bytes of options that put_opts() makes of o. */
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
sw_always_inline void
put_opts(struct sw_put *h, const struct sw_tcp_opts *o)
{
	if (o->mss)
		sw_put(h, SW_OPT_WORD(SW_OPT_MSS, SW_OPT_MSS_LEN, o->mss >> 8, o->mss & 0xff));
	if (o->ts) {
		sw_put(h, o->sack_perm ? SW_OPT_WORD(SW_OPT_SACK_PERM, 2, SW_OPT_TS, SW_OPT_TS_LEN)
				       : SW_OPT_TS_WORD);
		sw_put_be(h, o->tsval);
		sw_put_be(h, o->tsecr);
	} else if (o->sack_perm) {
		sw_put(h, SW_OPT_WORD(SW_OPT_NOP, SW_OPT_NOP, SW_OPT_SACK_PERM, 2));
	}
	if (o->wscale != SW_WSCALE_NONE)
		sw_put(h, SW_OPT_WORD(SW_OPT_NOP, SW_OPT_WSCALE, SW_OPT_WSCALE_LEN, o->wscale));
}

static_assert(RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN, "the first bytes are the low ones of a word");

/* A header with source and destination changed round. */
sw_always_inline struct sw_l2_words
swapped(struct sw_l2_words w)
{
	const uint64_t dst = w.a & 0xffffffffffff, src = w.a >> 48 | (w.b & UINT32_MAX) << 16;

	w.a = src | dst << 48;
	w.b = (w.b & ~(uint64_t)UINT32_MAX) | dst >> 16;
	return w;
}

/*
 * More than it has: what is behind it comes later. The EtherType is the tuple's, whatever stands in
 * l2: the header may be that of another packet of the same client.
 */
sw_always_inline void
write_l2(uint8_t *d, struct sw_l2_words l2, const struct sw_segment *s, bool v6)
{
	sw_l2_store(d, s->swap_l2 ? swapped(l2) : l2);
	sw_store16(d + s->l2_len - 2, v6 ? SW_ETHER_IP6_BE : SW_ETHER_IP4_BE);
}

/* sum: that of the addresses, for the pseudo-header. */
sw_always_inline void
write_tcp(uint8_t *d, const struct sw_segment *s, const struct sw_tuple *t, uint32_t len,
	uint64_t sum)
{
	struct sw_put h = {.p = d, .sum = sum};

	sw_put_tcp(&h, t, s->to_client,
		&(struct sw_put_tcp){.seq = s->seq,
			.ack = s->tcp_flags & SW_TCP_ACK ? s->ack : 0,
			.hdr = len,
			.len = len,
			.flags = s->tcp_flags,
			.window = s->window});
	put_opts(&h, &s->opts);
	sw_store16(d + offsetof(struct sw_wire_tcp, csum), (uint16_t)~sw_csum_fold(h.sum));
}

int
sw_build_segment(struct sw_frame *f, const struct sw_segment *s)
{
	/* Copies, for l2 and the tuple may lie in the bytes that are about to be written. */
	const struct sw_tuple t = *s->tuple;
	const bool v6 = sw_tuple_is_v6(&t);
	const uint32_t ip_len = v6 ? SW_IP6_BYTES : SW_IP4_BYTES;
	const uint32_t tcp_len = SW_TCP_BYTES + opts_len(&s->opts);
	const uint32_t total = s->l2_len + ip_len + tcp_len;
	const uint32_t cap = f->len + f->room;
	const struct sw_l2_words l2 = sw_l2_load(s->l2);
	uint8_t *ip;

	SW_ASSERT(s->l2_len == 14 || s->l2_len == 18 || s->l2_len == 22);
	if (total > cap)
		return -ENOBUFS;

	ip = f->data + s->l2_len;
	write_l2(f->data, l2, s, v6);
	write_tcp(ip + ip_len, s, &t, tcp_len, sw_put_ip(ip, &t, s->to_client, tcp_len));

	f->len = total;
	f->pkt_len = total;
	f->room = cap - total > UINT16_MAX ? UINT16_MAX : (uint16_t)(cap - total);
	return 0;
}
