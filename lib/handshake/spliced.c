/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spliced.c - packets of connections that are open or closing: move the state, translate, pass on.
 *
 * The ends judge; the state only says how long the entry is kept (splice/state.h).
 */
#include "handshake/internal.h"

/*
 * What a client's segment does to the state.
 * Its FIN and RST count where they are near (not blind guesses) and whole.
 */
static void
client_event(struct burst *b, const struct item *it)
{
	const struct sw_pkt *p = it->p;

	if (sw_likely(!(p->tcp_flags & (SW_TCP_FIN | SW_TCP_RST | SW_TCP_SYN)))) {
		flow_step(b, it->f, SW_EV_CLIENT_SEGMENT);
		return;
	}
	/* A FIN stands behind the segment's data, an RST at its start. */
	uint32_t at = p->tcp_flags & SW_TCP_RST ? p->seq : p->seq + p->pay_len;

	if ((p->tcp_flags & SW_TCP_SYN) || !sw_flow_client_seq_near(it->f, at) ||
		!sw_pkt_tcp_csum_ok(p))
		return;
	flow_step(b, it->f, p->tcp_flags & SW_TCP_RST ? SW_EV_CLIENT_RST : SW_EV_CLIENT_FIN);
	/*
	 * Near, but not exactly what the server waits for: perhaps behind data in flight, perhaps a
	 * lucky guess. The entry then stays as long as it would after a FIN.
	 */
	if ((p->tcp_flags & SW_TCP_RST) && at != it->f->aux)
		it->f->deadline_ms = b->now_ms + b->view->timeouts.state_ms[SW_FLOW_FIN_CLIENT];
}

/* False where the packet has been dropped. */
static inline bool
translate_to_server(struct burst *b, const struct item *it)
{
	enum sw_drop why = SW_DROP_NONE;

	if (sw_unlikely(it->f->flags & SW_FLOW_REPAIR))
		why = sw_repair_to_server(it->f, it->p);
	if (sw_likely(why == SW_DROP_NONE && sw_splice_to_server(it->f, it->p)))
		return true;
	drop_item(b, it, why == SW_DROP_NONE ? SW_DROP_TCP_OPTIONS : why);
	return false;
}

static inline bool
translate_to_client(struct burst *b, const struct item *it)
{
	enum sw_drop why = SW_DROP_NONE;

	if (sw_unlikely(it->f->flags & SW_FLOW_REPAIR))
		why = sw_repair_to_client(it->f, it->p, b->now_ms);
	if (sw_likely(why == SW_DROP_NONE && sw_splice_to_client(it->f, it->p)))
		return true;
	drop_item(b, it, why == SW_DROP_NONE ? SW_DROP_TCP_OPTIONS : why);
	return false;
}

/*
 * In pieces of at most limit bytes of options and payload. What cannot be cut (a packet in several
 * segments) goes as it is: it may get through, and nothing is lost by trying. Nor is it for want of
 * a buffer on the way to a client, whose link takes it mostly.
 */
static sw_noinline void
send_cut(struct burst *b, const struct item *it, enum sw_side to, unsigned limit)
{
	struct sw_pkt *p = it->p;
	unsigned n = p->kind == SW_PKT_TCP ? sw_split_count(p, limit) : 1;
	struct sw_out *out = b->out;

	if (n > 1 && !sw_pkt_tcp_csum_ok(p)) { /* the pieces would have a right one */
		drop_item(b, it, SW_DROP_TCP_CHECKSUM);
		return;
	}
	if (n > 1 && (n - 1 > out->n_spare ||
			     !sw_split(p, limit, &out->spare[out->n_spare - (n - 1)], n))) {
		if (to == SW_INSIDE) {
			drop_item(b, it, SW_DROP_NO_ROOM);
			return;
		}
		n = 1;
	}
	sw_count(&b->stats, to == SW_INSIDE ? SW_C_SPLICED_TO_SERVER : SW_C_SPLICED_TO_CLIENT);
	send(b, p->f, to);
	if (n <= 1)
		return;
	sw_count(&b->stats, SW_C_SEGMENT_CUT);
	out->n_spare -= n - 1;
	for (unsigned i = 0; i < n - 1; i++)
		send(b, &out->spare[out->n_spare + i], to);
	sw_count_add(&b->stats, SW_C_MADE, n - 1);
}

