/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_whims.c - what a few connections do and most do not.
 */
#include "plan_int.h"

#define MSS_JUMBO 8960

static void
client_whims(struct peer_cfg *p, struct rng *r)
{
	p->ecn = rng_chance(r, 400);
	if (rng_chance(r, 60))
		p->mss = MSS_JUMBO;
	p->syn_plain = rng_chance(r, 150);
	if (rng_chance(r, 100))
		p->ack_copies = (unsigned)rng_range(r, 1, 2);
}

static void
urgent(struct peer_cfg *from, struct peer_cfg *to, struct rng *r)
{
	if (from->tx_total > 0 && rng_chance(r, 60))
		from->urg_tx = to->urg_rx = rng_range(r, 1, from->tx_total);
}

/* A reset in any state: of the handshake, of the data, of the closing. */
static void
aborts(struct conn *c, struct rng *r)
{
	struct peer_cfg *p = rng_chance(r, 500) ? &c->ccfg : &c->scfg;

	if (rng_chance(r, 950))
		return;
	p->abort_ns = rng_range(r, 1, rng_chance(r, 500) ? 100 * SIM_MS : 5 * SIM_SEC);
	p->vanish = p == &c->ccfg && rng_chance(r, 400);
}

void
plan_whims(struct conn *c, struct rng *r)
{
	client_whims(&c->ccfg, r);
	if (rng_chance(r, 100))
		c->ccfg.mss_limit = c->scfg.mss_limit = MSS_JUMBO;
	if (rng_chance(r, 80))
		c->scfg.answer_ns = rng_range(r, SIM_MS, 4 * SIM_SEC);
	urgent(&c->ccfg, &c->scfg, r);
	urgent(&c->scfg, &c->ccfg, r);
	aborts(c, r);
	if (c->after == NULL)
		c->alt_mac = rng_chance(r, 80);
}

void
plan_opener(struct conn *c, const struct world_cfg *cfg, struct rng *r)
{
	c->opener = rng_chance(r, 500) || !world_clean(cfg) ? OPENS_SERVER : OPENS_BOTH;
	c->server_kind = SERVER_ACCEPTS;
	c->ccfg.ts_slack_ms = 1000; /* its clock is not ours */
	c->ccfg.syn_plain = false;
	c->scfg.answer_ns = 0;
	/* Where SYNs cross, so do the front end's SYN-ACK and the server's SYN. */
	c->ccfg.in_order = c->scfg.in_order = false;
}
