/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn_rows.h - rows of words for the AVX2 files of syn.h: a row is one 32-bit word of eight
 * packets. Words are as in memory (a 16-bit field that stands first is the low half) unless a
 * comment says otherwise. Private to handshake/.
 */
#ifndef SW_HANDSHAKE_SYN_ROWS_H
#define SW_HANDSHAKE_SYN_ROWS_H

#include <immintrin.h>

#include "handshake/syn.h"
#include "packet/wire.h"

#define SET1(x) _mm256_set1_epi32((int)(x))

/* Options as words in memory, and what covers their constant part. */
#define MSS_KIND     0x00000402u /* 2 4 */
#define MSS_MASK     0x0000ffffu
#define WSCALE_KIND  0x00030301u /* NOP 3 3 */
#define WSCALE_MASK  0x00ffffffu
#define SACK_TS	     0x0a080204u /* 4 2 8 10: Linux */
#define NOP_NOP_TS   0x0a080101u /* macOS, and our own where SACK is not agreed on */
#define NOP_NOP_SACK 0x02040101u /* Windows */
#define SACK_EOL     0x00000204u /* macOS */

sw_always_inline __m256i
row_load(const uint32_t *row)
{
	return _mm256_load_si256((const __m256i *)(const void *)row);
}

sw_always_inline void
row_store(uint32_t *row, __m256i x)
{
	_mm256_store_si256((__m256i *)(void *)row, x);
}

/* Words with their bytes reversed. */
sw_always_inline __m256i
swap32(__m256i x)
{
	const __m256i order = _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3,
		12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return _mm256_shuffle_epi8(x, order);
}

sw_always_inline __m256i
is(__m256i a, uint32_t b)
{
	return _mm256_cmpeq_epi32(a, SET1(b));
}

sw_always_inline __m256i
both(__m256i a, __m256i b)
{
	return _mm256_and_si256(a, b);
}

sw_always_inline __m256i
either(__m256i a, __m256i b)
{
	return _mm256_or_si256(a, b);
}

/* b without a */
sw_always_inline __m256i
less(__m256i b, __m256i a)
{
	return _mm256_andnot_si256(a, b);
}

/* a where the mask is set, else b */
sw_always_inline __m256i
pick(__m256i mask, __m256i a, __m256i b)
{
	return _mm256_blendv_epi8(b, a, mask);
}

/* All ones where that bit of x is set. */
sw_always_inline __m256i
bit_mask(__m256i x, uint32_t bit)
{
	return is(both(x, SET1(bit)), bit);
}

/* A running sum of 16-bit halves (RFC 1071), in 32 bits: some 40 words fit easily. */
sw_always_inline __m256i
sum_add(__m256i sum, __m256i x)
{
	return _mm256_add_epi32(
		sum, _mm256_add_epi32(both(x, SET1(0xffff)), _mm256_srli_epi32(x, 16)));
}

sw_always_inline __m256i
sum_fold(__m256i sum)
{
	sum = _mm256_add_epi32(both(sum, SET1(0xffff)), _mm256_srli_epi32(sum, 16));
	return _mm256_add_epi32(both(sum, SET1(0xffff)), _mm256_srli_epi32(sum, 16));
}

/* Four words at off of eight packets: rows r[0..3]. */
sw_always_inline void
read_words(uint8_t *const l3[SYN_LANES], unsigned off, __m256i r[4])
{
	__m256i x[4], y[4];

	for (unsigned k = 0; k < 4; k++) {
		const __m128i *low = (const __m128i *)(const void *)(l3[k] + off);
		const __m128i *high = (const __m128i *)(const void *)(l3[k + 4] + off);

		x[k] = _mm256_inserti128_si256(
			_mm256_castsi128_si256(_mm_loadu_si128(low)), _mm_loadu_si128(high), 1);
	}
	y[0] = _mm256_unpacklo_epi32(x[0], x[1]);
	y[1] = _mm256_unpackhi_epi32(x[0], x[1]);
	y[2] = _mm256_unpacklo_epi32(x[2], x[3]);
	y[3] = _mm256_unpackhi_epi32(x[2], x[3]);
	r[0] = _mm256_unpacklo_epi64(y[0], y[2]);
	r[1] = _mm256_unpackhi_epi64(y[0], y[2]);
	r[2] = _mm256_unpacklo_epi64(y[1], y[3]);
	r[3] = _mm256_unpackhi_epi64(y[1], y[3]);
}

/* The reverse. */
sw_always_inline void
write_words(uint8_t *const l3[SYN_LANES], unsigned off, const __m256i r[4])
{
	__m256i x[4], y[4];

	y[0] = _mm256_unpacklo_epi32(r[0], r[1]);
	y[1] = _mm256_unpackhi_epi32(r[0], r[1]);
	y[2] = _mm256_unpacklo_epi32(r[2], r[3]);
	y[3] = _mm256_unpackhi_epi32(r[2], r[3]);
	x[0] = _mm256_unpacklo_epi64(y[0], y[2]);
	x[1] = _mm256_unpackhi_epi64(y[0], y[2]);
	x[2] = _mm256_unpacklo_epi64(y[1], y[3]);
	x[3] = _mm256_unpackhi_epi64(y[1], y[3]);
	for (unsigned k = 0; k < 4; k++) {
		_mm_storeu_si128((__m128i *)(void *)(l3[k] + off), _mm256_castsi256_si128(x[k]));
		_mm_storeu_si128(
			(__m128i *)(void *)(l3[k + 4] + off), _mm256_extracti128_si256(x[k], 1));
	}
}

#endif
