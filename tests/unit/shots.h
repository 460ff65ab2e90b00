/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shots.h - packets for test_syn_ways.c: SYNs of all kinds, plain and broken in every way, blind
 * ACKs, and what a client sends after a SYN-ACK.
 */
#ifndef SW_TEST_SHOTS_H
#define SW_TEST_SHOTS_H

#include <check.h>
#include <string.h>

#include "unit/rig.h"

#define FRAME_ROOM 256

/* What became of a packet. */
struct fate {
	bool sent, freed;
	unsigned side;
	unsigned order; /* among those of that side */
	uint32_t len, room;
	uint8_t data[FRAME_ROOM];
};

/* One packet of a burst, before either engine has it. */
struct shot {
	uint8_t data[FRAME_ROOM];
	size_t len;
	uint16_t room;
	uint8_t side, csum;
};

static const uint8_t opt_mss[] = {2, 4, 5, 0xb4};
static const uint8_t opt_linux[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7};
static const uint8_t opt_windows[] = {2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2};
static const uint8_t opt_macos[] = {
	2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 9, 8, 7, 6, 0, 0, 0, 0, 4, 2, 0, 0};
static const uint8_t opt_old[] = {2, 4, 5, 0xb4, 1, 1, 4, 2};
static const uint8_t opt_odd[] = {3, 3, 15, 2, 4, 0, 0, 34, 2, 4, 2, 0};
static const uint8_t opt_broken[] = {
	2, 4, 5, 0xb4, 4, 2, 8, 11, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7};

static const struct {
	const uint8_t *p;
	size_t len;
} layouts[] = {{NULL, 0}, {opt_mss, sizeof(opt_mss)}, {opt_linux, sizeof(opt_linux)},
	{opt_linux, sizeof(opt_linux)}, {opt_windows, sizeof(opt_windows)},
	{opt_macos, sizeof(opt_macos)}, {opt_old, sizeof(opt_old)}, {opt_odd, sizeof(opt_odd)},
	{opt_broken, sizeof(opt_broken)}};

static inline bool
once_in(uint64_t *seed, unsigned n)
{
	return pkt_rand(seed) % n == 0;
}

/* Sources: few, so that tuples come again; now and then one that is listed or bad. */
static inline void
choose_source(struct pkt_make *m, uint64_t *seed)
{
	static const uint8_t odd4[][4] = {{203, 0, 113, 9}, {203, 0, 114, 9}, {127, 0, 0, 1},
		{0, 1, 2, 3}, {224, 0, 0, 1}, {255, 255, 255, 255}, {198, 51, 100, 2},
		{223, 255, 255, 255}};
	static const uint8_t odd6[][16] = {{0}, {[15] = 1}, {[15] = 2}, {0xff, 2, [15] = 1},
		{0x20, 1, 0xd, 0xb8, [15] = 2}, {[12] = 1}};

	if (m->v6) {
		memcpy(m->src, (uint8_t[16]){0x20, 1, 0xd, 0xb8, 1, [15] = pkt_rand(seed) % 4}, 16);
		if (once_in(seed, 20))
			memcpy(m->src, odd6[pkt_rand(seed) % 6], 16);
	} else {
		memcpy(m->src, (uint8_t[4]){192, 0, 2, pkt_rand(seed) % 4 + 1}, 4);
		if (once_in(seed, 20))
			memcpy(m->src, odd4[pkt_rand(seed) % 8], 4);
	}
}

static inline struct pkt_make
syn(uint64_t *seed, unsigned half, uint8_t opts[40])
{
	static const uint8_t server4[4] = {198, 51, 100, 2};
	static const uint8_t server6[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};
	static const uint16_t mss[] = {
		0, 1, 48, 215, 536, 1220, 1360, 1420, 1439, 1460, 8960, 65535};
	unsigned k = pkt_rand(seed) % SW_ARRAY_LEN(layouts);
	struct pkt_make m = {
		.v6 = pkt_rand(seed) & 1,
		.sport = (uint16_t)(4000 + 2 * (pkt_rand(seed) % 4) + half),
		.dport = (uint16_t)(80 + (once_in(seed, 3) ? pkt_rand(seed) % 6 : 0)),
		.seq = (uint32_t)pkt_rand(seed),
		.flags = once_in(seed, 4) ? 0xc2 : 2,
		.window = 64240,
		.tos = (uint8_t)pkt_rand(seed),
		.n_vlan = once_in(seed, 4) ? 1 + once_in(seed, 3) : 0,
		.vlan_tci = {once_in(seed, 3) ? 0 : 7, 9},
	};

	memcpy(m.dst, m.v6 ? server6 : server4, m.v6 ? 16 : 4);
	choose_source(&m, seed);
	m.opts = opts;
	m.opts_len = layouts[k].len;
	if (m.opts_len != 0)
		memcpy(opts, layouts[k].p, m.opts_len);
	if (m.opts_len >= 4 && opts[0] == 2 && once_in(seed, 2)) {
		uint16_t v = mss[pkt_rand(seed) % SW_ARRAY_LEN(mss)];

		opts[2] = (uint8_t)(v >> 8);
		opts[3] = (uint8_t)v;
	}
	if (m.opts_len == sizeof(opt_linux) && once_in(seed, 2))
		opts[19] = (uint8_t)(pkt_rand(seed) % 18);
	if (once_in(seed, 16))
		m.flags = (uint8_t)pkt_rand(seed);
	if ((m.flags & 0x16) == 0x10) /* as blind_ack() */
		m.src[m.v6 ? 14 : 3] |= 0x80;
	if (once_in(seed, 24))
		m.frag = (uint16_t)(1u << pkt_rand(seed) % 16);
	if (once_in(seed, 8))
		m.pad_to = 60 + pkt_rand(seed) % 60;
	if (once_in(seed, 16)) {
		m.payload = (const uint8_t *)"GET /";
		m.payload_len = 1 + pkt_rand(seed) % 5;
	}
	return m;
}

