/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * repair.h - connections whose server has less than their client was promised in our SYN-ACK.
 *
 * What servers offer is known from their earlier SYN-ACKs (handshake/learn.c). The one connection
 * that finds out that it has changed has been promised too much; here the difference is rewritten
 * for as long as that connection lives:
 *
 *   flag of the flow     client -> server                    server -> client
 *   SW_FLOW_TS_MADE      timestamps become NOPs              a timestamp is put in: TSval our clock
 *                                                            (now_ms + ts_delta), TSecr 0, which
 *                                                            stacks do not measure by
 *   SW_FLOW_NO_SACK      SACK blocks become NOPs             -
 *   SW_FLOW_NO_WSCALE    window << wscale_client,            -
 *                        at most 65535
 *   SW_FLOW_NO_ECN       ECT becomes not-ECT; CE is a        -
 *                        congestion loss (RFC 6040, 4.2):
 *                        the packet is dropped
 *   SW_FLOW_MSS          the segment is cut in pieces        -
 *                        (sw_split)
 *
 * A timestamp makes a segment 12 bytes longer, which the headroom of its frame must have; the
 * server has been told an MSS that is smaller by as much, and is told MTUs that are (splice.h). But
 * no sender of IPv6 need go below 1,280 bytes (RFC 8201, 4): what the timestamp makes longer than
 * that is cut in two (sw_repair_outgrew, sw_split). Where 40 bytes of options would be exceeded,
 * the last SACK blocks are left out.
 *
 * All checksums are kept up incrementally: a wrong one stays wrong for the receiver to see.
 *
 * Threads: pure functions of their arguments; the packet is written.
 * Memory:  the caller's.
 */
#ifndef SW_SPLICE_REPAIR_H
#define SW_SPLICE_REPAIR_H

#include "base/base.h"
#include "flow/flow.h"
#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"

/*
 * Rewrite p in place, by the flow's flags; before sw_splice_to_server() or sw_splice_to_client().
 * p's offsets and lengths and its frame are kept in step (data may move into the headroom). SYN and
 * RST segments get no timestamp. Return SW_DROP_NONE, or why p is to be dropped:
 * SW_DROP_TCP_OPTIONS (malformed list), SW_DROP_CONGESTED, SW_DROP_NO_ROOM (headroom). p is then as
 * it was.
 */
enum sw_drop sw_repair_to_server(const struct sw_flow *f, struct sw_pkt *p);
enum sw_drop sw_repair_to_client(const struct sw_flow *f, struct sw_pkt *p, uint32_t now_ms);

/* The client's window field as the server is to read it. */
sw_always_inline uint16_t
sw_repair_window(const struct sw_flow *f, uint16_t window)
{
	uint32_t w = (uint32_t)window << (f->flags & SW_FLOW_NO_WSCALE ? f->wscale_client : 0);

	return w > UINT16_MAX ? UINT16_MAX : (uint16_t)w;
}

/* MTU that every IPv6 link has (RFC 8200, 5). */
#define SW_MTU6_LEAST_BYTES 1280

/*
 * True for a packet to the client that every IPv6 link took before its timestamp was put in, and
 * some do not any more. (Of SYNs and RSTs, which get none, too: they are never cut.)
 */
sw_always_inline bool
sw_repair_outgrew(const struct sw_flow *f, const struct sw_pkt *p)
{
	const uint32_t len = p->pay_off - p->l3_off + p->pay_len;

	return f->flags & SW_FLOW_TS_MADE && sw_tuple_is_v6(&p->tuple) &&
	       len > SW_MTU6_LEAST_BYTES && len <= SW_MTU6_LEAST_BYTES + SW_OPT_TS_BYTES;
}

/*
 * Pieces that p has to be cut into so that TCP options and payload of each have at most limit bytes
 * (RFC 9293, 3.7.1; RFC 6691): 1 where it fits, 0 where it cannot be cut (the options alone take
 * the limit, or the packet is not in one piece).
 */
unsigned sw_split_count(const struct sw_pkt *p, uint32_t limit);

/*
 * Cuts p, whose TCP checksum is right, into n = sw_split_count(p, limit) pieces. The first stays in
 * p's frame, piece i goes to more[i - 1] (empty, room enough: f->len + f->room of it at least the
 * length of p's headers and limit). All have whole checksums. FIN and PSH are the last one's, CWR
 * the first one's; the urgent pointer goes on where it points. IPv4 identifications count up where
 * DF is not set. Returns false where a frame of more[] is too small: nothing has been written then.
 */
bool sw_split(struct sw_pkt *p, uint32_t limit, struct sw_frame *more, unsigned n);

#endif
