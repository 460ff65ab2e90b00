/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge.c - how every connection of a run must have ended. What is excused is what a direct
 * connection behind SYN cookies could not have either, and only where the network gave the reason.
 */
#include "plan.h"

static const char *
ended_as(const struct tcp_peer *p)
{
	return p == NULL ? "never opened" : peer_end_name(p->end);
}

/* What both ends were told at the handshake must fit together. */
static void
judge_options(const struct world *w, const struct conn *c, const struct tcp_peer *sv)
{
	const struct sw_server_opts *o = &w->cfg.rig.server;
	const struct tcp_peer *cl = c->client;
	const struct seg *synack = &cl->partner_syn, *syn = &sv->partner_syn;
	unsigned mss = cl->cfg.mss ? cl->cfg.mss : cl->cfg.mss_default;

	if (c->path.end[SERVER].port != RIG_PORT_PROXY)
		return;
	if (synack->mss != (c->path.v6 ? o->mss6 : o->mss4))
		sim_fail("conn %u: SYN-ACK says MSS %u", c->id, synack->mss);
	if (synack->wscale != (cl->cfg.wscale == SEG_NO_WSCALE ? SEG_NO_WSCALE : o->wscale))
		sim_fail("conn %u: SYN-ACK says window scale %u", c->id, synack->wscale);
	if (synack->window != w->cfg.rig.window)
		sim_fail("conn %u: SYN-ACK says window %u", c->id, synack->window);
	if (cl->ts_on != (cl->cfg.ts && o->ts) || cl->sack_on != (cl->cfg.sack && o->sack))
		sim_fail("conn %u: client was promised timestamps %d, SACK %d", c->id, cl->ts_on,
			cl->sack_on);
	if (sv->ts_on != cl->ts_on || sv->sack_on != cl->sack_on)
		sim_fail("conn %u: server has timestamps %d, SACK %d; client %d, %d", c->id,
			sv->ts_on, sv->sack_on, cl->ts_on, cl->sack_on);
	if (syn->mss == 0 || syn->mss > mss || (mss >= 512 && syn->mss + 708u < mss))
		sim_fail("conn %u: server was told MSS %u, client's is %u", c->id, syn->mss, mss);
	if (synack->wscale == SEG_NO_WSCALE ? syn->wscale != SEG_NO_WSCALE
					    : syn->wscale > cl->cfg.wscale)
		sim_fail("conn %u: server was told window scale %u, client's is %u", c->id,
			syn->wscale, cl->cfg.wscale);
	if (cl->ts_on &&
		syn->wscale != (synack->wscale == SEG_NO_WSCALE ? SEG_NO_WSCALE : cl->cfg.wscale))
		sim_fail("conn %u: window scale %u became %u though timestamps carry it", c->id,
			cl->cfg.wscale, syn->wscale);
	if (syn->tsecr != 0)
		sim_fail("conn %u: SYN to the server echoes timestamp %u", c->id, syn->tsecr);
}

/* All bytes of both streams and both FINs. */
static bool
whole(const struct tcp_peer *p)
{
	return peer_rx(p) == p->cfg.rx_total && p->fin_rcvd;
}

/* The end of a peer whose partner has everything and may be gone. */
static bool
ended_well(const struct tcp_peer *p)
{
	if (!whole(p))
		return false;
	/* Only the ACK of its FIN is missing: the partner's TIME_WAIT was over. */
	return p->end == END_FIN || p->state == PEER_TIME_WAIT ||
	       ((p->end == END_RESET || p->end == END_TIMEOUT) && p->fin_sent);
}

static void
judge_abort(const struct conn *c, const struct tcp_peer *cl, const struct tcp_peer *sv, bool clean)
{
	const struct tcp_peer *by = cl->end == END_ABORTED ? cl : sv;
	const struct tcp_peer *of = by == cl ? sv : cl;

	if (of == NULL) /* the client was gone before the server was asked */
		return;
	if (of->end == END_RESET || of->end == END_ABORTED || ended_well(of))
		return;
	/* The reset was lost and nobody is left to repeat it. */
	if (!clean && of->end == END_TIMEOUT)
		return;
	/* Handshake of a client that reset at once, in any order of arrival. */
	if (!of->established && of->end == END_TIMEOUT)
		return;
	sim_fail("conn %u: %s aborted, the other end saw: %s", c->id,
		by == cl ? "client" : "server", ended_as(of));
}

static bool
full_somewhere(const struct world *w)
{
	return rig_drops(&w->rig, SW_DROP_TABLE_FULL) + rig_drops(&w->rig, SW_DROP_PENDING_FULL) >
	       0;
}

