/* SPDX-License-Identifier: BSD-3-Clause */
/* syn.c - plain SYNs are answered (syn.h): services, promises, counters, what comes out. */
#include "handshake/frame_vec.h"
#include "handshake/syn.h"

/* What the SYNs to one address and port are promised. */
struct target {
	union sw_addr server;
	rte_be16_t sport_be;
	uint16_t service; /* SW_POLICY_NO_SERVICE: not on this way */
	bool proxy;
	uint32_t promise, mss_opt, wscale_opt, window;
};

static void
target_find(struct burst *b, const struct sw_tuple *t, struct target *to)
{
	const struct sw_policy *policy = b->view->policy;
	const struct sw_service *svc;
	struct promise pr;

	*to = (struct target){.server = t->server, .sport_be = t->sport_be};
	sw_policy_lookup_burst(policy, &t, &to->service, 1);
	if (to->service == SW_POLICY_NO_SERVICE)
		return;
	svc = sw_policy_service(policy, to->service);
	to->proxy = svc->mode == SW_MODE_PROXY;
	if (!to->proxy && svc->mode != SW_MODE_RESPOND) {
		to->service = SW_POLICY_NO_SERVICE;
		return;
	}
	pr = promise(b, to->service, sw_tuple_is_v6(t));
	if (pr.mss == 0) /* no option: a shape that is not made here */
		to->service = SW_POLICY_NO_SERVICE;
	to->promise = (pr.wscale != SW_WSCALE_NONE ? SYN_PROMISE_WSCALE : 0) |
		      (pr.sack ? SYN_PROMISE_SACK : 0) | (pr.ts ? SYN_PROMISE_TS : 0) |
		      (pr.ecn ? SYN_PROMISE_ECN : 0);
	to->mss_opt = SW_OPT_WORD(SW_OPT_MSS, SW_OPT_MSS_LEN, pr.mss >> 8, pr.mss & 0xff);
	to->wscale_opt = SW_OPT_WORD(SW_OPT_NOP, SW_OPT_WSCALE, SW_OPT_WSCALE_LEN, pr.wscale);
	to->window = (uint32_t)rte_cpu_to_be_16(svc->window) << 16;
}

sw_always_inline bool
target_is(const struct target *to, const struct sw_tuple *t)
{
	return ((to->server.q[0] ^ t->server.q[0]) | (to->server.q[1] ^ t->server.q[1]) |
		       (uint64_t)(to->sport_be ^ t->sport_be)) == 0;
}

sw_always_inline void
promise_lane(struct syn_batch *s, unsigned i, const struct target *to)
{
	s->promise[i] = to->promise;
	s->mss_opt[i] = to->mss_opt;
	s->wscale_opt[i] = to->wscale_opt;
	s->window[i] = to->window;
}

/* All SYNs are to one port, as in most floods, and nothing is to be looked up for each. */
sw_always_inline bool
one_target(struct burst *b, struct syn_batch *s, struct target *to)
{
	target_find(b, &s->first, to);
	if (s->fit & ~s->like_first || sw_policy_lists_sources(b->view->policy) ||
		(to->proxy && b->e->recent_credit >= RECENT_CREDIT_ONE))
		return false;
	if (to->service == SW_POLICY_NO_SERVICE)
		s->fit = 0;
	promise_lane(s, 0, to);
	return true;
}

/*
 * Services and promises of all SYNs, one by one. Those that are to be remembered (recent.c) take
 * the general way.
 */
