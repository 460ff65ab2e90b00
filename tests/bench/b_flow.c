/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_flow.c - lookup of a burst of tuples: flow/FLOWS/TABLE/RESULT.
 *
 *   TABLE   sw_flow: sw_flow_lookup_burst(); rte_crc, rte_keyed: rte_hash_lookup_bulk() with
 *           DPDK's default hash and with the keyed one of sw_flow
 *   RESULT  hit: random ones of all tuples in the table; miss: tuples that are not
 *
 * All tables hold the same 40-byte tuples, in the same kind of pages, and are run in turn. A lookup
 * of sw_flow ends with the flow's line in the cache; one of rte_hash with a position, and what the
 * caller keeps there is yet to be read.
 */
#include <stdio.h>

#include <rte_hash.h>

#include "bench/conns.h"
#include "bench/eal.h"
#include "flow/flow.h"

#define BURST 32

static const struct size {
	const char *name;
	uint32_t flows;
} sizes[] = {{"1k", 1000}, {"100k", 100000}, {"1M", 1000000}, {"16M", 16000000}};

enum table { OURS, CRC, KEYED, TABLES };
static const char *const table_name[TABLES] = {"sw_flow", "rte_crc", "rte_keyed"};

struct lookup {
	enum table table;
	bool miss;
	const struct tables *in;
	uint64_t seed;
	struct sw_tuple tuple[BURST];
	const struct sw_tuple *tuples[BURST];
	const void *keys[BURST];
	struct sw_flow *flows[BURST];
	int32_t positions[BURST];
	uint64_t n, found;
};

struct tables {
	uint32_t flows;
	void *mem; /* of sw_flow */
	struct bench_mem own;
	struct sw_flow_table *ours;
	struct rte_hash *rte[TABLES]; /* NULL: not there */
};

static struct sw_tuple
tuple_of(uint64_t i)
{
	return bench_conn_tuple(&(struct bench_conns){0}, i);
}

static void
prepare(void *ctx)
{
	struct lookup *l = ctx;
	uint32_t n = l->in->flows;

	for (unsigned i = 0; i < BURST; i++) {
		l->tuple[i] = tuple_of(bench_rand(&l->seed) % n + (l->miss ? n : 0));
		l->tuples[i] = &l->tuple[i];
		l->keys[i] = &l->tuple[i];
	}
}

static void
run_ours(void *ctx)
{
	struct lookup *l = ctx;

	sw_flow_lookup_burst(l->in->ours, l->tuples, l->flows, BURST);
}

static void
run_rte(void *ctx)
{
	struct lookup *l = ctx;

	rte_hash_lookup_bulk(l->in->rte[l->table], l->keys, BURST, l->positions);
}

static void
done(void *ctx)
{
	struct lookup *l = ctx;

	l->n += BURST;
	for (unsigned i = 0; i < BURST; i++)
		l->found += l->table == OURS ? l->flows[i] != NULL : l->positions[i] >= 0;
}

/* All tuples into a table. False, and it is gone, where it does not take one. */
static bool
fill(struct bench *b, struct tables *t, enum table table)
{
	for (uint32_t i = 0; i < t->flows; i++) {
		struct sw_tuple tuple = tuple_of(i);

		if (table == OURS ? sw_flow_insert(t->ours, &tuple) != NULL
				  : rte_hash_add_key(t->rte[table], &tuple) >= 0)
			continue;
		bench_check(b, table != OURS, "flow: sw_flow is full after %u of %u", i, t->flows);
		bench_note(b, "flow: %s for %u entries is full after %u and left out",
			table_name[table], t->flows, i);
		if (table != OURS)
			bench_hash_free(t->rte[table]);
		t->rte[table] = NULL;
		return false;
	}
	return true;
}

static void
make_peers(struct bench *b, struct tables *t)
{
	for (unsigned i = CRC; i < TABLES; i++) {
		t->rte[i] = bench_hash_make(t->flows, sizeof(struct sw_tuple), i == KEYED);
		if (t->rte[i] == NULL)
			bench_left_out(
				b, "flow: no memory for %s of %u entries", table_name[i], t->flows);
		else
			fill(b, t, i);
	}
}

