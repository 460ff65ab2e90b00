/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst with vectors: eight messages at a time. Of a few that are left over eight are made, for
 * one pass takes as long as three by the scalar code; one and two go there.
 */
#include <string.h>

#include "base/simd.h"
#include "cookie/siphash_int.h"
#include "cookie/siphash_x8.h"

/* The keys of four messages; of a burst of SYNs they are all the same one. */
struct keys_x4 {
	__m256i k0, k1;
};

sw_always_inline struct keys_x4
keys_of(const struct sw_sipkey *const key[])
{
	if (sw_likely(key[0] == key[1] && key[0] == key[2] && key[0] == key[3]))
		return (struct keys_x4){_mm256_set1_epi64x((long long)key[0]->k0),
			_mm256_set1_epi64x((long long)key[0]->k1)};
	return (struct keys_x4){
		_mm256_set_epi64x((long long)key[3]->k0, (long long)key[2]->k0,
			(long long)key[1]->k0, (long long)key[0]->k0),
		_mm256_set_epi64x((long long)key[3]->k1, (long long)key[2]->k1,
			(long long)key[1]->k1, (long long)key[0]->k1),
	};
}

sw_always_inline __m256i
load(const uint64_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

sw_always_inline unsigned
burst(const struct sw_sipkey *const key[], const uint64_t *msg, unsigned stride, unsigned words,
	uint64_t *out, unsigned n)
{
	unsigned i = 0;

	for (; i + 8 <= n; i += 8) {
		const struct keys_x4 ka = keys_of(key + i), kb = keys_of(key + i + 4);
		struct sip_x4 a = sip_init_x4(ka.k0, ka.k1), b = sip_init_x4(kb.k0, kb.k1);

		for (unsigned w = 0; w <= words; w++) {
			const uint64_t *m = &msg[(size_t)w * stride + i];

			sip_word_x8(&a, &b, load(m), load(m + 4));
		}
		sip_final_x8(&a, &b);
		_mm256_storeu_si256((__m256i *)(void *)&out[i], sip_fold_x4(&a));
		_mm256_storeu_si256((__m256i *)(void *)&out[i + 4], sip_fold_x4(&b));
	}
	return i;
}

/* From so many on, and up to so many words: as many as the longest message of a cookie has. */
#define PAD_MIN	      3
#define PAD_WORDS_MAX 5

/* n < 8 messages, the last one repeated. */
static sw_noinline void
padded(const struct sw_sipkey *const key[], const uint64_t *msg, unsigned stride, unsigned words,
	uint64_t *out, unsigned n)
{
	const struct sw_sipkey *keys[8];
	uint64_t m[(PAD_WORDS_MAX + 1) * 8], macs[8];

	for (unsigned i = 0; i < 8; i++) {
		const unsigned from = i < n ? i : n - 1;

		keys[i] = key[from];
		for (unsigned w = 0; w <= words; w++)
			m[w * 8 + i] = msg[(size_t)w * stride + from];
	}
	burst(keys, m, 8, words, macs, 8);
	memcpy(out, macs, n * sizeof(*out));
}

void
SW_SIMD_FN(sw_siphash_burst)(const struct sw_sipkey *const key[], const uint64_t *msg,
	unsigned stride, unsigned words, uint64_t *out, unsigned n)
{
	unsigned done;

	switch (words) {
	case 2:
		done = burst(key, msg, stride, 2, out, n);
		break;
	case 5:
		done = burst(key, msg, stride, 5, out, n);
		break;
	default:
		done = burst(key, msg, stride, words, out, n);
		break;
	}
	if (n - done >= PAD_MIN && words <= PAD_WORDS_MAX)
		padded(key + done, msg + done, stride, words, out + done, n - done);
	else if (done < n)
		sw_siphash_burst_scalar(
			key + done, msg + done, stride, words, out + done, n - done);
}
