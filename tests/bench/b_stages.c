/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_stages.c - what the SYN path's cycles go to: stages/FAMILY/STAGE.
 *
 * Each stage's own function is run on the same bursts as the whole engine (proxy, full options,
 * checksum by software), in turn with it. The rest is the whole without them: what the engine does
 * around its stages, and what it costs that one stage's data is out of the way when the next
 * begins. The sum is a reckoning, not a trace.
 */
#include <stdio.h>

#include "base/simd.h"
#include "bench/pkts.h"
#include "bench/rig.h"
#include "cookie/cookie.h"

#define BURST 32
#define SYNS  4096

struct stages {
	struct bench_rig rig;
	struct bench_shape shape;
	struct bench_set set;
	struct sw_pkt pkts[BURST];
	const struct sw_tuple *tuples[BURST];
	uint16_t service[BURST];
	struct sw_flow *flows[BURST];
	struct sw_tcp_opts opts[BURST];
	bool sum_ok[BURST];
	struct sw_cookie_in in[BURST];
	struct sw_cookie_out out[BURST];
	struct sw_segment segs[BURST];
	struct sw_stats stats;
	uint64_t whole_n, whole_sent, bad;
};

static void
prepare_burst(void *ctx)
{
	struct stages *s = ctx;
	struct bench_set *set = &s->set;

	bench_rig_next(&s->rig);
	for (unsigned i = 0; i < BURST; i++) {
		bench_rig_load(&s->rig, SW_OUTSIDE, set->data[set->at], set->len[set->at], 0);
		set->at = (set->at + 1) % set->n;
	}
}

static void
prepare_parsed(void *ctx)
{
	struct stages *s = ctx;

	prepare_burst(s);
	sw_parse_burst(s->rig.frames, s->pkts, BURST);
	for (unsigned i = 0; i < BURST; i++)
		s->tuples[i] = &s->pkts[i].tuple;
}

static void
run_options(void *ctx)
{
	struct stages *s = ctx;

	for (unsigned i = 0; i < BURST; i++) {
		s->sum_ok[i] = sw_pkt_tcp_csum_ok(&s->pkts[i]);
		s->sum_ok[i] &= sw_opts_read(&s->pkts[i], &s->opts[i]) == 0;
	}
}

static void
prepare_cookies(void *ctx)
{
	struct stages *s = ctx;

	prepare_parsed(s);
	run_options(s);
	for (unsigned i = 0; i < BURST; i++)
		s->in[i] = (struct sw_cookie_in){.tuple = &s->pkts[i].tuple,
			.client_isn = s->pkts[i].seq,
			.mss = s->opts[i].mss,
			.wscale = s->opts[i].wscale,
			.sack = s->opts[i].sack_perm,
			.ts = s->opts[i].ts};
}

static void
run_cookies(void *ctx)
{
	struct stages *s = ctx;

	sw_cookie_issue_burst(&s->rig.keys, s->rig.now_ns / 1000000000, s->in, s->out, BURST);
}

static void
prepare_build(void *ctx)
{
	struct stages *s = ctx;

	prepare_cookies(s);
	run_cookies(s);
	for (unsigned i = 0; i < BURST; i++)
		s->segs[i] = (struct sw_segment){.l2 = s->rig.frames[i].data,
			.l2_len = (uint8_t)s->pkts[i].l3_off,
			.swap_l2 = true,
			.to_client = true,
			.tcp_flags = SW_TCP_SYN | SW_TCP_ACK,
			.window = 32768,
			.seq = s->out[i].isn,
			.ack = s->in[i].client_isn + 1,
			.tuple = &s->pkts[i].tuple,
			.opts = {.mss = 1460,
				.wscale = 7,
				.sack_perm = true,
				.ts = true,
				.tsval = s->out[i].tsval,
				.tsecr = s->opts[i].tsval}};
}

static void
run_parse(void *ctx)
{
	struct stages *s = ctx;

	sw_parse_burst(s->rig.frames, s->pkts, BURST);
}

static void
run_policy(void *ctx)
{
	struct stages *s = ctx;

	sw_policy_lookup_burst(s->rig.view.policy, s->tuples, s->service, BURST);
}

static void
run_flow(void *ctx)
{
	struct stages *s = ctx;

	sw_flow_lookup_burst(sw_engine_flows(s->rig.e), s->tuples, s->flows, BURST);
}

static void
run_build(void *ctx)
{
	struct stages *s = ctx;

	for (unsigned i = 0; i < BURST; i++)
		sw_build_segment(&s->rig.frames[i], &s->segs[i]);
}

/* As the engine counts for a burst of SYNs: four for each. */
static void
run_counters(void *ctx)
{
	struct stages *s = ctx;
	struct sw_stats_burst c;

	sw_stats_clear(&c);
	sw_count_add(&c, SW_C_RX_OUTSIDE, BURST);
	sw_count_add(&c, SW_C_SYN_RECEIVED, BURST);
	sw_count_add(&c, SW_C_SYNACK_SENT, BURST);
	sw_count_add(&c, SW_C_TX_OUTSIDE, BURST);
	sw_stats_fold(&s->stats, &c);
}

