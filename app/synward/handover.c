/* SPDX-License-Identifier: BSD-3-Clause */
#include "handover.h"

#include <errno.h>

#include <rte_malloc.h>
#include <rte_prefetch.h>

#include "count.h"
#include "log.h"

/*
 * What may stand in all rings to one worker: as much as a port's receive ring or two, for a worker
 * that was away for as long as that is enough for. Divided among the givers, but never less than
 * two bursts.
 */
#define TAKE_PACKETS	 2048u
#define GIVE_PACKETS_MIN (2u * SW_BURST_MAX)
#define LEND_PACKETS	 1024u

/* The side is in the pointer: who takes need not wait for the mbuf to know it. */
#define SIDE_MASK ((uintptr_t)1)
static_assert(SW_SIDES == 2, "the side of a packet is one bit");

static unsigned
give_packets(unsigned n_workers)
{
	return RTE_MAX(rte_align32prevpow2(TAKE_PACKETS / (n_workers - 1)), GIVE_PACKETS_MIN);
}

uint32_t
sw_handover_buffers(const struct sw_port ports[], unsigned n_ports, unsigned n_workers)
{
	uint32_t n;

	if (n_workers < 2)
		return 0;
	n = n_workers * (n_workers - 1) * give_packets(n_workers);
	for (unsigned i = 0; i < n_ports; i++)
		n += (n_workers - ports[i].n_queues) * LEND_PACKETS;
	return n;
}

/* Not by name: a memzone for each of them would be too many for EAL with a few dozen workers. */
static struct rte_ring *
make_ring(unsigned packets, int socket)
{
	const unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ;
	ssize_t size = rte_ring_get_memsize(rte_align32pow2(packets + 1));
	struct rte_ring *r;

	r = size < 0 ? NULL
		     : rte_zmalloc_socket("sw_ring", (size_t)size, RTE_CACHE_LINE_SIZE, socket);
	if (r != NULL && rte_ring_init(r, "sw_handover", packets, flags) != 0) {
		rte_free(r);
		r = NULL;
	}
	return r;
}

static struct sw_handover *
make_one(unsigned self, unsigned n_workers, const struct sw_port ports[], unsigned n_ports)
{
	const int socket = ports[0].socket;
	const size_t pointers = 2 + SW_SIDES; /* give, take, carry: at most n_workers each */
	struct sw_handover *h;

	h = rte_zmalloc_socket("sw_handover", sizeof(*h), SW_CACHE_LINE_BYTES, socket);
	if (h == NULL)
		return NULL;
	h->n_workers = (uint16_t)n_workers;
	h->self = (uint16_t)self;
	h->give = rte_zmalloc_socket("sw_handover", pointers * n_workers * sizeof(*h->give),
		SW_CACHE_LINE_BYTES, socket);
	if (h->give == NULL)
		goto fail;
	h->take = h->give + n_workers;
	for (unsigned side = 0; side < SW_SIDES; side++)
		h->carry[side] = h->take + (side + 1) * n_workers;
	for (unsigned to = 0; to < n_workers; to++) {
		if (to == self)
			continue;
		h->give[to] = make_ring(give_packets(n_workers), socket);
		if (h->give[to] == NULL)
			goto fail;
	}
	for (unsigned side = 0; side < n_ports; side++) {
		if (self < ports[side].n_queues)
			continue;
		h->lend[side] = make_ring(LEND_PACKETS, socket);
		if (h->lend[side] == NULL)
			goto fail;
	}
	return h;

fail:
	sw_handover_free(h);
	return NULL;
}

/* The other end of each ring. */
static void
connect_all(struct sw_handover *all[], unsigned n_workers, const struct sw_port ports[],
	unsigned n_ports)
{
	for (unsigned from = 0; from < n_workers; from++) {
		for (unsigned to = 0; to < n_workers; to++)
			if (to != from)
				all[to]->take[all[to]->n_take++] = all[from]->give[to];
		for (unsigned side = 0; side < n_ports; side++) {
			struct sw_handover *by = all[from % ports[side].n_queues];

			if (all[from]->lend[side] != NULL)
				by->carry[side][by->n_carry[side]++] = all[from]->lend[side];
		}
	}
}

