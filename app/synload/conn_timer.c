/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timers: a wheel of one millisecond a slot, each a list of connections that are looked at then.
 *
 * A connection hangs in one list as long as it lives. A deadline that moves away, which is what
 * they do at nearly every segment, costs nothing: the connection is looked at when its list comes,
 * and hung up anew. Only one that comes nearer than its list is moved at once.
 */
#include "conn_int.h"

#define HORIZON_MS (SW_CONN_WHEEL_SLOTS - 2)

/* Connections of one call: what they send must be heard by the other end before more is sent. */
#define EXPIRE_MAX 128

static uint32_t *
link_at(struct sw_end *e, uint32_t index)
{
	return &e->conns[index - 1].prev;
}

void
sw_conn_hang(struct sw_end *e, struct sw_conn *c)
{
	const uint32_t index = (uint32_t)(c - e->conns) + 1;
	uint32_t wait = c->deadline_ms - (uint32_t)e->wheel_ms;

	if ((int32_t)wait < 1)
		wait = 1;
	if (wait > HORIZON_MS)
		wait = HORIZON_MS;
	c->slot_wheel = (uint16_t)((e->wheel_ms + wait) % SW_CONN_WHEEL_SLOTS);
	c->next = e->wheel[c->slot_wheel];
	c->prev = 0;
	if (c->next != 0)
		*link_at(e, c->next) = index;
	e->wheel[c->slot_wheel] = index;
}

void
sw_conn_unhang(struct sw_end *e, struct sw_conn *c)
{
	if (c->prev != 0)
		e->conns[c->prev - 1].next = c->next;
	else
		e->wheel[c->slot_wheel] = c->next;
	if (c->next != 0)
		*link_at(e, c->next) = c->prev;
	c->next = c->prev = 0;
}

static bool
is_outstanding(const struct sw_conn *c)
{
	/* A window of 0 is probed. */
	return c->state != SW_CONN_OPEN || c->snd_una != c->snd_max || c->window == 0;
}

static uint32_t
stage_end_ms(const struct conn_ctx *x)
{
	const uint32_t age_us = (uint32_t)x->e->now_us - x->c->mark_us;

	return now_ms(x->e) - age_us / 1000 + x->e->spec->timeout_ms;
}

void
sw_conn_arm(struct conn_ctx *x)
{
	struct sw_conn *c = x->c;
	const struct sw_conn_spec *spec = x->e->spec;
	uint32_t end = stage_end_ms(x);

	if (c->flags & CONN_HOLDING)
		return;
	/* Who waits for the other end to go on or to close has no say in how long that takes. */
	if (!is_outstanding(c) && (x->e->is_server || c->rounds >= spec->keep_alive))
		end += (uint32_t)(spec->hold_us / 1000) + spec->timeout_ms;
	c->deadline_ms = end;
	if (is_outstanding(c)) {
		const unsigned shift = c->tries < 6 ? c->tries : 6;
		const uint32_t rto = now_ms(x->e) + (spec->rto_ms << shift);

		if (sw_seq_before(rto, end))
			c->deadline_ms = rto;
	}
}

void
sw_conn_rearm(struct conn_ctx *x)
{
	struct sw_end *e = x->e;
	struct sw_conn *c = x->c;
	uint32_t hangs;

	sw_conn_arm(x);
	hangs = (c->slot_wheel - (uint32_t)e->wheel_ms) % SW_CONN_WHEEL_SLOTS;
	if (sw_seq_before(c->deadline_ms, (uint32_t)e->wheel_ms + hangs)) {
		sw_conn_unhang(e, c);
		sw_conn_hang(e, c);
	}
}

static enum sw_conn_fault
timeout_of(const struct sw_conn *c)
{
	if (c->state != SW_CONN_OPEN)
		return SW_CONN_TIMEOUT_SYN;
	return c->flags & CONN_CLOSING ? SW_CONN_TIMEOUT_CLOSE : SW_CONN_TIMEOUT_DATA;
}

/* The deadline has passed. */
static void
expire(struct conn_ctx *x)
{
	struct sw_conn *c = x->c;

	sw_conn_name(x, c->number);
	if (c->flags & CONN_HOLDING) {
		c->flags = (uint8_t)((c->flags & ~CONN_HOLDING) | CONN_HELD);
		sw_conn_output(x);
	} else if (!is_outstanding(c) || !sw_seq_before(now_ms(x->e), stage_end_ms(x))) {
		sw_conn_reset(x);
		sw_conn_end(x, timeout_of(c));
		return;
	} else {
		c->tries += c->tries < 255;
		x->e->stats.retransmitted++;
		c->snd_nxt = c->snd_una;
		if (c->state == SW_CONN_SYN_SENT)
			sw_conn_send_syn(x);
		else if (c->state == SW_CONN_SYN_RCVD)
			sw_conn_send_synack(x);
		else
			sw_conn_output(x);
	}
	sw_conn_arm(x);
}

void
sw_end_timers(struct sw_end *e, void (*more)(void *arg), void *arg)
{
	const uint64_t now = e->now_us / 1000;
	unsigned budget = EXPIRE_MAX;

	while (e->wheel_ms < now) {
		uint32_t index;

		e->wheel_ms++;
		/* Whoever is hung up anew comes into a later slot. */
		while ((index = e->wheel[e->wheel_ms % SW_CONN_WHEEL_SLOTS]) != 0) {
			struct conn_ctx x = {.e = e, .c = &e->conns[index - 1]};

			__builtin_prefetch(&e->conns[x.c->next - (x.c->next != 0)], 1);
			more(arg);
			if (budget-- == 0 || e->out->room - e->out->n < SW_CONN_FRAMES_MAX) {
				/* The rest of this slot next time. */
				e->wheel_ms--;
				return;
			}
			if (!sw_seq_before((uint32_t)e->wheel_ms, x.c->deadline_ms))
				expire(&x);
			if (x.c->state != SW_CONN_FREE) {
				sw_conn_unhang(e, x.c);
				sw_conn_hang(e, x.c);
			}
		}
	}
}
