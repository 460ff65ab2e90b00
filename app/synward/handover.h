/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * handover.h - packets from the worker that has them to the worker that must have them.
 *
 *   worker 0 (queue 0)                                     worker 1 (queue 1)
 *     receive, steer --- what is 1's --- give ring 0->1 ---> take, engine, send on queue 1
 *     take, engine  <--- give ring 1->0 --- what is 0's ---  receive, steer
 *
 *                                                          worker 2 (no queue of that port)
 *     receive, steer --- what is 2's --- give ring 0->2 ---> take, engine
 *     carry: send on queue 0  <--------- lend ring 2->0 ---  what is to be sent
 *
 * A ring has one producer and one consumer and is filled once for each destination and burst. A
 * ring that is full loses packets, which are counted; nobody ever waits for another worker. What
 * one worker gives to another stays in order, and all of a connection goes one way.
 *
 * A worker w has the queue pair w of each port that has one; else its output for that port is sent
 * by worker w % queues. With one worker there is nothing of all this.
 *
 * Order of use: sw_handover_create() for all workers, before they run; then on each worker's lcore
 *               give, take, lend and carry, once a round; sw_handover_free() when none runs any
 *               more.
 * Threads: as said; the counters may be read by any thread.
 * Memory:  EAL heap. Rings hold pointers; pools must have sw_handover_buffers() for them.
 */
#ifndef SW_APP_HANDOVER_H
#define SW_APP_HANDOVER_H

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/frame.h"
#include "packet/steer.h"

#include "port.h"

/* Packets. lcore: rw, others: ro. */
struct sw_handed {
	uint64_t given;
	uint64_t taken;
	uint64_t give_full;	      /* lost: the owner's ring was full */
	uint64_t lent;		      /* sent by another worker for this one */
	uint64_t lend_full[SW_SIDES]; /* lost: the ring to that worker was full */
};

struct sw_handover {
	/* main: written before the launch; lcore: ro */
	alignas(SW_CACHE_LINE_BYTES) const struct sw_steer *steer;
	struct rte_ring **give;		 /* by worker; NULL at its own place */
	struct rte_ring **take;		 /* n_take of them */
	struct rte_ring *lend[SW_SIDES]; /* NULL where the worker has a queue of that port */
	struct rte_ring **carry[SW_SIDES];
	uint16_t n_carry[SW_SIDES];
	uint16_t n_take;
	uint16_t n_workers;
	uint16_t self;

	/* lcore: rw, no one else */
	alignas(SW_CACHE_LINE_BYTES) uint16_t next; /* of take[] */
	struct sw_steer_runs runs;

	alignas(SW_CACHE_LINE_BYTES) struct sw_handed handed;
};

/* Packet buffers that may stand in the rings. */
uint32_t sw_handover_buffers(const struct sw_port ports[], unsigned n_ports, unsigned n_workers);

/*
 * Makes out[0..n_workers-1]; steer must stay. 0, or -ENOMEM after a message; what was made is then
 * there to be freed.
 */
int sw_handover_create(struct sw_handover *out[], unsigned n_workers, const struct sw_steer *steer,
	const struct sw_port ports[], unsigned n_ports);

/* Frees one worker's part, and the packets that still stand in its rings. NULL is fine. */
void sw_handover_free(struct sw_handover *h);

/*
 * Gives to their owners what other workers own of n frames, and moves the rest together. Returns
 * how many those are.
 */
unsigned sw_handover_give(struct sw_handover *h, struct sw_frame *frames, unsigned n);

/*
 * Takes what others gave, at most `max` packets. side[i]: the one that m[i] came in on.
 */
unsigned sw_handover_take(
	struct sw_handover *h, struct rte_mbuf *m[], uint8_t side[], unsigned max);

/* Output for a port of which the worker has no queue. */
void sw_handover_lend(struct sw_handover *h, unsigned side, struct rte_mbuf *m[], unsigned n);

/* Output of another worker, that of ring carry[side][i], to be sent on the own queue. */
sw_always_inline unsigned
sw_handover_carry(
	struct sw_handover *h, unsigned side, unsigned i, struct rte_mbuf *m[], unsigned max)
{
	return rte_ring_sc_dequeue_burst(h->carry[side][i], (void **)m, max, NULL);
}

#endif
