/* SPDX-License-Identifier: BSD-3-Clause */
#include "totals.h"

#include <stdio.h>

#include <rte_ethdev.h>

static const char *const side_names[SW_SIDES] = {"outside", "inside"};

static uint64_t
load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void
each_of_engines(const struct sw_daemon *d, sw_total_fn fn, void *arg)
{
	uint64_t sum[SW_C_MAX] = {0};

	for (unsigned w = 0; w < d->n_workers; w++)
		sw_stats_read(sw_engine_stats(d->workers[w]->engine), sum);
	for (unsigned i = 0; i < SW_C_MAX; i++)
		if (sw_counter_info[i].name != NULL)
			fn(sw_counter_info[i].name, sum[i], SW_TOTAL_COUNTER, arg);
}

void
sw_totals_handed(const struct sw_handover *h, struct sw_handed *sum)
{
	if (h == NULL)
		return;
	sum->given += load(&h->handed.given);
	sum->taken += load(&h->handed.taken);
	sum->give_full += load(&h->handed.give_full);
	sum->lent += load(&h->handed.lent);
	for (unsigned side = 0; side < SW_SIDES; side++)
		sum->lend_full[side] += load(&h->handed.lend_full[side]);
}

void
sw_totals_times(const struct sw_worker *w, struct sw_worker_times *sum)
{
	const uint64_t tsc_per_us = rte_get_tsc_hz() / 1000000;

	sum->busy_us += load(&w->busy_tsc) / tsc_per_us;
	sum->idle_us += load(&w->idle_tsc) / tsc_per_us;
	sum->stalled_us += load(&w->stalled_tsc) / tsc_per_us;
	sum->busy_rounds += load(&w->busy_rounds);
}

static void
each_of_workers(const struct sw_daemon *d, sw_total_fn fn, void *arg)
{
	uint64_t tx_full[SW_SIDES] = {0}, tx_too_long[SW_SIDES] = {0}, tx_no_port = 0,
		 no_buffer = 0;
	struct sw_worker_times times = {0};
	struct sw_handed handed = {0};

	for (unsigned i = 0; i < d->n_workers; i++) {
		const struct sw_worker *w = d->workers[i];

		for (unsigned side = 0; side < SW_SIDES; side++) {
			tx_full[side] += load(&w->send[side].full);
			tx_too_long[side] += load(&w->send[side].too_long);
		}
		tx_no_port += load(&w->tx_no_port);
		no_buffer += load(&w->no_buffer);
		sw_totals_handed(w->handover, &handed);
		sw_totals_times(w, &times);
	}
	fn("busy_us", times.busy_us, SW_TOTAL_COUNTER, arg);
	fn("idle_us", times.idle_us, SW_TOTAL_COUNTER, arg);
	fn("stalled_us", times.stalled_us, SW_TOTAL_COUNTER, arg);
	fn("busy_rounds", times.busy_rounds, SW_TOTAL_COUNTER, arg);
	fn("tx_full_outside", tx_full[SW_OUTSIDE], SW_TOTAL_COUNTER, arg);
	fn("tx_full_inside", tx_full[SW_INSIDE], SW_TOTAL_COUNTER, arg);
	fn("tx_too_long_outside", tx_too_long[SW_OUTSIDE], SW_TOTAL_COUNTER, arg);
	fn("tx_too_long_inside", tx_too_long[SW_INSIDE], SW_TOTAL_COUNTER, arg);
	fn("tx_no_port", tx_no_port, SW_TOTAL_COUNTER, arg);
	fn("no_buffer", no_buffer, SW_TOTAL_COUNTER, arg);
	fn("handover_given", handed.given, SW_TOTAL_COUNTER, arg);
	fn("handover_taken", handed.taken, SW_TOTAL_COUNTER, arg);
	fn("handover_full", handed.give_full, SW_TOTAL_COUNTER, arg);
	fn("handover_tx", handed.lent, SW_TOTAL_COUNTER, arg);
	fn("handover_tx_full_outside", handed.lend_full[SW_OUTSIDE], SW_TOTAL_COUNTER, arg);
	fn("handover_tx_full_inside", handed.lend_full[SW_INSIDE], SW_TOTAL_COUNTER, arg);
}

static void
each_of_ports(const struct sw_daemon *d, sw_total_fn fn, void *arg)
{
	for (unsigned side = 0; side < d->n_ports; side++) {
		struct rte_eth_stats st = {0};
		const struct {
			const char *name;
			const uint64_t *value;
		} rows[] = {
			{"imissed", &st.imissed},
			{"ierrors", &st.ierrors},
			{"oerrors", &st.oerrors},
			{"rx_nombuf", &st.rx_nombuf},
		};

		/* A driver that keeps no statistics leaves zeros. */
		rte_eth_stats_get(d->ports[side].id, &st);
		for (unsigned i = 0; i < SW_ARRAY_LEN(rows); i++) {
			char name[64];

			snprintf(name, sizeof(name), "%s_%s", rows[i].name, side_names[side]);
			fn(name, *rows[i].value, SW_TOTAL_COUNTER, arg);
		}
	}
}

static void
each_gauge(const struct sw_daemon *d, sw_total_fn fn, void *arg)
{
	uint64_t flows = 0, flows_max = 0, pending = 0, held = 0;

	for (unsigned i = 0; i < d->n_workers; i++) {
		struct sw_engine_gauges g = sw_engine_gauges(d->workers[i]->engine);

		flows += g.flows;
		flows_max += g.flows_max;
		pending += g.pending;
		held += g.held;
	}
	fn("flows", flows, SW_TOTAL_GAUGE, arg);
	fn("flows_max", flows_max, SW_TOTAL_GAUGE, arg);
	fn("pending", pending, SW_TOTAL_GAUGE, arg);
	/* "held" is the counter of all that ever were. */
	fn("held_now", held, SW_TOTAL_GAUGE, arg);
}

void
sw_totals_each(const struct sw_daemon *d, sw_total_fn fn, void *arg)
{
	each_of_engines(d, fn, arg);
	each_of_workers(d, fn, arg);
	each_of_ports(d, fn, arg);
	each_gauge(d, fn, arg);
}

struct sw_service_stats
sw_totals_service(const struct sw_daemon *d, uint32_t idx)
{
	struct sw_service_stats sum = {0};

	for (unsigned i = 0; i < d->n_workers; i++) {
		const struct sw_service_stats *s =
			&sw_engine_service_stats(d->workers[i]->engine)[idx];

		sum.syn_received += load(&s->syn_received);
		sum.synack_sent += load(&s->synack_sent);
		sum.cookie_accepted += load(&s->cookie_accepted);
		sum.cookie_refused += load(&s->cookie_refused);
		sum.established += load(&s->established);
		sum.failed += load(&s->failed);
		sum.dropped += load(&s->dropped);
		sum.passed += load(&s->passed);
	}
	return sum;
}
