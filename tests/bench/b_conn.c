/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_conn.c - whole connections through the engine, without ports: as they come from a wire, each
 * burst with packets of all kinds.
 *
 *	conn/v4/100/1000  a connection with a request of so many bytes and an answer of so many
 *
 * Seven are opened before each burst, whose packets are of those that were opened in this round and
 * in the ones before. What synload's ends take is not timed, nor are ticks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "bench/ends.h"
#include "bench/pkts.h"
#include "bench/rig.h"

#define OPEN	   7
#define QUEUE	   1024 /* a power of two */
#define POOL	   4096
#define WARM	   100000 /* a second of the engine's clock: as long as one is kept after its end */
#define WARM_QUICK 1000

/* Frames that wait for the engine. */
struct queue {
	uint8_t *data[QUEUE];
	uint16_t len[QUEUE];
	unsigned head, n;
};

struct conns {
	struct bench_rig rig;
	struct bench_ends *ends;
	struct queue queue[SW_SIDES];
	struct bench_mem mem;
	uint8_t *pool[POOL]; /* buffers that are free, the last one first */
	unsigned n_free;
	bool lost; /* a queue or the pool ran over */
};

/* A buffer that the engine is done with; its own ones are the rig's. */
static void
give_back(struct conns *c, void *handle)
{
	const uint8_t *first = c->mem.p;

	if ((uint8_t *)handle >= first && (uint8_t *)handle < first + c->mem.size)
		c->pool[c->n_free++] = handle;
}

/* What the engine has sent on a side, to the end that is there. */
static void
take_sent(struct conns *c, unsigned side)
{
	struct sw_out *o = c->rig.out;
	uint8_t *data[SW_BURST_MAX];
	uint32_t len[SW_BURST_MAX];

	for (unsigned at = 0; at < o->n_tx[side];) {
		const unsigned n = RTE_MIN(o->n_tx[side] - at, (unsigned)SW_BURST_MAX);

		for (unsigned i = 0; i < n; i++) {
			data[i] = o->tx[side][at + i].data;
			len[i] = o->tx[side][at + i].len;
		}
		bench_ends_take(
			c->ends, side == SW_OUTSIDE ? BENCH_CLIENT : BENCH_SERVER, data, len, n);
		for (unsigned i = 0; i < n; i++)
			give_back(c, o->tx[side][at + i].handle);
		at += n;
	}
}

/* What an end has written waits for the engine, in a buffer of its own. */
static void
queue_written(struct conns *c, unsigned side)
{
	const unsigned end = side == SW_OUTSIDE ? BENCH_CLIENT : BENCH_SERVER;
	const unsigned n = bench_ends_n(c->ends, end);
	struct queue *q = &c->queue[side];

	for (unsigned i = 0; i < n; i++) {
		const unsigned at = (q->head + q->n) % QUEUE;
		uint8_t *from;

		if (q->n == QUEUE || c->n_free == 0) {
			c->lost = true;
			break;
		}
		q->len[at] = bench_ends_at(c->ends, end, i, &from);
		q->data[at] = c->pool[--c->n_free];
		memcpy(q->data[at], from, q->len[at]);
		q->n++;
	}
	bench_ends_clear(c->ends, end);
}

static void
fill_burst(struct conns *c, unsigned side, unsigned most)
{
	struct queue *q = &c->queue[side];
	struct bench_rig *r = &c->rig;

	for (; q->n > 0 && r->n < most; q->n--) {
		const uint32_t len = q->len[q->head];

		r->frames[r->n++] = (struct sw_frame){.data = q->data[q->head],
			.handle = q->data[q->head],
			.len = len,
			.pkt_len = len,
			.room = (uint16_t)(BENCH_BUF_BYTES - BENCH_BUF_HEADROOM - len),
			.side = (uint8_t)side,
			.headroom = BENCH_BUF_HEADROOM};
		q->head = (q->head + 1) % QUEUE;
	}
}

