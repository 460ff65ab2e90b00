/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wires.c - the four legs. What happens to a packet is drawn from a hash of the seed, the leg, the
 * connection, what of it the packet carries, and how often it has been sent there: the first copy
 * of bytes 1460 on may be lost and the second not, whatever else is under way. So the run through
 * the front end and the run without it meet the same losses.
 */
#include <netinet/in.h>
#include <string.h>

#include "icmp.h"
#include "world.h"

#define ETHER_MIN 60

/* Where the bits begin that a checksum covers: what a flipped bit before that does is not ours. */
static uint32_t
corruptible(const struct rig_buf *b, struct rng *rng)
{
	uint32_t ip = 14;

	while (b->mem[ip - 2] == 0x81 || b->mem[ip - 2] == 0x88)
		ip += 4;
	if (b->mem[ip] >> 4 == 6 && b->mem[ip + 6] != IPPROTO_TCP) { /* from TCP on */
		for (ip += 40; b->mem[ip] != IPPROTO_TCP; ip += 8)
			;
		ip += 8;
	} else if (b->mem[ip] >> 4 == 6) { /* addresses and behind */
		ip += 8;
	}
	return ip + (uint32_t)rng_below(rng, b->len - ip);
}

static struct rig_buf *
copy(struct world *w, const struct rig_buf *b, bool to_engine)
{
	struct rig *r = &w->rig;
	uint32_t pad = 0, room;
	struct rig_buf *n;

	if (!to_engine) {
		n = rig_buf_get(r, b->mem, b->len, 0);
	} else {
		if (w->cfg.pad && b->len < ETHER_MIN && !b->corrupt)
			pad = ETHER_MIN - b->len;
		room = 40 + (uint32_t)rng_below(&w->rng, 8) * 8;
		n = rig_buf_get(r, NULL, b->len + pad, room);
		memcpy(n->mem, b->mem, b->len);
		for (uint32_t i = 0; i < pad; i++)
			n->mem[b->len + i] = (uint8_t)rng_next(&w->rng);
		n->split = w->cfg.split && b->len > SEG_HEADERS_MAX + 2 && !b->corrupt &&
			   rng_chance(&w->rng, 300);
	}
	n->corrupt = b->corrupt;
	n->forged = b->forged;
	return n;
}

static void
note_isn(struct world *w, enum leg leg, const struct seg *s, struct conn *c)
{
	int dir = leg_from_client(leg) ? CLIENT : SERVER;

	if (!(s->flags & SEG_SYN))
		return;
	/* Not the answer to somebody else's SYN. */
	if (s->flags & SEG_ACK && s->ack != c->isn[leg_inside(leg)][!dir] + 1)
		return;
	if (leg == LEG_F_C)
		w->synack_ns = w->now;
	c->isn[leg_inside(leg)][dir] = s->seq;
	if (w->cfg.direct)
		c->isn[!leg_inside(leg)][dir] = s->seq;
}

/* What the packet is, in numbers that are the same on both sides of the front end. */
static uint64_t
identity(enum leg leg, const struct seg *s, const struct conn *c)
{
	bool inside = leg_inside(leg), dir = leg_from_client(leg) ? CLIENT : SERVER;
	uint32_t seq = s->seq - c->isn[inside][dir], ack = s->ack - c->isn[inside][!dir];
	uint8_t flags = s->flags & (SEG_SYN | SEG_FIN | SEG_RST);
	uint64_t id = sim_mix((uint64_t)c->id << 32 | (uint32_t)leg << 16 | flags);

	/* One that carries something is that thing; one that does not is what it acknowledges. */
	id = sim_mix(id + seq);
	return seg_space(s) ? id : sim_mix(id + 1 + ack);
}

static struct fate
draw(struct world *w, enum leg leg, const struct seg *s, struct conn *c, uint64_t at)
{
	uint64_t id = (uint64_t)leg << 32;
	struct rng rng;

	if (c != NULL && s != NULL)
		id = identity(leg, s, c);
	rng.s = sim_mix(w->cfg.seed * 0x9e3779b97f4a7c15ull + id) + tally_count(&w->tally, id);
	rng.s = sim_mix(rng.s);
	return link_carry(&w->link[leg], &rng, at);
}

