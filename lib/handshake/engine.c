/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine.c - memory, and the way of a burst: parse, policy, flow lookup, cookies, act.
 *
 * Each stage runs over the whole burst before the next one starts, so that what one packet waits
 * for (a bucket, a flow, a MAC) is under way for all of them.
 */
#include "handshake/blind.h"
#include "handshake/internal.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

#define PARAM_MAX (1u << 30)

static size_t
line_up(size_t n)
{
	return (n + SW_CACHE_LINE_BYTES - 1) & ~(size_t)(SW_CACHE_LINE_BYTES - 1);
}

static bool
params_ok(const struct sw_engine_params *p)
{
	return p->max_flows - 1 < PARAM_MAX && p->max_pending - 1 < PARAM_MAX &&
	       p->max_held - 1 < PARAM_MAX && p->max_recent <= PARAM_MAX;
}

size_t
sw_engine_size(const struct sw_engine_params *p)
{
	if (!params_ok(p))
		return 0;
	return line_up(sizeof(struct sw_engine)) +
	       line_up(p->max_pending * sizeof(struct pending)) +
	       line_up(p->max_held * sizeof(struct held)) +
	       line_up(recent_size(p->max_recent) * sizeof(struct recent)) +
	       line_up(sw_flow_table_size(p->max_flows));
}

struct sw_engine *
sw_engine_init(void *mem, size_t size, const struct sw_engine_params *params)
{
	size_t need = sw_engine_size(params);
	uint8_t *p = mem;

	if (need == 0 || size < need || (uintptr_t)mem % SW_CACHE_LINE_BYTES != 0)
		return NULL;
	struct sw_engine *e = mem;

	memset(e, 0, sizeof(*e));
	e->params = *params;
	p += line_up(sizeof(*e));
	e->pending = (void *)p;
	p += line_up(params->max_pending * sizeof(struct pending));
	e->held = (void *)p;
	p += line_up(params->max_held * sizeof(struct held));
	e->recent = (void *)p;
	e->recent_size = recent_size(params->max_recent);
	e->recent_credit = (uint64_t)params->max_recent * 1000;
	memset(e->recent, 0, e->recent_size * sizeof(struct recent));
	p += line_up(e->recent_size * sizeof(struct recent));
	e->flows = sw_flow_table_init(p, line_up(sw_flow_table_size(params->max_flows)),
		params->max_flows, params->hash_key);
	if (e->flows == NULL)
		return NULL;
	pending_init(e);
	return e;
}

bool
build_and_send(struct burst *b, struct sw_frame *f, const struct sw_segment *s, enum sw_side side)
{
	if (sw_build_segment(f, s) != 0) {
		drop(b, f, SW_DROP_NO_ROOM);
		return false;
	}
	send(b, f, side);
	return true;
}

bool
make_and_send(struct burst *b, const struct sw_segment *s, enum sw_side side)
{
	struct sw_frame f;

	return take_spare(b, &f) && build_and_send(b, &f, s, side);
}

void
remove_flow(struct burst *b, struct sw_flow *f, enum sw_counter why)
{
	sw_flow_remove(b->e->flows, f);
	b->stale = true;
	sw_count(&b->stats, why);
}

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

/* Only where the server asked for it with a SYN of its own: what opens the entry must answer that. */
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

static void
act(struct burst *b, struct item *items, unsigned n)
{
	struct item late[SW_BURST_MAX], syns[SW_BURST_MAX], acks[SW_BURST_MAX];
	unsigned n_late = 0, n_syns = 0, n_acks = 0;

	for (unsigned i = 0; i < n; i++) {
		struct item *it = &items[i];

		look_again(b, it, 1);
		if (it->p->f->side == SW_INSIDE) {
			server_packet(b, it);
			continue;
		}
		switch (client_packet(b, it)) {
		case PATH_SYN:
		case PATH_RST:
			late[n_late++] = *it;
			break;
		case PATH_ACK:
			acks[n_acks++] = *it;
			break;
		case PATH_DONE:
			break;
		}
	}
	look_again(b, acks, n_acks);
	accept_acks(b, acks, n_acks);
	/*
	 * An RST or a SYN may be for what an ACK of this burst has just opened. An ACK never
	 * answers a SYN of its own burst, so none is taken too early.
	 */
	for (unsigned i = 0; i < n_late; i++) {
		look_again(b, &late[i], 1);
		switch (late_path(b, &late[i])) {
		case PATH_SYN:
			syns[n_syns++] = late[i];
			break;
		case PATH_RST:
			recent_reset(b, late[i].p);
			drop_item(b, &late[i], SW_DROP_RST_NO_FLOW);
			break;
		default:
			break;
		}
	}
	look_again(b, syns, n_syns);
	answer_syns(b, syns, n_syns);
}

