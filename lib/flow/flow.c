/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/seq.h"
#include "flow/flow.h"
#include "flow/place.h"

/* lcore: rw; control: ro (count, max_flows). */
struct sw_flow_table {
	alignas(SW_CACHE_LINE_BYTES) struct sw_flow_ground ground;
	uint32_t max_flows;
	uint32_t free_head;  /* SW_FLOW_NONE: table full */
	uint32_t count;	     /* stored relaxed, for readers on other threads */
	uint32_t age_bucket; /* where the next ageing call goes on */
	uint32_t age_slot;
};

/*
 * A flow goes into its first bucket while that has more free slots than these, then into the
 * emptier one: 2 % of the flows of a table that is half full are in their second bucket, 22 % of a
 * full one (always the emptier: 36 and 38 %), and who looks for a flow mostly need not ask for it.
 */
#define SPARE_SLOTS 2

/*
 * Mean flows per bucket of a full table: 4.5 of 8. A plain fill then reaches 100 %; random churn of
 * a table that is kept full finds both buckets full about once in 350,000 inserts (always the
 * emptier: 8 million). 64 + 65 / 4.5 = 78.4 bytes a flow. The 2 on top serve tables of a few flows.
 */
static uint32_t
bucket_count(uint32_t max_flows)
{
	return (uint32_t)(((uint64_t)max_flows * 2 + 8) / 9) + 2;
}

size_t
sw_flow_table_size(uint32_t max_flows)
{
	const size_t buckets = bucket_count(max_flows);

	return sizeof(struct sw_flow_table) + buckets * sizeof(struct sw_flow_bucket) +
	       (size_t)max_flows * sizeof(struct sw_flow) + sw_whole_lines(buckets);
}

struct sw_flow_table *
sw_flow_table_init(void *mem, size_t size, uint32_t max_flows, const uint64_t hash_key[4])
{
	struct sw_flow_table *t = mem;

	SW_ASSERT(max_flows >= 1 && max_flows <= 1u << 30);
	if (mem == NULL || (uintptr_t)mem % SW_CACHE_LINE_BYTES != 0 ||
		size < sw_flow_table_size(max_flows))
		return NULL;

	memset(t, 0, sizeof(*t));
	t->ground.n_buckets = bucket_count(max_flows);
	t->ground.buckets = (struct sw_flow_bucket *)(t + 1);
	t->ground.entries = (struct sw_flow *)(t->ground.buckets + t->ground.n_buckets);
	t->ground.fill = (uint8_t *)(t->ground.entries + max_flows);
	memset(t->ground.fill, 0, t->ground.n_buckets);
	t->max_flows = max_flows;
	memcpy(t->ground.hash_key, hash_key, sizeof(t->ground.hash_key));

	for (uint32_t b = 0; b < t->ground.n_buckets; b++) {
		memset(&t->ground.buckets[b], 0, sizeof(t->ground.buckets[b]));
		for (unsigned s = 0; s < SW_FLOW_BUCKET_SLOTS; s++)
			t->ground.buckets[b].index[s] = SW_FLOW_NONE;
	}
	/* Every entry is touched here, so that no page fault waits on the packet path. */
	for (uint32_t i = 0; i < max_flows; i++) {
		memset(&t->ground.entries[i], 0, sizeof(t->ground.entries[i]));
		t->ground.entries[i].aux = i + 1 < max_flows ? i + 1 : SW_FLOW_NONE;
	}
	t->free_head = 0;
	return t;
}

sw_always_inline struct sw_flow *
compare(struct sw_flow_table *t, const struct sw_flow_place *p, unsigned mask,
	const struct sw_tuple *tuple)
{
	for (; mask != 0; mask &= mask - 1) {
		struct sw_flow *f =
			sw_flow_place_entry(&t->ground, p, (unsigned)__builtin_ctz(mask));

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
		__builtin_prefetch(&g.buckets[s->place[i].b[0]]);
		__builtin_prefetch(&g.buckets[s->place[i].b[1]]);
	}
}

