/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hosts.c - the machines at both ends: find the connection of a packet, open and replace peers,
 * answer for connections that are not there.
 */
#include <stdlib.h>
#include <string.h>

#include "icmp.h"
#include "world.h"

#define ALT_MAC	 0x40 /* in the last byte of the other address */
#define ISS_STEP 0x1234567u
#define TS_BYTES 12 /* a timestamp with its padding */

/* The world of all peers; one runs at a time. */
static struct world *here;

static void
transmit(struct world *w, struct conn *c, int role, const struct seg *s)
{
	uint8_t data[RIG_FRAME_MAX + 8192];
	size_t len = seg_build(data, sizeof(data), &c->path, role, s);

	if (role == SERVER && c->alt_mac)
		data[11] ^= ALT_MAC;
	if (len == 0) {
		sim_fail("conn %u: peer built a segment that is too long", c->id);
		return;
	}
	world_send(w, role == CLIENT ? LEG_C_F : LEG_S_F,
		rig_buf_get(&w->rig, data, (uint32_t)len, 0), s, c);
}

static void
peer_send(struct tcp_peer *p, const struct seg *s)
{
	transmit(here, p->owner, p->role, s);
}

static const struct peer_ops ops = {.send = peer_send};

/* The newest started connection of the tuple, or the first one. */
struct conn *
host_conn(struct world *w, int from, const struct seg_path *got)
{
	struct conn *found = NULL;

	for (unsigned i = 0; i < w->n_conns; i++) {
		struct conn *c = &w->conns[i];

		if (c->started && seg_tuple_match(&c->path, from, got))
			found = c;
	}
	return found;
}

void
host_schedule(struct world *w, struct tcp_peer *p)
{
	uint64_t t = tcp_peer_deadline(p);

	if (t < p->queued) {
		p->queued = t;
		queue_push(&w->queue, t < w->now ? w->now : t, EV_PEER, 0, p);
	}
}

static bool
live(const struct tcp_peer *p)
{
	return p != NULL && p->state != PEER_CLOSED && p->state != PEER_TIME_WAIT;
}

bool
host_conn_ended(const struct conn *c)
{
	if (!c->started || live(c->client))
		return false;
	for (unsigned i = 0; i < c->n_servers; i++) {
		if (live(c->server[i]))
			return false;
	}
	return true;
}

/* Everything that moves when a connection gets on. */
static uint64_t
progress(const struct tcp_peer *p)
{
	if (p == NULL)
		return 0;
	return peer_rx(p) + (p->snd_una - p->iss) + p->established + p->fin_rcvd +
	       ((uint64_t)p->state << 60);
}

static void
watch(struct world *w, struct conn *c)
{
	const struct tcp_peer *cl = c->client, *sv = conn_server(c);
	bool over = !live(cl) && !live(sv);
	unsigned tries = cl->tries;

	/* How one end learns that the other one is no more, is not a matter of pace. */
	over = over || (cl->state == PEER_CLOSED && cl->end != END_FIN && cl->end != END_NONE) ||
	       (sv != NULL && sv->state == PEER_CLOSED && sv->end != END_FIN);
	if (sv != NULL && sv->tries > tries)
		tries = sv->tries;
	/* Before the server is asked, the front end is whose SYN-ACK is backed off. */
	if (sv == NULL && c->synacks > tries + 1)
		tries = c->synacks - 1;
	pace_look(&c->pace, w->now, progress(cl) + 3 * progress(sv), tries, over);
}

/* After anything that may have ended a connection: those that wait for its tuple are started. */
static void
settle(struct world *w, struct conn *c)
{
	c->ended = host_conn_ended(c);
	watch(w, c);
	if (c->client->state != PEER_CLOSED || c->client->end == END_NONE)
		return;
	for (unsigned i = 0; i < w->n_conns; i++) {
		struct conn *n = &w->conns[i];

		if (n->after == c && !n->started && n->client == NULL) {
			n->client = calloc(1, sizeof(*n->client));
			queue_push(&w->queue, w->now + n->start_ns, EV_START, 0, n);
		}
	}
}

/* Of all servers of c's tuple, the one whose numbers lie furthest on; NULL: it had none yet. */
static const struct tcp_peer *
furthest_server(const struct conn *c)
{
	const struct tcp_peer *far = NULL;

	for (unsigned i = 0; i < here->n_conns; i++) {
		const struct conn *o = &here->conns[i];

		for (unsigned k = 0; k < o->n_servers; k++) {
			if (seg_tuple_match(&o->path, CLIENT, &c->path) &&
				(far == NULL || seq_lt(far->snd_max, o->server[k]->snd_max)))
				far = o->server[k];
		}
	}
	return far;
}

