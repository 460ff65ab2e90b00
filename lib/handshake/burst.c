/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * burst.c - the way of a burst: parse, policy, flow lookup, cookies, act.
 *
 * Each stage runs over the whole burst before the next one starts, so that what one packet waits
 * for (a bucket, a flow, a MAC) is under way for all of them.
 */
#include "handshake/blind.h"
#include "handshake/internal.h"
#include "handshake/seg.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* Packets that policy decides without a flow. True where the engine goes on with this one. */
static bool
admit(struct burst *b, struct item *it)
{
	const struct sw_policy *policy = b->view->policy;
	const struct sw_pkt *p = it->p;

	if (it->service == SW_POLICY_NO_SERVICE) {
		/* A TCP header too short for its ports may be for any port of the server. */
		if (p->kind == SW_PKT_BAD && p->tuple.cport_be == 0 && p->tuple.sport_be == 0 &&
			sw_policy_covers_address(policy, &p->tuple))
			drop(b, p->f, p->reason);
		else
			bridge(b, p->f, SW_C_BRIDGED);
		return false;
	}
	enum sw_source_verdict source = sw_policy_source(policy, &p->tuple);
	uint8_t mode = sw_policy_service(policy, it->service)->mode;

	if (source == SW_SOURCE_DENY) {
		drop_item(b, it, SW_DROP_DENIED);
	} else if (mode == SW_MODE_DROP) {
		drop_item(b, it, SW_DROP_SERVICE_DROP);
	} else if (mode == SW_MODE_PASS || source == SW_SOURCE_ALLOW) {
		service_count(&service_stats(b, it->service)->passed);
		bridge(b, p->f, SW_C_PASSED);
	} else if (p->kind == SW_PKT_BAD) {
		drop_item(b, it, p->reason);
	} else {
		return true;
	}
	return false;
}

/* True where the tuple is known, so that policy can be asked. */
static bool
has_tuple(const struct sw_pkt *p)
{
	return p->kind == SW_PKT_TCP || p->kind == SW_PKT_FIRST || p->kind == SW_PKT_ICMP ||
	       (p->kind == SW_PKT_BAD && p->reason >= SW_DROP_TCP_HEADER);
}

/* Which way a packet of a protected service goes; SYNs and ACKs wait for their burst of cookies. */
enum path { PATH_DONE, PATH_SYN, PATH_ACK, PATH_RST };

static enum path
client_without_flow(struct burst *b, const struct item *it)
{
	uint8_t flags = it->p->tcp_flags;

	if (flags & SW_TCP_SYN) {
		if (!(flags & SW_TCP_ACK))
			return PATH_SYN;
		drop_item(b, it, SW_DROP_SYNACK_FROM_CLIENT);
	} else if (flags & SW_TCP_RST) {
		return PATH_RST;
	} else {
		return PATH_ACK;
	}
	return PATH_DONE;
}

/*
 * Only where the server asked for it with a SYN of its own: what opens the entry must answer that.
 */
static void
synack_of_client(struct burst *b, const struct item *it)
{
	if (!(it->f->flags & SW_FLOW_FROM_SERVER) || it->p->ack != it->f->ts_delta ||
		!sw_pkt_tcp_csum_ok(it->p)) {
		drop_item(b, it, SW_DROP_SYNACK_FROM_CLIENT);
		return;
	}
	it->f->flags &= (uint8_t)~SW_FLOW_REOPEN;
	spliced_client(b, it);
}

/* Half-open, and the packet acknowledges another SYN-ACK than the one that opened the flow. */
static bool
is_other_handshake(const struct sw_engine *e, const struct item *it)
{
	return it->f->state == SW_FLOW_SYN_SENT && flow_pending(e, it->f)->isn + 1 != it->p->ack;
}

