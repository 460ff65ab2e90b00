/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_syn.c - a SYN becomes its SYN-ACK, through the whole engine: syn/FAMILY/OPTIONS/MODE/CHECKSUM.
 *
 *   OPTIONS   none; mss; full (MSS, SACK, timestamps, window scale: a header of 40 bytes, as Linux)
 *   MODE      proxy, respond
 *   CHECKSUM  sw: checked by the engine; hw: the port vouches for it
 *
 * The SYNs come from a set of SYNS, each from its own address and port with its own ISN, in order:
 * no two of a burst are alike, and the cache holds what parts of the flow table they look into. A
 * burst is what a worker takes from the outside in a flood, 64; with "32" it is half of that, with
 * "40" the last row of the widest level is not full. With the name of a level of vector
 * instructions it is that one; with "scalar" every SYN takes the general way. With "cold" each SYN
 * has never been seen before: the table is read from memory, as in a flood. With "open" that is so
 * too, and half of the table's flows are connections that are open: no bucket is empty.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/simd.h"
#include "bench/conns.h"

#define SYNS 4096
#define OPEN (BENCH_FLOWS / 2)

struct syn {
	struct bench_rig rig;
	struct bench_shape shape;
	struct bench_set set;
	enum sw_simd level;
	bool cold, open;
	unsigned burst;
	uint8_t csum;
	uint64_t seed;
	uint64_t sent; /* SYN-ACKs that stood in the output lists */
};

static void
prepare(void *ctx)
{
	struct syn *s = ctx;
	struct bench_rig *r = &s->rig;

	bench_rig_next(r);
	for (unsigned i = 0; i < s->burst; i++) {
		struct bench_set *set = &s->set;

		if (s->cold) {
			bench_rig_add(r, SW_OUTSIDE,
				bench_write_syn(
					bench_rig_buf(r, i), &s->shape, bench_rand(&s->seed)),
				s->csum);
			continue;
		}
		bench_rig_load(r, SW_OUTSIDE, set->data[set->at], set->len[set->at], s->csum);
		set->at = (set->at + 1) % set->n;
	}
}

static void
run(void *ctx)
{
	bench_rig_run(&((struct syn *)ctx)->rig);
}

static void
done(void *ctx)
{
	struct syn *s = ctx;

	s->sent += s->rig.out->n_tx[SW_OUTSIDE];
}

/* Of addresses that no SYN of the benchmark comes from. */
static void
open_connections(struct bench *b, const char *name, struct syn *s)
{
	const struct bench_conns conns = {.rig = &s->rig, .shape = s->shape};
	struct bench_conn *c = calloc(OPEN, sizeof(*c));

	bench_check(b, c != NULL && bench_conn_open(&conns, 0, c, OPEN) == OPEN,
		"%s: not all of %u connections were opened", name, OPEN);
	free(c);
}

static void
measure(struct bench *b, const char *name, struct syn *s, uint8_t mode)
{
	struct bench_rig *r = &s->rig;
	uint64_t fed, answered;

	if (!bench_rig_init(r, &(struct bench_rig_cfg){.mode = mode})) {
		bench_check(b, false, "%s: not enough memory", name);
		return;
	}
	s->seed = 1;
	if (s->open)
		open_connections(b, name, s);
	bench_rig_next(r);
	fed = r->fed;
	answered = bench_rig_count(r, SW_C_SYNACK_SENT);
	bench_set_init(&s->set, SYNS);
	for (unsigned i = 0; i < SYNS; i++)
		s->set.len[i] =
			(uint16_t)bench_write_syn(s->set.data[i], &s->shape, bench_rand(&s->seed));
	bench_measure(b, &(struct bench_case){.name = name,
				 .unit = "SYN",
				 .burst = s->burst,
				 .ctx = s,
				 .prepare = prepare,
				 .run = run,
				 .done = done});
	bench_rig_next(r);
	fed = r->fed - fed;
	answered = bench_rig_count(r, SW_C_SYNACK_SENT) - answered;
	bench_check(b, s->sent == fed && answered == fed, "%s: of %lu SYNs, %lu SYN-ACKs were sent",
		name, (unsigned long)fed, (unsigned long)s->sent);
	bench_check(b, bench_rig_count(r, SW_C_DROPPED) == 0, "%s: packets were dropped", name);
	bench_set_fini(&s->set);
	bench_rig_fini(r);
}

static void
measure_if_wanted(struct bench *b, const struct syn *s, uint8_t mode)
{
	char name[BENCH_NAME_BYTES], burst[8] = "";
	struct syn mine = *s;

	if (s->burst != SW_BURST_MAX)
		snprintf(burst, sizeof(burst), "/%u", s->burst);
	snprintf(name, sizeof(name), "syn/%s%s/%s/%s/%s%s%s%s", s->shape.v6 ? "v6" : "v4",
		s->shape.vid != 0 ? "-vlan" : "", bench_opt_name[s->shape.opts],
		mode == SW_MODE_PROXY ? "proxy" : "respond", s->csum != 0 ? "hw" : "sw",
		s->open	  ? "/open"
		: s->cold ? "/cold"
			  : "",
		bench_level_suffix(s->level), burst);
	if (!bench_wants(b, name))
		return;
	sw_simd_set(s->level);
	measure(b, name, &mine, mode);
	sw_simd_set(sw_simd_best());
}

void
bench_syn(struct bench *b)
{
	static const uint8_t modes[] = {SW_MODE_PROXY, SW_MODE_RESPOND};
	static const uint8_t csums[] = {0, SW_CSUM_IP_GOOD | SW_CSUM_L4_GOOD};

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct syn s = {
			.shape = {.v6 = v6}, .level = sw_simd_best(), .burst = SW_BURST_MAX};

		for (unsigned m = 0; m < SW_ARRAY_LEN(modes); m++) {
			for (unsigned i = 0; i < SW_ARRAY_LEN(csums); i++) {
				s.csum = csums[i];
				for (unsigned o = 0; o < BENCH_OPT_KINDS; o++) {
					s.shape.opts = (uint8_t)o;
					measure_if_wanted(b, &s, modes[m]);
				}
			}
		}
		/* What is left of the shape is full options, and a checksum of hw: sw again. */
		s.csum = 0;
		s.shape.vid = 7;
		measure_if_wanted(b, &s, SW_MODE_PROXY);
		s.shape.vid = 0;
		/* Half a burst; and rows that are not full. */
		s.burst = 32;
		measure_if_wanted(b, &s, SW_MODE_PROXY);
		s.burst = 40;
		measure_if_wanted(b, &s, SW_MODE_PROXY);
		s.burst = SW_BURST_MAX;
		for (s.level = SW_SIMD_NONE; s.level <= sw_simd_most(); s.level++)
			if (s.level != sw_simd_best())
				measure_if_wanted(b, &s, SW_MODE_PROXY);
		s.level = sw_simd_best();
		s.cold = true;
		measure_if_wanted(b, &s, SW_MODE_PROXY);
		measure_if_wanted(b, &s, SW_MODE_RESPOND);
		s.open = true;
		measure_if_wanted(b, &s, SW_MODE_PROXY);
	}
}
