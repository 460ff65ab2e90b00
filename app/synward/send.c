/* SPDX-License-Identifier: BSD-3-Clause */
#include "send.h"

#include <string.h>

/* Single writer, read by others: stored whole. */
static void
count_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void
give_up(struct sw_send *s, struct rte_mbuf **m, unsigned n)
{
	rte_pktmbuf_free_bulk(m, n);
	count_add(&s->full, n);
}

static void
give_up_kept(struct sw_send *s)
{
	give_up(s, s->kept + s->first, s->n_kept);
	s->first = s->n_kept = 0;
}

unsigned
sw_send_kept(struct sw_send *s)
{
	const unsigned k =
		rte_eth_tx_burst(s->port, s->queue, s->kept + s->first, (uint16_t)s->n_kept);
	const uint64_t now = rte_rdtsc();

	s->n_kept -= k;
	s->first = s->n_kept == 0 ? 0 : s->first + k;
	if (k != 0)
		s->since_tsc = now;
	else if (now - s->since_tsc > s->keep_tsc)
		give_up_kept(s);
	return k;
}

/* Without those that are too long. How many are left. */
static unsigned
that_fit(struct sw_send *s, struct rte_mbuf **m, unsigned n)
{
	unsigned fit = 0;

	for (unsigned i = 0; i < n; i++) {
		if (m[i]->pkt_len <= s->frame_max)
			m[fit++] = m[i];
		else
			rte_pktmbuf_free(m[i]);
	}
	count_add(&s->too_long, n - fit);
	return fit;
}

void
sw_send_keep(struct sw_send *s, struct rte_mbuf **m, unsigned n)
{
	const unsigned fit = that_fit(s, m, n);
	unsigned k = 0, kept;

	/* Nothing was behind the first one that was too long but for that. */
	if (fit != n && s->n_kept == 0)
		k = rte_eth_tx_burst(s->port, s->queue, m, (uint16_t)fit);
	kept = RTE_MIN(fit - k, SW_SEND_KEEP - s->n_kept);
	if (s->n_kept == 0)
		s->since_tsc = rte_rdtsc();
	if (s->first + s->n_kept + kept > SW_SEND_KEEP) {
		memmove(s->kept, s->kept + s->first, s->n_kept * sizeof(s->kept[0]));
		s->first = 0;
	}
	memcpy(s->kept + s->first + s->n_kept, m + k, kept * sizeof(m[0]));
	s->n_kept += kept;
	give_up(s, m + k + kept, fit - k - kept);
}

void
sw_send_end(struct sw_send *s)
{
	if (s->n_kept != 0)
		sw_send_kept(s);
	give_up_kept(s);
}
