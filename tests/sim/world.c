/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define TICK_BUSY_NS (10 * SIM_MS)
#define TICK_IDLE_NS (500 * SIM_MS)
/* While a SYN-ACK may be sent again. */
#define RECENT_NS	   (8 * SIM_SEC)
#define TICK_RECENT_NS	   (50 * SIM_MS)
#define DIRECT_TS_SLACK_MS 10000
#define EVENTS_MAX	   3000000 /* of one run: far more than any that settles */

/* Whether the server is asked for an earlier connection of the tuple, by what has come just now. */
static void
note_asked(const struct world *w, struct conn *c, const struct seg *s)
{
	if (c->earlier_ns != w->now || (s->flags & (SEG_SYN | SEG_ACK)) != SEG_SYN)
		return;
	for (const struct conn *old = c->after; old != NULL; old = old->after)
		c->preceded = c->preceded || s->seq == old->client->iss;
}

static void
to_leg(void *owner, int side, struct rig_buf *b)
{
	struct world *w = owner;
	struct seg_path path;
	struct seg s;
	struct conn *c = NULL;
	const char *wrong = seg_parse(b->mem, b->len, &path, &s);

	if (wrong == NULL) {
		c = host_conn(w, side == SW_OUTSIDE ? SERVER : CLIENT, &path);
		if (c == NULL && !b->corrupt)
			sim_fail("packet to side %d for a connection that there is not", side);
	}
	if (c != NULL && side == SW_OUTSIDE && s.ack == c->client->iss + 1 &&
		(s.flags & (SEG_SYN | SEG_ACK)) == (SEG_SYN | SEG_ACK)) {
		c->synacks++;
		if (!c->cookie_taken) {
			c->cookie_isn = s.seq;
			c->cookie_ns = w->now;
		}
	}
	if (c != NULL && side == SW_INSIDE)
		note_asked(w, c, &s);
	world_send(w, side == SW_OUTSIDE ? LEG_F_C : LEG_F_S, b, wrong == NULL ? &s : NULL, c);
}

void
world_init(struct world *w, const struct world_cfg *cfg, struct conn *conns, unsigned n)
{
	memset(w, 0, sizeof(*w));
	w->cfg = *cfg;
	w->rng.s = cfg->seed;
	w->now = cfg->epoch_ns;
	for (int i = 0; i < LEGS; i++)
		w->link[i].cfg = cfg->link[i];
	rig_init(&w->rig, &cfg->rig, w->now);
	w->rig.sink = to_leg;
	w->rig.owner = w;
	w->conns = conns;
	w->n_conns = n;
	for (unsigned i = 0; i < n; i++) {
		conns[i].id = i;
		if (cfg->direct) /* its SYN-ACK may be late and what follows early */
			conns[i].ccfg.ts_slack_ms = DIRECT_TS_SLACK_MS;
		if (conns[i].after == NULL)
			queue_push(&w->queue, w->now + conns[i].start_ns, EV_START, 0, &conns[i]);
	}
	attacker_init(w);
	if (!cfg->direct)
		queue_push(&w->queue, w->now + TICK_BUSY_NS, EV_TICK, 0, NULL);
}

static bool
is_right_ack(const struct conn *c, const struct seg *s)
{
	return c->cookie_taken && s->seq == c->client->iss + 1 && s->ack == c->cookie_isn + 1 &&
	       (s->flags & (SEG_SYN | SEG_RST | SEG_ACK)) == SEG_ACK;
}

static void
note_ack(const struct world *w, struct conn *c, const struct seg *s)
{
	for (struct conn *old = c->after; old != NULL; old = old->after) {
		if (!is_right_ack(old, s))
			continue;
		old->ack_delivered = true;
		if (c->cookie_ns != 0 && !c->ack_delivered)
			c->earlier_ns = w->now;
	}
	if (!is_right_ack(c, s))
		return;
	if (!c->ack_delivered && c->forged_syn_ns != 0 && c->forged_syn_ns >= c->cookie_ns)
		c->displaced = true;
	c->ack_delivered = true;
	if (w->now - c->cookie_ns <= w->cfg.rig.epoch_s * SIM_SEC / 2)
		c->ack_on_time = true;
}

/* A packet from outside, at the moment when the front end gets it. */
static void
note_arrival(struct world *w, const struct rig_buf *b)
{
	struct seg_path path;
	struct seg s;
	struct conn *c;

	if (b->corrupt || seg_parse(b->mem, b->len, &path, &s) != NULL)
		return;
	c = host_conn(w, CLIENT, &path);
	if (c == NULL || c->client == NULL)
		return;
	if (!b->forged) {
		if ((s.flags & (SEG_SYN | SEG_ACK)) == SEG_SYN)
			c->synacks = 0;
		note_ack(w, c, &s);
	} else if ((s.flags & (SEG_SYN | SEG_ACK)) == SEG_SYN) {
		c->forged_syn_ns = w->now;
		/* Its SYN-ACK is remembered to be sent again in the place of the client's. */
		if (c->cookie_taken && !c->ack_delivered)
			pace_lost(&c->pace, w->now);
	}
}

/*
 * Marked packets that a server without ECN must not get are lost when they are dropped: what was
 * held, when the server has answered, and not when it was marked. Whose they are, only the engine
 * knows: any connection that has had as many marked.
 */
