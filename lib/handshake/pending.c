/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pending.c - connections that wait for their server: records, held packets, timers.
 *
 * All records of one stage wait equally long, so a list per stage, appended at its end, is sorted
 * by the time when they are due: no wheel, no heap.
 */
#include "handshake/internal.h"

/* Sent at 0, 1, 3 and 7 s; given up 8 s after the last. */
const uint32_t syn_interval_ms[STAGES] = {1000, 2000, 4000, 8000};

void
pending_init(struct sw_engine *e)
{
	for (uint32_t i = 0; i < e->params.max_pending; i++)
		e->pending[i] = (struct pending){
			.next = i + 1 < e->params.max_pending ? i + 1 : NONE, .stage = STAGES};
	for (uint32_t i = 0; i < e->params.max_held; i++)
		e->held[i].next = i + 1 < e->params.max_held ? i + 1 : NONE;
	e->pending_free = 0;
	e->held_free = 0;
	for (unsigned i = 0; i < STAGES; i++)
		e->stage[i] = (struct list){NONE, NONE};
}

static void
set_count(uint32_t *c, uint32_t v)
{
	__atomic_store_n(c, v, __ATOMIC_RELAXED); /* single writer; read by sw_engine_gauges() */
}

struct pending *
pending_alloc(struct sw_engine *e)
{
	uint32_t i = e->pending_free;

	if (i == NONE)
		return NULL;
	struct pending *p = &e->pending[i];

	e->pending_free = p->next;
	set_count(&e->pending_count, e->pending_count + 1);
	*p = (struct pending){.prev = NONE, .next = NONE, .held_head = NONE, .held_tail = NONE};
	p->stage = STAGES;
	return p;
}

void
pending_disarm(struct sw_engine *e, struct pending *p)
{
	if (p->stage == STAGES)
		return;
	struct list *l = &e->stage[p->stage];

	if (p->prev == NONE)
		l->head = p->next;
	else
		e->pending[p->prev].next = p->next;
	if (p->next == NONE)
		l->tail = p->prev;
	else
		e->pending[p->next].prev = p->prev;
	p->stage = STAGES;
}

void
pending_arm(struct burst *b, struct pending *p, unsigned stage)
{
	struct sw_engine *e = b->e;
	struct list *l = &e->stage[stage];
	uint32_t i = (uint32_t)(p - e->pending);

	SW_ASSERT(p->stage == STAGES && stage < STAGES);
	p->stage = (uint8_t)stage;
	p->due_ms = b->now_ms + syn_interval_ms[stage];
	p->prev = l->tail;
	p->next = NONE;
	if (l->tail == NONE)
		l->head = i;
	else
		e->pending[l->tail].next = i;
	l->tail = i;
}

void
pending_release(struct burst *b, struct pending *p)
{
	struct sw_engine *e = b->e;
	struct sw_frame f;

	while (unhold(e, p, &f)) {
		sw_count(&b->stats, SW_C_HELD_DISCARDED);
		give_back(b, &f);
	}
	pending_disarm(e, p);
	p->next = e->pending_free;
	e->pending_free = (uint32_t)(p - e->pending);
	set_count(&e->pending_count, e->pending_count - 1);
}

bool
is_held(const struct sw_engine *e, const struct pending *pe, uint32_t seq, uint32_t end)
{
	for (uint32_t i = pe->held_head; i != NONE; i = e->held[i].next)
		if (sw_seq_before_eq(e->held[i].seq, seq) && sw_seq_before_eq(end, e->held[i].end))
			return true;
	return false;
}

bool
hold(struct burst *b, struct pending *pe, const struct sw_pkt *p)
{
	struct sw_engine *e = b->e;
	uint32_t i = e->held_free;

	if (i == NONE || pe->held_count == SW_HOLD_PER_FLOW)
		return false;
	struct held *h = &e->held[i];

	e->held_free = h->next;
	set_count(&e->held_count, e->held_count + 1);
	*h = (struct held){
		.f = *p->f,
		.seq = p->seq,
		.end = p->seq + sw_pkt_seq_len(p),
		.next = NONE,
	};
	if (pe->held_tail == NONE)
		pe->held_head = i;
	else
		e->held[pe->held_tail].next = i;
	pe->held_tail = i;
	pe->held_count++;
	if (sw_seq_before_eq(p->seq, pe->next_seq) && sw_seq_before(pe->next_seq, h->end))
		pe->next_seq = h->end;
	sw_count(&b->stats, SW_C_HELD);
	return true;
}

bool
unhold(struct sw_engine *e, struct pending *pe, struct sw_frame *f)
{
	uint32_t i = pe->held_head;

	if (i == NONE)
		return false;
	struct held *h = &e->held[i];

	*f = h->f;
	pe->held_head = h->next;
	if (pe->held_head == NONE)
		pe->held_tail = NONE;
	pe->held_count--;
	h->next = e->held_free;
	e->held_free = i;
	set_count(&e->held_count, e->held_count - 1);
	return true;
}
