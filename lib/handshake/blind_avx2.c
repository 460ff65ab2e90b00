/* SPDX-License-Identifier: BSD-3-Clause */
/* blind_avx2.c - eight ACKs are judged and their cookies verified (blind.h). */
#include "handshake/blind.h"
#include "handshake/syn_mac.h"

#define ALL_WORDS(v6) ((v6) ? 16 : 12) /* that are read: up to the TCP flags */

/* parse.c: lengths that are in order; hdr: bytes of the TCP header. */
sw_always_inline __m256i
lengths_fit(const __m256i *w, __m256i hdr, __m256i l3_len, const bool v6)
{
	const __m256i ip = SET1(v6 ? SW_IP6_BYTES : SW_IP4_BYTES);
	const __m256i len = v6 ? _mm256_add_epi32(_mm256_srli_epi32(swap32(w[1]), 16), ip)
			       : both(swap32(w[0]), SET1(0xffff));
	__m256i wrong = _mm256_cmpgt_epi32(SET1(SW_TCP_BYTES), hdr);

	wrong = either(wrong, _mm256_cmpgt_epi32(_mm256_add_epi32(ip, hdr), len));
	return less(SET1(UINT32_MAX), either(wrong, _mm256_cmpgt_epi32(len, l3_len)));
}

sw_always_inline void
read_lanes(struct syn_batch *s, unsigned at, const bool v6)
{
	__m256i w[ALL_WORDS(true)];
	const __m256i *tcp = w + IP_WORDS(v6);
	__m256i hdr, fit;

	for (unsigned i = 0; i < ALL_WORDS(v6); i += 4)
		read_words(&s->l3[at], 4 * i, w + i);
	find_places(s, at, w, v6);
	hdr = _mm256_srli_epi32(both(tcp[3], SET1(0xf0)), 2);
	fit = both(ip_sound(w, v6), lengths_fit(w, hdr, row_load(&s->l3_len[at]), v6));
	if (!v6) {
		row_store(&s->client[at], w[3]);
		row_store(&s->server[at], w[4]);
	}
	row_store(&s->ports[at], tcp[0]);
	row_store(&s->isn[at], _mm256_sub_epi32(swap32(tcp[1]), SET1(1)));
	row_store(&s->cookie[at], _mm256_sub_epi32(swap32(tcp[2]), SET1(1)));
	s->fit &= (uint64_t)lanes(fit) << at | ~((uint64_t)0xff << at);
	s->like_first &= (uint64_t)lanes(like_first(s, w, v6)) << at | ~((uint64_t)0xff << at);
}

void
blind_read_avx2(struct syn_batch *s)
{
	for (unsigned at = 0; at < s->n; at += SYN_LANES) {
		if (s->v6)
			read_lanes(s, at, true);
		else
			read_lanes(s, at, false);
	}
}

/* Word i of the key that each lane's parity names. */
sw_always_inline struct pair
key_words(const struct sw_keys *keys, unsigned i, const struct pair *odd)
{
	const struct sw_sipkey *a = &keys->slot[0].k1, *b = &keys->slot[1].k1;
	const __m256i even_key = _mm256_set1_epi64x((long long)(i == 0 ? a->k0 : a->k1));
	const __m256i odd_key = _mm256_set1_epi64x((long long)(i == 0 ? b->k0 : b->k1));

	return (struct pair){pick(odd->a, odd_key, even_key), pick(odd->b, odd_key, even_key)};
}

sw_always_inline void
verify_lanes(struct syn_batch *s, unsigned at, const struct sw_keys *keys, const bool v6)
{
	const __m256i cookie = row_load(&s->cookie[at]), mac24 = _mm256_srli_epi32(cookie, 8);
	/* sw_cookie_isn_state() */
	const __m256i state = both(_mm256_xor_si256(cookie, mac24), SET1(0xff));
	const __m256i odd = bit_mask(state, 1);
	const struct pair odd64 = pair_of(odd, odd);
	const struct key_rows key = {key_words(keys, 0, &odd64), key_words(keys, 1, &odd64)};
	const struct pair m = mac1(s, at, state, &key, v6);
	const __m256i right = _mm256_cmpeq_epi32(_mm256_srli_epi32(highs(&m), 8), mac24);

	s->fit &= ~((uint64_t)lanes(right) << at);
}

void
blind_verify_avx2(struct syn_batch *s, const struct sw_keys *keys)
{
	for (unsigned at = 0; at < s->n; at += SYN_LANES) {
		if (s->v6)
			verify_lanes(s, at, keys, true);
		else
			verify_lanes(s, at, keys, false);
	}
}
