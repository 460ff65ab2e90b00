/* SPDX-License-Identifier: BSD-3-Clause */
/* How connections begin, and what becomes of segments that belong to none. */
#include "conn_int.h"
#include "packet/build.h"

/* What a peer that names no MSS takes (RFC 9293, 3.7.1). */
#define MSS_DEFAULT 536
#define MSS_MIN	    32

static uint16_t
own_mss(const struct conn_ctx *x)
{
	return sw_tuple_is_v6(&x->tuple) ? CONN_MSS_V6 : CONN_MSS_V4;
}

bool
sw_conn_send_syn(struct conn_ctx *x)
{
	const struct sw_craft *craft = &x->e->syn[x->server];
	uint8_t *frame = sw_out_get(x->e->out);

	if (frame == NULL)
		return false;
	sw_craft_write(craft, frame,
		&(struct sw_craft_fields){
			.src_hi = x->tuple.client.q[0],
			.src_lo = x->tuple.client.q[1],
			.sport_be = x->tuple.cport_be,
			.seq = x->c->iss,
			.tsval = own_ts(x),
		});
	sw_out_put(x->e->out, craft->len);
	return true;
}

void
sw_conn_send_synack(struct conn_ctx *x)
{
	struct sw_conn *c = x->c;
	const struct sw_craft *craft = &x->e->syn[x->server];
	struct sw_frame f = {
		.data = sw_out_get(x->e->out), .room = SW_LOAD_HEADERS_MAX_BYTES, .len = 0};
	struct sw_segment s = {
		.l2 = craft->frame,
		.l2_len = craft->ip_off,
		.swap_l2 = true,
		.to_client = true,
		.tcp_flags = SW_TCP_SYN | SW_TCP_ACK,
		.window = CONN_WINDOW,
		.seq = c->iss,
		.ack = c->rcv_nxt,
		.tuple = &x->tuple,
		.opts = {.mss = own_mss(x),
			.wscale = c->flags & CONN_WSCALE ? CONN_WSCALE_SERVER : SW_WSCALE_NONE,
			.sack_perm = c->flags & CONN_SACK,
			.ts = c->flags & CONN_TS,
			.tsval = own_ts(x),
			.tsecr = c->ts_recent},
	};

	if (f.data != NULL && sw_build_segment(&f, &s) == 0)
		sw_out_put(x->e->out, (uint16_t)f.len);
}

/* What was agreed, from the options of the peer's SYN or SYN-ACK. */
static void
agree(struct conn_ctx *x, const struct sw_tcp_opts *o, uint16_t window)
{
	struct sw_conn *c = x->c;
	unsigned mss = o->mss != 0 ? o->mss : MSS_DEFAULT;

	if (mss > own_mss(x))
		mss = own_mss(x);
	if (o->ts) {
		c->flags |= CONN_TS;
		c->ts_recent = o->tsval;
		mss -= mss > SW_OPT_TS_BYTES ? SW_OPT_TS_BYTES : 0;
	}
	c->mss = (uint16_t)(mss > MSS_MIN ? mss : MSS_MIN);
	if (o->wscale != SW_WSCALE_NONE) {
		c->flags |= CONN_WSCALE;
		c->wscale = o->wscale;
	}
	if (o->sack_perm)
		c->flags |= CONN_SACK;
	c->window = window;
}

/* That of a SYN or SYN-ACK is never scaled (RFC 7323, 2.2): kept so that scaling does no harm. */
static uint16_t
first_window(const struct sw_pkt *p, const struct sw_tcp_opts *o)
{
	const struct sw_wire_tcp *tcp = (const struct sw_wire_tcp *)sw_pkt_tcp(p);
	const uint16_t w = rte_be_to_cpu_16(tcp->window_be);

	return o->wscale == SW_WSCALE_NONE ? w : (uint16_t)((w >> o->wscale) + (w != 0));
}

