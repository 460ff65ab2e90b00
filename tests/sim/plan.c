/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "plan_int.h"

void
plan_defaults(struct world_cfg *cfg)
{
	*cfg = (struct world_cfg){
		.seed = 1,
		.epoch_ns = 1000 * SIM_SEC,
		.poll_ns = 50 * SIM_US,
		.burst = 32,
		.stop_ns = SIM_NEVER,
		.limit_ns = 3000 * SIM_SEC,
		.rig =
			{
				.server = {.mss4 = 1460,
					.mss6 = 1440,
					.wscale = 7,
					.sack = true,
					.ts = true},
				.window = 32768,
				.epoch_s = 64,
				.secret = 1,
				.budget = true,
				.max_flows = 1024,
				.max_pending = 256,
				.max_held = 2048,
				.max_recent = 256,
				.spares = SW_SPARE_MAX,
				.headroom = RIG_HEADROOM,
				.spare_room = RIG_FRAME_MAX,
				.timeouts = {.state_ms =
						     {
							     [SW_FLOW_QUIET] = 400 * 1000,
							     [SW_FLOW_OPEN] = 400 * 1000,
							     [SW_FLOW_FIN_CLIENT] = 240 * 1000,
							     [SW_FLOW_FIN_SERVER] = 240 * 1000,
							     [SW_FLOW_FIN_BOTH] = 30 * 1000,
							     [SW_FLOW_RST_CLIENT] = 10 * 1000,
							     [SW_FLOW_RST_SERVER] = 10 * 1000,
						     }},
			},
	};
	for (int i = 0; i < LEGS; i++)
		cfg->link[i].delay_ns = 5 * SIM_MS;
}

struct peer_cfg
plan_peer(void)
{
	return (struct peer_cfg){
		.mss = 1460,
		.wscale = 7,
		.sack = true,
		.ts = true,
		.rcvbuf = 256 * 1024,
		.mss_limit = 1460,
		.mss_default = 536,
		.cwnd = 10,
		.rto_ns = 400 * SIM_MS,
		.syn_retries = 6,
		.retries = 15,
		.keepalive_ns = 40 * SIM_SEC,
		.time_wait_ns = 20 * SIM_SEC,
		.close = CLOSE_WHEN_DONE,
		.abort_rx = SIM_NEVER,
	};
}

static uint32_t
near_wrap(struct rng *r)
{
	return rng_chance(r, 400) ? (uint32_t)-rng_below(r, 100000) : (uint32_t)rng_next(r);
}

static uint64_t
pick_amount(struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		return 0;
	case 1:
	case 2:
		return rng_range(r, 1, 1500);
	case 3:
	case 4:
		return rng_range(r, 1, 20000);
	default:
		return rng_range(r, 20000, 200000);
	}
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void
plan_links(struct world_cfg *cfg, struct rng *r)
{
	bool clean = rng_chance(r, 350);

	for (int i = 0; i < LEGS; i++) {
		struct link_cfg *l = &cfg->link[i];

		l->delay_ns = rng_range(r, 20 * SIM_US, rng_chance(r, 500) ? SIM_MS : 30 * SIM_MS);
		l->jitter_ns = rng_chance(r, 500) ? rng_below(r, 2 * SIM_MS) : 0;
		l->ce = rng_chance(r, 200) ? (unsigned)rng_below(r, 100) : 0;
		if (clean)
			continue;
		l->loss = rng_chance(r, 600) ? (unsigned)rng_below(r, 80) : 0;
		l->dup = rng_chance(r, 400) ? (unsigned)rng_below(r, 40) : 0;
		l->reorder = rng_chance(r, 400) ? (unsigned)rng_below(r, 150) : 0;
		l->corrupt = rng_chance(r, 300) ? (unsigned)rng_below(r, 20) : 0;
	}
}