/* Connections that were never spliced: is there a reason? */
static void
judge_unopened(struct world *w, const struct conn *c, bool clean)
{
	const struct tcp_peer *cl = c->client;
	bool proxied = c->path.end[SERVER].port == RIG_PORT_PROXY;

	if (c->server_kind == SERVER_REFUSES || c->server_kind == SERVER_SILENT) {
		bool ok = cl->end == END_RESET ||
			  (c->server_kind == SERVER_SILENT && !proxied && cl->end == END_TIMEOUT);

		if (ok || cl->end == END_ABORTED)
			return;
	}
	if (cl->end == END_NONE)
		sim_fail("conn %u: client never ended (%s)", c->id, peer_state_name(cl->state));
	if (full_somewhere(w) && cl->end == END_TIMEOUT)
		return;
	if (clean) {
		sim_fail("conn %u: never opened over a clean network, client %s", c->id,
			peer_end_name(cl->end));
		return;
	}
	/* The handshake ACK never came, or too late for its cookie. */
	if (proxied && cl->end == END_TIMEOUT && cl->established && !c->ack_on_time)
		return;
	if (!cl->established && cl->end == END_TIMEOUT)
		return;
	if (proxied && cl->end == END_RESET && rig_count(&w->rig, SW_C_SERVER_TIMED_OUT) > 0)
		return;
	/* The reset that told it so was lost, and the flow is gone. */
	if (cl->end == END_TIMEOUT && c->ack_delivered &&
		(c->server_kind != SERVER_ACCEPTS || rig_count(&w->rig, SW_C_SERVER_TIMED_OUT) > 0))
		return;
	sim_fail("conn %u: never opened, client %s, right ACK %s", c->id, peer_end_name(cl->end),
		c->ack_on_time ? "arrived in time" : "did not arrive in time");
}

/*
 * Servers that took the connection. A cookie is good as long as its key: the ACK of an earlier
 * connection of the tuple, come late, may open that one again; its server is not counted.
 */
static unsigned
established_servers(const struct conn *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_servers; i++) {
		const struct tcp_peer *p = c->server[i];

		n += p->established && (c->after == NULL || p->irs == c->client->iss);
	}
	return n;
}

static void
judge_conn(struct world *w, const struct conn *c, bool clean)
{
	const struct tcp_peer *cl = c->client, *sv = conn_server(c);

	for (unsigned i = 0; i < c->n_servers; i++) {
		if (c->server[i]->state != PEER_CLOSED && c->server[i]->state != PEER_TIME_WAIT)
			sim_fail("conn %u: server never ended (%s)", c->id,
				peer_state_name(c->server[i]->state));
	}
	if (established_servers(c) > 1)
		sim_fail("conn %u: %u servers took it", c->id, established_servers(c));
	if (clean && c->n_servers > 1)
		sim_fail("conn %u: %u servers were opened over a clean network", c->id,
			c->n_servers);
	if (cl->end == END_ABORTED || (sv != NULL && sv->end == END_ABORTED)) {
		judge_abort(c, cl, sv, clean);
		return;
	}
	if (sv == NULL || !sv->established) {
		judge_unopened(w, c, clean);
		return;
	}
	judge_options(w, c, sv);
	if (!ended_well(cl) || !ended_well(sv))
		sim_fail("conn %u: client %s with %lu/%lu bytes, server %s with %lu/%lu", c->id,
			ended_as(cl), peer_rx(cl), cl->cfg.rx_total, ended_as(sv), peer_rx(sv),
			sv->cfg.rx_total);
}

/* Over a clean network with room for all that is early, nothing needs to be sent twice. */
static void
judge_stalls(struct world *w, const struct conn *c)
{
	const struct tcp_peer *cl = c->client, *sv = conn_server(c);
	uint64_t again;

	if (sv == NULL || !sv->established || cl->end != END_FIN ||
		(sv->end != END_FIN && sv->state != PEER_TIME_WAIT))
		return;
	if (w->cfg.rig.max_held < 2048 || w->cfg.rig.spares < SW_SPARE_MAX || full_somewhere(w))
		return;
	if (cl->cfg.read_chunk || sv->cfg.read_chunk || sv->cfg.rcvbuf < w->cfg.rig.window ||
		cl->n_probes || sv->n_probes)
		return;
	again = cl->n_retransmitted + sv->n_retransmitted;
	if (again)
		sim_fail(
			"conn %u: clean network, but client sent %lu and server %lu segments again",
			c->id, cl->n_retransmitted, sv->n_retransmitted);
}

void
plan_judge(struct world *w)
{
	bool clean = world_clean(&w->cfg);

	for (unsigned i = 0; i < w->n_conns && !sim_failed(); i++) {
		judge_conn(w, &w->conns[i], clean);
		if (clean)
			judge_stalls(w, &w->conns[i]);
	}
	if (clean && w->n_stray)
		sim_fail("%lu stray packets over a clean network", w->n_stray);
}
