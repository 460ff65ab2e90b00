/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood.h - floods: packets from sources that nobody has, and an account of what comes back.
 *
 * Every packet has a source address and port of its own, at random or counted up; sequence number
 * and timestamp follow from them (sw_load_secret()). What comes back is counted by kind, and one
 * SYN-ACK of `sample` is judged (reply.h).
 *
 * Threads: one.
 * Memory:  the caller's; struct sw_flood is large, not for a stack.
 */
#ifndef SW_LOAD_FLOOD_H
#define SW_LOAD_FLOOD_H

#include "craft.h"
#include "load.h"
#include "reply.h"

/* Types are drawn from a table of this many entries: a weight is a share of them. */
#define SW_FLOOD_MIX 256

struct sw_flood_spec {
	const struct sw_load_route *route;
	enum sw_craft_options options;
	unsigned weights[SW_CRAFT_TYPES]; /* not all 0; each at most SW_FLOOD_WEIGHT_MAX */
	uint32_t sample;		  /* every how manieth SYN-ACK is judged; 0: none */
	uint64_t seed;
};

#define SW_FLOOD_WEIGHT_MAX 1000000

/* What came back, and what was sent. */
struct sw_flood_stats {
	uint64_t tx[SW_CRAFT_TYPES];
	uint64_t rx;
	uint64_t synack;
	uint64_t rst;
	uint64_t syn;	/* SYN without ACK: our own, from a reflector */
	uint64_t tcp;	/* TCP with other flags */
	uint64_t other; /* not TCP, or cut */
	uint64_t checked;
	uint64_t invalid[SW_REPLY_FAULTS];
	uint64_t carried[SW_REPLY_OPTIONS_MAX]; /* right ones with this option */
};

struct sw_flood {
	struct sw_craft craft[SW_LOAD_SERVERS_MAX][SW_CRAFT_TYPES];
	uint8_t mix[SW_FLOOD_MIX];
	unsigned only_type; /* all of mix[], or SW_CRAFT_TYPES */
	const struct sw_load_route *route;
	enum sw_craft_options options;
	uint32_t sample;
	uint32_t until_sample;
	uint32_t next_server;
	uint64_t next_number; /* SW_SPACE_RANGE */
	struct sw_load_rand rand;
	struct sw_flood_stats stats;
};

void sw_flood_init(struct sw_flood *f, const struct sw_flood_spec *spec);

/*
 * Writes n packets to out[] and their lengths to len[]; each out has SW_LOAD_HEADERS_MAX_BYTES.
 * They count as sent. Returns n.
 */
unsigned sw_flood_fill(struct sw_flood *f, uint8_t *const out[], uint16_t len[], unsigned n);

/*
 * In a mixed run the flood has the upper half of the ports, connections the lower one. True for a
 * TCP frame to an upper one, and for what is not TCP.
 */
#define SW_FLOOD_PORT_MIN 32768
bool sw_flood_owns(const uint8_t *frame, uint32_t len);

/* Counts a frame that came in, and judges it where it is its turn. */
void sw_flood_input(struct sw_flood *f, const uint8_t *frame, uint32_t len);

#endif
