/* SPDX-License-Identifier: BSD-3-Clause */
/* seg.c - the short way of segments of open connections (seg.h). */
#include "handshake/seg.h"

#include "splice/plain.h"

/*
 * Entries are sent for so many at a time, one group before it is their turn: memory has work while
 * segments are translated, and misses of the TLB, which hold up what comes after them, stand
 * together. docs/performance.md has the figures.
 */
#define FETCHED_AT_ONCE 16

/*
 * The family of what may be a segment: its headers are there, in one piece, and can be read whole.
 */
sw_always_inline unsigned
seg_family(const struct sw_frame *f)
{
	const uint32_t cap = f->len + f->room;
	uint32_t type;

	if ((f->csum & SW_CSUM_IP_BAD) || f->len != f->pkt_len ||
		f->len < SW_ETH_BYTES + SW_IP4_BYTES + SW_TCP_BYTES || cap < SEG_REACH4_BYTES)
		return SYN_NO_FAMILY;
	type = syn_type(f);
	if (syn_type_is(type, false))
		return 0;
	return syn_type_is(type, true) && cap >= SEG_REACH6_BYTES ? 1 : SYN_NO_FAMILY;
}

/* The entry that has the tag of that lane in its bucket number `which`; NULL: there is none. */
sw_always_inline struct sw_flow *
candidate(const struct syn_batch *s, unsigned lane, unsigned which)
{
	const struct sw_flow_ground *g = s->ground;
	const struct sw_flow_bucket *b = &g->buckets[s->bucket[which][lane]];
	const unsigned m = sw_flow_bucket_match(b, (uint16_t)s->tag[lane]);

	return m != 0 ? &g->entries[b->index[__builtin_ctz(m)]] : NULL;
}

/*
 * Most flows are in their first bucket (sw_flow_insert()), so the second is only sent for where
 * the first has nothing.
 */
static void
find_candidates(const struct syn_batch *s, struct sw_flow **f)
{
	uint8_t again[SW_BURST_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++) {
		f[i] = NULL;
		if (sw_unlikely(!(s->fit >> i & 1)))
			continue;
		f[i] = candidate(s, i, 0);
		if (f[i] != NULL)
			continue;
		__builtin_prefetch(&s->ground->buckets[s->bucket[1][i]]);
		again[n++] = (uint8_t)i;
	}
	for (unsigned i = 0; i < n; i++)
		f[again[i]] = candidate(s, again[i], 1);
}

sw_always_inline void
fetch_flows(const struct segs *g, unsigned from)
{
	for (unsigned k = from; k < from + FETCHED_AT_ONCE && k < g->n; k++)
		__builtin_prefetch(g->f[k]);
}

static void
read_rows(struct burst *b, struct syn_batch *s)
{
	syn_pad(s);
	s->ground = sw_flow_ground(b->e->flows);
	seg_read_avx2(s);
}

void
seg_pick(
	struct burst *b, struct segs *g, struct sw_frame *frames, unsigned n, struct sw_frame *rest)
{
	struct sw_flow *flows[2][SW_BURST_MAX];
	uint8_t family[SW_BURST_MAX];
	unsigned at[2] = {0}, inside = 0;

	g->n = g->n_rest = g->done = 0;
	g->rows[0].n = g->rows[1].n = 0;
	for (unsigned i = 0; i < n; i++) {
		struct syn_batch *s;

		family[i] = (uint8_t)seg_family(&frames[i]);
		if (family[i] == SYN_NO_FAMILY)
			continue;
		s = &g->rows[family[i]];
		s->inside[s->n] = frames[i].side == SW_INSIDE ? UINT32_MAX : 0;
		syn_put(s, s->n++, &frames[i], SW_ETH_BYTES, 0);
	}
	for (unsigned v6 = 0; v6 < 2; v6++) {
		g->rows[v6].v6 = v6;
		if (g->rows[v6].n == 0)
			continue;
		read_rows(b, &g->rows[v6]);
		find_candidates(&g->rows[v6], flows[v6]);
	}
	for (unsigned i = 0; i < n; i++) {
		const unsigned v6 = family[i];
		const unsigned lane = v6 != SYN_NO_FAMILY ? at[v6]++ : 0;
		struct sw_flow *f = v6 != SYN_NO_FAMILY ? flows[v6][lane] : NULL;

		if (f == NULL) {
			g->rest_at[g->n_rest++] = (uint8_t)i;
			continue;
		}
		g->f[g->n] = f;
		g->at[g->n] = (uint8_t)i;
		g->lane[g->n] = (uint8_t)lane;
		g->v6[g->n++] = (uint8_t)v6;
		inside += frames[i].side;
	}
	fetch_flows(g, 0);
	sw_count_add(&b->stats, SW_C_RX_INSIDE, inside);
	sw_count_add(&b->stats, SW_C_RX_OUTSIDE, g->n - inside);
	for (unsigned i = 0; g->n != 0 && i < g->n_rest; i++)
		rest[i] = frames[g->rest_at[i]];
}

