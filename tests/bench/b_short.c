/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_short.c - what the cycles of the short way of plain SYNs go to: short/FAMILY/STAGE.
 *
 * As b_stages.c: each stage's own function on the same bursts as the whole engine (proxy, full
 * options), in turn with it. "pick" sorts, reads and looks for flows; "read" and "tags" are parts
 * of it. The rest is the whole without "pick" and "write".
 */
#include <stdio.h>

#include "bench/pkts.h"
#include "bench/rig.h"
#include "handshake/ways.h"

#define BURST SW_BURST_MAX
#define SYNS  4096

struct ways {
	struct bench_rig rig;
	struct bench_shape shape;
	struct bench_set set;
	struct picked picked;
	struct sw_frame rest[BURST];
	uint64_t whole_n, whole_sent, bad;
};

static struct syn_batch *
batch(struct ways *w)
{
	return &w->picked.rows[w->shape.v6];
}

static void
prepare_burst(void *ctx)
{
	struct ways *w = ctx;
	struct bench_set *set = &w->set;

	bench_rig_next(&w->rig);
	for (unsigned i = 0; i < BURST; i++) {
		bench_rig_load(&w->rig, SW_OUTSIDE, set->data[set->at], set->len[set->at], 0);
		set->at = (set->at + 1) % set->n;
	}
}

static void
run_whole(void *ctx)
{
	bench_rig_run(&((struct ways *)ctx)->rig);
}

static void
done_whole(void *ctx)
{
	struct ways *w = ctx;

	w->whole_n += BURST;
	w->whole_sent += w->rig.out->n_tx[SW_OUTSIDE];
}

static void
run_pick(void *ctx)
{
	struct ways *w = ctx;

	struct burst b = {.e = w->rig.e, .view = &w->rig.view};

	short_ways()->pick(&b, &w->picked, w->rig.frames, BURST, w->rest);
	w->bad += w->picked.segs.n + w->picked.rest.n;
}

static void
prepare_picked(void *ctx)
{
	struct ways *w = ctx;

	prepare_burst(w);
	run_pick(w);
	short_ways()->pad_syns(batch(w));
}

static void
run_read(void *ctx)
{
	short_ways()->read_syns(batch(ctx));
}

static void
done_fit(void *ctx)
{
	((struct ways *)ctx)->bad += batch(ctx)->fit != UINT64_MAX;
}

static void
prepare_read(void *ctx)
{
	struct syn_batch *s = batch(ctx);

	prepare_picked(ctx);
	run_read(ctx);
	s->one_target = true;
	s->promise[0] = SYN_PROMISE_WSCALE | SYN_PROMISE_SACK | SYN_PROMISE_TS;
	s->mss_opt[0] = SW_OPT_WORD(SW_OPT_MSS, SW_OPT_MSS_LEN, 1460 >> 8, 1460 & 0xff);
	s->wscale_opt[0] = SW_OPT_WORD(SW_OPT_NOP, SW_OPT_WSCALE, SW_OPT_WSCALE_LEN, 7);
	s->window[0] = 0x80 << 16;
}

static void
run_tags(void *ctx)
{
	short_ways()->absent_syns(batch(ctx));
}

static void
run_write(void *ctx)
{
	struct ways *w = ctx;
	const struct syn_keys sign = {.slot = &w->rig.keys.slot[w->rig.keys.parity],
		.parity = w->rig.keys.parity,
		.clock = sw_cookie_clock(w->rig.now_ns / 1000000000)};

	short_ways()->write_syns(batch(w), &sign);
}

static const struct stage {
	const char *name;
	void (*prepare)(void *ctx);
	void (*run)(void *ctx);
	void (*done)(void *ctx);
} stages[] = {
	{"whole", prepare_burst, run_whole, done_whole},
	{"pick", prepare_burst, run_pick, NULL},
	{"read", prepare_picked, run_read, done_fit},
	{"tags", prepare_read, run_tags, done_fit},
	{"write", prepare_read, run_write, done_fit},
};

/* Rows of the stages are the last ones; the first of them is the whole. */
static void
say_rest(struct bench *b, const char *family)
{
	const struct bench_row *row = &b->rows[b->n_rows - SW_ARRAY_LEN(stages)];
	const double sum = row[1].cycles.median + row[SW_ARRAY_LEN(stages) - 1].cycles.median;

	bench_note(b, "short/%s: the rest of %.1f cycles is %.1f", family, row->cycles.median,
		row->cycles.median - sum);
}

static void
measure(struct bench *b, bool v6)
{
	static struct ways w;
	const char *family = v6 ? "v6" : "v4";
	char name[SW_ARRAY_LEN(stages)][BENCH_NAME_BYTES];
	struct bench_case cases[SW_ARRAY_LEN(stages)];
	uint64_t seed = 1;

	memset(&w, 0, sizeof(w));
	w.shape = (struct bench_shape){.v6 = v6, .opts = BENCH_OPT_FULL};
	if (!bench_rig_init(&w.rig, &(struct bench_rig_cfg){.mode = SW_MODE_PROXY})) {
		bench_check(b, false, "short: not enough memory");
		return;
	}
	bench_set_init(&w.set, SYNS);
	for (unsigned i = 0; i < SYNS; i++)
		w.set.len[i] =
			(uint16_t)bench_write_syn(w.set.data[i], &w.shape, bench_rand(&seed));
	for (unsigned i = 0; i < SW_ARRAY_LEN(stages); i++) {
		snprintf(name[i], sizeof(name[i]), "short/%s/%s", family, stages[i].name);
		cases[i] = (struct bench_case){.name = name[i],
			.unit = "SYN",
			.burst = BURST,
			.ctx = &w,
			.prepare = stages[i].prepare,
			.run = stages[i].run,
			.done = stages[i].done};
	}
	bench_measure_turns(b, cases, SW_ARRAY_LEN(stages));
	bench_check(b, w.whole_sent == w.whole_n, "short/%s: of %lu SYNs, %lu SYN-ACKs were sent",
		family, (unsigned long)w.whole_n, (unsigned long)w.whole_sent);
	bench_check(b, w.bad == 0, "short/%s: a stage had a wrong result %lu times", family,
		(unsigned long)w.bad);
	say_rest(b, family);
	bench_set_fini(&w.set);
	bench_rig_fini(&w.rig);
}

/* All stages of a family or none; nothing on CPUs that cannot. */
void
bench_short(struct bench *b)
{
	if (short_ways() == NULL)
		return;
	if (bench_wants(b, "short/v4"))
		measure(b, false);
	if (bench_wants(b, "short/v6"))
		measure(b, true);
}
