/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim - the engine between model TCP peers, by seed.
 *
 *   sim [--seeds N] [--start S] [--conns C] [--verbose] [--replay] [--pcap PREFIX]
 *
 * A seed stands for a network, a service and up to C connections (see plan.c), and for one of the
 * levels of vector instructions that the CPU has. Each is run with the front end and without it
 * (world.h), and the two are compared. A seed that fails is run again, traced, and printed so that
 * it reads like a tcpdump; `sim --start S --replay` does that for any seed. --pcap also writes
 * PREFIX-outside.pcap and PREFIX-inside.pcap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "plan.h"

#define CONNS_MAX     32
#define FAILURES_MAX  5
#define COMPARE_SEEDS 500 /* of so many a third is always comparable */
#define ROWS_MAX      400
#define REPLAY_ROWS   100000

struct args {
	uint64_t seeds, start, conns;
	bool verbose, replay;
	const char *pcap;
};

struct totals {
	uint64_t conns, proxied, compared, bytes, packets, sim_s;
};

/* One world and what runs in it. */
struct run {
	struct world w;
	struct conn conns[CONNS_MAX];
};

static struct run front, direct;

static void
print_counters(const struct rig *r)
{
	for (unsigned i = 0; i < SW_C_MAX; i++) {
		uint64_t v = rig_count(r, (enum sw_counter)i);

		if (v != 0 && sw_counter_info[i].name != NULL)
			printf("%s %lu; ", sw_counter_info[i].name, v);
	}
	printf("\n");
}

static void
run_world(struct run *r, uint64_t seed, unsigned n, struct trace *trace)
{
	struct world_cfg cfg = {.seed = seed};

	/* Each level of vector instructions that this CPU has. */
	sw_simd_set((enum sw_simd)(seed % (sw_simd_most() + 1)));
	plan_make(&cfg, r->conns, n);
	cfg.direct = r == &direct;
	world_init(&r->w, &cfg, r->conns, n);
	r->w.trace = trace;
	world_run(&r->w, cfg.stop_ns == SIM_NEVER ? SIM_NEVER : cfg.epoch_ns + cfg.stop_ns);
}

static void
add_up(struct totals *t, unsigned n)
{
	t->conns += n;
	for (unsigned i = 0; i < n; i++) {
		const struct conn *c = &front.conns[i];
		const struct tcp_peer *sv = conn_server(c);

		if (sv != NULL && sv->established && c->path.end[SERVER].port == RIG_PORT_PROXY) {
			t->proxied++;
			t->bytes += peer_rx(c->client) + peer_rx(sv);
		}
	}
	t->packets += front.w.rig.given[0] + front.w.rig.given[1];
	t->sim_s += (front.w.now - front.w.cfg.epoch_ns) / SIM_SEC;
}

static void
run_seed(uint64_t seed, unsigned n, bool verbose, struct trace *trace, struct totals *t)
{
	bool whole;

	sim_fail_clear();
	run_world(&front, seed, n, trace);
	whole = front.w.cfg.stop_ns == SIM_NEVER;
	if (verbose)
		plan_print(&front.w.cfg, front.conns, n);
	if (!sim_failed() && whole)
		plan_judge(&front.w);
	add_up(t, n);
	if (!sim_failed() && whole) {
		run_world(&direct, seed, n, NULL);
		if (sim_failed())
			sim_fail_within("without the front end");
		else
			t->compared += plan_compare(&front.w, &direct.w, verbose);
		world_fini(&direct.w);
	}
	if (!sim_failed() && whole)
		world_expire(&front.w);
	if (verbose)
		print_counters(&front.w.rig);
	world_fini(&front.w);
}

static void
write_pcap(struct trace *trace, const char *prefix)
{
	static const char *const side[] = {"outside", "inside"};
	char path[4096];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s-%s.pcap", prefix, side[i]);
		if (!trace_write_pcap(trace, path, i)) {
			perror(path);
			exit(2);
		}
		printf("  wrote %s\n", path);
	}
}

