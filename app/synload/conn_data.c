/* SPDX-License-Identifier: BSD-3-Clause */
/* The streams of a connection: what is sent, what is received and compared, and who closes when. */
#include "conn_int.h"
#include "packet/checksum.h"
#include "packet/wire.h"

/* All requests have been answered, as far as this end can see. */
static bool
all_rounds(const struct conn_ctx *x)
{
	return x->c->rounds >= x->e->spec->keep_alive;
}

/* Bytes of the stream that may be sent by now, whatever the window. */
static uint32_t
stream_limit(const struct conn_ctx *x)
{
	const struct sw_end *e = x->e;
	uint32_t rounds = x->c->rounds + !e->is_server;

	if (rounds > e->spec->keep_alive)
		rounds = e->spec->keep_alive;
	return rounds * unit_out(e);
}

static bool
may_close(const struct conn_ctx *x)
{
	const struct sw_conn *c = x->c;

	if (!all_rounds(x))
		return false;
	return c->flags & (CONN_FIN_RCVD | CONN_HELD);
}

bool
sw_conn_closes_first(const struct sw_end *e)
{
	return e->spec->http == NULL && e->is_server == e->spec->close_server;
}

static struct sw_seg
segment(const struct conn_ctx *x, uint8_t flags, uint32_t seq)
{
	const struct sw_conn *c = x->c;

	return (struct sw_seg){
		.tuple = &x->tuple,
		.l2 = &x->e->spec->route->l2,
		.to_client = x->e->is_server,
		.ts = c->flags & CONN_TS,
		.flags = flags,
		.window = CONN_WINDOW,
		.seq = seq,
		.ack = c->rcv_nxt,
		.tsval = own_ts(x),
		.tsecr = c->ts_recent,
	};
}

static void
write_segment(struct conn_ctx *x, uint8_t *frame, uint8_t flags, uint32_t pay_len)
{
	struct sw_seg s = segment(x, flags, x->c->snd_nxt);
	const uint32_t off = x->c->snd_nxt - x->c->iss - 1;

	s.pay_len = pay_len;
	if (pay_len > 0 && x->e->spec->http != NULL) {
		memcpy(sw_seg_payload(frame, &s), x->e->spec->http + off, pay_len);
		s.pay_sum = sw_csum_add(0, x->e->spec->http + off, pay_len);
	} else if (pay_len > 0) {
		s.pay_sum = sw_payload_write(x->e->spec->payload, stream_id(x, x->e->is_server),
			off, sw_seg_payload(frame, &s), pay_len);
	}
	sw_out_put(x->e->out, sw_seg_finish(frame, &s));
}

/*
 * One for which there is no room is lost, as if the network had lost it: it is outstanding, and its
 * timer sends it again. False then.
 */
static bool
send_segment(struct conn_ctx *x, uint8_t flags, uint32_t pay_len)
{
	struct sw_conn *c = x->c;
	uint8_t *frame = sw_out_get(x->e->out);

	if (frame != NULL)
		write_segment(x, frame, flags, pay_len);
	c->snd_nxt += pay_len + !!(flags & SW_TCP_FIN);
	if (sw_seq_before(c->snd_max, c->snd_nxt))
		c->snd_max = c->snd_nxt;
	c->flags &= (uint8_t)~CONN_ACK;
	return frame != NULL;
}

/* Bytes that may be in flight. A window of 0 is probed with one byte, by the timer. */
static uint32_t
window(const struct conn_ctx *x)
{
	const struct sw_conn *c = x->c;
	const uint32_t most = (c->tries > 0 ? 1u : SW_CONN_FLIGHT) * c->mss;
	const uint32_t open = (uint32_t)c->window << (c->flags & CONN_WSCALE ? c->wscale : 0);

	if (open == 0)
		return c->tries > 0 ? 1 : 0;
	return open < most ? open : most;
}

void
sw_conn_send_ack(struct conn_ctx *x)
{
	send_segment(x, SW_TCP_ACK, 0);
}

