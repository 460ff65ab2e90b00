/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tuple.h - the name of a connection: both addresses and ports in wire order, as the client sees
 * them, and the VLAN that it runs in.
 *
 * The client is always the end on the outside port. A packet from the outside has the client in its
 * source, a packet from the inside has it in its destination, so both directions have one tuple.
 *
 *   offset  0  client address  16   IPv4 stands in the last 4 bytes, the first 12 are zero
 *          16  server address  16
 *          32  client port      2
 *          34  server port      2
 *          36  vlan_af          4   bits 0-11 outer VLAN id, 12-23 inner VLAN id, 31 set for IPv6
 *
 * An IPv6 packet with an IPv4-mapped address is not the IPv4 connection: bit 31 tells them apart.
 */
#ifndef SW_BASE_TUPLE_H
#define SW_BASE_TUPLE_H

#include <string.h>

#include "base/base.h"

#define SW_TUPLE_IPV6	     0x80000000u
#define SW_TUPLE_VLAN_MASK   0x00ffffffu
#define SW_TUPLE_INNER_SHIFT 12

union sw_addr {
	uint8_t b[16];
	rte_be32_t w_be[4]; /* IPv4: w_be[3] */
	uint64_t q[2];
};

struct sw_tuple {
	union sw_addr client;
	union sw_addr server;
	rte_be16_t cport_be;
	rte_be16_t sport_be;
	uint32_t vlan_af;
};
static_assert(sizeof(struct sw_tuple) == 40, "five 64-bit words: compared and hashed as such");

sw_always_inline bool
sw_tuple_is_v6(const struct sw_tuple *t)
{
	return t->vlan_af & SW_TUPLE_IPV6;
}

sw_always_inline bool
sw_tuple_equal(const struct sw_tuple *a, const struct sw_tuple *b)
{
	uint64_t x[5], y[5];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
}

sw_always_inline uint64_t
sw_mum(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/*
 * Keyed hash for tables: multiply-and-fold over secret words. A client picks its address, port and
 * VLAN, so an unkeyed or linear hash (a CRC) would let it aim all of its flows at one bucket. It is
 * not a MAC: it never leaves the machine.
 *
 * key: four random words, the same for the life of the table.
 */
sw_always_inline uint64_t
sw_tuple_hash(const struct sw_tuple *t, const uint64_t key[4])
{
	uint64_t w[5], h;

	memcpy(w, t, sizeof(w));
	h = sw_mum(w[4] ^ key[0], w[1] ^ w[3] >> 32 ^ w[3] << 32 ^ key[1]);
	if (t->vlan_af & SW_TUPLE_IPV6) {
		h ^= sw_mum(w[0] ^ key[2], w[1] ^ key[3]);
		h = sw_mum(h ^ w[2] ^ key[0], w[3] ^ key[1] ^ key[2]);
	}
	return sw_mum(h ^ key[2], key[3] ^ 0x9e3779b97f4a7c15ull);
}

#endif
