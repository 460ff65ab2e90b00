/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn.h - the short way of plain SYNs: many at a time, one in each lane of a row
 * (base/row.h: eight lanes, or sixteen). Private to handshake/.
 *
 * In a flood nearly all packets are alike: a SYN of one of a few stacks to a service, without a
 * flow. Such SYNs take this way, everything else the general one (burst.c), and so does every SYN
 * in which anything is out of the ordinary. What both would do with a SYN is the same, bit for bit
 * and counter for counter; a test runs the two against each other. So nothing is dropped here, and
 * no reason is given here: a lane that is not fit is left as it was. The one difference is in
 * order: SYNs are answered last on both ways, but one that looked plain until flows were made in
 * its own burst is judged behind all others.
 *
 * Plain is: from the outside, in one piece, no more than one VLAN tag; IPv4 without options or IPv6
 * without extension headers, not a fragment; SYN alone or with ECE and CWR, no payload; right
 * checksums; no options, MSS alone, or what Linux, Windows or macOS send; a source that can be
 * answered; a service in mode proxy or respond; no tag of the flow table that is like its own.
 *
 *   sort.h            which frames of a burst may go this way or another short one
 *   pick.h            sorts a burst by it
 *   syn_read.c        headers to rows
 *   syn_find.c        looks for flows
 *   syn.c             syn_answer(): services, promises, counters
 *   syn_write.c       cookies, rows to SYN-ACKs
 *   level.h, ways.h   all of that, once for each level of vector instructions
 *
 *        packets                                  rows, one word of each SYN a column
 *   +--------------------+                   +-----------------------------+
 *   | SYN 0: w0 w1 w2 …  |  transpose        | client:  c0 c1 c2 … c7 | …  |
 *   | SYN 1: w0 w1 w2 …  | ----------->      | isn:     i0 i1 i2 … i7 | …  |
 *   +--------------------+  <-----------     +-----------------------------+
 */
#ifndef SW_HANDSHAKE_SYN_H
#define SW_HANDSHAKE_SYN_H

#include "flow/place.h"
#include "handshake/internal.h"
#include "handshake/level.h"
#include "packet/wire.h"

/* The kernels read and write whole vectors: so many bytes from the IP header on must be there. */
#define SYN_REACH4_BYTES 64
#define SYN_REACH6_BYTES 96

/*
 * Of these an ACK or segment has ACK alone. Every combination with ACK and without the others is
 * one that TCP stacks send (parse.c).
 */
#define ACK_ALONE_MASK (SW_TCP_ACK | SW_TCP_SYN | SW_TCP_RST)

/* Bits of promise[]. */
#define SYN_PROMISE_WSCALE 0x1
#define SYN_PROMISE_SACK   0x2
#define SYN_PROMISE_TS	   0x4
#define SYN_PROMISE_ECN	   0x8

/*
 * Plain SYNs of one family, at most a burst. Lanes up to the next multiple of ROW_LANES are unfit.
 */
struct syn_batch {
	unsigned n;
	bool v6;
	bool one_target;     /* only the first element of what syn_answer() sets counts, for all */
	uint64_t fit;	     /* bit i: SYN i is still on this way */
	uint64_t gone;	     /* bit i: pick_burst() has left it to the general way */
	uint64_t like_first; /* bit i: it is to the same address and port as SYN 0 */
	uint64_t maybe;	     /* bit i: a bucket of its is not empty */
	uint64_t fin;	     /* bit i: FIN is set (seg.h); pad lanes, too */
	/*
	 * Of SYN 0, whose packet may have gone another way and be something else by the time that
	 * the others are answered.
	 */
	struct sw_tuple first;
	const struct sw_flow_ground *ground;
	struct sw_frame *f[SW_BURST_MAX];
	uint8_t *l3[SW_BURST_MAX]; /* IP header */

