/* SPDX-License-Identifier: BSD-3-Clause */
/* ways_conns.h - connections that both engines of ways.h have, and segments of them. */
#ifndef SW_TEST_WAYS_CONNS_H
#define SW_TEST_WAYS_CONNS_H

#include "unit/ways.h"

#define CONNS 24
#define OPEN  (CONNS - 4) /* the others stay half-open */

/* Timestamps of a segment, none of whose numbers matter here. */
static const uint8_t opt_ts[12] = {1, 1, 8, 10, 9, 9, 9, 9, 1, 2, 3, 4};

/* A connection: what came out of the first engine when it was opened. */
struct conn {
	struct fate synack, to_server;
	bool open;
};

static inline struct shot
shot_of(const struct pkt_make *m, unsigned side)
{
	struct shot s = {.side = (uint8_t)side};

	s.len = pkt_make(s.data, sizeof(s.data), m);
	s.room = (uint16_t)(FRAME_ROOM - s.len);
	return s;
}

static inline struct pkt_make
syn_of(unsigned i)
{
	struct pkt_make m = {.v6 = i & 1,
		.src = {192, 0, 2, (uint8_t)(i + 1)},
		.dst = {198, 51, 100, 2},
		.sport = (uint16_t)(4000 + i),
		.dport = 80,
		.seq = 1000 * i,
		.flags = 2,
		.opts = i & 2 ? opt_linux : opt_mss,
		.opts_len = i & 2 ? sizeof(opt_linux) : sizeof(opt_mss)};

	if (m.v6) {
		memcpy(m.src, (uint8_t[16]){0x20, 1, 0xd, 0xb8, 1, [15] = (uint8_t)(i + 1)}, 16);
		memcpy(m.dst, (uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 2}, 16);
	}
	return m;
}

/* Of the server of c: to the client of its SYN. */
static inline struct shot
server_segment(const struct conn *c, bool plain, uint64_t *seed)
{
	static const uint8_t other[12] = {8, 10, 9, 9, 9, 9, 1, 2, 3, 4, 1, 1};
	struct pkt_seen p;

	ck_assert(pkt_read(c->to_server.data, c->to_server.len, &p));
	struct pkt_make m = back_to(&p);

	m.seq = (uint32_t)pkt_rand(seed);
	m.ack = p.seq + 1 + (uint32_t)pkt_rand(seed) % 9;
	m.flags = once_in(seed, 2) ? 16 : 24;
	m.window = (uint16_t)pkt_rand(seed);
	if (p.opts_len >= 16) {
		m.opts = !plain && once_in(seed, 8) ? other : opt_ts;
		m.opts_len = sizeof(opt_ts);
	}
	if (once_in(seed, 2)) {
		m.payload = (const uint8_t *)"an answer";
		m.payload_len = 1 + pkt_rand(seed) % 9;
	}
	if (!plain && once_in(seed, 60))
		m.flags = once_in(seed, 2) ? 17 : 20;
	return shot_of(&m, SW_INSIDE);
}

static inline struct shot
client_segment(const struct conn *c, bool plain, uint64_t *seed)
{
	static const uint8_t odd[] = {17, 20, 4, 0x30, 0x90, 0xd0, 0, 1};
	uint8_t flags = once_in(seed, 2) ? 16 : 24;
	uint32_t ahead = 4 * (uint32_t)(pkt_rand(seed) % 4);

	if (!plain && once_in(seed, 20))
		flags = odd[pkt_rand(seed) % sizeof(odd)];
	if (!plain && once_in(seed, 10)) /* a guess, by its number */
		ahead += (uint32_t)pkt_rand(seed);
	return answer(&c->synack, ahead, flags);
}

static inline void
spoil(struct shot *s, uint64_t *seed)
{
	struct pkt_seen seen;

	if (once_in(seed, 8)) {
		s->data[pkt_rand(seed) % s->len] ^= (uint8_t)(1u << pkt_rand(seed) % 8);
		if (once_in(seed, 2) && pkt_read(s->data, s->len, &seen))
			pkt_fix(s->data, s->len);
		if (pkt_read(s->data, s->len, &seen) && (seen.flags & 0x16) == 2)
			s->data[12] ^= 0x40; /* no SYNs: test_syn_ways.c */
	}
	if (once_in(seed, 40))
		s->len = pkt_rand(seed) % (s->len + 1);
	if (once_in(seed, 8))
		s->room = (uint16_t)(pkt_rand(seed) % 32);
	s->csum = once_in(seed, 6) ? (uint8_t)(pkt_rand(seed) % 16) : 0;
}

static inline void
both(struct way w[2], const struct shot *shots, unsigned n, uint64_t seed)
{
	fire(&w[0], shots, n);
	fire(&w[1], shots, n);
	compare(&w[0], &w[1], n, seed);
}

