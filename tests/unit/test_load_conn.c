/* SPDX-License-Identifier: BSD-3-Clause */
/* synload's connections: client and server against each other in memory, over links that do harm. */
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

static struct rig *
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

static void
push(struct rig *r, struct queue *q, const uint8_t *data, uint16_t len, uint64_t extra_us)
{
	ck_assert_uint_lt(q->n, QUEUE);
	q->f[q->n].at_us = r->now_us + r->harm.delay_us + extra_us;
	q->f[q->n].len = len;
	memcpy(q->f[q->n].data, data, len);
	q->n++;
}

static bool
chance(struct rig *r, unsigned of_1000)
{
	return pkt_rand(&r->seed) % 1000 < of_1000;
}

/* What an end has written goes onto the link. Every frame is a right one. */
static void
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

static void
more(void *arg)
{
	struct rig *r = arg;

	drain(r, &r->to_server, &r->up);
	drain(r, &r->to_client, &r->down);
}

/* Frames whose time has come, in order of time, to the end. */
static void
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

static void
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
static void
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

static uint64_t
failures(const struct sw_end *e)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SW_CONN_FAULTS; i++)
		n += e->stats.failed[i];
	return n;
}

static void
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

/* On a clean link: every option set, family, who closes, sizes around a segment, keep-alive. */
START_TEST(clean)
{
	static const uint32_t sizes[] = {1, 100, 1448, 1449, 30000};

	for (unsigned i = 0; i < SW_CRAFT_OPTION_SETS * 4 * SW_ARRAY_LEN(sizes); i++) {
		struct sw_conn_spec s = plain;
		struct rig *r;

		s.options = i % SW_CRAFT_OPTION_SETS;
		s.close_server = i / SW_CRAFT_OPTION_SETS & 1;
		s.response_bytes = sizes[i / SW_CRAFT_OPTION_SETS / 4];
		s.request_bytes = sizes[i % SW_ARRAY_LEN(sizes)];
		s.keep_alive = 1 + i % 3;
		r = rig_new(&s, i / SW_CRAFT_OPTION_SETS & 2, i);
		run(r, 5, 3, 60000000);
		assert_all_finished(r, 5);
		ck_assert_uint_eq(r->client.stats.retransmitted, 0);
		ck_assert_uint_eq(r->server.stats.retransmitted, 0);
		free(r);
	}
}
END_TEST

/* One connection is as many frames as a stack would send: 5 and 3. */
START_TEST(frames_of_one)
{
	struct rig *r = rig_new(&plain, false, 1);

	run(r, 1, 1, 1000000);
	assert_all_finished(r, 1);
	ck_assert_uint_eq(r->frames, 8);
	free(r);
}
END_TEST

START_TEST(harmed)
{
	const uint64_t first = pkt_seed();

	for (uint64_t seed = first; seed < first + 100; seed++) {
		struct sw_conn_spec s = plain;
		uint64_t draw = seed;
		struct rig *r;

		s.options = pkt_rand(&draw) % SW_CRAFT_OPTION_SETS;
		s.close_server = pkt_rand(&draw) & 1;
		s.request_bytes = 1 + pkt_rand(&draw) % 5000;
		s.response_bytes = 1 + pkt_rand(&draw) % 20000;
		s.keep_alive = 1 + pkt_rand(&draw) % 3;
		s.timeout_ms = 1000000;
		r = rig_new(&s, pkt_rand(&draw) & 1, seed);
		r->harm = (struct harm){.loss = pkt_rand(&draw) % 100,
			.dup = pkt_rand(&draw) % 100,
			.reorder = pkt_rand(&draw) % 100,
			.corrupt = pkt_rand(&draw) % 50,
			.delay_us = pkt_rand(&draw) % 2000};
		run(r, 10, 5, 600000000);
		ck_assert_msg(r->client.stats.finished == 10 && failures(&r->client) == 0 &&
				      r->client.stats.bytes_verified ==
					      10ull * s.keep_alive * s.response_bytes,
			"seed %lu: %lu finished, %lu failed, %lu in flight", (unsigned long)seed,
			(unsigned long)r->client.stats.finished,
			(unsigned long)failures(&r->client), (unsigned long)r->client.in_flight);
		ck_assert_uint_eq(
			r->server.stats.bytes_verified, 10ull * s.keep_alive * s.request_bytes);
		free(r);
	}
}
END_TEST

