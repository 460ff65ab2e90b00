/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn_rows.h - headers as rows (base/row.h), for the files of level.h. Words are as
 * in memory (a 16-bit field that stands first is the low half) unless a comment says otherwise.
 * Private to handshake/.
 */
#ifndef SW_HANDSHAKE_SYN_ROWS_H
#define SW_HANDSHAKE_SYN_ROWS_H

#include "base/row.h"
#include "flow/place_rows.h"
#include "handshake/syn.h"

static_assert(SW_BURST_MAX % ROW_LANES == 0, "a burst is whole rows");
static_assert(alignof(struct syn_batch) >= sizeof(sw_row), "rows are aligned");

#define IP_WORDS(v6) ((v6) ? 10 : 5) /* headers without options or extensions */

/* Options as words in memory, and what covers their constant part. */
#define MSS_KIND     0x00000402u /* 2 4 */
#define MSS_MASK     0x0000ffffu
#define WSCALE_KIND  0x00030301u /* NOP 3 3 */
#define WSCALE_MASK  0x00ffffffu
#define SACK_TS	     0x0a080204u /* 4 2 8 10: Linux */
#define NOP_NOP_TS   0x0a080101u /* macOS, and our own where SACK is not agreed on */
#define NOP_NOP_SACK 0x02040101u /* Windows */
#define SACK_EOL     0x00000204u /* macOS */

/* Words with their bytes reversed. */
sw_always_inline sw_row
swap32(sw_row x)
{
	const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return row_bytes(x, row_repeat(order));
}

sw_always_inline sw_row
is(sw_row a, uint32_t b)
{
	return row_eq(a, row_set1(b));
}

/* All ones where that bit of x is set. */
sw_always_inline sw_row
bit_mask(sw_row x, uint32_t bit)
{
	return is(row_and(x, row_set1(bit)), bit);
}

/*
 * A running sum of 16-bit halves (RFC 1071). Of whole words, mod 2^32, and of their high halves:
 * what the high halves added to the former is taken out again at the end, which leaves the low
 * ones.
 */
struct sum_row {
	sw_row words, high;
};

/* first: a sum of halves to begin with, below 2^31. */
sw_always_inline struct sum_row
sum_begin(sw_row first)
{
	return (struct sum_row){first, row_zero()};
}

sw_always_inline void
sum_add(struct sum_row *s, sw_row x)
{
	s->words = row_add(s->words, x);
	s->high = row_add(s->high, row_srl(x, 16));
}

/* The sum in 32 bits; of up to some 40 words. */
sw_always_inline sw_row
sum_end(const struct sum_row *s)
{
	return row_add(row_sub(s->words, row_sll(s->high, 16)), s->high);
}

/* In 16 bits. */
sw_always_inline sw_row
sum_fold(const struct sum_row *s)
{
	sw_row sum = sum_end(s);

	sum = row_add(row_and(sum, row_set1(0xffff)), row_srl(sum, 16));
	return row_add(row_and(sum, row_set1(0xffff)), row_srl(sum, 16));
}

/* Four words at off of the packets: rows r[0..3]. */
sw_always_inline void
read_words(uint8_t *const l3[ROW_LANES], unsigned off, sw_row r[4])
{
	sw_row x[4];

	for (unsigned k = 0; k < 4; k++)
		x[k] = row_gather(l3, k, off);
	row_transpose(x, r);
}

/* The reverse. */
sw_always_inline void
write_words(uint8_t *const l3[ROW_LANES], unsigned off, const sw_row r[4])
{
	sw_row x[4];

	row_transpose(r, x);
	for (unsigned k = 0; k < 4; k++)
		row_scatter(l3, k, off, x[k]);
}

/* Sum of the halves of both addresses. */
sw_always_inline sw_row
sum_addresses(const sw_row *w, const bool v6)
{
	struct sum_row sum = sum_begin(row_zero());

	for (unsigned i = v6 ? 2 : 3; i < IP_WORDS(v6); i++)
		sum_add(&sum, w[i]);
	return sum_end(&sum);
}

/* The sum of a TCP header begins with that of the pseudo-header. hdr: bytes of it, no payload. */
sw_always_inline struct sum_row
sum_begin_tcp(sw_row addresses, sw_row hdr)
{
	return sum_begin(
		row_add(addresses, row_add(row_sll(hdr, 8), row_set1(RTE_BE16(SW_IPPROTO_TCP)))));
}

