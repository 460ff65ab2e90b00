/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * halfopen.c - packets of connections whose client is proved and whose server has not answered.
 *
 * Towards the server the front end is a TCP in SYN-SENT (RFC 9293, 3.10.7.3); towards the client it
 * is a slow receiver: it takes data within the window that it advertised and acknowledges
 * none of it.
 */
#include "handshake/internal.h"

static uint16_t
window_field(const struct sw_pkt *p)
{
	rte_be16_t be;

	memcpy(&be, sw_pkt_tcp(p) + 14, sizeof(be));
	return rte_be_to_cpu_16(be);
}

/*
 * Rewrites the packet at hand as an RST to the server. It goes where our SYN went, as all that we
 * send there does: a server may answer from another station than the one that it listens on.
 */
static void
reset_server(struct burst *b, const struct item *it, const struct pending *pe, uint32_t seq)
{
	struct sw_segment s = {
		.l2 = pe->l2,
		.l2_len = pe->l2_len,
		.tcp_flags = SW_TCP_RST,
		.seq = seq,
		.tuple = &it->p->tuple,
		.opts = {.wscale = SW_WSCALE_NONE},
	};

	sw_count(&b->stats, SW_C_SERVER_RST_SENT);
	build_and_send(b, it->p->f, &s, SW_INSIDE);
}

static void
client_reset(struct burst *b, const struct item *it, struct pending *pe)
{
	/*
	 * Exactly where the client's next byte would be,
	 * else it may be a blind guess (RFC 5961, 3.2).
	 */
	if (it->p->seq != pe->client_isn + 1 && it->p->seq != pe->sent_seq) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
		return;
	}
	reset_server(b, it, pe, pe->client_isn + 1);
	pending_release(b, pe);
	remove_flow(b, it->f, SW_C_FLOW_RESET);
}

static void
client_segment(struct burst *b, const struct item *it, struct pending *pe)
{
	const struct sw_pkt *p = it->p;
	uint32_t first = pe->client_isn + 1;
	uint32_t end = p->seq + sw_pkt_seq_len(p);

	if (p->ack != pe->isn + 1) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
		return;
	}
	if (p->seq == pe->next_seq)
		pe->window = window_field(p);
	/* FIN included. */
	if (end - first <= pe->hold_bytes + 1u && sw_seq_before(pe->sent_seq, end))
		pe->sent_seq = end;
	if (end == p->seq || is_held(b->e, pe, p->seq, end)) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
		return;
	}
	/* FIN takes a number but no window. */
	if (p->seq - first > pe->hold_bytes || p->seq + p->pay_len - first > pe->hold_bytes ||
		!hold(b, pe, p))
		drop_item(b, it, SW_DROP_HOLD_FULL);
}

void
halfopen_client(struct burst *b, const struct item *it)
{
	struct pending *pe = flow_pending(b->e, it->f);

	if (!sw_pkt_tcp_csum_ok(it->p))
		drop_item(b, it, SW_DROP_TCP_CHECKSUM);
	else if (it->p->tcp_flags & SW_TCP_RST)
		client_reset(b, it, pe);
	else if (it->p->tcp_flags & SW_TCP_ACK)
		client_segment(b, it, pe);
	else
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
}

static uint8_t
mss_units(uint16_t mss)
{
	unsigned n = 1;

	while (n < UINT8_MAX && sw_mss_of_units((uint8_t)(n + 1)) <= mss)
		n++;
	return (uint8_t)n;
}

/* What this server has less than the client was promised: splice/repair.h. */
static uint8_t
shortfall(const struct pending *pe, const struct sw_tcp_opts *o, const struct sw_pkt *synack)
{
	const struct sw_tcp_opts *asked = &pe->syn_opts;
	bool v6 = sw_tuple_is_v6(&synack->tuple);
	unsigned flags = 0;

	if (pe->mss_promised > server_mss(o, v6))
		flags |= SW_FLOW_MSS;
	if (pe->ts && !(asked->ts && o->ts))
		flags |= SW_FLOW_TS_MADE;
	if (asked->sack_perm && !o->sack_perm)
		flags |= SW_FLOW_NO_SACK;
	if (asked->wscale != SW_WSCALE_NONE && o->wscale == SW_WSCALE_NONE)
		flags |= SW_FLOW_NO_WSCALE;
	if (pe->ecn && !takes_ecn(synack))
		flags |= SW_FLOW_NO_ECN;
	return (uint8_t)flags;
}

