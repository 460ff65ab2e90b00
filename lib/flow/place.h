/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.h - where a tuple may live in the flow table: its two buckets and its tag. For flow/ itself
 * and for code that looks for many tuples at once (place_rows.h).
 */
#ifndef SW_FLOW_PLACE_H
#define SW_FLOW_PLACE_H

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "base/base.h"
#include "flow/flow.h"

#define SW_FLOW_TAG_EMPTY 0

/* Factors of the tag: odd, so that each bit of the hash counts. */
#define SW_FLOW_TAG_LOW	 0x7f4a7c15u
#define SW_FLOW_TAG_HIGH 0x9e3779b9u

/*
 * One line, and nothing else in it: tags stand close together, so that caches and the TLB hold more
 * of them. What slot s of bucket b stands for is entry 32 b + s.
 */
struct sw_flow_bucket {
	/* SW_FLOW_TAG_EMPTY: free slot */
	alignas(SW_CACHE_LINE_BYTES) uint16_t tag[SW_FLOW_BUCKET_SLOTS];
};
static_assert(sizeof(struct sw_flow_bucket) == SW_CACHE_LINE_BYTES, "a bucket is one cache line");

/* What finding a place needs to know of a table; lasts as long as that does. */
struct sw_flow_ground {
	struct sw_flow_bucket *buckets;
	struct sw_flow *entries; /* as many for each bucket as it has slots */
	uint8_t *fill;		 /* slots of each bucket that are taken: a byte instead of a line */
	uint64_t hash_key[4];
	uint32_t n_buckets;
};

const struct sw_flow_ground *sw_flow_ground(const struct sw_flow_table *t);

sw_always_inline struct sw_flow_place
sw_flow_place_of(const struct sw_flow_ground *g, const struct sw_tuple *tuple)
{
	const uint64_t h = sw_tuple_hash(tuple, g->hash_key);
	const uint32_t low = (uint32_t)h, high = (uint32_t)(h >> 32);
	struct sw_flow_place p;

	/* Multiply-shift instead of modulo: any number of buckets will do. */
	p.b[0] = (uint32_t)((uint64_t)high * g->n_buckets >> 32);
	p.b[1] = (uint32_t)((uint64_t)low * g->n_buckets >> 32);
	if (sw_unlikely(p.b[0] == p.b[1]))
		p.b[1] = p.b[1] + 1 == g->n_buckets ? 0 : p.b[1] + 1;
	/* A mix of all 64 bits: a slice of h would be half known from the bucket's number. */
	p.tag = (uint16_t)((low * SW_FLOW_TAG_LOW + high * SW_FLOW_TAG_HIGH) >> 16);
	if (p.tag == SW_FLOW_TAG_EMPTY)
		p.tag = 1;
	return p;
}

/* Bit s is set where slot s has this tag. */
sw_always_inline uint32_t
sw_flow_bucket_match(const struct sw_flow_bucket *b, uint16_t tag)
{
#if defined(__AVX2__)
	const __m256i *const tags = (const __m256i *)(const void *)b->tag;
	const __m256i t = _mm256_set1_epi16((short)tag);
	const __m256i eq =
		_mm256_packs_epi16(_mm256_cmpeq_epi16(tags[0], t), _mm256_cmpeq_epi16(tags[1], t));

	/* Packing leaves the words in the order 0 2 1 3. */
	return (uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(eq, 0xd8));
#elif defined(__SSE2__)
	const __m128i *const tags = (const __m128i *)(const void *)b->tag;
	const __m128i t = _mm_set1_epi16((short)tag);
	__m128i eq[4];

	for (unsigned i = 0; i < 4; i++)
		eq[i] = _mm_cmpeq_epi16(tags[i], t);
	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(eq[0], eq[1])) |
	       (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(eq[2], eq[3])) << 16;
#else
	uint32_t mask = 0;

	for (unsigned s = 0; s < SW_FLOW_BUCKET_SLOTS; s++)
		mask |= (uint32_t)(b->tag[s] == tag) << s;
	return mask;
#endif
}

/* Candidates in both buckets: the first in the low half, the second in the high one. */
sw_always_inline uint64_t
sw_flow_place_match(const struct sw_flow_ground *g, const struct sw_flow_place *p)
{
	return sw_flow_bucket_match(&g->buckets[p->b[0]], p->tag) |
	       (uint64_t)sw_flow_bucket_match(&g->buckets[p->b[1]], p->tag) << SW_FLOW_BUCKET_SLOTS;
}

sw_always_inline struct sw_flow *
sw_flow_slot(const struct sw_flow_ground *g, uint32_t bucket, unsigned slot)
{
	return &g->entries[(size_t)bucket * SW_FLOW_BUCKET_SLOTS + slot];
}

/* The entry of one of those candidates. */
sw_always_inline struct sw_flow *
sw_flow_place_entry(const struct sw_flow_ground *g, const struct sw_flow_place *p, unsigned bit)
{
	return sw_flow_slot(g, p->b[bit / SW_FLOW_BUCKET_SLOTS], bit % SW_FLOW_BUCKET_SLOTS);
}

#endif
