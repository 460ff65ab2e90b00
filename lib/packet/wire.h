/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.h - the headers of a packet as they lie in memory, for packet/ and whoever rewrites packets.
 *
 * DPDK's rte_ip.h would bring mbufs into lib/, and its structures change names between releases.
 * All structures have alignment 1 and may alias anything: a header starts wherever the sender put
 * it. Nothing here checks a bound.
 */
#ifndef SW_PACKET_WIRE_H
#define SW_PACKET_WIRE_H

#include <string.h>

#include "base/base.h"

#define SW_WIRE __attribute__((packed, may_alias))

#define SW_ETH_BYTES  14
#define SW_VLAN_BYTES 4
#define SW_IP4_BYTES  20 /* without options */
#define SW_IP6_BYTES  40 /* without extension headers */
#define SW_TCP_BYTES  20 /* without options */
#define SW_ICMP_BYTES 8	 /* of an error message, up to the packet that it quotes */

/* EtherTypes as they lie in memory. */
#define SW_ETHER_IP4_BE	     RTE_BE16(0x0800)
#define SW_ETHER_IP6_BE	     RTE_BE16(0x86dd)
#define SW_ETHER_VLAN_BE     RTE_BE16(0x8100) /* IEEE 802.1Q customer tag */
#define SW_ETHER_QINQ_BE     RTE_BE16(0x88a8) /* IEEE 802.1ad service tag */
#define SW_ETHER_QINQ_OLD_BE RTE_BE16(0x9100) /* service tag before 802.1ad, still met */

#define SW_VLAN_ID_MASK 0x0fff

/* Of every packet that we make: the default of the hosts that we speak for. */
#define SW_TTL 64

#define SW_IP4_DF_BE	    RTE_BE16(0x4000)
#define SW_IP4_FRAG_MASK_BE RTE_BE16(0x3fff) /* more-fragments bit and offset */
#define SW_IP4_OFF_MASK	    0x1fff	     /* offset, in units of 8 bytes */

#define SW_IP4_OPT_EOL	0
#define SW_IP4_OPT_NOP	1
#define SW_IP4_OPT_LSRR 131 /* RFC 791, 3.1: source routes, loose and strict */
#define SW_IP4_OPT_SSRR 137

#define SW_IPPROTO_HOPOPTS  0
#define SW_IPPROTO_ICMP	    1
#define SW_IPPROTO_TCP	    6
#define SW_IPPROTO_ROUTING  43
#define SW_IPPROTO_FRAGMENT 44
#define SW_IPPROTO_AH	    51
#define SW_IPPROTO_ICMP6    58
#define SW_IPPROTO_DSTOPTS  60

/* ICMP errors: RFC 792 and RFC 4443. */
#define SW_ICMP_UNREACHABLE  3
#define SW_ICMP_EXCEEDED     11
#define SW_ICMP_PARAMETER    12
#define SW_ICMP_CODE_TOO_BIG 4 /* of UNREACHABLE: fragmentation needed, RFC 1191 */
#define SW_ICMP6_UNREACHABLE 1
#define SW_ICMP6_TOO_BIG     2
#define SW_ICMP6_EXCEEDED    3
#define SW_ICMP6_PARAMETER   4

struct sw_wire_ip4 {
	uint8_t ver_ihl;
	uint8_t tos;
	rte_be16_t len_be;
	rte_be16_t id_be;
	rte_be16_t frag_be;
	uint8_t ttl;
	uint8_t proto;
	uint16_t csum; /* as it lies in memory */
	rte_be32_t src_be;
	rte_be32_t dst_be;
} SW_WIRE;
static_assert(sizeof(struct sw_wire_ip4) == SW_IP4_BYTES, "RFC 791, 3.1");

struct sw_wire_ip6 {
	rte_be32_t ver_tc_flow_be;
	rte_be16_t plen_be;
	uint8_t next;
	uint8_t hops;
	uint8_t src[16];
	uint8_t dst[16];
} SW_WIRE;
static_assert(sizeof(struct sw_wire_ip6) == SW_IP6_BYTES, "RFC 8200, 3");

/* The first bytes of every IPv6 extension header that is looked through. */
struct sw_wire_ext {
	uint8_t next;
	uint8_t len;  /* unit and offset depend on the header */
	uint8_t type; /* routing header */
	uint8_t left; /* routing header: segments left */
} SW_WIRE;

struct sw_wire_frag {
	uint8_t next;
	uint8_t reserved;
	rte_be16_t off_be; /* bytes in the high 13 bits, more-fragments in the lowest */
	rte_be32_t id_be;
} SW_WIRE;
static_assert(sizeof(struct sw_wire_frag) == 8, "RFC 8200, 4.5");

#define SW_IP6_FRAG_OFF_MASK 0xfff8
#define SW_IP6_FRAG_MORE     0x0001

/* An ICMP or ICMPv6 error; the quoted packet follows. */
struct sw_wire_icmp {
	uint8_t type;
	uint8_t code;
	uint16_t csum; /* as it lies in memory */
	union {
		rte_be32_t mtu6_be; /* ICMPv6 packet too big */
		struct {
			rte_be16_t unused;
			rte_be16_t mtu4_be; /* fragmentation needed; 0: the router does not say */
		};
	};
} SW_WIRE;
static_assert(sizeof(struct sw_wire_icmp) == SW_ICMP_BYTES, "RFC 792; RFC 1191, 4; RFC 4443, 3.2");

struct sw_wire_tcp {
	rte_be16_t sport_be;
	rte_be16_t dport_be;
	rte_be32_t seq_be;
	rte_be32_t ack_be;
	uint8_t off; /* header length in 32-bit words in the high four bits */
	uint8_t flags;
	rte_be16_t window_be;
	uint16_t csum; /* as it lies in memory */
	rte_be16_t urgent_be;
} SW_WIRE;
static_assert(sizeof(struct sw_wire_tcp) == SW_TCP_BYTES, "RFC 9293, 3.1");

sw_always_inline uint16_t
sw_load16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

sw_always_inline uint32_t
sw_load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

sw_always_inline uint64_t
sw_load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

sw_always_inline void
sw_store16(void *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

sw_always_inline void
sw_store32(void *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

#endif
