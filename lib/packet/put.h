/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * put.h - a header is written in whole words, as they lie in memory, and summed up on the way.
 *
 * Written field by field and then read back for its checksum, it would have to wait until the
 * smaller stores are done: a load that needs several of them cannot be served from the store queue.
 *
 *	struct sw_put h = {.p = ip};
 *
 *	sw_put_be(&h, 0x45000000u | len);
 *	...
 *	csum = ~sw_csum_fold(h.sum);
 *
 * The sum is one of 32-bit words, for sw_csum_fold(); it does not overflow below 2^32 words.
 *
 * Threads: pure functions. Memory: the caller's; 4 bytes at p for each call.
 */
#ifndef SW_PACKET_PUT_H
#define SW_PACKET_PUT_H

#include "base/tuple.h"
#include "packet/checksum.h"
#include "packet/wire.h"

struct sw_put {
	uint8_t *p;   /* the next word */
	uint64_t sum; /* of those before */
};

sw_always_inline void
sw_put(struct sw_put *h, uint32_t word)
{
	sw_store32(h->p, word);
	h->p += 4;
	h->sum += word;
}

/* A number in host order. */
sw_always_inline void
sw_put_be(struct sw_put *h, uint32_t number)
{
	sw_put(h, rte_cpu_to_be_32(number));
}

/*
 * A whole IPv4 header (RFC 791) without options, with DF; len: of the packet. Returns the sum of
 * the addresses.
 */
sw_always_inline uint64_t
sw_put_ip4(uint8_t *ip, const union sw_addr *src, const union sw_addr *dst, uint32_t len)
{
	const uint64_t addresses = (uint64_t)src->w_be[3] + dst->w_be[3];
	struct sw_put h = {.p = ip};

	sw_put_be(&h, 0x45000000u | len);
	sw_put_be(&h, rte_be_to_cpu_16(SW_IP4_DF_BE));
	sw_put_be(&h, (uint32_t)SW_TTL << 24 | SW_IPPROTO_TCP << 16);
	sw_store16(ip + offsetof(struct sw_wire_ip4, csum),
		(uint16_t)~sw_csum_fold(h.sum + addresses));
	sw_put(&h, src->w_be[3]);
	sw_put(&h, dst->w_be[3]);
	return addresses;
}

/* The same of IPv6 (RFC 8200); len: of what follows. */
sw_always_inline uint64_t
sw_put_ip6(uint8_t *ip, const union sw_addr *src, const union sw_addr *dst, uint32_t len)
{
	struct sw_put h = {.p = ip};

	sw_put_be(&h, 0x60000000u);
	sw_put_be(&h, len << 16 | SW_IPPROTO_TCP << 8 | SW_TTL);
	h.sum = 0;
	for (unsigned i = 0; i < 4; i++)
		sw_put(&h, src->w_be[i]);
	for (unsigned i = 0; i < 4; i++)
		sw_put(&h, dst->w_be[i]);
	return h.sum;
}

/* That of the tuple's family, either way; len: of what follows. */
sw_always_inline uint64_t
sw_put_ip(uint8_t *ip, const struct sw_tuple *t, bool to_client, uint32_t len)
{
	const union sw_addr *src = to_client ? &t->server : &t->client;
	const union sw_addr *dst = to_client ? &t->client : &t->server;

	return sw_tuple_is_v6(t) ? sw_put_ip6(ip, src, dst, len)
				 : sw_put_ip4(ip, src, dst, SW_IP4_BYTES + len);
}

/* What a TCP header says, but for its ports and options. hdr: its bytes; len: payload included. */
struct sw_put_tcp {
	uint32_t seq, ack;
	uint32_t hdr, len;
	uint8_t flags;
	uint16_t window;
};

/*
 * A TCP header (RFC 9293) up to its options, with 0 for the checksum. h->sum is that of the
 * addresses before, and then that of all but options and payload, pseudo-header included.
 */
sw_always_inline void
sw_put_tcp(struct sw_put *h, const struct sw_tuple *t, bool to_client, const struct sw_put_tcp *f)
{
	const uint32_t client = rte_be_to_cpu_16(t->cport_be);
	const uint32_t server = rte_be_to_cpu_16(t->sport_be);

	h->sum += rte_cpu_to_be_32(f->len) + (uint64_t)rte_cpu_to_be_32(SW_IPPROTO_TCP);
	sw_put_be(h, to_client ? server << 16 | client : client << 16 | server);
	sw_put_be(h, f->seq);
	sw_put_be(h, f->ack);
	sw_put_be(h, f->hdr / 4 << 28 | (uint32_t)f->flags << 16 | f->window);
	sw_put(h, 0); /* checksum, urgent pointer */
}

#endif
