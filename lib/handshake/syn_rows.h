/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn_rows.h - rows of words for the files of level.h: a row is one 32-bit word of eight
 * packets. Words are as in memory (a 16-bit field that stands first is the low half) unless a
 * comment says otherwise. Private to handshake/.
 */
#ifndef SW_HANDSHAKE_SYN_ROWS_H
#define SW_HANDSHAKE_SYN_ROWS_H

#include <immintrin.h>

#include "flow/place_x8.h"
#include "handshake/syn.h"

#define IP_WORDS(v6) ((v6) ? 10 : 5) /* headers without options or extensions */

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

/* From any lane on. */
sw_always_inline void
row_store_at(uint32_t *row, __m256i x)
{
	_mm256_storeu_si256((__m256i *)(void *)row, x);
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

/*
 * A running sum of 16-bit halves (RFC 1071). Of whole words, mod 2^32, and of their high halves:
 * what the high halves added to the former is taken out again at the end, which leaves the low
 * ones.
 */
struct sum_x8 {
	__m256i words, high;
};

/* first: a sum of halves to begin with, below 2^31. */
sw_always_inline struct sum_x8
sum_begin(__m256i first)
{
	return (struct sum_x8){first, _mm256_setzero_si256()};
}

sw_always_inline void
sum_add(struct sum_x8 *s, __m256i x)
{
	s->words = _mm256_add_epi32(s->words, x);
	s->high = _mm256_add_epi32(s->high, _mm256_srli_epi32(x, 16));
}

/* The sum in 32 bits; of up to some 40 words. */
sw_always_inline __m256i
sum_end(const struct sum_x8 *s)
{
	return _mm256_add_epi32(
		_mm256_sub_epi32(s->words, _mm256_slli_epi32(s->high, 16)), s->high);
}

/* In 16 bits. */
sw_always_inline __m256i
sum_fold(const struct sum_x8 *s)
{
	__m256i sum = sum_end(s);

	sum = _mm256_add_epi32(both(sum, SET1(0xffff)), _mm256_srli_epi32(sum, 16));
	return _mm256_add_epi32(both(sum, SET1(0xffff)), _mm256_srli_epi32(sum, 16));
}

/* 16 bytes at off of packet k in the low half, and of packet k + 4 in the high one. */
sw_always_inline __m256i
load_two(uint8_t *const l3[SYN_LANES], unsigned k, size_t off)
{
	const __m128i *low = (const __m128i *)(const void *)(l3[k] + off);
	const __m128i *high = (const __m128i *)(const void *)(l3[k + 4] + off);

	return _mm256_inserti128_si256(
		_mm256_castsi128_si256(_mm_loadu_si128(low)), _mm_loadu_si128(high), 1);
}

/* Four words at off of eight packets: rows r[0..3]. */
sw_always_inline void
read_words(uint8_t *const l3[SYN_LANES], unsigned off, __m256i r[4])
{
	__m256i x[4], y[4];

	for (unsigned k = 0; k < 4; k++)
		x[k] = load_two(l3, k, off);
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

/* Sum of the halves of both addresses. */
sw_always_inline __m256i
sum_addresses(const __m256i *w, const bool v6)
{
	struct sum_x8 sum = sum_begin(_mm256_setzero_si256());

	for (unsigned i = v6 ? 2 : 3; i < IP_WORDS(v6); i++)
		sum_add(&sum, w[i]);
	return sum_end(&sum);
}

/* The sum of a TCP header begins with that of the pseudo-header. hdr: bytes of it, no payload. */
sw_always_inline struct sum_x8
sum_begin_tcp(__m256i addresses, __m256i hdr)
{
	return sum_begin(_mm256_add_epi32(addresses,
		_mm256_add_epi32(_mm256_slli_epi32(hdr, 8), SET1(RTE_BE16(SW_IPPROTO_TCP)))));
}

/*
 * Not a fragment, TCP follows, and the header checksum of IPv4 is right. addresses: their sum, for
 * IPv4.
 */
sw_always_inline __m256i
ip_sound(const __m256i *w, __m256i addresses, const bool v6)
{
	struct sum_x8 sum = sum_begin(addresses);
	__m256i sound;

	if (v6)
		return is(both(w[1], SET1(0xff0000)), SW_IPPROTO_TCP << 16);
	for (unsigned i = 0; i < 3; i++)
		sum_add(&sum, w[i]);
	sound = both(is(sum_fold(&sum), 0xffff), is(both(w[2], SET1(0xff00)), SW_IPPROTO_TCP << 8));
	return both(sound, is(both(w[1], SET1((uint32_t)SW_IP4_FRAG_MASK_BE << 16)), 0));
}

/* Bytes of the TCP header: words, in the high four bits of a byte. */
sw_always_inline __m256i
header_bytes(const __m256i *tcp)
{
	return _mm256_srli_epi32(both(tcp[3], SET1(0xf0)), 2);
}

/* Bytes behind the IP header, by its word; of IPv4 below 0 where that says less than itself. */
sw_always_inline __m256i
tcp_bytes(const __m256i *w, const bool v6)
{
	return v6 ? _mm256_srli_epi32(swap32(w[1]), 16)
		  : _mm256_sub_epi32(both(swap32(w[0]), SET1(0xffff)), SET1(SW_IP4_BYTES));
}

/* parse.c: lengths that are in order; hdr: bytes of the TCP header. */
sw_always_inline __m256i
lengths_fit(const __m256i *w, __m256i hdr, __m256i l3_len, const bool v6)
{
	const __m256i len = tcp_bytes(w, v6);
	const __m256i there = _mm256_sub_epi32(l3_len, SET1(v6 ? SW_IP6_BYTES : SW_IP4_BYTES));
	__m256i wrong = _mm256_cmpgt_epi32(SET1(SW_TCP_BYTES), hdr);

	wrong = either(wrong, _mm256_cmpgt_epi32(hdr, len));
	return less(SET1(UINT32_MAX), either(wrong, _mm256_cmpgt_epi32(len, there)));
}

/* Which lanes have a bucket that is not empty; those are fetched. */
static sw_noinline void
fetch_buckets(struct syn_batch *s, unsigned at)
{
	const struct sw_flow_ground *g = s->ground;

	for (unsigned i = at; i < at + SYN_LANES; i++) {
		const uint32_t a = s->bucket[0][i], b = s->bucket[1][i];

		if ((g->fill[a] | g->fill[b]) == 0)
			continue;
		s->maybe |= 1ull << i;
		sw_fetch(&g->buckets[a]);
		sw_fetch(&g->buckets[b]);
	}
}

/*
 * Where both buckets of a lane are empty it has no flow. In a flood that is so for most: the bytes
 * that say so are in the cache (0.6 MB of them for 16M flows), the buckets themselves are not.
 */
sw_always_inline void
look_at_fill(struct syn_batch *s, unsigned at)
{
	const struct sw_flow_ground *g = s->ground;
	unsigned taken = 0;

	for (unsigned i = at; i < at + SYN_LANES; i++)
		taken |= g->fill[s->bucket[0][i]] | g->fill[s->bucket[1][i]];
	if (taken != 0)
		fetch_buckets(s, at);
}

/* Buckets of the flow table, which are fetched meanwhile. w: the words from the IP header on. */
sw_always_inline void
find_places(struct syn_batch *s, unsigned at, const __m256i *w, const bool v6)
{
	const __m256i vlan = row_load(&s->vlan[at]);
	const __m256i *client = w + (v6 ? 2 : 0), *server = w + (v6 ? 6 : 1);
	struct sw_x8_tuple t = {
		.client = {client[0], client[1], client[2], client[3]},
		.server = {server[0], server[1], server[2], server[3]},
		.ports = w[IP_WORDS(v6)],
		.vlan_af = v6 ? either(vlan, SET1(SW_TUPLE_IPV6)) : vlan,
	};
	const struct sw_x8_place p = sw_x8_place_of(s->ground, &t, v6);

	row_store(&s->bucket[0][at], p.b[0]);
	row_store(&s->bucket[1][at], p.b[1]);
	row_store(&s->tag[at], p.tag);
	look_at_fill(s, at);
}

/* Lanes to the address and port that the first SYN of the batch is to. */
sw_always_inline __m256i
like_first(const struct syn_batch *s, const __m256i *w, const bool v6)
{
	const uint8_t *first = s->l3[0] + (v6 ? offsetof(struct sw_wire_ip6, dst)
					      : offsetof(struct sw_wire_ip4, dst_be));
	const uint8_t *port = s->l3[0] + 4 * IP_WORDS(v6) + offsetof(struct sw_wire_tcp, dport_be);
	const __m256i *server = w + (v6 ? 6 : 4);
	__m256i same = is(_mm256_srli_epi32(w[IP_WORDS(v6)], 16), sw_load16(port));

	for (unsigned i = 0; i < (v6 ? 4 : 1); i++)
		same = both(same, is(server[i], sw_load32(first + 4 * i)));
	return same;
}

sw_always_inline unsigned
lanes(__m256i mask)
{
	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(mask));
}

#endif