static struct tcp_peer *
new_server(struct conn *c)
{
	const struct tcp_peer *before = furthest_server(c);
	struct tcp_peer *p;

	if (c->n_servers == CONN_SERVERS_MAX) {
		sim_fail("conn %u: %u servers were opened for it", c->id, c->n_servers);
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	c->server[c->n_servers] = p;
	/*
	 * Beyond all that it has sent on this tuple (RFC 9293, 3.4.1), as the client's numbers are:
	 * what comes late of an earlier connection lies before the window of this one.
	 */
	if (before != NULL)
		c->scfg.iss = before->snd_max + ISS_STEP;
	tcp_peer_init(p, &c->scfg, &ops, c, SERVER, c->id);
	c->n_servers++;
	return p;
}

void
host_start(struct world *w, struct conn *c)
{
	here = w;
	c->started = true;
	if (c->client == NULL)
		c->client = calloc(1, sizeof(*c->client));
	/* RFC 6191: the new numbers lie beyond the old ones, if one remembers them. */
	if (c->after != NULL && !c->after->ccfg.vanish)
		c->ccfg.iss =
			c->after->client->snd_max + 1 + (uint32_t)rng_below(&w->rng, 1u << 20);
	tcp_peer_init(c->client, &c->ccfg, &ops, c, CLIENT, c->id);
	c->client->stale = c->after != NULL || c->opener == OPENS_BOTH;
	pace_begin(&c->pace, w->now,
		c->ccfg.rto_ns > c->scfg.rto_ns ? c->ccfg.rto_ns : c->scfg.rto_ns);
	if (c->opener != OPENS_SERVER)
		tcp_peer_connect(c->client, w->now);
	host_schedule(w, c->client);
	if (c->opener != OPENS_CLIENT) {
		struct tcp_peer *p = new_server(c);

		tcp_peer_connect(p, w->now);
		host_schedule(w, p);
	}
}

void
host_timer(struct world *w, struct tcp_peer *p)
{
	here = w;
	p->queued = SIM_NEVER;
	if (tcp_peer_deadline(p) <= w->now)
		tcp_peer_timer(p, w->now);
	host_schedule(w, p);
	settle(w, p->owner);
	if (w->now - w->cfg.epoch_ns > w->cfg.limit_ns && live(p))
		sim_fail("conn %u does not end: client %s, %lu/%lu bytes", p->id,
			peer_state_name(p->state), peer_rx(p), p->cfg.rx_total);
}

/* What the peer does not look at is lost for the connection (pace.h). */
static void
deliver(struct world *w, struct tcp_peer *p, const struct seg *s)
{
	struct conn *c = p->owner;
	uint64_t lost = p->n_acks_lost;

	tcp_peer_input(p, w->now, s);
	host_schedule(w, p);
	if (p->n_acks_lost != lost)
		pace_lost(&c->pace, w->now);
}

static void
answer_reset(struct world *w, struct conn *c, int role, const struct seg *s)
{
	struct seg rst;

	if (tcp_reset_for(s, &rst))
		transmit(w, c, role, &rst);
}

/*
 * A server without timestamps is asked anew, with an MSS that leaves room for those that are put
 * in. Where the reset between was lost each time, or a copy of the first SYN came behind it, the
 * server knows the first MSS, and neither SYN-ACK nor segments tell it from one that knows the
 * second.
 */
static uint32_t
room_untold(const struct conn *c)
{
	const struct tcp_peer *sv = conn_server(c);

	return sv != NULL && sv->established && sv->partner_syn.ts && !sv->cfg.ts ? TS_BYTES : 0;
}

/* What the SYN-ACK promised must lie within what the service's servers can do. */
static void
receive_client(struct world *w, struct conn *c, const struct seg *s)
{
	struct tcp_peer *p = c->client;
	bool waiting = p->state == PEER_SYN_SENT;

	if (p->state == PEER_CLOSED && p->end == END_NONE && c->opener == OPENS_SERVER &&
		(s->flags & (SEG_SYN | SEG_ACK | SEG_RST)) == SEG_SYN) {
		tcp_peer_accept(p, w->now, s);
		host_schedule(w, p);
		return;
	}
	if (p->state == PEER_CLOSED) {
		if (!c->ccfg.vanish) /* else it is still booting */
			answer_reset(w, c, CLIENT, s);
		return;
	}
	if (waiting && s->flags & SEG_SYN && s->ack == p->iss + 1 && s->seq == c->cookie_isn)
		c->cookie_taken = true; /* looked at again when its ACK arrives */
	p->mss_over = room_untold(c);
	deliver(w, p, s);
}

static struct tcp_peer *
open_server(struct world *w, struct conn *c, const struct seg *syn)
{
	struct tcp_peer *p = new_server(c);

	if (p == NULL)
		return NULL;
	c->client->ecr_zero = c->client->ecr_zero || !p->cfg.ts;
	tcp_peer_accept(p, w->now, syn);
	host_schedule(w, p);
	return p;
}

/* The live server peer of the tuple: of this connection, or of an earlier one. */
static struct tcp_peer *
server_peer(struct conn *c)
{
	for (; c != NULL; c = c->after) {
		struct tcp_peer *p = c->n_servers ? c->server[c->n_servers - 1] : NULL;

		if (p != NULL && p->state != PEER_CLOSED)
			return p;
	}
	return NULL;
}

/* Which connection of the tuple a SYN is of: the front end may still be at an earlier one. */
static struct conn *
asked_by(struct conn *newest, const struct seg *syn)
{
	for (struct conn *c = newest; c != NULL; c = c->after) {
		if (c->client->iss == syn->seq)
			return c;
	}
	return newest;
}

static void
receive_server(struct world *w, struct conn *c, const struct seg *s, bool forged)
{
	struct tcp_peer *p = server_peer(c);
	bool opens = (s->flags & (SEG_SYN | SEG_ACK | SEG_RST)) == SEG_SYN;

	if (opens)
		c = asked_by(c, s);
	c->syns_at_server += opens;
	if (c->server_kind == SERVER_SILENT)
		return;
	if (p != NULL && p->state == PEER_TIME_WAIT && opens && tcp_peer_syn_replaces(p, s)) {
		peer_finish(p, END_FIN);
		p = NULL;
	}
	if (p == NULL) {
		if (opens && c->server_kind == SERVER_ACCEPTS)
			open_server(w, c, s);
		else
			answer_reset(w, c, SERVER, s);
		return;
	}
	p->stale = p->owner != c || c->n_servers > 1 || c->after != NULL;
	p->forged = forged;
	deliver(w, p, s);
	settle(w, p->owner);
}

/*
 * A segment of the server comes from where it sends, or is the front end's own; one to the server
 * goes to where the client sends, or is the front end's answer to it.
 */
static bool
macs_match(const struct conn *c, int from, struct seg_path *got)
{
	if (seg_path_match(&c->path, from, got))
		return true;
	got->end[from == SERVER ? 0 : 1].mac[5] ^= ALT_MAC;
	return c->alt_mac && seg_path_match(&c->path, from, got);
}

/* What a router says to a server: about a packet of its own, in its own numbers. */
static void
receive_icmp(struct world *w, const struct rig_buf *b)
{
	const char *wrong;
	struct tcp_peer *p;
	struct too_big t;
	struct conn *c;

	wrong = icmp_too_big_parse(b->mem, b->len, &t);
	if (wrong != NULL) {
		sim_fail("server was sent an ICMP error that is wrong: %s", wrong);
		return;
	}
	c = host_conn(w, SERVER, &t.quoted);
	p = c != NULL ? server_peer(c) : NULL;
	if (p == NULL)
		return;
	if (tcp_peer_too_big(
		    p, w->now, t.seq, t.mtu - (c->path.v6 ? 40 : 20) - c->path.extra - 20)) {
		w->n_too_big++;
		host_schedule(w, p);
	} else if (c->n_servers == 1 && c->after == NULL && t.seq - p->iss > p->snd_max - p->iss) {
		sim_fail("conn %u: ICMP error about byte %u, which the server never sent (%u-%u)",
			c->id, t.seq, p->iss, p->snd_max);
	}
}

void
host_receive(struct world *w, int side, struct rig_buf *b)
{
	int from = side == SW_OUTSIDE ? SERVER : CLIENT;
	const char *wrong;
	struct seg_path path;
	struct seg s;
	struct conn *c;

	here = w;
	wrong = seg_parse(b->mem, b->len, &path, &s);
	if (wrong != NULL && !b->corrupt && side == SW_INSIDE && strcmp(wrong, "not tcp") == 0) {
		receive_icmp(w, b);
		rig_buf_put(&w->rig, b);
		return;
	}
	if (wrong != NULL && !b->corrupt)
		sim_fail("host on side %d was sent: %s", side, wrong);
	c = wrong == NULL ? host_conn(w, from, &path) : NULL;
	if (c == NULL) {
		w->n_stray++;
	} else if (!macs_match(c, from, &path)) {
		sim_fail("conn %u: MAC addresses are not those of the connection", c->id);
	} else {
		if (side == SW_OUTSIDE)
			receive_client(w, c, &s);
		else
			receive_server(w, c, &s, b->forged);
		settle(w, c);
	}
	rig_buf_put(&w->rig, b);
}

struct tcp_peer *
conn_server(const struct conn *c)
{
	struct tcp_peer *last = NULL;

	for (unsigned i = 0; i < c->n_servers; i++) {
		last = c->server[i];
		if (last->established && last->irs == c->client->iss)
			return last;
	}
	return last;
}
