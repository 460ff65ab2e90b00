/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flow.h - the connections of one lcore: a bounded table with bulk lookup and incremental ageing.
 *
 * A flow is one cache line. A bucket is one cache line too: 32 tags of 16 bits. Each of its slots
 * has an entry of its own. A tuple hashes to two buckets and lives in the first, or where that is
 * nearly full in the emptier one (two-choice hashing; nothing ever moves). Lookup of a burst is
 * staged - hash and prefetch buckets, match tags and prefetch the entries, compare keys - so that
 * the misses of a burst overlap.
 *
 *   buckets   | t0 t1 t2 ... t31 | t0 t1 ...          64 bytes for 32 slots
 *   entries   | f0 | f1 | f2 | ... | f31 | f0 | ...   64 bytes each
 *
 * Bounded: buckets and entries are laid out once. As many flows as were asked for, or both buckets
 * full: insert fails, and no older flow is ever pushed out to make room. With two buckets of 32 and
 * in the mean 27 flows to a bucket of a full table, a full pair is rare until the table is nearly
 * full; docs/decisions/0002 has how rare, and tests hold it.
 *
 * Threads: one owner (lcore: rw). sw_flow_count() may be read by any thread.
 * Memory:  one block of the caller's, SW_CACHE_LINE_BYTES aligned. At most 80 bytes a flow from
 *          2,048 flows up.
 * Time:    now_ms is the low 32 bits of a millisecond clock; deadlines lie within 2^31 ms of it.
 */
#ifndef SW_FLOW_FLOW_H
#define SW_FLOW_FLOW_H

#include "base/base.h"
#include "base/tuple.h"

#define SW_FLOW_BUCKET_SLOTS 32

/*
 * Owner of all fields: the table's lcore.
 * The engine (handshake/, splice/) gives them their meaning.
 */
struct sw_flow {
	alignas(SW_CACHE_LINE_BYTES) struct sw_tuple key;
	uint32_t delta; /* sequence: what the client sees minus what the server sends */
	/*
	 * timestamp: the same; with SW_FLOW_TS_MADE: what the client sees minus now_ms; with
	 * SW_FLOW_FROM_SERVER: the server's ISN + 1
	 */
	uint32_t ts_delta;
	uint32_t deadline_ms;	     /* removed by ageing when now_ms has passed it */
	uint8_t state : 4;	     /* enum sw_flow_state (splice/state.h) */
	uint8_t wscale_client : 4;   /* shift of the client's windows; with SW_FLOW_NO_WSCALE */
	uint8_t flags;		     /* SW_FLOW_* (splice/splice.h) */
	uint8_t wscale_server : 4;   /* shift of the server's windows; 0 without the option */
	uint8_t wscale_promised : 4; /* shift that the client was told; 0 without the option */
	uint8_t mss_units; /* what a segment to the server may have (sw_mss_of_units); with
			    * SW_FLOW_MSS */
	union {
		struct {
			uint16_t server_isn; /* low half, to know its SYN-ACK when it is repeated */
			uint16_t window;     /* client's last window field of the handshake */
		};
		uint32_t reopen_isn; /* with SW_FLOW_REOPEN, not half-open: ISN of the new SYN */
	};
	/* Half-open: index of its pending record. Later: next byte that the server expects of the
	 * client, by its last ACK. */
	uint32_t aux;
};
static_assert(sizeof(struct sw_flow) == SW_CACHE_LINE_BYTES, "a flow is one cache line");

struct sw_flow_table;

/* Bytes that a table for max_flows flows needs; max_flows is 1..2^30. */
size_t sw_flow_table_size(uint32_t max_flows);

/*
 * Lays out an empty table at mem. hash_key: four random words.
 * Returns NULL where size is too small or mem is not aligned.
 */
struct sw_flow_table *sw_flow_table_init(
	void *mem, size_t size, uint32_t max_flows, const uint64_t hash_key[4]);

/* Where a tuple may live: found once, good for as long as the table. */
struct sw_flow_place {
	uint32_t b[2]; /* buckets */
	uint16_t tag;  /* in either of them */
	uint64_t more; /* of a search: candidates beside the first, as bits */
};

/*
 * flows[i] is the entry of tuples[i], or NULL. n <= SW_BURST_MAX. tuples[i] may be NULL: flows[i]
 * is then NULL. A pointer is good until its entry is removed.
 */
void sw_flow_lookup_burst(struct sw_flow_table *t, const struct sw_tuple *const tuples[],
	struct sw_flow **flows, unsigned n);

/*
 * The same in three steps, for a caller with other work to do in between: what a step needs of
 * memory is on its way since the one before. All three with the same n tuples (or their first part
 * and then the rest: `at` is where a call of the first step begins).
 */
struct sw_flow_search {
	struct sw_flow_place place[SW_BURST_MAX];
	struct sw_flow *first[SW_BURST_MAX]; /* candidate, or NULL */
};

void sw_flow_search_places(const struct sw_flow_table *t, struct sw_flow_search *s,
	const struct sw_tuple *const tuples[], unsigned at, unsigned n);
void sw_flow_search_tags(struct sw_flow_table *t, struct sw_flow_search *s,
	const struct sw_tuple *const tuples[], unsigned n);
void sw_flow_search_flows(struct sw_flow_table *t, const struct sw_flow_search *s,
	const struct sw_tuple *const tuples[], struct sw_flow **flows, unsigned n);

/* One lookup, for the rare places that need it. *_at(): by the place of the tuple. */
struct sw_flow *sw_flow_find(const struct sw_flow_table *t, const struct sw_tuple *tuple);
struct sw_flow *sw_flow_find_at(
	const struct sw_flow_table *t, const struct sw_flow_place *p, const struct sw_tuple *tuple);

/*
 * Makes an entry for a tuple that is not in the table (asserted). Everything behind its key is
 * zero. Returns NULL where the table, or both buckets of this tuple, are full.
 */
struct sw_flow *sw_flow_insert(struct sw_flow_table *t, const struct sw_tuple *tuple);
struct sw_flow *sw_flow_insert_at(
	struct sw_flow_table *t, const struct sw_flow_place *p, const struct sw_tuple *tuple);

/* Sends for the entry that insert would take now. */
void sw_flow_fetch_free(const struct sw_flow_table *t, const struct sw_flow_place *p);

/* Removes an entry; the pointer is dead afterwards. */
void sw_flow_remove(struct sw_flow_table *t, struct sw_flow *f);

/* Entry number, stable while the entry lives, and back. */
uint32_t sw_flow_index(const struct sw_flow_table *t, const struct sw_flow *f);
struct sw_flow *sw_flow_at(const struct sw_flow_table *t, uint32_t index);

/*
 * Ageing: looks at the next `buckets` buckets in turn and gives the flows whose deadline has
 * passed, at most max of them, into expired[]. They stay in the table: the caller does what it
 * has to and removes them. Returns how many; a call that fills expired[] stops early and goes on
 * there next time.
 */
unsigned sw_flow_age(struct sw_flow_table *t, uint32_t now_ms, uint32_t buckets,
	struct sw_flow *expired[], unsigned max);

/* Buckets in the table: an ageing pass over all of them is one full turn. */
uint32_t sw_flow_buckets(const struct sw_flow_table *t);

/* Flows in the table now; any thread. */
uint32_t sw_flow_count(const struct sw_flow_table *t);
uint32_t sw_flow_max(const struct sw_flow_table *t);

#endif
