/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop of a flood. */
#include <errno.h>
#include <stdlib.h>

#include <rte_rcu_qsbr.h>

#include "log.h"
#include "pacer.h"
#include "run.h"

struct run_flood {
	struct sw_run *run;
	struct sw_flood *flood;
	struct sw_pacer pacer;
	uint64_t left; /* to be sent */
};

static void
snapshot(const struct sw_run *r, struct sw_load_snapshot *s)
{
	const struct run_flood *l = r->mode;

	memset(s, 0, sizeof(*s));
	s->outside = r->outside->stats;
	s->flood = l->flood->stats;
	s->flood_skipped = l->pacer.skipped;
}

/* Nothing is open here. All of --count have been answered. */
static bool
drained(const struct sw_run *r)
{
	const struct run_flood *l = r->mode;

	if (r->phase == SW_PHASE_DRAIN)
		return true;
	return r->args->count != 0 && l->flood->stats.rx >= r->args->count;
}

/* At the slowest rate there is one a second. */
static bool
waits(const struct sw_run *r)
{
	(void)r;
	return true;
}

static unsigned
receive(struct sw_io *io, struct sw_flood *f)
{
	struct rte_mbuf *m[SW_IO_BURST];
	const unsigned n = rte_eth_rx_burst(io->port, 0, m, SW_IO_BURST);

	for (unsigned i = 0; i < n; i++)
		sw_flood_input(f, rte_pktmbuf_mtod(m[i], uint8_t *), m[i]->data_len);
	if (n > 0)
		rte_pktmbuf_free_bulk(m, n);
	io->stats.rx_packets += n;
	return n;
}

unsigned
sw_run_flood_burst(struct sw_io *io, struct sw_flood *f, unsigned n)
{
	uint8_t *data[SW_IO_BURST];
	uint16_t len[SW_IO_BURST];

	n = sw_io_take(io, n);
	/* A port that does not copy (memif, zero-copy) has had them read by the other end's CPU. */
	for (unsigned i = 0; i < n; i++) {
		data[i] = sw_io_data(io->pending[i]);
		sw_fetch_to_write(data[i]);
		sw_fetch_to_write(data[i] + SW_CACHE_LINE_BYTES);
	}
	sw_flood_fill(f, data, len, n);
	for (unsigned i = 0; i < n; i++)
		sw_io_set_len(io->pending[i], len[i]);
	io->n_pending = (uint16_t)n;
	if (!sw_io_flush(io))
		io->stats.tx_full += io->n_pending;
	return n;
}

static void
loop(struct run_flood *l)
{
	struct sw_run *r = l->run;

	while (r->phase != SW_PHASE_DONE) {
		const uint64_t now = sw_run_now(r);
		uint64_t n;

		/* What the last round has read may be unmapped. */
		rte_rcu_qsbr_quiescent(r->qsbr, 0);
		if (unlikely(now >= r->next_event_ns))
			sw_run_event(r, now);
		if (receive(r->outside, l->flood) > 0)
			r->last_rx_ns = now;
		if (!sw_io_flush(r->outside) || r->stop)
			continue;
		if (l->left == 0) {
			sw_run_stop(r);
			continue;
		}
		n = sw_pacer_due(&l->pacer, now, SW_IO_BURST);
		if (n > l->left)
			n = l->left;
		if (n > 0) {
			n = sw_run_flood_burst(r->outside, l->flood, (unsigned)n);
			sw_pacer_sent(&l->pacer, n);
			l->left -= n;
		}
	}
}

int
sw_run_flood(struct sw_run *r)
{
	struct run_flood l = {.run = r, .left = r->args->count != 0 ? r->args->count : UINT64_MAX};
	struct sw_flood_spec spec = {
		.route = &r->args->route,
		.options = r->args->options,
		.sample = (uint32_t)r->args->sample,
		.seed = r->args->seed,
	};

	memcpy(spec.weights, r->args->weights, sizeof(spec.weights));
	l.flood = aligned_alloc(
		alignof(struct sw_flood), (sizeof(struct sw_flood) + alignof(struct sw_flood) - 1) &
						  ~(alignof(struct sw_flood) - 1));
	if (l.flood == NULL) {
		sw_log_error("no memory for the flood");
		return -ENOMEM;
	}
	sw_flood_init(l.flood, &spec);
	r->mode = &l;
	r->settles = true;
	r->snapshot = snapshot;
	r->drained = drained;
	r->waits = waits;
	sw_run_start(r, sw_run_now(r));
	sw_pacer_start(&l.pacer, r->args->flood_rate, r->start_ns);
	loop(&l);
	free(l.flood);
	return 0;
}