/* The tuple of a lane, as the client sees it. */
static void
seg_tuple(const struct syn_batch *s, unsigned lane, struct sw_tuple *t)
{
	syn_tuple(s, lane, t);
	if (s->v6 && s->inside[lane] != 0) {
		const union sw_addr source = t->client;

		t->client = t->server;
		t->server = source;
	}
}

sw_always_inline bool
is_flow_of(const struct sw_flow *f, const struct syn_batch *s, unsigned lane)
{
	uint32_t ports;

	if (sw_unlikely(s->v6)) {
		struct sw_tuple t;

		seg_tuple(s, lane, &t);
		return sw_tuple_equal(&f->key, &t);
	}
	memcpy(&ports, &f->key.cport_be, sizeof(ports));
	return ((f->key.client.w_be[3] ^ s->client[lane]) |
		       (f->key.server.w_be[3] ^ s->server[lane]) | (ports ^ s->ports[lane]) |
		       f->key.vlan_af) == 0;
}

/* Open or closing, and its segments are only translated. */
sw_always_inline bool
is_plain_flow(const struct sw_flow *f)
{
	return f->state != SW_FLOW_SYN_SENT && !(f->flags & (SW_FLOW_REPAIR | SW_FLOW_REOPEN));
}

/* The flow of plain segment k, or NULL: it goes the general way. */
sw_always_inline struct sw_flow *
flow_of(struct burst *b, const struct segs *g, unsigned k)
{
	const struct syn_batch *s = &g->rows[g->v6[k]];
	struct sw_flow *f = g->f[k];

	if (sw_unlikely(b->stale)) {
		struct sw_tuple t;

		seg_tuple(s, g->lane[k], &t);
		f = sw_flow_find(b->e->flows, &t);
		return f != NULL && is_plain_flow(f) ? f : NULL;
	}
	return sw_likely(is_flow_of(f, s, g->lane[k]) && is_plain_flow(f)) ? f : NULL;
}

bool
seg_act(struct burst *b, struct segs *g, const struct sw_frame *frames, unsigned end)
{
	unsigned k = g->done, n[SW_SIDES] = {0};
	struct sw_out *out = b->out;
	bool stopped = false;

	for (; k < g->n && g->at[k] < end; k++) {
		const struct sw_frame *from = &frames[g->at[k]];
		const struct syn_batch *s = &g->rows[g->v6[k]];
		const bool ts = s->ts[g->lane[k]] != 0;
		struct sw_flow *f = flow_of(b, g, k);
		uint8_t *tcp = s->l3[g->lane[k]] + (g->v6[k] ? SW_IP6_BYTES : SW_IP4_BYTES);
		enum sw_side to;
		struct sw_frame *o;

		if (k % FETCHED_AT_ONCE == 0)
			fetch_flows(g, k + FETCHED_AT_ONCE);
		if (sw_unlikely(f == NULL)) {
			stopped = true;
			break;
		}
		if (from->side == SW_OUTSIDE) {
			sw_plain_to_server(f, tcp, ts);
			flow_step(b, f, SW_EV_CLIENT_SEGMENT);
			to = SW_INSIDE;
		} else {
			f->aux = rte_be_to_cpu_32(
				sw_load32(tcp + offsetof(struct sw_wire_tcp, ack_be)));
			sw_plain_to_client(f, tcp, ts);
			flow_step(b, f, SW_EV_SERVER_SEGMENT);
			to = SW_OUTSIDE;
		}
		o = &out->tx[to][out->n_tx[to] + n[to]++];
		*o = *from;
		o->side = to;
	}
	g->done = k;
	for (unsigned side = 0; side < SW_SIDES; side++) {
		out->n_tx[side] += n[side];
		SW_ASSERT(out->n_tx[side] <= SW_OUT_MAX);
	}
	sw_count_add(&b->stats, SW_C_TX_OUTSIDE, n[SW_OUTSIDE]);
	sw_count_add(&b->stats, SW_C_TX_INSIDE, n[SW_INSIDE]);
	sw_count_add(&b->stats, SW_C_SPLICED_TO_CLIENT, n[SW_OUTSIDE]);
	sw_count_add(&b->stats, SW_C_SPLICED_TO_SERVER, n[SW_INSIDE]);
	return stopped;
}
