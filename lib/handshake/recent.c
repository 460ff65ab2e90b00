/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recent.c - a small memory of SYN-ACKs, so that they can be sent again.
 *
 * A cookie needs no state, but where the client's ACK is lost and the server is to speak first,
 * nobody would say anything more: the client has its SYN-ACK and waits. A TCP that keeps state
 * repeats the SYN-ACK, and the client answers with another ACK. So does this, as long as there are
 * not many: it remembers at most max_recent SYN-ACKs, and at most as many in a second. In a flood
 * it is used up and costs one comparison for each SYN. It decides nothing: whether an ACK is
 * accepted is told by its cookie alone.
 *
 * One table, two places for each SYN by the keyed hash of its tuple; a later one that finds both
 * taken takes the first. It is looked through once in SWEEP_MS. A SYN-ACK is sent again after 1, 3
 * and 7 s, until its ACK or an exact RST comes: a host that never sent the SYN says so.
 *
 * A byte for each place, beside the table, says whether it is taken: where there are many ACKs few
 * of their SYN-ACKs are remembered, and for the others no line of the table need come from memory.
 */
#include "handshake/internal.h"

#define SWEEP_MS     100
#define RECENT_TRIES 3

static void
places_of(const struct sw_engine *e, const struct sw_tuple *t, uint32_t place[2])
{
	const uint64_t h = sw_tuple_hash(t, e->params.hash_key);

	/* By the high bits of each half: the low ones are not even. */
	place[0] = (uint32_t)((h >> 32) * e->recent_size >> 32);
	place[1] = (uint32_t)((h & UINT32_MAX) * e->recent_size >> 32);
}

/* That place in which this tuple is remembered, or NONE. */
static uint32_t
known(const struct sw_engine *e, const uint32_t place[2], const struct sw_tuple *t)
{
	for (unsigned i = 0; i < 2; i++)
		if (e->recent_tries[place[i]] != 0 && sw_tuple_equal(&e->recent[place[i]].tuple, t))
			return place[i];
	return NONE;
}

/* The place of what is remembered of this tuple, or NONE. */
static uint32_t
find(const struct sw_engine *e, const struct sw_tuple *t)
{
	uint32_t place[2];

	if (e->recent_count == 0)
		return NONE;
	places_of(e, t, place);
	return known(e, place, t);
}

/* Where it is to be remembered. */
static uint32_t
choose(const struct sw_engine *e, const struct sw_tuple *t)
{
	const uint8_t *tries = e->recent_tries;
	uint32_t place[2], at;

	places_of(e, t, place);
	at = known(e, place, t);
	if (at != NONE)
		return at;
	return tries[place[0]] != 0 && tries[place[1]] == 0 ? place[1] : place[0];
}

static void
forget(struct sw_engine *e, uint32_t at)
{
	e->recent_tries[at] = 0;
	e->recent_count--;
}

uint32_t
recent_size(uint32_t max_recent)
{
	uint32_t n = 1;

	while (n < max_recent)
		n <<= 1;
	return max_recent == 0 ? 0 : n;
}

void
recent_add(struct burst *b, const struct sw_segment *s)
{
	struct sw_engine *e = b->e;

	if (sw_likely(e->recent_credit < RECENT_CREDIT_ONE))
		return;
	const uint32_t at = choose(e, s->tuple);
	struct recent *r = &e->recent[at];

	e->recent_credit -= RECENT_CREDIT_ONE;
	if (e->recent_tries[at] == 0)
		e->recent_count++;
	e->recent_tries[at] = RECENT_TRIES;
	*r = (struct recent){
		.tuple = *s->tuple,
		.due_ms = b->now_ms + 1000,
		.isn = s->seq,
		.ack = s->ack,
		.opts = s->opts,
		.window = s->window,
		.tcp_flags = s->tcp_flags,
		.l2_len = s->l2_len,
	};
	memcpy(r->l2, s->l2, sizeof(r->l2));
}

void
recent_forget(struct burst *b, const struct sw_tuple *t)
{
	const uint32_t at = find(b->e, t);

	if (at != NONE)
		forget(b->e, at);
}

void
recent_reset(struct burst *b, const struct sw_pkt *p)
{
	const uint32_t at = find(b->e, &p->tuple);

	/* As RFC 9293, 3.5.2 has it of a host that knows no such connection. */
	if (at != NONE && p->seq == b->e->recent[at].ack)
		forget(b->e, at);
}

/*
 * False where it has to wait for a buffer. One that is too small is what all of them are: given up.
 */
static bool
send_again(struct burst *b, uint32_t at)
{
	struct recent *r = &b->e->recent[at];
	uint8_t *tries = &b->e->recent_tries[at];
	struct sw_segment s = {
		.l2 = r->l2,
		.l2_len = r->l2_len,
		.swap_l2 = true,
		.to_client = true,
		.tcp_flags = r->tcp_flags,
		.window = r->window,
		.seq = r->isn,
		.ack = r->ack,
		.tuple = &r->tuple,
		.opts = r->opts,
	};

	if (b->out->n_spare == 0)
		return false;
	if (!make_and_send(b, &s, SW_OUTSIDE)) {
		forget(b->e, at);
		return true;
	}
	sw_count(&b->stats, SW_C_SYNACK_RETRANSMITTED);
	--*tries;
	r->due_ms = b->now_ms + (1000u << (RECENT_TRIES - *tries));
	if (*tries == 0)
		b->e->recent_count--;
	return true;
}

void
recent_tick(struct burst *b, uint64_t elapsed_ms)
{
	struct sw_engine *e = b->e;
	uint64_t n = e->recent_size * elapsed_ms / SWEEP_MS + 1;
	uint64_t full = (uint64_t)e->params.max_recent * RECENT_CREDIT_ONE;

	if (e->recent_size == 0)
		return;
	e->recent_credit += e->params.max_recent * elapsed_ms;
	if (e->recent_credit > full)
		e->recent_credit = full;
	if (n > e->recent_size)
		n = e->recent_size;
	for (; n > 0 && e->recent_count > 0; n--) {
		const uint32_t at = e->recent_at;

		if (e->recent_tries[at] != 0 && !sw_seq_before(b->now_ms, e->recent[at].due_ms) &&
			!send_again(b, at))
			return;
		e->recent_at = (e->recent_at + 1) & (e->recent_size - 1);
	}
}