static void
plan_tcp(struct peer_cfg *p, const struct world_cfg *cfg, struct rng *r, bool v6)
{
	static const uint16_t mss[] = {1460, 1440, 1400, 1380, 1220, 536};
	uint64_t rtt = 0;

	for (int i = 0; i < LEGS; i++)
		rtt += cfg->link[i].delay_ns + cfg->link[i].jitter_ns;
	*p = plan_peer();
	p->mss = rng_chance(r, 700) ? mss[rng_below(r, 6)] : (uint16_t)rng_range(r, 64, 1460);
	p->wscale = rng_chance(r, 200) ? SEG_NO_WSCALE : (uint8_t)rng_below(r, 15);
	p->sack = rng_chance(r, 750);
	p->ts = rng_chance(r, 650);
	p->iss = near_wrap(r);
	p->ts_offset = (uint32_t)rng_next(r);
	if (rng_chance(r, 400))
		p->ts_offset = -(uint32_t)(cfg->epoch_ns / SIM_MS) - (uint32_t)rng_below(r, 20000);
	p->rcvbuf = (uint32_t)rng_range(r, 4096, rng_chance(r, 500) ? 65535 : 400000);
	p->mss_default = v6 ? 1220 : 536;
	p->cwnd = (uint32_t)rng_range(r, 2, 40);
	p->delack_ns = rng_chance(r, 600) ? 40 * SIM_MS : 0;
	p->rto_ns = 4 * rtt + 300 * SIM_MS;
	if (rng_chance(r, 150))
		p->keepalive_ns = rng_range(r, 1, 10) * SIM_SEC;
	p->time_wait_ns = rng_range(r, 10, 60) * SIM_SEC;
	p->probe_byte = rng_chance(r, 300);
	p->tx_key = rng_next(r);
	if (rng_chance(r, 150)) {
		p->write_chunk = (uint32_t)rng_range(r, 500, 20000);
		p->write_every_ns = rng_range(r, SIM_MS, 3 * SIM_SEC);
	}
	if (rng_chance(r, 150)) {
		p->read_chunk = (uint32_t)rng_range(r, 1000, 50000);
		p->read_every_ns = rng_range(r, SIM_MS, SIM_SEC);
	}
	p->in_order = true;
	for (int i = 0; i < LEGS; i++)
		p->in_order = p->in_order && cfg->link[i].dup == 0 && cfg->link[i].reorder == 0;
}

static void
plan_client(struct conn *c, struct rng *r)
{
	struct peer_cfg *p = &c->ccfg;

	if (rng_chance(r, 100))
		p->mss = 0;
	p->ack_with_data = rng_chance(r, 300);
	/* Unproxied, the SYN-ACK may be late and what follows early. */
	p->ts_slack_ms = c->path.end[SERVER].port == RIG_PORT_PROXY ? 0 : 1000;
	if (p->wscale != SEG_NO_WSCALE && p->rcvbuf < 4u << p->wscale)
		p->rcvbuf = 4u << p->wscale;
}

/* How much: bounded by windows that are read too small, and by tiny segments. */
static void
plan_amounts(struct conn *c, struct rng *r)
{
	struct peer_cfg *cl = &c->ccfg, *sv = &c->scfg;
	unsigned cw = cl->wscale == SEG_NO_WSCALE ? 0 : cl->wscale;
	unsigned read_as = sv->wscale == SEG_NO_WSCALE || cl->wscale == SEG_NO_WSCALE ? 0
			   : cw < 9						      ? cw
										      : 9;
	uint64_t window = least(cl->rcvbuf >> cw, 65535) << read_as;
	uint64_t mss = least(cl->mss ? cl->mss : cl->mss_default, sv->mss);

	if (read_as > 2 && read_as < 5)
		window >>= 2; /* classes round down */
	if (read_as == 1)
		window >>= 1;
	cl->tx_total = sv->rx_total = least(pick_amount(r), 400 * mss);
	sv->tx_total = cl->rx_total = least(least(pick_amount(r), 400 * mss), 100 * window);
	cl->rx_key = sv->tx_key;
	sv->rx_key = cl->tx_key;
	/* An application that dawdles is to be done in bounded time. */
	if (cl->write_chunk && cl->tx_total / cl->write_chunk > 50)
		cl->write_chunk = (uint32_t)(cl->tx_total / 50);
	if (sv->write_chunk && sv->tx_total / sv->write_chunk > 50)
		sv->write_chunk = (uint32_t)(sv->tx_total / 50);
}

