/* SPDX-License-Identifier: BSD-3-Clause */
/* parse_cases.h - packets for the tests of packet/parse.c: sound ones of each shape, and odd. */
#ifndef SW_TEST_PARSE_CASES_H
#define SW_TEST_PARSE_CASES_H

#include "packet/parse.h"
#include "pkt_make.h"

/* Parts of a struct pkt_make. */
#define V4  .src = {192, 0, 2, 1}, .dst = {198, 51, 100, 7}
#define IP6 .src = {0x20, 1, 0xd, 0xb8, [15] = 1}, .dst = {0x20, 1, 0xd, 0xb8, [15] = 7}
#define V6  .v6 = true, IP6

#define PORTS_SEQ .sport = 50000, .dport = 443, .seq = 0xfffffff0, .ack = 0x01020304
#define TCP	  PORTS_SEQ, .flags = SW_TCP_ACK

#define OPTS(...) \
	.opts = (const uint8_t[]){__VA_ARGS__}, .opts_len = sizeof((const uint8_t[]){__VA_ARGS__})
#define EXT(first, ...)                                              \
	.ext_first = (first), .ext = (const uint8_t[]){__VA_ARGS__}, \
	.ext_len = sizeof((const uint8_t[]){__VA_ARGS__})
#define IPOPTS(...)                                \
	.ip_opts = (const uint8_t[]){__VA_ARGS__}, \
	.ip_opts_len = sizeof((const uint8_t[]){__VA_ARGS__})
#define DATA(s) .payload = (const uint8_t *)(s), .payload_len = sizeof(s) - 1

/* Extension headers of 8 bytes: `next` is what follows. */
#define HBH(next)	  (next), 0, 1, 4, 0, 0, 0, 0
#define DST(next)	  (next), 0, 1, 4, 0, 0, 0, 0
#define RTG(next, left)	  (next), 0, 4, (left), 0, 0, 0, 0
#define AH(next)	  (next), 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2
#define FRAG(next, offms) (next), 0, (offms) >> 8, (offms)&0xff, 0, 0, 0, 9

/* Sound TCP packets, one of each shape. */
static const struct pkt_make good[] = {
	{V4, TCP, DATA("hello")},
	{V6, TCP, DATA("hello")},
	{V4, TCP, OPTS(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2)},
	{V6, TCP, OPTS(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7)},
	{V4, TCP, .n_vlan = 1, .vlan_tci = {100}, DATA("x")},
	{V6, TCP, .n_vlan = 1, .vlan_tci = {0xe064}, .vlan_tpid = {0x88a8}, DATA("x")},
	{V4, TCP, .n_vlan = 2, .vlan_tci = {100, 200}, .vlan_tpid = {0x88a8, 0x8100}},
	{V6, TCP, .n_vlan = 2, .vlan_tci = {100, 200}, DATA("abc")},
	{V4, TCP, .ip_opts = (const uint8_t[]){0x94, 4, 0, 0}, .ip_opts_len = 4, DATA("abc")},
	{V4, TCP, .ip_opts = (const uint8_t[40]){1, 1, 1, 7, 35, 4}, .ip_opts_len = 40},
	{V6, TCP, EXT(0, HBH(6)), DATA("abc")},
	{V6, TCP, EXT(0, HBH(60), DST(43), RTG(51, 0), AH(60), DST(6)), DATA("abc")},
	{V4, TCP, .frag = 0x4000, .tos = 3, .ip_id = 77, .pad_to = 60},
	{V6, TCP, .pad_to = 90},
	{V6, TCP, EXT(44, FRAG(6, 0)), DATA("atomic")},
	{V6, TCP, EXT(0, HBH(60), DST(44), FRAG(60, 6), DST(6)), DATA("reserved bits")},
	{V4, TCP, IPOPTS(1, 131, 7, 8, 10, 0, 0, 1), DATA("route, done")},
};

