/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn_int.h - what the parts of a connection share: conn.c (slots, opening, input), conn_data.c
 * (streams), conn_timer.c (the wheel). Private to them.
 */
#ifndef SW_LOAD_CONN_INT_H
#define SW_LOAD_CONN_INT_H

#include "base/seq.h"
#include "conn.h"
#include "packet/options.h"

#define CONN_TS	      0x01 /* timestamps were agreed */
#define CONN_ACK      0x02 /* an ACK is owed */
#define CONN_FIN_RCVD 0x04
#define CONN_HOLDING  0x08 /* all is transferred; the deadline is that of the hold */
#define CONN_HELD     0x10 /* may be closed */
#define CONN_CLOSING  0x20 /* the stage of closing has begun */
#define CONN_WSCALE   0x40 /* window scaling was agreed */
#define CONN_SACK     0x80 /* the client offered SACK */

/* What is advertised: a window that never fills, since all that arrives is taken at once. */
#define CONN_WINDOW	   0xfff0
#define CONN_WSCALE_SERVER 7

#define CONN_MSS_V4 1460
#define CONN_MSS_V6 1440

/* A segment that is being taken, and whose connection it is. */
struct conn_ctx {
	struct sw_end *e;
	struct sw_conn *c;
	struct sw_tuple tuple;
	unsigned server; /* index in the route */
	bool compared;	 /* the payload is what comes next of the stream */
	uint64_t id;	 /* of the streams' bytes */
};

/* Fills x->tuple, server and id from a number. */
void sw_conn_name(struct conn_ctx *x, uint64_t number);

/* Sends what may be sent: data, FIN, an ACK that is owed. */
void sw_conn_output(struct conn_ctx *x);

void sw_conn_send_ack(struct conn_ctx *x);

/*
 * The TCP checksum is right. The payload is compared for it, where it is what comes next, and not
 * again by sw_conn_take(). The connection may be free, or another's.
 */
bool sw_conn_csum_ok(struct conn_ctx *x, const struct sw_pkt *p);

/* Data and FIN of a segment whose ACK is fine. False where the connection is no more. */
bool sw_conn_take(struct conn_ctx *x, const struct sw_pkt *p);

/*
 * The idle time before it is closed begins, at the end that closes, once all is transferred: only
 * its deadline counts in it, so what has not been acknowledged would not be sent again.
 */
void sw_conn_hold(struct conn_ctx *x);

/* An ACK that moves snd_una or the window; false where it acknowledges what was never sent. */
bool sw_conn_acked(struct conn_ctx *x, const struct sw_pkt *p);

void sw_conn_reset(struct conn_ctx *x);

/* Ends a connection as failed, or as finished with SW_CONN_FINE; the slot is free then. */
void sw_conn_end(struct conn_ctx *x, enum sw_conn_fault fault);

/* Send a SYN, a SYN-ACK: again, too. */
bool sw_conn_send_syn(struct conn_ctx *x);
void sw_conn_send_synack(struct conn_ctx *x);

/* conn_open.c: segments for a connection that is not open yet, and for none. */
void sw_conn_syn_sent(struct conn_ctx *x, const struct sw_pkt *p);
void sw_conn_accept(struct conn_ctx *x, const struct sw_pkt *p);
void sw_conn_stray(struct conn_ctx *x, const struct sw_pkt *p);

/* conn_data.c: all is done that a connection has to do. */
bool sw_conn_is_done(const struct conn_ctx *x);
bool sw_conn_closes_first(const struct sw_end *e);

void sw_conn_hang(struct sw_end *e, struct sw_conn *c);
void sw_conn_unhang(struct sw_end *e, struct sw_conn *c);

/* Sets the deadline from what is outstanding; the second one of a connection that hangs already. */
void sw_conn_arm(struct conn_ctx *x);
void sw_conn_rearm(struct conn_ctx *x);

sw_always_inline uint32_t
now_ms(const struct sw_end *e)
{
	return (uint32_t)(e->now_us / 1000);
}

/* What goes on from now on is timed, and has its timeout. */
sw_always_inline void
begin_stage(struct conn_ctx *x)
{
	x->c->mark_us = (uint32_t)x->e->now_us;
	x->c->stage_measured = x->e->measuring;
}

/* The end of what began with it, into a histogram. */
sw_always_inline void
time_stage(struct conn_ctx *x, struct sw_hist *h)
{
	if (x->c->stage_measured)
		sw_hist_add(h, (uint32_t)x->e->now_us - x->c->mark_us);
}

/* Bytes of one request and response, as this end sends and receives them. */
sw_always_inline uint32_t
unit_out(const struct sw_end *e)
{
	return e->is_server	       ? e->spec->response_bytes
	       : e->spec->http != NULL ? e->spec->http_bytes
				       : e->spec->request_bytes;
}

sw_always_inline uint32_t
unit_in(const struct sw_end *e)
{
	return e->is_server ? e->spec->request_bytes : e->spec->response_bytes;
}

/* Streams of both directions have ids of their own. */
sw_always_inline uint64_t
stream_id(const struct conn_ctx *x, bool from_server)
{
	return x->id * 2 + from_server;
}

/* Timestamps start anywhere and count milliseconds. */
sw_always_inline uint32_t
own_ts(const struct conn_ctx *x)
{
	return (uint32_t)(x->id >> 32) + now_ms(x->e);
}

#endif
