/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench.c - the command line of the micro-benchmarks; docs/testing.md says what is timed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

#define ROUNDS_DEFAULT 20000
#define ROUNDS_QUICK   1000
#define ROUNDS_MAX     1000000

static void (*const groups[])(struct bench *) = {
	bench_timer,
	bench_cookie,
	bench_packet,
	bench_syn,
	bench_ack,
	bench_splice,
	bench_policy,
	bench_memory,
	bench_flow,
	bench_stages,
	bench_short,
	bench_conn,
	bench_load,
};

static const char usage[] =
	"usage: bench [NAME-PREFIX...] [--list] [--quick] [--rounds N] [--cpu N] [--json FILE]\n"
	"\n"
	"Cycles of the time stamp counter for one packet (or other operation), by whole bursts.\n"
	"  NAME-PREFIX   only benchmarks whose names begin so; see --list\n"
	"  --list        print the names and end\n"
	"  --quick       few rounds and no large tables: shows that it still runs\n"
	"  --rounds N    timed bursts of each benchmark (20000; 1000 with --quick)\n"
	"  --cpu N       run on that CPU (the last one that is allowed)\n"
	"  --json FILE   write the results there too\n"
	"Exit status: 0; 1 where a benchmark did not do what it is to measure or could not be\n"
	"measured (but with --quick); 2 wrong usage.\n";

static bool
read_number(const char *text, const char *what, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *out >= min && *out <= max)
		return true;
	fprintf(stderr, "bench: --%s %s: must be a number from %ld to %ld\n", what, text, min, max);
	return false;
}

/* Returns 0, 1 where help was printed, -1 where an error was. */
static int
read_args(int argc, char **argv, struct bench_options *o)
{
	static const struct option longs[] = {
		{"list", no_argument, NULL, 'l'},
		{"quick", no_argument, NULL, 'q'},
		{"rounds", required_argument, NULL, 'r'},
		{"cpu", required_argument, NULL, 'c'},
		{"json", required_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	long n = 0;
	int c;

	*o = (struct bench_options){.cpu = -1};
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			o->list = true;
			break;
		case 'q':
			o->quick = true;
			break;
		case 'r':
			if (!read_number(optarg, "rounds", 1, ROUNDS_MAX, &n))
				return -1;
			o->rounds = (unsigned)n;
			break;
		case 'c':
			if (!read_number(optarg, "cpu", 0, 1023, &n))
				return -1;
			o->cpu = (int)n;
			break;
		case 'j':
			o->json = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			fputs(usage, stderr);
			return -1;
		}
	}
	o->only = argv + optind;
	o->n_only = (unsigned)(argc - optind);
	if (o->rounds == 0)
		o->rounds = o->quick ? ROUNDS_QUICK : ROUNDS_DEFAULT;
	return 0;
}

static bool
begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
bench_wants(struct bench *b, const char *name)
{
	bool named = b->opt.n_only == 0;

	for (unsigned i = 0; i < b->opt.n_only; i++)
		named |= begins(name, b->opt.only[i]);
	b->n_named += named;
	if (named && b->opt.list)
		puts(name);
	return named && !b->opt.list;
}

static void
warn_unfit(void)
{
	fflush(stdout);
	if (bench_build_unfit() != NULL)
		fprintf(stderr,
			"bench: WARNING: %s: not for comparing. For that:\n"
			"bench:   meson setup build-release --buildtype=release -Db_ndebug=true && "
			"ninja -C build-release\n",
			bench_build_unfit());
}

static int
run_groups(struct bench *b)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		groups[i](b);
	if (b->n_named == 0) {
		fprintf(stderr, "bench: no benchmark has a name that begins so; see --list\n");
		return 2;
	}
	return b->failures != 0;
}

static int
measure_all(struct bench *b)
{
	int rc, err;

	b->cpu = bench_pin(b->opt.cpu);
	if (b->cpu < 0) {
		fprintf(stderr, "bench: --cpu %d: not a CPU that this process may use\n",
			b->opt.cpu);
		return 2;
	}
	b->tsc_hz = bench_tsc_hz(b->opt.quick);
	b->samples = calloc((size_t)b->opt.rounds * BENCH_TURNS_MAX, sizeof(*b->samples));
	if (b->samples == NULL) {
		fprintf(stderr, "bench: no memory for %u samples\n", b->opt.rounds);
		return 1;
	}
	warn_unfit();
	bench_print_head(b);
	rc = run_groups(b);
	bench_mem_note(b);
	if (rc != 2 && b->opt.json != NULL && (err = bench_write_json(b, b->opt.json)) != 0) {
		fprintf(stderr, "bench: %s: %s\n", b->opt.json, strerror(-err));
		rc = 1;
	}
	warn_unfit();
	free(b->samples);
	return rc;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	int rc = read_args(argc, argv, &b.opt);

	if (rc != 0)
		return rc > 0 ? 0 : 2;
	return b.opt.list ? run_groups(&b) : measure_all(&b);
}
