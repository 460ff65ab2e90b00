/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn_mac.h - the MAC of cookie/format.h for packets whose words are rows (syn_rows.h).
 * Private to handshake/.
 */
#ifndef SW_HANDSHAKE_SYN_MAC_H
#define SW_HANDSHAKE_SYN_MAC_H

#include "cookie/siphash_rows.h"
#include "handshake/syn_rows.h"

/*
 * Rows and 64-bit lanes: unpacking two rows gives the lanes 0 1 4 5 and so on, and 2 3 6 7, with
 * the first row in the low halves; lows() and highs() put the halves of such a pair into rows.
 */
struct pair {
	sw_row a, b;
};

sw_always_inline struct pair
pair_of(sw_row low, sw_row high)
{
	return (struct pair){row_low32(low, high), row_high32(low, high)};
}

sw_always_inline sw_row
lows(const struct pair *p)
{
	return row_evens(p->a, p->b);
}

sw_always_inline sw_row
highs(const struct pair *p)
{
	return row_odds(p->a, p->b);
}

/* The two 64-bit words of an IPv6 address, which is at off from the IP headers. */
sw_always_inline void
address_words(uint8_t *const l3[ROW_LANES], size_t off, struct pair m[2])
{
	sw_row x[4];

	for (unsigned k = 0; k < 4; k++)
		x[k] = row_gather(l3, k, off);
	m[0] = (struct pair){row_low64(x[0], x[1]), row_low64(x[2], x[3])};
	m[1] = (struct pair){row_high64(x[0], x[1]), row_high64(x[2], x[3])};
}

/* States of SipHash, of the lanes of a pair. */
struct sip_rows {
	struct sip_half a, b;
};

sw_always_inline void
sip_add(struct sip_rows *s, const struct pair *m)
{
	sip_word(&s->a, &s->b, m->a, m->b);
}

/*
 * MAC1 of cookie/format.h in three steps: the state that a key begins with, the state behind the
 * server's address (IPv4: and port), and the rest. The first two are one for all lanes where the
 * server is.
 */
sw_always_inline struct sip_rows
mac1_begin(const struct sw_sipkey *key)
{
	const struct sip_half start = sip_init(row_set1_64(key->k0), row_set1_64(key->k1));

	return (struct sip_rows){start, start};
}

sw_always_inline struct sip_rows
mac1_server(const struct syn_batch *s, unsigned at, struct sip_rows state, const bool v6)
{
	struct pair m[2];

	if (v6) {
		address_words(&s->l3[at], offsetof(struct sw_wire_ip6, dst), m);
		sip_add(&state, &m[0]);
		sip_add(&state, &m[1]);
	} else {
		m[0] = pair_of(row_load(&s->server[at]), row_srl(row_load(&s->ports[at]), 16));
		sip_add(&state, &m[0]);
	}
	return state;
}

/* The same for all lanes of a batch that are like its first one. */
sw_always_inline struct sip_rows
mac1_first_server(const struct syn_batch *s, const struct sw_sipkey *key, const bool v6)
{
	const struct sw_tuple *t = &s->first;
	const uint64_t word[2] = {
		v6 ? t->server.q[0] : t->server.w_be[3] | (uint64_t)t->sport_be << 32,
		t->server.q[1]};
	struct sip_rows state = mac1_begin(key);

	for (unsigned i = 0; i < (v6 ? 2 : 1); i++) {
		const sw_row m = row_set1_64(word[i]);

		sip_add(&state, &(struct pair){m, m});
	}
	return state;
}

/* mac1: the state behind the server, then the MACs. cookie_state: 8 bits. */
sw_always_inline struct pair
mac1_client(const struct syn_batch *s, unsigned at, struct sip_rows mac1, sw_row cookie_state,
	const bool v6)
{
	const unsigned bytes =
		8 * (v6 ? SW_COOKIE_V6_WORDS : SW_COOKIE_V4_WORDS) + SW_COOKIE_TAIL_BYTES;
	const sw_row ports = row_load(&s->ports[at]), vlan = row_load(&s->vlan[at]);
	const sw_row isn = row_load(&s->isn[at]);
	/* Client port 2, state 1, VLAN ids 3, a byte that is 0, length. */
	const struct pair tail =
		pair_of(row_or(row_or(row_and(ports, row_set1(0xffff)), row_sll(cookie_state, 16)),
				row_sll(vlan, 24)),
			row_or(row_srl(vlan, 8), row_set1(bytes << 24)));
	struct pair m[3];

	if (v6) {
		address_words(&s->l3[at], offsetof(struct sw_wire_ip6, src), m);
		m[2] = pair_of(row_srl(ports, 16), isn);
		sip_add(&mac1, &m[0]);
		sip_add(&mac1, &m[1]);
		sip_add(&mac1, &m[2]);
	} else {
		m[0] = pair_of(row_load(&s->client[at]), isn);
		sip_add(&mac1, &m[0]);
	}
	sip_add(&mac1, &tail);
	sip_final(&mac1.a, &mac1.b);
	return (struct pair){sip_fold(&mac1.a), sip_fold(&mac1.b)};
}

#endif
