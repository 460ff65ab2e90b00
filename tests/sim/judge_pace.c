/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge_pace.c - the run with the front end against the run without it.
 *
 * For each connection that came to a good end in both:
 *   - its longest stall (pace.h) is at most that of the direct run, what its applications take
 *     their time (which may fall together with a loss in one run and not in the other), and a slack
 *     of a few round trips. A lost packet explains one timeout of a sender and no more, so that a
 *     connection that waits for something nobody will repeat is found however lossy the network is;
 *   - over a network that loses and marks nothing, with applications that do not dawdle, all of it
 *     takes at most as long as the direct run, times what smaller segments and windows cost (the
 *     cookie rounds both down), a quarter, and the same slack.
 */
#include <stdio.h>

#include "plan.h"

/* Path of a packet there and back, at its slowest. */
static uint64_t
round_trip(const struct world_cfg *cfg)
{
	uint64_t t = 2 * cfg->poll_ns;

	for (int i = 0; i < LEGS; i++) {
		const struct link_cfg *l = &cfg->link[i];

		t += l->delay_ns + l->jitter_ns;
		if (l->reorder || l->dup)
			t += 2 * l->delay_ns + SIM_MS;
	}
	return t;
}

static bool
good_end(const struct conn *c)
{
	const struct tcp_peer *cl = c->client, *sv = conn_server(c);

	return sv != NULL && sv->established && cl->fin_rcvd && sv->fin_rcvd &&
	       (cl->end == END_FIN || cl->state == PEER_TIME_WAIT) &&
	       (sv->end == END_FIN || sv->state == PEER_TIME_WAIT) && c->pace.over;
}

/* How many segments of `told` there are for one of `mss` at most. */
static uint64_t
pieces(const struct tcp_peer *p, unsigned mss, unsigned told)
{
	unsigned options = p->ts_on ? 12 : 0;

	if (mss == 0)
		mss = p->cfg.mss_default;
	if (told == 0)
		told = p->cfg.mss_default;
	return mss > told ? (mss - options + told - options - 1) / (told - options) : 1;
}

/* Bits of the client's window that the server does not see, where that matters. */
static unsigned
shrunk_by(const struct tcp_peer *cl, const struct tcp_peer *sv)
{
	unsigned shift = cl->rcv_shift > sv->snd_shift ? cl->rcv_shift - sv->snd_shift : 0;

	/* All of it fits into the window as the server reads it. */
	return sv->cfg.tx_total <= cl->cfg.rcvbuf >> shift ? 0 : shift;
}

/*
 * How many times longer the same bytes may take: segments are smaller, windows rounded down. What
 * is promised to clients is the least of all servers, what is told to servers a class.
 */
static uint64_t
rounding(const struct conn *c)
{
	const struct tcp_peer *cl = c->client, *sv = conn_server(c);
	uint64_t down = pieces(cl, cl->cfg.mss, sv->partner_syn.mss);
	uint64_t up = pieces(cl, sv->cfg.mss, cl->partner_syn.mss);

	return (up > down ? up : down) << shrunk_by(cl, sv);
}

/*
 * Where less than two segments fit into the window as the server reads it, it sends one and waits
 * for an acknowledgement that the client delays, in hope of a second (RFC 9293, 3.8.6.3).
 */
static uint64_t
delayed_acks(const struct conn *c)
{
	const struct tcp_peer *cl = c->client, *sv = conn_server(c);
	unsigned shift = shrunk_by(cl, sv);
	uint64_t window = cl->cfg.rcvbuf >> shift;
	unsigned segment =
		sv->partner_syn.mss < sv->cfg.mss_limit ? sv->partner_syn.mss : sv->cfg.mss_limit;

	if (shift == 0 || window >= 2 * segment)
		return 0;
	return (sv->cfg.tx_total / window + 1) * cl->cfg.delack_ns;
}

/* A window that is shut opens when as much has been read as its scale can tell. */
static uint64_t
reads_unit(const struct tcp_peer *p)
{
	uint32_t chunk = p->cfg.read_chunk;

	return chunk ? (((uint64_t)1 << p->rcv_shift) + chunk - 1) / chunk * p->cfg.read_every_ns
		     : 0;
}