/* A SYN, or what was changed in one. */
static inline struct shot
make_shot(uint64_t *seed, unsigned half)
{
	struct shot s = {.side = once_in(seed, 40), .room = FRAME_ROOM};
	uint8_t opts[40];
	struct pkt_make m = syn(seed, half, opts);
	struct pkt_seen seen;

	s.len = pkt_make(s.data, sizeof(s.data), &m);
	if (once_in(seed, 6)) {
		uint8_t *at = &s.data[pkt_rand(seed) % s.len],
			bit = (uint8_t)(1u << pkt_rand(seed) % 8);

		*at ^= bit;
		if (pkt_read(s.data, s.len, &seen) && (seen.sport ^ m.sport) & 1)
			*at ^= bit; /* not of the other half of the ports */
		if (once_in(seed, 2) && pkt_read(s.data, s.len, &seen))
			pkt_fix(s.data, s.len);
	}
	if (once_in(seed, 30))
		s.len = pkt_rand(seed) % (s.len + 1);
	s.csum = once_in(seed, 6) ? (uint8_t)(pkt_rand(seed) % 16) : 0;
	s.room = (uint16_t)(once_in(seed, 8) ? pkt_rand(seed) % 64 : FRAME_ROOM - s.len);
	if (s.len + s.room > FRAME_ROOM)
		s.room = (uint16_t)(FRAME_ROOM - s.len);
	return s;
}

/* A packet to whoever has sent p, with its tags. */
static inline struct pkt_make
back_to(const struct pkt_seen *p)
{
	struct pkt_make m = {
		.v6 = p->v6, .sport = p->dport, .dport = p->sport, .n_vlan = p->n_vlan};

	memcpy(m.src, p->dst, 16);
	memcpy(m.dst, p->src, 16);
	memcpy(m.vlan_tci, p->vlan_tci, sizeof(m.vlan_tci));
	return m;
}

/*
 * What a client may send after a SYN-ACK: the ACK with its cookie, then data without one, and FIN.
 */
static inline struct shot
answer(const struct fate *f, uint32_t ahead, uint8_t flags)
{
	struct shot s = {.side = SW_OUTSIDE};
	struct pkt_seen p;

	ck_assert(pkt_read(f->data, f->len, &p));
	struct pkt_make m = back_to(&p);
	uint8_t ts[12] = {1, 1, 8, 10, 5, 5, 5, 5};

	m.seq = p.ack + ahead;
	m.ack = p.seq + 1;
	m.flags = flags;
	m.window = 100;
	if (p.opts_len >= 16) {
		memcpy(ts + 8, p.opts + 8, 4);
		m.opts = ts;
		m.opts_len = sizeof(ts);
	}
	if (ahead != 0) {
		m.payload = (const uint8_t *)"data";
		m.payload_len = 4;
	}
	s.len = pkt_make(s.data, sizeof(s.data), &m);
	s.room = (uint16_t)(FRAME_ROOM - s.len);
	return s;
}

/* The server's answer to a SYN that came out inside. */
static inline struct shot
serve(const struct fate *f, uint64_t *seed)
{
	static const uint8_t opts[] = {
		2, 4, 5, 0xb4, 4, 2, 8, 10, 7, 7, 7, 7, 0, 0, 0, 0, 1, 3, 3, 7};
	struct shot s = {.side = SW_INSIDE};
	uint8_t o[sizeof(opts)];
	struct pkt_seen p;

	ck_assert(pkt_read(f->data, f->len, &p));
	struct pkt_make m = back_to(&p);

	m.seq = (uint32_t)pkt_rand(seed);
	m.ack = p.seq + 1;
	m.flags = 18;
	m.window = 1000;
	m.opts = o;
	m.opts_len = once_in(seed, 3) ? 4 : sizeof(o);
	memcpy(o, opts, sizeof(o));
	s.len = pkt_make(s.data, sizeof(s.data), &m);
	s.room = (uint16_t)(FRAME_ROOM - s.len);
	return s;
}

/* A SYN that is made an ACK, with an ACK number out of the air. */
static inline struct shot
blind_ack(uint64_t *seed, unsigned half)
{
	struct shot s = make_shot(seed, half);
	struct pkt_seen p;

	if (!pkt_read(s.data, s.len, &p))
		return s;
	s.data[p.l4_off + 13] = (uint8_t)(once_in(seed, 8) ? pkt_rand(seed) : 16);
	for (unsigned i = 0; i < 4; i++)
		s.data[p.l4_off + 8 + i] = (uint8_t)pkt_rand(seed);
	/*
	 * From no client that opens flows: one ahead of what opens its flow would be judged by it.
	 */
	s.data[p.l3_off + (p.v6 ? 8 + 14 : 12 + 3)] |= 0x80;
	if (!once_in(seed, 8) && pkt_read(s.data, s.len, &p))
		pkt_fix(s.data, s.len);
	return s;
}

#endif
