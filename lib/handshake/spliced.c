/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spliced.c - packets of connections that are open or closing: move the state, translate, pass on.
 *
 * The ends judge; the state only says how long the entry is kept (splice/state.h).
 */
#include "handshake/internal.h"

static void
step(struct burst *b, struct sw_flow *f, enum sw_flow_event ev)
{
	f->state = sw_flow_next_state[f->state][ev];
	touch(b, f);
}

/*
 * What a client's segment does to the state.
 * Its FIN and RST count where they are near (not blind guesses) and whole.
 */
static void
client_event(struct burst *b, const struct item *it)
{
	const struct sw_pkt *p = it->p;

	if (sw_likely(!(p->tcp_flags & (SW_TCP_FIN | SW_TCP_RST | SW_TCP_SYN)))) {
		step(b, it->f, SW_EV_CLIENT_SEGMENT);
		return;
	}
	/* A FIN stands behind the segment's data, an RST at its start. */
	uint32_t at = p->tcp_flags & SW_TCP_RST ? p->seq : p->seq + p->pay_len;

	if ((p->tcp_flags & SW_TCP_SYN) || !sw_flow_client_seq_near(it->f, at) ||
		!sw_pkt_tcp_csum_ok(p))
		return;
	step(b, it->f, p->tcp_flags & SW_TCP_RST ? SW_EV_CLIENT_RST : SW_EV_CLIENT_FIN);
	/*
	 * Near, but not exactly what the server waits for: perhaps behind data in flight, perhaps a
	 * lucky guess. The entry then stays as long as it would after a FIN.
	 */
	if ((p->tcp_flags & SW_TCP_RST) && at != it->f->aux)
		it->f->deadline_ms = b->now_ms + b->view->timeouts.state_ms[SW_FLOW_FIN_CLIENT];
}

void
spliced_client(struct burst *b, const struct item *it)
{
	if (!sw_splice_to_server(it->f, it->p)) {
		drop_item(b, it, SW_DROP_TCP_OPTIONS);
		return;
	}
	client_event(b, it);
	if (it->p->tcp_flags & SW_TCP_SYN)
		sw_count(&b->stats, SW_C_LIVE_SYN_PASSED);
	sw_count(&b->stats, SW_C_SPLICED_TO_SERVER);
	send(b, it->p->f, SW_INSIDE);
}

static void
answer_server(
	struct burst *b, const struct item *it, const struct sw_segment *tmpl, enum sw_counter why)
{
	struct sw_segment s = *tmpl;

	s.l2 = it->p->f->data;
	s.l2_len = (uint8_t)it->p->l3_off;
	s.swap_l2 = true;
	s.tuple = &it->p->tuple;
	if (build_and_send(b, it->p->f, &s, SW_INSIDE))
		sw_count(&b->stats, why);
}

/* Our ACK was lost, as far as can be seen: nothing of the client has been acknowledged since. */
static bool
wants_ack_again(const struct sw_flow *f, const struct sw_pkt *p)
{
	return p->ack == f->aux && (f->state == SW_FLOW_OPEN || f->state == SW_FLOW_FIN_CLIENT);
}

static void
ack_server_again(struct burst *b, const struct item *it, const struct sw_tcp_opts *o)
{
	struct sw_segment s = {
		.tcp_flags = SW_TCP_ACK,
		.window = it->f->window,
		.seq = it->p->ack,
		.ack = it->p->seq + 1,
		.opts = {.wscale = SW_WSCALE_NONE,
			.ts = it->f->flags & SW_FLOW_TS,
			.tsval = o->tsecr,
			.tsecr = o->tsval},
	};

	answer_server(b, it, &s, SW_C_SERVER_ACK_SENT);
}

/*
 * A SYN-ACK on a flow that is past it. With the ISN that we know it is a repetition. With another
 * one the server has opened the tuple anew, for a client's SYN that was passed on to it or for a
 * late copy of ours: that is ended, and the tuple given free, so that the client's next SYN gets a
 * cookie.
 */
static void
server_synack_again(struct burst *b, const struct item *it)
{
	struct sw_flow *f = it->f;
	struct sw_segment rst = {
		.tcp_flags = SW_TCP_RST,
		.seq = it->p->ack,
		.opts = {.wscale = SW_WSCALE_NONE},
	};
	struct sw_tcp_opts o;

	/* A flow that is about to be taken over has no place for the ISN any more. */
	if ((f->flags & SW_FLOW_REOPEN) || !sw_pkt_tcp_csum_ok(it->p) ||
		sw_opts_read(it->p, &o) != 0) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
	} else if ((uint16_t)it->p->seq != f->server_isn) {
		answer_server(b, it, &rst, SW_C_SERVER_RST_SENT);
		step(b, f, SW_EV_SERVER_RST);
	} else if (wants_ack_again(f, it->p)) {
		ack_server_again(b, it, &o);
	} else {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
	}
}

static void
server_event(struct burst *b, const struct item *it)
{
	const struct sw_pkt *p = it->p;
	enum sw_flow_event ev = SW_EV_SERVER_SEGMENT;

	if (sw_unlikely(p->tcp_flags & (SW_TCP_FIN | SW_TCP_RST))) {
		if (!sw_pkt_tcp_csum_ok(p))
			return;
		ev = p->tcp_flags & SW_TCP_RST ? SW_EV_SERVER_RST : SW_EV_SERVER_FIN;
	}
	/*
	 * What the server has acknowledged is where the client's FIN or RST may be. The last word
	 * counts, not the highest: a corrupted number is mended by the next segment.
	 */
	if ((p->tcp_flags & (SW_TCP_ACK | SW_TCP_RST)) == SW_TCP_ACK)
		it->f->aux = p->ack;
	step(b, it->f, ev);
}

void
spliced_server(struct burst *b, const struct item *it)
{
	uint8_t flags = it->p->tcp_flags;

	if (sw_unlikely(flags & SW_TCP_SYN)) {
		if (flags & SW_TCP_ACK)
			server_synack_again(b, it);
		else
			drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
		return;
	}
	server_event(b, it);
	if (!sw_splice_to_client(it->f, it->p)) {
		drop_item(b, it, SW_DROP_TCP_OPTIONS);
		return;
	}
	sw_count(&b->stats, SW_C_SPLICED_TO_CLIENT);
	send(b, it->p->f, SW_OUTSIDE);
}
