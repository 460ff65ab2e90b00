/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/seq.h"
#include "flow/flow.h"
#include "flow/place.h"

/* lcore: rw; control: ro (count, max_flows). */
struct sw_flow_table {
	alignas(SW_CACHE_LINE_BYTES) struct sw_flow_ground ground;
	uint32_t max_flows;
	uint32_t count;	     /* stored relaxed, for readers on other threads */
	uint32_t age_bucket; /* where the next ageing call goes on */
	uint32_t age_slot;
};

/*
 * A flow goes into its first bucket while that has more free slots than these, then into the
 * emptier one: hardly a flow of a table that is half full is in its second bucket, 32 % of one that
 * is kept full, and who looks for a flow mostly need not ask for it.
 */
#define SPARE_SLOTS 4

/*
 * Mean flows per bucket of a full table, of 32. A plain fill then reaches 100 %, and of 120 million
 * inserts of random churn in a table that is kept full none found both buckets full, by simulation
 * (with 3 for SPARE_SLOTS 1 in 1.5 million). docs/decisions/0002 has more.
 */
#define MEAN_FLOWS 27

/* Two at least, so that each flow has two to choose from. */
static uint32_t
bucket_count(uint32_t max_flows)
{
	const uint32_t n = (uint32_t)(((uint64_t)max_flows + MEAN_FLOWS - 1) / MEAN_FLOWS);

	return n < 2 ? 2 : n;
}

/* A flow's share of a bucket, its 32 entries and its byte: (64 + 32 * 64 + 1) / 27 = 78.3 bytes. */
size_t
sw_flow_table_size(uint32_t max_flows)
{
	const size_t buckets = bucket_count(max_flows);

	return sizeof(struct sw_flow_table) + buckets * sizeof(struct sw_flow_bucket) +
	       buckets * SW_FLOW_BUCKET_SLOTS * sizeof(struct sw_flow) + sw_whole_lines(buckets);
}

struct sw_flow_table *
sw_flow_table_init(void *mem, size_t size, uint32_t max_flows, const uint64_t hash_key[4])
{
	struct sw_flow_table *t = mem;
	struct sw_flow_ground *g;

	SW_ASSERT(max_flows >= 1 && max_flows <= 1u << 30);
	if (mem == NULL || (uintptr_t)mem % SW_CACHE_LINE_BYTES != 0 ||
		size < sw_flow_table_size(max_flows))
		return NULL;

	/* All of it is touched here, so that no page fault waits on the packet path. */
	static_assert(SW_FLOW_TAG_EMPTY == 0, "all slots are free then");
	memset(mem, 0, sw_flow_table_size(max_flows));
	g = &t->ground;
	g->n_buckets = bucket_count(max_flows);
	g->buckets = (struct sw_flow_bucket *)(t + 1);
	g->entries = (struct sw_flow *)(g->buckets + g->n_buckets);
	g->fill = (uint8_t *)sw_flow_slot(g, g->n_buckets, 0);
	memcpy(g->hash_key, hash_key, sizeof(g->hash_key));
	t->max_flows = max_flows;
	return t;
}

sw_always_inline struct sw_flow *
compare(const struct sw_flow_table *t, const struct sw_flow_place *p, uint64_t mask,
	const struct sw_tuple *tuple)
{
	for (; mask != 0; mask &= mask - 1) {
		struct sw_flow *f =
			sw_flow_place_entry(&t->ground, p, (unsigned)__builtin_ctzll(mask));

		if (sw_tuple_equal(&f->key, tuple))
			return f;
	}
	return NULL;
}

/* Copies of `ground`: what is stored could be the table itself, for all that the compiler knows. */
void
sw_flow_search_places(const struct sw_flow_table *t, struct sw_flow_search *s,
	const struct sw_tuple *const tuples[], unsigned at, unsigned n)
{
	const struct sw_flow_ground g = t->ground;

	SW_ASSERT(at + n <= SW_BURST_MAX);
	for (unsigned i = at; i < at + n; i++) {
		if (sw_unlikely(tuples[i] == NULL))
			continue;
		s->place[i] = sw_flow_place_of(&g, tuples[i]);
		sw_fetch(&g.buckets[s->place[i].b[0]]);
		sw_fetch(&g.buckets[s->place[i].b[1]]);
	}
}

/*
 * One candidate is the rule; in a full table another flow has the same tag once in 65,535 / 54
 * lookups.
 */