static void
note_congested(struct world *w)
{
	uint64_t n = rig_drops(&w->rig, SW_DROP_CONGESTED), dropped = n - w->n_congested;

	w->n_congested = n;
	for (unsigned i = 0; dropped > 0 && i < w->n_conns; i++) {
		struct conn *c = &w->conns[i];

		for (uint64_t k = 0; k < dropped && c->n_marked > 0; k++, c->n_marked--)
			pace_lost(&c->pace, w->now);
	}
}

static void
poll_engine(struct world *w)
{
	unsigned done = 0;

	w->poll_due = false;
	while (done < w->n_rx) {
		unsigned n = (unsigned)rng_range(&w->rng, 1, w->cfg.burst);

		if (n > w->n_rx - done)
			n = w->n_rx - done;
		for (unsigned i = 0; i < n; i++) {
			if (w->rx_side[done + i] == SW_OUTSIDE)
				note_arrival(w, w->rx[done + i]);
		}
		rig_burst(&w->rig, w->now, &w->rx[done], &w->rx_side[done], n, w->cfg.csum);
		note_congested(w);
		done += n;
		w->in_flight -= n;
	}
	w->n_rx = 0;
}

static void
to_engine(struct world *w, const struct event *e)
{
	if (w->n_rx == sizeof(w->rx) / sizeof(w->rx[0])) {
		poll_engine(w);
	}
	w->rx_side[w->n_rx] = (uint8_t)e->side;
	w->rx[w->n_rx++] = e->what;
	if (!w->poll_due) {
		w->poll_due = true;
		queue_push(&w->queue, w->now + rng_below(&w->rng, w->cfg.poll_ns + 1), EV_POLL, 0,
			NULL);
	}
}

static bool
all_ended(const struct world *w)
{
	for (unsigned i = 0; i < w->n_conns; i++) {
		if (!w->conns[i].ended)
			return false;
	}
	return true;
}

static void
dispatch(struct world *w, const struct event *e)
{
	struct sw_engine_gauges g;

	switch (e->kind) {
	case EV_TO_ENGINE:
		to_engine(w, e);
		break;
	case EV_TO_HOST:
		w->in_flight--;
		host_receive(w, e->side, e->what);
		break;
	case EV_POLL:
		poll_engine(w);
		break;
	case EV_TICK:
		rig_tick(&w->rig, w->now);
		g = rig_gauges(&w->rig);
		queue_push(&w->queue,
			w->now + (g.pending				     ? TICK_BUSY_NS
					 : w->now < w->synack_ns + RECENT_NS ? TICK_RECENT_NS
									     : TICK_IDLE_NS),
			EV_TICK, 0, NULL);
		break;
	case EV_PEER:
		host_timer(w, e->what);
		break;
	case EV_FORGE:
		attacker_send(w, e->what);
		break;
	case EV_START:
		host_start(w, e->what);
		break;
	}
}

void
world_run(struct world *w, uint64_t until)
{
	struct event e;

	while (!sim_failed() && queue_pop(&w->queue, &e)) {
		if (++w->n_events > EVENTS_MAX)
			sim_fail("no end: %u events after %lu s", EVENTS_MAX,
				(w->now - w->cfg.epoch_ns) / SIM_SEC);
		if (e.at >= until) {
			queue_push(&w->queue, e.at, e.kind, e.side, e.what);
			w->now = until;
			return;
		}
		w->now = e.at;
		dispatch(w, &e);
		if (w->in_flight == 0 && all_ended(w) && rig_gauges(&w->rig).pending == 0)
			return;
	}
}

void
world_expire(struct world *w)
{
	struct sw_engine_gauges g;
	uint64_t longest = 0;

	for (unsigned i = 0; i < SW_FLOW_STATE_MAX; i++) {
		if (w->cfg.rig.timeouts.state_ms[i] > longest)
			longest = w->cfg.rig.timeouts.state_ms[i];
	}
	w->now += longest * SIM_MS + SIM_SEC;
	rig_tick_turns(&w->rig, &w->now, 2);
	g = rig_gauges(&w->rig);
	if (g.flows || g.pending || g.held)
		sim_fail("after all timers there are left: %u flows, %u pending, %u held", g.flows,
			g.pending, g.held);
}

void
world_fini(struct world *w)
{
	struct event e;

	/* Packets under way; the engine's own come back in rig_fini(). */
	while (queue_pop(&w->queue, &e)) {
		if (e.kind == EV_TO_ENGINE || e.kind == EV_TO_HOST)
			rig_buf_put(&w->rig, e.what);
	}
	for (unsigned i = 0; i < w->n_rx; i++)
		rig_buf_put(&w->rig, w->rx[i]);
	for (unsigned i = 0; i < w->n_conns; i++) {
		free(w->conns[i].client);
		for (unsigned k = 0; k < w->conns[i].n_servers; k++)
			free(w->conns[i].server[k]);
	}
	queue_fini(&w->queue);
	tally_fini(&w->tally);
	rig_fini(&w->rig);
}

bool
world_clean(const struct world_cfg *cfg)
{
	for (int i = 0; i < LEGS; i++) {
		if (!link_is_clean(&cfg->link[i]))
			return false;
	}
	return cfg->mtu == 0;
}
