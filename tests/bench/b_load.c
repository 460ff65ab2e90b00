/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_load.c - what synload itself takes for a connection, both ends of it, without ports: the most
 * that a benchmark of connections can show.
 *
 *	load/v4/100/1000  connections with a request of so many bytes and an answer of so many
 *
 * 32 at once, from SYN to the last ACK: eight frames each, written, read, every byte compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "conn.h"

#define AT_ONCE	    32
#define SLOTS	    1024
#define FRAME_BYTES 2048

struct load {
	struct sw_end ends[2]; /* the client first */
	struct sw_out out[2];
	uint8_t data[2][SW_OUT_MAX][FRAME_BYTES];
	struct sw_conn conns[2][SLOTS];
	uint32_t free_ring[SLOTS];
	struct sw_load_route route;
	struct sw_payload payload;
	struct sw_conn_spec spec;
	uint64_t opened;
};

static const struct shape {
	const char *name;
	bool v6;
	uint32_t request, response;
} shapes[] = {
	{"load/v4/100/100", false, 100, 100},
	{"load/v4/100/1000", false, 100, 1000},
	{"load/v6/100/1000", true, 100, 1000},
};

static void
no_more(void *arg)
{
	(void)arg;
}

/* What one end has written the other one takes. */
static void
deliver(struct load *l, unsigned from)
{
	struct sw_frame frames[SW_OUT_MAX];
	struct sw_out *o = &l->out[from];
	const unsigned n = o->n;

	for (unsigned i = 0; i < n; i++)
		frames[i] = (struct sw_frame){
			.data = o->data[i], .len = o->len[i], .pkt_len = o->len[i]};
	for (unsigned i = 0; i < n; i += AT_ONCE)
		sw_end_input(&l->ends[!from], frames + i, n - i < AT_ONCE ? n - i : AT_ONCE,
			no_more, NULL);
	o->n = 0;
}

static void
later(void *ctx)
{
	struct load *l = ctx;

	for (unsigned i = 0; i < 2; i++)
		l->ends[i].now_us += 40;
}

static void
run(void *ctx)
{
	struct load *l = ctx;

	for (unsigned i = 0; i < AT_ONCE; i++)
		l->opened += sw_end_open(&l->ends[0]);
	while (l->out[0].n + l->out[1].n > 0) {
		deliver(l, 0);
		deliver(l, 1);
	}
	for (unsigned i = 0; i < 2; i++)
		sw_end_timers(&l->ends[i], no_more, NULL);
}

static void
load_init(struct load *l, const struct shape *shape)
{
	const union sw_addr p4 = {.b = {[12] = 10}}, p6 = {.b = {0xfd}};

	memset(l, 0, sizeof(*l));
	l->route.l2 = (struct sw_load_l2){{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, 0};
	l->route.n_servers = 1;
	l->route.servers[0].port = 80;
	l->route.servers[0].v6 = shape->v6;
	l->route.servers[0].addr.w_be[3] = RTE_BE32(0xc633640a);
	if (shape->v6)
		l->route.servers[0].addr.b[0] = 0x20;
	l->route.key = 0x243f6a8885a308d3ull;
	sw_space_init(&l->route.space[0], &p4, 8, false);
	sw_space_init(&l->route.space[1], &p6, 8, true);
	for (unsigned v6 = 0; v6 < 2; v6++)
		sw_space_set_order(&l->route.space[v6], SW_SPACE_RANDOM, 1);
	sw_payload_init(&l->payload, 1);
	l->spec = (struct sw_conn_spec){.route = &l->route,
		.payload = &l->payload,
		.options = SW_CRAFT_LINUX,
		.request_bytes = shape->request,
		.response_bytes = shape->response,
		.keep_alive = 1,
		.timeout_ms = 5000,
		.rto_ms = 1000};
	for (unsigned end = 0; end < 2; end++) {
		for (unsigned i = 0; i < SW_OUT_MAX; i++)
			l->out[end].data[i] = l->data[end][i];
		l->out[end].room = SW_OUT_MAX;
		sw_end_init(&l->ends[end], &l->spec, &l->out[end], l->conns[end],
			end == 0 ? l->free_ring : NULL, SLOTS);
	}
}

/* All ended well, at both ends, with all their bytes, in as many frames as it takes. */
static void
check(struct bench *b, const struct load *l, const struct shape *s)
{
	const uint64_t bytes[] = {s->response, s->request};

	for (unsigned i = 0; i < 2; i++) {
		const struct sw_conn_stats *t = &l->ends[i].stats;

		bench_check(b,
			t->finished == l->opened && t->bytes_verified == bytes[i] * l->opened,
			"%s: %lu of %lu connections ended well, %lu bytes verified", s->name,
			(unsigned long)t->finished, (unsigned long)l->opened,
			(unsigned long)t->bytes_verified);
		bench_check(b, t->retransmitted == 0 && l->out[i].denied == 0,
			"%s: %lu segments were sent again, %lu had no buffer", s->name,
			(unsigned long)t->retransmitted, (unsigned long)l->out[i].denied);
	}
}

static void
measure(struct bench *b, const struct shape *shape)
{
	struct load *l = aligned_alloc(alignof(struct load), sizeof(struct load));

	if (l == NULL) {
		bench_check(b, false, "%s: no memory", shape->name);
		return;
	}
	load_init(l, shape);
	bench_measure(b, &(struct bench_case){.name = shape->name,
				 .unit = "connection",
				 .burst = AT_ONCE,
				 .ctx = l,
				 .prepare = later,
				 .run = run});
	check(b, l, shape);
	free(l);
}

void
bench_load(struct bench *b)
{
	for (unsigned i = 0; i < RTE_DIM(shapes); i++)
		if (bench_wants(b, shapes[i].name))
			measure(b, &shapes[i]);
}
