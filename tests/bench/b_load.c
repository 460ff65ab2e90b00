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

#include <rte_common.h>

#include "bench/bench.h"
#include "bench/ends.h"

#define AT_ONCE 32

static const struct bench_ends_shape shapes[] = {
	{false, 100, 100},
	{false, 100, 1000},
	{true, 100, 1000},
};

/* What one end has written the other one takes. */
static void
deliver(struct bench_ends *e, unsigned from)
{
	const unsigned n = bench_ends_n(e, from);
	uint8_t *data[BENCH_ENDS_OUT];
	uint32_t len[BENCH_ENDS_OUT];

	for (unsigned i = 0; i < n; i++)
		len[i] = bench_ends_at(e, from, i, &data[i]);
	for (unsigned i = 0; i < n; i += AT_ONCE)
		bench_ends_take(e, !from, data + i, len + i, RTE_MIN(n - i, (unsigned)AT_ONCE));
	bench_ends_clear(e, from);
}

static void
later(void *ctx)
{
	bench_ends_later(ctx, 40);
}

static void
run(void *ctx)
{
	struct bench_ends *e = ctx;

	bench_ends_open(e, AT_ONCE);
	while (bench_ends_n(e, BENCH_CLIENT) + bench_ends_n(e, BENCH_SERVER) > 0) {
		deliver(e, BENCH_CLIENT);
		deliver(e, BENCH_SERVER);
	}
	bench_ends_timers(e);
}

/* All ended well, at both ends, with all their bytes, in as many frames as it takes. */
static void
check(struct bench *b, const char *name, const struct bench_ends *e,
	const struct bench_ends_shape *s)
{
	const uint64_t opened = bench_ends_opened(e);

	bench_check(b,
		bench_ends_right(e) && bench_ends_finished(e) == opened &&
			bench_ends_verified(e, BENCH_CLIENT) == s->response * opened &&
			bench_ends_verified(e, BENCH_SERVER) == s->request * opened,
		"%s: %lu of %lu connections ended well", name,
		(unsigned long)bench_ends_finished(e), (unsigned long)opened);
}

static void
measure(struct bench *b, const struct bench_ends_shape *shape)
{
	char name[BENCH_NAME_BYTES];
	struct bench_ends *e;

	snprintf(name, sizeof(name), "load/%s/%u/%u", shape->v6 ? "v6" : "v4", shape->request,
		shape->response);
	if (!bench_wants(b, name))
		return;
	e = bench_ends_new(shape);
	if (e == NULL) {
		bench_check(b, false, "%s: no memory", name);
		return;
	}
	bench_measure(b, &(struct bench_case){.name = name,
				 .unit = "connection",
				 .burst = AT_ONCE,
				 .ctx = e,
				 .prepare = later,
				 .run = run});
	check(b, name, e, shape);
	bench_ends_free(e);
}

void
bench_load(struct bench *b)
{
	for (unsigned i = 0; i < RTE_DIM(shapes); i++)
		measure(b, &shapes[i]);
}
