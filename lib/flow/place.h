/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.h - where a tuple may live in the flow table: its two buckets and its tag. For flow/ itself
 * and for code that looks for many tuples at once (place_avx2.h).
 */
#ifndef SW_FLOW_PLACE_H
#define SW_FLOW_PLACE_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/base.h"
#include "flow/flow.h"

#define SW_FLOW_TAG_EMPTY 0

/* Factors of the tag: odd, so that each bit of the hash counts. */
#define SW_FLOW_TAG_LOW	 0x7f4a7c15u
#define SW_FLOW_TAG_HIGH 0x9e3779b9u

/*
 * One line; tags first, so that they compare as one 128-bit vector. Nothing needs the last 16
 * bytes, but a packed bucket of 48 would lie across two lines.
 */
struct sw_flow_bucket {
	/* SW_FLOW_TAG_EMPTY: free slot */
	alignas(SW_CACHE_LINE_BYTES) uint16_t tag[SW_FLOW_BUCKET_SLOTS];
	uint32_t index[SW_FLOW_BUCKET_SLOTS]; /* entry; SW_FLOW_NONE: free slot */
};
static_assert(sizeof(struct sw_flow_bucket) == SW_CACHE_LINE_BYTES, "a bucket is one cache line");

/* What finding a place needs to know of a table; lasts as long as that does. */
struct sw_flow_ground {
	struct sw_flow_bucket *buckets;
	struct sw_flow *entries;
	uint8_t *fill; /* slots of each bucket that are taken: a byte instead of a line */
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
sw_always_inline unsigned
sw_flow_bucket_match(const struct sw_flow_bucket *b, uint16_t tag)
{
#ifdef __SSE2__
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)b->tag);
	__m128i eq = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(eq, _mm_setzero_si128()));
#else
	unsigned mask = 0;

	for (unsigned s = 0; s < SW_FLOW_BUCKET_SLOTS; s++)
		mask |= (unsigned)(b->tag[s] == tag) << s;
	return mask;
#endif
}

/* Candidates in both buckets: the first in bits 0-7, the second in bits 8-15. */
sw_always_inline unsigned
sw_flow_place_match(const struct sw_flow_ground *g, const struct sw_flow_place *p)
{
	const struct sw_flow_bucket *a = &g->buckets[p->b[0]], *b = &g->buckets[p->b[1]];
#ifdef __SSE2__
	const __m128i tag = _mm_set1_epi16((short)p->tag);
	const __m128i in_a = _mm_cmpeq_epi16(_mm_load_si128((const void *)a->tag), tag);
	const __m128i in_b = _mm_cmpeq_epi16(_mm_load_si128((const void *)b->tag), tag);

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(in_a, in_b));
#else
	return sw_flow_bucket_match(a, p->tag) | sw_flow_bucket_match(b, p->tag)
							 << SW_FLOW_BUCKET_SLOTS;
#endif
}

/* The entry of one of those candidates. */
sw_always_inline struct sw_flow *
sw_flow_place_entry(const struct sw_flow_ground *g, const struct sw_flow_place *p, unsigned bit)
{
	const struct sw_flow_bucket *b = &g->buckets[p->b[bit / SW_FLOW_BUCKET_SLOTS]];

	return &g->entries[b->index[bit % SW_FLOW_BUCKET_SLOTS]];
}

#endif
