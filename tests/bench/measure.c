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

	_mm_mfence(); /* what came before is not part of it, its stores neither */
	_mm_lfence();
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

static void
run_block(const struct bench_case *c, uint64_t *samples, unsigned rounds)
{
	for (unsigned i = 0; i < rounds / WARM_PART + 1; i++)
		one_round(c);
	for (unsigned i = 0; i < rounds; i++)
		samples[i] = one_round(c);
}

static void
add_row(struct bench *b, const struct bench_case *c, uint64_t *samples)
{
	struct bench_row *row;

	bench_check(b, b->n_rows < BENCH_ROWS_MAX, "%s: no room for more rows", c->name);
	if (b->n_rows == BENCH_ROWS_MAX)
		return;
	row = &b->rows[b->n_rows++];
	memset(row, 0, sizeof(*row));
	strncpy(row->name, c->name, sizeof(row->name) - 1);
	row->unit = c->unit != NULL ? c->unit : "packet";
	row->burst = c->burst;
	row->rounds = b->opt.rounds;
	row->cycles = bench_stat(samples, b->opt.rounds, c->burst);
	bench_print_row(row);
}

void
bench_measure_turns(struct bench *b, const struct bench_case *cases, unsigned n)
{
	unsigned rounds = b->opt.rounds, blocks = n > 1 ? BENCH_BLOCKS : 1, first = 0;

	for (unsigned block = 1; block <= blocks; block++) {
		unsigned end = (unsigned)((uint64_t)rounds * block / blocks);

		for (unsigned i = 0; i < n; i++)
			run_block(&cases[i], &b->samples[(size_t)i * rounds + first], end - first);
		first = end;
	}
	for (unsigned i = 0; i < n; i++)
		add_row(b, &cases[i], &b->samples[(size_t)i * rounds]);
}

void
bench_measure(struct bench *b, const struct bench_case *c)
{
	bench_measure_turns(b, c, 1);
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