	/* Rows, aligned for each level: all files have this struct. sort.h */
	alignas(64) uint32_t l3_len[SW_BURST_MAX]; /* bytes of the frame from there on */
	alignas(64) uint32_t vlan[SW_BURST_MAX];   /* as in the tuple */
	/* syn_read: as in memory; ports: client's in the low half */
	alignas(64) uint32_t client[SW_BURST_MAX]; /* IPv4 */
	alignas(64) uint32_t server[SW_BURST_MAX]; /* IPv4 */
	alignas(64) uint32_t ports[SW_BURST_MAX];
	alignas(64) uint32_t tsval[SW_BURST_MAX];
	alignas(64) uint32_t addr_sum[SW_BURST_MAX]; /* running sum of both addresses' halves */
	/* syn_read: host order */
	alignas(64) uint32_t isn[SW_BURST_MAX];
	alignas(64) uint32_t cookie[SW_BURST_MAX]; /* blind.h: what an ACK brings back */
	alignas(64) uint32_t mss_class[SW_BURST_MAX];
	alignas(64) uint32_t wscale[SW_BURST_MAX]; /* SW_WSCALE_NONE: no option */
	/* syn_read: all ones or zero */
	alignas(64) uint32_t full[SW_BURST_MAX]; /* window scale and SACK-permitted */
	alignas(64) uint32_t ts[SW_BURST_MAX];
	alignas(64) uint32_t ecn[SW_BURST_MAX];
	alignas(64) uint32_t inside[SW_BURST_MAX]; /* segments: it comes from a server */
	/* syn_read: where the flow table would have it */
	alignas(64) uint32_t bucket[2][SW_BURST_MAX];
	alignas(64) uint32_t tag[SW_BURST_MAX];
	/* syn_answer() */
	alignas(64) uint32_t promise[SW_BURST_MAX];    /* SYN_PROMISE_* */
	alignas(64) uint32_t mss_opt[SW_BURST_MAX];    /* option, as in memory */
	alignas(64) uint32_t wscale_opt[SW_BURST_MAX]; /* the same, with its NOP */
	alignas(64) uint32_t window[SW_BURST_MAX];     /* as in memory, in the high half */
	uint16_t service[SW_BURST_MAX];
	/* syn_write */
	alignas(64) uint32_t tcp_len[SW_BURST_MAX]; /* of the SYN-ACK */
	alignas(64) uint32_t growth[SW_BURST_MAX];  /* its bytes less those of the SYN's frame */
	uint8_t scratch[SYN_REACH6_BYTES + 16];	    /* where unfit lanes are written to */
};

/* What signs the cookies of a burst. */
struct syn_keys {
	const struct sw_key_slot *slot;
	uint32_t parity;
	uint32_t clock; /* of the TSval; sw_cookie_clock() */
};

/* EtherType and first byte of the IP header, as they lie in memory. */
#define SYN_TYPE_IP4	  (SW_ETHER_IP4_BE | 0x45u << 16)
#define SYN_TYPE_IP4_MASK 0x00ffffffu
#define SYN_TYPE_IP6	  (SW_ETHER_IP6_BE | 0x60u << 16)
#define SYN_TYPE_IP6_MASK 0x00f0ffffu

/* Neither of the two: IPv4 is 0, IPv6 is 1. */
#define SYN_NO_FAMILY 2u

/* EtherType and first byte of what follows the station addresses; the frame has both. */
sw_always_inline uint32_t
syn_type(const struct sw_frame *f)
{
	return sw_load32(f->data + SW_ETH_BYTES - 2);
}

sw_always_inline bool
syn_type_is(uint32_t type, const bool v6)
{
	return v6 ? (type & SYN_TYPE_IP6_MASK) == SYN_TYPE_IP6
		  : (type & SYN_TYPE_IP4_MASK) == SYN_TYPE_IP4;
}

/* Where the flow table would have lane i. */
sw_always_inline void
syn_place(const struct syn_batch *s, unsigned i, struct sw_flow_place *p)
{
	/* Each field by itself: a copy of the whole would wait for these stores. */
	p->b[0] = s->bucket[0][i];
	p->b[1] = s->bucket[1][i];
	p->tag = (uint16_t)s->tag[i];
}

/* All n lanes are fit; those up to the next multiple of ROW_LANES are like the last, and unfit. */
void syn_pad(struct syn_batch *s);

/* The tuple of lane i. */
void syn_tuple(const struct syn_batch *s, unsigned i, struct sw_tuple *t);

/*
 * Answers the fit SYNs of syns[], after all other packets of the burst; flows_made: those have made
 * flows, so each is looked for again. Those that are not to be answered here after all are copied
 * to rest[], their number is returned.
 */
unsigned syn_answer(
	struct burst *b, struct syn_batch syns[2], bool flows_made, struct sw_frame *rest);

/* Takes those out of `fit` that may have a flow, by the tags in their buckets. */
void syn_absent(struct syn_batch *s);

/*
 * Fills the rows, takes the lanes that are not plain out of `fit` and those with another server or
 * port than the first out of `like_first`. The buckets of the flow table are on their way then.
 */
void syn_read(struct syn_batch *s);

/*
 * Writes the SYN-ACKs over the SYNs of all lanes that are fit, and their length into tcp_len; takes
 * those whose options would be of another shape out of `fit`, unwritten.
 */
void syn_write(struct syn_batch *s, const struct syn_keys *keys);

#endif
