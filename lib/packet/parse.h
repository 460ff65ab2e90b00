/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parse.h - finds the TCP header of a packet, within bounds, once.
 *
 * Ethernet, up to two VLAN tags (0x8100, 0x88a8, 0x9100), IPv4 with options, IPv6 with up to
 * SW_PARSE_EXT_MAX extension headers (hop-by-hop, routing, destination options, AH; RFC 8200), TCP.
 * Everything later reads the offsets found here and never looks for a header again.
 *
 * What is not TCP, or not IP, is SW_PKT_OTHER: bridged, not judged. A packet that claims to be IP
 * but cannot be read is SW_PKT_BAD with its drop reason: a middle box that guesses is a way around
 * itself. The first fragment of a TCP packet that has all of its TCP header (IPv6: right behind the
 * fragment header) is SW_PKT_FIRST, one whose TCP header is cut SW_PKT_BAD; every other fragment is
 * SW_PKT_FRAGMENT: its ports are unknown. An IPv6 packet whole in one fragment
 * (an atomic one, RFC 6946) is no fragment.
 *
 * A packet with hops of an IPv4 source route left (LSRR, SSRR), or segments left in an IPv6 routing
 * header, is not yet for the address that it names: SW_PKT_BAD.
 *
 * An ICMP or ICMPv6 error about a TCP packet is SW_PKT_ICMP: destination unreachable, time
 * exceeded, parameter problem, packet too big, whose quoted packet is whole up to the first 8 bytes
 * of its TCP header. One that quotes anything else is SW_PKT_OTHER, as are all other ICMP messages.
 *
 * Bounds:  headers must lie in the first `len` bytes (one piece) of the frame; the IP length must
 *          lie within pkt_len. Bytes behind the IP length are Ethernet padding and not data.
 * Checks:  the IPv4 header checksum of TCP packets, unless the port vouches for it. The TCP
 *          checksum is not checked here (sw_pkt_tcp_csum_ok() does, for those packets that we
 *          answer or that change a state); options are not parsed here (options.h).
 * Threads: pure functions.
 * Memory:  the caller's.
 */
#ifndef SW_PACKET_PARSE_H
#define SW_PACKET_PARSE_H

#include "base/base.h"
#include "base/frame.h"
#include "base/tuple.h"
#include "stats/stats.h"

#define SW_PARSE_EXT_MAX  8
#define SW_PARSE_VLAN_MAX 2

/* Longest layer-2 header that is parsed: Ethernet and two tags. */
#define SW_L2_MAX_BYTES 22

#define SW_TCP_FIN 0x01
#define SW_TCP_SYN 0x02
#define SW_TCP_RST 0x04
#define SW_TCP_PSH 0x08
#define SW_TCP_ACK 0x10
#define SW_TCP_URG 0x20
#define SW_TCP_ECE 0x40
#define SW_TCP_CWR 0x80

enum sw_pkt_kind {
	SW_PKT_OTHER,	 /* not TCP: bridge it */
	SW_PKT_TCP,	 /* l3_off, l4_off, pay_off and tuple are valid */
	SW_PKT_FRAGMENT, /* IP fragment: tuple has the addresses, its ports are 0; l3_off, proto,
			  * frag_off */
	SW_PKT_FIRST,	 /* first fragment: as SW_PKT_TCP, but pay_len counts this fragment only and
			  * the TCP checksum cannot be checked */
	SW_PKT_ICMP,	 /* ICMP error about a TCP packet; see below */
	SW_PKT_BAD,	 /* `reason` says why; see below for what else is valid */
};

/*
 * SW_PKT_ICMP: what the quoted packet says. tuple is that of the connection as the flow table knows
 * it (an error that comes in on SW_OUTSIDE goes to the server, so it quotes the server's packet;
 * SW_INSIDE the other way round), l3_off that of the outer packet, l4_off that of the ICMP header,
 * pay_off that of the quoted TCP header, pay_len the bytes of it and of what follows that are there
 * (at least 8, all of them within f->len), ip_hdr_len the length of the quoted IP header with its
 * options or extension headers, seq the quoted sequence number, icmp_type and icmp_code. The outer
 * destination is the quoted source, else it is SW_PKT_BAD with SW_DROP_ICMP_BAD.
 */

/*
 * SW_PKT_BAD: a reason before SW_DROP_TCP_HEADER (frame, VLAN, IP) leaves nothing else valid: drop
 * it. From SW_DROP_TCP_HEADER on the packet is whole up to TCP and `tuple` has its addresses, so
 * that what is not for a protected service can be bridged as it is. Ports:
 *   SW_DROP_TCP_HEADER  set where the first 4 bytes of the header can be read, else both 0: such a
 *                       packet may be for any port of its server
 *   SW_DROP_TCP_FLAGS   set; all other fields are valid too, as with SW_PKT_TCP
 *   SW_DROP_ICMP_BAD    as with SW_PKT_ICMP where the first 4 bytes of the quoted TCP header can be
 *                       read, else both 0
 */

struct sw_pkt {
	struct sw_frame *f;
	uint8_t kind;	   /* enum sw_pkt_kind */
	uint8_t reason;	   /* enum sw_drop, with SW_PKT_BAD */
	uint8_t proto;	   /* fragments: protocol of the whole packet as far as known (6 is TCP; an
			    * IPv6 extension header's number: unknown, it may be TCP) */
	uint8_t tcp_flags; /* SW_TCP_* */
	uint16_t l3_off;   /* of the IP header, from f->data; also the length of the l2 header */
	uint16_t l4_off;   /* of the TCP header */
	uint16_t pay_off;  /* of the first byte behind the TCP options */
	uint16_t ip_hdr_len; /* l4_off - l3_off */
	uint16_t frag_off;   /* SW_PKT_FRAGMENT: bytes of the packet before this fragment */
	uint8_t icmp_type;   /* SW_PKT_ICMP */
	uint8_t icmp_code;
	uint32_t pay_len; /* TCP payload bytes by the IP length, without padding */
	uint32_t seq;	  /* host order */
	uint32_t ack;	  /* host order; whatever stands there when ACK is not set */
	struct sw_tuple tuple;
};

/*
 * Parses n frames (n <= SW_BURST_MAX) into pkts[0..n-1]; pkts[i].f = &frames[i]. The tuple is
 * oriented by frames[i].side: source is the client on SW_OUTSIDE, destination on SW_INSIDE.
 */
void sw_parse_burst(struct sw_frame *frames, struct sw_pkt *pkts, unsigned n);

/*
 * Where the TCP header starts; valid with SW_PKT_TCP. At least 20 bytes, and the options, follow.
 */
sw_always_inline uint8_t *
sw_pkt_tcp(const struct sw_pkt *p)
{
	return p->f->data + p->l4_off;
}

/* Sequence space that the segment takes: payload, SYN and FIN count. */
sw_always_inline uint32_t
sw_pkt_seq_len(const struct sw_pkt *p)
{
	return p->pay_len + !!(p->tcp_flags & SW_TCP_SYN) + !!(p->tcp_flags & SW_TCP_FIN);
}

/*
 * True where the TCP checksum is right: by the port's word, else by adding it up. A packet of
 * several segments that the port does not vouch for cannot be added up here (the bytes are
 * elsewhere) and counts as right: it is translated incrementally, so a wrong checksum stays wrong
 * for the receiver. Valid with SW_PKT_TCP.
 */
bool sw_pkt_tcp_csum_ok(const struct sw_pkt *p);

#endif
