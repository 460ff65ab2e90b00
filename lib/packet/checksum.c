/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/checksum.h"
#include "packet/wire.h"

/*
 * 2^16 - 1 divides 2^64 - 1, so whole 64-bit words may be added with the carry going round; what is
 * left is the same sum. The compiler turns the 128-bit accumulator into add and adc.
 *
 * The result is below 2^33: callers may add several to each other without a carry getting lost.
 */
uint64_t
sw_csum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	unsigned __int128 acc = sum;

	for (; len >= 32; len -= 32, p += 32) {
		acc += sw_load64(p);
		acc += sw_load64(p + 8);
		acc += sw_load64(p + 16);
		acc += sw_load64(p + 24);
	}
	for (; len >= 8; len -= 8, p += 8)
		acc += sw_load64(p);
	if (len & 4) {
		acc += sw_load32(p);
		p += 4;
	}
	if (len & 2) {
		acc += sw_load16(p);
		p += 2;
	}
	if (len & 1) {
		uint16_t last = 0;

		memcpy(&last, p, 1);
		acc += last;
	}
	sum = (uint64_t)acc;
	return (sum & 0xffffffff) + (sum >> 32) + (uint64_t)(acc >> 64);
}

uint16_t
sw_csum_ipv4(const void *hdr, size_t len)
{
	return (uint16_t)~sw_csum_fold(sw_csum_add(0, hdr, len));
}

uint64_t
sw_csum_tcp_pseudo(const void *ip, bool v6, uint32_t tcp_len)
{
	/* The halves of the length may swap places: both are 16-bit words of the sum. */
	uint64_t sum = (uint64_t)rte_cpu_to_be_32(tcp_len) + RTE_BE16(SW_IPPROTO_TCP);

	if (v6)
		return sw_csum_add(
			sum, (const uint8_t *)ip + offsetof(struct sw_wire_ip6, src), 32);
	sum += sw_load32((const uint8_t *)ip + offsetof(struct sw_wire_ip4, src_be));
	return sum + sw_load32((const uint8_t *)ip + offsetof(struct sw_wire_ip4, dst_be));
}
