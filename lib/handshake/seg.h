/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seg.h - the short way of segments of open connections: their headers are judged and their places
 * in the flow table found many at a time (the rows of syn.h), both directions. Private to
 * handshake/.
 *
 * It takes those that the general way would translate and pass on, and no others: in one piece, no
 * tag, IPv4 without options or IPv6 without extension headers, right lengths and IP checksum; ACK
 * without SYN and RST; FIN only without payload and with a right checksum; no TCP options but
 * timestamps; a flow that is open or closing, without anything to be repaired or to be opened
 * anew. Policy is not asked: while it is the one under which all flows were made, a flow says what
 * it would.
 *
 * All packets of a burst are acted on in their order, whichever way they came. What looked plain
 * and is not when its turn comes (its flow has gone, waits for its server, or has another tuple
 * with an equal tag) goes the general way then, by itself.
 *
 *   seg_read()    headers to rows; the buckets are on their way then
 *   seg_find()    entries by tags; they are on their way then (both by pick.h)
 *   seg_act()     in act_segs(): translates a run of them
 */
#ifndef SW_HANDSHAKE_SEG_H
#define SW_HANDSHAKE_SEG_H

#include "handshake/syn.h"

/* From the IP header on: TCP with timestamps, up to the next 16 bytes. */
#define SEG_REACH4_BYTES 64
#define SEG_REACH6_BYTES 80

/* What was found, in the order of the burst. */
struct segs {
	unsigned n;		  /* plain segments */
	unsigned done;		  /* plain segments whose turn has been */
	bool all;		  /* the whole burst, of one family: lanes are places in it */
	unsigned sent[SW_SIDES];  /* seg_act(): by the side that they leave by */
	uint8_t at[SW_BURST_MAX]; /* their places in the burst */
	uint8_t lane[SW_BURST_MAX];
	uint8_t v6[SW_BURST_MAX];
	struct sw_flow *f[SW_BURST_MAX]; /* that the tag speaks for */
	const struct syn_batch *rows;	 /* IPv4, IPv6 */
};

/* Segments of such a burst may be plain: there are flows, and the policy is theirs. */
sw_always_inline bool
seg_may_be(const struct burst *b)
{
	return sw_flow_count(b->e->flows) != 0 && b->e->flows_policy == b->view->policy;
}

/*
 * Translates plain segments from g->done on, as long as they stand before place `end` of the burst,
 * and moves g->done behind them. True where it stopped at one that is to go the general way.
 */
bool seg_act(struct burst *b, struct segs *g, const struct sw_frame *frames, unsigned end);

/*
 * Fills the rows (after syn_pad()), takes lanes that are not plain out of `fit`, sends for their
 * first buckets.
 */
void seg_read(struct syn_batch *s);

/* Returns how many fit lanes have a candidate in the flow table; f[]: by lane, NULL: none. */
unsigned seg_find(const struct syn_batch *s, struct sw_flow **f);

#endif
