/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * payload.h - what connections carry: bytes that follow from the connection, the direction and the
 * offset, so that either end can compare every byte without having been told one.
 *
 * They are cut out of a pool of random bytes. Where in it a block of 64 KiB of a stream begins is
 * drawn from the stream's id and the block's number: bytes of another connection, another direction
 * or another offset differ.
 *
 * Both functions give the Internet checksum's sum of the bytes (packet/checksum.h), out of a table
 * of the sums of all beginnings of the pool, so that nobody has to add them up.
 *
 * Threads: immutable once made.
 */
#ifndef SW_LOAD_PAYLOAD_H
#define SW_LOAD_PAYLOAD_H

#include "load.h"

#define SW_PAYLOAD_BLOCK 65536u
/* Behind the pool its first bytes stand again: a segment is one piece. */
#define SW_PAYLOAD_SEGMENT_MAX 2048u

#define SW_PAYLOAD_POOL_BYTES (SW_PAYLOAD_BLOCK + SW_PAYLOAD_SEGMENT_MAX)

struct sw_payload {
	uint8_t pool[SW_PAYLOAD_POOL_BYTES];
	/* Of the 16-bit words of the pool before the one of that number. */
	uint32_t sums[SW_PAYLOAD_POOL_BYTES / 2 + 1];
};
static_assert(SW_PAYLOAD_POOL_BYTES / 2 * 0xffffull <= UINT32_MAX, "a sum has room for all words");

void sw_payload_init(struct sw_payload *p, uint64_t seed);

/*
 * Writes n <= SW_PAYLOAD_SEGMENT_MAX bytes of stream `id` from offset off on. Returns their sum,
 * below 2^48.
 */
uint64_t sw_payload_write(
	const struct sw_payload *p, uint64_t id, uint32_t off, uint8_t *out, uint32_t n);

/*
 * True where n bytes are those of the stream; n may be anything. *sum is their sum then, below
 * 2^48.
 */
bool sw_payload_same(const struct sw_payload *p, uint64_t id, uint32_t off, const uint8_t *in,
	uint32_t n, uint64_t *sum);

#endif
