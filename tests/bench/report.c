/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "bench_commit.h"

void
bench_print_head(const struct bench *b)
{
	char cpu[128];

	bench_cpu_model(cpu, sizeof(cpu));
	printf("# %s, cpu %d, TSC %.0f MHz\n", cpu, b->cpu, b->tsc_hz / 1e6);
	printf("# commit %s, %s, %s, assertions %s, instructions: %s\n", BENCH_COMMIT,
		bench_compiler(), bench_build_flags(), bench_assertions(),
		sw_simd_name(sw_simd_best()));
	printf("%-34s %9s %9s %9s  %s\n", "# cycles of the TSC", "median", "p99", "min",
		"of one; rounds x burst");
}

void
bench_print_row(const struct bench_row *row)
{
	printf("%-34s %9.1f %9.1f %9.1f  %s; %u x %u\n", row->name, row->cycles.median,
		row->cycles.p99, row->cycles.min, row->unit, row->rounds, row->burst);
	fflush(stdout);
}

void
bench_note(struct bench *b, const char *fmt, ...)
{
	char text[BENCH_NOTE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("# %s\n", text);
	fflush(stdout);
	if (b->n_notes < BENCH_NOTES_MAX)
		memcpy(b->notes[b->n_notes++], text, sizeof(text));
}

void
bench_check(struct bench *b, bool ok, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return;
	fflush(stdout);
	va_start(ap, fmt);
	fprintf(stderr, "bench: FAILED: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	b->failures++;
}

/* A JSON string; control characters do not occur in what we print and are left out. */
static void
put_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		if ((unsigned char)*s >= 0x20)
			fputc(*s, f);
	}
	fputc('"', f);
}

static void
put_pair(FILE *f, const char *key, const char *value)
{
	fprintf(f, "  \"%s\": ", key);
	put_string(f, value);
	fprintf(f, ",\n");
}

static void
put_machine(FILE *f, const struct bench *b)
{
	char cpu[128], date[32];
	time_t now = time(NULL);
	struct tm tm;

	bench_cpu_model(cpu, sizeof(cpu));
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	put_pair(f, "date", date);
	put_pair(f, "commit", BENCH_COMMIT);
	put_pair(f, "cpu_model", cpu);
	fprintf(f, "  \"cpu\": %d,\n  \"tsc_hz\": %.0f,\n", b->cpu, b->tsc_hz);
	put_pair(f, "compiler", bench_compiler());
	put_pair(f, "flags", bench_build_flags());
	put_pair(f, "assertions", bench_assertions());
	put_pair(f, "instructions", sw_simd_name(sw_simd_best()));
	put_pair(f, "unfit", bench_build_unfit() != NULL ? bench_build_unfit() : "");
	fprintf(f, "  \"failures\": %u,\n", b->failures);
}

static void
put_row(FILE *f, const struct bench_row *r)
{
	fprintf(f, "    {\"name\": ");
	put_string(f, r->name);
	fprintf(f, ", \"unit\": \"cycles/%s\", \"median\": %.2f, \"p99\": %.2f, \"min\": %.2f, ",
		r->unit, r->cycles.median, r->cycles.p99, r->cycles.min);
	fprintf(f, "\"burst\": %u, \"ops\": %lu}", r->burst, (unsigned long)r->burst * r->rounds);
}

int
bench_write_json(const struct bench *b, const char *path)
{
	FILE *f = fopen(path, "w");
	int err;

	if (f == NULL)
		return -errno;
	fprintf(f, "{\n");
	put_machine(f, b);
	fprintf(f, "  \"benchmarks\": [\n");
	for (unsigned i = 0; i < b->n_rows; i++) {
		put_row(f, &b->rows[i]);
		fprintf(f, i + 1 < b->n_rows ? ",\n" : "\n");
	}
	fprintf(f, "  ],\n  \"notes\": [\n");
	for (unsigned i = 0; i < b->n_notes; i++) {
		fprintf(f, "    ");
		put_string(f, b->notes[i]);
		fprintf(f, i + 1 < b->n_notes ? ",\n" : "\n");
	}
	fprintf(f, "  ]\n}\n");
	err = ferror(f) ? -EIO : 0;
	if (fclose(f) != 0 && err == 0)
		err = -errno;
	return err;
}
