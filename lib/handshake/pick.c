/* SPDX-License-Identifier: BSD-3-Clause */
/* pick.c - a burst is sorted: plain SYNs, plain segments, and the rest (pick.h). */
#include "handshake/pick.h"
#include "handshake/sort.h"

/* ECE and CWR go together or not at all; the rows tell. */
static const struct sort_want plain_syn = {
	.reach = {SYN_REACH4_BYTES, SYN_REACH6_BYTES},
	.csum_bad = SW_CSUM_IP_BAD | SW_CSUM_L4_BAD,
	.flags = SW_TCP_SYN,
	.flags_mask = (uint8_t) ~(SW_TCP_ECE | SW_TCP_CWR),
	.outside = true,
	.unicast = true,
	.tagged = true,
};

static_assert(SW_ARRAY_LEN(((struct picked *)NULL)->rows) == SORT_KINDS, "rows of each kind");

static const struct sort_want segment = {
	.reach = {SEG_REACH4_BYTES, SEG_REACH6_BYTES},
	.csum_bad = SW_CSUM_IP_BAD,
	.flags_mask = SW_TCP_SYN, /* not set: else plain SYNs would be among eight of them */
};

static void
begin_rows(const struct burst *b, struct syn_batch *s)
{
	syn_pad(s);
	s->ground = sw_flow_ground(b->e->flows);
}

/*
 * Both are read before either looks at the buckets that it has sent for: what one waits for comes
 * while the other computes. flows[]: of segments, by family and lane; found[]: how many.
 */
static void
look_in_rows(const struct burst *b, struct syn_batch rows[SORT_KINDS], bool segs,
	struct sw_flow *flows[2][SW_BURST_MAX], unsigned found[2])
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct syn_batch *s = &rows[v6];

		s->fit = 0;
		if (s->n == 0)
			continue;
		begin_rows(b, s);
		syn_read(s);
		syn_tuple(s, 0, &s->first);
	}
	for (unsigned v6 = 0; segs && v6 < 2; v6++) {
		if (rows[SORT_SECOND + v6].n == 0)
			continue;
		begin_rows(b, &rows[SORT_SECOND + v6]);
		seg_read(&rows[SORT_SECOND + v6]);
	}
	for (unsigned v6 = 0; v6 < 2; v6++) {
		if (rows[v6].n == 0)
			continue;
		syn_absent(&rows[v6]);
		rows[v6].gone = ~rows[v6].fit;
	}
	for (unsigned v6 = 0; segs && v6 < 2; v6++)
		if (rows[SORT_SECOND + v6].n != 0)
			found[v6] = seg_find(&rows[SORT_SECOND + v6], flows[v6]);
}

/* All of the burst are plain segments of one family. f[]: by lane. */
static void
list_all(struct segs *g, struct sw_flow *const f[SW_BURST_MAX], const bool v6, unsigned n)
{
	for (unsigned i = 0; i < SW_BURST_MAX; i++)
		g->at[i] = (uint8_t)i;
	memcpy(g->f, f, sizeof(g->f));
	g->v6[0] = v6;
	g->n = n;
}

/* A packet of that kind and lane, at place i. What looked like a segment need not be looked for. */
sw_always_inline void
add_rest(struct rest *r, const struct syn_batch rows[SORT_KINDS], unsigned i, unsigned kind,
	unsigned lane)
{
	r->at[r->n] = (uint8_t)i;
	if (kind >= SORT_SECOND && kind != SORT_NONE && (rows[kind].fit >> lane & 1)) {
		r->absent |= 1ull << r->n;
		syn_place(&rows[kind], lane, &r->place[r->n]);
	}
	r->n++;
}

static void
list_each(struct picked *p, const uint8_t *kind, struct sw_flow *flows[2][SW_BURST_MAX], unsigned n)
{
	unsigned at[SORT_KINDS] = {0};
	struct segs *g = &p->segs;

	for (unsigned i = 0; i < n; i++) {
		const unsigned k = kind[i];
		const unsigned lane = k != SORT_NONE ? at[k]++ : 0;
		struct sw_flow *f = NULL;

		if (k < SORT_SECOND && (p->rows[k].fit >> lane & 1))
			continue;
		if (k >= SORT_SECOND && k != SORT_NONE)
			f = flows[k - SORT_SECOND][lane];
		if (f == NULL) {
			add_rest(&p->rest, p->rows, i, k, lane);
			continue;
		}
		g->f[g->n] = f;
		g->at[g->n] = (uint8_t)i;
		g->lane[g->n] = (uint8_t)lane;
		g->v6[g->n++] = (uint8_t)(k - SORT_SECOND);
	}
}

void
pick_burst(struct burst *b, struct picked *p, struct sw_frame *frames, unsigned n,
	struct sw_frame *rest)
{
	struct sw_flow *flows[2][SW_BURST_MAX];
	const bool segs = seg_may_be(b);
	unsigned found[2] = {0}, n_syns;
	struct segs *g = &p->segs;
	struct rest *r = &p->rest;
	uint8_t kind[SW_BURST_MAX];

	g->n = g->done = 0;
	g->rows = &p->rows[SORT_SECOND];
	g->all = false;
	r->n = 0;
	r->absent = 0;
	if (segs)
		sort_burst(p->rows, kind, frames, n, &plain_syn, &segment);
	else
		sort_burst(p->rows, kind, frames, n, &plain_syn, NULL);
	look_in_rows(b, p->rows, segs, flows, found);
	n_syns = (unsigned)__builtin_popcountll(p->rows[0].fit) +
		 (unsigned)__builtin_popcountll(p->rows[1].fit);
	if (n_syns == n)
		return;
	if (found[0] == n || found[1] == n) {
		g->all = true;
		list_all(g, flows[found[1] == n], found[1] == n, n);
		return;
	}
	if (n_syns + found[0] + found[1] == 0) {
		r->n = n;
		return;
	}
	list_each(p, kind, flows, n);
	for (unsigned i = 0; i < r->n; i++)
		rest[i] = frames[r->at[i]];
}
