/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.c - the SYNs of a burst become SYN-ACKs, each in its own buffer. Nothing is kept.
 *
 * The cheap checks come first: a source that no answer can reach, a wrong checksum, an option list
 * that overruns. Then one call makes the cookies of all that are left.
 */
#include "handshake/internal.h"

/*
 * Addresses that a SYN cannot honestly come from: an answer would go to many, to nobody, or back.
 */
static bool
source_is_bad(const struct sw_pkt *p)
{
	const struct sw_tuple *t = &p->tuple;

	if (p->f->data[0] & 1) /* sent to a group of stations */
		return true;
	if (memcmp(&t->client, &t->server, sizeof(t->client)) == 0)
		return true;
	if (sw_tuple_is_v6(t))
		return t->client.b[0] == 0xff || (t->client.q[0] == 0 && t->client.w_be[2] == 0 &&
							 rte_be_to_cpu_32(t->client.w_be[3]) <= 1);
	return t->client.b[12] == 0 || t->client.b[12] == 127 || t->client.b[12] >= 224;
}

/* What we offer the client: its own offer, cut down to what the server takes. */
static struct sw_cookie_in
cookie_in(const struct sw_pkt *p, const struct sw_tcp_opts *o, const struct promise *s)
{
	bool ts = o->ts && s->ts;
	bool ecn = (p->tcp_flags & (SW_TCP_ECE | SW_TCP_CWR)) == (SW_TCP_ECE | SW_TCP_CWR);

	return (struct sw_cookie_in){
		.tuple = &p->tuple,
		.client_isn = p->seq,
		.mss = o->mss,
		.wscale = s->wscale == SW_WSCALE_NONE ? SW_WSCALE_NONE : o->wscale,
		.sack = o->sack_perm && s->sack,
		.ts = ts,
		.ecn = ecn && s->ecn && ts,
	};
}

/* What the SYN-ACK says beside the cookie. */
struct offer {
	uint32_t client_tsval;
	uint16_t mss;
	uint8_t wscale;
};

static void
send_synack(struct burst *b, const struct item *it, const struct sw_cookie_in *in,
	const struct sw_cookie_out *c, const struct offer *of)
{
	const struct sw_service *svc = sw_policy_service(b->view->policy, it->service);
	struct sw_frame *f = it->p->f;
	struct sw_segment s = {
		.l2 = f->data,
		.l2_len = (uint8_t)it->p->l3_off,
		.swap_l2 = true,
		.to_client = true,
		.tcp_flags = SW_TCP_SYN | SW_TCP_ACK | (in->ecn ? SW_TCP_ECE : 0),
		.window = svc->window,
		.seq = c->isn,
		.ack = in->client_isn + 1,
		.tuple = &it->p->tuple,
		.opts =
			{
				.mss = of->mss,
				.wscale =
					in->wscale == SW_WSCALE_NONE ? SW_WSCALE_NONE : of->wscale,
				.sack_perm = in->sack,
				.ts = in->ts,
				.tsval = c->tsval,
				.tsecr = of->client_tsval,
			},
	};

	if (svc->mode == SW_MODE_PROXY)
		recent_add(b, &s);
	if (!build_and_send(b, f, &s, SW_OUTSIDE))
		return;
	sw_count(&b->stats, SW_C_SYNACK_SENT);
	service_count(&service_stats(b, it->service)->synack_sent);
}

void
count_issued(struct burst *b, unsigned n)
{
	unsigned parity = b->view->keys->parity;
	struct budget *bu = &b->e->budget[parity];

	if (sw_unlikely(bu->epoch != b->view->keys->slot[parity].epoch))
		budget_reset(bu, b->view->keys->slot[parity].epoch);
	bu->issued += n;
}

/*
 * A late copy of the SYN that this flow was made of: it lies before what the server has
 * acknowledged, and gives the same cookie again (by its low half, all that the flow still knows). A
 * new SYN passes for one with 2^-16, and only if its ISN goes back, which ISNs of one tuple should
 * not (RFC 6528).
 */
static bool
is_own_syn(const struct sw_flow *f, uint32_t client_isn, uint32_t isn)
{
	return (uint16_t)(isn - f->delta) == f->server_isn && sw_seq_before(client_isn, f->aux);
}

/*
 * The cookie that is sent now may come back and take this flow over. Not where the flow has been
 * opened in this very burst, and not for its own SYN: every segment of a client that has heard
 * nothing yet would carry that cookie.
 */
static void
mark_reopen(struct burst *b, struct sw_flow *f, uint32_t client_isn, uint32_t isn)
{
	bool marked = f->flags & SW_FLOW_REOPEN;

	if (f->state == SW_FLOW_SYN_SENT) {
		f->flags |= SW_FLOW_REOPEN;
		flow_pending(b->e, f)->reopen_isn = client_isn;
		return;
	}
	if (!marked && (!sw_flow_reusable(f) || is_own_syn(f, client_isn, isn)))
		return;
	f->flags |= SW_FLOW_REOPEN;
	f->reopen_isn = client_isn;
}

void
answer_syns(struct burst *b, const struct item *items, unsigned n)
{
	struct sw_cookie_in in[SW_BURST_MAX];
	struct sw_cookie_out cookie[SW_BURST_MAX];
	const struct item *good[SW_BURST_MAX];
	struct offer offer[SW_BURST_MAX];
	unsigned n_good = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct item *it = &items[i];
		struct sw_tcp_opts o;

		sw_count(&b->stats, SW_C_SYN_RECEIVED);
		service_count(&service_stats(b, it->service)->syn_received);
		if (source_is_bad(it->p)) {
			drop_item(b, it, SW_DROP_BAD_SOURCE);
		} else if (!sw_pkt_tcp_csum_ok(it->p)) {
			drop_item(b, it, SW_DROP_TCP_CHECKSUM);
		} else if (sw_opts_read(it->p, &o) != 0) {
			drop_item(b, it, SW_DROP_TCP_OPTIONS);
		} else {
			struct promise pr = promise(b, it->service, sw_tuple_is_v6(&it->p->tuple));

			in[n_good] = cookie_in(it->p, &o, &pr);
			offer[n_good] = (struct offer){o.tsval, pr.mss, pr.wscale};
			good[n_good++] = it;
		}
	}
	if (n_good == 0)
		return;
	sw_cookie_issue_burst(b->view->keys, b->now_s, in, cookie, n_good);
	for (unsigned i = 0; i < n_good; i++) {
		if (good[i]->f != NULL)
			mark_reopen(b, good[i]->f, in[i].client_isn, cookie[i].isn);
		send_synack(b, good[i], &in[i], &cookie[i], &offer[i]);
	}
	count_issued(b, n_good);
}
