/* SPDX-License-Identifier: BSD-3-Clause */
#include "lcore.h"

#include <errno.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "count.h"

#define TX_CHUNK SW_BURST_MAX

/*
 * What stays of an mbuf's flags when it is sent: how its buffer is owned. No offload is asked for.
 */
#define OL_FLAGS_KEPT (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)

/*
 * Both bits of a pair stand for "the field is not filled in, but the data is good": a driver that
 * was not asked for that (port.c) does not say so. Both are treated as not known.
 */
sw_always_inline uint8_t
csum_of(uint64_t ol_flags)
{
	uint64_t ip = ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	uint64_t l4 = ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if ((ip | l4) == 0)
		return 0;
	return (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD ? SW_CSUM_IP_GOOD : 0) |
	       (ip == RTE_MBUF_F_RX_IP_CKSUM_BAD ? SW_CSUM_IP_BAD : 0) |
	       (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD ? SW_CSUM_L4_GOOD : 0) |
	       (l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD ? SW_CSUM_L4_BAD : 0);
}

sw_always_inline void
frame_of(struct sw_frame *f, struct rte_mbuf *m, uint8_t side)
{
	f->data = rte_pktmbuf_mtod(m, uint8_t *);
	f->handle = m;
	f->len = m->data_len;
	f->pkt_len = m->pkt_len;
	f->room = sw_likely(m->nb_segs == 1) ? rte_pktmbuf_tailroom(m) : 0;
	f->headroom = rte_pktmbuf_headroom(m);
	f->side = side;
	f->csum = csum_of(m->ol_flags);
}

/*
 * A packet of several segments. An answer written over the first one (it is then all of the packet)
 * makes the others superfluous; the first may also have grown into its headroom.
 */
static sw_noinline void
chain_of(struct rte_mbuf *m, const struct sw_frame *f)
{
	m->data_off = (uint16_t)(f->data - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)f->len;
	m->pkt_len = f->pkt_len;
	if (f->pkt_len != f->len)
		return;
	rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
}

sw_always_inline struct rte_mbuf *
mbuf_of(const struct sw_frame *f)
{
	struct rte_mbuf *m = f->handle;

	m->ol_flags &= OL_FLAGS_KEPT;
	if (sw_likely(m->nb_segs == 1)) {
		m->data_off = (uint16_t)(f->data - (uint8_t *)m->buf_addr);
		m->data_len = (uint16_t)f->len;
		m->pkt_len = f->len;
	} else {
		chain_of(m, f);
	}
	return m;
}

/*
 * Headers and options that are in another CPU's cache: to have them at once and to write, since
 * most are answered in place, is one trip instead of three.
 */
static void
fetch_to_write(struct rte_mbuf **m, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		sw_fetch_to_write(rte_pktmbuf_mtod(m[i], void *));
		sw_fetch_to_write(rte_pktmbuf_mtod_offset(m[i], void *, SW_CACHE_LINE_BYTES));
	}
}

sw_always_inline unsigned
receive(const struct sw_worker *w, uint8_t side, struct sw_frame *frames, unsigned max)
{
	struct rte_mbuf *m[SW_BURST_MAX];
	unsigned n = rte_eth_rx_burst(w->port[side], w->index, m, (uint16_t)max);

	if (w->peer_writes[side])
		fetch_to_write(m, n);
	else
		for (unsigned i = 0; i < n; i++)
			rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	for (unsigned i = 0; i < n; i++)
		frame_of(&frames[i], m[i], side);
	return n;
}

/* What is kept for the ports, if anything. Returns how many packets they took. */
sw_always_inline unsigned
send_kept(struct sw_worker *w)
{
	unsigned sum = 0;

	for (unsigned side = 0; side < SW_SIDES; side++)
		if (sw_unlikely(w->send[side].n_kept != 0))
			sum += sw_send_kept(&w->send[side]);
	return sum;
}

