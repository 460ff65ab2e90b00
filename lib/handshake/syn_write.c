/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn_write.c - rows become cookies and SYN-ACKs (syn.h). IPv4 and IPv6 share one body.
 */
#include "handshake/syn_mac.h"

/* The TSval of our SYN-ACKs. mac1: whole; ts: 5 bits. */
sw_always_inline sw_row
make_tsval(const struct pair *mac1, sw_row ts, const struct syn_keys *keys)
{
	const sw_row x = row_or(row_set1(keys->clock << SW_COOKIE_TS_BITS), ts);
	const sw_row mac2 = row_srl(row_add(row_mul(x, row_set1(keys->slot->k2)), lows(mac1)),
		32 - SW_COOKIE_MAC2_BITS);
	const sw_row masked = row_and(row_xor(ts, mac2), row_set1(0x1f));

	return row_or(row_or(row_set1(keys->clock << 21), row_sll(masked, 16)), mac2);
}

/* Options of the SYN-ACKs, and what the cookie says of them. */
struct reply_row {
	sw_row fit;
	sw_row ts, full, ecn; /* masks */
	sw_row wscale;	      /* for the cookie */
	sw_row sack;	      /* 0 or 1 */
	sw_row hdr;	      /* bytes of the TCP header */
	sw_row opt1;	      /* second word of options */
};

sw_always_inline sw_row
target_row(const struct syn_batch *s, const uint32_t *row, unsigned at)
{
	return s->one_target ? row_set1(row[0]) : row_load(row + at);
}

/* To a SYN with all options, where all are promised, and without ECN: most of them. */
sw_always_inline struct reply_row
whole_reply(const struct syn_batch *s, unsigned at)
{
	const sw_row all = row_set1(UINT32_MAX), none = row_zero();

	return (struct reply_row){
		.fit = all,
		.ts = all,
		.full = none,
		.ecn = none,
		.wscale = row_load(&s->wscale[at]),
		.sack = row_set1(1),
		.hdr = row_set1(40),
		.opt1 = row_set1(SACK_TS),
	};
}

/* All lanes are answered so. */
sw_always_inline bool
is_whole(const struct syn_batch *s, unsigned at)
{
	const uint32_t want = SYN_PROMISE_WSCALE | SYN_PROMISE_SACK | SYN_PROMISE_TS;
	const sw_row ts = row_less(row_load(&s->ts[at]), row_load(&s->ecn[at]));

	return s->one_target && (s->promise[0] & want) == want && row_lanes(ts) == ROW_ALL;
}

/* Of three shapes: with timestamps and window scale; without timestamps; MSS alone. */
sw_always_inline struct reply_row
any_reply(const struct syn_batch *s, unsigned at)
{
	const sw_row promise = target_row(s, s->promise, at), full = row_load(&s->full[at]);
	const sw_row ws = row_and(full, bit_mask(promise, SYN_PROMISE_WSCALE));
	const sw_row sack = row_and(full, bit_mask(promise, SYN_PROMISE_SACK));
	const sw_row none = row_zero();
	struct reply_row r;

	r.ts = row_and(row_load(&s->ts[at]), bit_mask(promise, SYN_PROMISE_TS));
	r.full = row_less(row_and(ws, sack), r.ts);
	r.ecn = row_and(row_load(&s->ecn[at]), row_and(r.ts, bit_mask(promise, SYN_PROMISE_ECN)));
	r.fit = row_or(
		row_or(row_and(r.ts, ws), r.full), row_eq(row_or(r.ts, row_or(ws, sack)), none));
	r.wscale = row_pick(ws, row_load(&s->wscale[at]), row_set1(SW_WSCALE_NONE));
	r.sack = row_and(sack, row_set1(1));
	r.hdr = row_add(
		row_set1(24), row_or(row_and(r.ts, row_set1(16)), row_and(r.full, row_set1(8))));
	r.opt1 = row_or(row_and(r.ts, row_pick(sack, row_set1(SACK_TS), row_set1(NOP_NOP_TS))),
		row_and(r.full, row_set1(NOP_NOP_SACK)));
	return r;
}

