/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * send.h - a worker's way out by one port, and the packets for which its ring had no room.
 *
 * A virtual port's ring that is full is read again in a moment, as a rule: its reader (a peer on
 * memif, a guest or a vhost thread on virtio) was off its CPU. A SYN-ACK that is given up then
 * costs a client a second. So what a ring did not take is kept, up to SW_SEND_KEEP packets, goes
 * before what comes later, in its order, and is offered again in each of the worker's rounds. The
 * worker goes on meanwhile: connections by other ports do not wait.
 *
 * SW_SEND_KEEP: a reader that is away does not send either, where it is the port's writer too. What
 * there is to be kept is then what stood in the receive ring and is not in the transmit ring yet:
 * with rings of the same size a burst or a few. For a ring that is full for good it is the time
 * that so many packets more take to be read.
 *
 * SW_SEND_KEEP_MS: a ring that has taken nothing for so long, in rounds of the worker, has no
 * reader (a peer that is gone, an interface that is down), and what is kept is given up.
 *
 * SW_SEND_SHARE: or a driver refuses the first packet for what it is, and with it all behind it:
 * one that is longer than a guest's buffer (net_vhost, without mergeable ones), or than an
 * interface takes (net_pcap). So that nobody holds up a port by sending such, nothing is kept for
 * SW_SEND_SHARE - 1 times as long afterwards. For net_tap the length is known: frame_max.
 *
 * Threads: each worker has its own, one for each port on which it has a queue; the counters may be
 *          read by any thread.
 * Memory:  the caller's; zeroes, with what is main's filled in.
 * Order of use: sw_send() and sw_send_kept() as often as there is something; sw_send_end() once.
 * Errors:  none. What is not sent is freed and counted.
 */
#ifndef SW_APP_SEND_H
#define SW_APP_SEND_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "base/base.h"

#define SW_SEND_KEEP	256
#define SW_SEND_KEEP_MS 20
#define SW_SEND_SHARE	16

struct sw_send {
	/* main: written before the launch; everybody: ro */
	alignas(SW_CACHE_LINE_BYTES) uint16_t port;
	uint16_t queue;
	uint32_t frame_max; /* bytes; a longer packet the port never takes: port.h */
	uint64_t keep_tsc;  /* SW_SEND_KEEP_MS in TSC cycles */

	/* lcore: rw, no one else */
	unsigned first, n_kept; /* of kept[] */
	uint64_t offered_tsc;	/* when these were offered last */
	uint64_t refused_tsc;	/* in how much time the ring has taken none of them */
	uint64_t not_kept_tsc;	/* until when nothing is kept */
	struct rte_mbuf *kept[SW_SEND_KEEP];

	/* lcore: rw, others: ro. Packets lost: ring and kept[] full, or the ring for too long. */
	alignas(SW_CACHE_LINE_BYTES) uint64_t full;
	uint64_t too_long; /* packets lost: longer than frame_max */
};

static_assert(offsetof(struct sw_send, kept) <= SW_CACHE_LINE_BYTES, "a burst reads one line");

/*
 * Offers what is kept, the oldest first; gives it up where it has been refused for too long.
 * Returns how many packets the port took.
 */
unsigned sw_send_kept(struct sw_send *s);

/* The rest of sw_send(): of n packets the port took k; none where k is more than n. */
void sw_send_rest(struct sw_send *s, struct rte_mbuf **m, unsigned n, unsigned k);

/* Offers what is kept once more, and gives up the rest. */
void sw_send_end(struct sw_send *s);

/* How many packets there is room for, whatever the port takes. */
sw_always_inline unsigned
sw_send_room(const struct sw_send *s)
{
	return SW_SEND_KEEP - s->n_kept;
}

/* Sends n packets, at most 65,535, behind those that are kept. m[] may be written. */
sw_always_inline void
sw_send(struct sw_send *s, struct rte_mbuf **m, unsigned n)
{
	unsigned k = 0;

	if (sw_unlikely(s->n_kept != 0))
		sw_send_kept(s);
	if (sw_likely(s->n_kept == 0))
		k = rte_eth_tx_burst(s->port, s->queue, m, (uint16_t)n);
	if (sw_unlikely(k != n))
		sw_send_rest(s, m, n, k);
}

#endif
