/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_ack.c - the other packets of a handshake, and those of no connection, through the engine:
 *
 *   ack/good     right cookie: flow and pending record are made, the SYN to the server is sent
 *   ack/respond  the same in mode respond: counted
 *   synack       the server's SYN-ACK: the flow is spliced; an ACK to each end
 *   ack/bad      random cookie: dropped; with "scalar" by the general way, without vector code;
 *                with "avx2" by no more than that, where the CPU has more
 *   rst          of no connection: dropped
 *   other        no TCP (UDP): bridged
 *
 * Cookies come from the engine, CONNS of them at a time, so that the ACK of one comes CONNS SYNs
 * after its SYN; each is used once. What a round has made is removed before the next one: by the
 * server's refusal, or, spliced, by the table.
 */
#include <stdio.h>

#include "base/simd.h"
#include "bench/conns.h"

#define BURST 32
#define CONNS 4096

enum what { GOOD, RESPOND, SYNACK, BAD, RST, OTHER, WHATS };

static const char *const what_name[WHATS] = {
	"ack/good", "ack/respond", "synack", "ack/bad", "rst", "other"};

struct acks {
	enum what what;
	struct bench_rig rig;
	struct bench_conns conns;
	struct bench_conn conn[CONNS];
	uint64_t first; /* number of conn[0] */
	unsigned at;	/* the next of conn[] */
	uint64_t seed;
	uint64_t n; /* packets that were timed */
	uint64_t unanswered;
	uint64_t tx[SW_SIDES]; /* what came of those */
};

/* Cookies for the next CONNS connections, when they are used up. */
static void
get_cookies(struct acks *a)
{
	if (a->at < CONNS)
		return;
	a->first += CONNS;
	a->at = 0;
	for (unsigned i = 0; i < CONNS; i += BURST)
		a->unanswered += !bench_conn_syns(&a->conns, a->first + i, &a->conn[i], BURST);
}

static void
add_acks(struct acks *a)
{
	bench_rig_next(&a->rig);
	for (unsigned i = 0; i < BURST; i++)
		bench_conn_add_ack(&a->conns, a->first + a->at + i, &a->conn[a->at + i]);
}

static void
prepare_good(void *ctx)
{
	struct acks *a = ctx;

	get_cookies(a);
	add_acks(a);
}

static void
prepare_synack(void *ctx)
{
	struct acks *a = ctx;

	prepare_good(a);
	bench_rig_run(&a->rig);
	bench_rig_next(&a->rig);
	for (unsigned i = 0; i < BURST; i++)
		bench_conn_add_synack(&a->conns, a->first + a->at + i);
}

/* A packet that is not of any connection. */
static uint32_t
write_stray(uint8_t *data, const struct acks *a, uint64_t rand)
{
	const struct bench_shape *shape = &a->conns.shape;
	struct sw_tuple tuple = bench_tuple(shape, rand);
	uint64_t more = bench_hash(rand);
	struct sw_segment s = {
		.tcp_flags = a->what == RST ? SW_TCP_RST : SW_TCP_ACK,
		.window = 502,
		.seq = (uint32_t)more,
		.ack = (uint32_t)(more >> 32),
		.tuple = &tuple,
		.opts = {.wscale = SW_WSCALE_NONE, .ts = a->what == BAD, .tsval = (uint32_t)rand},
	};
	uint32_t len = bench_write(data, shape, &s, 0);
	struct sw_wire_ip4 *ip4 = (void *)(data + SW_ETH_BYTES);

	if (a->what != OTHER)
		return len;
	/* UDP is not looked into: its header may be anything. */
	if (shape->v6)
		((struct sw_wire_ip6 *)ip4)->next = 17;
	else
		ip4->proto = 17;
	return len;
}

static void
prepare_stray(void *ctx)
{
	struct acks *a = ctx;

	bench_rig_next(&a->rig);
	for (unsigned i = 0; i < BURST; i++)
		bench_rig_add(&a->rig, SW_OUTSIDE,
			write_stray(bench_rig_buf(&a->rig, i), a, bench_rand(&a->seed)),
			a->conns.csum);
}

static void
run(void *ctx)
{
	bench_rig_run(&((struct acks *)ctx)->rig);
}

static void
done(void *ctx)
{
	struct acks *a = ctx;

	a->n += BURST;
	for (unsigned side = 0; side < SW_SIDES; side++)
		a->tx[side] += a->rig.out->n_tx[side];
}