static void
flow_establish(struct burst *b, const struct item *it, const struct pending *pe,
	const struct sw_tcp_opts *o)
{
	const struct sw_tcp_opts *asked = &pe->syn_opts;
	bool scaled = asked->wscale != SW_WSCALE_NONE && o->wscale != SW_WSCALE_NONE;
	struct sw_flow *f = it->f;

	f->state = SW_FLOW_QUIET;
	/* A newer SYN may have come: its cookie may still come back. */
	f->flags = (f->flags & SW_FLOW_REOPEN) | shortfall(pe, o, it->p) |
		   (asked->ts && o->ts ? SW_FLOW_TS : 0);
	f->delta = pe->isn - it->p->seq;
	f->ts_delta = pe->tsval - (f->flags & SW_FLOW_TS_MADE ? b->now_ms : o->tsval);
	/* A scale that we did not offer is not in force (RFC 7323, 2.2). */
	f->wscale_server = scaled ? o->wscale & 0xf : 0;
	f->wscale_promised = pe->wscale_promised & 0xf;
	f->wscale_client = asked->wscale & 0xf;
	f->mss_units =
		f->flags & SW_FLOW_MSS ? mss_units(server_mss(o, sw_tuple_is_v6(&f->key))) : 0;
	if (f->flags & SW_FLOW_REOPEN) {
		f->reopen_isn = pe->reopen_isn;
	} else {
		f->server_isn = (uint16_t)it->p->seq;
		f->window = sw_repair_window(f, pe->window);
	}
	f->aux = pe->client_isn + 1;
	touch(b, f);
	if (f->flags & SW_FLOW_REPAIR)
		sw_count(&b->stats, SW_C_FLOW_REPAIRED);
	sw_count(&b->stats, SW_C_FLOW_ESTABLISHED);
	service_count(&service_stats(b, pe->service)->established);
}

/*
 * Tells the client the server's real window, in *f; NULL: in a second buffer, and where there is
 * none the first segment of the server does it.
 */
static void
open_client_window(
	struct burst *b, const struct item *it, const struct pending *pe, struct sw_frame *f)
{
	struct sw_segment s = {
		.l2 = it->p->f->data,
		.l2_len = (uint8_t)it->p->l3_off,
		.to_client = true,
		.tcp_flags = SW_TCP_ACK,
		.window = sw_splice_window(it->f, window_field(it->p), false),
		.seq = pe->isn + 1,
		.ack = pe->client_isn + 1,
		.tuple = &it->p->tuple,
		.opts = {.wscale = SW_WSCALE_NONE,
			.ts = pe->ts,
			.tsval = pe->tsval,
			.tsecr = pe->syn_opts.tsval},
	};

	if (f == NULL ? make_and_send(b, &s, SW_OUTSIDE) : build_and_send(b, f, &s, SW_OUTSIDE))
		sw_count(&b->stats, SW_C_CLIENT_OPENED);
}

/*
 * The timestamp is that of our SYN, however new the client's latest is: what is held is older than
 * that, and the server would take it for old duplicates (PAWS, RFC 7323, 5).
 */
static void
ack_server(struct burst *b, const struct item *it, const struct pending *pe,
	const struct sw_tcp_opts *o)
{
	struct sw_segment s = {
		.l2 = pe->l2,
		.l2_len = pe->l2_len,
		.tcp_flags = SW_TCP_ACK,
		.window = sw_repair_window(it->f, pe->window),
		.seq = pe->client_isn + 1,
		.ack = it->p->seq + 1,
		.tuple = &it->p->tuple,
		.opts = {.wscale = SW_WSCALE_NONE,
			.ts = it->f->flags & SW_FLOW_TS,
			.tsval = pe->syn_opts.tsval,
			.tsecr = o->tsval},
	};

	if (build_and_send(b, it->p->f, &s, SW_INSIDE))
		sw_count(&b->stats, SW_C_SERVER_ACK_SENT);
}

/*
 * True where what is held acknowledges the SYN-ACK as well as an ACK before it would: it begins
 * with the client's first byte and goes out as it is. Not where packets get lost, as far as our
 * SYN can tell: were this one lost too, server and client would wait for one timer each.
 */
static bool
held_acknowledges(const struct sw_engine *e, const struct sw_flow *f, const struct pending *pe)
{
	return pe->held_head != NONE && e->held[pe->held_head].seq == pe->client_isn + 1 &&
	       !(f->flags & SW_FLOW_REPAIR) && pe->stage == 0 && !pe->retried;
}

/*
 * True where the client need not be told of the server's window at once: there is no less of it
 * than was promised, and the client has sent at most half of that, so that it may send as much
 * again. The server's acknowledgement of what is held tells it. What came out of order counts, and
 * what found no place: of a window that the client has filled it waits for more.
 */
static bool
has_room(const struct pending *pe, const struct sw_pkt *synack)
{
	return pe->sent_seq - (pe->client_isn + 1) <= pe->hold_bytes / 2 &&
	       window_field(synack) >= pe->hold_bytes;
}

/* Held packets take the same path as all that follow them. */
static void
release_held(struct burst *b, struct sw_flow *f, struct pending *pe)
{
	struct sw_frame fr;

	while (unhold(b->e, pe, &fr)) {
		struct sw_pkt p;
		struct item it = {.p = &p, .f = f, .service = pe->service};

		sw_parse_burst(&fr, &p, 1); /* was parsed once: cannot be bad */
		sw_count(&b->stats, SW_C_HELD_RELEASED);
		spliced_client(b, &it);
	}
}

static void
send_syn_again(struct burst *b, const struct pending *pe)
{
	if (make_server_syn(b, pe))
		sw_count(&b->stats, SW_C_SERVER_SYN_RETRANSMITTED);
}

