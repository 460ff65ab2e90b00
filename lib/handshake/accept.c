/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * accept.c - ACKs that may bring a cookie back (verify.c): only for a right one is a flow made and
 * the SYN sent to the server.
 *
 * The cookie is in the ACK number, the client's ISN in the sequence number, so the first data
 * segment proves as much as the handshake ACK that was lost before it.
 */
#include "handshake/internal.h"

/* The client's window as the SYN carries it: unscaled (RFC 7323, 2.2). */
static uint16_t
syn_window(const struct pending *p)
{
	unsigned shift = p->syn_opts.wscale == SW_WSCALE_NONE ? 0 : p->syn_opts.wscale;
	uint32_t w = (uint32_t)p->window << shift;

	return w > UINT16_MAX ? UINT16_MAX : (uint16_t)w;
}

static struct sw_segment
server_syn(const struct sw_engine *e, const struct pending *p)
{
	return (struct sw_segment){
		.l2 = p->l2,
		.l2_len = p->l2_len,
		.tcp_flags = SW_TCP_SYN | (offers_ecn(p) ? SW_TCP_ECE | SW_TCP_CWR : 0),
		.window = syn_window(p),
		.seq = p->client_isn,
		.tuple = &sw_flow_at(e->flows, p->flow)->key,
		.opts = p->syn_opts,
	};
}

bool
make_server_syn(struct burst *b, const struct pending *p)
{
	struct sw_segment s = server_syn(b->e, p);

	return make_and_send(b, &s, SW_INSIDE);
}

void
send_server_syn(struct burst *b, const struct pending *p, struct sw_frame *f)
{
	struct sw_segment s = server_syn(b->e, p);

	if (f == NULL ? make_and_send(b, &s, SW_INSIDE) : build_and_send(b, f, &s, SW_INSIDE))
		sw_count(&b->stats, SW_C_SERVER_SYN_SENT);
}

static void
fill_pending(struct burst *b, struct pending *p, const struct item *it,
	const struct sw_cookie_state *c, const struct sw_tcp_opts *ack_opts)
{
	const struct sw_pkt *pkt = it->p;
	struct promised said = promised_with(b, it, c);
	rte_be16_t window_be;

	memcpy(&window_be, sw_pkt_tcp(pkt) + 14, sizeof(window_be));
	p->client_isn = pkt->seq - 1;
	p->next_seq = pkt->seq;
	p->sent_seq = pkt->seq + sw_pkt_seq_len(pkt);
	p->isn = pkt->ack - 1;
	p->window = rte_be_to_cpu_16(window_be);
	p->service = it->service;
	p->hold_bytes = sw_policy_service(b->view->policy, it->service)->window;
	p->ecn = c->ecn;
	p->ts = ack_opts->ts;
	p->wscale_promised = c->wscale == SW_WSCALE_NONE ? 0 : said.wscale;
	p->mss_promised = said.mss;
	p->l2_len = (uint8_t)pkt->l3_off;
	sw_l2_copy(p->l2, pkt->f->data); /* IP and TCP stand behind a shorter one */
	p->syn_opts = (struct sw_tcp_opts){
		.mss = c->mss,
		.wscale = c->wscale,
		.sack_perm = c->sack,
		.ts = ack_opts->ts,
		.tsval = ack_opts->tsval,
	};
	p->tsval = ack_opts->tsecr;
}

/* Takes the flow of an old connection over, or makes one. NULL: dropped and counted. */
static struct sw_flow *
flow_for(struct burst *b, const struct item *it)
{
	struct sw_flow *f = it->f;

	if (f != NULL) {
		if (f->state == SW_FLOW_SYN_SENT)
			pending_release(b, flow_pending(b->e, f));
		f->delta = f->ts_delta = 0;
		f->flags = f->wscale_server = f->wscale_promised = f->wscale_client = 0;
		sw_count(&b->stats, SW_C_FLOW_REOPENED);
		return f;
	}
	f = sw_flow_insert_at(b->e->flows, it->place, &it->p->tuple);
	if (f == NULL)
		drop_item(b, it, SW_DROP_TABLE_FULL);
	else
		sw_count(&b->stats, SW_C_FLOW_CREATED);
	return f;
}

/* Returns the flow, or NULL. */
static struct sw_flow *
open_flow(struct burst *b, const struct item *it, const struct sw_cookie_state *c,
	const struct sw_tcp_opts *ack_opts)
{
	bool carries = it->p->pay_len > 0 || (it->p->tcp_flags & SW_TCP_FIN);
	struct sw_flow *f = flow_for(b, it);

	if (f == NULL)
		return NULL;
	struct pending *p = pending_alloc(b->e); /* there is one: the caller looked */

	fill_pending(b, p, it, c, ack_opts);
	recent_forget(b, &it->p->tuple);
	p->flow = sw_flow_index(b->e->flows, f);
	b->stale = true;
	f->state = SW_FLOW_SYN_SENT;
	f->deadline_ms = b->now_ms + PENDING_MAX_MS;
	f->aux = (uint32_t)(p - b->e->pending);
	pending_arm(b, p, 0);
	sw_count(&b->stats, SW_C_COOKIE_ACCEPTED);
	service_count(&service_stats(b, it->service)->cookie_accepted);
	if (!carries) {
		send_server_syn(b, p, it->p->f);
		return f;
	}
	send_server_syn(b, p, NULL);
	if (!hold(b, p, it->p))
		drop_item(b, it, SW_DROP_HOLD_FULL);
	return f;
}

