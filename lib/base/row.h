/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * row.h - a row: one 32-bit word of each of ROW_LANES packets, in a vector register. Of 256 bits,
 * or of 512 in files that are compiled with SW_ROW_512: the same lines of code work on eight
 * packets at a time or on sixteen. A mask is a row too, all ones or zero in each lane.
 *
 * For files that are compiled for each level of base/simd.h above the first; internal to lib/.
 *
 * What instructions do within 128 bits is done here within each quarter of a row (half, of 256
 * bits): quarter q has the lanes 4q to 4q + 3. Numbers of bits are constants.
 */
#ifndef SW_BASE_ROW_H
#define SW_BASE_ROW_H

#include <immintrin.h>

#include "base/base.h"

#if defined(SW_ROW_512) && !(defined(__AVX512BW__) && defined(__AVX512DQ__))
#error "SW_ROW_512 needs AVX-512 with F, BW, DQ and VL"
#endif

#ifdef SW_ROW_512
typedef __m512i sw_row;
#define ROW_OP(name) _mm512_##name
#define row_and	     _mm512_and_si512
#define row_or	     _mm512_or_si512
#define row_xor	     _mm512_xor_si512
#define row_zero     _mm512_setzero_si512
#define ROW_PS(x)    _mm512_castsi512_ps(x)
#define ROW_OF_PS(x) _mm512_castps_si512(x)
#else
typedef __m256i sw_row;
#define ROW_OP(name) _mm256_##name
#define row_and	     _mm256_and_si256
#define row_or	     _mm256_or_si256
#define row_xor	     _mm256_xor_si256
#define row_zero     _mm256_setzero_si256
#define ROW_PS(x)    _mm256_castsi256_ps(x)
#define ROW_OF_PS(x) _mm256_castps_si256(x)
#endif

#define ROW_LANES    ((unsigned)(sizeof(sw_row) / sizeof(uint32_t)))
#define ROW_QUARTERS (ROW_LANES / 4)
#define ROW_ALL	     ((1u << ROW_LANES) - 1) /* row_lanes() of a mask without a zero */

/* Words of 32 bits. */
#define row_add ROW_OP(add_epi32)
#define row_sub ROW_OP(sub_epi32)
#define row_mul ROW_OP(mullo_epi32) /* the low half of the product */
#define row_min ROW_OP(min_epu32)   /* unsigned */
#define row_sll ROW_OP(slli_epi32)
#define row_srl ROW_OP(srli_epi32)

/* Words of 64 bits, half as many. */
#define row_add64 ROW_OP(add_epi64)
#define row_mul64 ROW_OP(mul_epu32) /* of their low halves, unsigned */
#define row_sll64 ROW_OP(slli_epi64)
#define row_srl64 ROW_OP(srli_epi64)

/* Within quarters. */
#define row_low32  ROW_OP(unpacklo_epi32)
#define row_high32 ROW_OP(unpackhi_epi32)
#define row_low64  ROW_OP(unpacklo_epi64)
#define row_high64 ROW_OP(unpackhi_epi64)
#define row_bytes  ROW_OP(shuffle_epi8)
#define row_words  ROW_OP(shuffle_epi32)

sw_always_inline sw_row
row_set1(uint32_t x)
{
	return ROW_OP(set1_epi32)((int)x);
}

sw_always_inline sw_row
row_set1_64(uint64_t x)
{
#ifdef SW_ROW_512
	return _mm512_set1_epi64((long long)x);
#else
	return _mm256_set1_epi64x((long long)x);
#endif
}

/* row: aligned as a row is. */
sw_always_inline sw_row
row_load(const uint32_t *row)
{
	return *(const sw_row *)(const void *)row;
}

sw_always_inline void
row_store(uint32_t *row, sw_row x)
{
	*(sw_row *)(void *)row = x;
}

/* Aligned or not. */
sw_always_inline sw_row
row_load_any(const void *p)
{
#ifdef SW_ROW_512
	return _mm512_loadu_si512(p);
#else
	return _mm256_loadu_si256((const __m256i *)p);
#endif
}

sw_always_inline void
row_store_any(void *p, sw_row x)
{
#ifdef SW_ROW_512
	_mm512_storeu_si512(p, x);
#else
	_mm256_storeu_si256((__m256i *)p, x);
#endif
}

/* a without b */
sw_always_inline sw_row
row_less(sw_row a, sw_row b)
{
#ifdef SW_ROW_512
	return _mm512_andnot_si512(b, a);
#else
	return _mm256_andnot_si256(b, a);
#endif
}