/* The longest time that an application takes to read or write on, or to accept. */
static uint64_t
dawdles(const struct conn *c)
{
	const uint64_t every[] = {c->ccfg.write_every_ns, c->scfg.write_every_ns, c->scfg.answer_ns,
		reads_unit(c->client), reads_unit(conn_server(c))};
	uint64_t max = 0;

	for (unsigned i = 0; i < 5; i++) {
		if (every[i] > max)
			max = every[i];
	}
	/*
	 * A reader that shuts the window has the sender probe; the byte of a probe may be refused.
	 */
	if (c->ccfg.read_chunk || c->scfg.read_chunk)
		max += 2 * c->pace.timeout_ns;
	return max;
}

/* A server is asked again where it turns out to have no timestamps. */
static uint64_t
handshakes(const struct conn *c)
{
	return c->n_servers > 1 ? c->scfg.answer_ns : 0;
}

/* Marked packets halve windows, other ones in each run; or are dropped (RFC 6040, 4.2). */
static bool
congested(const struct world *w)
{
	for (int i = 0; i < LEGS; i++) {
		if (w->cfg.link[i].ce)
			return true;
	}
	return false;
}

static void
compare(const struct world *w, const struct conn *c, const struct conn *d, bool verbose)
{
	uint64_t rtt = round_trip(&w->cfg);
	uint64_t slack = 4 * rtt + 100 * SIM_MS + handshakes(c);
	uint64_t took = c->pace.last_ns - c->pace.start_ns;
	uint64_t direct = d->pace.last_ns - d->pace.start_ns;

	if (verbose)
		printf("conn %u: took %.3f s, direct %.3f; stall %.3f s (at %.3f, %u lost), direct "
		       "%.3f\n",
			c->id, (double)took / SIM_SEC, (double)direct / SIM_SEC,
			(double)c->pace.stall_ns / SIM_SEC,
			(double)(c->pace.stall_from_ns - w->cfg.epoch_ns) / SIM_SEC,
			c->pace.stall_lost, (double)d->pace.stall_ns / SIM_SEC);
	if (c->pace.stall_ns > d->pace.stall_ns + dawdles(c) + slack)
		sim_fail("conn %u: stands still for %.3f s more than %u lost packets explain, from "
			 "%.6f s on; without the front end for %.3f s",
			c->id, (double)c->pace.stall_ns / SIM_SEC, c->pace.stall_lost,
			(double)(c->pace.stall_from_ns - w->cfg.epoch_ns) / SIM_SEC,
			(double)d->pace.stall_ns / SIM_SEC);
	if (world_clean(&w->cfg) && !congested(w) && dawdles(c) == 0 &&
		took > direct * rounding(c) * 5 / 4 + delayed_acks(c) + slack)
		sim_fail("conn %u: took %.3f s, without the front end %.3f s", c->id,
			(double)took / SIM_SEC, (double)direct / SIM_SEC);
}

unsigned
plan_compare(const struct world *w, const struct world *direct, bool verbose)
{
	const struct rig_cfg *g = &w->cfg.rig;
	unsigned n = 0;

	/* Where there is no room, packets are lost in the front end. */
	if (g->max_held < 2048 || g->spares < SW_SPARE_MAX || g->max_flows < w->n_conns ||
		g->max_pending < w->n_conns)
		return 0;
	for (unsigned i = 0; i < w->n_conns && !sim_failed(); i++) {
		if (!good_end(&w->conns[i]) || !good_end(&direct->conns[i]))
			continue;
		/*
		 * A server with less room than its service's SYN-ACKs promise shrinks the client's
		 * window, and what the client sends meanwhile is turned away: a configuration that
		 * the manual warns of.
		 */
		if (w->conns[i].scfg.rcvbuf < g->window)
			continue;
		/* What is left of an earlier connection of the tuple is in the way. */
		if (w->conns[i].after != NULL && !good_end(w->conns[i].after))
			continue;
		compare(w, &w->conns[i], &direct->conns[i], verbose);
		n++;
	}
	return n;
}
