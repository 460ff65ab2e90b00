/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_memory.c - what this machine's memory costs, for what the tables cost to be seen beside it.
 *
 *	memory/FLOWS/one  lines at random out of as many as so many flows have; where the next
 *	                  one is is known only when the last one is there
 *	memory/FLOWS/64   64 of them asked for at once, as entries are, then each read and written
 *	memory/near       8,192 lines side by side, one after the other as above
 *	memory/far        as many, each in 4 KiB of its own: 512 KiB in either case, evenly over the
 *	                  sets of a second cache of 1 MiB, and in 1 and 16 pages of 2 MiB
 *
 * All lines are written: what it costs to put them back is in the figures.
 *
 * Where far costs more than near though pages are large, the TLB has entries of 4 KiB: the pages of
 * a virtual machine are only as large there as those that its host has given it.
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/pkts.h"

#define BURST	   64
#define NEAR_LINES 8192u
#define FAR_BYTES  4096u

struct line {
	alignas(SW_CACHE_LINE_BYTES) uint64_t zero;
	uint64_t touched;
};

struct memory {
	struct line *lines;
	uint32_t n;
	uint32_t step; /* of so many lines one, not always the first: a power of two */
	uint64_t seed, at;
	uint64_t n_touched;
	struct line *burst[BURST];
};

static const struct size {
	const char *name;
	uint32_t flows;
} sizes[] = {{"1k", 1000}, {"1M", 1000000}, {"16M", 16000000}};

/* Of the line of that number; the same for the same number. */
sw_always_inline struct line *
line_of(const struct memory *m, uint64_t number)
{
	const uint64_t within = (number >> 5) & (m->step - 1);

	return &m->lines[number * m->step + within];
}

static void
pick(void *ctx)
{
	struct memory *m = ctx;

	for (unsigned i = 0; i < BURST; i++)
		m->burst[i] = line_of(m, bench_rand(&m->seed) % m->n);
}

static void
run_64(void *ctx)
{
	struct memory *m = ctx;

	for (unsigned i = 0; i < BURST; i++)
		sw_fetch(m->burst[i]);
	for (unsigned i = 0; i < BURST; i++)
		m->burst[i]->touched++;
}

/* `zero` is 0, which the compiler cannot know. */
static void
run_one(void *ctx)
{
	struct memory *m = ctx;
	uint64_t at = m->at;

	for (unsigned i = 0; i < BURST; i++) {
		struct line *l;

		at = at * 6364136223846793005ull + 1442695040888963407ull;
		l = line_of(m, (at >> 32) * m->n >> 32);
		at += *(volatile uint64_t *)&l->zero;
		l->touched++;
	}
	m->at = at;
}

static void
done(void *ctx)
{
	struct memory *m = ctx;

	m->n_touched += BURST;
}

static void
check(struct bench *b, const struct memory *m, const char *name)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < (uint64_t)m->n * m->step; i++)
		sum += m->lines[i].touched;
	bench_check(b, sum == m->n_touched, "%s: %lu lines were touched, not %lu", name,
		(unsigned long)sum, (unsigned long)m->n_touched);
}

static struct bench_case
case_of(struct memory *m, const char *name, bool one)
{
	return (struct bench_case){.name = name,
		.unit = "line",
		.burst = BURST,
		.ctx = m,
		.prepare = one ? NULL : pick,
		.run = one ? run_one : run_64,
		.done = done};
}

static bool
memory_init(struct bench *b, struct memory *m, struct bench_mem *mem, uint32_t n, uint32_t step)
{
	*mem = bench_mem_get((size_t)n * step * sizeof(struct line));
	*m = (struct memory){.lines = mem->p, .n = n, .step = step};
	if (mem->p == NULL)
		bench_left_out(b, "memory: not enough for %u lines", n);
	return mem->p != NULL;
}

static void
measure_size(struct bench *b, const struct size *size)
{
	char name[2][BENCH_NAME_BYTES];
	struct bench_mem mem;
	struct memory m;
	bool one, burst;

	snprintf(name[0], sizeof(name[0]), "memory/%s/one", size->name);
	snprintf(name[1], sizeof(name[1]), "memory/%s/64", size->name);
	/* Each is to be asked for: --list. */
	one = bench_wants(b, name[0]);
	burst = bench_wants(b, name[1]);
	if (!one && !burst)
		return;
	if (size->flows > 1000000 && b->opt.quick) {
		bench_note(b, "memory/%s is left out with --quick", size->name);
		return;
	}
	if (!memory_init(b, &m, &mem, size->flows, 1))
		return;
	bench_measure_turns(b,
		(struct bench_case[]){case_of(&m, name[0], true), case_of(&m, name[1], false)}, 2);
	check(b, &m, name[0]);
	bench_mem_put(&mem);
}

/* In turn. */
static void
measure_pages(struct bench *b)
{
	struct bench_mem mem[2];
	struct memory m[2];
	const bool near = bench_wants(b, "memory/near"), far = bench_wants(b, "memory/far");
	double more;

	if (!near && !far)
		return;
	if (!memory_init(b, &m[0], &mem[0], NEAR_LINES, 1))
		return;
	if (memory_init(b, &m[1], &mem[1], NEAR_LINES, FAR_BYTES / sizeof(struct line))) {
		bench_measure_turns(b,
			(struct bench_case[]){case_of(&m[0], "memory/near", true),
				case_of(&m[1], "memory/far", true)},
			2);
		check(b, &m[0], "memory/near");
		check(b, &m[1], "memory/far");
		more = bench_row(b, "memory/far")->cycles.median -
		       bench_row(b, "memory/near")->cycles.median;
		bench_note(b,
			"memory: a line in 4 KiB of its own costs %.0f cycles more (%s, beside %s)",
			more, mem[1].pages, mem[0].pages);
	}
	bench_mem_put(&mem[1]);
	bench_mem_put(&mem[0]);
}

void
bench_memory(struct bench *b)
{
	for (unsigned i = 0; i < SW_ARRAY_LEN(sizes); i++)
		measure_size(b, &sizes[i]);
	measure_pages(b);
}