static inline void
compare_order(const struct way w[2], unsigned n, uint64_t seed)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_msg(w[0].fate[i].order == w[1].fate[i].order,
			"seed %llu, packet %u: in place %u and %u", (unsigned long long)seed, i,
			w[0].fate[i].order, w[1].fate[i].order);
}

/* Opens n connections by those SYNs; the servers of the first n_served answer. */
static inline void
open_all(struct way w[2], struct conn *c, const struct pkt_make *syns, unsigned n,
	unsigned n_served, uint64_t *seed)
{
	struct shot shots[CONNS] = {0};

	for (unsigned i = 0; i < n; i++)
		shots[i] = shot_of(&syns[i], SW_OUTSIDE);
	both(w, shots, n, 0);
	for (unsigned i = 0; i < n; i++) {
		c[i].synack = w[0].fate[i];
		ck_assert(c[i].synack.sent);
		shots[i] = answer(&c[i].synack, 0, 16);
	}
	both(w, shots, n, 0);
	for (unsigned i = 0; i < n; i++) {
		c[i].to_server = w[0].fate[i];
		ck_assert(c[i].to_server.sent && c[i].to_server.side == SW_INSIDE);
		shots[i] = serve(&c[i].to_server, seed);
	}
	both(w, shots, n_served, 0);
}

static inline void
begin(struct way w[2], const struct rig_params *p)
{
	memset(w, 0, 2 * sizeof(*w));
	w[0].level = SW_SIMD_NONE;
	w[1].level = ways_level;
	for (unsigned i = 0; i < 2; i++)
		rig_init(&w[i].r, p);
}

/* The entry that stands there, or NULL. */
static inline struct sw_flow *
entry(const struct way *w, uint32_t i)
{
	const struct sw_flow_table *t = sw_engine_flows(w->r.e);
	const struct sw_flow_bucket *b = &sw_flow_ground(t)->buckets[i / SW_FLOW_BUCKET_SLOTS];

	return b->tag[i % SW_FLOW_BUCKET_SLOTS] != SW_FLOW_TAG_EMPTY ? sw_flow_at(t, i) : NULL;
}

static inline uint32_t
entries(const struct way *w)
{
	return sw_flow_buckets(sw_engine_flows(w->r.e)) * SW_FLOW_BUCKET_SLOTS;
}

/* The one that there is. */
static inline struct sw_flow *
only_flow(const struct way *w)
{
	uint32_t i = 0;

	ck_assert_uint_eq(sw_flow_count(sw_engine_flows(w->r.e)), 1);
	while (entry(w, i) == NULL)
		i++;
	return entry(w, i);
}

/* Both keep the same of each connection: its state, for how long, and what the server waits for. */
static inline void
compare_flows(const struct way w[2], uint64_t seed)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < entries(&w[0]); i++) {
		const struct sw_flow *a = entry(&w[0], i), *b = entry(&w[1], i);

		ck_assert_msg(a == NULL ? b == NULL : b != NULL && memcmp(a, b, sizeof(*a)) == 0,
			"seed %llu: entry %u is another one", (unsigned long long)seed, i);
		found += a != NULL;
	}
	ck_assert_uint_eq(found, sw_flow_count(sw_engine_flows(w[0].r.e)));
}

/* One of any connection. */
static inline struct shot
any_segment(const struct conn *conns, uint64_t *seed)
{
	const struct conn *c = &conns[pkt_rand(seed) % CONNS];
	struct shot s =
		once_in(seed, 2) ? client_segment(c, false, seed) : server_segment(c, false, seed);

	spoil(&s, seed);
	return s;
}

/*
 * What the vector code of w's engine would make of a burst; nothing comes of it. frames[], rest[]:
 * of that burst.
 */
static inline const struct picked *
pick_frames(struct way *w, const struct shot *shots, unsigned n, struct sw_frame *frames,
	struct sw_frame *rest)
{
	static uint8_t data[SW_BURST_MAX][FRAME_ROOM];
	static struct picked p;
	struct burst b = {.e = w->r.e, .view = &w->r.view};

	for (unsigned i = 0; i < n; i++) {
		memcpy(data[i], shots[i].data, FRAME_ROOM);
		frames[i] = frame_of(&shots[i], data[i]);
	}
	sw_simd_set(ways_level);
	short_ways()->pick(&b, &p, frames, n, rest);
	return &p;
}

static inline const struct picked *
pick_shots(struct way *w, const struct shot *shots, unsigned n)
{
	struct sw_frame frames[SW_BURST_MAX], rest[SW_BURST_MAX];

	return pick_frames(w, shots, n, frames, rest);
}

#endif
