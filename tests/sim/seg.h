/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seg.h - TCP segments of the simulator: one builder, one parser, one printer, written plainly and
 * apart from lib/, so that a mistake there is not made here as well.
 */
#ifndef SIM_SEG_H
#define SIM_SEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SEG_FIN 0x01
#define SEG_SYN 0x02
#define SEG_RST 0x04
#define SEG_PSH 0x08
#define SEG_ACK 0x10
#define SEG_URG 0x20
#define SEG_ECE 0x40
#define SEG_CWR 0x80

/* The ECN field of the IP header (RFC 3168, 5). */
#define SEG_ECT0 2
#define SEG_CE	 3

#define SEG_NO_WSCALE 15
#define SEG_SACK_MAX  4

/* Longest headers: Ethernet, two tags, IPv6, TCP with 40 bytes of options. */
#define SEG_EXTRA_MAX	40
#define SEG_HEADERS_MAX (14 + 8 + 40 + SEG_EXTRA_MAX + 60)

enum { CLIENT = 0, SERVER = 1 };

struct seg_end {
	uint8_t mac[6];
	uint8_t addr[16]; /* IPv4 in the first four, the rest 0 */
	uint16_t port;
};

/* What stands in front of every TCP header of one connection. */
struct seg_path {
	struct seg_end end[2]; /* CLIENT, SERVER; as parsed: source, destination */
	bool v6;
	/*
	 * IPv4: bytes of options, of 4; IPv6: bytes of extension headers, of 8. Not of what the
	 * front end makes itself.
	 */
	uint8_t extra;
	uint8_t n_tags;
	uint16_t tpid[2];
	uint16_t tci[2];
};

struct seg {
	uint32_t seq, ack;
	uint16_t window;
	uint16_t urgent; /* with SEG_URG: from seq to the byte behind the urgent ones */
	uint8_t flags;
	uint8_t wscale; /* SEG_NO_WSCALE: no option */
	uint16_t mss;	/* 0: no option */
	bool sack_ok, ts;
	uint8_t n_sack;
	uint8_t ecn;	 /* of the IP header: 0, or SEG_ECT0, SEG_CE */
	uint8_t opt_len; /* parsed: bytes of options, with padding */
	uint32_t tsval, tsecr;
	struct {
		uint32_t left, right;
	} sack[SEG_SACK_MAX];
	const uint8_t *pay;
	uint32_t pay_len;
};

/* Sequence space that it takes. */
static inline uint32_t
seg_space(const struct seg *s)
{
	return s->pay_len + !!(s->flags & SEG_SYN) + !!(s->flags & SEG_FIN);
}

/* Bytes of TCP options that seg_build() will write. */
unsigned seg_opt_len(const struct seg *s);

/*
 * Writes the frame of s going from `from` (CLIENT or SERVER); returns its length, 0: cap too
 * small.
 */
size_t seg_build(
	uint8_t *buf, size_t cap, const struct seg_path *path, int from, const struct seg *s);

/*
 * Reads a frame. NULL, or what is wrong with it: any header, length, checksum or option that a
 * strict receiver would not take. "not tcp" for what is not TCP over IP.
 */
const char *seg_parse(const uint8_t *d, size_t len, struct seg_path *path, struct seg *s);

/* Marks a frame of an ECN-capable transport: congestion was met. False where it is none. */
bool seg_mark_ce(uint8_t *d, size_t len);

/* True where a frame parsed to `got` belongs to the connection, going from `from`. MACs count. */
bool seg_path_match(const struct seg_path *path, int from, const struct seg_path *got);

/* Only addresses, ports and VLAN ids. */
bool seg_tuple_match(const struct seg_path *path, int from, const struct seg_path *got);

/*
 * As tcpdump has it: "IP 11.0.0.1.20000 > 192.0.2.10.80: Flags [S.], seq 17, ack 1, win 512,
 * options [mss 1460,...], length 0"; without SYN the numbers are relative to the two bases.
 */
void seg_print(FILE *f, const struct seg_path *path, const struct seg *s, uint32_t seq_base,
	uint32_t ack_base);

/* A path for connection number n: addresses from the documentation prefixes. */
struct seg_path seg_path_make(bool v6, uint32_t client, uint16_t client_port, uint16_t server_port,
	unsigned n_tags, uint16_t vid);

#endif
