/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * splice.h - rewrites the segments of a spliced connection, so that each end sees one connection.
 *
 * The client was answered with our ISN k, the server answered with its own, s. With delta = k - s
 * and ts_delta = (our TSval to the client) - (the server's first TSval), all mod 2^32:
 *
 *                       client -> server              server -> client
 *   sequence number     as it is                      + delta
 *   acknowledgement     - delta  (if ACK)             as it is
 *   SACK blocks         - delta  (they name s bytes)  as they are (they name client bytes)
 *   TSval               as it is                      + ts_delta
 *   TSecr               - ts_delta (if ACK)           as it is
 *   window              as it is                      rescaled: << wscale_server
 *                                                     >> wscale_promised, at most 65535
 *   checksum            incremental, RFC 1624: a wrong one stays wrong for the receiver to see
 *
 * The server's SYN carries a window scale that is at most the client's own (cookie/format.h), so
 * the client's window is never read too large and needs no rewriting.
 *
 * Threads: pure functions of the flow; the packet is written.
 * Memory:  the caller's.
 */
#ifndef SW_SPLICE_SPLICE_H
#define SW_SPLICE_SPLICE_H

#include "base/base.h"
#include "flow/flow.h"
#include "packet/parse.h"

/* struct sw_flow: flags */
#define SW_FLOW_TS	    0x01 /* both ends use timestamps */
#define SW_FLOW_REOPEN	    0x02 /* a SYN came on the tuple: a cookie may come back */
#define SW_FLOW_FROM_SERVER 0x04 /* opened by the server: nothing is translated */
/* The server has less than its client was promised (repair.h). */
#define SW_FLOW_MSS	  0x08 /* takes shorter segments: mss_units */
#define SW_FLOW_TS_MADE	  0x10 /* no timestamps */
#define SW_FLOW_NO_SACK	  0x20
#define SW_FLOW_NO_WSCALE 0x40 /* wscale_client */
#define SW_FLOW_NO_ECN	  0x80
#define SW_FLOW_REPAIR	  0xf8 /* any of them */

/*
 * What mss_units stands for, bytes: steps of 20, in which the usual values are, and above 4,000 of
 * 100, up to more than a jumbo frame.
 */
sw_always_inline unsigned
sw_mss_of_units(uint8_t units)
{
	return units <= 200 ? units * 20u : 4000 + (units - 200u) * 100;
}

/*
 * Translate p in place (p->seq and p->ack are kept in step); SW_PKT_TCP and SW_PKT_FIRST. False
 * where an option list is malformed: the packet is then as it was and is to be dropped.
 */
bool sw_splice_to_server(const struct sw_flow *f, struct sw_pkt *p);
bool sw_splice_to_client(const struct sw_flow *f, struct sw_pkt *p);

/* A window field of the server as the client is to read it. */
uint16_t sw_splice_window(const struct sw_flow *f, uint16_t window, bool scaled);

/*
 * Translates the quoted TCP header of an ICMP error (SW_PKT_ICMP) back into the numbers of the one
 * who sent it, as far as it is quoted: sequence number on the way to the server; acknowledgement,
 * SACK blocks and TSecr on the way to the client; TSval on the way to the server; the quoted TCP
 * checksum and the ICMP checksum with them. A quoted option list that is cut or malformed is left
 * as it is. To a server with SW_FLOW_TS_MADE a packet-too-big says an MTU that is smaller by what
 * is put into its segments.
 */
void sw_splice_icmp(const struct sw_flow *f, struct sw_pkt *p);

#endif
