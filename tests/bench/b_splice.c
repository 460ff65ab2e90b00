/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_splice.c - segments of established connections, translated: splice/FAMILY/FLOWS/PAYLOAD.
 *
 * A burst is 32 segments of clients and 32 of servers, each of a connection picked at random among
 * all; timestamps, checksums unknown to the port. The connections were opened through the engine.
 * Its flow table has the default size (1,048,576) up to 1M flows and 16,777,216 for 16M. Each size
 * has an engine of its own, and all sizes are run in turn.
 */
#include <stdio.h>

#include "bench/conns.h"

#define SIDE_BURST 32
#define BURST	   (2 * SIDE_BURST)

static const struct size {
	const char *name;
	uint64_t flows;
} sizes[] = {{"1k", 1000}, {"100k", 100000}, {"1M", 1000000}, {"16M", 16000000}};

#define SIZES	  SW_ARRAY_LEN(sizes)
#define BIG_SIZE  (SIZES - 1)
#define BIG_FLOWS (1u << 24)

struct splice {
	struct bench_rig rig;
	struct bench_conns conns;
	struct bench_mem conn_mem;
	struct bench_conn *conn;
	uint64_t flows; /* open */
	uint64_t seed;
	uint32_t payload;
	uint64_t n, tx[SW_SIDES];  /* of this payload: segments each way, what came out */
	uint64_t before[SW_SIDES]; /* counters, as they were */
	bool ready;
};

static void
prepare(void *ctx)
{
	struct splice *s = ctx;

	bench_rig_next(&s->rig);
	for (unsigned i = 0; i < BURST; i++) {
		uint64_t c = bench_rand(&s->seed) % s->flows;

		bench_conn_add_segment(&s->conns, c, &s->conn[c],
			i < SIDE_BURST ? SW_OUTSIDE : SW_INSIDE, s->payload);
	}
}

static void
run(void *ctx)
{
	bench_rig_run(&((struct splice *)ctx)->rig);
}

static void
done(void *ctx)
{
	struct splice *s = ctx;

	s->n += SIDE_BURST;
	for (unsigned side = 0; side < SW_SIDES; side++)
		s->tx[side] += s->rig.out->n_tx[side];
}

static void
name_of(char name[BENCH_NAME_BYTES], bool v6, unsigned size, unsigned payload)
{
	snprintf(name, BENCH_NAME_BYTES, "splice/%s/%s/%u", v6 ? "v6" : "v4", sizes[size].name,
		payload);
}

static const unsigned payloads[] = {0, 100, 1460};

#define PAYLOADS SW_ARRAY_LEN(payloads)

static void
counters(const struct splice *s, uint64_t c[SW_SIDES])
{
	c[SW_OUTSIDE] = bench_rig_count(&s->rig, SW_C_SPLICED_TO_CLIENT);
	c[SW_INSIDE] = bench_rig_count(&s->rig, SW_C_SPLICED_TO_SERVER);
}

static void
check(struct bench *b, const char *name, const struct splice *s)
{
	uint64_t now[SW_SIDES];

	counters(s, now);
	for (unsigned side = 0; side < SW_SIDES; side++)
		bench_check(b, s->tx[side] == s->n && now[side] - s->before[side] == s->n,
			"%s: of %lu segments, %lu came out on side %u, %lu were translated", name,
			(unsigned long)s->n, (unsigned long)s->tx[side], side,
			(unsigned long)(now[side] - s->before[side]));
}

/* One payload, all sizes that want it. */
static void
measure(struct bench *b, struct splice *engines, bool v6, unsigned payload,
	const bool wanted[SIZES])
{
	char name[SIZES][BENCH_NAME_BYTES];
	struct bench_case cases[SIZES];
	struct splice *s[SIZES];
	unsigned n = 0;

	for (unsigned size = 0; size < SIZES; size++) {
		if (!wanted[size] || !engines[size].ready)
			continue;
		s[n] = &engines[size];
		s[n]->payload = payload;
		s[n]->n = s[n]->tx[0] = s[n]->tx[1] = 0;
		counters(s[n], s[n]->before);
		name_of(name[n], v6, size, payload);
		cases[n] = (struct bench_case){.name = name[n],
			.burst = BURST,
			.ctx = s[n],
			.prepare = prepare,
			.run = run,
			.done = done};
		n++;
	}
	bench_measure_turns(b, cases, n);
	for (unsigned i = 0; i < n; i++)
		check(b, name[i], s[i]);
}

