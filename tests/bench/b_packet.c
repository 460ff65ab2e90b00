/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_packet.c - parts of lib/packet on a burst of SYNs with full options, or of segments with data:
 * parse/..., options/..., checksum/..., build/....
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/pkts.h"
#include "packet/checksum.h"

#define BURST	  32
#define BUF_BYTES 2048

struct packets {
	struct bench_shape shape;
	uint32_t payload;
	uint64_t seed;
	uint8_t (*buf)[BUF_BYTES];
	struct sw_frame frames[BURST];
	struct sw_pkt pkts[BURST];
	struct sw_segment segs[BURST];
	struct sw_tcp_opts opts[BURST];
	bool sum_ok[BURST];
	uint64_t n, right;
};

static void
fresh(struct packets *p)
{
	for (unsigned i = 0; i < BURST; i++) {
		uint64_t rand = bench_rand(&p->seed);
		struct sw_tuple tuple = bench_tuple(&p->shape, rand);
		struct sw_segment s = {
			.tcp_flags = p->payload > 0 ? SW_TCP_ACK : SW_TCP_SYN,
			.window = 64240,
			.seq = (uint32_t)bench_hash(rand),
			.tuple = &tuple,
			.opts = bench_syn_opts(p->shape.opts, (uint32_t)rand),
		};
		uint32_t len = bench_write(p->buf[i], &p->shape, &s, p->payload);

		p->frames[i] = (struct sw_frame){.data = p->buf[i],
			.len = len,
			.pkt_len = len,
			.room = (uint16_t)(BUF_BYTES - len),
			.side = SW_OUTSIDE};
	}
	p->n += BURST;
}

static void
prepare_frames(void *ctx)
{
	fresh(ctx);
}

static void
prepare_pkts(void *ctx)
{
	struct packets *p = ctx;

	fresh(p);
	sw_parse_burst(p->frames, p->pkts, BURST);
}

static void
prepare_segs(void *ctx)
{
	struct packets *p = ctx;

	prepare_pkts(p);
	for (unsigned i = 0; i < BURST; i++)
		p->segs[i] = (struct sw_segment){.l2 = p->buf[i],
			.l2_len = (uint8_t)p->pkts[i].l3_off,
			.swap_l2 = true,
			.to_client = true,
			.tcp_flags = SW_TCP_SYN | SW_TCP_ACK,
			.window = 32768,
			.seq = (uint32_t)p->seed,
			.ack = p->pkts[i].seq + 1,
			.tuple = &p->pkts[i].tuple,
			.opts = bench_syn_opts(p->shape.opts, p->pkts[i].seq)};
}

static void
run_parse(void *ctx)
{
	struct packets *p = ctx;

	sw_parse_burst(p->frames, p->pkts, BURST);
}

static void
run_options(void *ctx)
{
	struct packets *p = ctx;

	for (unsigned i = 0; i < BURST; i++)
		sw_opts_read(&p->pkts[i], &p->opts[i]);
}

static void
run_checksum(void *ctx)
{
	struct packets *p = ctx;

	for (unsigned i = 0; i < BURST; i++)
		p->sum_ok[i] = sw_pkt_tcp_csum_ok(&p->pkts[i]);
}

static void
run_build(void *ctx)
{
	struct packets *p = ctx;

	for (unsigned i = 0; i < BURST; i++)
		sw_build_segment(&p->frames[i], &p->segs[i]);
}

static void
done_parse(void *ctx)
{
	struct packets *p = ctx;

	for (unsigned i = 0; i < BURST; i++)
		p->right += p->pkts[i].kind == SW_PKT_TCP && p->pkts[i].pay_len == p->payload;
}

static void
done_options(void *ctx)
{
	struct packets *p = ctx;
	bool full = p->shape.opts == BENCH_OPT_FULL;

	for (unsigned i = 0; i < BURST; i++)
		p->right += p->opts[i].ts == full &&
			    (p->opts[i].mss != 0) == (p->shape.opts != BENCH_OPT_NONE);
}

static void
done_checksum(void *ctx)
{
	struct packets *p = ctx;

	for (unsigned i = 0; i < BURST; i++)
		p->right += p->sum_ok[i];
}

/* What was built is a SYN-ACK with right checksums. */
static void
done_build(void *ctx)
{
	struct packets *p = ctx;

	for (unsigned i = 0; i < BURST; i++)
		p->frames[i].side = SW_INSIDE;
	sw_parse_burst(p->frames, p->pkts, BURST);
	for (unsigned i = 0; i < BURST; i++)
		p->right += p->pkts[i].kind == SW_PKT_TCP &&
			    p->pkts[i].tcp_flags == (SW_TCP_SYN | SW_TCP_ACK) &&
			    sw_pkt_tcp_csum_ok(&p->pkts[i]);
}

struct part {
	const char *name;
	void (*prepare)(void *ctx);
	void (*run)(void *ctx);
	void (*done)(void *ctx);
};

static void
measure(struct bench *b, const struct part *part, const struct bench_shape *shape, uint32_t payload)
{
	static uint8_t buf[BURST][BUF_BYTES];
	struct packets p = {.shape = *shape, .payload = payload, .buf = buf};
	char name[BENCH_NAME_BYTES];

	snprintf(name, sizeof(name), "%s/%s%s/%s", part->name, shape->v6 ? "v6" : "v4",
		shape->vid != 0 ? "-vlan" : "", payload > 0 ? "1460" : bench_opt_name[shape->opts]);
	if (!bench_wants(b, name))
		return;
	bench_measure(b, &(struct bench_case){.name = name,
				 .burst = BURST,
				 .ctx = &p,
				 .prepare = part->prepare,
				 .run = part->run,
				 .done = part->done});
	bench_check(b, p.right == p.n, "%s: %lu of %lu packets were handled right", name,
		(unsigned long)p.right, (unsigned long)p.n);
}

void
bench_packet(struct bench *b)
{
	static const struct part parse = {"parse", prepare_frames, run_parse, done_parse};
	static const struct part options = {"options", prepare_pkts, run_options, done_options};
	static const struct part sum = {"checksum", prepare_pkts, run_checksum, done_checksum};
	static const struct part build = {"build", prepare_segs, run_build, done_build};

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct bench_shape full = {.v6 = v6, .opts = BENCH_OPT_FULL};
		struct bench_shape tagged = {.v6 = v6, .opts = BENCH_OPT_FULL, .vid = 7};

		measure(b, &parse, &full, 0);
		measure(b, &parse, &tagged, 0);
		for (unsigned o = 0; o < BENCH_OPT_KINDS; o++) {
			struct bench_shape s = {.v6 = v6, .opts = (uint8_t)o};

			measure(b, &options, &s, 0);
			measure(b, &sum, &s, 0);
			measure(b, &build, &s, 0);
		}
		measure(b, &sum, &full, 1460);
	}
}
