/* SPDX-License-Identifier: BSD-3-Clause */
/* engine.c - memory of an engine, and what it shows of itself. The way of a burst is in burst.c. */
#include "handshake/internal.h"

#define PARAM_MAX (1u << 30)

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
	return sw_whole_lines(sizeof(struct sw_engine)) +
	       sw_whole_lines(p->max_pending * sizeof(struct pending)) +
	       sw_whole_lines(p->max_held * sizeof(struct held)) +
	       sw_whole_lines(recent_size(p->max_recent) * sizeof(struct recent)) +
	       sw_whole_lines(recent_size(p->max_recent)) +
	       sw_whole_lines(sw_flow_table_size(p->max_flows));
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
	p += sw_whole_lines(sizeof(*e));
	e->pending = (void *)p;
	p += sw_whole_lines(params->max_pending * sizeof(struct pending));
	e->held = (void *)p;
	p += sw_whole_lines(params->max_held * sizeof(struct held));
	e->recent = (void *)p;
	e->recent_size = recent_size(params->max_recent);
	e->recent_credit = (uint64_t)params->max_recent * 1000;
	memset(e->recent, 0, e->recent_size * sizeof(struct recent));
	p += sw_whole_lines(e->recent_size * sizeof(struct recent));
	e->recent_tries = p;
	memset(e->recent_tries, 0, e->recent_size);
	p += sw_whole_lines(e->recent_size);
	e->flows = sw_flow_table_init(p, sw_whole_lines(sw_flow_table_size(params->max_flows)),
		params->max_flows, params->hash_key);
	if (e->flows == NULL)
		return NULL;
	pending_init(e);
	return e;
}

bool
build_and_send(struct burst *b, struct sw_frame *f, const struct sw_segment *s, enum sw_side side)
{
	struct sw_frame *o;

	if (sw_build_segment(f, s) != 0) {
		drop(b, f, SW_DROP_NO_ROOM);
		return false;
	}
	/* As send(), but a copy of the whole frame would wait for what has just been stored. */
	o = out_frame(b, side);
	o->data = f->data;
	o->handle = f->handle;
	o->len = sw_alone(f->len);
	o->pkt_len = sw_alone(f->pkt_len);
	o->room = (uint16_t)sw_alone(f->room);
	o->headroom = f->headroom;
	o->side = side;
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
