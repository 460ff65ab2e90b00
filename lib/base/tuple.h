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

#define SW_HASH_ODD 0x9e3779b1u

/* Product of two 32-bit words, each with a secret added to it mod 2^32. */
sw_always_inline uint64_t
sw_hash_mul(uint32_t a, uint32_t a_key, uint32_t b, uint32_t b_key)
{
	return (uint64_t)(uint32_t)(a + a_key) * (uint32_t)(b + b_key);
}

/*
 * Keyed hash for tables. A client picks its address, port and VLAN, so an unkeyed or linear hash (a
 * CRC) would let it aim all of its flows at one bucket. It is not a MAC: it never leaves the
 * machine.
 *
 * Each step is the one of NH (RFC 4418, 5.2.2): secrets are added, then 32-bit words multiplied to
 * 64 bits. Two tuples collide with about 2^-32 for keys that nobody knows. 32-bit products, so that
 * vectors can do many tuples at a time (flow/place_rows.h), which must come to the same.
 *
 *   a = IPv4: (client + k0)(server + k1);  IPv6: the sum of four such products of address words
 *   b = (low(a) ^ ports + k2)(high(a) ^ vlan_af + k3) + a
 *   h = (low(b) + k6)(high(b) + k7) + 2^32 (low(b) SW_HASH_ODD mod 2^32) + high(b)
 *
 * The high half of a product is not even by itself; an odd multiple of one factor makes it so. Use
 * the high bits of either half (multiply and shift): the low ones are not even.
 *
 * key: four random words, the same for the life of the table; k0 is the low half of the first.
 */
sw_always_inline uint64_t
sw_tuple_hash(const struct sw_tuple *t, const uint64_t key[4])
{
	uint32_t k[8], ports;
	uint64_t a, b;

	memcpy(k, key, sizeof(k));
	memcpy(&ports, &t->cport_be, sizeof(ports));
	if (t->vlan_af & SW_TUPLE_IPV6)
		a = sw_hash_mul(t->client.w_be[0], k[0], t->client.w_be[1], k[1]) +
		    sw_hash_mul(t->client.w_be[2], k[2], t->client.w_be[3], k[3]) +
		    sw_hash_mul(t->server.w_be[0], k[4], t->server.w_be[1], k[5]) +
		    sw_hash_mul(t->server.w_be[2], k[6], t->server.w_be[3], k[7]);
	else
		a = sw_hash_mul(t->client.w_be[3], k[0], t->server.w_be[3], k[1]);
	b = sw_hash_mul((uint32_t)a ^ ports, k[2], (uint32_t)(a >> 32) ^ t->vlan_af, k[3]) + a;
	return sw_hash_mul((uint32_t)b, k[6], (uint32_t)(b >> 32), k[7]) +
	       ((uint64_t)((uint32_t)b * SW_HASH_ODD) << 32 | b >> 32);
}

#endif
