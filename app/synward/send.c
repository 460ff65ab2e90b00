/* SPDX-License-Identifier: BSD-3-Clause */
#include "send.h"

#include <string.h>

#include "count.h"

static void
give_up(struct sw_send *s, struct rte_mbuf **m, unsigned n)
{
	rte_pktmbuf_free_bulk(m, n);
	sw_counter_add(&s->full, n);
}

static void
give_up_kept(struct sw_send *s)
{
	give_up(s, s->kept + s->first, s->n_kept);
	s->first = s->n_kept = 0;
}

/* net_memif without copying says -1 where its peer has gone, and has taken nothing. */
static unsigned
offer(const struct sw_send *s, struct rte_mbuf **m, unsigned n)
{
	const unsigned k = rte_eth_tx_burst(s->port, s->queue, m, (uint16_t)n);

	return k <= n ? k : 0;
}

/* Nothing of what is kept was taken, at now. */
static void
refused(struct sw_send *s, uint64_t now)
{
	const uint64_t since = now - s->offered_tsc;

	/* In between the worker may have been off its CPU, and then so may the reader. */
	s->refused_tsc += RTE_MIN(since, s->keep_tsc / SW_SEND_SHARE);
	if (s->refused_tsc <= s->keep_tsc)
		return;
	give_up_kept(s);
	s->not_kept_tsc = now + (SW_SEND_SHARE - 1) * s->keep_tsc;
}

unsigned
sw_send_kept(struct sw_send *s)
{
	const unsigned k = offer(s, s->kept + s->first, s->n_kept);
	const uint64_t now = rte_rdtsc();

	s->n_kept -= k;
	s->first = s->n_kept == 0 ? 0 : s->first + k;
	if (k != 0)
		s->refused_tsc = 0;
	else
		refused(s, now);
	s->offered_tsc = now;
	return k;
}

/* Frees those that are too long. How many are left, in their order. */
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
	sw_counter_add(&s->too_long, n - fit);
	return fit;
}

/* Keeps n packets, at now. How many there was room for. */
static unsigned
keep(struct sw_send *s, struct rte_mbuf **m, unsigned n, uint64_t now)
{
	const unsigned k = RTE_MIN(n, sw_send_room(s));

	if (s->n_kept == 0) {
		s->offered_tsc = now;
		s->refused_tsc = 0;
	}
	if (s->first + s->n_kept + k > SW_SEND_KEEP) {
		memmove(s->kept, s->kept + s->first, s->n_kept * sizeof(s->kept[0]));
		s->first = 0;
	}
	memcpy(s->kept + s->first + s->n_kept, m, k * sizeof(m[0]));
	s->n_kept += k;
	return k;
}

void
sw_send_rest(struct sw_send *s, struct rte_mbuf **m, unsigned n, unsigned k)
{
	const uint64_t now = rte_rdtsc();
	unsigned fit;

	if (k < n) {
		m += k;
		n -= k;
	}
	fit = that_fit(s, m, n);
	/* The driver stopped at one that was too long: what is behind that has not been offered. */
	k = fit != n && s->n_kept == 0 ? offer(s, m, fit) : 0;
	if (now >= s->not_kept_tsc)
		k += keep(s, m + k, fit - k, now);
	give_up(s, m + k, fit - k);
}

void
sw_send_end(struct sw_send *s)
{
	if (s->n_kept != 0)
		sw_send_kept(s);
	give_up_kept(s);
}
