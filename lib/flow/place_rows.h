/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place_rows.h - sw_flow_place_of() for the tuples of a row's lanes (base/row.h). For files that
 * are compiled for each level of vector instructions (base/simd.h); internal to lib/.
 */
#ifndef SW_FLOW_PLACE_ROWS_H
#define SW_FLOW_PLACE_ROWS_H

#include "base/row.h"
#include "flow/place.h"

/* 64-bit numbers of the even lanes and of the odd ones. */
struct sw_rows_wide {
	sw_row even, odd;
};

sw_always_inline sw_row
sw_rows_highs(struct sw_rows_wide a)
{
	return row_even_odd(row_srl64(a.even, 32), a.odd);
}

sw_always_inline sw_row
sw_rows_lows(struct sw_rows_wide a)
{
	return row_even_odd(a.even, row_sll64(a.odd, 32));
}

sw_always_inline struct sw_rows_wide
sw_rows_mul(sw_row a, sw_row b)
{
	return (struct sw_rows_wide){
		row_mul64(a, b),
		row_mul64(row_srl64(a, 32), row_srl64(b, 32)),
	};
}

sw_always_inline struct sw_rows_wide
sw_rows_add(struct sw_rows_wide a, struct sw_rows_wide b)
{
	return (struct sw_rows_wide){row_add64(a.even, b.even), row_add64(a.odd, b.odd)};
}

/* The high half below an odd multiple of the low one. */
sw_always_inline sw_row
sw_rows_spread(sw_row b)
{
	const sw_row odd = row_set1_64((uint64_t)SW_HASH_ODD << 32);
	const sw_row low_above = row_sll64(b, 32);

	/* Words of four: 0 0 in the low halves, so what is there stays 0. */
	return row_or(row_mul(low_above, odd), row_srl64(b, 32));
}

/* sw_hash_mul(); ka, kb: numbers of the key's halves. */
sw_always_inline struct sw_rows_wide
sw_rows_hash_mul(sw_row a, unsigned ka, sw_row b, unsigned kb, const uint32_t k[8])
{
	return sw_rows_mul(row_add(a, row_set1(k[ka])), row_add(b, row_set1(k[kb])));
}

/* Words of the tuples; IPv4 uses client[3] and server[3]. */
struct sw_rows_tuple {
	sw_row client[4], server[4], ports, vlan_af;
};

struct sw_rows_place {
	sw_row b[2], tag;
};

sw_always_inline struct sw_rows_place
sw_rows_place_of(const struct sw_flow_ground *g, const struct sw_rows_tuple *t, const bool v6)
{
	const sw_row n = row_set1(g->n_buckets);
	const sw_row zero = row_zero();
	struct sw_rows_wide a, b, h, swapped;
	struct sw_rows_place p;
	sw_row low, high, same;
	uint32_t k[8];

	memcpy(k, g->hash_key, sizeof(k));
	if (v6) {
		a = sw_rows_add(sw_rows_hash_mul(t->client[0], 0, t->client[1], 1, k),
			sw_rows_hash_mul(t->client[2], 2, t->client[3], 3, k));
		a = sw_rows_add(a, sw_rows_hash_mul(t->server[0], 4, t->server[1], 5, k));
		a = sw_rows_add(a, sw_rows_hash_mul(t->server[2], 6, t->server[3], 7, k));
	} else {
		a = sw_rows_hash_mul(t->client[3], 0, t->server[3], 1, k);
	}
	b = sw_rows_add(sw_rows_hash_mul(row_xor(sw_rows_lows(a), t->ports), 2,
				row_xor(sw_rows_highs(a), t->vlan_af), 3, k),
		a);
	swapped = (struct sw_rows_wide){sw_rows_spread(b.even), sw_rows_spread(b.odd)};
	h = sw_rows_add(sw_rows_hash_mul(sw_rows_lows(b), 6, sw_rows_highs(b), 7, k), swapped);
	low = sw_rows_lows(h);
	high = sw_rows_highs(h);
	p.b[0] = sw_rows_highs(sw_rows_mul(high, n));
	p.b[1] = sw_rows_highs(sw_rows_mul(low, n));
	same = row_eq(p.b[0], p.b[1]);
	p.b[1] = row_sub(p.b[1], same);
	p.b[1] = row_less(p.b[1], row_eq(p.b[1], n));
	p.tag = row_add(
		row_mul(low, row_set1(SW_FLOW_TAG_LOW)), row_mul(high, row_set1(SW_FLOW_TAG_HIGH)));
	p.tag = row_srl(p.tag, 16);
	p.tag = row_sub(p.tag, row_eq(p.tag, zero));
	return p;
}

#endif
