/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tick.c - what happens because time passes: SYNs again, giving up, ageing. Each call does a
 * bounded amount; what is left is done by the next one.
 */
#include "handshake/internal.h"

#define NS_PER_MS 1000000ull

/*
 * Buckets that the ageing looks at. By the time: one turn takes AGE_TURN_MS where the table is
 * small enough for AGE_TIME_BUCKETS_MAX a call. By the flows that were made: one bucket for each
 * AGE_FLOWS of them, so that a turn is done by the time that 12 for each bucket, of the 27 that it
 * has on average in a full table, were made. Half as many, a quarter of the table, are beyond their
 * time at most where as many end as begin, up to AGE_BUCKETS_MAX * AGE_FLOWS a call.
 */
#define AGE_TURN_MS	     1000
#define AGE_TIME_BUCKETS_MAX 64
#define AGE_FLOWS	     12
#define AGE_BUCKETS_MAX	     256
/* Buckets at a time: each holds up to 32 flows. */
#define AGE_STEP_BUCKETS 8

static bool
out_has_room(const struct sw_out *out)
{
	return out->n_free + SW_HOLD_PER_FLOW + 1 <= SW_OUT_MAX;
}

/* The sequence number is the one that the client waits for. */
void
reset_client(struct burst *b, struct pending *p, struct sw_frame *frame)
{
	struct sw_flow *f = sw_flow_at(b->e->flows, p->flow);
	struct sw_segment s = {
		.l2 = p->l2,
		.l2_len = p->l2_len,
		.swap_l2 = true,
		.to_client = true,
		.tcp_flags = SW_TCP_RST | SW_TCP_ACK,
		.seq = p->isn + 1,
		.ack = p->client_isn + 1,
		.tuple = &f->key,
		.opts = {.wscale = SW_WSCALE_NONE},
	};

	if (build_and_send(b, frame, &s, SW_OUTSIDE))
		sw_count(&b->stats, SW_C_CLIENT_RST_SENT);
	service_count(&service_stats(b, p->service)->failed);
	pending_release(b, p);
	remove_flow(b, f, SW_C_FLOW_FAILED);
}

/* The server never answered. There is a spare. */
static void
give_up(struct burst *b, struct pending *p)
{
	struct sw_frame f;

	take_spare(b, &f);
	sw_count(&b->stats, SW_C_SERVER_TIMED_OUT);
	reset_client(b, p, &f);
}

static void
run_timers(struct burst *b)
{
	struct sw_engine *e = b->e;

	for (unsigned stage = 0; stage < STAGES; stage++) {
		struct list *l = &e->stage[stage];

		while (l->head != NONE && !sw_seq_before(b->now_ms, e->pending[l->head].due_ms)) {
			struct pending *p = &e->pending[l->head];

			if (b->out->n_spare == 0 || !out_has_room(b->out))
				return;
			if (stage == STAGES - 1) {
				give_up(b, p);
				continue;
			}
			pending_disarm(e, p);
			pending_arm(b, p, stage + 1);
			if (make_server_syn(b, p))
				sw_count(&b->stats, SW_C_SERVER_SYN_RETRANSMITTED);
		}
	}
}

static enum sw_counter
removal_counter(const struct sw_flow *f)
{
	switch (f->state) {
	case SW_FLOW_FIN_BOTH:
		return SW_C_FLOW_CLOSED;
	case SW_FLOW_RST_CLIENT:
	case SW_FLOW_RST_SERVER:
		return SW_C_FLOW_RESET;
	case SW_FLOW_QUIET: /* a server's SYN may also have had no answer */
		return f->flags & SW_FLOW_FROM_SERVER ? SW_C_FLOW_EXPIRED : SW_C_FLOW_QUIET;
	default:
		return SW_C_FLOW_EXPIRED;
	}
}

static void
age_step(struct burst *b)
{
	struct sw_flow *expired[AGE_STEP_BUCKETS * SW_FLOW_BUCKET_SLOTS];
	unsigned n = sw_flow_age(
		b->e->flows, b->now_ms, AGE_STEP_BUCKETS, expired, SW_ARRAY_LEN(expired));

	for (unsigned i = 0; i < n; i++) {
		/* A half-open flow has no deadline but its pending record's. */
		if (expired[i]->state != SW_FLOW_SYN_SENT)
			remove_flow(b, expired[i], removal_counter(expired[i]));
	}
}

/* What a call leaves is lost to the time, but not to the flows that were made. */
static void
age(struct burst *b, uint64_t elapsed_ms)
{
	struct sw_engine *e = b->e;
	const uint64_t made = e->stats.c[SW_C_FLOW_CREATED] - e->aged_flows;
	uint64_t buckets = (uint64_t)sw_flow_buckets(e->flows) * elapsed_ms / AGE_TURN_MS + 1;

	if (buckets > AGE_TIME_BUCKETS_MAX)
		buckets = AGE_TIME_BUCKETS_MAX;
	if (buckets < made / AGE_FLOWS)
		buckets = made / AGE_FLOWS;
	if (buckets > AGE_BUCKETS_MAX)
		buckets = AGE_BUCKETS_MAX;
	e->aged_flows += buckets * AGE_FLOWS < made ? buckets * AGE_FLOWS : made;
	for (uint64_t done = 0; done < buckets; done += AGE_STEP_BUCKETS)
		age_step(b);
}

void
sw_engine_tick(struct sw_engine *e, const struct sw_view *view, uint64_t now_ns, struct sw_out *out)
{
	struct burst b = {
		.e = e,
		.view = view,
		.out = out,
		.now_ms = (uint32_t)(now_ns / NS_PER_MS),
		.now_s = now_ns / (1000 * NS_PER_MS),
	};

	uint64_t elapsed_ms = (now_ns - e->ticked_ns) / NS_PER_MS;

	run_timers(&b);
	if (elapsed_ms != 0) {
		e->ticked_ns += elapsed_ms * NS_PER_MS;
		recent_tick(&b, elapsed_ms);
		age(&b, elapsed_ms);
	}
	sw_stats_fold(&e->stats, &b.stats);
}
