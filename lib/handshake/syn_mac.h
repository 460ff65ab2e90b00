/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn_mac.h - the MAC of cookie/format.h for eight packets whose words are rows (syn_rows.h).
 * Private to handshake/.
 */
#ifndef SW_HANDSHAKE_SYN_MAC_H
#define SW_HANDSHAKE_SYN_MAC_H

#include "cookie/siphash_avx2.h"
#include "handshake/syn_rows.h"

/*
 * Rows and 64-bit lanes: unpacking two rows gives the lanes 0 1 4 5 and 2 3 6 7 with the first row
 * in the low halves; lows() and highs() put the halves of such a pair into rows again.
 */
struct pair {
	__m256i a, b;
};

sw_always_inline struct pair
pair_of(__m256i low, __m256i high)
{
	return (struct pair){_mm256_unpacklo_epi32(low, high), _mm256_unpackhi_epi32(low, high)};
}

sw_always_inline __m256i
lows(const struct pair *p)
{
	return _mm256_castps_si256(
		_mm256_shuffle_ps(_mm256_castsi256_ps(p->a), _mm256_castsi256_ps(p->b), 0x88));
}

sw_always_inline __m256i
highs(const struct pair *p)
{
	return _mm256_castps_si256(
		_mm256_shuffle_ps(_mm256_castsi256_ps(p->a), _mm256_castsi256_ps(p->b), 0xdd));
}

/* 64-bit word i of the two addresses of lanes 0 1 4 5 and 2 3 6 7, all four words. */
sw_always_inline void
address_words(uint8_t *const l3[SYN_LANES], struct pair m[4])
{
	static const uint8_t lane[2][4] = {{0, 1, 4, 5}, {2, 3, 6, 7}};
	__m256i q[2][4];

	for (unsigned g = 0; g < 2; g++) {
		__m256i x[4], y[4];

		for (unsigned k = 0; k < 4; k++)
			x[k] = _mm256_loadu_si256(
				(const __m256i *)(const void *)(l3[lane[g][k]] +
								offsetof(struct sw_wire_ip6, src)));
		y[0] = _mm256_unpacklo_epi64(x[0], x[1]);
		y[1] = _mm256_unpackhi_epi64(x[0], x[1]);
		y[2] = _mm256_unpacklo_epi64(x[2], x[3]);
		y[3] = _mm256_unpackhi_epi64(x[2], x[3]);
		q[g][0] = _mm256_permute2x128_si256(y[0], y[2], 0x20);
		q[g][1] = _mm256_permute2x128_si256(y[1], y[3], 0x20);
		q[g][2] = _mm256_permute2x128_si256(y[0], y[2], 0x31);
		q[g][3] = _mm256_permute2x128_si256(y[1], y[3], 0x31);
	}
	for (unsigned i = 0; i < 4; i++)
		m[i] = (struct pair){q[0][i], q[1][i]};
}

/* The two words of the key of each lane. */
struct key_rows {
	struct pair k0, k1;
};

sw_always_inline struct key_rows
one_key(const struct sw_sipkey *key)
{
	const __m256i k0 = _mm256_set1_epi64x((long long)key->k0);
	const __m256i k1 = _mm256_set1_epi64x((long long)key->k1);

	return (struct key_rows){{k0, k0}, {k1, k1}};
}

sw_always_inline struct pair
mac(const struct key_rows *key, const struct pair *m, unsigned n)
{
	struct sip_x4 a = sip_init_x4(key->k0.a, key->k1.a);
	struct sip_x4 b = sip_init_x4(key->k0.b, key->k1.b);

	for (unsigned i = 0; i < n; i++)
		sip_word_x8(&a, &b, m[i].a, m[i].b);
	sip_final_x8(&a, &b);
	return (struct pair){sip_fold_x4(&a), sip_fold_x4(&b)};
}

/* MAC1 of cookie/format.h. state: 8 bits. */
sw_always_inline struct pair
mac1(const struct syn_batch *s, unsigned at, __m256i state, const struct key_rows *key,
	const bool v6)
{
	const unsigned words = v6 ? SW_COOKIE_V6_WORDS : SW_COOKIE_V4_WORDS;
	struct pair m[SW_COOKIE_V6_WORDS + 1];

	if (v6)
		address_words(&s->l3[at], m);
	else
		m[0] = pair_of(row_load(&s->client[at]), row_load(&s->server[at]));
	m[words - 1] = pair_of(row_load(&s->ports[at]), row_load(&s->isn[at]));
	m[words] = pair_of(either(state, _mm256_slli_epi32(row_load(&s->vlan[at]), 8)),
		SET1((words * 8 + SW_COOKIE_TAIL_BYTES) << 24));
	return mac(key, m, words + 1);
}

#endif
