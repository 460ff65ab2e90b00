/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge_options.c - what both ends were told at the handshake must be valid for each of them and
 * fit together, whatever the server has: nobody has an option that he did not offer
 * (peer_check_synack()), the server has none that the client has not, and what the client has and
 * the server has not, is repaired. That neither is sent more than its MSS or window takes is seen
 * at every segment (tcp_check.c).
 */
#include "plan_int.h"

/* The SYN-ACK to the client: within what the service may promise. */
static void
judge_promise(const struct world *w, const struct conn *c)
{
	const struct sw_server_opts *o = &w->cfg.rig.server;
	const struct tcp_peer *cl = c->client;
	const struct seg *synack = &cl->partner_syn;
	bool exact = !w->cfg.rig.learn;
	uint8_t wscale = cl->cfg.wscale == SEG_NO_WSCALE ? SEG_NO_WSCALE : o->wscale;

	if (synack->window != w->cfg.rig.window)
		sim_fail("conn %u: SYN-ACK says window %u", c->id, synack->window);
	if (synack->mss == 0 || (exact && synack->mss != (c->path.v6 ? o->mss6 : o->mss4)))
		sim_fail("conn %u: SYN-ACK says MSS %u", c->id, synack->mss);
	if (synack->wscale != SEG_NO_WSCALE && wscale == SEG_NO_WSCALE)
		sim_fail("conn %u: SYN-ACK says window scale %u", c->id, synack->wscale);
	if ((cl->ts_on && !o->ts) || (cl->sack_on && !o->sack) || (cl->ecn_on && !o->ecn))
		sim_fail("conn %u: client was promised what the service has not: timestamps %d, "
			 "SACK %d, ECN %d",
			c->id, cl->ts_on, cl->sack_on, cl->ecn_on);
	/* From its third SYN on a client may have offered less. */
	if (!exact || cl->cfg.syn_plain)
		return;
	if (synack->wscale != wscale)
		sim_fail("conn %u: SYN-ACK says window scale %u", c->id, synack->wscale);
	if (cl->ts_on != (cl->cfg.ts && o->ts) || cl->sack_on != (cl->cfg.sack && o->sack))
		sim_fail("conn %u: client was promised timestamps %d, SACK %d", c->id, cl->ts_on,
			cl->sack_on);
}

/* The largest class that does not exceed it (docs/handshake.md). */
static unsigned
mss_class(unsigned mss, bool v6)
{
	static const unsigned classes[2][8] = {{48, 216, 512, 1220, 1360, 1420, 1460, 8960},
		{48, 536, 1220, 1340, 1380, 1420, 1440, 8940}};
	unsigned k = 7;

	while (k > 0 && classes[v6][k] > mss)
		k--;
	return classes[v6][k];
}

/*
 * The server's connection is of the client's own SYN: it came while the one before seemed to be
 * alive and was passed on to be challenged, but the server had just lost that. When the front end
 * asks for the client, with the same number, the server answers as to a SYN that it has had.
 */
static bool
heard_client(const struct world *w, const struct conn *c, const struct seg *syn)
{
	return c->after != NULL && rig_count(&w->rig, SW_C_LIVE_SYN_PASSED) > 0 &&
	       syn->mss == c->client->cfg.mss;
}

/* The SYN to the server: what the client is. */
static void
judge_offer(const struct world *w, const struct conn *c, const struct tcp_peer *sv)
{
	const struct tcp_peer *cl = c->client;
	const struct seg *synack = &cl->partner_syn, *syn = &sv->partner_syn;
	unsigned mss = cl->cfg.mss ? cl->cfg.mss : cl->cfg.mss_default;
	unsigned class = mss_class(mss, c->path.v6);
	unsigned made = cl->ts_on && !sv->ts_on ? 12 : 0;

	/* Resets of the first SYN lost: the server stays with what it was told then. */
	if (syn->mss != class - made && (world_clean(&w->cfg) || syn->mss != class) &&
		!heard_client(w, c, syn))
		sim_fail("conn %u: server was told MSS %u, client's is %u", c->id, syn->mss, mss);
	if (synack->wscale == SEG_NO_WSCALE ? syn->wscale != SEG_NO_WSCALE
					    : syn->wscale > cl->cfg.wscale)
		sim_fail("conn %u: server was told window scale %u, client's is %u", c->id,
			syn->wscale, cl->cfg.wscale);
	if (sv->ts_on &&
		syn->wscale != (synack->wscale == SEG_NO_WSCALE ? SEG_NO_WSCALE : cl->cfg.wscale))
		sim_fail("conn %u: window scale %u became %u though timestamps carry it", c->id,
			cl->cfg.wscale, syn->wscale);
	if (syn->tsecr != 0)
		sim_fail("conn %u: SYN to the server echoes timestamp %u", c->id, syn->tsecr);
}

void
judge_options(const struct world *w, const struct conn *c, const struct tcp_peer *sv)
{
	const struct tcp_peer *cl = c->client;
	bool repaired;

	if (c->path.end[SERVER].port != RIG_PORT_PROXY || !cl->established ||
		c->opener != OPENS_CLIENT)
		return;
	judge_promise(w, c);
	judge_offer(w, c, sv);
	if ((sv->ts_on && !cl->ts_on) || (sv->sack_on && !cl->sack_on) ||
		(sv->ecn_on && !cl->ecn_on))
		sim_fail("conn %u: server has timestamps %d, SACK %d, ECN %d; client %d, %d, %d",
			c->id, sv->ts_on, sv->sack_on, sv->ecn_on, cl->ts_on, cl->sack_on,
			cl->ecn_on);
	repaired = sv->ts_on != cl->ts_on || sv->sack_on != cl->sack_on;
	if (repaired && rig_count(&w->rig, SW_C_FLOW_REPAIRED) == 0)
		sim_fail("conn %u: server has less than its client, and nobody repaired it", c->id);
	/* Marked packets are answered for. */
	if (world_clean(&w->cfg) && sv->ecn_on && cl->end == END_FIN &&
		(sv->n_ce > 0) > (cl->n_ece_in > 0))
		sim_fail("conn %u: server was marked %lu times, the client heard of none", c->id,
			sv->n_ce);
	if (sv->cfg.urg_rx > 0 && sv->fin_rcvd && sv->n_urg == 0)
		sim_fail("conn %u: server never heard of the urgent bytes", c->id);
	if (cl->cfg.urg_rx > 0 && cl->fin_rcvd && cl->n_urg == 0)
		sim_fail("conn %u: client never heard of the urgent bytes", c->id);
}
