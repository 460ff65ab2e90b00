/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * icmp.h - a router's "packet too big" (RFC 1191, RFC 8201), built and read by hand.
 */
#ifndef SIM_ICMP_H
#define SIM_ICMP_H

#include "seg.h"

#define ICMP_FRAME_MAX 256

/* What one of them says. */
struct too_big {
	struct seg_path quoted; /* source and destination of the packet that was too big */
	uint32_t seq;
	uint32_t mtu;
};

/* Bytes of a frame that an MTU counts. */
size_t icmp_ip_len(const uint8_t *frame, size_t len);
/* The answer to a TCP frame, which it quotes as far as the TCP options; its length. */
size_t icmp_too_big_build(uint8_t *buf, const uint8_t *frame, uint32_t mtu);
/* NULL, or why it is none, or not a right one. */
const char *icmp_too_big_parse(const uint8_t *d, size_t len, struct too_big *t);

#endif
