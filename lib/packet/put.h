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

#endif