/* The state of cookie/format.h. */
sw_always_inline sw_row
make_state(const struct syn_batch *s, unsigned at, const struct reply_row *r, uint32_t parity)
{
	/* cookie.c: ws_class; bytes of the index above the lowest are made to give 0. */
	const sw_row table =
		row_repeat(_mm_setr_epi8(1, 1, 2, 2, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 0));
	const sw_row ws_class = row_bytes(table, row_or(r->wscale, row_set1(0x80808000)));

	return row_or(row_or(row_sll(row_load(&s->mss_class[at]), 5), row_sll(ws_class, 2)),
		row_or(row_sll(r->sack, 1), row_set1(parity)));
}

/* Station addresses change places; tags and type stay. */
sw_always_inline void
swap_stations(uint8_t *d)
{
	const __m128i order = _mm_setr_epi8(6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);
	__m128i *p = (__m128i *)(void *)d;

	_mm_storeu_si128(p, _mm_shuffle_epi8(_mm_loadu_si128(p), order));
}

/* The IPv4 header up to the source; t: the TCP header, 12 words. */
sw_always_inline void
write_ip4(const struct syn_batch *s, unsigned at, uint8_t *const to[ROW_LANES], sw_row hdr,
	const sw_row t[12])
{
	const sw_row client = row_load(&s->client[at]), server = row_load(&s->server[at]);
	/* Length in network order, in the high half: all of them are below 256. */
	const sw_row len = row_sll(row_add(hdr, row_set1(SW_IP4_BYTES)), 24);
	const sw_row w0 = row_or(len, row_set1(0x45)), w1 = row_set1((uint32_t)SW_IP4_DF_BE << 16);
	const sw_row w2 = row_set1(SW_TTL | SW_IPPROTO_TCP << 8);
	struct sum_row sum = sum_begin(row_load(&s->addr_sum[at]));
	sw_row csum;

	sum_add(&sum, w0);
	sum_add(&sum, w1);
	sum_add(&sum, w2);
	csum = row_sll(row_xor(sum_fold(&sum), row_set1(0xffff)), 16);
	write_words(to, 0, (const sw_row[]){w0, w1, row_or(w2, csum), server});
	write_words(to, 16, (const sw_row[]){client, t[0], t[1], t[2]});
	write_words(to, 32, t + 3);
	write_words(to, 48, t + 7);
}

sw_always_inline void
write_ip6(uint8_t *const l3[ROW_LANES], uint8_t *const to[ROW_LANES], const uint32_t tcp_len[],
	const sw_row t[12])
{
	for (unsigned k = 0; k < ROW_LANES; k++) {
		const uint64_t first = 0x60 |
				       (uint64_t)rte_cpu_to_be_16((uint16_t)tcp_len[k]) << 32 |
				       (uint64_t)SW_IPPROTO_TCP << 48 | (uint64_t)SW_TTL << 56;
		const __m256i a = _mm256_loadu_si256(
			(const __m256i *)(const void *)(l3[k] + offsetof(struct sw_wire_ip6, src)));

		memcpy(to[k], &first, sizeof(first));
		_mm256_storeu_si256(
			(__m256i *)(void *)(to[k] + 8), _mm256_permute4x64_epi64(a, 0x4e));
	}
	write_words(to, SW_IP6_BYTES, t);
	write_words(to, SW_IP6_BYTES + 16, t + 4);
	write_words(to, SW_IP6_BYTES + 32, t + 8);
}

/* The checksum goes into t[4]. */
sw_always_inline void
sum_tcp(const struct syn_batch *s, unsigned at, sw_row hdr, sw_row t[12])
{
	struct sum_row sum = sum_begin_tcp(row_load(&s->addr_sum[at]), hdr);

	for (unsigned i = 0; i < 10; i++)
		if (i != 4)
			sum_add(&sum, t[i]);
	t[4] = row_xor(sum_fold(&sum), row_set1(0xffff));
}