void
sw_flow_search_tags(struct sw_flow_table *t, struct sw_flow_search *s,
	const struct sw_tuple *const tuples[], unsigned n)
{
	const struct sw_flow_ground g = t->ground;

	for (unsigned i = 0; i < n; i++) {
		struct sw_flow_place *p = &s->place[i];
		const uint64_t m = sw_likely(tuples[i] != NULL) ? sw_flow_place_match(&g, p) : 0;

		s->first[i] = NULL;
		if (m == 0)
			continue;
		p->more = m & (m - 1);
		s->first[i] = sw_flow_place_entry(&g, p, (unsigned)__builtin_ctzll(m));
		sw_fetch(s->first[i]);
	}
}

void
sw_flow_search_flows(struct sw_flow_table *t, const struct sw_flow_search *s,
	const struct sw_tuple *const tuples[], struct sw_flow **flows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct sw_flow *f = s->first[i];

		if (f != NULL && sw_unlikely(!sw_tuple_equal(&f->key, tuples[i])))
			f = compare(t, &s->place[i], s->place[i].more, tuples[i]);
		flows[i] = f;
	}
}

void
sw_flow_lookup_burst(struct sw_flow_table *t, const struct sw_tuple *const tuples[],
	struct sw_flow **flows, unsigned n)
{
	struct sw_flow_search s;

	sw_flow_search_places(t, &s, tuples, 0, n);
	sw_flow_search_tags(t, &s, tuples, n);
	sw_flow_search_flows(t, &s, tuples, flows, n);
}

struct sw_flow *
sw_flow_find_at(
	const struct sw_flow_table *t, const struct sw_flow_place *p, const struct sw_tuple *tuple)
{
	return compare(t, p, sw_flow_place_match(&t->ground, p), tuple);
}

struct sw_flow *
sw_flow_find(const struct sw_flow_table *t, const struct sw_tuple *tuple)
{
	const struct sw_flow_place p = sw_flow_place_of(&t->ground, tuple);

	return sw_flow_find_at(t, &p, tuple);
}

static void
count_set(struct sw_flow_table *t, uint32_t count)
{
	/* A single writer: no read-modify-write is needed, only that a reader sees no half. */
	__atomic_store_n(&t->count, count, __ATOMIC_RELAXED);
}

/* Where a flow goes: its bucket and slot; false: both of its buckets are full. */
sw_always_inline bool
choose(const struct sw_flow_ground *g, const struct sw_flow_place *p, uint32_t *bucket,
	unsigned *slot)
{
	const unsigned room = SW_FLOW_BUCKET_SLOTS - g->fill[p->b[0]];
	const unsigned second = SW_FLOW_BUCKET_SLOTS - g->fill[p->b[1]];
	/* The first where it has room to spare, so that a search mostly ends there. */
	const unsigned which = room <= SPARE_SLOTS && second > room;
	/* Not always the lowest: in a table of few flows all would share few sets of the cache. */
	const unsigned from = p->tag % SW_FLOW_BUCKET_SLOTS;
	uint32_t empty;

	if ((which ? second : room) == 0)
		return false;
	*bucket = p->b[which];
	empty = sw_flow_bucket_match(&g->buckets[*bucket], SW_FLOW_TAG_EMPTY);
	empty = empty >> from | empty << (-from % SW_FLOW_BUCKET_SLOTS);
	*slot = (from + (unsigned)__builtin_ctz(empty)) % SW_FLOW_BUCKET_SLOTS;
	return true;
}

void
sw_flow_fetch_free(const struct sw_flow_table *t, const struct sw_flow_place *p)
{
	uint32_t bucket;
	unsigned slot;

	if (choose(&t->ground, p, &bucket, &slot))
		sw_fetch(sw_flow_slot(&t->ground, bucket, slot));
}

#ifndef NDEBUG
static bool
is_place_of(
	const struct sw_flow_ground *g, const struct sw_flow_place *p, const struct sw_tuple *tuple)
{
	const struct sw_flow_place is = sw_flow_place_of(g, tuple);

	return p->b[0] == is.b[0] && p->b[1] == is.b[1] && p->tag == is.tag;
}
#endif

struct sw_flow *
sw_flow_insert_at(
	struct sw_flow_table *t, const struct sw_flow_place *p, const struct sw_tuple *tuple)
{
	struct sw_flow_ground *g = &t->ground;
	struct sw_flow *f;
	uint32_t bucket;
	unsigned slot;