sw_always_inline void
each_target(struct burst *b, struct syn_batch *s, struct target *to)
{
	const bool sources = sw_policy_lists_sources(b->view->policy);
	uint64_t remember = b->e->recent_credit / RECENT_CREDIT_ONE;

	for (unsigned i = 0; i < s->n; i++) {
		struct sw_tuple t;
		bool fit;

		s->service[i] = to->service;
		if (!(s->fit >> i & 1))
			continue;
		syn_tuple(s, i, &t);
		if (sw_unlikely(!target_is(to, &t)))
			target_find(b, &t, to);
		fit = to->service != SW_POLICY_NO_SERVICE;
		if (sw_unlikely(sources))
			fit = fit && sw_policy_source(b->view->policy, &t) == SW_SOURCE_CHALLENGE;
		if (sw_unlikely(remember != 0 && fit && to->proxy)) {
			remember--;
			fit = false;
		}
		if (sw_unlikely(!fit))
			s->fit &= ~(1ull << i);
		s->service[i] = to->service;
		promise_lane(s, i, to);
	}
}

static void
count_service(struct burst *b, uint16_t service, unsigned n)
{
	struct sw_service_stats *st = service_stats(b, service);

	service_count_add(&st->syn_received, n);
	service_count_add(&st->synack_sent, n);
}

static void
count_made(struct burst *b, unsigned n)
{
	sw_count_add(&b->stats, SW_C_RX_OUTSIDE, n);
	sw_count_add(&b->stats, SW_C_SYN_RECEIVED, n);
	sw_count_add(&b->stats, SW_C_SYNACK_SENT, n);
	sw_count_add(&b->stats, SW_C_TX_OUTSIDE, n);
	count_issued(b, n);
}

/* Hands out the SYN-ACKs that were made; SYNs that are not fit after all go to rest[]. */
sw_always_inline unsigned
send_synacks(struct burst *b, const struct syn_batch *s, uint16_t service, struct sw_frame *rest)
{
	struct sw_out *out = b->out;
	struct sw_frame *tx = &out->tx[SW_OUTSIDE][out->n_tx[SW_OUTSIDE]];
	unsigned n_rest = 0, made = 0, counted = 0;

	SW_ASSERT(out->n_tx[SW_OUTSIDE] + s->n <= SW_OUT_MAX);
	/* All of them, to one service: nothing is to be asked for each. */
	if (sw_likely(s->one_target && s->fit == UINT64_MAX >> (SW_BURST_MAX - s->n)))
		for (; made < s->n; made++)
			frame_copy_grown(&tx[made], s->f[made], s->growth[made]);
	for (unsigned i = made; i < s->n; i++) {
		if (sw_unlikely(!(s->fit >> i & 1))) {
			if (!(s->gone >> i & 1))
				rest[n_rest++] = *s->f[i];
			continue;
		}
		if (sw_unlikely(!s->one_target && s->service[i] != service)) {
			if (made != counted) /* else it may be none at all */
				count_service(b, service, made - counted);
			counted = made;
			service = s->service[i];
		}
		frame_copy_grown(&tx[made++], s->f[i], s->growth[i]);
	}
	if (made != 0) {
		count_service(b, service, made - counted);
		count_made(b, made);
		out->n_tx[SW_OUTSIDE] += made;
	}
	return n_rest;
}

static unsigned
answer_family(struct burst *b, struct syn_batch *s, bool flows_made, struct sw_frame *rest)
{
	const struct sw_keys *keys = b->view->keys;
	const struct syn_keys sign = {
		.slot = &keys->slot[keys->parity],
		.parity = keys->parity,
		.clock = sw_cookie_clock(b->now_s),
	};
	struct target to;

	if (flows_made) { /* tags are looked at again, whatever the buckets held before */
		s->maybe = s->fit;
		syn_absent(s);
	}
	s->one_target = one_target(b, s, &to);
	if (!s->one_target)
		each_target(b, s, &to);
	syn_write(s, &sign);
	return send_synacks(b, s, to.service, rest);
}

unsigned
syn_answer(struct burst *b, struct syn_batch syns[2], bool flows_made, struct sw_frame *rest)
{
	unsigned n_rest = 0;

	for (unsigned v6 = 0; v6 < 2; v6++)
		if (syns[v6].fit != 0)
			n_rest += answer_family(b, &syns[v6], flows_made, rest + n_rest);
	return n_rest;
}
