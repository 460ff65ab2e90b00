/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * learn.c - what the servers of a service offer by their SYN-ACKs, and so what clients are
 * promised.
 *
 * A client is answered before its server is asked. What it is told (MSS, window scale, SACK,
 * timestamps, ECN) is what the servers said before; where the server of its connection says
 * otherwise, that connection is repaired (splice/repair.h) and the next ones are told the truth.
 *
 *   MSS            the smallest of this period and the one before, several servers may stand behind
 *                  one service; never below 1220 or the start: what a server says may depend on
 *                  the client, who could lower it for all others. What is smaller is cut to size
 *   window scale   the last one seen; fixed for a key epoch, since the cookie does not carry it and
 *                  whoever accepts it must know what was said
 *   SACK, timestamps, ECN, and whether windows are scaled at all: had or lacked, by the last server
 *                  that was offered it. SACK and scaling are only taken for lacked where
 *                  timestamps were offered too: a server that answers with SYN cookies leaves out
 *                  both for a client without timestamps, and only for that one. What is lacked is
 *                  not promised, so nobody learns when that changes: after a wait, which doubles
 *                  each time that it was in vain, clients are promised it again until one server
 *                  has answered
 *
 * A server's answer tells only of what our SYN offered. Each engine learns for itself, a service of
 * both families twice. Bounded: one cache line for each service and family.
 */
#include "handshake/internal.h"

#define MSS_PERIOD_S 64
#define MSS_FLOOR    1220

/* So many servers in a row took our SYN only when it was repeated without ECN. */
#define ECN_SUSPECT 3

/* A server that does not say takes this (RFC 9293, 3.7.1). */
#define MSS4_UNSAID 536
#define MSS6_UNSAID 1220

static struct learned *
learned_of(struct burst *b, uint16_t service, bool v6)
{
	return &b->e->learned[service][v6];
}

void
learn_begin(struct burst *b)
{
	struct sw_engine *e = b->e;

	/* Another configuration may have other services under the same numbers. */
	if (sw_likely(e->learned_for == b->view->policy))
		return;
	memset(e->learned, 0, sizeof(e->learned));
	e->learned_for = b->view->policy;
}

/* The option is to be promised: the servers have it, or it is time to see. */
static bool
worth_promising(const struct learned *l, enum learn_option o, uint32_t now_s)
{
	return l->wait_s[o] == 0 || !sw_seq_before(now_s, l->retry_s[o]);
}

static uint8_t
wscale_now(const struct burst *b, const struct sw_service *svc, const struct learned *l)
{
	/* Who shares our cookies has learned otherwise, and must know what we say. */
	return b->view->shared || !l->wscale_known ? svc->server.wscale : l->wscale;
}

/* What was said with this epoch's key; begun anew when the epoch turns. */
static struct promised *
promised_now(struct burst *b, const struct sw_service *svc, struct learned *l)
{
	unsigned parity = b->view->keys->parity;
	uint32_t epoch = (uint32_t)b->view->keys->slot[parity].epoch;
	struct promised *s = &l->slot[parity];

	if (sw_unlikely(s->mss == 0 || s->epoch != epoch))
		*s = (struct promised){.epoch = epoch, .wscale = wscale_now(b, svc, l)};
	return s;
}

struct promise
promise(struct burst *b, uint16_t service, bool v6)
{
	const struct sw_service *svc = sw_policy_service(b->view->policy, service);
	const struct sw_server_opts *start = &svc->server;
	struct promise p = {
		.mss = v6 ? start->mss6 : start->mss4,
		.wscale = start->wscale,
		.sack = start->sack,
		.ts = start->ts,
		.ecn = start->ecn,
	};

	if (!svc->learn)
		return p;
	struct learned *l = learned_of(b, service, v6);
	struct promised *said = promised_now(b, svc, l);
	uint32_t now_s = (uint32_t)b->now_s;

	if (l->mss[0] != 0)
		p.mss = l->mss[0] < l->mss[1] ? l->mss[0] : l->mss[1];
	if (said->mss < p.mss)
		said->mss = p.mss;
	if (start->wscale != SW_WSCALE_NONE)
		p.wscale = worth_promising(l, LEARN_WSCALE, now_s) ? said->wscale : SW_WSCALE_NONE;
	p.sack = p.sack && worth_promising(l, LEARN_SACK, now_s);
	p.ts = p.ts && worth_promising(l, LEARN_TS, now_s);
	p.ecn = p.ecn && worth_promising(l, LEARN_ECN, now_s);
	return p;
}

