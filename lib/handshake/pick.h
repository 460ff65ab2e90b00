/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pick.h - which packets of a burst go which way: plain SYNs (syn.h), plain segments of open
 * connections (seg.h), and the rest, which goes the general way (burst.c). Private to handshake/.
 */
#ifndef SW_HANDSHAKE_PICK_H
#define SW_HANDSHAKE_PICK_H

#include "handshake/seg.h"
#include "handshake/syn.h"

/* What is neither a plain SYN nor a plain segment, in the order of the burst. */
struct rest {
	unsigned n;
	uint8_t at[SW_BURST_MAX]; /* places in the burst */
	/* Bit i: packet i of the rest looked like a plain segment, and has no flow. */
	uint64_t absent;
	struct sw_flow_place place[SW_BURST_MAX]; /* of those: where one would be */
};

struct picked {
	struct syn_batch rows[4]; /* SYNs, IPv4 and IPv6; segments, the same */
	struct segs segs;
	struct rest rest;
};

/*
 * Sorts n frames. Plain SYNs without a flow are fit in their rows; plain segments are listed in
 * p->segs, where there may be any (seg_may_be()); both stay where they are. What is neither is
 * listed in p->rest and copied to rest[]; where that is all n, only p->rest.n and .absent may be
 * written, and .absent is 0 then.
 */
void pick_burst(struct burst *b, struct picked *p, struct sw_frame *frames, unsigned n,
	struct sw_frame *rest);

#endif
