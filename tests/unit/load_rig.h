/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load_rig.h - synload's two ends against each other in memory, over links that do harm by seed,
 * and a clock of the test's own. What a case wants changed on its way it changes in tamper().
 */
#ifndef SW_TEST_LOAD_RIG_H
#define SW_TEST_LOAD_RIG_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "pkt_make.h"

#define SLOTS 1024
#define FRAME 2048
#define QUEUE 1024

/* One direction of the link: frames with the time at which they arrive. */
struct queue {
	struct {
		uint64_t at_us;
		uint16_t len;
		uint8_t data[FRAME];
	} f[QUEUE];
	unsigned n;
};

struct harm {
	unsigned loss, dup, reorder, corrupt; /* of 1000 */
	unsigned delay_us;
};

struct rig {
	struct sw_load_route route;
	struct sw_payload payload;
	struct sw_conn_spec spec;
	struct sw_end client, server;
	struct sw_out to_server, to_client;
	uint8_t buf[2][SW_OUT_MAX][FRAME];
	struct sw_conn conns[2][SLOTS];
	uint32_t free_ring[SLOTS];
	struct queue up, down;
	struct harm harm;
	uint64_t seed, now_us;
	uint64_t frames, corrupted;
	/* Changes a frame on its way; NULL: nobody does. True: it has. */
	bool (*tamper)(struct rig *r, bool up, uint8_t *frame, size_t len);
	unsigned tampered;
};