/* First fragments with a whole TCP header, one of each shape. */
static const struct pkt_make first[] = {
	{V4, TCP, .frag = 0x2000, DATA("12345678")}, {V4, TCP, .frag = 0x2000},
	{V4, TCP, .frag = 0xa000, OPTS(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2), DATA("1"),
		.pad_to = 90},
	{V4, TCP, .frag = 0x2000, IPOPTS(1, 7, 3, 4, 137, 3, 4), .n_vlan = 1, .vlan_tci = {9}},
	{V6, TCP, EXT(44, FRAG(6, 1)), DATA("12345678")},
	{V6, TCP, EXT(0, HBH(60), DST(51), AH(44), FRAG(6, 1)), DATA("12345678")},
	{V6, TCP, EXT(43, RTG(44, 0), FRAG(6, 7)), .n_vlan = 2, .vlan_tci = {1, 2}, .pad_to = 120},
	{V6, TCP, EXT(44, FRAG(44, 0), FRAG(6, 1))}, /* the first one of the two is none */
};

/* One change to a sound packet. */
static const struct {
	const char *name;
	struct pkt_make m;
	int at; /* from the IP header on; -1: no change */
	uint8_t val;
	uint8_t kind, reason, proto;
} odd[] = {
	{"ARP", {V4, TCP, .ethertype = 0x0806}, -1, 0, SW_PKT_OTHER, 0, 0},
	{"LLC", {V4, TCP, .ethertype = 0x0040}, -1, 0, SW_PKT_OTHER, 0, 0},
	{"ARP in a VLAN", {V4, TCP, .n_vlan = 1, .vlan_tci = {9}, .ethertype = 0x0806}, -1, 0,
		SW_PKT_OTHER, 0, 0},
	{"MPLS behind two tags", {V4, TCP, .n_vlan = 2, .ethertype = 0x8847}, -1, 0, SW_PKT_OTHER,
		0, 0},
	{"three tags", {V4, TCP, .n_vlan = 3, .vlan_tci = {1, 2, 3}}, -1, 0, SW_PKT_BAD,
		SW_DROP_VLAN_DEPTH, 0},
	{"four tags", {V6, TCP, .n_vlan = 4, .vlan_tpid = {0x88a8}}, -1, 0, SW_PKT_BAD,
		SW_DROP_VLAN_DEPTH, 0},
	{"three priority tags", {V4, TCP, .n_vlan = 3}, -1, 0, SW_PKT_BAD, SW_DROP_VLAN_DEPTH, 0},
	{"UDP", {V4, .proto = 17, DATA("12345678")}, -1, 0, SW_PKT_OTHER, 0, 17},
	{"UDP, wrong IP checksum", {V4, .proto = 17, DATA("12345678")}, 10, 0x55, SW_PKT_OTHER, 0,
		17},
	{"ICMP in a VLAN", {V4, .proto = 1, .n_vlan = 1, DATA("12345678")}, -1, 0, SW_PKT_OTHER, 0,
		1},
	{"UDP, IPv6", {V6, .proto = 17, DATA("12345678")}, -1, 0, SW_PKT_OTHER, 0, 17},
	{"version 6 in IPv4", {V4, TCP}, 0, 0x65, SW_PKT_BAD, SW_DROP_IP_HEADER, 0},
	{"version 0", {V4, TCP}, 0, 0x05, SW_PKT_BAD, SW_DROP_IP_HEADER, 0},
	{"header of 16", {V4, TCP}, 0, 0x44, SW_PKT_BAD, SW_DROP_IP_HEADER, 0},
	{"header of 0", {V4, TCP}, 0, 0x40, SW_PKT_BAD, SW_DROP_IP_HEADER, 0},
	{"header of 60 in 40", {V4, TCP}, 0, 0x4f, SW_PKT_BAD, SW_DROP_FRAME_SHORT, 0},
	{"header longer than the packet", {V4, TCP, .pad_to = 90}, 0, 0x4f, SW_PKT_BAD,
		SW_DROP_IP_LENGTH, 0},
	{"length below the header", {V4, TCP}, 3, 19, SW_PKT_BAD, SW_DROP_IP_LENGTH, 0},
	{"length 0", {V4, TCP}, 3, 0, SW_PKT_BAD, SW_DROP_IP_LENGTH, 0},
	{"length one too many", {V4, TCP}, 3, 41, SW_PKT_BAD, SW_DROP_IP_LENGTH, 0},
	{"length far too many", {V4, TCP}, 2, 0xff, SW_PKT_BAD, SW_DROP_IP_LENGTH, 0},
	{"UDP, length too many", {V4, .proto = 17, DATA("1234")}, 3, 25, SW_PKT_BAD,
		SW_DROP_IP_LENGTH, 0},
	{"IPv4 checksum", {V4, TCP}, 10, 0x55, SW_PKT_BAD, SW_DROP_IP_CHECKSUM, 0},
	{"IPv4 TTL changed", {V4, TCP}, 8, 1, SW_PKT_BAD, SW_DROP_IP_CHECKSUM, 0},
	{"IPv4 checksum with options",
		{V4, TCP, .ip_opts = (const uint8_t[]){1, 1, 1, 0}, .ip_opts_len = 4}, 20, 2,
		SW_PKT_BAD, SW_DROP_IP_CHECKSUM, 0},
	{"do not fragment", {V4, TCP, .frag = 0x4000}, -1, 0, SW_PKT_TCP, 0, 6},
	{"reserved bit", {V4, TCP, .frag = 0x8000}, -1, 0, SW_PKT_TCP, 0, 6},
	{"first fragment", {V4, TCP, .frag = 0x2000}, -1, 0, SW_PKT_FIRST, 0, 6},
	{"first fragment, wrong checksum", {V4, TCP, .frag = 0x2000}, 10, 0x55, SW_PKT_BAD,
		SW_DROP_IP_CHECKSUM, 0},
	{"last fragment, wrong checksum", {V4, TCP, .frag = 0x0001}, 10, 0x55, SW_PKT_FRAGMENT, 0,
		6},
	{"first fragment, TCP header of 24", {V4, TCP, .frag = 0x2000}, 32, 0x60, SW_PKT_BAD,
		SW_DROP_TCP_HEADER, 6},
	{"first fragment, IPv6, TCP header of 24", {V6, TCP, EXT(44, FRAG(6, 1))}, 60, 0x60,
		SW_PKT_BAD, SW_DROP_TCP_HEADER, 6},
	{"first fragment without flags", {V4, PORTS_SEQ, .frag = 0x2000}, -1, 0, SW_PKT_BAD,
		SW_DROP_TCP_FLAGS, 6},
	{"last fragment", {V4, TCP, .frag = 0x0001}, -1, 0, SW_PKT_FRAGMENT, 0, 6},
	{"fragment at the end", {V4, TCP, .frag = 0x1fff}, -1, 0, SW_PKT_FRAGMENT, 0, 6},
	{"fragment of UDP", {V4, .proto = 17, .frag = 0x2000, DATA("1234")}, -1, 0, SW_PKT_FRAGMENT,
		0, 17},
	{"fragment of two bytes", {V4, .proto = 17, .frag = 0x20ff, DATA("12")}, 9, 6,
		SW_PKT_FRAGMENT, 0, 6},
	{"version 4 in IPv6", {V6, TCP}, 0, 0x40, SW_PKT_BAD, SW_DROP_IP_HEADER, 0},
	{"IPv6 length one too many", {V6, TCP}, 5, 21, SW_PKT_BAD, SW_DROP_IP_LENGTH, 0},
	{"IPv6 length 0", {V6, TCP}, 5, 0, SW_PKT_BAD, SW_DROP_TCP_HEADER, 6},
	{"jumbogram", {V6, TCP, EXT(0, 6, 0, 0xc2, 4, 0, 0, 0, 28)}, 5, 0, SW_PKT_BAD,
		SW_DROP_IP_LENGTH, 0},
	{"no next header", {V6, .proto = 59}, -1, 0, SW_PKT_OTHER, 0, 59},
	{"ESP", {V6, .proto = 50, DATA("12345678")}, -1, 0, SW_PKT_OTHER, 0, 50},
	{"unknown behind options", {V6, .proto = 17, EXT(0, HBH(253)), DATA("1234")}, -1, 0,
		SW_PKT_OTHER, 0, 253},
	{"listener report", {V6, .proto = 58, EXT(0, HBH(58)), DATA("12345678")}, -1, 0,
		SW_PKT_OTHER, 0, 58},
	{"hop-by-hop", {V6, TCP, EXT(0, HBH(6))}, -1, 0, SW_PKT_TCP, 0, 6},
	{"hop-by-hop twice", {V6, TCP, EXT(0, HBH(0), HBH(6))}, -1, 0, SW_PKT_BAD,
		SW_DROP_IP6_HEADERS, 0},
	{"hop-by-hop second", {V6, TCP, EXT(60, DST(0), HBH(6))}, -1, 0, SW_PKT_BAD,
		SW_DROP_IP6_HEADERS, 0},
	{"routing, done", {V6, TCP, EXT(43, RTG(6, 0))}, -1, 0, SW_PKT_TCP, 0, 6},
	{"routing, stops left", {V6, TCP, EXT(43, RTG(6, 1))}, -1, 0, SW_PKT_BAD,
		SW_DROP_IP6_HEADERS, 0},
	{"routing, all stops left", {V6, TCP, EXT(60, DST(43), RTG(6, 255))}, -1, 0, SW_PKT_BAD,
		SW_DROP_IP6_HEADERS, 0},
	{"AH", {V6, TCP, EXT(51, AH(6))}, -1, 0, SW_PKT_TCP, 0, 6},
	{"AH too short", {V6, TCP, EXT(51, AH(6))}, 41, 0, SW_PKT_BAD, SW_DROP_IP6_HEADERS, 0},
	{"AH too long", {V6, TCP, EXT(51, AH(6))}, 41, 40, SW_PKT_BAD, SW_DROP_IP_LENGTH, 0},
	{"options too long", {V6, TCP, EXT(60, DST(6))}, 41, 255, SW_PKT_BAD, SW_DROP_IP_LENGTH, 0},
	{"options take the TCP header", {V6, TCP, EXT(60, DST(6))}, 41, 2, SW_PKT_BAD,
		SW_DROP_TCP_HEADER, 6},
	{"eight headers",
		{V6, TCP,
			EXT(0, HBH(60), DST(60), DST(60), DST(60), DST(60), DST(60), DST(60),
				DST(6))},
		-1, 0, SW_PKT_TCP, 0, 6},
	{"nine headers",
		{V6, TCP,
			EXT(0, HBH(60), DST(60), DST(60), DST(60), DST(60), DST(60), DST(60),
				DST(60), DST(6))},
		-1, 0, SW_PKT_BAD, SW_DROP_IP6_HEADERS, 0},
	{"IPv6 first fragment", {V6, TCP, EXT(44, FRAG(6, 1))}, -1, 0, SW_PKT_FIRST, 0, 6},
	{"IPv6 last fragment", {V6, TCP, EXT(44, FRAG(6, 8))}, -1, 0, SW_PKT_FRAGMENT, 0, 6},
	{"atomic fragment", {V6, TCP, EXT(44, FRAG(6, 0))}, -1, 0, SW_PKT_TCP, 0, 6},
	{"atomic fragment of UDP", {V6, TCP, EXT(44, FRAG(17, 0))}, -1, 0, SW_PKT_OTHER, 0, 17},
	{"IPv6 first fragment of UDP", {V6, TCP, EXT(44, FRAG(17, 1))}, -1, 0, SW_PKT_FRAGMENT, 0,
		17},
	{"IPv6 last fragment of UDP", {V6, TCP, EXT(44, FRAG(17, 8))}, -1, 0, SW_PKT_FRAGMENT, 0,
		17},
	{"first fragment with options", {V6, TCP, EXT(0, HBH(44), FRAG(60, 1), DST(6))}, -1, 0,
		SW_PKT_FRAGMENT, 0, 6},
	{"later fragment of options", {V6, TCP, EXT(0, HBH(44), FRAG(60, 8), DST(6))}, -1, 0,
		SW_PKT_FRAGMENT, 0, 60},
	{"first fragment ends in options", {V6, .proto = 17, EXT(44, FRAG(60, 1)), DATA("1234567")},
		-1, 0, SW_PKT_BAD, SW_DROP_IP_LENGTH, 0},
	{"fragment of a fragment", {V6, TCP, EXT(44, FRAG(44, 1), FRAG(6, 8))}, -1, 0, SW_PKT_BAD,
		SW_DROP_IP6_HEADERS, 0},
	{"fragment of an atomic one", {V6, TCP, EXT(44, FRAG(44, 0), FRAG(6, 9))}, -1, 0,
		SW_PKT_FRAGMENT, 0, 6},
	{"hop-by-hop in a fragment", {V6, TCP, EXT(44, FRAG(0, 1), HBH(6))}, -1, 0, SW_PKT_BAD,
		SW_DROP_IP6_HEADERS, 0},
	{"stops left in a fragment", {V6, TCP, EXT(44, FRAG(43, 1), RTG(6, 1))}, -1, 0, SW_PKT_BAD,
		SW_DROP_IP6_HEADERS, 0},
	{"eight headers, one atomic",
		{V6, TCP,
			EXT(0, HBH(60), DST(60), DST(60), DST(60), DST(60), DST(60), DST(44),
				FRAG(6, 0))},
		-1, 0, SW_PKT_TCP, 0, 6},
	{"nine headers, one atomic",
		{V6, TCP,
			EXT(0, HBH(60), DST(60), DST(60), DST(60), DST(60), DST(60), DST(60),
				DST(44), FRAG(6, 0))},
		-1, 0, SW_PKT_BAD, SW_DROP_IP6_HEADERS, 0},
	{"fragment header cut", {V6, .proto = 44, DATA("1234567")}, -1, 0, SW_PKT_BAD,
		SW_DROP_IP_LENGTH, 0},
	{"TCP header of 16", {V4, TCP}, 32, 0x40, SW_PKT_BAD, SW_DROP_TCP_HEADER, 6},
	{"TCP header of 0", {V6, TCP}, 52, 0x00, SW_PKT_BAD, SW_DROP_TCP_HEADER, 6},
	{"TCP header one word too long", {V4, TCP}, 32, 0x60, SW_PKT_BAD, SW_DROP_TCP_HEADER, 6},
	{"TCP header into the padding", {V4, TCP, .pad_to = 120}, 32, 0xf0, SW_PKT_BAD,
		SW_DROP_TCP_HEADER, 6},
	{"TCP header is all", {V4, TCP, DATA("1234")}, 32, 0x60, SW_PKT_TCP, 0, 6},
	{"TCP reserved bits", {V4, TCP}, 32, 0x5f, SW_PKT_TCP, 0, 6},
	{"IPv4 without a TCP byte", {V4, .proto = 17}, 9, 6, SW_PKT_BAD, SW_DROP_IP_CHECKSUM, 0},
	{"IPv6 without a TCP byte", {V6, .proto = 17}, 6, 6, SW_PKT_BAD, SW_DROP_TCP_HEADER, 6},
};

#endif
