/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "cookie/cookie.h"

#define MSG_WORDS_MAX (SW_COOKIE_V6_WORDS + 1) /* the last block too */

static const uint16_t mss_table[2][SW_COOKIE_CLASSES] = {
	SW_COOKIE_MSS4_TABLE,
	SW_COOKIE_MSS6_TABLE,
};
static const uint8_t ws_table[SW_COOKIE_CLASSES] = SW_COOKIE_WS_TABLE;

/* Scale as offered to class: the inverse of ws_table, rounded down; 15, no option, is class 0. */
static const uint8_t ws_class[16] = {1, 1, 2, 2, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 0};

static const uint16_t mss_default[2] = {SW_COOKIE_MSS4_UNSAID, SW_COOKIE_MSS6_UNSAID};

/* What MAC1 covers before the tail fills its words exactly. */
static_assert(SW_COOKIE_V4_WORDS * 8 == 4 + 2 + 2 + 4 + 4, "IPv4 message without tail");
static_assert(SW_COOKIE_V6_WORDS * 8 == 16 + 16 + 2 + 2 + 4, "IPv6 message without tail");
static_assert(SW_COOKIE_TAIL_BYTES <= 7, "one last block");
/* One MAC1 is right for each of the 2^8 states: 2^8 of the 2^32 ISNs pass, one in 2^24. */
static_assert((1ull << 32) >> SW_COOKIE_STATE_BITS == 1ull << 24, "odds of a guess");
/*
 * Multiply-shift is strongly universal: bits in and bits out are no more than the word's and one.
 */
static_assert(SW_COOKIE_CLOCK_BITS + SW_COOKIE_TS_BITS + SW_COOKIE_MAC2_BITS <= 32 + 1, "MAC2");
/* One MAC2 is right for each clock and ts; with the ISN, 2^24 of 2^64 pass: one in 2^40. */
static_assert(
	SW_COOKIE_STATE_BITS + SW_COOKIE_CLOCK_BITS + SW_COOKIE_TS_BITS + SW_COOKIE_MAC_BITS_TS ==
		64,
	"odds of a guess with timestamps");

static unsigned
mss_class(uint16_t mss, bool v6)
{
	unsigned c = SW_COOKIE_CLASSES - 1;

	if (mss == 0)
		mss = mss_default[v6];
	while (c > 0 && mss_table[v6][c] > mss)
		c--;
	return c;
}

uint16_t
sw_cookie_mss_round(uint16_t mss, bool v6)
{
	return mss_table[v6][mss_class(mss, v6)];
}

/* Messages of one family of a burst, as sw_siphash_burst() takes them. */
struct batch {
	uint64_t msg[MSG_WORDS_MAX * SW_BURST_MAX];
	const struct sw_sipkey *key[SW_BURST_MAX];
	uint64_t mac[SW_BURST_MAX];
	uint8_t who[SW_BURST_MAX]; /* place in the burst */
	uint8_t state[SW_BURST_MAX];
	unsigned n;
};

/* MAC1's message as format.h lays it out. v6 is a constant wherever this is inlined. */
sw_always_inline void
batch_add(struct batch *b, bool v6, unsigned who, const struct sw_tuple *t, uint32_t client_isn,
	unsigned state, const struct sw_sipkey *key)
{
	unsigned words = v6 ? SW_COOKIE_V6_WORDS : SW_COOKIE_V4_WORDS;
	uint64_t *m = &b->msg[b->n];

	if (v6) {
		m[0 * SW_BURST_MAX] = t->server.q[0];
		m[1 * SW_BURST_MAX] = t->server.q[1];
		m[2 * SW_BURST_MAX] = t->client.q[0];
		m[3 * SW_BURST_MAX] = t->client.q[1];
		m[4 * SW_BURST_MAX] = t->sport_be | (uint64_t)client_isn << 32;
	} else {
		m[0 * SW_BURST_MAX] = t->server.w_be[3] | (uint64_t)t->sport_be << 32;
		m[1 * SW_BURST_MAX] = t->client.w_be[3] | (uint64_t)client_isn << 32;
	}
	m[words * SW_BURST_MAX] = t->cport_be | (uint64_t)state << 16 |
				  (uint64_t)(t->vlan_af & SW_TUPLE_VLAN_MASK) << 24 |
				  (uint64_t)(words * 8 + SW_COOKIE_TAIL_BYTES) << 56;
	b->key[b->n] = key;
	b->state[b->n] = (uint8_t)state;
	b->who[b->n++] = (uint8_t)who;
}

