/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss.h - spreads connections over several workers so that both directions meet on one.
 *
 * A packet of a connection has addresses and ports (C, S) on the outside port and (S, C) on the
 * inside one. Toeplitz is linear and a key of one repeated 16-bit word makes it blind to where a
 * word stands, so hash(C, S) = hash(S, C). With the same key and, bit for bit, the same way from
 * hash to queue on both ports, the two directions come to the same queue number: the same worker.
 *
 *   hash & (reta size - 1) -> reta entry -> queue        entry i holds (i % smallest size) % queues
 *
 * What was set is read back. Where a port cannot do it, or took something else, connections are
 * steered by the workers themselves (packet/steer.h, handover.h).
 *
 * Threads: main thread.
 * Errors:  0, or -errno after a warning that says what is missing.
 */
#ifndef SW_APP_RSS_H
#define SW_APP_RSS_H

#include <stdint.h>

#include "port.h"

#define SW_RSS_KEY_BYTES_MAX 255
/* Enough for the input of TCP over IPv6: 36 bytes and the 32 bits of the hash. */
#define SW_RSS_KEY_BYTES_MIN 40

/* The symmetric key, `len` bytes of it. */
void sw_rss_key(uint8_t *key, unsigned len);

/*
 * Before the start: sets *rss_hf to the packet types that all ports hash, or says what is missing.
 */
int sw_rss_types(const struct sw_port ports[], unsigned n_ports, uint64_t *rss_hf);

/*
 * The packet types for a port that need only spread its load over its queues, however it does that;
 * 0: it has one queue, or no hash.
 */
uint64_t sw_rss_spread(const struct sw_port *p);

/* Entries of the smallest redirection table: the period of all of them. */
unsigned sw_rss_period(const struct sw_port ports[], unsigned n_ports);

/* After the start: key and redirection tables into all ports, and read back. */
int sw_rss_setup(
	const struct sw_port ports[], unsigned n_ports, unsigned n_queues, uint64_t rss_hf);

#endif
