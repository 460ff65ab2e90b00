/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_front.c - the front end with its service, and the machines behind it, which need not be what
 * the service says.
 */
#include <stdio.h>

#include "plan_int.h"

/* The segments that a machine takes can only be smaller where the front end can cut. */
static bool
can_cut(const struct world_cfg *cfg)
{
	return cfg->rig.spares == SW_SPARE_MAX && !cfg->split;
}

static void
make_machine(const struct world_cfg *cfg, struct machine *m, struct rng *r)
{
	static const uint16_t mss[] = {1460, 1440, 1400, 1220, 536, 400, 8960};
	const struct sw_server_opts *o = &cfg->rig.server;

	*m = (struct machine){.mss4 = o->mss4,
		.mss6 = o->mss6,
		.wscale = rng_chance(r, 300) ? (uint8_t)rng_below(r, 15) : o->wscale,
		.sack = o->sack,
		.ts = o->ts,
		.ecn = o->ecn};
	if (rng_chance(r, 400))
		return;
	if (can_cut(cfg) && rng_chance(r, 600))
		m->mss4 = m->mss6 = mss[rng_below(r, 7)];
	if (rng_chance(r, 250))
		m->wscale = SEG_NO_WSCALE;
	m->sack = rng_chance(r, 700);
	m->ts = rng_chance(r, 700);
	m->ecn = rng_chance(r, 500);
}

void
plan_front(struct world_cfg *cfg, struct machine *m, struct rng *r)
{
	static const uint16_t mss4[] = {1460, 1460, 1400, 536}, mss6[] = {1440, 1440, 1380, 1220};
	struct rig_cfg *g = &cfg->rig;
	unsigned k = (unsigned)rng_below(r, 4);

	g->secret = rng_next(r);
	g->epoch_s = (uint32_t)rng_range(r, SW_EPOCH_MIN_S, 64);
	g->budget = rng_chance(r, 800);
	g->window = (uint16_t)(rng_chance(r, 600) ? 32768 : rng_range(r, 1500, 65535));
	g->server.mss4 = mss4[k];
	g->server.mss6 = mss6[k];
	g->server.wscale = rng_chance(r, 600) ? 7 : (uint8_t)rng_below(r, 16);
	g->server.sack = rng_chance(r, 850);
	g->server.ts = rng_chance(r, 800);
	g->server.ecn = rng_chance(r, 700);
	g->learn = rng_chance(r, 700);
	g->shared = rng_chance(r, 100);
	if (rng_chance(r, 150))
		g->max_recent = (uint32_t)rng_below(r, 3);
	g->spares = rng_chance(r, 800) ? SW_SPARE_MAX : (unsigned)rng_range(r, 1, 4);
	g->headroom = (uint32_t)rng_range(r, RIG_HEADROOM, 130);
	g->spare_room = RIG_FRAME_MAX;
	if (rng_chance(r, 100))
		g->max_held = (uint32_t)rng_range(r, 1, 8);
	if (rng_chance(r, 50)) {
		g->max_flows = (uint32_t)rng_range(r, 1, 4);
		g->max_pending = (uint32_t)rng_range(r, 1, 4);
	}
	/* The clock: anywhere, and often shortly before its 32 bits of milliseconds are over. */
	if (rng_chance(r, 300)) {
		cfg->epoch_ns = ((1ull << 32) - rng_below(r, 20000)) * SIM_MS;
	} else {
		cfg->epoch_ns = rng_below(r, 1000000) * SIM_SEC;
		cfg->epoch_ns += rng_below(r, SIM_SEC);
	}
	cfg->poll_ns = rng_below(r, 300 * SIM_US);
	cfg->burst = (unsigned)rng_range(r, 1, SW_BURST_MAX);
	cfg->pad = rng_chance(r, 500);
	cfg->split = rng_chance(r, 300);
	cfg->csum = rng_chance(r, 500) ? 0 : SW_CSUM_IP_GOOD | SW_CSUM_L4_GOOD;
	if (rng_chance(r, 80))
		cfg->mtu = (uint32_t)rng_range(r, 1280, 1480);
	if (rng_chance(r, 300))
		cfg->forged = (unsigned)rng_range(r, 1, 12);
	if (rng_chance(r, 40))
		cfg->stop_ns = rng_below(r, 2 * SIM_SEC);
	for (unsigned i = 0; i < PLAN_MACHINES; i++)
		make_machine(cfg, &m[i], r);
}