/*
 * The client uses timestamps and the server has none: they will have to be put into its segments,
 * which must be shorter by as much. It is asked anew, with a smaller MSS.
 */
static void
ask_without_timestamps(struct burst *b, const struct item *it, struct pending *pe)
{
	if (pe->syn_opts.ts && pe->syn_opts.mss > 2 * SW_OPT_TS_BYTES)
		pe->syn_opts.mss -= SW_OPT_TS_BYTES;
	pe->syn_opts.ts = false;
	pe->asked_anew++;
	pe->refused_isn = it->p->seq;
	pe->refused_stage = pe->stage;
	pe->refused_ms = b->now_ms;
	pe->refused_repeated = false;
	reset_server(b, it, pe, it->p->ack);
	send_syn_again(b, pe);
}

/* Then it is taken as it is: one that always has the same ISN, or our RST was lost each time. */
#define ASK_ANEW_MAX 3

/* Copies come together; a server repeats its SYN-ACK after a second, then two (RFC 6298). */
#define SYNACK_AGAIN_MS 500

/*
 * True where p is the SYN-ACK that was refused, again, and has been dealt with. Of those that the
 * server repeats by its timer the first may have been sent before our RST came: on a long way, or
 * by one that lags. A second RST would end the connection that our SYN has opened since. The next
 * one says that the RST was lost, and so does any one behind our own timer's SYN.
 */
static bool
refuse_again(struct burst *b, const struct item *it, struct pending *pe)
{
	const bool same_stage = pe->stage == pe->refused_stage;

	if (pe->asked_anew == 0 || it->p->seq != pe->refused_isn)
		return false;
	if (same_stage && b->now_ms - pe->refused_ms < SYNACK_AGAIN_MS) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY); /* a copy */
	} else if (same_stage && !pe->refused_repeated) {
		pe->refused_repeated = true;
		pe->refused_ms = b->now_ms;
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
	} else if (pe->asked_anew < ASK_ANEW_MAX) {
		ask_without_timestamps(b, it, pe);
	} else {
		return false;
	}
	return true;
}

static void
server_synack(struct burst *b, const struct item *it, struct pending *pe)
{
	struct sw_tcp_opts o;

	if (sw_opts_read(it->p, &o) != 0) {
		drop_item(b, it, SW_DROP_TCP_OPTIONS);
		return;
	}
	if (refuse_again(b, it, pe))
		return;
	learn(b, pe, it, &o);
	if (pe->syn_opts.ts && !o.ts) {
		ask_without_timestamps(b, it, pe);
		return;
	}
	flow_establish(b, it, pe, &o);
	if (!held_acknowledges(b->e, it->f, pe)) {
		open_client_window(b, it, pe, NULL);
		ack_server(b, it, pe, &o);
	} else if (!has_room(pe, it->p)) {
		open_client_window(b, it, pe, it->p->f);
	} else {
		sw_count(&b->stats, SW_C_SYNACK_CONSUMED);
		give_back(b, it->p->f);
	}
	release_held(b, it->f, pe);
	pending_release(b, pe);
}

/* The server refuses. The client sees its RST as if it had been there from the start. */
static void
server_refused(struct burst *b, const struct item *it, struct pending *pe)
{
	struct sw_segment s = {
		.l2 = it->p->f->data,
		.l2_len = (uint8_t)it->p->l3_off,
		.to_client = true,
		.tcp_flags = SW_TCP_RST | SW_TCP_ACK,
		.seq = pe->isn + 1,
		.ack = it->p->ack,
		.tuple = &it->p->tuple,
		.opts = {.wscale = SW_WSCALE_NONE},
	};

	build_and_send(b, it->p->f, &s, SW_OUTSIDE);
	sw_count(&b->stats, SW_C_SERVER_REFUSED);
	service_count(&service_stats(b, it->service)->failed);
	pending_release(b, pe);
	remove_flow(b, it->f, SW_C_FLOW_FAILED);
}

void
halfopen_server(struct burst *b, const struct item *it)
{
	struct pending *pe = flow_pending(b->e, it->f);
	const struct sw_pkt *p = it->p;
	bool ours = (p->tcp_flags & SW_TCP_ACK) && p->ack == pe->client_isn + 1;

	if (!sw_pkt_tcp_csum_ok(p)) {
		drop_item(b, it, SW_DROP_TCP_CHECKSUM);
	} else if (!(p->tcp_flags & SW_TCP_ACK)) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
	} else if (p->tcp_flags & SW_TCP_RST) {
		if (ours)
			server_refused(b, it, pe);
		else
			drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
	} else if (ours && (p->tcp_flags & SW_TCP_SYN)) {
		server_synack(b, it, pe);
	} else if (ours) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
	} else {
		/*
		 * The server remembers an older connection of this tuple. An RST ends that one; the
		 * SYN follows at once, so that the client does not wait for a timer.
		 */
		reset_server(b, it, pe, p->ack);
		if (!pe->retried)
			send_syn_again(b, pe);
		pe->retried = true;
	}
}
