/* SPDX-License-Identifier: BSD-3-Clause */
#include <x86intrin.h>

#include <string.h>

#include "bench/bench.h"

/* Rounds before the first that counts, as a part of those that do. */
#define WARM_PART 8

uint64_t
bench_tsc_begin(void)
{
	uint64_t t;

	_mm_lfence(); /* what came before is not part of it */
	t = __rdtsc();
	_mm_lfence(); /* nothing of it begins before */
	return t;
}

uint64_t
bench_tsc_end(void)
{
	unsigned aux;
	uint64_t t = __rdtscp(&aux); /* waits for all instructions before it */

	_mm_lfence();
	return t;
}

static unsigned
rounds_of(const struct bench *b, const struct bench_case *c)
{
	return c->rounds != 0 && c->rounds < b->opt.rounds ? c->rounds : b->opt.rounds;
}

static uint64_t
one_round(const struct bench_case *c)
{
	uint64_t begin, end;

	if (c->prepare != NULL)
		c->prepare(c->ctx);
	begin = bench_tsc_begin();
	c->run(c->ctx);
	end = bench_tsc_end();
	if (c->done != NULL)
		c->done(c->ctx);
	return end - begin;
}

const struct bench_row *
bench_measure(struct bench *b, const struct bench_case *c)
{
	static struct bench_row spill; /* a run that is so large fails in the end */
	unsigned rounds = rounds_of(b, c);
	struct bench_row *row = b->n_rows < BENCH_ROWS_MAX ? &b->rows[b->n_rows++] : &spill;

	bench_check(b, row != &spill, "%s: more rows than there is room for", c->name);
	for (unsigned i = 0; i < rounds / WARM_PART; i++)
		one_round(c);
	for (unsigned i = 0; i < rounds; i++)
		b->samples[i] = one_round(c);
	memset(row, 0, sizeof(*row));
	strncpy(row->name, c->name, sizeof(row->name) - 1);
	row->unit = c->unit != NULL ? c->unit : "packet";
	row->burst = c->burst;
	row->rounds = rounds;
	row->cycles = bench_stat(b->samples, rounds, c->burst);
	bench_print_row(row);
	return row;
}

const struct bench_row *
bench_row(const struct bench *b, const char *name)
{
	for (unsigned i = 0; i < b->n_rows; i++) {
		if (strcmp(b->rows[i].name, name) == 0)
			return &b->rows[i];
	}
	return NULL;
}

static void
nothing(void *ctx)
{
	(void)ctx;
}

void
bench_timer(struct bench *b)
{
	if (bench_wants(b, "timer"))
		bench_measure(
			b, &(struct bench_case){
				   .name = "timer", .unit = "section", .burst = 1, .run = nothing});
}
