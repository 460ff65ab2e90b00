/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checksum.h - the Internet checksum: whole (RFC 1071) and incremental (RFC 1624, equation 3).
 *
 * Sums are kept in the machine's byte order over 16-bit words as they lie in memory; the ones'
 * complement sum does not mind (RFC 1071, 2B), so nothing is swapped. A checksum is stored
 * as it comes out.
 *
 * Incremental: a field of a packet is about to change from `old` to `new`, both given as they lie
 * in memory. A 32-bit field at an odd offset from the start of the summed data (TCP options may put
 * one there) takes part with its bytes swapped: say `odd`.
 *
 * Threads: pure.
 */
#ifndef SW_PACKET_CHECKSUM_H
#define SW_PACKET_CHECKSUM_H

#include <string.h>

#include "base/base.h"

/* Adds len bytes to a running sum; an odd last byte counts as the first of a word. */
uint64_t sw_csum_add(uint64_t sum, const void *data, size_t len);

/* Folds a running sum to 16 bits, not complemented. */
sw_always_inline uint16_t
sw_csum_fold(uint64_t sum)
{
	uint32_t half;

	/* Both halves in each half: what the lower ones carry is the carry that comes round. */
	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

/*
 * Difference that a change of a 32-bit field makes to the sum that a checksum complements. Add up
 * those of all fields of a packet (each is below 2^33) and apply them once with sw_csum_apply().
 */
sw_always_inline uint64_t
sw_csum_diff32(uint32_t old_mem, uint32_t new_mem, bool odd)
{
	uint64_t d = (uint64_t)(uint32_t)~old_mem + new_mem;

	return odd ? __builtin_bswap16(sw_csum_fold(d)) : d;
}

sw_always_inline uint64_t
sw_csum_diff16(uint16_t old_mem, uint16_t new_mem)
{
	return (uint64_t)(uint16_t)~old_mem + new_mem;
}

/* New value of the checksum `csum` (as it lies in memory) after the changes summed up in `diff`. */
sw_always_inline uint16_t
sw_csum_apply(uint16_t csum, uint64_t diff)
{
	return (uint16_t)~sw_csum_fold((uint64_t)(uint16_t)~csum + diff);
}

/* Checksum over an IPv4 header of len bytes, whose checksum field holds 0. As it lies in memory. */
uint16_t sw_csum_ipv4(const void *hdr, size_t len);

/*
 * Sum over the TCP pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1). ip points at an IPv4 or IPv6
 * header; its destination is taken from there (of a packet with a routing header: not supported,
 * see sw_parse_burst). tcp_len counts header, options and payload. Not complemented.
 */
uint64_t sw_csum_tcp_pseudo(const void *ip, bool v6, uint32_t tcp_len);

#endif
