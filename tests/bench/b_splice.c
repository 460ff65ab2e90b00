/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_splice.c - segments of established connections, translated: splice/FAMILY/FLOWS/PAYLOAD.
 *
 * A burst is 32 segments of clients and 32 of servers, each of a connection picked at random among
 * all; timestamps, checksums unknown to the port. The connections were opened through the engine.
 * Its flow table has the default size (1,048,576) up to 1M flows and 16,777,216 for 16M.
 */
#include <stdio.h>

#include "bench/conn.h"

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
	uint64_t n, tx[SW_SIDES];
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

/* Opens what is missing to so many. */
static bool
open_flows(struct bench *b, struct splice *s, uint64_t flows, const char *name)
{
	uint64_t n = flows - s->flows;
	uint64_t opened = bench_conn_open(&s->conns, s->flows, &s->conn[s->flows], n);

	bench_check(b, opened == n, "%s: of %lu connections, %lu were opened", name,
		(unsigned long)n, (unsigned long)opened);
	s->flows = flows;
	return opened == n;
}

static void
measure(struct bench *b, struct splice *s, const char *name)
{
	uint64_t before[2] = {bench_rig_count(&s->rig, SW_C_SPLICED_TO_SERVER),
		bench_rig_count(&s->rig, SW_C_SPLICED_TO_CLIENT)};

	s->n = s->tx[0] = s->tx[1] = 0;
	bench_measure(b, &(struct bench_case){.name = name,
				 .burst = BURST,
				 .ctx = s,
				 .prepare = prepare,
				 .run = run,
				 .done = done});
	bench_check(b, s->tx[SW_OUTSIDE] == s->n && s->tx[SW_INSIDE] == s->n,
		"%s: of %lu segments each way, %lu and %lu came out", name, (unsigned long)s->n,
		(unsigned long)s->tx[SW_INSIDE], (unsigned long)s->tx[SW_OUTSIDE]);
	bench_check(b,
		bench_rig_count(&s->rig, SW_C_SPLICED_TO_SERVER) - before[0] == s->n &&
			bench_rig_count(&s->rig, SW_C_SPLICED_TO_CLIENT) - before[1] == s->n,
		"%s: not all segments were translated", name);
}

static const unsigned payloads[] = {0, 100, 1460};

static bool
has_case(unsigned size, unsigned payload)
{
	return payload <= 100 || size == 2; /* one size is enough for long segments */
}

static bool
wants_size(struct bench *b, bool v6, unsigned size, bool *wanted)
{
	char name[BENCH_NAME_BYTES];
	bool any = false;

	for (unsigned p = 0; p < SW_ARRAY_LEN(payloads); p++) {
		name_of(name, v6, size, payloads[p]);
		wanted[p] = has_case(size, payloads[p]) && bench_wants(b, name);
		any |= wanted[p];
	}
	return any;
}

static bool
splice_init(struct bench *b, struct splice *s, bool v6, uint32_t max_flows)
{
	memset(s, 0, sizeof(*s));
	s->conns = (struct bench_conns){.rig = &s->rig, .shape = {.v6 = v6}};
	s->conn_mem = bench_mem_get((size_t)max_flows * sizeof(*s->conn));
	s->conn = s->conn_mem.p;
	if (s->conn != NULL &&
		bench_rig_init(&s->rig,
			&(struct bench_rig_cfg){.mode = SW_MODE_PROXY, .max_flows = max_flows})) {
		bench_note(b,
			"splice: an engine for %u flows: %.1f MiB, %.1f bytes a flow, pages: %s",
			max_flows, (double)s->rig.engine_bytes / 1048576,
			(double)s->rig.engine_bytes / max_flows, s->rig.engine_mem.pages);
		return true;
	}
	bench_note(b, "splice: left out, not enough memory for %u flows", max_flows);
	bench_mem_put(&s->conn_mem);
	return false;
}

/* Sizes first..last with one engine, which gets more and more flows. */
static void
bench_sizes(struct bench *b, bool v6, unsigned first, unsigned last, uint32_t max_flows)
{
	static struct splice s;
	bool ready = false, wanted[SW_ARRAY_LEN(payloads)];
	char name[BENCH_NAME_BYTES];

	for (unsigned size = first; size <= last; size++) {
		if (!wants_size(b, v6, size, wanted))
			continue;
		if (!ready && !splice_init(b, &s, v6, max_flows))
			return;
		ready = true;
		name_of(name, v6, size, 0);
		if (!open_flows(b, &s, sizes[size].flows, name))
			break;
		for (unsigned p = 0; p < SW_ARRAY_LEN(payloads); p++) {
			name_of(name, v6, size, payloads[p]);
			s.payload = payloads[p];
			if (wanted[p])
				measure(b, &s, name);
		}
	}
	if (ready) {
		bench_rig_fini(&s.rig);
		bench_mem_put(&s.conn_mem);
	}
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

static void
bench_big(struct bench *b)
{
	bool wanted[SW_ARRAY_LEN(payloads)];

	if (!b->opt.quick)
		bench_sizes(b, false, BIG_SIZE, BIG_SIZE, BIG_FLOWS);
	else if (wants_size(b, false, BIG_SIZE, wanted))
		bench_note(b, "splice: %s flows are left out with --quick", sizes[BIG_SIZE].name);
}

void
bench_splice(struct bench *b)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		bench_sizes(b, v6, 0, BIG_SIZE - 1, BENCH_FLOWS);
		if (v6 == 0)
			bench_big(b);
		say_ratio(b, v6);
	}
}
