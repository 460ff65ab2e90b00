/* SPDX-License-Identifier: BSD-3-Clause */
/* blind.c - the short way of blind ACKs (blind.h), but for what is done in vectors. */
#include "handshake/blind.h"
#include "handshake/sort.h"

static const struct sort_want ack = {
	.reach = {BLIND_REACH4_BYTES, BLIND_REACH6_BYTES},
	.csum_bad = SW_CSUM_IP_BAD,
	.flags = SW_TCP_ACK,
	.flags_mask = ACK_ALONE_MASK,
	.outside = true,
};

/* Takes those out of `fit` whose source is allowed or denied. */
static void
leave_listed(const struct sw_policy *policy, struct syn_batch *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct sw_tuple t;

		syn_tuple(s, i, &t);
		if (sw_policy_source(policy, &t) != SW_SOURCE_CHALLENGE)
			s->fit &= ~(1ull << i);
	}
}

/* Leaves those in `fit` that are for a service that asks for cookies. */
static void
find_services(struct burst *b, struct syn_batch *s)
{
	const struct sw_policy *policy = b->view->policy;
	const bool all_one = !(s->fit & ~s->like_first);
	const unsigned n = all_one ? 1 : s->n;
	const struct sw_tuple *ptr[SW_BURST_MAX];
	struct sw_tuple tuples[SW_BURST_MAX];

	for (unsigned i = 0; i < n; i++) {
		syn_tuple(s, i, &tuples[i]);
		ptr[i] = &tuples[i];
	}
	sw_policy_lookup_burst(policy, ptr, s->service, n);
	for (unsigned i = 0; i < n; i++) {
		const bool known = s->service[i] != SW_POLICY_NO_SERVICE;
		const unsigned mode =
			known ? sw_policy_service(policy, s->service[i])->mode : SW_MODE_MAX;

		if (mode != SW_MODE_PROXY && mode != SW_MODE_RESPOND)
			s->fit &= all_one ? 0 : ~(1ull << i);
	}
	for (unsigned i = n; i < s->n; i++)
		s->service[i] = s->service[0];
	if (sw_policy_lists_sources(policy))
		leave_listed(policy, s);
}

static void
judge(struct burst *b, struct syn_batch *s)
{
	syn_pad(s);
	s->ground = sw_flow_ground(b->e->flows);
	blind_read(s);
	syn_tuple(s, 0, &s->first);
	find_services(b, s);
	syn_absent(s);
	if (s->fit != 0)
		blind_verify(s, b->view->keys);
}

static void
keep(struct blind *blind, const struct syn_batch *s, unsigned k, const struct sw_frame *f)
{
	blind->service[blind->n] = s->service[k];
	syn_place(s, k, &blind->place[blind->n]);
	blind->f[blind->n++] = *f;
}

unsigned
blind_pick(struct burst *b, struct blind *blind, struct sw_frame *frames, unsigned n)
{
	struct syn_batch acks[2];
	uint8_t kind[SW_BURST_MAX];
	unsigned at[2] = {0}, left = 0;

	blind->n = 0;
	sort_burst(acks, kind, frames, n, &ack, NULL);
	for (unsigned v6 = 0; v6 < 2; v6++)
		if (acks[v6].n != 0)
			judge(b, &acks[v6]);
	for (unsigned i = 0; i < n; i++) {
		const unsigned k = kind[i];
		const unsigned lane = k != SORT_NONE ? at[k]++ : 0;

		if (k != SORT_NONE && (acks[k].fit >> lane & 1))
			keep(blind, &acks[k], lane, &frames[i]);
		else
			frames[left++] = frames[i];
	}
	return left;
}

unsigned
blind_look_again(struct burst *b, struct blind *blind, struct sw_frame *rest)
{
	const struct sw_flow_ground *g = sw_flow_ground(b->e->flows);
	unsigned n_rest = 0, left = 0;

	for (unsigned i = 0; i < blind->n; i++) {
		if (sw_flow_place_match(g, &blind->place[i]) != 0) {
			rest[n_rest++] = blind->f[i];
			continue;
		}
		blind->service[left] = blind->service[i];
		blind->f[left++] = blind->f[i];
	}
	blind->n = left;
	return n_rest;
}

void
blind_drop(struct burst *b, const struct blind *blind)
{
	struct sw_out *out = b->out;
	unsigned run = 0;

	SW_ASSERT(out->n_free + blind->n <= SW_OUT_MAX);
	for (unsigned i = 0; i < blind->n; i++) {
		out->free[out->n_free + i] = blind->f[i].handle;
		run++;
		if (i + 1 == blind->n || blind->service[i + 1] != blind->service[i]) {
			struct sw_service_stats *st = service_stats(b, blind->service[i]);

			service_count_add(&st->cookie_refused, run);
			service_count_add(&st->dropped, run);
			run = 0;
		}
	}
	out->n_free += blind->n;
	sw_count_add(&b->stats, SW_C_RX_OUTSIDE, blind->n);
	sw_count_add(&b->stats, SW_C_DROPPED, blind->n);
	sw_count_add(&b->stats, SW_C_DROP_BASE + SW_DROP_COOKIE_BAD, blind->n);
}
