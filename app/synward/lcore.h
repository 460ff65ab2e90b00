/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lcore.h - the workers: one poll loop a lcore, from ethdev to the engine and back.
 *
 *   rx burst (outside, inside) -> sw_engine_burst() -> tx burst (outside, inside), free
 *
 * The only place where a struct rte_mbuf becomes a struct sw_frame and the reverse. A frame's
 * handle is its mbuf. Packets of several segments are shown by their first segment, with
 * no room behind.
 *
 * A worker polls the queue of its own index on the ports that have one, has its own engine and
 * writes nothing that another thread writes. What it reads of others: the view and the stop flag
 * (struct sw_control), and with several workers the rings between them (handover.h).
 *
 * Threads: sw_worker_create() and sw_worker_free() on the main thread while the worker does not
 *          run; sw_worker_run() on its lcore; the counters may be read by any thread.
 * Memory:  EAL heap, on the NUMA node of the outside port (of the lcore where the port has none).
 */
#ifndef SW_APP_LCORE_H
#define SW_APP_LCORE_H

#include "base/base.h"
#include "handshake/engine.h"

#include "clock.h"
#include "control.h"
#include "handover.h"
#include "idle.h"
#include "port.h"
#include "send.h"

/* Buffers that one worker may hold beside the ports' rings and its engine's held packets. */
#define SW_WORKER_BUFFERS (SW_SPARE_MAX + 2 * SW_BURST_MAX + SW_SIDES * SW_SEND_KEEP)

struct sw_worker {
	/* main: written before the launch; everybody: ro */
	alignas(SW_CACHE_LINE_BYTES) struct sw_engine *engine;
	struct sw_out *out;
	struct sw_control *control;
	struct rte_mempool *pool; /* spares come from it */
	struct sw_clock clock;
	uint64_t tick_tsc;	      /* TSC cycles between ticks */
	uint64_t stall_tsc;	      /* a round that takes longer is no work: stalled_tsc */
	struct sw_handover *handover; /* NULL: the only worker */
	uint16_t port[SW_SIDES];
	bool has_queue[SW_SIDES];   /* else others receive and send for it */
	bool peer_writes[SW_SIDES]; /* of port.h */
	uint16_t index;		    /* queue number, and thread number for RCU */
	uint16_t n_ports;
	unsigned lcore;
	void *engine_mem;

	/* lcore: rw, no one else */
	alignas(SW_CACHE_LINE_BYTES) struct sw_idle idle;

	/* Of sides on which it has a queue. Owners: see there. */
	alignas(SW_CACHE_LINE_BYTES) struct sw_send send[SW_SIDES];

	/* lcore: rw, others: ro. Lost beside the engine: packets for an inside that is none. */
	alignas(SW_CACHE_LINE_BYTES) uint64_t tx_no_port;
	uint64_t no_buffer; /* times that the pool had no spare buffers */
	/*
	 * TSC cycles of all rounds: with packets, without, and those in which the CPU was taken
	 * away (another process, a stopped one, the host of a virtual machine).
	 */
	uint64_t busy_tsc, idle_tsc, stalled_tsc;
	uint64_t busy_rounds; /* with packets */
};

/* What a worker is made of. */
struct sw_worker_spec {
	struct sw_engine_params params;
	struct sw_control *control;
	struct sw_handover *handover; /* NULL: the only worker */
	const struct sw_port *ports;
	unsigned n_ports;
	unsigned lcore;
	uint16_t index;
	bool idle_sleeps;
};

/*
 * Makes the worker and its engine; warns where lcore and port are on different NUMA nodes. NULL
 * after a message that says how much memory was missing.
 */
struct sw_worker *sw_worker_create(const struct sw_worker_spec *spec);
void sw_worker_free(struct sw_worker *w);

/*
 * The loop (lcore_function_t); returns when told to stop, 0 or -errno. All held packets are freed.
 */
int sw_worker_run(void *worker);

#endif