/* The nth frame with payload of a direction gets one byte changed, and a right checksum. */
static bool
change_payload(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	struct pkt_seen s;

	if (up != (r->spec.request_bytes == 101) || r->tampered > 0 || !pkt_read(frame, len, &s) ||
		s.payload_len == 0)
		return false;
	frame[s.payload - frame + (long)s.payload_len / 2] ^= 0x10;
	pkt_fix(frame, len);
	return true;
}

START_TEST(corrupted_payload_is_found)
{
	for (int up = 0; up < 2; up++) {
		struct sw_conn_spec s = plain;
		struct rig *r;

		s.request_bytes = up ? 101 : 100;
		r = rig_new(&s, false, 3);
		r->tamper = change_payload;
		run(r, 20, 5, 60000000);
		ck_assert_uint_eq(r->tampered, 1);
		ck_assert_uint_eq(
			(up ? &r->server : &r->client)->stats.failed[SW_CONN_BAD_PAYLOAD], 1);
		ck_assert_uint_eq(r->client.stats.finished, 19);
		ck_assert_uint_eq(failures(&r->client), 1);
		free(r);
	}
}
END_TEST

/* A SYN-ACK acknowledges something else. */
static bool
change_ack(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	struct pkt_seen s;

	if (up || r->tampered > 0 || !pkt_read(frame, len, &s) || s.flags != 0x12)
		return false;
	frame[s.l4_off + 11]++;
	pkt_fix(frame, len);
	return true;
}

START_TEST(wrong_synack_is_found)
{
	struct rig *r = rig_new(&plain, false, 3);

	r->tamper = change_ack;
	run(r, 5, 5, 60000000);
	ck_assert_uint_eq(r->client.stats.failed[SW_CONN_BAD_SYNACK], 1);
	ck_assert_uint_eq(r->client.stats.finished, 4);
	free(r);
}
END_TEST

/* The response acknowledges more than was sent. */
static bool
ack_the_future(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	struct pkt_seen s;

	if (up || r->tampered > 0 || !pkt_read(frame, len, &s) || s.payload_len == 0)
		return false;
	s.ack += 100000;
	for (unsigned i = 0; i < 4; i++)
		frame[s.l4_off + 8 + i] = (uint8_t)(s.ack >> (24 - 8 * i));
	pkt_fix(frame, len);
	return true;
}

START_TEST(ack_of_nothing_is_found)
{
	struct rig *r = rig_new(&plain, false, 3);

	r->tamper = ack_the_future;
	run(r, 5, 5, 60000000);
	ck_assert_uint_eq(r->tampered, 1);
	ck_assert_uint_eq(r->client.stats.failed[SW_CONN_BAD_SEQUENCE], 1);
	ck_assert_uint_eq(r->client.stats.finished, 4);
	free(r);
}
END_TEST

/* Everything to or from the server vanishes from a stage on. */
static bool
cut_all(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	(void)up;
	(void)frame;
	(void)len;
	r->harm.loss = 1000;
	return true;
}

static bool
cut_from_data(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	struct pkt_seen s;

	if (!up || !pkt_read(frame, len, &s) || s.payload_len == 0)
		return false;
	r->harm.loss = 1000;
	return true;
}

static bool
cut_from_fin(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	struct pkt_seen s;

	if (!up || !pkt_read(frame, len, &s) || !(s.flags & 1))
		return false;
	r->harm.loss = 1000;
	return true;
}

START_TEST(timeouts_name_the_stage)
{
	static const struct {
		bool (*cut)(struct rig *, bool, uint8_t *, size_t);
		enum sw_conn_fault fault;
	} cases[] = {
		{cut_all, SW_CONN_TIMEOUT_SYN},
		{cut_from_data, SW_CONN_TIMEOUT_DATA},
		{cut_from_fin, SW_CONN_TIMEOUT_CLOSE},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct sw_conn_spec s = plain;
		struct rig *r;

		s.timeout_ms = 500;
		r = rig_new(&s, false, 4);
		r->tamper = cases[i].cut;
		run(r, 1, 1, 60000000);
		ck_assert_uint_eq(r->client.stats.failed[cases[i].fault], 1);
		ck_assert_uint_eq(failures(&r->client), 1);
		ck_assert_uint_eq(r->client.in_flight, 0);
		/* 500 ms with a timer of 20, 40, 80, 160, 320. */
		ck_assert_uint_ge(r->client.stats.retransmitted, 4);
		ck_assert_uint_le(r->client.stats.retransmitted, 6);
		ck_assert_uint_ge(r->now_us, 500000);
		free(r);
	}
}
END_TEST