/* A round of both ends, and a burst of what they wrote, as the daemon's loop makes it. */
static void
prepare(void *ctx)
{
	struct conns *c = ctx;
	struct sw_out *o = c->rig.out;

	take_sent(c, SW_OUTSIDE);
	take_sent(c, SW_INSIDE);
	for (unsigned i = 0; i < o->n_free; i++)
		give_back(c, o->free[i]);
	bench_rig_next(&c->rig);
	bench_ends_later(c->ends, BENCH_ROUND_NS / BENCH_US_NS);
	bench_ends_open(c->ends, OPEN);
	bench_ends_timers(c->ends);
	queue_written(c, SW_OUTSIDE);
	queue_written(c, SW_INSIDE);
	fill_burst(c, SW_INSIDE, SW_BURST_MAX / SW_SIDES);
	fill_burst(c, SW_OUTSIDE, SW_BURST_MAX);
}

static void
run(void *ctx)
{
	bench_rig_run(&((struct conns *)ctx)->rig);
}

static bool
conns_init(struct conns *c, const struct bench_ends_shape *shape)
{
	memset(c, 0, sizeof(*c));
	c->ends = bench_ends_new(shape);
	c->mem = bench_mem_get((size_t)POOL * BENCH_BUF_BYTES);
	if (c->ends == NULL || c->mem.p == NULL ||
		!bench_rig_init(&c->rig, &(struct bench_rig_cfg){.mode = SW_MODE_PROXY,
						 .max_flows = 2 * BENCH_FLOWS}))
		return false;
	c->rig.view.timeouts.state_ms[SW_FLOW_FIN_BOTH] = 1000;
	for (unsigned i = 0; i < POOL; i++)
		c->pool[c->n_free++] =
			(uint8_t *)c->mem.p + (size_t)i * BENCH_BUF_BYTES + BENCH_BUF_HEADROOM;
	return true;
}

static void
conns_fini(struct conns *c)
{
	bench_rig_fini(&c->rig);
	bench_mem_put(&c->mem);
	bench_ends_free(c->ends);
	free(c);
}

/* Each went through a cookie and a splice of its own, with the right bytes; none stands still. */
static void
check(struct bench *b, const char *name, struct conns *c, const struct bench_ends_shape *s)
{
	const uint64_t opened = bench_ends_opened(c->ends);
	const uint64_t finished = bench_ends_finished(c->ends);

	bench_check(
		b, !c->lost && bench_ends_right(c->ends), "%s: not all of it came through", name);
	bench_check(b, opened - finished < BENCH_ENDS_OPEN / 2,
		"%s: %lu connections of %lu ended well", name, (unsigned long)finished,
		(unsigned long)opened);
	bench_check(b, bench_rig_count(&c->rig, SW_C_FLOW_ESTABLISHED) >= finished,
		"%s: connections went round the engine", name);
	bench_check(b, bench_ends_verified(c->ends, BENCH_CLIENT) >= s->response * finished,
		"%s: bytes are missing", name);
}

static void
measure(struct bench *b, const struct bench_ends_shape *shape)
{
	struct conns *c;
	char name[BENCH_NAME_BYTES];

	snprintf(name, sizeof(name), "conn/%s/%u/%u", shape->v6 ? "v6" : "v4", shape->request,
		shape->response);
	if (!bench_wants(b, name))
		return;
	c = malloc(sizeof(*c));
	if (c == NULL || !conns_init(c, shape)) {
		bench_check(b, false, "%s: not enough memory", name);
		if (c != NULL)
			conns_fini(c);
		return;
	}
	for (unsigned i = 0; i < (b->opt.quick ? WARM_QUICK : WARM); i++) {
		prepare(c);
		run(c);
	}
	bench_measure(b, &(struct bench_case){.name = name,
				 .unit = "connection",
				 .burst = OPEN,
				 .ctx = c,
				 .prepare = prepare,
				 .run = run});
	check(b, name, c, shape);
	conns_fini(c);
}

void
bench_conn(struct bench *b)
{
	static const struct bench_ends_shape shapes[] = {
		{false, 100, 100},
		{false, 100, 1000},
		{true, 100, 1000},
	};

	for (unsigned i = 0; i < RTE_DIM(shapes); i++)
		measure(b, &shapes[i]);
}
