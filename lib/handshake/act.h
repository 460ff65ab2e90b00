/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * act.h - a packet that has been parsed and looked up is acted on. Private to handshake/.
 *
 * Order of use, for each packet of a burst in its order: admit(), act_one(); then act_late().
 */
#ifndef SW_HANDSHAKE_ACT_H
#define SW_HANDSHAKE_ACT_H

#include "handshake/internal.h"

/* What waits until all packets of the burst have been looked at. */
struct put_off {
	struct item late[SW_BURST_MAX], acks[SW_BURST_MAX]; /* SYNs and RSTs; ACKs */
	unsigned n_late, n_acks;
	struct cookies cookies; /* of ACKs, also of those that are put off */
};

/* Policy decides some without a flow. True where the engine goes on with this one. */
bool admit(struct burst *b, struct item *it);

/* Acts on it, or puts it off. */
void act_one(struct burst *b, struct item *it, struct put_off *o);

/* Acts on what was put off: ACKs, then RSTs and SYNs. */
void act_late(struct burst *b, struct put_off *o);

#endif
