/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cuts an address space: the prefixes, sorted, are a forest in preorder, and one pass with a stack
 * of the open prefixes gives the intervals (policy_int.h).
 */
#include "policy/policy_int.h"

/* The bits behind the prefix, all set. */
static addr_num
host_bits(unsigned len, bool v6)
{
	unsigned host = (v6 ? 128 : 32) - len;

	return host == 128 ? ~(addr_num)0 : ((addr_num)1 << host) - 1;
}

addr_num
sw_policy_item_last(const struct item *it)
{
	return it->start | host_bits(it->len, it->v6);
}

struct item
sw_policy_item_make(const struct sw_prefix *p, uint32_t index)
{
	struct item it = {.index = index, .len = p->prefix_len, .v6 = p->v6};

	it.start = addr_number(&p->addr, p->v6) & ~host_bits(p->prefix_len, p->v6);
	return it;
}

/* Order of the sweep: family, wider prefix before the narrower ones in it, port. */
static bool
item_before(const struct item *a, const struct item *b)
{
	if (a->v6 != b->v6)
		return b->v6;
	if (a->start != b->start)
		return a->start < b->start;
	if (a->len != b->len)
		return a->len < b->len;
	if (a->first != b->first)
		return a->first < b->first;
	return a->index < b->index;
}

bool
sw_policy_item_same_prefix(const struct item *a, const struct item *b)
{
	return a->start == b->start && a->len == b->len && a->v6 == b->v6;
}

static void
sift_down(struct item *items, size_t n, size_t i)
{
	struct item moved = items[i];

	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && item_before(&items[child], &items[child + 1]))
			child++;
		if (!item_before(&moved, &items[child]))
			break;
		items[i] = items[child];
	}
	items[i] = moved;
}

/* Heapsort: in place, where qsort() may take memory from the heap. */
void
sw_policy_item_sort(struct item *items, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift_down(items, n, i);
	while (n > 1) {
		struct item top = items[0];

		items[0] = items[--n];
		items[n] = top;
		sift_down(items, n, 0);
	}
}

/* From `start` on, `value` rules; a later word on the same address replaces the earlier one. */
static void
cut(struct sweep *s, addr_num start, uint32_t value)
{
	struct table *t = s->table;

	if (t->n > 0 && key_at_or_before(t, t->n - 1, start, s->v6) &&
		(start == 0 || !key_at_or_before(t, t->n - 1, start - 1, s->v6))) {
		t->values[t->n - 1] = value;
		return;
	}
	if (s->v6)
		((addr_num *)t->keys)[t->n] = start;
	else
		((uint32_t *)t->keys)[t->n] = (uint32_t)start;
	t->values[t->n++] = value;
}

uint32_t
sw_policy_sweep_innermost(const struct sweep *s)
{
	return s->depth > 0 ? s->open[s->depth - 1].value : 0;
}

void
sw_policy_sweep_begin(struct sweep *s, struct table *t, bool v6)
{
	s->table = t;
	s->v6 = v6;
	s->depth = 0;
	t->n = 0;
	cut(s, 0, 0);
}

/* Closes the prefixes that end before `start`. */
void
sw_policy_sweep_to(struct sweep *s, addr_num start)
{
	while (s->depth > 0 && s->open[s->depth - 1].last < start) {
		s->depth--;
		cut(s, s->open[s->depth].last + 1, sw_policy_sweep_innermost(s));
	}
}

void
sw_policy_sweep_open(struct sweep *s, const struct item *it, uint32_t value)
{
	SW_ASSERT(s->depth < DEPTH_MAX);
	s->open[s->depth].last = sw_policy_item_last(it);
	s->open[s->depth].value = value;
	s->depth++;
	cut(s, it->start, value);
}

void
sw_policy_sweep_end(struct sweep *s)
{
	while (s->depth > 0) {
		addr_num last = s->open[--s->depth].last;

		if (last != host_bits(0, s->v6)) /* behind the last address there is nothing */
			cut(s, last + 1, sw_policy_sweep_innermost(s));
	}
}
