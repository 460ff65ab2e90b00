/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frame.h - a packet as the libraries see it: bytes, their length, and the caller's name for them.
 *
 * The daemon fills one from an mbuf, the simulator and the fuzzers from an array. The libraries
 * read and write only [data, data + len) and, where they make a packet longer, up to
 * data + len + room behind or from data - headroom on in front. A packet that was made longer in
 * front has its `data` moved and `headroom` made smaller; that may happen to one of several
 * segments too.
 *
 * Memory: the frame does not own the bytes. Whoever is handed a frame hands it on or gives its
 *         `handle` back; the libraries never free one.
 */
#ifndef SW_BASE_FRAME_H
#define SW_BASE_FRAME_H

#include "base/base.h"

/*
 * What the port's hardware says of a packet's checksums; neither bit of a pair: it does not know.
 */
#define SW_CSUM_IP_GOOD 0x01
#define SW_CSUM_IP_BAD	0x02
#define SW_CSUM_L4_GOOD 0x04
#define SW_CSUM_L4_BAD	0x08

struct sw_frame {
	uint8_t *data;	  /* first byte of the Ethernet header */
	void *handle;	  /* caller's; kept with the frame, never looked into */
	uint32_t len;	  /* bytes at data that lie in one piece */
	uint32_t pkt_len; /* bytes of the whole packet; more than len with further segments */
	uint16_t room;	  /* bytes behind data + len that may be written; 0 with further segments */
	uint8_t side;	  /* enum sw_side: where it came in; on output: where it goes */
	uint8_t csum;	  /* SW_CSUM_* on input; unused on output (checksums are always complete) */
	uint16_t headroom; /* bytes before data that may be written */
};
static_assert(sizeof(struct sw_frame) == 32, "two to a cache line");

#endif
