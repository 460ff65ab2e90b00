/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * impair.h - one direction of a bad wire: packets in, the same packets out later, or not at all.
 *
 *   push --> lost? --> duplicated? --> corrupted? --> due = now + delay + jitter [+ reorder] -->
 * pop
 *
 * Every decision is a function of the seed and of the packet's number in this direction, nothing
 * else, so that a run can be repeated packet for packet. Packets that fall due at one time leave in
 * the order in which they came; without jitter and reordering that is true of all packets.
 *
 * Counters keep the books: in + duplicated = out + lost + overflowed + impair_queued().
 *
 * Threads: one. Memory: heap, bounded by max_packets.
 * Time:    now_ns is the caller's steady clock and never goes back.
 */
#ifndef SW_TESTS_IMPAIR_H
#define SW_TESTS_IMPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPAIR_PPM	  1000000u
#define IMPAIR_NEVER_NS	  UINT64_MAX
#define IMPAIR_HEADER_LEN 14u /* the Ethernet header is never corrupted: the frame must arrive */

struct impair_config {
	uint64_t seed;
	uint64_t delay_ns;
	uint64_t jitter_ns;  /* up to this much more, uniform, for each packet; reorders */
	uint64_t reorder_ns; /* how much longer the packets chosen by reorder_ppm take */
	uint32_t loss_ppm;
	uint32_t dup_ppm;
	uint32_t reorder_ppm;
	uint32_t corrupt_ppm; /* one random bit behind the Ethernet header is flipped */
};

struct impair_counters {
	uint64_t in;
	uint64_t out;
	uint64_t lost;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t corrupted;
	uint64_t overflowed; /* found the queue full */
};

struct impair_packet {
	uint64_t due_ns;
	uint64_t order;
	struct impair_packet *next_free;
	uint32_t len;
	uint32_t room;
	uint8_t data[];
};

struct impair {
	struct impair_config cfg;
	struct impair_counters count;
	struct impair_packet **heap; /* earliest (due_ns, order) at [0] */
	size_t n, max;
	struct impair_packet *pool;
	uint64_t next_order;
};

/* Returns 0; -EINVAL for a share above 100 % or max_packets 0; -ENOMEM. */
int impair_init(struct impair *im, const struct impair_config *cfg, size_t max_packets);

void impair_fini(struct impair *im);

/* Takes a copy of a packet. Returns 0 or -ENOMEM; a packet that is lost is not an error. */
int impair_push(struct impair *im, uint64_t now_ns, const void *data, uint32_t len);

/* When the next packet falls due, or IMPAIR_NEVER_NS. */
uint64_t impair_next_ns(const struct impair *im);

/* The earliest packet that is due, or NULL. The caller gives it back by impair_release(). */
struct impair_packet *impair_pop(struct impair *im, uint64_t now_ns);

void impair_release(struct impair *im, struct impair_packet *pkt);

static inline size_t
impair_queued(const struct impair *im)
{
	return im->n;
}

#endif