/* The same in each quarter. */
sw_always_inline sw_row
row_repeat(__m128i x)
{
#ifdef SW_ROW_512
	return _mm512_broadcast_i32x4(x);
#else
	return _mm256_broadcastsi128_si256(x);
#endif
}

/* Quarter q is 16 bytes at off from p[k + 4q]. */
sw_always_inline sw_row
row_gather(uint8_t *const p[], unsigned k, size_t off)
{
	__m128i x[ROW_QUARTERS];

	for (unsigned q = 0; q < ROW_QUARTERS; q++)
		x[q] = _mm_loadu_si128((const __m128i *)(const void *)(p[k + 4 * q] + off));
#ifdef SW_ROW_512
	return _mm512_inserti32x4(
		_mm512_inserti32x4(
			_mm512_inserti32x4(_mm512_castsi128_si512(x[0]), x[1], 1), x[2], 2),
		x[3], 3);
#else
	return _mm256_inserti128_si256(_mm256_castsi128_si256(x[0]), x[1], 1);
#endif
}

/* The reverse. */
sw_always_inline void
row_scatter(uint8_t *const p[], unsigned k, size_t off, sw_row x)
{
#ifdef SW_ROW_512
	const __m128i q[ROW_QUARTERS] = {_mm512_castsi512_si128(x), _mm512_extracti32x4_epi32(x, 1),
		_mm512_extracti32x4_epi32(x, 2), _mm512_extracti32x4_epi32(x, 3)};
#else
	const __m128i q[ROW_QUARTERS] = {_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)};
#endif

	for (unsigned i = 0; i < ROW_QUARTERS; i++)
		_mm_storeu_si128((__m128i *)(void *)(p[k + 4 * i] + off), q[i]);
}

/* Masks of lanes. */
sw_always_inline sw_row
row_eq(sw_row a, sw_row b)
{
#ifdef SW_ROW_512
	return _mm512_movm_epi32(_mm512_cmpeq_epi32_mask(a, b));
#else
	return _mm256_cmpeq_epi32(a, b);
#endif
}

/* a > b, with sign */
sw_always_inline sw_row
row_gt(sw_row a, sw_row b)
{
#ifdef SW_ROW_512
	return _mm512_movm_epi32(_mm512_cmpgt_epi32_mask(a, b));
#else
	return _mm256_cmpgt_epi32(a, b);
#endif
}

/* a where the mask is set, else b */
sw_always_inline sw_row
row_pick(sw_row mask, sw_row a, sw_row b)
{
#ifdef SW_ROW_512
	return _mm512_ternarylogic_epi32(mask, a, b, 0xca);
#else
	return _mm256_blendv_epi8(b, a, mask);
#endif
}

/* Bit i: lane i of a mask is set. */
sw_always_inline unsigned
row_lanes(sw_row mask)
{
#ifdef SW_ROW_512
	return _mm512_movepi32_mask(mask);
#else
	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(mask));
#endif
}

/* The even words of a and the odd ones of b. */
sw_always_inline sw_row
row_even_odd(sw_row a, sw_row b)
{
#ifdef SW_ROW_512
	return _mm512_mask_blend_epi32(0xaaaa, a, b);
#else
	return _mm256_blend_epi32(a, b, 0xaa);
#endif
}

/* Of each quarter the even words of a, then those of b. */
sw_always_inline sw_row
row_evens(sw_row a, sw_row b)
{
	return ROW_OF_PS(ROW_OP(shuffle_ps)(ROW_PS(a), ROW_PS(b), 0x88));
}

/* The odd ones. */
sw_always_inline sw_row
row_odds(sw_row a, sw_row b)
{
	return ROW_OF_PS(ROW_OP(shuffle_ps)(ROW_PS(a), ROW_PS(b), 0xdd));
}

/* Of each quarter: word i of row k becomes word k of row i. */
sw_always_inline void
row_transpose(const sw_row from[4], sw_row to[4])
{
	const sw_row a = row_low32(from[0], from[1]), b = row_high32(from[0], from[1]);
	const sw_row c = row_low32(from[2], from[3]), d = row_high32(from[2], from[3]);

	to[0] = row_low64(a, c);
	to[1] = row_high64(a, c);
	to[2] = row_low64(b, d);
	to[3] = row_high64(b, d);
}

#endif