int
sw_handover_create(struct sw_handover *out[], unsigned n_workers, const struct sw_steer *steer,
	const struct sw_port ports[], unsigned n_ports)
{
	for (unsigned i = 0; i < n_workers; i++) {
		out[i] = make_one(i, n_workers, ports, n_ports);
		if (out[i] == NULL) {
			sw_log_error("no memory for the rings between %u workers: give more (-m "
				     "MEGABYTES before the --, or more hugepages)",
				n_workers);
			return -ENOMEM;
		}
		out[i]->steer = steer;
	}
	connect_all(out, n_workers, ports, n_ports);
	return 0;
}

/* tag: where the pointers have a side in them. */
static void
free_ring(struct rte_ring *r, uintptr_t tag)
{
	void *p;

	while (r != NULL && rte_ring_sc_dequeue(r, &p) == 0)
		rte_pktmbuf_free((struct rte_mbuf *)((uintptr_t)p & ~tag));
	rte_free(r);
}

void
sw_handover_free(struct sw_handover *h)
{
	if (h == NULL)
		return;
	for (unsigned to = 0; h->give != NULL && to < h->n_workers; to++)
		free_ring(h->give[to], SIDE_MASK);
	for (unsigned side = 0; side < SW_SIDES; side++)
		free_ring(h->lend[side], 0);
	rte_free(h->give);
	rte_free(h);
}

static void
give_run(struct sw_handover *h, const struct sw_steer_run *run, const struct sw_frame *frames)
{
	void *tagged[SW_BURST_MAX];
	unsigned done;

	for (unsigned i = 0; i < run->n; i++) {
		const struct sw_frame *f = &frames[h->runs.order[run->first + i]];

		tagged[i] = (void *)((uintptr_t)f->handle | f->side);
	}
	done = rte_ring_sp_enqueue_burst(h->give[run->to], tagged, run->n, NULL);
	sw_counter_add(&h->handed.given, done);
	if (sw_likely(done == run->n))
		return;
	sw_counter_add(&h->handed.give_full, run->n - done);
	for (unsigned i = done; i < run->n; i++)
		rte_pktmbuf_free((struct rte_mbuf *)((uintptr_t)tagged[i] & ~SIDE_MASK));
}

unsigned
sw_handover_give(struct sw_handover *h, struct sw_frame *frames, unsigned n)
{
	struct sw_steer_runs *r = &h->runs;
	uint16_t owner[SW_BURST_MAX];

	sw_steer_burst(h->steer, frames, n, owner);
	sw_steer_sort(r, owner, n, h->self);
	if (r->n_runs == 0)
		return n;
	for (unsigned i = 0; i < r->n_runs; i++)
		give_run(h, &r->run[i], frames);
	for (unsigned i = 0; i < r->n_kept; i++)
		frames[i] = frames[r->kept[i]];
	return r->n_kept;
}

unsigned
sw_handover_take(struct sw_handover *h, struct rte_mbuf *m[], uint8_t side[], unsigned max)
{
	void *tagged[SW_BURST_MAX];
	unsigned n = 0;

	SW_ASSERT(max <= SW_BURST_MAX);
	/* Begins behind the ring that it stopped at: one that is always full starves no other. */
	for (unsigned i = 0; i < h->n_take && n < max; i++) {
		n += rte_ring_sc_dequeue_burst(h->take[h->next], tagged + n, max - n, NULL);
		h->next = h->next + 1 < h->n_take ? (uint16_t)(h->next + 1) : 0;
	}
	for (unsigned i = 0; i < n; i++) {
		m[i] = (struct rte_mbuf *)((uintptr_t)tagged[i] & ~SIDE_MASK);
		side[i] = (uintptr_t)tagged[i] & SIDE_MASK;
		rte_prefetch0(m[i]);
	}
	if (n != 0)
		sw_counter_add(&h->handed.taken, n);
	return n;
}

void
sw_handover_lend(struct sw_handover *h, unsigned side, struct rte_mbuf *m[], unsigned n)
{
	unsigned done = rte_ring_sp_enqueue_burst(h->lend[side], (void **)m, n, NULL);

	sw_counter_add(&h->handed.lent, done);
	if (sw_likely(done == n))
		return;
	sw_counter_add(&h->handed.lend_full[side], n - done);
	rte_pktmbuf_free_bulk(m + done, n - done);
}