/* Answers the first SYN itself. */
static bool
refuse(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	uint8_t rst[PKT_MAX];
	struct pkt_make m = {.src = {198, 51, 100, 10}, .sport = 80, .flags = 0x14};
	struct pkt_seen s;

	if (!up || !pkt_read(frame, len, &s) || s.flags != 2)
		return false;
	memcpy(m.dst, s.src, 4);
	m.dport = s.sport;
	m.ack = s.seq + 1;
	push(r, &r->down, rst, (uint16_t)pkt_make(rst, sizeof(rst), &m), 0);
	return true;
}

START_TEST(resets)
{
	struct rig *r = rig_new(&plain, false, 5);

	r->tamper = refuse;
	r->harm.loss = 1000;
	run(r, 3, 3, 1000000);
	ck_assert_uint_eq(r->client.stats.failed[SW_CONN_REFUSED], 3);
	free(r);
}
END_TEST

/* Held open, idle, for 3 s of the clock: all at once, nothing sent meanwhile. */
START_TEST(hold)
{
	for (int server = 0; server < 2; server++) {
		struct sw_conn_spec s = plain;
		struct rig *r;
		uint64_t frames;

		s.hold_us = 3000000;
		s.timeout_ms = 1000;
		s.close_server = server;
		r = rig_new(&s, false, 6);
		run(r, 500, 500, 100000);
		ck_assert_uint_eq(r->client.in_flight, 500);
		ck_assert_uint_eq(r->server.in_flight, 500);
		frames = r->frames;
		run(r, 500, 500, 2500000);
		ck_assert_uint_eq(r->frames, frames);
		run(r, 500, 500, 10000000);
		assert_all_finished(r, 500);
		ck_assert_uint_ge(r->now_us, 3000000);
		free(r);
	}
}
END_TEST

/* An address and port come again only after all others of their slot. Counted by port. */
static unsigned syns_of[65536];

static bool
count_ports(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	struct pkt_seen s;

	(void)r;
	if (up && pkt_read(frame, len, &s) && s.flags == 2)
		syns_of[s.sport]++;
	return false;
}

START_TEST(numbers_are_used_in_turn)
{
	unsigned n = 0;
	const union sw_addr one = {.b = {[12] = 10, [15] = 1}};
	struct rig *r = rig_new(&plain, false, 7);

	sw_space_init(&r->route.space[0], &one, 32, false);
	sw_space_set_ports(&r->route.space[0], 1024, 3000);
	sw_space_set_order(&r->route.space[0], SW_SPACE_RANDOM, 7);
	ck_assert_uint_eq(sw_end_slots(&r->route, 1000), 1024);
	ck_assert_uint_eq(sw_end_slots(&r->route, 1025), 2048);
	ck_assert_uint_eq(sw_end_slots(&r->route, 2049), 0);
	sw_end_init(&r->client, &r->spec, &r->to_server, r->conns[0], r->free_ring, SLOTS);
	sw_end_init(&r->server, &r->spec, &r->to_client, r->conns[1], NULL, SLOTS);
	/* More than there are ports. */
	r->tamper = count_ports;
	run(r, 3500, 100, 600000000);
	assert_all_finished(r, 3500);
	/* 1,024 slots of two numbers each at least: as good as all are used before one comes again. */
	for (unsigned i = 0; i < 3000; i++)
		n += syns_of[1024 + i] > 0;
	ck_assert_uint_ge(n, 2 * SLOTS);
	for (unsigned i = 0; i < 3000; i++)
		ck_assert_uint_le(syns_of[1024 + i], 2);
	free(r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_conn");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_test(t, clean);
	tcase_add_test(t, frames_of_one);
	tcase_add_test(t, harmed);
	tcase_add_test(t, corrupted_payload_is_found);
	tcase_add_test(t, wrong_synack_is_found);
	tcase_add_test(t, ack_of_nothing_is_found);
	tcase_add_test(t, timeouts_name_the_stage);
	tcase_add_test(t, resets);
	tcase_add_test(t, hold);
	tcase_add_test(t, numbers_are_used_in_turn);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