static void
refuse(struct burst *b, const struct item *it, enum sw_drop reason)
{
	service_count(&service_stats(b, it->service)->cookie_refused);
	drop_item(b, it, reason);
}

/*
 * A right cookie. What is checked here costs more than a forger can make us spend.
 * Returns the flow that it has opened, or NULL.
 */
static struct sw_flow *
accept_one(struct burst *b, const struct item *it, struct sw_cookie_state *c)
{
	const struct sw_service *svc = sw_policy_service(b->view->policy, it->service);
	struct sw_tcp_opts o;

	if (!sw_pkt_tcp_csum_ok(it->p)) {
		drop_item(b, it, SW_DROP_TCP_CHECKSUM);
		return NULL;
	}
	if (sw_opts_read(it->p, &o) != 0) {
		drop_item(b, it, SW_DROP_TCP_OPTIONS);
		return NULL;
	}
	/*
	 * Where we never offer any, a timestamp in the ACK means nothing (RFC 7323, 3.2). Where we
	 * sometimes do, one that is not ours is refused: no stack sends what was not agreed on.
	 */
	o.ts = o.ts && svc->server.ts;
	if (o.ts && !sw_cookie_verify_ts(b->view->keys, o.tsecr, c)) {
		refuse(b, it, SW_DROP_COOKIE_BAD);
		return NULL;
	}
	if (svc->mode == SW_MODE_RESPOND) {
		respond_ack(b, it);
		return NULL;
	}
	/* A flow that is taken over gives its own record back first. */
	if (b->e->pending_free == NONE && (it->f == NULL || it->f->state != SW_FLOW_SYN_SENT)) {
		drop_item(b, it, SW_DROP_PENDING_FULL);
		return NULL;
	}
	if (b->view->budget && !budget_spend(&b->e->budget[c->parity], c)) {
		refuse(b, it, SW_DROP_COOKIE_BUDGET);
		return NULL;
	}
	return open_flow(b, it, c, &o);
}

/* The cookie is wrong, or there is a flow already. */
static void
not_accepted(struct burst *b, const struct item *it)
{
	if (it->f == NULL)
		refuse(b, it, SW_DROP_COOKIE_BAD);
	else if (it->f->state == SW_FLOW_SYN_SENT)
		halfopen_client(b, it);
	else if (it->f->state == SW_FLOW_QUIET && (it->f->flags & SW_FLOW_FROM_SERVER))
		/* Not the answer to the server's SYN: for the server to judge, and no event. */
		bridge(b, it->p->f, SW_C_SPLICED_TO_SERVER);
	else
		spliced_client(b, it);
}

/* True where a cookie that comes back on this flow opens a new connection in its place. */
static bool
may_open(const struct burst *b, const struct item *it)
{
	if (it->f == NULL)
		return true;
	if (it->f->state == SW_FLOW_SYN_SENT) {
		const struct pending *pe = flow_pending(b->e, it->f);

		/* The cookie that it was made of is not a new one; nor that of an earlier SYN. */
		return pe->isn != it->p->ack - 1 &&
		       ((it->f->flags & SW_FLOW_REOPEN) ||
			       sw_seq_before(pe->client_isn, it->p->seq - 1));
	}
	if (!(it->f->flags & SW_FLOW_REOPEN))
		return false;
	/*
	 * Nor is the one of the connection that is there, whose client may repeat its first segment
	 * for long. A new ISN lies beyond the old one, or is that of the last SYN.
	 */
	return it->f->flags & SW_FLOW_FROM_SERVER || it->p->seq - 1 == it->f->reopen_isn ||
	       !sw_seq_before(it->p->seq - 1, it->f->aux);
}

void
accept_acks(struct burst *b, struct cookies *cookies, struct item *items, unsigned n)
{
	struct sw_flow *opened = NULL; /* by the ACK before: there is one, then */
	bool later[SW_BURST_MAX];      /* a later segment of a new connection, by its SYN */

	if (n == 0)
		return;
	verify_acks(b, cookies, items, n, later);
	for (unsigned i = 0; i < n; i++) {
		struct item *it = &items[i];
		struct sw_cookie_state *state = &cookies->state[it->cookie - 1];

		/*
		 * An earlier packet of this burst may have made the flow: the handshake ACK
		 * and the first segments of a request often arrive together, and only the
		 * first two carry the cookie.
		 */
		if (opened != NULL && it->cookie == (it - 1)->cookie)
			it->f = opened;
		else if (b->stale)
			it->f = sw_flow_find_at(b->e->flows, it->place, &it->p->tuple);
		opened = NULL;
		if (state->valid && may_open(b, it))
			opened = accept_one(b, it, state);
		else if (later[i] && it->f != NULL && it->f->state != SW_FLOW_SYN_SENT)
			drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
		else
			not_accepted(b, it);
	}
}
