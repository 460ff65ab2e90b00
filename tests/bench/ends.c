/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/ends.h"

#include <stdlib.h>
#include <string.h>

#include "bench/pkts.h"
#include "conn.h"

#define FRAME_BYTES 2048

static_assert(BENCH_ENDS_OUT <= SW_OUT_MAX, "an end has room for what is asked of it");

struct bench_ends {
	struct sw_end ends[BENCH_ENDS];
	struct sw_out out[BENCH_ENDS];
	uint8_t data[BENCH_ENDS][SW_OUT_MAX][FRAME_BYTES];
	struct sw_conn conns[BENCH_ENDS][BENCH_ENDS_OPEN];
	uint32_t free_ring[BENCH_ENDS_OPEN];
	struct sw_load_route route;
	struct sw_payload payload;
	struct sw_conn_spec spec;
	uint64_t opened;
};

static void
no_more(void *arg)
{
	(void)arg;
}

static void
route_init(struct sw_load_route *r, bool v6)
{
	const union sw_addr p4 = {.b = {[12] = 10}}, p6 = {.b = {0xfd}};

	r->l2 = (struct sw_load_l2){{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, 0};
	r->n_servers = 1;
	r->servers[0].port = BENCH_SERVER_PORT;
	r->servers[0].v6 = v6;
	r->servers[0].addr = bench_tuple(&(struct bench_shape){.v6 = v6}, 0).server;
	r->key = 0x243f6a8885a308d3ull;
	sw_space_init(&r->space[0], &p4, 8, false);
	sw_space_init(&r->space[1], &p6, 8, true);
	for (unsigned i = 0; i < 2; i++)
		sw_space_set_order(&r->space[i], SW_SPACE_RANDOM, 1);
}

struct bench_ends *
bench_ends_new(const struct bench_ends_shape *shape)
{
	struct bench_ends *e = aligned_alloc(alignof(struct bench_ends), sizeof(*e));

	if (e == NULL)
		return NULL;
	memset(e, 0, sizeof(*e));
	route_init(&e->route, shape->v6);
	sw_payload_init(&e->payload, 1);
	e->spec = (struct sw_conn_spec){.route = &e->route,
		.payload = &e->payload,
		.options = SW_CRAFT_LINUX,
		.request_bytes = shape->request,
		.response_bytes = shape->response,
		.keep_alive = 1,
		.timeout_ms = 5000,
		.rto_ms = 1000};
	for (unsigned end = 0; end < BENCH_ENDS; end++) {
		for (unsigned i = 0; i < SW_OUT_MAX; i++)
			e->out[end].data[i] = e->data[end][i];
		e->out[end].room = SW_OUT_MAX;
		sw_end_init(&e->ends[end], &e->spec, &e->out[end], e->conns[end],
			end == BENCH_CLIENT ? e->free_ring : NULL, BENCH_ENDS_OPEN);
	}
	return e;
}

void
bench_ends_free(struct bench_ends *e)
{
	free(e);
}

void
bench_ends_later(struct bench_ends *e, uint64_t us)
{
	for (unsigned end = 0; end < BENCH_ENDS; end++)
		e->ends[end].now_us += us;
}

unsigned
bench_ends_open(struct bench_ends *e, unsigned n)
{
	unsigned opened = 0;

	while (opened < n && sw_end_open(&e->ends[BENCH_CLIENT]))
		opened++;
	e->opened += opened;
	return opened;
}

unsigned
bench_ends_n(const struct bench_ends *e, unsigned end)
{
	return e->out[end].n;
}

uint16_t
bench_ends_at(const struct bench_ends *e, unsigned end, unsigned i, uint8_t **data)
{
	*data = e->out[end].data[i];
	return e->out[end].len[i];
}

void
bench_ends_clear(struct bench_ends *e, unsigned end)
{
	e->out[end].n = 0;
}

void
bench_ends_take(
	struct bench_ends *e, unsigned end, uint8_t *const data[], const uint32_t len[], unsigned n)
{
	struct sw_frame frames[SW_BURST_MAX];

	for (unsigned i = 0; i < n; i++)
		frames[i] = (struct sw_frame){.data = data[i], .len = len[i], .pkt_len = len[i]};
	sw_end_input(&e->ends[end], frames, n, no_more, NULL);
}

void
bench_ends_timers(struct bench_ends *e)
{
	for (unsigned end = 0; end < BENCH_ENDS; end++)
		sw_end_timers(&e->ends[end], no_more, NULL);
}

bool
bench_ends_right(const struct bench_ends *e)
{
	for (unsigned end = 0; end < BENCH_ENDS; end++) {
		const struct sw_conn_stats *t = &e->ends[end].stats;

		for (unsigned i = 0; i < SW_CONN_FAULTS; i++)
			if (t->failed[i] != 0)
				return false;
		if (t->retransmitted + t->bad_checksum + t->malformed + t->bad_l2 +
				e->out[end].denied !=
			0)
			return false;
	}
	return true;
}

uint64_t
bench_ends_opened(const struct bench_ends *e)
{
	return e->opened;
}

uint64_t
bench_ends_finished(const struct bench_ends *e)
{
	return e->ends[BENCH_CLIENT].stats.finished;
}

uint64_t
bench_ends_verified(const struct bench_ends *e, unsigned end)
{
	return e->ends[end].stats.bytes_verified;
}
