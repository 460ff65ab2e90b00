/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pace.h - how long a connection stands still, and how much of that its losses explain.
 *
 * A connection makes progress whenever an end receives in order, has something acknowledged, or
 * changes its state. Between two such times lies a gap. Each packet lost in it, or before it by no
 * more than the timeout that the sender was at, explains one timeout of a sender, the n-th of them
 * twice as long as the one before it, and the first as long as the sender was at when the gap began
 * (RFC 6298, 5.5). What is left over is the stall: an application that dawdles, a window that is
 * shut, or a mistake of whoever stands between. The stall of a connection is its longest.
 *
 *   progress    x          x    lost: two               x
 *               |----------|----*-------------*---------|
 *                 gap        gap - (rto + 2 rto) = stall
 */
#ifndef SIM_PACE_H
#define SIM_PACE_H

#include "util.h"

#define PACE_LOST_MAX 256

struct pace {
	uint64_t timeout_ns; /* the longest first timeout of both ends */
	uint64_t mark;	     /* of all that is progress */
	uint64_t start_ns, last_ns;
	uint64_t stall_ns, stall_from_ns; /* the longest; where its gap begins */
	unsigned stall_lost;
	uint64_t lost_ns[PACE_LOST_MAX]; /* the newest */
	unsigned n_lost;
	unsigned tries; /* timeouts of a sender that were backed off when the last gap began */
	bool begun, over;
};

void pace_begin(struct pace *p, uint64_t now, uint64_t timeout_ns);
void pace_lost(struct pace *p, uint64_t now);
/*
 * mark: anything that changes with progress. tries: timeouts that a sender has had since its last
 * bytes were acknowledged. over: this is the end.
 */
void pace_look(struct pace *p, uint64_t now, uint64_t mark, unsigned tries, bool over);

#endif
