/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frame_vec.h - frames as vectors: handed on in one, some fields changed on the way; and fields
 * of eight frames side by side. For the files of level.h. Private to handshake/.
 */
#ifndef SW_HANDSHAKE_FRAME_VEC_H
#define SW_HANDSHAKE_FRAME_VEC_H

#include <immintrin.h>

#include "base/frame.h"

/* Words of a frame: 0 to 3 are pointers; room, side and csum share word 6. */
static_assert(
	sizeof(struct sw_frame) == sizeof(__m256i) && offsetof(struct sw_frame, len) == 16 &&
		offsetof(struct sw_frame, pkt_len) == 20 && offsetof(struct sw_frame, room) == 24 &&
		offsetof(struct sw_frame, side) == 26 && offsetof(struct sw_frame, csum) == 27,
	"as it is read and written here and in sort.h");

sw_always_inline __m256i
frame_load(const struct sw_frame *f)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)f);
}

sw_always_inline void
frame_store(struct sw_frame *f, __m256i x)
{
	_mm256_storeu_si256((__m256i *)(void *)f, x);
}

/* Words of eight frames, a lane each; room: with side and csum above it. */
struct frame_words {
	__m256i len, pkt_len, room;
};

sw_always_inline __m128i
frame_load_lengths(const struct sw_frame *f)
{
	return _mm_loadu_si128((const __m128i *)(const void *)&f->len);
}

sw_always_inline struct frame_words
frame_read_eight(const struct sw_frame *f)
{
	__m256i x[4], low[2], high[2];

	for (unsigned k = 0; k < 4; k++)
		x[k] = _mm256_inserti128_si256(_mm256_castsi128_si256(frame_load_lengths(&f[k])),
			frame_load_lengths(&f[k + 4]), 1);
	for (unsigned k = 0; k < 2; k++) {
		low[k] = _mm256_unpacklo_epi32(x[2 * k], x[2 * k + 1]);
		high[k] = _mm256_unpackhi_epi32(x[2 * k], x[2 * k + 1]);
	}
	return (struct frame_words){
		.len = _mm256_unpacklo_epi64(low[0], low[1]),
		.pkt_len = _mm256_unpackhi_epi64(low[0], low[1]),
		.room = _mm256_unpacklo_epi64(high[0], high[1]),
	};
}

/*
 * It has grown by so many bytes, or shrunk where that is below 0; its room by as many the other
 * way, which neither falls below 0 nor rises above 16 bits (sort.h sees to the latter): nothing is
 * carried to `side`.
 */
sw_always_inline void
frame_copy_grown(struct sw_frame *to, const struct sw_frame *from, uint32_t growth)
{
	const __m256i sign = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, -1, 0);
	const __m256i change = _mm256_sign_epi32(_mm256_set1_epi32((int)growth), sign);

	frame_store(to, _mm256_add_epi32(frame_load(from), change));
}

/* To the other side. */
sw_always_inline void
frame_copy_across(struct sw_frame *to, const struct sw_frame *from)
{
	const __m256i side = _mm256_setr_epi32(0, 0, 0, 0, 0, 0, 1 << 16, 0);

	frame_store(to, _mm256_xor_si256(frame_load(from), side));
}

#endif