sw_always_inline void
batch_mac(struct batch *b, bool v6)
{
	sw_siphash_burst(b->key, b->msg, SW_BURST_MAX, v6 ? SW_COOKIE_V6_WORDS : SW_COOKIE_V4_WORDS,
		b->mac, b->n);
}

sw_always_inline void
issue_family(const struct sw_keys *keys, uint64_t now_s, const struct sw_cookie_in *in,
	struct sw_cookie_out *out, unsigned n, bool v6)
{
	const uint32_t clock = sw_cookie_clock(now_s);
	struct batch b;

	b.n = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct sw_cookie_in *p = &in[i];

		if (sw_tuple_is_v6(p->tuple) != v6)
			continue;
		batch_add(&b, v6, i, p->tuple, p->client_isn,
			sw_cookie_state(mss_class(p->mss, v6), ws_class[p->wscale & 15], p->sack,
				keys->parity),
			&keys->slot[keys->parity].k1);
	}
	if (b.n == 0)
		return;
	batch_mac(&b, v6);
	for (unsigned j = 0; j < b.n; j++) {
		const struct sw_cookie_in *p = &in[b.who[j]];
		const uint32_t ts = (uint32_t)(p->wscale & 15) << 1 | p->ecn;
		struct sw_cookie_out *o = &out[b.who[j]];

		o->isn = sw_cookie_isn_pack(
			(unsigned)(b.mac[j] >> (64 - SW_COOKIE_MAC1_BITS)), b.state[j]);
		o->tsval = sw_cookie_tsval_pack(clock, ts,
			sw_cookie_mac2(b.mac[j], keys->slot[keys->parity].k2, clock, ts));
	}
}

void
sw_cookie_issue_burst(const struct sw_keys *keys, uint64_t now_s, const struct sw_cookie_in *in,
	struct sw_cookie_out *out, unsigned n)
{
	SW_ASSERT(n <= SW_BURST_MAX);
	issue_family(keys, now_s, in, out, n, false);
	issue_family(keys, now_s, in, out, n, true);
}

sw_always_inline void
verify_family(const struct sw_keys *keys, const struct sw_cookie_ack *in,
	struct sw_cookie_state *out, unsigned n, bool v6)
{
	struct batch b;

	b.n = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct sw_cookie_ack *p = &in[i];
		unsigned state = sw_cookie_isn_state(p->isn);

		if (sw_tuple_is_v6(p->tuple) == v6)
			batch_add(&b, v6, i, p->tuple, p->client_isn, state,
				&keys->slot[sw_cookie_state_parity(state)].k1);
	}
	if (b.n == 0)
		return;
	batch_mac(&b, v6);
	for (unsigned j = 0; j < b.n; j++) {
		struct sw_cookie_state *o = &out[b.who[j]];
		unsigned state = b.state[j];

		o->valid = b.mac[j] >> (64 - SW_COOKIE_MAC1_BITS) ==
			   sw_cookie_isn_mac(in[b.who[j]].isn);
		if (!o->valid)
			continue;
		o->parity = (uint8_t)sw_cookie_state_parity(state);
		o->sack = sw_cookie_state_sack(state);
		o->ecn = false;
		o->wscale = ws_table[sw_cookie_state_ws(state)];
		o->mss = mss_table[v6][sw_cookie_state_mss(state)];
		o->epoch = keys->slot[o->parity].epoch;
		o->mac = b.mac[j];
	}
}

void
sw_cookie_verify_burst(const struct sw_keys *keys, const struct sw_cookie_ack *in,
	struct sw_cookie_state *out, unsigned n)
{
	SW_ASSERT(n <= SW_BURST_MAX);
	verify_family(keys, in, out, n, false);
	verify_family(keys, in, out, n, true);
}

bool
sw_cookie_verify_ts(const struct sw_keys *keys, uint32_t tsecr, struct sw_cookie_state *s)
{
	const uint32_t k2 = keys->slot[s->parity].k2, ts = sw_cookie_tsval_ts(tsecr);

	if (sw_cookie_mac2(s->mac, k2, sw_cookie_tsval_clock(tsecr), ts) !=
		sw_cookie_tsval_mac(tsecr))
		return false;
	s->wscale = (uint8_t)(ts >> 1);
	s->ecn = ts & 1;
	return true;
}
