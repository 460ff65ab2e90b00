/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seg_int.h - bytes and sums, for those who build and read packets by hand.
 */
#ifndef SIM_SEG_INT_H
#define SIM_SEG_INT_H

#include "seg.h"

#define ETHER_IPV4 0x0800
#define ETHER_IPV6 0x86dd

#define IPV6_HOPOPTS 0
#define IPV6_DSTOPTS 60

static inline void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static inline uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* Sum of big-endian 16-bit words, an odd byte filled up with zero (RFC 1071). */
static inline uint64_t
sum16(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (unsigned)(p[i] << 8 | p[i + 1]);
	if (i < len)
		sum += (unsigned)(p[i] << 8);
	return sum;
}

static inline uint16_t
fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

#endif
