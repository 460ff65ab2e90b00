/* SPDX-License-Identifier: BSD-3-Clause */
/* blind_rows.c - ACKs are judged in rows and their cookies verified (blind.h). */
#include "handshake/blind.h"
#include "handshake/syn_mac.h"

#define ALL_WORDS(v6) ((v6) ? 16 : 12) /* that are read: up to the TCP flags */

sw_always_inline void
read_lanes(struct syn_batch *s, unsigned at, const bool v6)
{
	sw_row w[ALL_WORDS(true)];
	const sw_row *tcp = w + IP_WORDS(v6);
	sw_row hdr, fit;

	for (unsigned i = 0; i < ALL_WORDS(v6); i += 4)
		read_words(&s->l3[at], 4 * i, w + i);
	find_places(s, at, w, v6);
	hdr = header_bytes(tcp);
	fit = row_and(ip_sound(w, sum_addresses(w, v6), v6),
		lengths_fit(w, hdr, row_load(&s->l3_len[at]), v6));
	if (!v6) {
		row_store(&s->client[at], w[3]);
		row_store(&s->server[at], w[4]);
	}
	row_store(&s->ports[at], tcp[0]);
	row_store(&s->isn[at], row_sub(swap32(tcp[1]), row_set1(1)));
	row_store(&s->cookie[at], row_sub(swap32(tcp[2]), row_set1(1)));
	s->fit &= (uint64_t)row_lanes(fit) << at | ~((uint64_t)ROW_ALL << at);
	s->like_first &=
		(uint64_t)row_lanes(like_first(s, w, v6)) << at | ~((uint64_t)ROW_ALL << at);
}

void
blind_read(struct syn_batch *s)
{
	for (unsigned at = 0; at < s->n; at += ROW_LANES) {
		if (s->v6)
			read_lanes(s, at, true);
		else
			read_lanes(s, at, false);
	}
}

/* Of each lane that state which its cookie's parity names. odd: of 64 bits. */
sw_always_inline struct sip_half
by_parity(sw_row odd, const struct sip_half *one, const struct sip_half *zero)
{
	return (struct sip_half){row_pick(odd, one->v0, zero->v0), row_pick(odd, one->v1, zero->v1),
		row_pick(odd, one->v2, zero->v2), row_pick(odd, one->v3, zero->v3)};
}

/* The same for all lanes. odd: of 32 bits. */
sw_always_inline struct sip_rows
pick_state(sw_row odd, const struct sip_rows states[2])
{
	const struct pair odd64 = pair_of(odd, odd);

	return (struct sip_rows){by_parity(odd64.a, &states[1].a, &states[0].a),
		by_parity(odd64.b, &states[1].b, &states[0].b)};
}

/*
 * states: of the MAC, by parity; behind the server where it is one for all lanes, else before it.
 */
sw_always_inline void
verify_lanes(struct syn_batch *s, unsigned at, const struct sip_rows states[2], const bool one,
	const bool v6)
{
	const sw_row cookie = row_load(&s->cookie[at]), mac24 = row_srl(cookie, 8);
	/* sw_cookie_isn_state() */
	const sw_row state = row_and(row_xor(cookie, mac24), row_set1(0xff));
	const struct sip_rows start = pick_state(bit_mask(state, 1), states);
	const struct pair m =
		mac1_client(s, at, one ? start : mac1_server(s, at, start, v6), state, v6);
	const sw_row right = row_eq(row_srl(highs(&m), 8), mac24);

	s->fit &= ~((uint64_t)row_lanes(right) << at);
}

sw_always_inline void
verify_family(struct syn_batch *s, const struct sw_keys *keys, const bool v6)
{
	const bool one = (s->fit & ~s->like_first) == 0;
	struct sip_rows states[2];

	for (unsigned i = 0; i < 2; i++)
		states[i] = one ? mac1_first_server(s, &keys->slot[i].k1, v6)
				: mac1_begin(&keys->slot[i].k1);
	for (unsigned at = 0; at < s->n; at += ROW_LANES)
		verify_lanes(s, at, states, one, v6);
}

void
blind_verify(struct syn_batch *s, const struct sw_keys *keys)
{
	if (s->v6)
		verify_family(s, keys, true);
	else
		verify_family(s, keys, false);
}