static void
record(struct world *w, enum leg leg, const struct rig_buf *b, const struct conn *c, uint64_t at,
	const struct fate *f)
{
	struct trace_row row = {.at = at,
		.leg = leg,
		.len = b->len,
		.frame = b->mem,
		.conn = c != NULL ? c->id : TRACE_NO_CONN,
		.lost = f->copies == 0,
		.dup = f->copies == 2,
		.corrupt = f->corrupt,
		.forged = b->forged,
		.arrives = f->copies ? f->at[0] : SIM_NEVER};

	if (b->corrupt)
		return; /* told where that happened */
	trace_add(w->trace, &row);
}

/* The leg behind this one where no front end stands between them. */
static enum leg
next_leg(enum leg leg)
{
	return leg == LEG_C_F ? LEG_F_S : LEG_F_C;
}

/*
 * The router sends word to the server of what it cannot pass on: through the front end, or past
 * where that would be.
 */
static void
too_big(struct world *w, const struct rig_buf *b, uint64_t at)
{
	uint8_t data[ICMP_FRAME_MAX];
	size_t len = icmp_too_big_build(data, b->mem, w->cfg.mtu);
	struct rig_buf *n = rig_buf_get(&w->rig, data, (uint32_t)len, 0);

	w->in_flight++;
	queue_push(&w->queue, at + SIM_MS, w->cfg.direct ? EV_TO_HOST : EV_TO_ENGINE,
		w->cfg.direct ? SW_INSIDE : SW_OUTSIDE, n);
}

/* Of the connections that the front end looks after. */
static bool
meets_router(const struct world *w, enum leg leg, const struct rig_buf *b, const struct seg *s,
	const struct conn *c)
{
	return w->cfg.mtu != 0 && leg == LEG_F_C && s != NULL && c != NULL && !b->corrupt &&
	       c->path.end[SERVER].port == RIG_PORT_PROXY &&
	       icmp_ip_len(b->mem, b->len) > w->cfg.mtu;
}

static void
put_on(struct world *w, enum leg leg, struct rig_buf *b, const struct seg *s, struct conn *c,
	uint64_t at)
{
	bool to_engine = (leg == LEG_C_F || leg == LEG_S_F) && !w->cfg.direct;
	bool further = w->cfg.direct && (leg == LEG_C_F || leg == LEG_S_F);
	int side = leg_inside(leg) ? SW_INSIDE : SW_OUTSIDE;
	struct fate f = draw(w, leg, s, c, at);

	if (s == NULL) /* not TCP: its bits are another's matter */
		f.corrupt = false;
	if (w->filter != NULL && s != NULL && w->filter(w->filter_ctx, leg, s, c))
		f.copies = 0;
	if (meets_router(w, leg, b, s, c)) {
		f.copies = 0;
		too_big(w, b, at);
	}
	if (w->trace != NULL)
		record(w, leg, b, c, at, &f);
	/* What comes before its handshake is turned away: nobody knows yet that it is right. */
	if (c != NULL && !b->forged &&
		(f.copies == 0 || f.corrupt ||
			(f.reordered && leg == LEG_C_F && c->n_servers == 0)))
		pace_lost(&c->pace, at);
	for (unsigned i = 0; i < f.copies; i++) {
		struct rig_buf *n = copy(w, b, to_engine);

		if (i == 0 && f.corrupt && !n->corrupt && !n->split) {
			n->corrupt = true;
			n->len = b->len; /* without padding */
			n->mem[corruptible(n, &w->rng)] ^= (uint8_t)(1u << rng_below(&w->rng, 8));
		}
		/* The front end may have to drop it where the server turns out to have no ECN. */
		if (f.ce && !n->corrupt && seg_mark_ce(n->mem, n->len) && c != NULL &&
			leg == LEG_C_F && !c->scfg.ecn)
			c->n_marked++;
		if (further) {
			put_on(w, next_leg(leg), n, s, c, f.at[i]);
			continue;
		}
		w->in_flight++;
		queue_push(&w->queue, f.at[i], to_engine ? EV_TO_ENGINE : EV_TO_HOST, side, n);
	}
	rig_buf_put(&w->rig, b);
}

void
world_send(struct world *w, enum leg leg, struct rig_buf *b, const struct seg *s, struct conn *c)
{
	if (c != NULL && s != NULL && !b->forged)
		note_isn(w, leg, s, c);
	put_on(w, leg, b, s, c, w->now);
}
