/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * send.h - a worker's way out by one port, and the packets for which its ring had no room.
 *
 * A virtual port's ring that is full is read again in a moment, as a rule: its reader (a peer on
 * memif, a guest or a vhost thread on virtio) was off its CPU. A SYN-ACK that is given up then
 * costs a client a second. So what a ring did not take is kept, up to SW_SEND_KEEP packets, and
 * goes before what comes later, in its order. The worker goes on meanwhile: other connections do
 * not wait, and who keeps a ring full takes no time of it.
 *
 * SW_SEND_KEEP: a reader that is away does not send either, where it is the port's writer too. What
 * there is to be kept is then what stood in the receive ring and is not in the transmit ring yet:
 * with rings of the same size a burst or a few. For a ring that is full for good it is the time
 * that so many packets more take to be read.
 *
 * SW_SEND_KEEP_MS: a ring that has taken nothing for so long has no reader (a peer that is gone, an
 * interface that is down), and what is kept is given up, for nobody waits for it any more.
 *
 * Threads: each worker has its own, one for each port on which it has a queue; the counters may be
 *          read by any thread.
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

struct sw_send {
	/* main: written before the launch; everybody: ro */
	uint16_t port, queue;
	uint32_t frame_max; /* bytes; a longer packet the port never takes: sw_port */
	uint64_t keep_tsc;  /* SW_SEND_KEEP_MS in TSC cycles */

	/* lcore: rw, no one else */
	unsigned first, n_kept; /* of kept[] */
	uint64_t since_tsc;	/* since when the ring has taken none of these */
	struct rte_mbuf *kept[SW_SEND_KEEP];

	/* lcore: rw, others: ro */
	uint64_t full;	   /* packets lost: the ring was full, and kept[] too, or for too long */
	uint64_t too_long; /* packets lost: longer than frame_max */
};

/* Offers what is kept, the oldest first. Returns how many packets the port took. */
unsigned sw_send_kept(struct sw_send *s);

/* What the port has not taken of a burst: keeps it, as far as there is room. */
void sw_send_keep(struct sw_send *s, struct rte_mbuf **m, unsigned n);

/* Offers what is kept once more, and gives up the rest. */
void sw_send_end(struct sw_send *s);

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
		sw_send_keep(s, m + k, n - k);
}

#endif
