/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * burst.c - the way of a burst: parse, policy, flow lookup, cookies, act.
 *
 * Each stage runs over the whole burst before the next one starts, so that what one packet waits
 * for (a bucket, a flow, a MAC) is under way for all of them.
 */
#include "handshake/act.h"
#include "handshake/ways.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* True where the tuple is known, so that policy can be asked. */
static bool
has_tuple(const struct sw_pkt *p)
{
	return p->kind == SW_PKT_TCP || p->kind == SW_PKT_FIRST || p->kind == SW_PKT_ICMP ||
	       (p->kind == SW_PKT_BAD && p->reason >= SW_DROP_TCP_HEADER);
}

/* Nothing is known of any packet's flow. */
static const struct rest none;

/* A burst on its general way. */
struct parsed {
	struct sw_pkt pkts[SW_BURST_MAX];
	const struct sw_tuple *tuples[SW_BURST_MAX]; /* NULL: not known */
	const struct sw_tuple *wanted[SW_BURST_MAX]; /* those to be looked for in the flow table */
	struct sw_flow_search search;
	unsigned n; /* of pkts[] */
};

/* So many packets are parsed before their buckets are sent for. */
#define PARSE_CHUNK 8

/* Headers are read while the buckets of those before come from memory. */
static void
parse(struct burst *b, struct parsed *s, struct sw_frame *frames, unsigned n, uint64_t absent)
{
	for (unsigned at = 0; at < n; at += PARSE_CHUNK) {
		unsigned m = n - at < PARSE_CHUNK ? n - at : PARSE_CHUNK;

		sw_parse_burst(frames + at, s->pkts + at, m);
		for (unsigned i = at; i < at + m; i++) {
			s->tuples[i] = has_tuple(&s->pkts[i]) ? &s->pkts[i].tuple : NULL;
			s->wanted[i] = absent >> i & 1 ? NULL : s->tuples[i];
		}
		sw_flow_search_places(b->e->flows, &s->search, s->wanted, at, m);
	}
	sw_flow_search_tags(b->e->flows, &s->search, s->wanted, n);
}

/* Policy for the burst; what is left of it in items[] has a service that wants it. */
static unsigned
triage(struct burst *b, struct parsed *s, const struct rest *r, unsigned n, struct item *items)
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
		it->place = r->absent >> i & 1 ? &r->place[i] : &s->search.place[i];
		it->service = service[i];
		it->cookie = 0;
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

/* What looked like a plain segment, in its turn, by itself. */
static sw_noinline void
act_after_all(struct burst *b, struct parsed *s, struct sw_frame *f, struct put_off *o)
{
	struct sw_flow_place *place = &s->search.place[s->n];
	struct sw_pkt *p = &s->pkts[s->n++];
	const struct sw_tuple *tuple = &p->tuple;
	struct item it = {.p = p, .place = place};

	sw_count(&b->stats, f->side == SW_INSIDE ? SW_C_RX_INSIDE : SW_C_RX_OUTSIDE);
	sw_parse_burst(f, p, 1);
	sw_policy_lookup_burst(b->view->policy, &tuple, &it.service, 1);
	if (!admit(b, &it))
		return;
	*place = sw_flow_place_of(sw_flow_ground(b->e->flows), tuple);
	it.f = sw_flow_find_at(b->e->flows, place, tuple);
	act_one(b, &it, o);
}

/* The plain segments that stand before place `end` of the burst. */
sw_always_inline void
act_segs(struct burst *b, struct parsed *s, struct segs *g, struct sw_frame *frames, unsigned end,
	struct put_off *o)
{
	while (g->done < g->n && g->at[g->done] < end && b->ways->act_segs(b, g, frames, end))
		act_after_all(b, s, &frames[g->at[g->done++]], o);
}

/* The general way, for every packet, whatever it is; r: what is known of them. */
static unsigned
look(struct burst *b, struct parsed *s, const struct rest *r, struct sw_frame *frames, unsigned n,
	struct item *items)
{
	struct sw_flow *flows[SW_BURST_MAX];
	unsigned n_items;

	s->tuples[0] = NULL; /* else a compiler warns: it does not know that n is not 0 */
	parse(b, s, frames, n, r->absent);
	s->n = n;
	/* Meanwhile the flows come. Should one be removed here, act_one() looks again. */
	n_items = triage(b, s, r, n, items);
	sw_flow_search_flows(b->e->flows, &s->search, s->wanted, flows, n);
	for (unsigned i = 0; i < n_items; i++)
		items[i].f = flows[items[i].p - s->pkts];
	return n_items;
}

