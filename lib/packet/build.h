/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * build.h - writes the TCP segments that the front end sends of its own: SYN-ACK, SYN, ACK, RST.
 *
 * One description (struct sw_segment), one writer. It writes the Ethernet header, a plain IPv4 or
 * IPv6 header (no IP options or extension headers, TTL 64, IPv4 DF and id 0) and a TCP header with
 * the options asked for, both checksums whole. VLAN tags of the l2 header are kept.
 *
 * In place: the l2 header and the tuple may point into the very frame that is overwritten; both are
 * read before anything is written. That is how a SYN becomes its SYN-ACK without a second buffer.
 *
 * Options are always in this order, padded with NOPs as Linux does, so that the length is one of a
 * few: MSS, SACK-permitted, timestamps, window scale.
 *
 * Threads: pure.
 * Memory:  the caller's.
 */
#ifndef SW_PACKET_BUILD_H
#define SW_PACKET_BUILD_H

#include "base/base.h"
#include "base/frame.h"
#include "base/tuple.h"
#include "packet/options.h"
#include "packet/parse.h"
#include "packet/wire.h"

/* The longest frame that is ever written: l2 with two tags, IPv6, TCP with 40 bytes of options. */
#define SW_SEGMENT_MAX_BYTES (SW_L2_MAX_BYTES + 40 + 60)

/*
 * A layer-2 header of any length, with what is behind a shorter one, in words that do not overlap.
 * Written and read so, each word comes from the one store that wrote it; a read that takes bytes of
 * two stores waits until both are done.
 */
struct sw_l2_words {
	uint64_t a, b;
	uint32_t c;
	uint16_t d;
};
static_assert(8 + 8 + 4 + 2 == SW_L2_MAX_BYTES, "all of it");

sw_always_inline struct sw_l2_words
sw_l2_load(const uint8_t *l2)
{
	return (struct sw_l2_words){
		sw_load64(l2), sw_load64(l2 + 8), sw_load32(l2 + 16), sw_load16(l2 + 20)};
}

sw_always_inline void
sw_l2_store(uint8_t *l2, struct sw_l2_words w)
{
	memcpy(l2, &w.a, 8);
	memcpy(l2 + 8, &w.b, 8);
	sw_store32(l2 + 16, w.c);
	sw_store16(l2 + 20, w.d);
}

sw_always_inline void
sw_l2_copy(uint8_t *to, const uint8_t *from)
{
	sw_l2_store(to, sw_l2_load(from));
}

struct sw_segment {
	const uint8_t *l2;	      /* layer-2 header to copy; SW_L2_MAX_BYTES can be read */
	uint8_t l2_len;		      /* 14, 18 or 22 */
	bool swap_l2;		      /* exchange source and destination MAC */
	bool to_client;		      /* IP source is the server; otherwise the client */
	uint8_t tcp_flags;	      /* SW_TCP_* */
	uint16_t window;	      /* as it stands in the header, unscaled */
	uint32_t seq;		      /* host order */
	uint32_t ack;		      /* host order; written as 0 where ACK is not in tcp_flags */
	const struct sw_tuple *tuple; /* addresses, ports, family */
	struct sw_tcp_opts opts;      /* mss 0, SW_WSCALE_NONE, false: that option is left out */
};

/*
 * Writes s over f->data; sets f->len, f->pkt_len and f->room. f->side is the caller's to set. The
 * segments that a longer packet had behind the first are then no part of it: the caller's to free.
 * Returns 0, or -ENOBUFS where the frame (len + room) is too small: f is then as it was.
 */
int sw_build_segment(struct sw_frame *f, const struct sw_segment *s);

#endif
