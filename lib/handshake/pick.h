/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pick.h - which packets of a burst go which way: plain SYNs (syn.h), plain segments of open
 * connections (seg.h), and the rest, which goes the general way (burst.c). Private to handshake/.
 */
#ifndef SW_HANDSHAKE_PICK_H
#define SW_HANDSHAKE_PICK_H

#include "handshake/seg.h"
#include "handshake/syn.h"

struct picked {
	struct syn_batch rows[4]; /* SYNs, IPv4 and IPv6; segments, the same */
	struct segs segs;
};

/*
 * Sorts n frames. Plain SYNs without a flow are fit in their rows; plain segments are listed in
 * p->segs, where there may be any (seg_may_be()); both stay where they are. What is neither is
 * copied to rest[], in order, p->segs.n_rest of them; where that is all n, rest[] and
 * p->segs.rest_at[] are not written.
 */
void pick_burst(struct burst *b, struct picked *p, struct sw_frame *frames, unsigned n,
	struct sw_frame *rest);

#endif