void
plan_machines_change(const struct world_cfg *cfg, struct machine *m, struct rng *r)
{
	for (unsigned i = 0; i < PLAN_MACHINES; i++) {
		if (rng_chance(r, 250))
			make_machine(cfg, &m[i], r);
	}
}

void
plan_server(struct conn *c, const struct world_cfg *cfg, const struct machine *m, struct rng *r)
{
	const struct sw_server_opts *o = &cfg->rig.server;
	struct peer_cfg *p = &c->scfg;

	p->mss = c->path.v6 ? m->mss6 : m->mss4;
	p->wscale = m->wscale;
	p->sack = m->sack;
	p->ts = m->ts;
	p->ecn = m->ecn;
	p->early_window = cfg->rig.window;
	p->ts_slack_ms = 12000;
	/* Mostly there is room for what the service's SYN-ACKs promise. */
	if (p->rcvbuf < cfg->rig.window && rng_chance(r, 700))
		p->rcvbuf = cfg->rig.window + (uint32_t)rng_below(r, 10000);
	if (p->wscale != SEG_NO_WSCALE && p->rcvbuf < 4u << p->wscale)
		p->rcvbuf = 4u << p->wscale;
	if (o->wscale != SEG_NO_WSCALE && p->rcvbuf < 4u << o->wscale)
		p->rcvbuf = 4u << o->wscale;
}

void
plan_print(const struct world_cfg *cfg, const struct conn *conns, unsigned n)
{
	const struct rig_cfg *g = &cfg->rig;

	printf("service: mss %u/%u wscale %u sack %u ts %u ecn %u learn %u shared %u window %u; "
	       "epoch %u s, %u spares, burst %u, flows %u pending %u held %u recent %u\n",
		g->server.mss4, g->server.mss6, g->server.wscale, g->server.sack, g->server.ts,
		g->server.ecn, g->learn, g->shared, g->window, g->epoch_s, g->spares, cfg->burst,
		g->max_flows, g->max_pending, g->max_held, g->max_recent);
	for (int i = 0; i < LEGS; i++) {
		const struct link_cfg *l = &cfg->link[i];

		printf("leg %d: delay %.3f ms jitter %.3f ms loss %u dup %u reorder %u corrupt %u "
		       "permille\n",
			i, (double)l->delay_ns / SIM_MS, (double)l->jitter_ns / SIM_MS, l->loss,
			l->dup, l->reorder, l->corrupt);
	}
	for (unsigned i = 0; i < n; i++) {
		const struct conn *c = &conns[i];

		printf("conn %u: %s port %u tags %u; client mss %u wscale %u sack %u ts %u ecn %u "
		       "buf "
		       "%u sends %lu; server %u kind %d mss %u wscale %u sack %u ts %u ecn %u buf "
		       "%u "
		       "sends %lu\n",
			i, c->path.v6 ? "v6" : "v4", c->path.end[SERVER].port, c->path.n_tags,
			c->ccfg.mss, c->ccfg.wscale, c->ccfg.sack, c->ccfg.ts, c->ccfg.ecn,
			c->ccfg.rcvbuf, c->ccfg.tx_total, c->machine, c->server_kind, c->scfg.mss,
			c->scfg.wscale, c->scfg.sack, c->scfg.ts, c->scfg.ecn, c->scfg.rcvbuf,
			c->scfg.tx_total);
	}
}
