/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load.h - what the parts of synload share: who sends to whom, over which layer 2, small things.
 *
 * All of synload but main.c, io.c and the run_*.c is sans-I/O: frames in, frames out, the time and
 * random numbers from the caller. That is what its unit tests link.
 */
#ifndef SW_LOAD_LOAD_H
#define SW_LOAD_LOAD_H

#include "base/base.h"
#include "base/tuple.h"

#define SW_LOAD_SERVERS_MAX 16

/* No frame of ours without payload is longer: Ethernet, one tag, IPv6, TCP with all options. */
#define SW_LOAD_HEADERS_MAX_BYTES 128

/* Layer 2 of what is sent; answers have the addresses the other way round. */
struct sw_load_l2 {
	uint8_t src[6];
	uint8_t dst[6];
	uint16_t vlan; /* 1..4094; 0: no tag */
};

struct sw_load_server {
	union sw_addr addr; /* IPv4 in the last four bytes */
	uint16_t port;
	bool v6;
};

/* Multiply and fold: mixes two words into one. */
sw_always_inline uint64_t
sw_load_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* A cheap generator of random numbers; not one that withstands anybody. */
struct sw_load_rand {
	uint64_t state;
};

sw_always_inline uint64_t
sw_load_rand64(struct sw_load_rand *r)
{
	r->state += 0xa0761d6478bd642full;
	return sw_load_mix(r->state, r->state ^ 0xe7037ed1a0b428dbull);
}

/*
 * An IPv4 address as the second word of a sw_addr, and back, in registers: written to memory as two
 * halves and read as one word it would wait for both stores to be done.
 */
sw_always_inline uint64_t
sw_load_pack4(rte_be32_t addr_be)
{
#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN
	return (uint64_t)addr_be << 32;
#else
	return addr_be;
#endif
}

sw_always_inline rte_be32_t
sw_load_unpack4(uint64_t lo)
{
#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN
	return (rte_be32_t)(lo >> 32);
#else
	return (rte_be32_t)lo;
#endif
}

/*
 * What a SYN of ours carries that its answer must give back, drawn from the connection's ends and
 * the key of the run: nothing need be kept for a packet that has been sent.
 */
sw_always_inline uint64_t
sw_load_secret(uint64_t client_lo, uint64_t client_hi, uint32_t ports, uint64_t key)
{
	return sw_load_mix(client_lo ^ key, (uint64_t)ports << 32 ^ ports ^ client_hi ^ ~key);
}

#endif
