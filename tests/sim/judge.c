/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge.c - how every connection of a run must have ended. What is excused is what a direct
 * connection behind SYN cookies could not have either, and only where the network gave the reason.
 */
#include "plan_int.h"

/* SYN-ACKs sent again; the memory for them is a table where two of many may share a place. */
#define SYNACKS_AGAIN 3
#define RECENT_ENOUGH 256

static const char *
ended_as(const struct tcp_peer *p)
{
	return p == NULL ? "never opened" : peer_end_name(p->end);
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

static bool
followed_by_silence(const struct world *w, const struct conn *c)
{
	for (unsigned i = 0; i < w->n_conns; i++) {
		if (w->conns[i].after == c && w->conns[i].server_kind == SERVER_SILENT)
			return true;
	}
	return false;
}

static bool
full_somewhere(const struct world *w)
{
	return rig_drops(&w->rig, SW_DROP_TABLE_FULL) + rig_drops(&w->rig, SW_DROP_PENDING_FULL) >
	       0;
}

static void
judge_abort(const struct world *w, const struct conn *c, const struct tcp_peer *sv, bool clean)
{
	const struct tcp_peer *cl = c->client;
	const struct tcp_peer *by = cl->end == END_ABORTED ? cl : sv;
	const struct tcp_peer *of = by == cl ? sv : cl;

	if (of == NULL) /* the client was gone before the server was asked */
		return;
	if (of->end == END_RESET || of->end == END_ABORTED || ended_well(of))
		return;
	if (c->opener == OPENS_SERVER && of == cl && !cl->established && cl->end == END_NONE)
		return; /* gone before the client heard of it */
	/* It went without a word; whoever asks later may find another connection there. */
	if (by->cfg.vanish && of->end != END_NONE)
		return;
	/* The reset was lost and nobody is left to repeat it. */
	if (!clean && of->end == END_TIMEOUT)
		return;
	/* Its server has fallen silent for this tuple since: it hears no reset any more. */
	if (of->end == END_TIMEOUT && followed_by_silence(w, c))
		return;
	/* Handshake of a client that reset at once, in any order of arrival. */
	if (!of->established && of->end == END_TIMEOUT)
		return;
	/* It gave up its own opening, and there was no room for the client's: nobody said so. */
	if (c->opener == OPENS_BOTH && by == sv && !sv->established && of->end == END_TIMEOUT &&
		full_somewhere(w))
		return;
	sim_fail("conn %u: %s aborted, the other end saw: %s", c->id,
		by == cl ? "client" : "server", ended_as(of));
}

/*
 * A forged SYN came between the client's own and its ACK, and the number of the last SYN on the
 * tuple is all that some of the client's segments are known by: they are taken for those of the
 * connection that was there (docs/security.md). They are
 *   - those behind an ACK that was lost, or refused for want of a pending record: a server that has
 *     forgotten that connection resets them;
 *   - of a client that was started anew, with a number before those that the server has of that
 *     connection, the ACK itself: each end turns away what the other sends.
 */
static bool
number_was_displaced(const struct world *w, const struct conn *c)
{
	bool refused = rig_drops(&w->rig, SW_DROP_PENDING_FULL) > 0;
	const struct tcp_peer *old = c->after != NULL ? conn_server(c->after) : NULL;

	if (old == NULL)
		return false;
	if (c->cookie_taken && (!c->ack_delivered || refused) && c->client->end == END_RESET &&
		c->forged_syn_ns >= c->cookie_ns)
		return true;
	return c->displaced && seq_lt(c->client->iss, old->rcv_nxt);
}

/*
 * The handshake ACK of an earlier connection of the tuple, or a copy of it, came behind that one's
 * reset and behind this one's SYN. Nothing was known of either, or no more, so it opened the
 * earlier one; and the ACK of this one is then a segment of that, as behind any SYN cookies.
 */
static bool
went_to_earlier(const struct conn *c)
{
	return c->preceded && c->after->client->end == END_ABORTED;
}

/*
 * No answer of a silent server: the front end says so with a reset. But SYNs on a tuple whose
 * earlier connection seems to be alive it passes on, and answers none itself: that is then as if it
 * were not there. Any segment of the client, a forged one as well, makes it seem so after its reset
 * (docs/splice.md, state table).
 */
static bool
silence_is_all(const struct world *w, const struct conn *c)
{
	bool proxied = c->path.end[SERVER].port == RIG_PORT_PROXY;

	if (c->server_kind != SERVER_SILENT || c->client->end != END_TIMEOUT)
		return false;
	return !proxied || (c->after != NULL && c->cookie_ns == 0 &&
				   rig_count(&w->rig, SW_C_LIVE_SYN_PASSED) > 0);
}

/* Connections that were never spliced: is there a reason? */
static void
judge_unopened(struct world *w, const struct conn *c, bool clean)
{
	const struct tcp_peer *cl = c->client;
	bool proxied = c->path.end[SERVER].port == RIG_PORT_PROXY;

	if (c->server_kind != SERVER_ACCEPTS &&
		(cl->end == END_RESET || cl->end == END_ABORTED || silence_is_all(w, c)))
		return;
	/*
	 * Both opened it, and of what the client sent on the cookie the first was lost: the server
	 * resets what it knows nothing of.
	 */
	if (c->opener == OPENS_BOTH && !clean && cl->end == END_RESET)
		return;
	if (c->opener == OPENS_SERVER && cl->end == END_NONE && (!clean || full_somewhere(w)))
		return; /* it never heard of it */
	if (cl->end == END_NONE)
		sim_fail("conn %u: client never ended (%s)", c->id, peer_state_name(cl->state));
	if (full_somewhere(w) && (cl->end == END_TIMEOUT || c->opener != OPENS_CLIENT))
		return;
	if ((cl->end == END_TIMEOUT || cl->end == END_RESET) &&
		(number_was_displaced(w, c) || went_to_earlier(c)))
		return;
	if (clean) {
		sim_fail("conn %u: never opened over a clean network, client %s", c->id,
			peer_end_name(cl->end));
		return;
	}
	/*
	 * No handshake ACK came in time for its cookie: neither the first nor those for the
	 * SYN-ACKs that are sent again, where those are remembered.
	 */
	if (proxied && cl->end == END_TIMEOUT && cl->established && !c->ack_on_time &&
		(w->cfg.rig.max_recent < RECENT_ENOUGH || c->pace.n_lost > SYNACKS_AGAIN))
		return;
	/* Of each of its SYNs, that or the answer was lost. */
	if (!cl->established && cl->end == END_TIMEOUT && c->pace.n_lost > cl->cfg.syn_retries)
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

/* An end of an earlier connection of the tuple was still there when this one began. */
static bool
tuple_was_dropped(const struct conn *c)
{
	for (; c != NULL; c = c->after) {
		if (c->client->end == END_ABORTED || c->scfg.abort_ns ||
			c->scfg.abort_rx != SIM_NEVER)
			return true;
	}
	return false;
}

static bool
repeats(const struct link_cfg *l)
{
	return l->dup || l->reorder;
}

/*
 * A server without timestamps whose client was promised them is reset and asked again, with the
 * same sequence numbers: a copy of the RST that comes late ends the new connection as well, and a
 * late copy of the first SYN-ACK has the front end send one.
 */
static bool
reset_twice(const struct world *w, const struct conn *c)
{
	return c->n_servers > 1 && !c->scfg.ts && c->client->ts_on &&
	       (repeats(&w->cfg.link[LEG_F_S]) || repeats(&w->cfg.link[LEG_S_F]));
}

/*
 * A server reset the connection before it was open. That was told to the client, but a segment with
 * the right cookie was under way to the front end, which opened it once more, as long as the cookie
 * is good; and the client is no more.
 */
static bool
opened_once_more(const struct conn *c, const struct tcp_peer *sv)
{
	for (unsigned i = 0; i < c->n_servers && c->server[i] != sv; i++) {
		if (c->server[i]->end == END_ABORTED && !c->server[i]->established)
			return true;
	}
	return false;
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
	if (established_servers(c) > 1 && (clean || c->opener != OPENS_BOTH))
		sim_fail("conn %u: %u servers took it", c->id, established_servers(c));
	if (clean && c->n_servers > 1 && rig_count(&w->rig, SW_C_FLOW_REPAIRED) == 0 &&
		!tuple_was_dropped(c))
		sim_fail("conn %u: %u servers were opened over a clean network", c->id,
			c->n_servers);
	if (cl->end == END_ABORTED || (sv != NULL && sv->end == END_ABORTED)) {
		judge_abort(w, c, sv, clean);
		return;
	}
	if (sv != NULL && sv->end == END_RESET && cl->end == END_RESET &&
		(reset_twice(w, c) || opened_once_more(c, sv)))
		return;
	if (sv == NULL || !sv->established) {
		judge_unopened(w, c, clean);
		return;
	}
	/* Both opened it, and what was lost decides which of the two openings each end is in. */
	if (c->opener == OPENS_BOTH && !clean && c->n_servers > 1)
		return;
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
	if (c->scfg.answer_ns || tuple_was_dropped(c) || w->cfg.forged ||
		rig_count(&w->rig, SW_C_FLOW_REPAIRED))
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
