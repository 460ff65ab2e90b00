/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verify.c - cookies of ACKs, for the whole burst and before anything of it is acted on: what right
 * ones need of memory comes while the other packets are acted on, not while they wait for it. Of
 * those that are put off, the cookies that were not are verified when their turn comes.
 */
#include "handshake/internal.h"

static struct sw_cookie_ack
cookie_ack(const struct item *it, uint32_t client_isn)
{
	return (struct sw_cookie_ack){
		.tuple = &it->p->tuple, .client_isn = client_isn, .isn = it->p->ack - 1};
}

/* With the cookie of the one before it: the first data behind a handshake ACK. */
static bool
same_ack(const struct item *it, const struct item *before)
{
	const struct sw_pkt *p = it->p, *q = before->p;

	return p->seq == q->seq && p->ack == q->ack && sw_tuple_equal(&p->tuple, &q->tuple);
}

/* Sends for the entry that its flow will take, and the bit that says whether it came before. */
static void
fetch_for(const struct burst *b, const struct item *it, const struct sw_cookie_state *s)
{
	if (it->f == NULL)
		sw_flow_fetch_free(b->e->flows, it->place);
	if (b->view->budget)
		budget_fetch(&b->e->budget[s->parity], s);
}

/*
 * The client's ISN is the number before the segment's own. ACKs of one client that come together
 * are one cookie, and have one number.
 */
static void
verify_by_seq(const struct burst *b, struct cookies *c, struct item *items[], unsigned n)
{
	struct sw_cookie_ack ack[SW_BURST_MAX];
	const struct item *first[SW_BURST_MAX];
	struct sw_cookie_state *state = &c->state[c->n];
	unsigned m = 0;

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct item *it = items[i];

		if (i == 0 || !same_ack(it, items[i - 1])) {
			ack[m] = cookie_ack(it, it->p->seq - 1);
			first[m++] = it;
		}
		it->cookie = (uint8_t)(c->n + m);
	}
	SW_ASSERT(c->n + m <= SW_BURST_MAX);
	sw_cookie_verify_burst(b->view->keys, ack, state, m);
	c->n += m;
	for (unsigned i = 0; i < m; i++)
		if (state[i].valid)
			fetch_for(b, first[i], &state[i]);
}

/* What client_without_flow() of act.c takes for an ACK that may bring a cookie back. */
static bool
is_ack_without_flow(const struct item *it)
{
	return it->f == NULL && it->p->f->side == SW_OUTSIDE &&
	       (it->p->tcp_flags & (SW_TCP_SYN | SW_TCP_RST)) == 0;
}

void
verify_ahead(const struct burst *b, struct cookies *c, struct item *items, unsigned n)
{
	struct item *acks[SW_BURST_MAX];
	unsigned n_acks = 0;

	for (unsigned i = 0; i < n; i++)
		if (is_ack_without_flow(&items[i]))
			acks[n_acks++] = &items[i];
	verify_by_seq(b, c, acks, n_acks);
}

/* A closing flow with a newer SYN on it. */
static bool
awaits_reopen(const struct sw_flow *f)
{
	return f != NULL && f->state != SW_FLOW_SYN_SENT && (f->flags & SW_FLOW_REOPEN);
}

/*
 * On a closing flow the client's ISN may also be that of the SYN that came last: a later segment of
 * the new connection is then known for one (later[i]) and not given to the old connection. Which
 * SYN was the true client's is not known, so both are tried.
 */
static void
verify_by_syn(const struct burst *b, const struct cookies *c, const struct item *items, unsigned n,
	bool *later)
{
	struct sw_cookie_ack ack[SW_BURST_MAX];
	struct sw_cookie_state again[SW_BURST_MAX];
	unsigned which[SW_BURST_MAX], n_acks = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct item *it = &items[i];

		later[i] = false;
		if (!c->state[it->cookie - 1].valid && awaits_reopen(it->f)) {
			which[n_acks] = i;
			ack[n_acks++] = cookie_ack(it, it->f->reopen_isn);
		}
	}
	if (n_acks == 0)
		return;
	sw_cookie_verify_burst(b->view->keys, ack, again, n_acks);
	for (unsigned i = 0; i < n_acks; i++)
		later[which[i]] = again[i].valid;
}

void
verify_acks(const struct burst *b, struct cookies *c, struct item *items, unsigned n, bool *later)
{
	struct item *rest[SW_BURST_MAX];
	unsigned n_rest = 0;

	for (unsigned i = 0; i < n; i++)
		if (items[i].cookie == 0)
			rest[n_rest++] = &items[i];
	verify_by_seq(b, c, rest, n_rest);
	verify_by_syn(b, c, items, n, later);
}