/* Policy for the burst; what is left of it in items[] has a service that wants it. */
static unsigned
triage(struct burst *b, struct sw_pkt *pkts, unsigned n, struct item *items)
{
	const struct sw_tuple *tuples[SW_BURST_MAX];
	uint16_t service[SW_BURST_MAX];
	unsigned n_items = 0;

	for (unsigned i = 0; i < n; i++)
		tuples[i] = has_tuple(&pkts[i]) ? &pkts[i].tuple : NULL;
	sw_policy_lookup_burst(b->view->policy, tuples, service, n);
	for (unsigned i = 0; i < n; i++) {
		struct item it = {.p = &pkts[i], .service = service[i]};

		sw_count(&b->stats,
			pkts[i].f->side == SW_OUTSIDE ? SW_C_RX_OUTSIDE : SW_C_RX_INSIDE);
		if (tuples[i] == NULL)
			not_tcp(b, &pkts[i]);
		else if (!admit(b, &it))
			continue;
		else if (sw_likely(pkts[i].kind == SW_PKT_TCP))
			items[n_items++] = it;
		else
			other(b, &it);
	}
	return n_items;
}

/* The general way: for every packet, whatever it is. */
static void
run(struct burst *b, struct sw_frame *frames, unsigned n)
{
	struct sw_pkt pkts[SW_BURST_MAX];
	struct item items[SW_BURST_MAX];
	const struct sw_tuple *tuples[SW_BURST_MAX];
	struct sw_flow *flows[SW_BURST_MAX];

	b->stale = false;
	sw_parse_burst(frames, pkts, n);
	n = triage(b, pkts, n, items);
	for (unsigned i = 0; i < n; i++)
		tuples[i] = &items[i].p->tuple;
	sw_flow_lookup_burst(b->e->flows, tuples, flows, n);
	for (unsigned i = 0; i < n; i++)
		items[i].f = flows[i];
	act(b, items, n);
}

#ifdef SW_HAVE_AVX2
/* Plain SYNs are answered last, like all SYNs (act()). */
static void
run_with_syns(struct burst *b, struct sw_frame *frames, unsigned n)
{
	struct syn_batch syns[2];
	struct sw_frame rest[SW_BURST_MAX];
	unsigned n_rest = syn_pick(syns, frames, n, rest);

	if (n_rest != 0)
		run(b, rest, n_rest);
	n_rest = syn_answer(b, syns, rest);
	if (n_rest != 0)
		run(b, rest, n_rest);
}

static bool
makes_flows(const struct burst *b)
{
	return b->stats.c[SW_C_FLOW_CREATED] + b->stats.c[SW_C_FLOW_REOPENED] != 0;
}

static sw_noinline void
run_under_blind_acks(struct burst *b, struct sw_frame *frames, unsigned n)
{
	struct blind blind;

	n = blind_pick(b, &blind, frames, n);
	if (n != 0)
		run_with_syns(b, frames, n);
	if (makes_flows(b))
		run(b, blind.f, blind.n);
	else
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
#ifdef SW_HAVE_AVX2
	if (syn_can())
		run_short_ways(&b, frames, n);
	else
#endif
		run(&b, frames, n);
	sw_stats_fold(&e->stats, &b.stats);
}

bool
sw_engine_drain(struct sw_engine *e, struct sw_out *out)
{
	struct burst b = {.e = e, .out = out};
	bool done = true;

	for (uint32_t i = 0; i < e->params.max_pending; i++) {
		struct sw_frame f;

		while (e->pending[i].held_count > 0 && out->n_free < SW_OUT_MAX) {
			unhold(e, &e->pending[i], &f);
			sw_count(&b.stats, SW_C_HELD_DISCARDED);
			give_back(&b, &f);
		}
		if (e->pending[i].held_count > 0)
			done = false;
	}
	sw_stats_fold(&e->stats, &b.stats);
	return done;
}

const struct sw_stats *
sw_engine_stats(const struct sw_engine *e)
{
	return &e->stats;
}

const struct sw_service_stats *
sw_engine_service_stats(const struct sw_engine *e)
{
	return e->service;
}

struct sw_engine_gauges
sw_engine_gauges(const struct sw_engine *e)
{
	return (struct sw_engine_gauges){
		.flows = sw_flow_count(e->flows),
		.flows_max = sw_flow_max(e->flows),
		.pending = __atomic_load_n(&e->pending_count, __ATOMIC_RELAXED),
		.held = __atomic_load_n(&e->held_count, __ATOMIC_RELAXED),
	};
}

struct sw_flow_table *
sw_engine_flows(struct sw_engine *e)
{
	return e->flows;
}
