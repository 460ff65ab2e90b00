/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's memory: made and freed on the main thread. The loop is in lcore.c. */
#include "lcore.h"

#include <errno.h>
#include <stdio.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include "log.h"

#define TICK_US 1000
/* A burst takes some 20 us; the longest sleep (idle.h) 1 ms and the timer's slack. */
#define STALL_US 10000

/*
 * rte_lcore_to_socket_id() and not libnuma: EAL has asked the kernel for each lcore's CPU already,
 * and answers for lcores whose number is not their CPU's.
 */
static int
memory_node(const struct sw_worker_spec *spec)
{
	int lcore_node = (int)rte_lcore_to_socket_id(spec->lcore);
	int node = spec->ports[0].socket;

	for (unsigned i = 0; i < spec->n_ports; i++) {
		const struct sw_port *p = &spec->ports[i];

		if (p->socket != SOCKET_ID_ANY && p->socket != lcore_node)
			sw_log_warning(
				"worker %u runs on NUMA node %d, port %s is on node %d: every "
				"packet crosses between them; choose CPUs of that node "
				"(lcores: [N])",
				spec->index, lcore_node, p->name, p->socket);
	}
	return node == SOCKET_ID_ANY ? lcore_node : node;
}

static void
say_no_memory(const struct sw_worker_spec *spec, size_t engine_bytes, int node)
{
	sw_log_error(
		"no memory for worker %u: %u flows, %u pending connections and %u held packets "
		"take %zu MiB on NUMA node %d. Give more (-m MEGABYTES before the --, or more "
		"hugepages) or set flows: lower",
		spec->index, spec->params.max_flows, spec->params.max_pending,
		spec->params.max_held, (engine_bytes + sizeof(struct sw_out)) >> 20, node);
}

struct sw_worker *
sw_worker_create(const struct sw_worker_spec *spec)
{
	size_t size = sw_engine_size(&spec->params);
	int node = memory_node(spec);
	struct sw_worker *w;

	w = rte_zmalloc_socket("sw_worker", sizeof(*w), SW_CACHE_LINE_BYTES, node);
	if (w == NULL || size == 0)
		goto fail;
	w->out = rte_zmalloc_socket("sw_out", sizeof(*w->out), SW_CACHE_LINE_BYTES, node);
	w->engine_mem = rte_zmalloc_socket("sw_engine", size, SW_CACHE_LINE_BYTES, node);
	if (w->out == NULL || w->engine_mem == NULL)
		goto fail;
	w->engine = sw_engine_init(w->engine_mem, size, &spec->params);
	if (w->engine == NULL)
		goto fail;
	w->control = spec->control;
	w->pool = spec->ports[0].pool;
	w->clock = sw_clock_start();
	w->tick_tsc = rte_get_tsc_hz() / 1000000 * TICK_US;
	w->stall_tsc = rte_get_tsc_hz() / 1000000 * STALL_US;
	w->idle.tsc_per_us = spec->idle_sleeps ? rte_get_tsc_hz() / 1000000 : 0;
	w->handover = spec->handover;
	for (unsigned i = 0; i < spec->n_ports; i++) {
		w->port[i] = spec->ports[i].id;
		w->peer_writes[i] = spec->ports[i].peer_writes;
		w->send[i].port = spec->ports[i].id;
		w->send[i].queue = spec->index;
		w->send[i].frame_max = spec->ports[i].frame_max;
		w->send[i].keep_tsc = rte_get_tsc_hz() / 1000 * SW_SEND_KEEP_MS;
		w->has_queue[i] = spec->index < spec->ports[i].n_queues;
	}
	w->n_ports = (uint16_t)spec->n_ports;
	w->index = spec->index;
	w->lcore = spec->lcore;
	return w;

fail:
	say_no_memory(spec, size, node);
	sw_worker_free(w);
	return NULL;
}

void
sw_worker_free(struct sw_worker *w)
{
	if (w == NULL)
		return;
	rte_free(w->engine_mem);
	rte_free(w->out);
	rte_free(w);
}