static void
run_whole(void *ctx)
{
	bench_rig_run(&((struct stages *)ctx)->rig);
}

static void
done_whole(void *ctx)
{
	struct stages *s = ctx;

	s->whole_n += BURST;
	s->whole_sent += s->rig.out->n_tx[SW_OUTSIDE];
}

static void
done_parse(void *ctx)
{
	struct stages *s = ctx;

	for (unsigned i = 0; i < BURST; i++)
		s->bad += s->pkts[i].kind != SW_PKT_TCP;
}

static void
done_policy(void *ctx)
{
	struct stages *s = ctx;

	for (unsigned i = 0; i < BURST; i++)
		s->bad += s->service[i] != 0;
}

static void
done_flow(void *ctx)
{
	struct stages *s = ctx;

	for (unsigned i = 0; i < BURST; i++)
		s->bad += s->flows[i] != NULL;
}

static void
done_options(void *ctx)
{
	struct stages *s = ctx;

	for (unsigned i = 0; i < BURST; i++)
		s->bad += !s->sum_ok[i] || !s->opts[i].ts;
}

static const struct stage {
	const char *name;
	void (*prepare)(void *ctx);
	void (*run)(void *ctx);
	void (*done)(void *ctx);
} stages[] = {
	{"whole", prepare_burst, run_whole, done_whole},
	{"parse", prepare_burst, run_parse, done_parse},
	{"policy", prepare_parsed, run_policy, done_policy},
	{"flow", prepare_parsed, run_flow, done_flow},
	{"checksum+options", prepare_parsed, run_options, done_options},
	{"cookie", prepare_cookies, run_cookies, NULL},
	{"build", prepare_build, run_build, NULL},
	{"counters", prepare_burst, run_counters, NULL},
};

/* Rows of the stages are the last ones; the first of them is the whole. */
static void
say_rest(struct bench *b, const char *family)
{
	const struct bench_row *row = &b->rows[b->n_rows - SW_ARRAY_LEN(stages)];
	double whole = row->cycles.median, sum = 0;

	for (unsigned i = 1; i < SW_ARRAY_LEN(stages); i++) {
		sum += row[i].cycles.median;
		bench_note(b, "stages/%s: %-16s %6.1f cycles, %4.1f %%", family, stages[i].name,
			row[i].cycles.median, 100 * row[i].cycles.median / whole);
	}
	bench_note(b, "stages/%s: %-16s %6.1f cycles, %4.1f %%, of %.1f", family, "rest",
		whole - sum, 100 * (whole - sum) / whole, whole);
}

static void
measure(struct bench *b, bool v6)
{
	static struct stages s;
	const char *family = v6 ? "v6" : "v4";
	char name[SW_ARRAY_LEN(stages)][BENCH_NAME_BYTES];
	struct bench_case cases[SW_ARRAY_LEN(stages)];
	uint64_t seed = 1;

	s = (struct stages){.shape = {.v6 = v6, .opts = BENCH_OPT_FULL}};
	if (!bench_rig_init(&s.rig, &(struct bench_rig_cfg){.mode = SW_MODE_PROXY})) {
		bench_check(b, false, "stages: not enough memory");
		return;
	}
	bench_set_init(&s.set, SYNS);
	for (unsigned i = 0; i < SYNS; i++)
		s.set.len[i] =
			(uint16_t)bench_write_syn(s.set.data[i], &s.shape, bench_rand(&seed));
	for (unsigned i = 0; i < SW_ARRAY_LEN(stages); i++) {
		snprintf(name[i], sizeof(name[i]), "stages/%s/%s", family, stages[i].name);
		cases[i] = (struct bench_case){.name = name[i],
			.unit = "SYN",
			.burst = BURST,
			.ctx = &s,
			.prepare = stages[i].prepare,
			.run = stages[i].run,
			.done = stages[i].done};
	}
	bench_measure_turns(b, cases, SW_ARRAY_LEN(stages));
	bench_check(b, s.whole_sent == s.whole_n, "stages/%s: of %lu SYNs, %lu SYN-ACKs were sent",
		family, (unsigned long)s.whole_n, (unsigned long)s.whole_sent);
	bench_check(b, s.bad == 0, "stages/%s: a stage had a wrong result %lu times", family,
		(unsigned long)s.bad);
	say_rest(b, family);
	bench_set_fini(&s.set);
	bench_rig_fini(&s.rig);
}

/* All stages of a family or none. They are those of the general way. */
void
bench_stages(struct bench *b)
{
	sw_simd_set(SW_SIMD_NONE);
	if (bench_wants(b, "stages/v4"))
		measure(b, false);
	if (bench_wants(b, "stages/v6"))
		measure(b, true);
	sw_simd_set(sw_simd_best());
}