static enum path
client_packet(struct burst *b, const struct item *it)
{
	const struct sw_flow *f = it->f;
	uint8_t flags = it->p->tcp_flags;

	if (f == NULL)
		return client_without_flow(b, it);
	if (flags & SW_TCP_SYN) {
		if (flags & SW_TCP_ACK) {
			synack_of_client(b, it);
			return PATH_DONE;
		}
		if (f->state == SW_FLOW_SYN_SENT
				? flow_pending(b->e, f)->client_isn != it->p->seq
				: sw_flow_reusable(f) || (f->flags & SW_FLOW_REOPEN))
			return PATH_SYN;
	} else if (flags & SW_TCP_RST) {
		if (f->flags & SW_FLOW_REOPEN)
			recent_reset(b, it->p);
	} else if ((f->flags & SW_FLOW_REOPEN) || is_other_handshake(b->e, it)) {
		return PATH_ACK;
	}
	if (f->state == SW_FLOW_SYN_SENT)
		halfopen_client(b, it);
	else
		spliced_client(b, it);
	return PATH_DONE;
}

/* Of one that was put off: judged anew where flows have been made or removed since. */
static enum path
late_path(struct burst *b, const struct item *it)
{
	if (sw_unlikely(b->stale))
		return client_packet(b, it);
	return it->p->tcp_flags & SW_TCP_RST ? PATH_RST : PATH_SYN;
}

