/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * siphash_rows.h - SipHash-2-4 of many messages at a time, one for each lane of a row (base/row.h):
 * eight, or sixteen. Internal to lib/.
 *
 * A row has the 64-bit words of half of them, so a state word is two rows. The two halves run side
 * by side, for the rounds of one are a chain in which each step waits for the one before.
 *
 * With AVX2 a rotation by 16 or 32 is one shuffle, any other one two shifts and an or: 20
 * instructions for a round of one half. With AVX-512 each is one rotation: 14. With four ports
 * these take at least 5 and 3.5 cycles, so a MAC of 10 rounds at least 12.5 and 8.8 a message, and
 * half of the latter in rows of 512 bits on a CPU that does not halve them.
 */
#ifndef SW_COOKIE_SIPHASH_ROWS_H
#define SW_COOKIE_SIPHASH_ROWS_H

#include "base/row.h"
#include "cookie/siphash.h"

/* States of half of the messages. */
struct sip_half {
	sw_row v0, v1, v2, v3;
};

#ifdef __AVX512VL__
#define SIP_ROTL(x, bits) ROW_OP(rol_epi64)((x), (bits))
#define SIP_ROTL16(x)	  SIP_ROTL(x, 16)
#define SIP_ROTL32(x)	  SIP_ROTL(x, 32)
#else
#define SIP_ROTL(x, bits) row_or(row_sll64((x), (bits)), row_srl64((x), 64 - (bits)))
#define SIP_ROTL16(x)  \
	row_bytes((x), \
		row_repeat(_mm_set_epi8(13, 12, 11, 10, 9, 8, 15, 14, 5, 4, 3, 2, 1, 0, 7, 6)))
#define SIP_ROTL32(x) row_words((x), 0xb1)
#endif

sw_always_inline void
sip_round(struct sip_half *s)
{
	s->v0 = row_add64(s->v0, s->v1);
	s->v2 = row_add64(s->v2, s->v3);
	s->v1 = row_xor(SIP_ROTL(s->v1, 13), s->v0);
	s->v3 = row_xor(SIP_ROTL16(s->v3), s->v2);
	s->v0 = SIP_ROTL32(s->v0);
	s->v2 = row_add64(s->v2, s->v1);
	s->v0 = row_add64(s->v0, s->v3);
	s->v1 = row_xor(SIP_ROTL(s->v1, 17), s->v2);
	s->v3 = row_xor(SIP_ROTL(s->v3, 21), s->v0);
	s->v2 = SIP_ROTL32(s->v2);
}

/* k0, k1: the keys of the messages. */
sw_always_inline struct sip_half
sip_init(sw_row k0, sw_row k1)
{
	return (struct sip_half){
		.v0 = row_xor(k0, row_set1_64(0x736f6d6570736575ll)),
		.v1 = row_xor(k1, row_set1_64(0x646f72616e646f6dll)),
		.v2 = row_xor(k0, row_set1_64(0x6c7967656e657261ll)),
		.v3 = row_xor(k1, row_set1_64(0x7465646279746573ll)),
	};
}

sw_always_inline void
sip_word(struct sip_half *a, struct sip_half *b, sw_row ma, sw_row mb)
{
	a->v3 = row_xor(a->v3, ma);
	b->v3 = row_xor(b->v3, mb);
	for (unsigned r = 0; r < 2; r++) {
		sip_round(a);
		sip_round(b);
	}
	a->v0 = row_xor(a->v0, ma);
	b->v0 = row_xor(b->v0, mb);
}

sw_always_inline sw_row
sip_fold(const struct sip_half *s)
{
	return row_xor(row_xor(s->v0, s->v1), row_xor(s->v2, s->v3));
}

sw_always_inline void
sip_final(struct sip_half *a, struct sip_half *b)
{
	const sw_row ff = row_set1_64(0xff);

	a->v2 = row_xor(a->v2, ff);
	b->v2 = row_xor(b->v2, ff);
	for (unsigned r = 0; r < 4; r++) {
		sip_round(a);
		sip_round(b);
	}
}

#endif