static void
send_data(struct conn_ctx *x)
{
	struct sw_conn *c = x->c;
	const uint32_t limit = stream_limit(x), room = window(x);

	for (;;) {
		const uint32_t off = c->snd_nxt - x->c->iss - 1, flight = c->snd_nxt - c->snd_una;
		uint32_t n;

		if (off >= limit || flight >= room)
			return;
		n = limit - off < room - flight ? limit - off : room - flight;
		if (n > c->mss)
			n = c->mss;
		if (!send_segment(x, SW_TCP_ACK | (off + n == limit ? SW_TCP_PSH : 0), n))
			return;
	}
}

static uint32_t
fin_seq(const struct conn_ctx *x)
{
	return x->c->iss + 1 + x->e->spec->keep_alive * unit_out(x->e);
}

bool
sw_conn_is_done(const struct conn_ctx *x)
{
	return (x->c->flags & CONN_FIN_RCVD) && x->c->snd_una == fin_seq(x) + 1;
}

void
sw_conn_output(struct conn_ctx *x)
{
	struct sw_conn *c = x->c;

	send_data(x);
	if (c->snd_nxt == fin_seq(x) && may_close(x)) {
		if (!(c->flags & CONN_CLOSING)) {
			c->flags |= CONN_CLOSING;
			begin_stage(x);
		}
		send_segment(x, SW_TCP_FIN | SW_TCP_ACK, 0);
	}
	if (c->flags & CONN_ACK)
		sw_conn_send_ack(x);
}

void
sw_conn_reset(struct conn_ctx *x)
{
	struct sw_seg s = segment(x, SW_TCP_RST | SW_TCP_ACK, x->c->snd_max);
	uint8_t *frame;

	/* Whoever has not answered a SYN keeps nothing that could be reset. */
	if (x->c->state == SW_CONN_SYN_SENT)
		return;
	frame = sw_out_get(x->e->out);
	if (frame != NULL)
		sw_out_put(x->e->out, sw_seg_finish(frame, &s));
}

bool
sw_conn_acked(struct conn_ctx *x, const struct sw_pkt *p)
{
	struct sw_conn *c = x->c;
	const struct sw_wire_tcp *tcp = (const struct sw_wire_tcp *)sw_pkt_tcp(p);

	if (sw_seq_before(c->snd_max, p->ack))
		return false;
	if (sw_seq_before(p->ack, c->snd_una))
		return true; /* an old one */
	c->window = rte_be_to_cpu_16(tcp->window_be);
	if (p->ack != c->snd_una) {
		c->snd_una = p->ack;
		c->tries = 0;
		if (sw_seq_before(c->snd_nxt, p->ack))
			c->snd_nxt = p->ack;
	}
	return true;
}

/* The status line, byte by byte: "HTTP/1.x 200". */
static bool
is_status(uint32_t off, const uint8_t *p, uint32_t n)
{
	static const char want[] = "HTTP/1.? 200";

	for (uint32_t i = 0; i < n && off + i < sizeof(want) - 1; i++)
		if (want[off + i] != '?' && p[i] != (uint8_t)want[off + i])
			return false;
	return true;
}

/* n bytes are what the peer's stream has at `off`, whose sum is *sum then. */
static bool
is_payload(const struct conn_ctx *x, uint32_t off, const uint8_t *bytes, uint32_t n, uint64_t *sum)
{
	const struct sw_end *e = x->e;

	return off + n <= e->spec->keep_alive * unit_in(e) &&
	       sw_payload_same(e->spec->payload, stream_id(x, !e->is_server), off, bytes, n, sum);
}

static enum sw_conn_fault
check_payload(struct conn_ctx *x, uint32_t off, const uint8_t *bytes, uint32_t n)
{
	struct sw_end *e = x->e;
	uint64_t sum;

	e->stats.bytes_received += n;
	if (e->spec->http != NULL)
		return is_status(off, bytes, n) ? SW_CONN_FINE : SW_CONN_BAD_STATUS;
	if (!x->compared && !is_payload(x, off, bytes, n, &sum))
		return SW_CONN_BAD_PAYLOAD;
	e->stats.bytes_verified += n;
	return SW_CONN_FINE;
}

