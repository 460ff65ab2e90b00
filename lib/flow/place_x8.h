/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place_x8.h - sw_flow_place_of() for eight tuples, given as rows of words. For files that are
 * compiled for each level of vector instructions (base/simd.h); internal to lib/.
 */
#ifndef SW_FLOW_PLACE_X8_H
#define SW_FLOW_PLACE_X8_H

#include <immintrin.h>

#include "flow/place.h"

/* 64-bit numbers of the lanes 0 2 4 6 and of 1 3 5 7. */
struct sw_x8_wide {
	__m256i even, odd;
};

sw_always_inline __m256i
sw_x8_highs(struct sw_x8_wide a)
{
	return _mm256_blend_epi32(_mm256_srli_epi64(a.even, 32), a.odd, 0xaa);
}

sw_always_inline __m256i
sw_x8_lows(struct sw_x8_wide a)
{
	return _mm256_blend_epi32(a.even, _mm256_slli_epi64(a.odd, 32), 0xaa);
}

sw_always_inline struct sw_x8_wide
sw_x8_mul(__m256i a, __m256i b)
{
	return (struct sw_x8_wide){
		_mm256_mul_epu32(a, b),
		_mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)),
	};
}

sw_always_inline struct sw_x8_wide
sw_x8_add(struct sw_x8_wide a, struct sw_x8_wide b)
{
	return (struct sw_x8_wide){
		_mm256_add_epi64(a.even, b.even), _mm256_add_epi64(a.odd, b.odd)};
}

/* The high half below an odd multiple of the low one. */
sw_always_inline __m256i
sw_x8_spread(__m256i b)
{
	const __m256i odd = _mm256_set1_epi64x((long long)((uint64_t)SW_HASH_ODD << 32));
	const __m256i low_above = _mm256_slli_epi64(b, 32);

	/* Words of four: 0 0 in the low halves, so what is there stays 0. */
	return _mm256_or_si256(_mm256_mullo_epi32(low_above, odd), _mm256_srli_epi64(b, 32));
}

/* sw_hash_mul(); ka, kb: numbers of the key's halves. */
sw_always_inline struct sw_x8_wide
sw_x8_hash_mul(__m256i a, unsigned ka, __m256i b, unsigned kb, const uint32_t k[8])
{
	return sw_x8_mul(_mm256_add_epi32(a, _mm256_set1_epi32((int)k[ka])),
		_mm256_add_epi32(b, _mm256_set1_epi32((int)k[kb])));
}

/* Words of eight tuples; IPv4 uses client[3] and server[3]. */
struct sw_x8_tuple {
	__m256i client[4], server[4], ports, vlan_af;
};

struct sw_x8_place {
	__m256i b[2], tag;
};

sw_always_inline struct sw_x8_place
sw_x8_place_of(const struct sw_flow_ground *g, const struct sw_x8_tuple *t, const bool v6)
{
	const __m256i n = _mm256_set1_epi32((int)g->n_buckets);
	const __m256i zero = _mm256_setzero_si256();
	struct sw_x8_wide a, b, h, swapped;
	struct sw_x8_place p;
	__m256i low, high, same;
	uint32_t k[8];

	memcpy(k, g->hash_key, sizeof(k));
	if (v6) {
		a = sw_x8_add(sw_x8_hash_mul(t->client[0], 0, t->client[1], 1, k),
			sw_x8_hash_mul(t->client[2], 2, t->client[3], 3, k));
		a = sw_x8_add(a, sw_x8_hash_mul(t->server[0], 4, t->server[1], 5, k));
		a = sw_x8_add(a, sw_x8_hash_mul(t->server[2], 6, t->server[3], 7, k));
	} else {
		a = sw_x8_hash_mul(t->client[3], 0, t->server[3], 1, k);
	}
	b = sw_x8_add(sw_x8_hash_mul(_mm256_xor_si256(sw_x8_lows(a), t->ports), 2,
			      _mm256_xor_si256(sw_x8_highs(a), t->vlan_af), 3, k),
		a);
	swapped = (struct sw_x8_wide){sw_x8_spread(b.even), sw_x8_spread(b.odd)};
	h = sw_x8_add(sw_x8_hash_mul(sw_x8_lows(b), 6, sw_x8_highs(b), 7, k), swapped);
	low = sw_x8_lows(h);
	high = sw_x8_highs(h);
	p.b[0] = sw_x8_highs(sw_x8_mul(high, n));
	p.b[1] = sw_x8_highs(sw_x8_mul(low, n));
	same = _mm256_cmpeq_epi32(p.b[0], p.b[1]);
	p.b[1] = _mm256_sub_epi32(p.b[1], same);
	p.b[1] = _mm256_andnot_si256(_mm256_cmpeq_epi32(p.b[1], n), p.b[1]);
	p.tag = _mm256_add_epi32(_mm256_mullo_epi32(low, _mm256_set1_epi32((int)SW_FLOW_TAG_LOW)),
		_mm256_mullo_epi32(high, _mm256_set1_epi32((int)SW_FLOW_TAG_HIGH)));
	p.tag = _mm256_srli_epi32(p.tag, 16);
	p.tag = _mm256_sub_epi32(p.tag, _mm256_cmpeq_epi32(p.tag, zero));
	return p;
}

#endif