/*
 * server: the MAC's state behind it, where it is one for all lanes; else NULL. whole: is_whole().
 */
sw_always_inline unsigned
write_lanes(struct syn_batch *s, unsigned at, const struct syn_keys *keys,
	const struct sip_rows *server, const bool whole, const bool v6)
{
	const struct reply_row r = whole ? whole_reply(s, at) : any_reply(s, at);
	const sw_row state = make_state(s, at, &r, keys->parity);
	const struct pair m1 = mac1_client(s, at,
		server != NULL ? *server : mac1_server(s, at, mac1_begin(&keys->slot->k1), v6),
		state, v6);
	const sw_row hi = highs(&m1), ports = row_load(&s->ports[at]);
	const unsigned fit = row_lanes(r.fit) & (unsigned)(s->fit >> at);
	/* sw_cookie_isn_pack(): the top 24 bits, and the state under the lowest 8 of them. */
	const sw_row isn = row_or(row_less(hi, row_set1(0xff)),
		row_and(row_xor(state, row_srl(hi, 8)), row_set1(0xff)));
	const sw_row flags =
		row_or(row_set1(SW_TCP_SYN | SW_TCP_ACK), row_and(r.ecn, row_set1(SW_TCP_ECE)));
	const sw_row wscale_opt = target_row(s, s->wscale_opt, at);
	sw_row t[12], tsval = row_zero();
	uint8_t *to[ROW_LANES];

	if (whole || row_lanes(r.ts) != 0) {
		const sw_row ts = row_or(row_sll(r.wscale, 1), row_and(r.ecn, row_set1(1)));

		tsval = row_and(r.ts, swap32(make_tsval(&m1, ts, keys)));
	}
	t[0] = row_or(row_sll(ports, 16), row_srl(ports, 16));
	t[1] = swap32(isn);
	t[2] = swap32(row_add(row_load(&s->isn[at]), row_set1(1)));
	t[3] = row_or(row_or(row_sll(r.hdr, 2), row_sll(flags, 8)), target_row(s, s->window, at));
	t[5] = target_row(s, s->mss_opt, at);
	t[6] = r.opt1;
	t[7] = row_or(tsval, row_and(r.full, wscale_opt));
	t[8] = row_and(r.ts, row_load(&s->tsval[at]));
	t[9] = row_and(r.ts, wscale_opt);
	t[10] = t[11] = row_zero();
	sum_tcp(s, at, r.hdr, t);
	row_store(&s->tcp_len[at], r.hdr);
	row_store(
		&s->growth[at], row_sub(row_add(r.hdr, row_set1(v6 ? SW_IP6_BYTES : SW_IP4_BYTES)),
					row_load(&s->l3_len[at])));

	for (unsigned k = 0; k < ROW_LANES; k++) {
		uint8_t *d = s->f[at + k]->data;

		to[k] = s->l3[at + k];
		if (sw_unlikely(!(fit >> k & 1)))
			to[k] = d = s->scratch;
		swap_stations(d);
	}
	if (v6)
		write_ip6(&s->l3[at], to, &s->tcp_len[at], t);
	else
		write_ip4(s, at, to, r.hdr, t);
	return fit;
}

sw_always_inline void
write_family(struct syn_batch *s, const struct syn_keys *keys, const bool v6)
{
	const bool one = (s->fit & ~s->like_first) == 0;
	struct sip_rows server;

	if (one)
		server = mac1_first_server(s, &keys->slot->k1, v6);
	for (unsigned at = 0; at < s->n; at += ROW_LANES) {
		const uint64_t fit =
			sw_likely(one && is_whole(s, at))
				? write_lanes(s, at, keys, &server, true, v6)
				: write_lanes(s, at, keys, one ? &server : NULL, false, v6);

		s->fit &= fit << at | ~((uint64_t)ROW_ALL << at);
	}
}

void
syn_write(struct syn_batch *s, const struct syn_keys *keys)
{
	if (s->v6)
		write_family(s, keys, true);
	else
		write_family(s, keys, false);
}
