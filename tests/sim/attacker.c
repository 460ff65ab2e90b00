/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attacker.c - somebody outside who knows the addresses and ports of a connection and sees none of
 * its packets. He sends as its client, with numbers that are nowhere near: whatever it is, it must
 * neither reset, stall nor change the connection (RFC 5961).
 */
#include "world.h"

/* How far his numbers are off at least: more than any window. */
#define OFF_MIN (1u << 30)

void
attacker_init(struct world *w)
{
	struct rng r = {.s = sim_mix(w->cfg.seed + 77)};

	if (w->cfg.direct) /* the measure is a connection that nobody attacks */
		return;
	for (unsigned i = 0; i < w->cfg.forged; i++) {
		struct conn *c = &w->conns[rng_below(&r, w->n_conns)];
		uint64_t at = c->start_ns +
			      rng_below(&r, rng_chance(&r, 700) ? 200 * SIM_MS : 3 * SIM_SEC);

		/* Who waits for a SYN or SYN-ACK himself, takes any: so it is in TCP. */
		if (c->path.end[SERVER].port == RIG_PORT_PROXY && c->opener == OPENS_CLIENT)
			queue_push(&w->queue, w->now + at, EV_FORGE, 0, c);
	}
}

void
attacker_send(struct world *w, struct conn *c)
{
	static const uint8_t flags[] = {SEG_RST, SEG_RST | SEG_ACK, SEG_SYN, SEG_ACK,
		SEG_ACK | SEG_PSH, SEG_FIN | SEG_ACK, SEG_SYN | SEG_ACK,
		SEG_SYN | SEG_ECE | SEG_CWR};
	static const uint8_t rubbish[64];
	struct rng r = {.s = sim_mix(w->cfg.seed * 31 + w->now + c->id)};
	struct seg s = {.wscale = SEG_NO_WSCALE, .window = (uint16_t)rng_next(&r)};
	uint8_t data[RIG_FRAME_MAX];
	struct rig_buf *b;
	size_t len;

	if (!c->started)
		return;
	s.flags = flags[rng_below(&r, sizeof(flags))];
	s.seq = c->client->snd_max + (uint32_t)rng_range(&r, OFF_MIN, 3u * OFF_MIN);
	s.ack = s.flags & SEG_ACK ? (uint32_t)rng_next(&r) : 0;
	if (s.flags & SEG_SYN) {
		s.mss = 1460;
		s.sack_ok = true;
	} else if (s.flags & (SEG_PSH | SEG_FIN)) {
		s.pay = rubbish;
		s.pay_len = (uint32_t)rng_range(&r, 1, sizeof(rubbish));
	}
	len = seg_build(data, sizeof(data), &c->path, CLIENT, &s);
	b = rig_buf_get(&w->rig, data, (uint32_t)len, 0);
	b->forged = true;
	world_send(w, LEG_C_F, b, &s, c);
}
