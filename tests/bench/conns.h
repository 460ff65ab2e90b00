/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conns.h - connections that are opened through the engine by their real handshake.
 *
 * A connection is its number: address, port and both ISNs follow from it, and no two numbers below
 * 2^32 have the same address and port. Only what the engine said is kept. Clients and servers use
 * all options.
 *
 * bench_conn_*() that add a packet to the burst of a rig are for between bench_rig_next() and
 * bench_rig_run().
 */
#ifndef BENCH_CONNS_H
#define BENCH_CONNS_H

#include "bench/pkts.h"
#include "bench/rig.h"

/* What our SYN-ACK said. */
struct bench_conn {
	uint32_t isn;
	uint32_t tsval;
};

struct bench_conns {
	struct bench_rig *rig;
	struct bench_shape shape;
	uint8_t csum; /* of what is given to the engine */
};

/*
 * Runs one burst of SYNs: connections first..first + n - 1, n <= SW_BURST_MAX, and keeps the
 * answers in c[0..n-1]. False where one was not answered by its SYN-ACK.
 */
bool bench_conn_syns(
	const struct bench_conns *cs, uint64_t first, struct bench_conn *c, unsigned n);

/* The ACK that brings the cookie back. */
void bench_conn_add_ack(const struct bench_conns *cs, uint64_t i, const struct bench_conn *c);
/* The server's answer to our SYN. */
void bench_conn_add_synack(const struct bench_conns *cs, uint64_t i);
/* The other answer. */
void bench_conn_add_refusal(const struct bench_conns *cs, uint64_t i);
/* A segment of the open connection, within the first bytes of the stream. */
void bench_conn_add_segment(const struct bench_conns *cs, uint64_t i, const struct bench_conn *c,
	unsigned side, uint32_t payload);

/*
 * Opens connections first..first + n - 1 completely; c[0..n-1]. Returns how many the engine counts
 * as established by it.
 */
uint64_t bench_conn_open(
	const struct bench_conns *cs, uint64_t first, struct bench_conn *c, uint64_t n);

struct sw_tuple bench_conn_tuple(const struct bench_conns *cs, uint64_t i);

#endif