/* Every option of the SYN-ACK was in our SYN. */
static bool
was_offered(enum sw_craft_options set, const struct sw_tcp_opts *o)
{
	if (o->ts && set != SW_CRAFT_LINUX && set != SW_CRAFT_MAC)
		return false;
	return set >= SW_CRAFT_LINUX || (o->wscale == SW_WSCALE_NONE && !o->sack_perm);
}

void
sw_conn_syn_sent(struct conn_ctx *x, const struct sw_pkt *p)
{
	struct sw_end *e = x->e;
	struct sw_conn *c = x->c;
	struct sw_tcp_opts o;

	if (p->tcp_flags & SW_TCP_RST) {
		if ((p->tcp_flags & SW_TCP_ACK) && p->ack == c->snd_max)
			sw_conn_end(x, SW_CONN_REFUSED);
		return;
	}
	if ((p->tcp_flags & (SW_TCP_SYN | SW_TCP_ACK)) != (SW_TCP_SYN | SW_TCP_ACK)) {
		e->stats.stray++;
		return;
	}
	if (p->ack != c->iss + 1 || sw_opts_read(p, &o) != 0 ||
		!was_offered(e->spec->options, &o) ||
		(o.ts && o.tsecr - (uint32_t)(x->id >> 32) > now_ms(e))) {
		sw_conn_end(x, SW_CONN_BAD_SYNACK);
		return;
	}
	agree(x, &o, first_window(p, &o));
	c->state = SW_CONN_OPEN;
	c->tries = 0;
	c->snd_una = c->snd_nxt = c->snd_max = p->ack;
	c->irs = p->seq;
	c->rcv_nxt = p->seq + 1;
	e->stats.opened++;
	e->stats.measured.opened += c->measured;
	time_stage(x, &e->handshake);
	begin_stage(x);
	/* As stacks do: the handshake is complete before the application says a word. */
	c->flags |= CONN_ACK;
	sw_conn_send_ack(x);
	sw_conn_output(x);
	sw_conn_rearm(x);
}

void
sw_conn_accept(struct conn_ctx *x, const struct sw_pkt *p)
{
	struct sw_end *e = x->e;
	struct sw_conn *c = x->c;
	struct sw_tcp_opts o;

	if (sw_opts_read(p, &o) != 0) {
		e->stats.stray++;
		return;
	}
	c->flags = 0;
	c->rounds = c->tries = 0;
	agree(x, &o, first_window(p, &o));
	c->state = SW_CONN_SYN_RCVD;
	c->iss = (uint32_t)sw_load_mix(x->id ^ e->key, 0x8ebc6af09c88c6e3ull) +
		 (uint32_t)((e->spec->start_us + e->now_us) / 4);
	c->snd_una = c->iss;
	c->snd_nxt = c->snd_max = c->iss + 1;
	c->irs = p->seq;
	c->rcv_nxt = p->seq + 1;
	begin_stage(x);
	e->stats.tried++;
	e->in_flight++;
	sw_conn_send_synack(x);
	sw_conn_arm(x);
	sw_conn_hang(e, c);
}

void
sw_conn_stray(struct conn_ctx *x, const struct sw_pkt *p)
{
	struct sw_end *e = x->e;
	struct sw_seg s = {
		.tuple = &x->tuple,
		.l2 = &e->spec->route->l2,
		.to_client = e->is_server,
		.flags = SW_TCP_ACK,
		.window = CONN_WINDOW,
		.seq = p->ack,
		.ack = p->seq + sw_pkt_seq_len(p),
	};
	struct sw_tcp_opts o;
	uint8_t *frame;

	e->stats.stray++;
	/* The last ACK was lost: once more, from what the FIN says. */
	if ((p->tcp_flags & (SW_TCP_FIN | SW_TCP_ACK | SW_TCP_RST)) != (SW_TCP_FIN | SW_TCP_ACK))
		return;
	if (sw_opts_read(p, &o) == 0 && o.ts) {
		s.ts = true;
		s.tsval = own_ts(x);
		s.tsecr = o.tsval;
	}
	frame = sw_out_get(e->out);
	if (frame != NULL)
		sw_out_put(e->out, sw_seg_finish(frame, &s));
}
