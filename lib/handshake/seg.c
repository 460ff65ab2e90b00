/* SPDX-License-Identifier: BSD-3-Clause */
/* seg.c - the short way of segments of open connections (seg.h). */
#include "handshake/frame_vec.h"
#include "handshake/seg.h"

#include "splice/plain.h"

/* So many segments before its turn an entry comes to the first cache (docs/performance.md). */
#define NEAR_AHEAD 4

/* The entry that has the tag of that lane in its bucket number `which`; NULL: there is none. */
sw_always_inline struct sw_flow *
candidate(const struct syn_batch *s, unsigned lane, unsigned which)
{
	const struct sw_flow_ground *g = s->ground;
	const uint32_t b = s->bucket[which][lane];
	const uint32_t m = sw_flow_bucket_match(&g->buckets[b], (uint16_t)s->tag[lane]);

	return m != 0 ? sw_flow_slot(g, b, (unsigned)__builtin_ctz(m)) : NULL;
}

/*
 * Most flows are in their first bucket (sw_flow_insert()), so the second is only sent for where
 * the first has nothing; entries as soon as they are known.
 */
unsigned
seg_find(const struct syn_batch *s, struct sw_flow **f)
{
	uint8_t again[SW_BURST_MAX];
	unsigned n = 0, found = 0;

	for (unsigned i = 0; i < s->n; i++) {
		f[i] = NULL;
		if (sw_unlikely(!(s->fit >> i & 1)))
			continue;
		f[i] = candidate(s, i, 0);
		if (sw_likely(f[i] != NULL)) {
			sw_fetch(f[i]);
			found++;
			continue;
		}
		sw_fetch(&s->ground->buckets[s->bucket[1][i]]);
		again[n++] = (uint8_t)i;
	}
	for (unsigned i = 0; i < n; i++) {
		struct sw_flow *second = candidate(s, again[i], 1);

		f[again[i]] = second;
		if (second == NULL)
			continue;
		sw_fetch(second);
		found++;
	}
	return found;
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
is_flow_of(const struct sw_flow *f, const struct syn_batch *s, unsigned lane, const bool v6)
{
	uint32_t ports;

	if (v6) {
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
flow_of(struct burst *b, const struct syn_batch *s, unsigned lane, struct sw_flow *f, const bool v6)
{
	if (sw_unlikely(b->stale)) {
		struct sw_tuple t;

		seg_tuple(s, lane, &t);
		f = sw_flow_find(b->e->flows, &t);
		return f != NULL && is_plain_flow(f) ? f : NULL;
	}
	return sw_likely(is_flow_of(f, s, lane, v6) && is_plain_flow(f)) ? f : NULL;
}

/* A client's FIN that is not near what the server waits for may be a guess: nothing moves. */
sw_always_inline void
step_client(struct burst *b, struct sw_flow *f, const uint8_t *tcp, bool fin)
{
	if (sw_likely(!fin))
		flow_step(b, f, SW_EV_CLIENT_SEGMENT);
	else if (sw_flow_client_seq_near(f,
			 rte_be_to_cpu_32(sw_load32(tcp + offsetof(struct sw_wire_tcp, seq_be)))))
		flow_step(b, f, SW_EV_CLIENT_FIN);
}

/* Of the side that it came in on. */
sw_always_inline void
translate(struct burst *b, struct sw_flow *f, uint8_t *tcp, bool ts, bool fin, unsigned side)
{
	if (side == SW_OUTSIDE) {
		sw_plain_to_server(f, tcp, ts);
		step_client(b, f, tcp, fin);
	} else {
		f->aux = rte_be_to_cpu_32(sw_load32(tcp + offsetof(struct sw_wire_tcp, ack_be)));
		sw_plain_to_client(f, tcp, ts);
		if (sw_likely(!fin))
			flow_step(b, f, SW_EV_SERVER_SEGMENT);
		else
			flow_step(b, f, SW_EV_SERVER_FIN);
	}
}

/*
 * all: g->all, where lane and place are k and need not be looked up (docs/performance.md); v6: of
 * all, then.
 */
sw_always_inline bool
act(struct burst *b, struct segs *g, const struct sw_frame *frames, unsigned end, const bool all,
	const bool v6)
{
	const uint64_t fins = all ? g->rows[v6].fin : 0;
	struct sw_out *out = b->out;
	unsigned k = g->done;

	for (; k < g->n && (all ? k : g->at[k]) < end; k++) {
		const struct sw_frame *from = &frames[all ? k : g->at[k]];
		const bool is_v6 = all ? v6 : g->v6[k];
		const struct syn_batch *s = &g->rows[is_v6];
		const unsigned lane = all ? k : g->lane[k];
		struct sw_flow *f = flow_of(b, s, lane, g->f[k], is_v6);
		uint8_t *tcp = s->l3[lane] + (is_v6 ? SW_IP6_BYTES : SW_IP4_BYTES);
		const unsigned side = from->side, to = sw_other_side(side);

		if (sw_unlikely(f == NULL))
			break;
		/* The last ones ask for their own, which is there: no branch for them. */
		sw_fetch_near(g->f[k + NEAR_AHEAD < g->n ? k + NEAR_AHEAD : k]);
		translate(b, f, tcp, s->ts[lane] != 0, (all ? fins : s->fin) >> lane & 1, side);
		frame_copy_across(&out->tx[to][out->n_tx[to] + g->sent[to]++], from);
	}
	g->done = k;
	return k < g->n && (all ? k : g->at[k]) < end;
}

bool
seg_act(struct burst *b, struct segs *g, const struct sw_frame *frames, unsigned end)
{
	const unsigned *n = g->sent;
	struct sw_out *out = b->out;
	bool stopped;

	g->sent[SW_OUTSIDE] = g->sent[SW_INSIDE] = 0;
	if (!g->all)
		stopped = act(b, g, frames, end, false, false);
	else if (g->v6[0])
		stopped = act(b, g, frames, end, true, true);
	else
		stopped = act(b, g, frames, end, true, false);
	for (unsigned side = 0; side < SW_SIDES; side++) {
		out->n_tx[side] += n[side];
		SW_ASSERT(out->n_tx[side] <= SW_OUT_MAX);
	}
	sw_count_add(&b->stats, SW_C_RX_INSIDE, n[SW_OUTSIDE]);
	sw_count_add(&b->stats, SW_C_RX_OUTSIDE, n[SW_INSIDE]);
	sw_count_add(&b->stats, SW_C_TX_OUTSIDE, n[SW_OUTSIDE]);
	sw_count_add(&b->stats, SW_C_TX_INSIDE, n[SW_INSIDE]);
	sw_count_add(&b->stats, SW_C_SPLICED_TO_CLIENT, n[SW_OUTSIDE]);
	sw_count_add(&b->stats, SW_C_SPLICED_TO_SERVER, n[SW_INSIDE]);
	return stopped;
}
