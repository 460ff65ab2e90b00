/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * steer.h - which of several workers a packet belongs to.
 *
 * A connection has one owner: the worker whose flow table has it. Both of its directions, its first
 * fragments and the ICMP errors about it are the owner's. Everything else (what is not TCP, later
 * fragments, what cannot be read) is handled without a connection and stays where it came in.
 *
 *   by hash   sw_tuple_hash() of the connection, keyed at each start, so that nobody can aim his
 *             connections at one worker. For ports that spread packets in ways of their own.
 *   by RSS    what a port does that was set up by the daemon: the Toeplitz hash with a key of one
 *             repeated 16-bit word, and a redirection table. Computed here for every packet, so
 *             that what the port hashes by addresses only (ICMP errors, fragments, IPv6 extension
 *             headers) comes to the connection's owner too. VLAN tags are not part of it.
 *
 * Toeplitz is linear and the key has a period of 16 bits: the hash of a tuple is the hash of the
 * XOR of all its 16-bit words. That makes it symmetric, and cheap: two table reads.
 *
 * Order of use: sw_steer_by_hash() or sw_steer_by_rss() once; then for each burst that a port gave
 *               sw_steer_burst() and sw_steer_sort().
 * Threads: a struct sw_steer is read by all workers once it is made; each worker has its own struct
 *          sw_steer_runs.
 * Memory:  the caller's.
 */
#ifndef SW_PACKET_STEER_H
#define SW_PACKET_STEER_H

#include "base/base.h"
#include "base/frame.h"

#define SW_STEER_WORKERS_MAX 256
#define SW_STEER_RETA_MAX    4096 /* entries of a redirection table; a power of two */
#define SW_STEER_RSS_WORD    0x6d5a

/* No connection: the packet stays with the worker that received it. */
#define SW_STEER_STAY UINT16_MAX

struct sw_steer {
	uint64_t key[4]; /* by hash */
	uint16_t n_workers;
	bool by_rss;
	uint16_t reta_mask;
	uint16_t toeplitz[2]
			 [256]; /* of the high and of the low byte; the low 16 bits of the hash */
	uint8_t reta[SW_STEER_RETA_MAX];
};

/* n_workers: 1..SW_STEER_WORKERS_MAX. key: random. */
void sw_steer_by_hash(struct sw_steer *s, unsigned n_workers, const uint64_t key[4]);

/*
 * period: the size of the smallest redirection table, a power of two of at most SW_STEER_RETA_MAX,
 * not less than n_workers.
 */
void sw_steer_by_rss(struct sw_steer *s, unsigned n_workers, unsigned period);

/* What entry `entry` of a redirection table holds, where the smallest one has `period` of them. */
sw_always_inline uint16_t
sw_steer_reta_queue(unsigned entry, unsigned period, unsigned n_workers)
{
	return (uint16_t)(entry % period % n_workers);
}

/* owner[i]: the worker of frames[i], or SW_STEER_STAY. n <= SW_BURST_MAX. Writes to no frame. */
void sw_steer_burst(
	const struct sw_steer *s, struct sw_frame *frames, unsigned n, uint16_t owner[]);

/* True where none of the frames is another worker's. For assertions. */
bool sw_steer_all_mine(
	const struct sw_steer *s, struct sw_frame *frames, unsigned n, unsigned self);

/* What goes to one other worker: order[first] to order[first + n - 1]. */
struct sw_steer_run {
	uint16_t to;
	uint8_t first;
	uint8_t n;
};

/* A burst, sorted: one run for each other worker that gets something; the rest is kept. */
struct sw_steer_runs {
	struct sw_steer_run run[SW_BURST_MAX];
	unsigned n_runs;
	unsigned n_kept;
	uint8_t order[SW_BURST_MAX]; /* indices into the burst, by run, in the order of arrival */
	uint8_t kept[SW_BURST_MAX];  /* the same of what stays */
	/* Of the worker's run, plus 1, while a burst is sorted; all 0 before and after. */
	uint8_t slot[SW_STEER_WORKERS_MAX];
};

/* Sorts what sw_steer_burst() found. *r: all 0 before its first use. */
void sw_steer_sort(struct sw_steer_runs *r, const uint16_t owner[], unsigned n, unsigned self);

#endif