static void
run_all(struct burst *b, const struct rest *r, struct sw_frame *frames, unsigned n)
{
	struct item items[SW_BURST_MAX];
	struct put_off o;
	struct parsed s;

	b->stale = false;
	o.n_late = o.n_acks = o.cookies.n = 0;
	n = look(b, &s, r, frames, n, items);
	verify_ahead(b, &o.cookies, items, n);
	for (unsigned i = 0; i < n; i++)
		act_one(b, &items[i], &o);
	act_late(b, &o);
}

/* Plain segments their own way, all else as in run_all(); in the order of the burst. */
static void
run_with_segs(struct burst *b, struct picked *p, struct sw_frame *frames, unsigned n,
	struct sw_frame *rest)
{
	struct item items[SW_BURST_MAX];
	struct segs *g = &p->segs;
	unsigned n_items = 0;
	struct put_off o;
	struct parsed s;

	b->stale = false;
	o.n_late = o.n_acks = o.cookies.n = 0;
	s.n = 0;
	if (p->rest.n != 0)
		n_items = look(b, &s, &p->rest, rest, p->rest.n, items);
	verify_ahead(b, &o.cookies, items, n_items);
	for (unsigned i = 0; i < n_items; i++) {
		act_segs(b, &s, g, frames, p->rest.at[items[i].p - s.pkts], &o);
		act_one(b, &items[i], &o);
	}
	act_segs(b, &s, g, frames, n, &o);
	act_late(b, &o);
}

static bool
made_flows(const struct burst *b)
{
	return b->stats.c[SW_C_FLOW_CREATED] + b->stats.c[SW_C_FLOW_REOPENED] != 0;
}

/* Plain SYNs are answered last, like all (act_late()); one that may have a flow is not plain. */
static void
run_picked(struct burst *b, struct sw_frame *frames, unsigned n)
{
	struct sw_frame rest[SW_BURST_MAX];
	struct picked p;
	unsigned n_left;

	b->ways->pick(b, &p, frames, n, rest);
	if (p.segs.n != 0)
		run_with_segs(b, &p, frames, n, rest);
	else if (p.rest.n != 0)
		run_all(b, &p.rest, p.rest.n == n ? frames : rest, p.rest.n);
	/* Others than before: nothing of p.rest is about these. */
	n_left = b->ways->answer_syns(b, p.rows, made_flows(b), rest);
	if (n_left != 0)
		run_all(b, &none, rest, n_left);
}

static sw_noinline void
run_under_blind_acks(struct burst *b, struct sw_frame *frames, unsigned n)
{
	struct sw_frame rest[SW_BURST_MAX];
	struct blind blind;

	n = b->ways->pick_blind(b, &blind, frames, n);
	if (n != 0)
		run_picked(b, frames, n);
	n = made_flows(b) ? b->ways->look_again_blind(b, &blind, rest) : 0;
	if (n != 0)
		run_all(b, &none, rest, n);
	b->ways->drop_blind(b, &blind);
}

static void
run_short_ways(struct burst *b, struct sw_frame *frames, unsigned n)
{
	if (b->e->blind)
		run_under_blind_acks(b, frames, n);
	else
		run_picked(b, frames, n);
}

const struct short_ways *
short_ways(void)
{
	static const struct short_ways *const ways[SW_SIMD_LEVELS] = {
#ifdef SW_HAVE_VECTORS
		[SW_SIMD_AVX2] = &short_ways_avx2,
		[SW_SIMD_AVX512] = &short_ways_avx512,
		[SW_SIMD_AVX512W] = &short_ways_avx512w,
#endif
	};

	return ways[sw_simd()];
}

void
sw_engine_burst(struct sw_engine *e, const struct sw_view *view, uint64_t now_ns,
	struct sw_frame *frames, unsigned n, struct sw_out *out)
{
	struct burst b = {
		.e = e,
		.view = view,
		.out = out,
		.ways = short_ways(),
		.now_ms = (uint32_t)(now_ns / NS_PER_MS),
		.now_s = now_ns / NS_PER_S,
	};

	SW_ASSERT(n <= SW_BURST_MAX);
	learn_begin(&b);
	if (sw_flow_count(e->flows) == 0)
		e->flows_policy = view->policy;
	else if (e->flows_policy != view->policy)
		e->flows_policy = NULL;
	if (sw_likely(b.ways != NULL))
		run_short_ways(&b, frames, n);
	else
		run_all(&b, &none, frames, n);
	e->blind = b.stats.c[SW_C_DROP_BASE + SW_DROP_COOKIE_BAD] >= BLIND_MIN;
	sw_stats_fold(&e->stats, &b.stats);
}