void
spliced_client(struct burst *b, const struct item *it)
{
	if (!translate_to_server(b, it))
		return;
	client_event(b, it);
	if ((it->p->tcp_flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN)
		sw_count(&b->stats, SW_C_LIVE_SYN_PASSED);
	/* The server takes less at a time than the client was told. */
	if (sw_unlikely(it->f->flags & SW_FLOW_MSS)) {
		send_cut(b, it, SW_INSIDE, sw_mss_of_units(it->f->mss_units));
		return;
	}
	sw_count(&b->stats, SW_C_SPLICED_TO_SERVER);
	send(b, it->p->f, SW_INSIDE);
}

void
spliced_fragment(struct burst *b, const struct item *it)
{
	bool from_client = it->p->f->side == SW_OUTSIDE;

	if (!(from_client ? translate_to_server(b, it) : translate_to_client(b, it)))
		return;
	flow_step(b, it->f, from_client ? SW_EV_CLIENT_SEGMENT : SW_EV_SERVER_SEGMENT);
	bridge(b, it->p->f, SW_C_FRAGMENT_PASSED);
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

/*
 * Our ACK was lost, or the held data that went in its place, as far as can be seen: nothing of the
 * client has been acknowledged since.
 */
static bool
wants_ack_again(const struct sw_flow *f, const struct sw_pkt *p)
{
	return p->ack == f->aux && f->state <= SW_FLOW_FIN_CLIENT;
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
 * one, on a live connection and acknowledging what the server waits for, it answers another copy of
 * our SYN (sent again, or without timestamps) and comes late: the server would take our RST for one
 * of this connection. Else the server has opened the tuple anew, for a client's SYN that was passed
 * on to it: that is ended, and the tuple given free, so that the client's next SYN gets a cookie.
 *
 * A marked flow knows neither the ISN nor the client's window any more. One that wants an ACK is
 * passed on: an open client acknowledges a SYN (RFC 5961, 4.2), and that reaches the server.
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
	bool known = (uint16_t)it->p->seq == f->server_isn;
	bool live = f->state <= SW_FLOW_OPEN;
	struct sw_tcp_opts o;

	if (!sw_pkt_tcp_csum_ok(it->p) || sw_opts_read(it->p, &o) != 0) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
	} else if (f->flags & SW_FLOW_REOPEN) {
		if (!wants_ack_again(f, it->p))
			drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
		else if (translate_to_client(b, it))
			bridge(b, it->p->f, SW_C_SPLICED_TO_CLIENT);
	} else if (!known && !(live && it->p->ack == f->aux)) {
		answer_server(b, it, &rst, SW_C_SERVER_RST_SENT);
		flow_step(b, f, SW_EV_SERVER_RST);
	} else if (known && wants_ack_again(f, it->p)) {
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
	flow_step(b, it->f, ev);
}

/* Longer than a SYN is repeated. */
#define SERVER_SYN_MS 60000

/*
 * Nothing of such a connection is translated; the entry is what lets the client's answer in. Where
 * the client has opened the same connection at the same time, its SYN has got a cookie, and that
 * may come back (SW_FLOW_REOPEN) before its SYN-ACK for the server's SYN does.
 */
void
open_from_server(struct burst *b, const struct item *it)
{
	struct sw_flow *f = it->f;

	if (sw_policy_service(b->view->policy, it->service)->mode != SW_MODE_PROXY) {
		drop_item(b, it, SW_DROP_SERVER_NO_FLOW);
		return;
	}
	/* Nobody would answer it, and its numbers may be any. */
	if (!sw_pkt_tcp_csum_ok(it->p)) {
		drop_item(b, it, SW_DROP_TCP_CHECKSUM);
		return;
	}
	if (f == NULL)
		f = sw_flow_insert_at(b->e->flows, it->place, &it->p->tuple);
	if (f == NULL) {
		drop_item(b, it, SW_DROP_TABLE_FULL);
		return;
	}
	if (it->f == NULL)
		sw_count(&b->stats, SW_C_FLOW_CREATED);
	b->stale = true;
	f->state = SW_FLOW_QUIET;
	f->flags = SW_FLOW_FROM_SERVER | SW_FLOW_REOPEN;
	f->delta = f->reopen_isn = 0;
	f->ts_delta = it->p->seq + 1; /* what the client's SYN-ACK has to acknowledge */
	f->wscale_server = f->wscale_promised = 0;
	f->aux = 0;
	f->deadline_ms = b->now_ms + SERVER_SYN_MS;
	sw_count(&b->stats, SW_C_FLOW_FROM_SERVER);
	bridge(b, it->p->f, SW_C_SPLICED_TO_CLIENT);
}

/*
 * The server's SYN again, or its part of opening at once. As long as the client has not answered
 * the server may have given up and begun anew: its latest number is the one that is answered.
 */
static void
own_syn_again(struct burst *b, const struct item *it)
{
	struct sw_flow *f = it->f;

	if (f->state != SW_FLOW_QUIET)
		return;
	f->deadline_ms = b->now_ms + SERVER_SYN_MS;
	if ((f->flags & SW_FLOW_REOPEN) && !(it->p->tcp_flags & SW_TCP_ACK) &&
		sw_pkt_tcp_csum_ok(it->p))
		f->ts_delta = it->p->seq + 1;
}

static void
server_syn(struct burst *b, const struct item *it)
{
	if (it->f->flags & SW_FLOW_FROM_SERVER) {
		own_syn_again(b, it);
		bridge(b, it->p->f, SW_C_SPLICED_TO_CLIENT);
	} else if (it->p->tcp_flags & SW_TCP_ACK) {
		server_synack_again(b, it);
	} else if (translate_to_client(b, it)) {
		/* It has forgotten the connection: the client's answer tells it. */
		bridge(b, it->p->f, SW_C_SPLICED_TO_CLIENT);
	}
}

void
spliced_server(struct burst *b, const struct item *it)
{
	if (sw_unlikely(it->p->tcp_flags & SW_TCP_SYN)) {
		server_syn(b, it);
		return;
	}
	server_event(b, it);
	if (!translate_to_client(b, it))
		return;
	if (sw_unlikely(sw_repair_outgrew(it->f, it->p))) {
		send_cut(b, it, SW_OUTSIDE, SW_MTU6_LEAST_BYTES - it->p->ip_hdr_len - SW_TCP_BYTES);
		return;
	}
	sw_count(&b->stats, SW_C_SPLICED_TO_CLIENT);
	send(b, it->p->f, SW_OUTSIDE);
}