/* Rings have yet to take something: they are looked at again at once. */
sw_always_inline bool
keeps(const struct sw_worker *w)
{
	return (w->send[SW_OUTSIDE].n_kept | w->send[SW_INSIDE].n_kept) != 0;
}

static void
send_side(struct sw_worker *w, unsigned side)
{
	const struct sw_frame *tx = w->out->tx[side];
	unsigned n = w->out->n_tx[side];
	struct rte_mbuf *m[TX_CHUNK];

	for (unsigned done = 0; done < n;) {
		unsigned k = RTE_MIN(n - done, (unsigned)TX_CHUNK);

		for (unsigned i = 0; i < k; i++)
			m[i] = mbuf_of(&tx[done + i]);
		if (sw_likely(w->has_queue[side])) {
			sw_send(&w->send[side], m, k);
		} else if (side < w->n_ports) {
			sw_handover_lend(w->handover, side, m, k);
		} else {
			rte_pktmbuf_free_bulk(m, k);
			sw_counter_add(&w->tx_no_port, k);
		}
		done += k;
	}
	w->out->n_tx[side] = 0;
}

/* Empties *out: sends, frees. Spares stay. */
sw_always_inline void
flush(struct sw_worker *w)
{
	struct sw_out *out = w->out;

	for (unsigned side = 0; side < SW_SIDES; side++)
		if (out->n_tx[side] != 0)
			send_side(w, side);
	if (out->n_free != 0) {
		rte_pktmbuf_free_bulk((struct rte_mbuf **)out->free, out->n_free);
		out->n_free = 0;
	}
}