static void
server_packet(struct burst *b, const struct item *it)
{
	bool syn = (it->p->tcp_flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN;

	if (it->f != NULL && it->f->state == SW_FLOW_SYN_SENT)
		halfopen_server(b, it);
	else if (sw_unlikely(syn) && (it->f == NULL || sw_flow_reusable(it->f)))
		open_from_server(b, it);
	else if (it->f == NULL)
		drop_item(b, it, SW_DROP_SERVER_NO_FLOW);
	else
		spliced_server(b, it);
}

static void
look_again(struct burst *b, struct item *items, unsigned n)
{
	for (unsigned i = 0; b->stale && i < n; i++)
		items[i].f = sw_flow_find(b->e->flows, &items[i].p->tuple);
}

/* What waits until all packets of the burst have been looked at. */
struct put_off {
	struct item late[SW_BURST_MAX], acks[SW_BURST_MAX]; /* SYNs and RSTs; ACKs */
	unsigned n_late, n_acks;
};

static void
act_one(struct burst *b, struct item *it, struct put_off *o)
{
	look_again(b, it, 1);
	if (it->p->f->side == SW_INSIDE) {
		server_packet(b, it);
		return;
	}
	switch (client_packet(b, it)) {
	case PATH_SYN:
	case PATH_RST:
		o->late[o->n_late++] = *it;
		break;
	case PATH_ACK:
		o->acks[o->n_acks++] = *it;
		break;
	case PATH_DONE:
		break;
	}
}

static void
act_late(struct burst *b, struct put_off *o)
{
	struct item syns[SW_BURST_MAX];
	unsigned n_syns = 0;

	look_again(b, o->acks, o->n_acks);
	accept_acks(b, o->acks, o->n_acks);
	/*
	 * An RST or a SYN may be for what an ACK of this burst has just opened. An ACK never
	 * answers a SYN of its own burst, so none is taken too early.
	 */
	for (unsigned i = 0; i < o->n_late; i++) {
		look_again(b, &o->late[i], 1);
		switch (late_path(b, &o->late[i])) {
		case PATH_SYN:
			syns[n_syns++] = o->late[i];
			break;
		case PATH_RST:
			recent_reset(b, o->late[i].p);
			drop_item(b, &o->late[i], SW_DROP_RST_NO_FLOW);
			break;
		default:
			break;
		}
	}
	look_again(b, syns, n_syns);
	answer_syns(b, syns, n_syns);
}

/* A burst on its general way. */
struct parsed {
	struct sw_pkt pkts[SW_BURST_MAX];
	const struct sw_tuple *tuples[SW_BURST_MAX]; /* NULL: not known */
	struct sw_flow_search search;
	unsigned n; /* of pkts[] */
};

/* So many packets are parsed before their buckets are sent for. */
#define PARSE_CHUNK 8

/* Headers are read while the buckets of those before come from memory. */
static void
parse(struct burst *b, struct parsed *s, struct sw_frame *frames, unsigned n)
{
	for (unsigned at = 0; at < n; at += PARSE_CHUNK) {
		unsigned m = n - at < PARSE_CHUNK ? n - at : PARSE_CHUNK;

		sw_parse_burst(frames + at, s->pkts + at, m);
		for (unsigned i = at; i < at + m; i++)
			s->tuples[i] = has_tuple(&s->pkts[i]) ? &s->pkts[i].tuple : NULL;
		sw_flow_search_places(b->e->flows, &s->search, s->tuples, at, m);
	}
	sw_flow_search_tags(b->e->flows, &s->search, s->tuples, n);
}

/* Policy for the burst; what is left of it in items[] has a service that wants it. */
static unsigned
triage(struct burst *b, struct parsed *s, unsigned n, struct item *items)
{
	uint16_t service[SW_BURST_MAX];
	unsigned n_items = 0, inside = 0;

	sw_policy_lookup_burst(b->view->policy, s->tuples, service, n);
	for (unsigned i = 0; i < n; i++) {
		struct sw_pkt *p = &s->pkts[i];
		struct item *it = &items[n_items];

		/* Each field by itself: a copy of the whole would wait for these stores. */
		it->p = p;
		it->f = NULL;
		it->service = service[i];
		inside += p->f->side;
		if (sw_unlikely(s->tuples[i] == NULL))
			not_tcp(b, p);
		else if (!admit(b, it))
			continue;
		else if (sw_likely(p->kind == SW_PKT_TCP))
			n_items++;
		else
			other(b, it);
	}
	sw_count_add(&b->stats, SW_C_RX_INSIDE, inside);
	sw_count_add(&b->stats, SW_C_RX_OUTSIDE, n - inside);
	return n_items;
}

#ifdef SW_HAVE_AVX2
/* What looked like a plain segment, in its turn, by itself. */
static sw_noinline void
act_after_all(struct burst *b, struct parsed *s, struct sw_frame *f, struct put_off *o)
{
	struct sw_pkt *p = &s->pkts[s->n++];
	const struct sw_tuple *tuple = &p->tuple;
	struct item it = {.p = p};

	sw_parse_burst(f, p, 1);
	sw_policy_lookup_burst(b->view->policy, &tuple, &it.service, 1);
	if (!admit(b, &it))
		return;
	it.f = sw_flow_find(b->e->flows, tuple);
	act_one(b, &it, o);
}

/* The plain segments that stand before place `end` of the burst. */
sw_always_inline void
act_segs(struct burst *b, struct parsed *s, struct segs *g, struct sw_frame *frames, unsigned end,
	struct put_off *o)
{
	while (g->done < g->n && g->at[g->done] < end && seg_act(b, g, frames, end))
		act_after_all(b, s, &frames[g->at[g->done++]], o);
}
#endif

/* The general way, for every packet, whatever it is. flows[]: by packet. */
static unsigned
look(struct burst *b, struct parsed *s, struct sw_frame *frames, unsigned n, struct item *items)
{
	struct sw_flow *flows[SW_BURST_MAX];
	unsigned n_items;

	s->tuples[0] = NULL; /* else a compiler warns: it does not know that n is not 0 */
	parse(b, s, frames, n);
	s->n = n;
	/* Meanwhile the flows come. Should one be removed here, act_one() looks again. */
	n_items = triage(b, s, n, items);
	sw_flow_search_flows(b->e->flows, &s->search, s->tuples, flows, n);
	for (unsigned i = 0; i < n_items; i++)
		items[i].f = flows[items[i].p - s->pkts];
	return n_items;
}

static void
run_all(struct burst *b, struct sw_frame *frames, unsigned n)
{
	struct item items[SW_BURST_MAX];
	struct put_off o;
	struct parsed s;

	o.n_late = o.n_acks = 0;
	n = look(b, &s, frames, n, items);
	for (unsigned i = 0; i < n; i++)
		act_one(b, &items[i], &o);
	act_late(b, &o);
}

#ifdef SW_HAVE_AVX2
/* Plain segments their own way, all else as in run_all(); in the order of the burst. */
static void
run_with_segs(
	struct burst *b, struct segs *g, struct sw_frame *frames, unsigned n, struct sw_frame *rest)
{
	struct item items[SW_BURST_MAX];
	unsigned n_items = 0;
	struct put_off o;
	struct parsed s;

	o.n_late = o.n_acks = 0;
	s.n = 0;
	if (g->n_rest != 0)
		n_items = look(b, &s, rest, g->n_rest, items);
	for (unsigned i = 0; i < n_items; i++) {
		act_segs(b, &s, g, frames, g->rest_at[items[i].p - s.pkts], &o);
		act_one(b, &items[i], &o);
	}
	act_segs(b, &s, g, frames, n, &o);
	act_late(b, &o);
}
#endif

static void
run(struct burst *b, struct sw_frame *frames, unsigned n)
{
	b->stale = false;
#ifdef SW_HAVE_AVX2
	if (syn_can() && seg_may_be(b)) {
		struct sw_frame rest[SW_BURST_MAX];
		struct segs g;

		seg_pick(b, &g, frames, n, rest);
		if (g.n != 0) {
			run_with_segs(b, &g, frames, n, rest);
			return;
		}
	}
#endif
	run_all(b, frames, n);
}

#ifdef SW_HAVE_AVX2
static bool
made_flows(const struct burst *b)
{
	return b->stats.c[SW_C_FLOW_CREATED] + b->stats.c[SW_C_FLOW_REOPENED] != 0;
}

/* Plain SYNs are answered last, like all SYNs (act()); one that may have a flow is not plain. */
static void
run_with_syns(struct burst *b, struct sw_frame *frames, unsigned n)
{
	struct syn_batch syns[2];
	struct sw_frame rest[SW_BURST_MAX];
	unsigned n_rest = syn_pick(b, syns, frames, n, rest);

	if (n_rest != 0)
		run(b, n_rest == n ? frames : rest, n_rest);
	n_rest = syn_answer(b, syns, made_flows(b), rest);
	if (n_rest != 0)
		run(b, rest, n_rest);
}

static sw_noinline void
run_under_blind_acks(struct burst *b, struct sw_frame *frames, unsigned n)
{
	struct sw_frame rest[SW_BURST_MAX];
	struct blind blind;

	n = blind_pick(b, &blind, frames, n);
	if (n != 0)
		run_with_syns(b, frames, n);
	n = made_flows(b) ? blind_look_again(b, &blind, rest) : 0;
	if (n != 0)
		run(b, rest, n);
	blind_drop(b, &blind);
}

static void
run_short_ways(struct burst *b, struct sw_frame *frames, unsigned n)
{
	if (b->e->blind)
		run_under_blind_acks(b, frames, n);
	else
		run_with_syns(b, frames, n);
	b->e->blind = b->stats.c[SW_C_DROP_BASE + SW_DROP_COOKIE_BAD] >= BLIND_MIN;
}
#endif

void
sw_engine_burst(struct sw_engine *e, const struct sw_view *view, uint64_t now_ns,
	struct sw_frame *frames, unsigned n, struct sw_out *out)
{
	struct burst b = {
		.e = e,
		.view = view,
		.out = out,
		.now_ms = (uint32_t)(now_ns / NS_PER_MS),
		.now_s = now_ns / NS_PER_S,
	};

	SW_ASSERT(n <= SW_BURST_MAX);
	learn_begin(&b);
	if (sw_flow_count(e->flows) == 0)
		e->flows_policy = view->policy;
	else if (e->flows_policy != view->policy)
		e->flows_policy = NULL;
#ifdef SW_HAVE_AVX2
	if (syn_can())
		run_short_ways(&b, frames, n);
	else
#endif
		run(&b, frames, n);
	sw_stats_fold(&e->stats, &b.stats);
}
