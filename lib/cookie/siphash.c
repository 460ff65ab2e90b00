/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/simd.h"
#include "cookie/siphash.h"
#include "cookie/siphash_int.h"

static_assert(RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN, "words are read as little-endian as they stand");

sw_always_inline uint64_t
rotl(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* The published round, on the four words of one state. */
#define SIPROUND(v0, v1, v2, v3)              \
	do {                                  \
		(v0) += (v1);                 \
		(v2) += (v3);                 \
		(v1) = rotl((v1), 13) ^ (v0); \
		(v3) = rotl((v3), 16) ^ (v2); \
		(v0) = rotl((v0), 32);        \
		(v2) += (v1);                 \
		(v0) += (v3);                 \
		(v1) = rotl((v1), 17) ^ (v2); \
		(v3) = rotl((v3), 21) ^ (v0); \
		(v2) = rotl((v2), 32);        \
	} while (0)

struct state {
	uint64_t v0, v1, v2, v3;
};

sw_always_inline void
state_init(struct state *s, const struct sw_sipkey *key)
{
	s->v0 = key->k0 ^ 0x736f6d6570736575ull;
	s->v1 = key->k1 ^ 0x646f72616e646f6dull;
	s->v2 = key->k0 ^ 0x6c7967656e657261ull;
	s->v3 = key->k1 ^ 0x7465646279746573ull;
}

sw_always_inline void
state_word(struct state *s, uint64_t m)
{
	s->v3 ^= m;
	SIPROUND(s->v0, s->v1, s->v2, s->v3);
	SIPROUND(s->v0, s->v1, s->v2, s->v3);
	s->v0 ^= m;
}

sw_always_inline uint64_t
state_final(struct state *s)
{
	s->v2 ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		SIPROUND(s->v0, s->v1, s->v2, s->v3);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t
sw_siphash(const struct sw_sipkey *key, const void *msg, size_t len)
{
	const uint8_t *p = msg;
	uint64_t last = (uint64_t)len << 56;
	struct state s;

	state_init(&s, key);
	for (size_t left = len; left >= 8; left -= 8, p += 8) {
		uint64_t m;

		memcpy(&m, p, sizeof(m));
		state_word(&s, m);
	}
	for (unsigned i = 0; i < len % 8; i++)
		last |= (uint64_t)p[i] << (8 * i);
	state_word(&s, last);
	return state_final(&s);
}

/*
 * Two messages at a time: their rounds do not depend on each other, so the processor overlaps them,
 * and both states still fit into its registers.
 */
sw_always_inline void
burst(const struct sw_sipkey *const key[], const uint64_t *msg, unsigned stride, unsigned words,
	uint64_t *out, unsigned n)
{
	unsigned i = 0;

	for (; i + 2 <= n; i += 2) {
		struct state a, b;

		state_init(&a, key[i]);
		state_init(&b, key[i + 1]);
		for (unsigned w = 0; w <= words; w++) {
			uint64_t ma = msg[(size_t)w * stride + i];
			uint64_t mb = msg[(size_t)w * stride + i + 1];

			a.v3 ^= ma;
			b.v3 ^= mb;
			for (unsigned r = 0; r < 2; r++) {
				SIPROUND(a.v0, a.v1, a.v2, a.v3);
				SIPROUND(b.v0, b.v1, b.v2, b.v3);
			}
			a.v0 ^= ma;
			b.v0 ^= mb;
		}
		a.v2 ^= 0xff;
		b.v2 ^= 0xff;
		for (unsigned r = 0; r < 4; r++) {
			SIPROUND(a.v0, a.v1, a.v2, a.v3);
			SIPROUND(b.v0, b.v1, b.v2, b.v3);
		}
		out[i] = a.v0 ^ a.v1 ^ a.v2 ^ a.v3;
		out[i + 1] = b.v0 ^ b.v1 ^ b.v2 ^ b.v3;
	}
	if (i < n) {
		struct state s;

		state_init(&s, key[i]);
		for (unsigned w = 0; w <= words; w++)
			state_word(&s, msg[(size_t)w * stride + i]);
		out[i] = state_final(&s);
	}
}

void
sw_siphash_burst_scalar(const struct sw_sipkey *const key[], const uint64_t *msg, unsigned stride,
	unsigned words, uint64_t *out, unsigned n)
{
	/* The lengths of the cookie's messages (format.h) get code of their own, unrolled. */
	switch (words) {
	case 2:
		burst(key, msg, stride, 2, out, n);
		break;
	case 5:
		burst(key, msg, stride, 5, out, n);
		break;
	default:
		burst(key, msg, stride, words, out, n);
		break;
	}
}

void
sw_siphash_burst(const struct sw_sipkey *const key[], const uint64_t *msg, unsigned stride,
	unsigned words, uint64_t *out, unsigned n)
{
	static void (*const kernel[SW_SIMD_LEVELS])(const struct sw_sipkey *const key[],
		const uint64_t *msg, unsigned stride, unsigned words, uint64_t *out, unsigned n) = {
		[SW_SIMD_NONE] = sw_siphash_burst_scalar,
#ifdef SW_HAVE_VECTORS
		[SW_SIMD_AVX2] = sw_siphash_burst_avx2,
		[SW_SIMD_AVX512] = sw_siphash_burst_avx512,
		[SW_SIMD_AVX512W] = sw_siphash_burst_avx512w,
#endif
	};

	SW_ASSERT(n <= SW_BURST_MAX);
	kernel[sw_simd()](key, msg, stride, words, out, n);
}
