/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/conns.h"

#include "packet/options.h"

#define BURST 32

/* A number for bench_tuple(): odd multiples mod 2^32 are all different, and so are their parts. */
static uint64_t
rand_of(uint64_t i)
{
	uint32_t x = (uint32_t)i * 0x9e3779b1u;

	return (x & 0x7fff) | (uint64_t)(x >> 15) << 23;
}

static uint32_t
client_isn(uint64_t i)
{
	return (uint32_t)bench_hash(rand_of(i));
}

static uint32_t
client_tsval(uint64_t i)
{
	return (uint32_t)(bench_hash(rand_of(i)) >> 32);
}

static uint32_t
server_isn(uint64_t i)
{
	return (uint32_t)bench_hash(~i);
}

static uint32_t
server_tsval(uint64_t i)
{
	return (uint32_t)(bench_hash(~i) >> 32);
}

struct sw_tuple
bench_conn_tuple(const struct bench_conns *cs, uint64_t i)
{
	return bench_tuple(&cs->shape, rand_of(i));
}

/* Writes a segment of connection i as the next packet of the burst. */
static void
add(const struct bench_conns *cs, uint64_t i, struct sw_segment *s, uint32_t payload)
{
	struct bench_rig *r = cs->rig;
	struct sw_tuple tuple = bench_conn_tuple(cs, i);

	s->tuple = &tuple;
	bench_rig_add(r, s->to_client ? SW_INSIDE : SW_OUTSIDE,
		bench_write(bench_rig_buf(r, r->n), &cs->shape, s, payload), cs->csum);
}

/* The SYN-ACKs of a burst come in any order, each in the buffer of its SYN. */
static bool
read_synacks(const struct bench_conns *cs, uint64_t first, struct bench_conn *c, unsigned n)
{
	struct sw_frame *tx = cs->rig->out->tx[SW_OUTSIDE];
	struct sw_pkt pkts[SW_BURST_MAX];
	bool ok = cs->rig->out->n_tx[SW_OUTSIDE] == n;

	for (unsigned k = 0; ok && k < n; k++)
		tx[k].side = SW_INSIDE; /* a server's, for the parser */
	if (!ok)
		return false;
	sw_parse_burst(tx, pkts, n);
	for (unsigned k = 0; k < n; k++) {
		unsigned i = bench_rig_which(cs->rig, &tx[k]);
		struct sw_tcp_opts opts;

		ok &= pkts[k].kind == SW_PKT_TCP && pkts[k].ack == client_isn(first + i) + 1 &&
		      sw_opts_read(&pkts[k], &opts) == 0 && opts.ts;
		c[i] = (struct bench_conn){.isn = pkts[k].seq, .tsval = ok ? opts.tsval : 0};
	}
	return ok;
}

bool
bench_conn_syns(const struct bench_conns *cs, uint64_t first, struct bench_conn *c, unsigned n)
{
	struct bench_shape full = cs->shape;
	struct bench_rig *r = cs->rig;

	full.opts = BENCH_OPT_FULL;
	bench_rig_next(r);
	for (unsigned i = 0; i < n; i++)
		bench_rig_add(r, SW_OUTSIDE,
			bench_write_syn(bench_rig_buf(r, i), &full, rand_of(first + i)), cs->csum);
	bench_rig_run(r);
	return read_synacks(cs, first, c, n);
}

void
bench_conn_add_ack(const struct bench_conns *cs, uint64_t i, const struct bench_conn *c)
{
	struct sw_segment s = {
		.tcp_flags = SW_TCP_ACK,
		.window = 502,
		.seq = client_isn(i) + 1,
		.ack = c->isn + 1,
		.opts = {.wscale = SW_WSCALE_NONE,
			.ts = true,
			.tsval = client_tsval(i) + 1,
			.tsecr = c->tsval},
	};

	add(cs, i, &s, 0);
}

void
bench_conn_add_synack(const struct bench_conns *cs, uint64_t i)
{
	struct sw_segment s = {
		.to_client = true,
		.tcp_flags = SW_TCP_SYN | SW_TCP_ACK,
		.window = 65160,
		.seq = server_isn(i),
		.ack = client_isn(i) + 1,
		.opts = {.mss = cs->shape.v6 ? 1440 : 1460,
			.wscale = 7,
			.sack_perm = true,
			.ts = true,
			.tsval = server_tsval(i),
			.tsecr = client_tsval(i) + 1},
	};

	add(cs, i, &s, 0);
}

void
bench_conn_add_refusal(const struct bench_conns *cs, uint64_t i)
{
	struct sw_segment s = {
		.to_client = true,
		.tcp_flags = SW_TCP_RST | SW_TCP_ACK,
		.ack = client_isn(i) + 1,
		.opts = {.wscale = SW_WSCALE_NONE},
	};

	add(cs, i, &s, 0);
}

void
bench_conn_add_segment(const struct bench_conns *cs, uint64_t i, const struct bench_conn *c,
	unsigned side, uint32_t payload)
{
	bool to_client = side == SW_INSIDE;
	struct sw_segment s = {
		.to_client = to_client,
		.tcp_flags = SW_TCP_ACK,
		.window = 502,
		.seq = to_client ? server_isn(i) + 1 : client_isn(i) + 1,
		.ack = to_client ? client_isn(i) + 1 : c->isn + 1,
		.opts = {.wscale = SW_WSCALE_NONE,
			.ts = true,
			.tsval = to_client ? server_tsval(i) + 2 : client_tsval(i) + 2,
			.tsecr = to_client ? client_tsval(i) + 1 : c->tsval},
	};

	add(cs, i, &s, payload);
}

uint64_t
bench_conn_open(const struct bench_conns *cs, uint64_t first, struct bench_conn *c, uint64_t n)
{
	struct bench_rig *r = cs->rig;
	uint64_t before = bench_rig_count(r, SW_C_FLOW_ESTABLISHED);

	for (uint64_t at = 0; at < n; at += BURST) {
		unsigned m = n - at < BURST ? (unsigned)(n - at) : BURST;

		if (!bench_conn_syns(cs, first + at, &c[at], m))
			break;
		bench_rig_next(r);
		for (unsigned i = 0; i < m; i++)
			bench_conn_add_ack(cs, first + at + i, &c[at + i]);
		bench_rig_run(r);
		bench_rig_next(r);
		for (unsigned i = 0; i < m; i++)
			bench_conn_add_synack(cs, first + at + i);
		bench_rig_run(r);
	}
	return bench_rig_count(r, SW_C_FLOW_ESTABLISHED) - before;
}