/* An engine with all its flows; not ready where it cannot be had. */
static void
splice_init(struct bench *b, struct splice *s, bool v6, unsigned size)
{
	uint32_t max_flows = size == BIG_SIZE ? BIG_FLOWS : BENCH_FLOWS;
	uint64_t opened;

	s->flows = sizes[size].flows;
	s->conns = (struct bench_conns){.rig = &s->rig, .shape = {.v6 = v6}};
	s->conn_mem = bench_mem_get(s->flows * sizeof(*s->conn));
	s->conn = s->conn_mem.p;
	if (s->conn == NULL ||
		!bench_rig_init(&s->rig,
			&(struct bench_rig_cfg){.mode = SW_MODE_PROXY, .max_flows = max_flows})) {
		bench_left_out(b, "splice: not enough memory for %s flows", sizes[size].name);
		bench_mem_put(&s->conn_mem);
		return;
	}
	bench_note(b, "splice: %s in an engine for %u flows: %.1f MiB, %.1f bytes a flow, %s",
		sizes[size].name, max_flows, (double)s->rig.engine_bytes / 1048576,
		(double)s->rig.engine_bytes / max_flows, s->rig.engine_mem.pages);
	opened = bench_conn_open(&s->conns, 0, s->conn, s->flows);
	bench_check(b, opened == s->flows, "splice: of %lu connections, %lu were opened",
		(unsigned long)s->flows, (unsigned long)opened);
	s->ready = true;
}

static void
splice_fini(struct splice *s)
{
	if (!s->ready)
		return;
	bench_rig_fini(&s->rig);
	bench_mem_put(&s->conn_mem);
}

/* wanted[payload][size]; true where this size is wanted with any payload. */
static bool
wants_size(struct bench *b, bool v6, unsigned size, bool wanted[PAYLOADS][SIZES])
{
	char name[BENCH_NAME_BYTES];
	bool any = false;

	for (unsigned p = 0; p < PAYLOADS; p++) {
		/* One size is enough for long segments, one family for many flows. */
		bool exists =
			(payloads[p] <= 100 || size == BIG_SIZE - 1) && (size != BIG_SIZE || !v6);

		name_of(name, v6, size, payloads[p]);
		wanted[p][size] = exists && bench_wants(b, name);
		any |= wanted[p][size];
	}
	return any;
}

static void
measure_family(struct bench *b, bool v6)
{
	static struct splice engines[SIZES];
	bool wanted[PAYLOADS][SIZES];

	memset(engines, 0, sizeof(engines));
	for (unsigned size = 0; size < SIZES; size++) {
		if (!wants_size(b, v6, size, wanted))
			continue;
		if (size == BIG_SIZE && b->opt.quick)
			bench_note(
				b, "splice: %s flows are left out with --quick", sizes[size].name);
		else
			splice_init(b, &engines[size], v6, size);
	}
	for (unsigned p = 0; p < PAYLOADS; p++)
		measure(b, engines, v6, payloads[p], wanted[p]);
	for (unsigned size = 0; size < SIZES; size++)
		splice_fini(&engines[size]);
}

static void
say_ratio(struct bench *b, bool v6)
{
	char name[2][BENCH_NAME_BYTES];
	const struct bench_row *small, *big;

	name_of(name[0], v6, 0, 0);
	small = bench_row(b, name[0]);
	for (unsigned size = 1; small != NULL && size < SIZES; size++) {
		name_of(name[1], v6, size, 0);
		big = bench_row(b, name[1]);
		if (big != NULL)
			bench_note(b, "%s against %s: %.2f times", name[1], name[0],
				big->cycles.median / small->cycles.median);
	}
}

void
bench_splice(struct bench *b)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		measure_family(b, v6);
		say_ratio(b, v6);
	}
}
