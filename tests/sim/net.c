/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "net.h"

static bool
before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void
queue_push(struct queue *q, uint64_t at, enum event_kind kind, int side, void *what)
{
	struct event e = {
		.at = at, .order = q->next_order++, .kind = kind, .side = side, .what = what};
	size_t i = q->n++;

	if (q->n > q->cap) {
		q->cap = q->cap ? 2 * q->cap : 256;
		q->e = realloc(q->e, q->cap * sizeof(*q->e));
	}
	for (; i > 0 && before(&e, &q->e[(i - 1) / 2]); i = (i - 1) / 2)
		q->e[i] = q->e[(i - 1) / 2];
	q->e[i] = e;
}

bool
queue_pop(struct queue *q, struct event *out)
{
	struct event last;
	size_t i = 0, child;

	if (q->n == 0)
		return false;
	*out = q->e[0];
	last = q->e[--q->n];
	while ((child = 2 * i + 1) < q->n) {
		if (child + 1 < q->n && before(&q->e[child + 1], &q->e[child]))
			child++;
		if (!before(&q->e[child], &last))
			break;
		q->e[i] = q->e[child];
		i = child;
	}
	q->e[i] = last;
	return true;
}

void
queue_fini(struct queue *q)
{
	free(q->e);
	*q = (struct queue){0};
}

struct fate
link_carry(struct link *l, struct rng *rng, uint64_t now)
{
	struct fate f = {.copies = 1};
	const struct link_cfg *c = &l->cfg;

	if (rng_chance(rng, c->loss)) {
		l->n_lost++;
		f.copies = 0;
		return f;
	}
	f.at[0] = now + c->delay_ns + (c->jitter_ns ? rng_below(rng, c->jitter_ns) : 0);
	if (rng_chance(rng, c->reorder)) {
		f.at[0] += rng_below(rng, 2 * c->delay_ns + SIM_MS);
		l->n_reordered++;
		f.reordered = true;
	} else {
		if (f.at[0] < l->last)
			f.at[0] = l->last;
		l->last = f.at[0];
	}
	if (rng_chance(rng, c->corrupt)) {
		f.corrupt = true;
		l->n_corrupt++;
	}
	f.ce = rng_chance(rng, c->ce);
	if (rng_chance(rng, c->dup)) {
		f.copies = 2;
		f.at[1] = f.at[0] + rng_below(rng, 2 * c->delay_ns + SIM_MS);
		l->n_dup++;
	}
	return f;
}

static struct tally_slot *
tally_find(const struct tally *t, uint64_t key)
{
	size_t i = sim_mix(key) & (t->size - 1);

	while (t->slot[i].key != 0 && t->slot[i].key != key)
		i = (i + 1) & (t->size - 1);
	return &t->slot[i];
}

static void
tally_grow(struct tally *t)
{
	struct tally bigger = {.size = t->size ? 2 * t->size : 1024, .used = t->used};

	bigger.slot = calloc(bigger.size, sizeof(*bigger.slot));
	for (size_t i = 0; i < t->size; i++) {
		if (t->slot[i].key != 0)
			*tally_find(&bigger, t->slot[i].key) = t->slot[i];
	}
	free(t->slot);
	*t = bigger;
}

uint32_t
tally_count(struct tally *t, uint64_t key)
{
	struct tally_slot *s;

	if (2 * t->used >= t->size)
		tally_grow(t);
	key += key == 0;
	s = tally_find(t, key);
	t->used += s->key == 0;
	s->key = key;
	return s->n++;
}

void
tally_fini(struct tally *t)
{
	free(t->slot);
	*t = (struct tally){0};
}

bool
link_is_clean(const struct link_cfg *c)
{
	return c->loss == 0 && c->dup == 0 && c->reorder == 0 && c->corrupt == 0;
}