/* The connection that a failure is about, and all others of its tuple. */
static uint64_t
concerned(const char *why, unsigned n)
{
	uint64_t which = 0;
	unsigned conn;

	if (sscanf(why, "conn %u", &conn) != 1 || conn >= n)
		return TRACE_ALL;
	for (unsigned i = 0; i < n; i++) {
		if (seg_tuple_match(&front.conns[i].path, CLIENT, &front.conns[conn].path))
			which |= 1ull << i;
	}
	return which;
}

/* Runs the seed again with a trace. */
static void
report(uint64_t seed, const struct args *a, const char *why)
{
	unsigned n = (unsigned)a->conns;
	struct trace trace = {0};
	struct totals t = {0};

	run_seed(seed, n, true, &trace, &t);
	if (strcmp(why, sim_failure()) != 0)
		printf("the second run differs: %s\n", sim_failure());
	trace_print(&trace, stdout, concerned(why, n), front.w.cfg.epoch_ns,
		a->replay ? REPLAY_ROWS : ROWS_MAX);
	if (a->pcap != NULL)
		write_pcap(&trace, a->pcap);
	trace_fini(&trace);
}

static bool
one_seed(uint64_t seed, const struct args *a, struct totals *t)
{
	char why[1024];

	if (a->verbose)
		printf("seed %lu\n", seed);
	run_seed(seed, (unsigned)a->conns, a->verbose, NULL, t);
	snprintf(why, sizeof(why), "%s", sim_failure());
	if (why[0] != '\0')
		printf("seed %lu FAILED (%s): %s\n", seed, sw_simd_name(sw_simd()), why);
	if (why[0] != '\0' || a->replay)
		report(seed, a, why);
	if (why[0] != '\0')
		printf("seed %lu FAILED (%s): %s\n  again: sim --start %lu --conns %lu --replay\n",
			seed, sw_simd_name(sw_simd()), why, seed, a->conns);
	return why[0] == '\0';
}

static uint64_t
number(const char *s)
{
	char *end;
	uint64_t v = s != NULL ? strtoull(s, &end, 0) : 0;

	if (s == NULL || *s == '\0' || *end != '\0') {
		fprintf(stderr, "sim: not a number: %s\n", s != NULL ? s : "(nothing)");
		exit(2);
	}
	return v;
}

static struct args
read_args(int argc, char **argv)
{
	struct args a = {.seeds = 200, .start = 1, .conns = 4};
	bool counted = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds") == 0) {
			a.seeds = number(argv[++i]);
			counted = true;
		} else if (strcmp(argv[i], "--start") == 0) {
			a.start = number(argv[++i]);
		} else if (strcmp(argv[i], "--conns") == 0) {
			a.conns = number(argv[++i]);
		} else if (strcmp(argv[i], "--pcap") == 0 && i + 1 < argc) {
			a.pcap = argv[++i];
			a.replay = true;
		} else if (strcmp(argv[i], "--verbose") == 0) {
			a.verbose = true;
		} else if (strcmp(argv[i], "--replay") == 0) {
			a.replay = true;
		} else {
			fprintf(stderr, "usage: sim [--seeds N] [--start S] [--conns C] "
					"[--verbose] [--replay] [--pcap PREFIX]\n");
			exit(2);
		}
	}
	if (a.replay && !counted)
		a.seeds = 1;
	if (a.conns < 1 || a.conns > CONNS_MAX) {
		fprintf(stderr, "sim: --conns takes 1 to %u\n", CONNS_MAX);
		exit(2);
	}
	return a;
}

int
main(int argc, char **argv)
{
	struct args a = read_args(argc, argv);
	struct totals t = {0};
	uint64_t failures = 0;

	for (uint64_t s = a.start; s < a.start + a.seeds && failures < FAILURES_MAX; s++)
		failures += !one_seed(s, &a, &t);
	if (a.seeds >= COMPARE_SEEDS && t.compared < t.conns / 3) {
		printf("only %lu of %lu connections were compared with direct ones\n", t.compared,
			t.conns);
		failures++;
	}
	printf("sim: seeds %lu-%lu: %lu connections, %lu spliced, %lu compared, %lu bytes checked, "
	       "%lu packets, %lu s simulated, %lu failed\n",
		a.start, a.start + a.seeds - 1, t.conns, t.proxied, t.compared, t.bytes, t.packets,
		t.sim_s, failures);
	return failures ? 1 : 0;
}