	SW_ASSERT(sw_flow_find(t, tuple) == NULL);
	SW_ASSERT(is_place_of(g, p, tuple));
	if (t->count == t->max_flows || !choose(g, p, &bucket, &slot))
		return NULL;
	f = sw_flow_slot(g, bucket, slot);
	memset(f, 0, sizeof(*f));
	f->key = *tuple;
	g->buckets[bucket].tag[slot] = p->tag;
	g->fill[bucket]++;
	count_set(t, t->count + 1);
	return f;
}

struct sw_flow *
sw_flow_insert(struct sw_flow_table *t, const struct sw_tuple *tuple)
{
	const struct sw_flow_place p = sw_flow_place_of(&t->ground, tuple);

	return sw_flow_insert_at(t, &p, tuple);
}

void
sw_flow_remove(struct sw_flow_table *t, struct sw_flow *f)
{
	const uint32_t index = sw_flow_index(t, f), bucket = index / SW_FLOW_BUCKET_SLOTS;
	uint16_t *tag = &t->ground.buckets[bucket].tag[index % SW_FLOW_BUCKET_SLOTS];

	SW_ASSERT(*tag != SW_FLOW_TAG_EMPTY);
	if (*tag == SW_FLOW_TAG_EMPTY) /* a count that wraps would do more harm */
		return;
	*tag = SW_FLOW_TAG_EMPTY;
	t->ground.fill[bucket]--;
	count_set(t, t->count - 1);
}

uint32_t
sw_flow_index(const struct sw_flow_table *t, const struct sw_flow *f)
{
	SW_ASSERT(f >= t->ground.entries && f < sw_flow_slot(&t->ground, t->ground.n_buckets, 0));
	return (uint32_t)(f - t->ground.entries);
}

struct sw_flow *
sw_flow_at(const struct sw_flow_table *t, uint32_t index)
{
	SW_ASSERT(index / SW_FLOW_BUCKET_SLOTS < t->ground.n_buckets);
	return &t->ground.entries[index];
}

/* Bit s is set where slot s of that bucket is taken. */
sw_always_inline uint32_t
taken(const struct sw_flow_ground *g, uint32_t bucket)
{
	return g->fill[bucket] == 0 ? 0
				    : ~sw_flow_bucket_match(&g->buckets[bucket], SW_FLOW_TAG_EMPTY);
}

static void
age_prefetch(const struct sw_flow_ground *g, uint32_t bucket)
{
	for (uint32_t left = taken(g, bucket); left != 0; left &= left - 1)
		sw_fetch(&sw_flow_slot(g, bucket, (unsigned)__builtin_ctz(left))->deadline_ms);
}

unsigned
sw_flow_age(struct sw_flow_table *t, uint32_t now_ms, uint32_t buckets, struct sw_flow *expired[],
	unsigned max)
{
	const struct sw_flow_ground *g = &t->ground;
	unsigned n = 0;

	/* No more than one turn, or a flow could stand in expired[] twice. */
	if (buckets > g->n_buckets)
		buckets = g->n_buckets;
	for (; buckets > 0; buckets--) {
		const uint32_t next = t->age_bucket + 1 == g->n_buckets ? 0 : t->age_bucket + 1;
		uint32_t left = taken(g, t->age_bucket) & UINT32_MAX << t->age_slot;

		age_prefetch(g, next);
		for (; left != 0; left &= left - 1) {
			const unsigned slot = (unsigned)__builtin_ctz(left);
			struct sw_flow *f = sw_flow_slot(g, t->age_bucket, slot);

			if (!sw_seq_before(f->deadline_ms, now_ms))
				continue;
			if (n == max) { /* this slot comes first next time */
				t->age_slot = slot;
				return n;
			}
			expired[n++] = f;
		}
		t->age_slot = 0;
		t->age_bucket = next;
	}
	return n;
}

uint32_t
sw_flow_buckets(const struct sw_flow_table *t)
{
	return t->ground.n_buckets;
}

uint32_t
sw_flow_count(const struct sw_flow_table *t)
{
	return __atomic_load_n(&t->count, __ATOMIC_RELAXED);
}

uint32_t
sw_flow_max(const struct sw_flow_table *t)
{
	return t->max_flows;
}

const struct sw_flow_ground *
sw_flow_ground(const struct sw_flow_table *t)
{
	return &t->ground;
}