/*
 * Not a fragment, TCP follows, and the header checksum of IPv4 is right. addresses: their sum, for
 * IPv4.
 */
sw_always_inline sw_row
ip_sound(const sw_row *w, sw_row addresses, const bool v6)
{
	struct sum_row sum = sum_begin(addresses);
	sw_row sound;

	if (v6)
		return is(row_and(w[1], row_set1(0xff0000)), SW_IPPROTO_TCP << 16);
	for (unsigned i = 0; i < 3; i++)
		sum_add(&sum, w[i]);
	sound = row_and(is(sum_fold(&sum), 0xffff),
		is(row_and(w[2], row_set1(0xff00)), SW_IPPROTO_TCP << 8));
	return row_and(sound, is(row_and(w[1], row_set1((uint32_t)SW_IP4_FRAG_MASK_BE << 16)), 0));
}

/* Bytes of the TCP header: words, in the high four bits of a byte. */
sw_always_inline sw_row
header_bytes(const sw_row *tcp)
{
	return row_srl(row_and(tcp[3], row_set1(0xf0)), 2);
}

/* Bytes behind the IP header, by its word; of IPv4 below 0 where that says less than itself. */
sw_always_inline sw_row
tcp_bytes(const sw_row *w, const bool v6)
{
	return v6 ? row_srl(swap32(w[1]), 16)
		  : row_sub(row_and(swap32(w[0]), row_set1(0xffff)), row_set1(SW_IP4_BYTES));
}

/* parse.c: lengths that are in order; hdr: bytes of the TCP header. */
sw_always_inline sw_row
lengths_fit(const sw_row *w, sw_row hdr, sw_row l3_len, const bool v6)
{
	const sw_row len = tcp_bytes(w, v6);
	const sw_row there = row_sub(l3_len, row_set1(v6 ? SW_IP6_BYTES : SW_IP4_BYTES));
	sw_row wrong = row_gt(row_set1(SW_TCP_BYTES), hdr);

	wrong = row_or(wrong, row_gt(hdr, len));
	return row_less(row_set1(UINT32_MAX), row_or(wrong, row_gt(len, there)));
}

/* Which lanes have a bucket that is not empty; those are fetched. */
static sw_noinline void
fetch_buckets(struct syn_batch *s, unsigned at)
{
	const struct sw_flow_ground *g = s->ground;

	for (unsigned i = at; i < at + ROW_LANES; i++) {
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

	for (unsigned i = at; i < at + ROW_LANES; i++)
		taken |= g->fill[s->bucket[0][i]] | g->fill[s->bucket[1][i]];
	if (taken != 0)
		fetch_buckets(s, at);
}

/* Buckets of the flow table, which are fetched meanwhile. w: the words from the IP header on. */
sw_always_inline void
find_places(struct syn_batch *s, unsigned at, const sw_row *w, const bool v6)
{
	const sw_row vlan = row_load(&s->vlan[at]);
	const sw_row *client = w + (v6 ? 2 : 0), *server = w + (v6 ? 6 : 1);
	struct sw_rows_tuple t = {
		.client = {client[0], client[1], client[2], client[3]},
		.server = {server[0], server[1], server[2], server[3]},
		.ports = w[IP_WORDS(v6)],
		.vlan_af = v6 ? row_or(vlan, row_set1(SW_TUPLE_IPV6)) : vlan,
	};
	const struct sw_rows_place p = sw_rows_place_of(s->ground, &t, v6);

	row_store(&s->bucket[0][at], p.b[0]);
	row_store(&s->bucket[1][at], p.b[1]);
	row_store(&s->tag[at], p.tag);
	look_at_fill(s, at);
}

/* Lanes to the address and port that the first SYN of the batch is to. */
sw_always_inline sw_row
like_first(const struct syn_batch *s, const sw_row *w, const bool v6)
{
	const uint8_t *first = s->l3[0] + (v6 ? offsetof(struct sw_wire_ip6, dst)
					      : offsetof(struct sw_wire_ip4, dst_be));
	const uint8_t *port = s->l3[0] + 4 * IP_WORDS(v6) + offsetof(struct sw_wire_tcp, dport_be);
	const sw_row *server = w + (v6 ? 6 : 4);
	sw_row same = is(row_srl(w[IP_WORDS(v6)], 16), sw_load16(port));

	for (unsigned i = 0; i < (v6 ? 4 : 1); i++)
		same = row_and(same, is(server[i], sw_load32(first + 4 * i)));
	return same;
}

#endif