static void
done_good(void *ctx)
{
	struct acks *a = ctx;

	done(a);
	if (a->what == GOOD) {
		bench_rig_next(&a->rig);
		for (unsigned i = 0; i < BURST; i++)
			bench_conn_add_refusal(&a->conns, a->first + a->at + i);
		bench_rig_run(&a->rig);
	}
	a->at += BURST;
}

static void
done_synack(void *ctx)
{
	struct acks *a = ctx;
	struct sw_flow_table *t = sw_engine_flows(a->rig.e);

	done(a);
	for (unsigned i = 0; i < BURST; i++) {
		struct sw_tuple tuple = bench_conn_tuple(&a->conns, a->first + a->at + i);
		struct sw_flow *f = sw_flow_find(t, &tuple);

		if (f != NULL)
			sw_flow_remove(t, f);
	}
	a->at += BURST;
}

/* That so many were counted, and so many packets came of it on each side. */
static void
check(struct bench *b, const char *name, const struct acks *a)
{
	static const struct {
		unsigned counter;
		unsigned tx[SW_SIDES]; /* for each packet of the burst */
	} want[WHATS] = {
		[GOOD] = {SW_C_SERVER_SYN_SENT, {0, 1}},
		[RESPOND] = {SW_C_RESPOND_ACCEPTED, {0, 0}},
		[SYNACK] = {SW_C_FLOW_ESTABLISHED, {1, 1}},
		[BAD] = {SW_C_DROP_BASE + SW_DROP_COOKIE_BAD, {0, 0}},
		[RST] = {SW_C_DROP_BASE + SW_DROP_RST_NO_FLOW, {0, 0}},
		[OTHER] = {SW_C_BRIDGED, {0, 1}},
	};
	uint64_t count = bench_rig_count(&a->rig, want[a->what].counter);

	bench_check(b, a->unanswered == 0, "%s: %lu bursts of SYNs were not answered", name,
		(unsigned long)a->unanswered);
	bench_check(b, count == a->n, "%s: of %lu packets, %lu did what they should", name,
		(unsigned long)a->n, (unsigned long)count);
	for (unsigned side = 0; side < SW_SIDES; side++)
		bench_check(b, a->tx[side] == want[a->what].tx[side] * a->n,
			"%s: of %lu packets, %lu came out on side %u", name, (unsigned long)a->n,
			(unsigned long)a->tx[side], side);
	bench_check(b, sw_engine_gauges(a->rig.e).flows == 0, "%s: flows were left", name);
}

static void
measure(struct bench *b, enum what what, bool v6, enum sw_simd level)
{
	static struct acks a;
	char name[BENCH_NAME_BYTES];
	bool stray = what >= BAD;

	snprintf(name, sizeof(name), "%s/%s%s", what_name[what], v6 ? "v6" : "v4",
		bench_level_suffix(level));
	if (!bench_wants(b, name))
		return;
	sw_simd_set(level);
	memset(&a, 0, sizeof(a));
	a.what = what;
	a.conns = (struct bench_conns){.rig = &a.rig, .shape = {.v6 = v6}};
	a.at = CONNS;
	if (!bench_rig_init(
		    &a.rig, &(struct bench_rig_cfg){
				    .mode = what == RESPOND ? SW_MODE_RESPOND : SW_MODE_PROXY})) {
		bench_check(b, false, "%s: not enough memory", name);
		return;
	}
	bench_measure(b, &(struct bench_case){.name = name,
				 .burst = BURST,
				 .ctx = &a,
				 .prepare = stray	     ? prepare_stray
					    : what == SYNACK ? prepare_synack
							     : prepare_good,
				 .run = run,
				 .done = stray		  ? done
					 : what == SYNACK ? done_synack
							  : done_good});
	check(b, name, &a);
	bench_rig_fini(&a.rig);
	sw_simd_set(sw_simd_best());
}

void
bench_ack(struct bench *b)
{
	for (unsigned what = 0; what < WHATS; what++) {
		measure(b, what, false, sw_simd_best());
		measure(b, what, true, sw_simd_best());
	}
	for (enum sw_simd level = SW_SIMD_NONE; level <= sw_simd_most(); level++) {
		if (level == sw_simd_best())
			continue;
		measure(b, BAD, false, level);
		measure(b, BAD, true, level);
	}
}