static void
plan_close(struct conn *c, struct rng *r)
{
	static const enum peer_close how[][2] = {
		{CLOSE_WHEN_SENT, CLOSE_WHEN_SENT},
		{CLOSE_WHEN_SENT, CLOSE_AFTER_PEER},
		{CLOSE_AFTER_PEER, CLOSE_WHEN_SENT},
		{CLOSE_WHEN_DONE, CLOSE_AFTER_PEER},
		{CLOSE_AFTER_PEER, CLOSE_WHEN_DONE},
		{CLOSE_WHEN_DONE, CLOSE_WHEN_DONE},
	};
	unsigned k = (unsigned)rng_below(r, 6);

	c->ccfg.close = how[k][0];
	c->scfg.close = how[k][1];
	if (rng_chance(r, 60))
		c->ccfg.abort_rx = rng_below(r, c->ccfg.rx_total + 1);
	else if (rng_chance(r, 60))
		c->scfg.abort_rx = rng_below(r, c->scfg.rx_total + 1);
	c->server_kind = SERVER_ACCEPTS;
	if (rng_chance(r, 40))
		c->server_kind = SERVER_REFUSES;
	else if (rng_chance(r, 20))
		c->server_kind = SERVER_SILENT;
}

/* The same machines as those of an earlier connection, on the same ports. */
static void
plan_again(struct conn *c, struct conn *old, struct rng *r)
{
	c->path = old->path;
	c->machine = old->machine;
	c->alt_mac = old->alt_mac;
	c->after = old;
	c->start_ns = rng_chance(r, 500) ? 0 : c->start_ns + SIM_SEC;
}

void
plan_make(struct world_cfg *cfg, struct conn *conns, unsigned n)
{
	struct rng r = {.s = cfg->seed * 0x2545f4914f6cdd1dull};
	struct machine machines[PLAN_MACHINES];
	uint64_t seed = cfg->seed;

	plan_defaults(cfg);
	cfg->seed = seed;
	plan_links(cfg, &r);
	plan_front(cfg, machines, &r);
	memset(conns, 0, n * sizeof(*conns));
	for (unsigned i = 0; i < n; i++) {
		struct conn *c = &conns[i];
		unsigned kind = (unsigned)rng_below(&r, 100);
		unsigned tags = rng_chance(&r, 250) ? (unsigned)rng_range(&r, 1, 2) : 0;
		bool again = i > 0 && conns[i - 1].opener == OPENS_CLIENT && rng_chance(&r, 200);
		bool v6;
		uint32_t client;
		uint16_t vid;

		c->start_ns = rng_below(&r, 300 * SIM_MS);
		v6 = rng_chance(&r, 400);
		client = 1 + (uint32_t)rng_below(&r, 1000);
		vid = (uint16_t)rng_range(&r, 1, 3000);
		c->path = seg_path_make(v6, client, (uint16_t)(20000 + i),
			kind < 85   ? RIG_PORT_PROXY
			: kind < 92 ? RIG_PORT_PASS
				    : RIG_PORT_OTHER,
			tags, vid);
		if (rng_chance(&r, 100))
			c->path.extra = (uint8_t)(8 * rng_range(&r, 1, v6 ? 2 : 5));
		c->machine = (unsigned)rng_below(&r, PLAN_MACHINES);
		c->path.end[SERVER].addr[v6 ? 15 : 3] += (uint8_t)c->machine;
		if (i == n / 2)
			plan_machines_change(cfg, machines, &r);
		if (again)
			plan_again(c, &conns[i - 1], &r);
		plan_tcp(&c->ccfg, cfg, &r, c->path.v6);
		plan_tcp(&c->scfg, cfg, &r, c->path.v6);
		plan_client(c, &r);
		plan_server(c, cfg, &machines[c->machine], &r);
		plan_amounts(c, &r);
		plan_close(c, &r);
		plan_whims(c, &r);
		c->opener = OPENS_CLIENT;
		if (c->after == NULL && rng_chance(&r, 50))
			plan_opener(c, cfg, &r);
		if (again) { /* their clocks run on */
			c->ccfg.ts_offset = conns[i - 1].ccfg.ts_offset;
			c->scfg.ts_offset = conns[i - 1].scfg.ts_offset;
			c->ccfg.ts = conns[i - 1].ccfg.ts;
		}
	}
}