static bool
tables_init(struct bench *b, struct tables *t, uint32_t flows, bool eal)
{
	/* Words as random as the daemon's: with small ones the hash is none. */
	static const uint64_t key[4] = {0x9ae16a3b2f90404full, 0xc949c7f05a1f3d17ull,
		0xb492b66fbe98f273ull, 0xd6e8feb86659fd93ull};
	size_t size = sw_flow_table_size(flows);

	*t = (struct tables){.flows = flows};
	if (eal) {
		t->mem = bench_eal_alloc(size);
	} else {
		t->own = bench_mem_get(size);
		t->mem = t->own.p;
	}
	if (t->mem == NULL) {
		bench_left_out(b, "flow: no memory for %u flows", flows);
		return false;
	}
	t->ours = sw_flow_table_init(t->mem, size, flows, key);
	if (eal)
		make_peers(b, t);
	return fill(b, t, OURS);
}

static void
tables_fini(struct tables *t)
{
	for (unsigned i = CRC; i < TABLES; i++) {
		if (t->rte[i] != NULL)
			bench_hash_free(t->rte[i]);
	}
	if (t->own.p != NULL)
		bench_mem_put(&t->own);
	else if (t->mem != NULL)
		bench_eal_free(t->mem);
}

/* The rows of one size are the last ones. */
static void
say_ratios(struct bench *b, const struct bench_row *row, unsigned n)
{
	const struct bench_row *end = row + n, *ours = row;

	for (row++; row < end; row++) {
		if (strstr(row->name, table_name[OURS]) != NULL)
			ours = row;
		else
			bench_note(b, "%s against %s: %.2f times", ours->name, row->name,
				ours->cycles.median / row->cycles.median);
	}
}

static void
measure(struct bench *b, const struct size *size, bool eal)
{
	static struct lookup lookups[2 * TABLES];
	static struct tables t;
	char name[2 * TABLES][BENCH_NAME_BYTES];
	struct bench_case cases[2 * TABLES];
	unsigned n = 0;

	if (!tables_init(b, &t, size->flows, eal)) {
		tables_fini(&t);
		return;
	}
	for (unsigned i = 0; i < 2 * TABLES; i++) {
		struct lookup *l = &lookups[n];

		*l = (struct lookup){.table = i % TABLES, .miss = i / TABLES, .in = &t};
		if (l->table != OURS && t.rte[l->table] == NULL)
			continue;
		snprintf(name[n], sizeof(name[n]), "flow/%s/%s/%s", size->name,
			table_name[l->table], l->miss ? "miss" : "hit");
		cases[n] = (struct bench_case){.name = name[n],
			.unit = "lookup",
			.burst = BURST,
			.ctx = l,
			.prepare = prepare,
			.run = l->table == OURS ? run_ours : run_rte,
			.done = done};
		n++;
	}
	bench_measure_turns(b, cases, n);
	for (unsigned i = 0; i < n; i++)
		bench_check(b, lookups[i].found == (lookups[i].miss ? 0 : lookups[i].n),
			"%s: %lu of %lu were found", name[i], (unsigned long)lookups[i].found,
			(unsigned long)lookups[i].n);
	say_ratios(b, &b->rows[b->n_rows - n], n);
	tables_fini(&t);
}

/* Memory for all tables of that size. */
static bool
start_eal(struct bench *b, uint32_t flows)
{
	const size_t bytes =
		sw_flow_table_size(flows) + 2 * bench_hash_bytes(flows, sizeof(struct sw_tuple));

	if (bench_eal_start(b->cpu, bytes)) {
		bench_note(b, "flow: all tables are in %s", bench_eal_pages());
		return true;
	}
	bench_left_out(b, "flow: no rte_hash: EAL does not start with %zu MiB of %s", bytes >> 20,
		bench_eal_pages());
	return false;
}

/* All tables of a size or none. */
void
bench_flow(struct bench *b)
{
	const struct size *wanted[SW_ARRAY_LEN(sizes)];
	char name[BENCH_NAME_BYTES];
	unsigned n = 0;
	bool eal;

	for (unsigned i = 0; i < SW_ARRAY_LEN(sizes); i++) {
		snprintf(name, sizeof(name), "flow/%s", sizes[i].name);
		if (!bench_wants(b, name))
			continue;
		if (sizes[i].flows > 1000000 && b->opt.quick)
			bench_note(b, "%s is left out with --quick", name);
		else
			wanted[n++] = &sizes[i];
	}
	if (n == 0)
		return;
	/* The largest is the last one; each is gone before the next one is made. */
	eal = start_eal(b, wanted[n - 1]->flows);
	for (unsigned i = 0; i < n; i++)
		measure(b, wanted[i], eal);
	bench_eal_end();
}
