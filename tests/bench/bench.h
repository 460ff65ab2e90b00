/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench.h - the micro-benchmarks: what a benchmark is, how it is timed, where its result goes.
 *
 * A benchmark is a case: prepare() lays out the input of one burst, run() is timed and handles it.
 * The time of a round is the TSC over one whole run(), fenced at both ends; a sample is that
 * divided by the operations in the burst. Nothing is subtracted: the row "timer" says what an empty
 * run() takes. prepare() and done() are never timed.
 *
 * A group is a function that goes through its cases, whose names it makes up:
 *
 *	if (bench_wants(b, name)) {
 *		...
 *		bench_measure(b, &(struct bench_case){.name = name, ...});
 *		bench_check(b, sent == asked, "%s: %u packets were lost", name, asked - sent);
 *	}
 *
 * bench_wants() is false for what the command line does not name, and with --list for all.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/simd.h"
#include "bench/stat.h"

#define BENCH_ROWS_MAX	 512
#define BENCH_NAME_BYTES 48
#define BENCH_NOTES_MAX	 64
#define BENCH_NOTE_BYTES 160

struct bench_options {
	bool list;
	bool quick;	   /* so that it still runs: few rounds, no table beyond 1M flows */
	unsigned rounds;   /* timed rounds of each case */
	int cpu;	   /* -1: the last one that the process may use */
	const char *json;  /* file, or NULL */
	char *const *only; /* prefixes of names; none: all */
	unsigned n_only;
};

struct bench_row {
	char name[BENCH_NAME_BYTES];
	const char *unit; /* what one operation is */
	unsigned burst;	  /* operations in a timed section */
	unsigned rounds;
	struct bench_stat cycles; /* of the TSC, for one operation */
};

struct bench {
	struct bench_options opt;
	int cpu;
	double tsc_hz; /* measured */
	struct bench_row rows[BENCH_ROWS_MAX];
	unsigned n_rows;
	char notes[BENCH_NOTES_MAX][BENCH_NOTE_BYTES];
	unsigned n_notes;
	unsigned n_named; /* benchmarks that the command line names */
	unsigned failures;
	uint64_t *samples; /* opt.rounds of each case of a turn */
};

struct bench_case {
	const char *name;
	const char *unit; /* NULL: "packet" */
	unsigned burst;
	void *ctx;
	void (*prepare)(void *ctx); /* may be NULL */
	void (*run)(void *ctx);
	void (*done)(void *ctx); /* after each run(); may be NULL */
};

/* True where the case is to be run. With --list: prints the name. */
bool bench_wants(struct bench *b, const char *name);

/* Warms up, runs, adds a row and prints it. */
void bench_measure(struct bench *b, const struct bench_case *c);

/*
 * The same for up to BENCH_TURNS_MAX cases that will be compared: BENCH_BLOCKS times a share of the
 * rounds of each in turn, so that a machine that slows down does so for all. Their names count as
 * wanted.
 */
#define BENCH_TURNS_MAX 10
#define BENCH_BLOCKS	8
void bench_measure_turns(struct bench *b, const struct bench_case *cases, unsigned n);

/* The row of that name, or NULL. */
const struct bench_row *bench_row(const struct bench *b, const char *name);

/* What a benchmark claims to have done. False: the run fails. */
void bench_check(struct bench *b, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A line of text beside the rows: a ratio, or what was left out and why. */
void bench_note(struct bench *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * The same about what was asked for and cannot be measured here. Without --quick the run fails: a
 * missing row shall not be taken for a measured one.
 */
#define bench_left_out(b, ...) \
	(bench_note((b), __VA_ARGS__), bench_check((b), (b)->opt.quick, __VA_ARGS__))

/* measure.c: the time stamp counter, fenced, so that all before it is done. */
uint64_t bench_tsc_begin(void);
uint64_t bench_tsc_end(void);

/* machine.c */
int bench_pin(int cpu); /* the CPU that it is now, or -1 */
double bench_tsc_hz(bool quick);
void bench_cpu_model(char *buf, size_t size);
const char *bench_compiler(void);
/* What makes figures of this build worthless or worse than they need be; NULL: nothing. */
const char *bench_build_unfit(void);
const char *bench_build_flags(void);
const char *bench_assertions(void);
/*
 * Of the names of rows at another level of vector instructions than synward uses on this CPU:
 * "/scalar"; else "".
 * Good until it is called again.
 */
const char *bench_level_suffix(enum sw_simd level);

/* report.c */
void bench_print_head(const struct bench *b);
void bench_print_row(const struct bench_row *row);
/* Returns 0 or -errno. */
int bench_write_json(const struct bench *b, const char *path);

/* mem.c: zeroed memory for tables, in the largest pages that are to be had. */
struct bench_mem {
	void *p;
	size_t size;
	const char *pages; /* which pages those are */
};

/* A line of /proc/meminfo, by its name; 0 where there is none. */
size_t bench_meminfo(const char *key);
/* Whether so much can be had in ordinary pages; where not, it is said. */
bool bench_mem_suffices(size_t size);
/* p is NULL where there is none. Aligned to a page. */
struct bench_mem bench_mem_get(size_t size);
void bench_mem_put(struct bench_mem *m);
/* Says which pages there were, once all is done. */
void bench_mem_note(struct bench *b);

/* The groups, each in its b_<group>.c. */
void bench_timer(struct bench *b);
void bench_ack(struct bench *b);
void bench_conn(struct bench *b);
void bench_cookie(struct bench *b);
void bench_flow(struct bench *b);
void bench_load(struct bench *b);
void bench_memory(struct bench *b);
void bench_packet(struct bench *b);
void bench_policy(struct bench *b);
void bench_splice(struct bench *b);
void bench_syn(struct bench *b);
void bench_stages(struct bench *b);
void bench_short(struct bench *b);

#endif