static inline struct rig *
rig_new(const struct sw_conn_spec *spec, bool v6, uint64_t seed)
{
	struct rig *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	const union sw_addr p4 = {.b = {[12] = 10}}, p6 = {.b = {0xfd}};

	ck_assert_ptr_nonnull(r);
	memset(r, 0, sizeof(*r));
	r->seed = seed;
	r->route.l2 = (struct sw_load_l2){{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, 0};
	r->route.n_servers = 1;
	r->route.servers[0].port = 80;
	r->route.servers[0].v6 = v6;
	r->route.servers[0].addr.w_be[3] = RTE_BE32(0xc633640a);
	if (v6)
		r->route.servers[0].addr.b[0] = 0x20;
	r->route.key = pkt_rand(&seed);
	sw_space_init(&r->route.space[0], &p4, 8, false);
	sw_space_init(&r->route.space[1], &p6, 8, true);
	sw_space_set_order(&r->route.space[0], SW_SPACE_RANDOM, seed);
	sw_space_set_order(&r->route.space[1], SW_SPACE_RANDOM, seed);
	sw_payload_init(&r->payload, seed);
	r->spec = *spec;
	r->spec.route = &r->route;
	r->spec.payload = &r->payload;
	for (unsigned i = 0; i < SW_OUT_MAX; i++) {
		r->to_server.data[i] = r->buf[0][i];
		r->to_client.data[i] = r->buf[1][i];
	}
	r->to_server.room = r->to_client.room = SW_OUT_MAX;
	sw_end_init(&r->client, &r->spec, &r->to_server, r->conns[0], r->free_ring, SLOTS);
	sw_end_init(&r->server, &r->spec, &r->to_client, r->conns[1], NULL, SLOTS);
	return r;
}

static inline void
push(struct rig *r, struct queue *q, const uint8_t *data, uint16_t len, uint64_t extra_us)
{
	ck_assert_uint_lt(q->n, QUEUE);
	q->f[q->n].at_us = r->now_us + r->harm.delay_us + extra_us;
	q->f[q->n].len = len;
	memcpy(q->f[q->n].data, data, len);
	q->n++;
}

static inline bool
chance(struct rig *r, unsigned of_1000)
{
	return pkt_rand(&r->seed) % 1000 < of_1000;
}

/* What an end has written goes onto the link. Every frame is a right one. */
static inline void
drain(struct rig *r, struct sw_out *o, struct queue *q)
{
	for (unsigned i = 0; i < o->n; i++) {
		uint64_t extra = chance(r, r->harm.reorder) ? 3 * r->harm.delay_us + 100 : 0;
		bool bad = chance(r, r->harm.corrupt);

		r->frames++;
		ck_assert_msg(pkt_check(o->data[i], o->len[i]), "a frame of ours is wrong");
		if (r->tamper != NULL && r->tamper(r, q == &r->up, o->data[i], o->len[i]))
			r->tampered++;
		if (chance(r, r->harm.loss))
			continue;
		if (bad) {
			/* Behind the addresses and ports: it reaches its connection. */
			o->data[i][38 + pkt_rand(&r->seed) % (o->len[i] - 38u)] ^= 1;
			r->corrupted++;
		}
		push(r, q, o->data[i], o->len[i], extra);
		if (chance(r, r->harm.dup))
			push(r, q, o->data[i], o->len[i], 50);
	}
	o->n = 0;
}

static inline void
more(void *arg)
{
	struct rig *r = arg;

	drain(r, &r->to_server, &r->up);
	drain(r, &r->to_client, &r->down);
}

/* Frames whose time has come, in order of time, to the end. */
static inline void
deliver(struct rig *r, struct queue *q, struct sw_end *e)
{
	for (;;) {
		struct sw_frame f;
		unsigned best = q->n;
		static uint8_t copy[FRAME];

		for (unsigned i = 0; i < q->n; i++)
			if (q->f[i].at_us <= r->now_us &&
				(best == q->n || q->f[i].at_us < q->f[best].at_us))
				best = i;
		if (best == q->n)
			return;
		memcpy(copy, q->f[best].data, q->f[best].len);
		f = (struct sw_frame){
			.data = copy, .len = q->f[best].len, .pkt_len = q->f[best].len};
		memmove(&q->f[best], &q->f[best + 1], (q->n - best - 1) * sizeof(q->f[0]));
		q->n--;
		sw_end_input(e, &f, 1, more, r);
		more(r);
	}
}

static inline void
step(struct rig *r, uint64_t us)
{
	r->now_us += us;
	r->client.now_us = r->server.now_us = r->now_us;
	sw_end_timers(&r->client, more, r);
	sw_end_timers(&r->server, more, r);
	more(r);
	deliver(r, &r->up, &r->server);
	deliver(r, &r->down, &r->client);
}

/* total connections, at most at_once of them; until all have ended, or the time is up. */
static inline void
run(struct rig *r, unsigned total, unsigned at_once, uint64_t most_us)
{
	while (r->now_us < most_us) {
		while (r->client.in_flight < at_once && r->client.stats.tried < total &&
			sw_end_open(&r->client))
			more(r);
		step(r, 200);
		if (r->client.stats.tried == total && r->client.in_flight == 0 &&
			r->server.in_flight == 0)
			return;
	}
}

static const struct sw_conn_spec plain = {
	.options = SW_CRAFT_LINUX,
	.request_bytes = 100,
	.response_bytes = 1000,
	.keep_alive = 1,
	.timeout_ms = 20000,
	.rto_ms = 20,
};

static inline uint64_t
failures(const struct sw_end *e)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SW_CONN_FAULTS; i++)
		n += e->stats.failed[i];
	return n;
}

static inline void
assert_all_finished(const struct rig *r, unsigned total)
{
	const struct sw_conn_spec *s = &r->spec;

	for (unsigned i = 0; i < SW_CONN_FAULTS; i++) {
		ck_assert_msg(r->client.stats.failed[i] == 0, "client: %lu %s",
			(unsigned long)r->client.stats.failed[i], sw_conn_fault_names[i]);
		ck_assert_msg(r->server.stats.failed[i] == 0, "server: %lu %s",
			(unsigned long)r->server.stats.failed[i], sw_conn_fault_names[i]);
	}
	ck_assert_uint_eq(r->client.stats.tried, total);
	ck_assert_uint_eq(r->client.stats.opened, total);
	ck_assert_uint_eq(r->client.stats.finished, total);
	ck_assert_uint_eq(r->server.stats.finished, total);
	ck_assert_uint_eq(r->client.stats.bytes_verified,
		(uint64_t)total * s->keep_alive * s->response_bytes);
	ck_assert_uint_eq(
		r->server.stats.bytes_verified, (uint64_t)total * s->keep_alive * s->request_bytes);
	ck_assert_uint_eq(r->client.handshake.n, total);
	ck_assert_uint_eq(r->client.response.n, (uint64_t)total * s->keep_alive);
}

#endif
