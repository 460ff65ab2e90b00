/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim - the engine between model TCP peers, by seed.
 *
 *   sim [--seeds N] [--start S] [--conns C] [--verbose]
 *
 * A seed stands for a network, a service and up to C connections (see plan.c). A seed that fails is
 * run again, traced, and printed so that it reads like a tcpdump; `sim --start S --seeds 1` repeats
 * it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define CONNS_MAX    32
#define FAILURES_MAX 5
#define ROWS_MAX     400

struct totals {
	uint64_t conns, proxied, bytes, packets, sim_s;
};

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
run_seed(uint64_t seed, unsigned n, bool verbose, struct trace *trace, struct totals *t)
{
	static struct conn conns[CONNS_MAX];
	static struct world w;
	struct world_cfg cfg = {.seed = seed};

	sim_fail_clear();
	plan_make(&cfg, conns, n);
	if (verbose)
		plan_print(&cfg, conns, n);
	world_init(&w, &cfg, conns, n);
	w.trace = trace;
	world_run(&w, cfg.stop_ns == SIM_NEVER ? SIM_NEVER : cfg.epoch_ns + cfg.stop_ns);
	if (!sim_failed() && cfg.stop_ns == SIM_NEVER) {
		plan_judge(&w);
		if (!sim_failed())
			world_expire(&w);
	}
	t->conns += n;
	for (unsigned i = 0; i < n; i++) {
		const struct tcp_peer *sv = conn_server(&conns[i]);

		if (sv != NULL && sv->established &&
			conns[i].path.end[SERVER].port == RIG_PORT_PROXY) {
			t->proxied++;
			t->bytes += peer_rx(conns[i].client) + peer_rx(sv);
		}
	}
	t->packets += w.rig.given[0] + w.rig.given[1];
	t->sim_s += (w.now - cfg.epoch_ns) / SIM_SEC;
	if (verbose)
		print_counters(&w.rig);
	world_fini(&w);
}

static void
report(uint64_t seed, unsigned n)
{
	struct trace trace = {0};
	struct totals t = {0};
	struct world_cfg cfg = {.seed = seed};
	static struct conn conns[CONNS_MAX];
	uint64_t which = TRACE_ALL;
	unsigned conn;
	char why[1024];

	snprintf(why, sizeof(why), "%s", sim_failure());
	printf("seed %lu FAILED: %s\n", seed, why);
	run_seed(seed, n, true, &trace, &t);
	if (strcmp(why, sim_failure()) != 0)
		printf("the second run differs: %s\n", sim_failure());
	plan_make(&cfg, conns, n);
	if (sscanf(why, "conn %u", &conn) == 1 && conn < n) { /* and all others of its tuple */
		which = 0;
		for (unsigned i = 0; i < n; i++) {
			if (seg_tuple_match(&conns[i].path, CLIENT, &conns[conn].path))
				which |= 1ull << i;
		}
	}
	trace_print(&trace, stdout, which, cfg.epoch_ns, ROWS_MAX);
	printf("seed %lu FAILED: %s\n  again: --start %lu --seeds 1 --conns %u\n", seed, why, seed,
		n);
	trace_fini(&trace);
}

static uint64_t
number(const char *s)
{
	char *end;
	uint64_t v = strtoull(s, &end, 0);

	if (*s == '\0' || *end != '\0') {
		fprintf(stderr, "sim: not a number: %s\n", s);
		exit(2);
	}
	return v;
}

int
main(int argc, char **argv)
{
	uint64_t seeds = 200, start = 1, conns = 4, failures = 0;
	struct totals t = {0};
	bool verbose = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
			seeds = number(argv[++i]);
		} else if (strcmp(argv[i], "--start") == 0 && i + 1 < argc) {
			start = number(argv[++i]);
		} else if (strcmp(argv[i], "--conns") == 0 && i + 1 < argc) {
			conns = number(argv[++i]);
		} else if (strcmp(argv[i], "--verbose") == 0) {
			verbose = true;
		} else {
			fprintf(stderr,
				"usage: sim [--seeds N] [--start S] [--conns C] [--verbose]\n");
			return 2;
		}
	}
	if (conns < 1 || conns > CONNS_MAX) {
		fprintf(stderr, "sim: --conns takes 1 to %u\n", CONNS_MAX);
		return 2;
	}
	for (uint64_t s = start; s < start + seeds && failures < FAILURES_MAX; s++) {
		if (verbose)
			printf("seed %lu\n", s);
		run_seed(s, (unsigned)conns, verbose, NULL, &t);
		if (sim_failed()) {
			failures++;
			report(s, (unsigned)conns);
		}
	}
	printf("sim: seeds %lu-%lu: %lu connections, %lu spliced, %lu bytes checked, %lu packets, "
	       "%lu s simulated, %lu failed\n",
		start, start + seeds - 1, t.conns, t.proxied, t.bytes, t.packets, t.sim_s,
		failures);
	return failures ? 1 : 0;
}