struct promised
promised_with(struct burst *b, const struct item *it, const struct sw_cookie_state *c)
{
	const struct sw_service *svc = sw_policy_service(b->view->policy, it->service);
	bool v6 = sw_tuple_is_v6(&it->p->tuple);
	const struct promised *s = &learned_of(b, it->service, v6)->slot[c->parity];
	struct promised start = {
		.mss = v6 ? svc->server.mss6 : svc->server.mss4, .wscale = svc->server.wscale};

	if (!svc->learn || s->mss == 0 || s->epoch != (uint32_t)c->epoch)
		return start;
	/* Perhaps said by another front end, who has heard the same servers. */
	if (b->view->shared && s->mss < start.mss)
		return start;
	return *s;
}

static void
learn_mss(struct learned *l, uint16_t mss, uint16_t floor, uint32_t now_s)
{
	uint32_t period = now_s / MSS_PERIOD_S;

	if (mss < floor)
		mss = floor;

	if (l->mss[0] != 0 && period == l->mss_period) {
		if (mss < l->mss[0])
			l->mss[0] = mss;
		return;
	}
	l->mss[1] = l->mss[0] != 0 && period == l->mss_period + 1 ? l->mss[0] : mss;
	l->mss[0] = mss;
	l->mss_period = period;
}

/* The server was offered the option, and has it or not. */
static void
learn_option(struct burst *b, struct learned *l, enum learn_option o, bool has)
{
	uint32_t now_s = (uint32_t)b->now_s;

	if (has != (l->wait_s[o] == 0))
		sw_count(&b->stats, SW_C_LEARNED);
	if (has) {
		l->wait_s[o] = 0;
	} else if (l->wait_s[o] == 0) {
		l->wait_s[o] = RELEARN_MIN_S;
		l->retry_s[o] = now_s + RELEARN_MIN_S;
	} else if (!sw_seq_before(now_s, l->retry_s[o])) {
		l->wait_s[o] = l->wait_s[o] > RELEARN_MAX_S / 2 ? RELEARN_MAX_S : 2 * l->wait_s[o];
		l->retry_s[o] = now_s + l->wait_s[o];
	}
}

uint16_t
server_mss(const struct sw_tcp_opts *o, bool v6)
{
	return o->mss != 0 ? o->mss : v6 ? MSS6_UNSAID : MSS4_UNSAID;
}

static void
learn_ecn(struct burst *b, struct learned *l, const struct pending *pe, const struct sw_pkt *synack)
{
	if (!pe->ecn)
		return;
	if (offers_ecn(pe)) {
		l->ecn_suspect = 0;
		learn_option(b, l, LEARN_ECN, takes_ecn(synack));
	} else if (++l->ecn_suspect >= ECN_SUSPECT) {
		l->ecn_suspect = 0;
		learn_option(b, l, LEARN_ECN, false);
	}
}

void
learn(struct burst *b, const struct pending *pe, const struct item *synack,
	const struct sw_tcp_opts *o)
{
	const struct sw_service *svc = sw_policy_service(b->view->policy, pe->service);
	bool v6 = sw_tuple_is_v6(&synack->p->tuple);
	uint16_t start = v6 ? svc->server.mss6 : svc->server.mss4;
	struct learned *l = learned_of(b, pe->service, v6);
	const struct sw_tcp_opts *asked = &pe->syn_opts;
	bool scales = o->wscale != SW_WSCALE_NONE;

	if (!svc->learn)
		return;
	/* The same MSS back: it may be no more than an echo of ours. */
	if (server_mss(o, v6) != asked->mss || asked->mss >= start)
		learn_mss(l, server_mss(o, v6), start < MSS_FLOOR ? start : MSS_FLOOR,
			(uint32_t)b->now_s);
	if (asked->wscale != SW_WSCALE_NONE && scales) {
		l->wscale = o->wscale;
		l->wscale_known = true;
	}
	if (asked->wscale != SW_WSCALE_NONE && (scales || pe->ts))
		learn_option(b, l, LEARN_WSCALE, scales);
	if (asked->sack_perm && (o->sack_perm || pe->ts))
		learn_option(b, l, LEARN_SACK, o->sack_perm);
	if (asked->ts)
		learn_option(b, l, LEARN_TS, o->ts);
	learn_ecn(b, l, pe, synack->p);
}