static sw_noinline void
refill_spares(struct sw_worker *w)
{
	struct sw_out *out = w->out;
	struct rte_mbuf *m[SW_SPARE_MAX];
	unsigned n = SW_SPARE_MAX - out->n_spare;

	if (rte_pktmbuf_alloc_bulk(w->pool, m, n) != 0) {
		sw_counter_add(&w->no_buffer, 1);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		frame_of(&out->spare[out->n_spare++], m[i], SW_OUTSIDE);
}

sw_always_inline void
top_up_spares(struct sw_worker *w)
{
	if (sw_unlikely(w->out->n_spare < SW_SPARE_MAX))
		refill_spares(w);
}

/* Gives every packet back that the engine or the worker still has. */
static void
drain(struct sw_worker *w)
{
	struct sw_out *out = w->out;
	bool empty;

	do {
		empty = sw_engine_drain(w->engine, out);
		flush(w);
	} while (!empty);
	while (out->n_spare > 0)
		rte_pktmbuf_free(out->spare[--out->n_spare].handle);
	for (unsigned side = 0; side < SW_SIDES; side++)
		sw_send_end(&w->send[side]);
}

/* A burst through the engine, and out. With several workers, all of it is this one's. */
sw_always_inline void
work(struct sw_worker *w, const struct sw_view *view, uint64_t tsc, struct sw_frame *frames,
	unsigned n)
{
	SW_ASSERT(w->handover == NULL ||
		  sw_steer_all_mine(w->handover->steer, frames, n, w->handover->self));
	top_up_spares(w);
	sw_engine_burst(w->engine, view, sw_clock_ns(&w->clock, tsc), frames, n, w->out);
	flush(w);
}

/* Sends what workers without a queue want sent on this one's. Returns how many those were. */
static unsigned
carry(struct sw_worker *w)
{
	struct sw_handover *h = w->handover;
	struct rte_mbuf *m[TX_CHUNK];
	unsigned sum = 0;

	for (unsigned side = 0; side < w->n_ports; side++) {
		for (unsigned i = 0; i < h->n_carry[side]; i++) {
			/* What there is no room for waits in its ring. */
			unsigned room = sw_send_room(&w->send[side]);
			unsigned n =
				sw_handover_carry(h, side, i, m, RTE_MIN(room, (unsigned)TX_CHUNK));

			if (n != 0)
				sw_send(&w->send[side], m, n);
			sum += n;
		}
	}
	return sum;
}

/* What the other workers have for this one. Returns how many packets. */
static sw_noinline unsigned
work_for_others(
	struct sw_worker *w, const struct sw_view *view, uint64_t tsc, struct sw_frame *frames)
{
	struct rte_mbuf *m[SW_BURST_MAX];
	uint8_t side[SW_BURST_MAX];
	unsigned n = sw_handover_take(w->handover, m, side, SW_BURST_MAX);

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	for (unsigned i = 0; i < n; i++)
		frame_of(&frames[i], m[i], side[i]);
	if (n != 0)
		work(w, view, tsc, frames, n);
	return n + carry(w);
}

/* Nothing was there in this round. */
sw_always_inline void
rest(struct sw_worker *w, uint64_t tsc)
{
	uint32_t us = sw_idle_rest(&w->idle, tsc);

	if (us == 0) {
		rte_pause();
	} else {
		struct timespec ts = {.tv_nsec = us * 1000L};

		nanosleep(&ts, NULL);
	}
}

/* Puts the round that began at `began` down to what it was. Returns when the next one begins. */
sw_always_inline uint64_t
end_round(struct sw_worker *w, uint64_t began, bool busy)
{
	const uint64_t now = rte_rdtsc(), took = now - began;
	uint64_t *of = busy ? &w->busy_tsc : &w->idle_tsc;

	if (sw_unlikely(took > w->stall_tsc))
		of = &w->stalled_tsc;
	sw_counter_add(of, took);
	sw_counter_add(&w->busy_rounds, busy);
	return now;
}

static void
loop(struct sw_worker *w)
{
	struct sw_control *c = w->control;
	uint64_t tsc = rte_rdtsc(), ticked_tsc = tsc;
	struct sw_frame frames[SW_BURST_MAX];
	unsigned n, done = 0;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		/* Pairs with the store-release in control.c: publish(). */
		const struct sw_view *view = __atomic_load_n(&c->view, __ATOMIC_ACQUIRE);

		tsc = end_round(w, tsc, done != 0);
		done = send_kept(w);
		n = 0;
		/*
		 * The inside gets at most its half. What it leaves is the outside's: that is where
		 * floods come from, and a longer burst costs less a packet.
		 */
		if (sw_likely(w->has_queue[SW_INSIDE]))
			n = receive(w, SW_INSIDE, frames, SW_BURST_MAX / SW_SIDES);
		if (sw_likely(w->has_queue[SW_OUTSIDE]))
			n += receive(w, SW_OUTSIDE, frames + n, SW_BURST_MAX - n);
		done += n;
		if (sw_unlikely(w->handover != NULL) && n != 0)
			n = sw_handover_give(w->handover, frames, n);
		if (n != 0)
			work(w, view, tsc, frames, n);
		if (sw_unlikely(w->handover != NULL))
			done += work_for_others(w, view, tsc, frames);
		if (done != 0 || sw_unlikely(keeps(w)))
			sw_idle_busy(&w->idle);
		else
			rest(w, tsc);
		if (sw_unlikely(tsc - ticked_tsc >= w->tick_tsc)) {
			ticked_tsc = tsc;
			top_up_spares(w);
			sw_engine_tick(w->engine, view, sw_clock_ns(&w->clock, tsc), w->out);
			flush(w);
		}
		/* `view` is not used from here on. */
		rte_rcu_qsbr_quiescent(c->qsbr, w->index);
	}
}

int
sw_worker_run(void *worker)
{
	struct sw_worker *w = worker;
	int rc = rte_rcu_qsbr_thread_register(w->control->qsbr, w->index);

	if (rc != 0)
		return -EINVAL;
	rte_rcu_qsbr_thread_online(w->control->qsbr, w->index);
	loop(w);
	rte_rcu_qsbr_thread_offline(w->control->qsbr, w->index);
	rte_rcu_qsbr_thread_unregister(w->control->qsbr, w->index);
	drain(w);
	return 0;
}
