/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "scenarios.h"

static void
catch_frame(void *owner, int side, struct rig_buf *buf)
{
	struct bench *b = owner;
	struct seg_path path;
	struct seg s;

	b->total[side]++;
	if (b->n < BENCH_CAUGHT_MAX && seg_parse(buf->mem, buf->len, &path, &s) == NULL) {
		s.pay = NULL;
		b->c[b->n++] = (struct caught){.side = side, .seg = s};
	}
	rig_buf_put(&b->rig, buf);
}

void
bench_init_cfg(struct bench *b, const struct rig_cfg *cfg)
{
	sim_fail_clear();
	memset(b, 0, sizeof(*b));
	b->now = 6400 * SIM_SEC; /* start of an epoch of 64 s */
	rig_init(&b->rig, cfg, b->now);
	b->rig.sink = catch_frame;
	b->rig.owner = b;
}

void
bench_init(struct bench *b)
{
	struct world_cfg w;

	plan_defaults(&w);
	bench_init_cfg(b, &w.rig);
}

void
bench_fini(struct bench *b)
{
	rig_fini(&b->rig);
	ck_assert_msg(!sim_failed(), "%s", sim_failure());
}

unsigned
bench_feed(struct bench *b, const struct seg_path *p, int from, const struct seg *s)
{
	b->n = 0;
	rig_feed(&b->rig, b->now, p, from, s);
	return b->n;
}

unsigned
bench_wait(struct bench *b, uint64_t ns)
{
	b->n = 0;
	for (uint64_t end = b->now + ns; b->now < end; b->now += 10 * SIM_MS)
		rig_tick(&b->rig, b->now);
	return b->n;
}

struct seg
bench_seg(uint8_t flags, uint32_t seq, uint32_t ack)
{
	return (struct seg){
		.flags = flags, .seq = seq, .ack = ack, .window = 10000, .wscale = SEG_NO_WSCALE};
}

uint32_t
bench_cookie(struct bench *b, const struct seg_path *p, uint32_t client_isn)
{
	struct seg syn = bench_seg(SEG_SYN, client_isn, 0);

	ck_assert_uint_eq(bench_feed(b, p, CLIENT, &syn), 1);
	ck_assert_int_eq(b->c[0].side, SW_OUTSIDE);
	ck_assert_uint_eq(b->c[0].seg.flags, SEG_SYN | SEG_ACK);
	ck_assert_uint_eq(b->c[0].seg.ack, client_isn + 1);
	return b->c[0].seg.seq;
}

bool
bench_return(struct bench *b, const struct seg_path *p, uint32_t client_isn, uint32_t cookie)
{
	struct seg ack = bench_seg(SEG_ACK, client_isn + 1, cookie + 1);

	if (bench_feed(b, p, CLIENT, &ack) == 0)
		return false;
	ck_assert_uint_eq(b->n, 1);
	ck_assert_int_eq(b->c[0].side, SW_INSIDE);
	ck_assert_uint_eq(b->c[0].seg.flags, SEG_SYN);
	ck_assert_uint_eq(b->c[0].seg.seq, client_isn);
	return true;
}

uint32_t
bench_open(struct bench *b, const struct seg_path *p, uint32_t client_isn, uint32_t server_isn)
{
	uint32_t cookie = bench_cookie(b, p, client_isn);
	struct seg synack = bench_seg(SEG_SYN | SEG_ACK, server_isn, client_isn + 1);

	ck_assert(bench_return(b, p, client_isn, cookie));
	ck_assert_uint_eq(bench_feed(b, p, SERVER, &synack), 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct caught *c = &b->c[i];

		ck_assert_uint_eq(c->seg.flags, SEG_ACK);
		if (c->side == SW_INSIDE) {
			ck_assert_uint_eq(c->seg.seq, client_isn + 1);
			ck_assert_uint_eq(c->seg.ack, server_isn + 1);
		} else {
			ck_assert_uint_eq(c->seg.seq, cookie + 1);
			ck_assert_uint_eq(c->seg.ack, client_isn + 1);
		}
	}
	ck_assert_int_ne(b->c[0].side, b->c[1].side);
	ck_assert_uint_eq(bench_flow(b, p)->state, SW_FLOW_QUIET);
	return cookie;
}

struct sw_flow *
bench_flow(struct bench *b, const struct seg_path *p)
{
	const struct seg_end *c = &p->end[CLIENT], *s = &p->end[SERVER];
	struct sw_tuple t;

	memset(&t, 0, sizeof(t));
	memcpy(&t.client.b[p->v6 ? 0 : 12], c->addr, p->v6 ? 16 : 4);
	memcpy(&t.server.b[p->v6 ? 0 : 12], s->addr, p->v6 ? 16 : 4);
	t.cport_be = rte_cpu_to_be_16(c->port);
	t.sport_be = rte_cpu_to_be_16(s->port);
	t.vlan_af = p->v6 ? SW_TUPLE_IPV6 : 0;
	for (unsigned i = 0; i < p->n_tags; i++)
		t.vlan_af |= (uint32_t)(p->tci[i] & 0xfff) << (i * SW_TUPLE_INNER_SHIFT);
	return sw_flow_find(sw_engine_flows(b->rig.engine), &t);
}

unsigned
bench_feed_corrupt(struct bench *b, const struct seg_path *p, int from, const struct seg *s)
{
	uint8_t data[RIG_FRAME_MAX], side = from == CLIENT ? SW_OUTSIDE : SW_INSIDE;
	size_t len = seg_build(data, sizeof(data), p, from, s);
	struct rig_buf *buf = rig_buf_get(&b->rig, data, (uint32_t)len, 64);

	buf->mem[14 + 4 * p->n_tags + (p->v6 ? 40 : 20) + 16] ^= 0x20;
	buf->corrupt = true;
	b->n = 0;
	rig_burst(&b->rig, b->now, &buf, &side, 1, 0);
	return b->n;
}

struct seg_path
bench_path(bool v6, uint32_t client, uint16_t port)
{
	return seg_path_make(v6, client, port, RIG_PORT_PROXY, 0, 0);
}