bool
sw_conn_csum_ok(struct conn_ctx *x, const struct sw_pkt *p)
{
	const struct sw_conn *c = x->c;
	const uint32_t hdr = p->pay_off - p->l4_off;
	uint64_t sum;

	/* Bytes that are the ones that come next have a sum that is known. */
	if (p->pay_len == 0 || (p->tcp_flags & SW_TCP_SYN) || c->state == SW_CONN_FREE ||
		p->seq != c->rcv_nxt || x->e->spec->http != NULL ||
		!is_payload(x, c->rcv_nxt - c->irs - 1, p->f->data + p->pay_off, p->pay_len, &sum))
		return sw_pkt_tcp_csum_ok(p);
	x->compared = true;
	sum += sw_csum_tcp_pseudo(
		p->f->data + p->l3_off, sw_tuple_is_v6(&x->tuple), hdr + p->pay_len);
	return sw_csum_fold(sw_csum_add(sum, sw_pkt_tcp(p), hdr)) == 0xffff;
}

/* Counts rounds that are complete now. */
static void
count_rounds(struct conn_ctx *x)
{
	struct sw_end *e = x->e;
	struct sw_conn *c = x->c;
	const uint32_t off = c->rcv_nxt - c->irs - 1;

	if (e->spec->http != NULL)
		return;
	while (!all_rounds(x) && off >= (c->rounds + 1) * unit_in(e)) {
		c->rounds++;
		if (!e->is_server)
			time_stage(x, &e->response);
		begin_stage(x);
	}
	/* Without an idle time the FIN goes right behind the data. */
	if (all_rounds(x) && sw_conn_closes_first(e) && e->spec->hold_us == 0)
		c->flags |= CONN_HELD;
}

void
sw_conn_hold(struct conn_ctx *x)
{
	const struct sw_conn_spec *spec = x->e->spec;
	struct sw_conn *c = x->c;

	if (!all_rounds(x) || !sw_conn_closes_first(x->e) || c->snd_una != fin_seq(x) ||
		(c->flags & (CONN_HOLDING | CONN_HELD)))
		return;
	c->flags |= CONN_HOLDING;
	c->deadline_ms = now_ms(x->e) + (uint32_t)(spec->hold_us / 1000);
}

/* The peer has closed. */
static enum sw_conn_fault
take_fin(struct conn_ctx *x)
{
	struct sw_conn *c = x->c;

	c->rcv_nxt++;
	c->flags |= CONN_FIN_RCVD | CONN_ACK;
	if (x->e->spec->http != NULL) {
		if (c->rcv_nxt - c->irs - 2 < 12)
			return SW_CONN_BAD_STATUS;
		c->rounds = 1;
		time_stage(x, &x->e->response);
	}
	return all_rounds(x) ? SW_CONN_FINE : SW_CONN_EARLY_FIN;
}

bool
sw_conn_take(struct conn_ctx *x, const struct sw_pkt *p)
{
	struct sw_conn *c = x->c;
	const uint32_t seq = p->seq + !!(p->tcp_flags & SW_TCP_SYN);
	const uint32_t old = c->rcv_nxt - seq; /* bytes that have been received before */
	enum sw_conn_fault fault = SW_CONN_FINE;

	if (sw_pkt_seq_len(p) > 0)
		c->flags |= CONN_ACK;
	/* A gap: what is missing comes again. */
	if (sw_seq_before(c->rcv_nxt, seq) || old > p->pay_len)
		return true;
	if (p->pay_len > old && !(c->flags & CONN_FIN_RCVD)) {
		fault = check_payload(x, c->rcv_nxt - c->irs - 1, p->f->data + p->pay_off + old,
			p->pay_len - old);
		c->rcv_nxt += p->pay_len - old;
		if (fault == SW_CONN_FINE)
			count_rounds(x);
	}
	if (fault == SW_CONN_FINE && (p->tcp_flags & SW_TCP_FIN) && !(c->flags & CONN_FIN_RCVD))
		fault = take_fin(x);
	if (fault == SW_CONN_FINE)
		return true;
	sw_conn_reset(x);
	sw_conn_end(x, fault);
	return false;
}
