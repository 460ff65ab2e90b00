/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net.h - events in order of time, and links that lose, repeat, reorder, delay and corrupt.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "util.h"

enum event_kind { EV_TO_ENGINE, EV_TO_HOST, EV_POLL, EV_TICK, EV_PEER, EV_START, EV_FORGE };

struct event {
	uint64_t at;
	uint64_t order; /* of two at one time the older goes first: a run repeats exactly */
	enum event_kind kind;
	int side; /* EV_TO_ENGINE, EV_TO_HOST: the port */
	void *what;
};

/* A binary heap. */
struct queue {
	struct event *e;
	size_t n, cap;
	uint64_t next_order;
};

void queue_push(struct queue *q, uint64_t at, enum event_kind kind, int side, void *what);
/* False where the queue is empty. */
bool queue_pop(struct queue *q, struct event *e);
void queue_fini(struct queue *q);

struct link_cfg {
	unsigned loss, dup, reorder, corrupt; /* permille */
	unsigned ce;			      /* permille of packets that may be marked for it */
	uint64_t delay_ns, jitter_ns;	      /* jitter keeps the order; reordering does not */
};

struct link {
	struct link_cfg cfg;
	uint64_t last; /* arrival of the newest packet in order */
	uint64_t n_lost, n_dup, n_reordered, n_corrupt;
};

/* What a link does to one packet; copies 0: lost. */
struct fate {
	unsigned copies;
	bool corrupt; /* the first copy */
	bool reordered;
	bool ce;
	uint64_t at[2]; /* arrival of each copy */
};

struct fate link_carry(struct link *l, struct rng *rng, uint64_t now);

/* How often each of a set of keys was counted. */
struct tally {
	struct tally_slot {
		uint64_t key; /* 0: free */
		uint32_t n;
	} * slot;
	size_t size, used;
};

/* How often the key was counted before; counts it. */
uint32_t tally_count(struct tally *t, uint64_t key);
void tally_fini(struct tally *t);

/* True where it neither loses, corrupts, repeats nor reorders. */
bool link_is_clean(const struct link_cfg *c);

#endif