/* One candidate is the rule, and two share a tag once in 2^16 / 16 lookups. */
void
sw_flow_search_tags(struct sw_flow_table *t, struct sw_flow_search *s,
	const struct sw_tuple *const tuples[], unsigned n)
{
	const struct sw_flow_ground g = t->ground;

	for (unsigned i = 0; i < n; i++) {
		struct sw_flow_place *p = &s->place[i];
		const unsigned m = sw_likely(tuples[i] != NULL) ? sw_flow_place_match(&g, p) : 0;

		s->first[i] = NULL;
		if (m == 0)
			continue;
		p->more = (uint16_t)(m & (m - 1));
		s->first[i] = sw_flow_place_entry(&g, p, (unsigned)__builtin_ctz(m));
		__builtin_prefetch(s->first[i]);
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
sw_flow_find(struct sw_flow_table *t, const struct sw_tuple *tuple)
{
	struct sw_flow_place p = sw_flow_place_of(&t->ground, tuple);

	return compare(t, &p, sw_flow_place_match(&t->ground, &p), tuple);
}

static void
count_set(struct sw_flow_table *t, uint32_t count)
{
	/* A single writer: no read-modify-write is needed, only that a reader sees no half. */
	__atomic_store_n(&t->count, count, __ATOMIC_RELAXED);
}

struct sw_flow *
sw_flow_insert(struct sw_flow_table *t, const struct sw_tuple *tuple)
{
	struct sw_flow_place p = sw_flow_place_of(&t->ground, tuple);
	unsigned empty[2], slot;
	struct sw_flow_bucket *b;
	struct sw_flow *f;
	uint32_t index = t->free_head;

	SW_ASSERT(sw_flow_find(t, tuple) == NULL);
	if (index == SW_FLOW_NONE)
		return NULL;
	empty[0] = sw_flow_bucket_match(&t->ground.buckets[p.b[0]], SW_FLOW_TAG_EMPTY);
	empty[1] = sw_flow_bucket_match(&t->ground.buckets[p.b[1]], SW_FLOW_TAG_EMPTY);
	if ((empty[0] | empty[1]) == 0)
		return NULL;

	/* The first where it has room to spare, so that a search mostly ends there. */
	const unsigned room = (unsigned)__builtin_popcount(empty[0]);
	const unsigned which = room <= SPARE_SLOTS && (unsigned)__builtin_popcount(empty[1]) > room;

	b = &t->ground.buckets[p.b[which]];
	slot = (unsigned)__builtin_ctz(empty[which]);
	f = &t->ground.entries[index];
	t->free_head = f->aux;
	if (t->free_head != SW_FLOW_NONE)
		__builtin_prefetch(&t->ground.entries[t->free_head], 1);
	memset(f, 0, sizeof(*f));
	f->key = *tuple;
	t->ground.fill[p.b[which]]++;
	b->tag[slot] = p.tag;
	b->index[slot] = index;
	count_set(t, t->count + 1);
	return f;
}

void
sw_flow_remove(struct sw_flow_table *t, struct sw_flow *f)
{
	uint32_t index = sw_flow_index(t, f);
	struct sw_flow_place p = sw_flow_place_of(&t->ground, &f->key);

	for (unsigned mask = sw_flow_place_match(&t->ground, &p); mask != 0; mask &= mask - 1) {
		unsigned bit = (unsigned)__builtin_ctz(mask);
		struct sw_flow_bucket *b = &t->ground.buckets[p.b[bit / SW_FLOW_BUCKET_SLOTS]];

		if (b->index[bit % SW_FLOW_BUCKET_SLOTS] != index)
			continue;
		t->ground.fill[p.b[bit / SW_FLOW_BUCKET_SLOTS]]--;
		b->tag[bit % SW_FLOW_BUCKET_SLOTS] = SW_FLOW_TAG_EMPTY;
		b->index[bit % SW_FLOW_BUCKET_SLOTS] = SW_FLOW_NONE;
		f->aux = t->free_head;
		t->free_head = index;
		count_set(t, t->count - 1);
		return;
	}
	/*
	 * Not in the table, or its key was written to: freeing it would give the entry out twice.
	 */
	SW_ASSERT(!"entry is in the table");
}

uint32_t
sw_flow_index(const struct sw_flow_table *t, const struct sw_flow *f)
{
	SW_ASSERT(f >= t->ground.entries && f < t->ground.entries + t->max_flows);
	return (uint32_t)(f - t->ground.entries);
}

struct sw_flow *
sw_flow_at(struct sw_flow_table *t, uint32_t index)
{
	SW_ASSERT(index < t->max_flows);
	return &t->ground.entries[index];
}

static void
age_prefetch(const struct sw_flow_table *t, uint32_t bucket)
{
	const struct sw_flow_bucket *b = &t->ground.buckets[bucket];

	for (unsigned s = 0; s < SW_FLOW_BUCKET_SLOTS; s++) {
		if (b->index[s] != SW_FLOW_NONE)
			__builtin_prefetch(&t->ground.entries[b->index[s]].deadline_ms);
	}
}

unsigned
sw_flow_age(struct sw_flow_table *t, uint32_t now_ms, uint32_t buckets, struct sw_flow *expired[],
	unsigned max)
{
	unsigned n = 0;

	/* No more than one turn, or a flow could stand in expired[] twice. */
	if (buckets > t->ground.n_buckets)
		buckets = t->ground.n_buckets;
	for (; buckets > 0; buckets--) {
		const struct sw_flow_bucket *b = &t->ground.buckets[t->age_bucket];
		uint32_t next = t->age_bucket + 1 == t->ground.n_buckets ? 0 : t->age_bucket + 1;

		age_prefetch(t, next);
		for (; t->age_slot < SW_FLOW_BUCKET_SLOTS; t->age_slot++) {
			uint32_t index = b->index[t->age_slot];

			if (index == SW_FLOW_NONE ||
				!sw_seq_before(t->ground.entries[index].deadline_ms, now_ms))
				continue;
			if (n == max) /* this slot comes first next time */
				return n;
			expired[n++] = &t->ground.entries[index];
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
