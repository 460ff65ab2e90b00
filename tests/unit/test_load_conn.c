/* SPDX-License-Identifier: BSD-3-Clause */
/* synload's connections: clean links and bad ones, idle ones, numbers that come again. */
#include "load_rig.h"

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
			.full = pkt_rand(&draw) % 100,
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

/* A SYN-ACK comes once: who answers with cookies does not repeat it. */
static unsigned synacks;

static bool
break_repeated_synack(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	struct pkt_seen s;

	(void)r;
	if (up || !pkt_read(frame, len, &s) || s.flags != 0x12 || synacks++ == 0)
		return false;
	frame[12] = 0; /* EtherType */
	return true;
}

/* The port takes nothing for a while: what had no room is sent later, by nobody else's help. */
START_TEST(full_port)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct rig *r = rig_new(&plain, seed & 1, seed);

		synacks = 0;
		r->harm.full = 300;
		r->tamper = break_repeated_synack;
		run(r, 1, 1, 60000000);
		ck_assert_msg(r->client.stats.finished == 1, "seed %lu", (unsigned long)seed);
		free(r);
	}
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

/* What is lost before the idle time begins is sent again in time, whoever is to close after it. */
START_TEST(hold_behind_losses)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sw_conn_spec s = plain;
		struct rig *r;

		s.hold_us = 3000000;
		s.timeout_ms = 2500; /* below the idle time */
		s.close_server = seed & 1;
		r = rig_new(&s, seed & 2, seed);
		r->harm.loss = 50;
		run(r, 50, 50, 60000000);
		ck_assert_msg(r->client.stats.finished == 50 && failures(&r->client) == 0 &&
				      failures(&r->server) == 0,
			"seed %lu: %lu finished, %lu and %lu failed", (unsigned long)seed,
			(unsigned long)r->client.stats.finished,
			(unsigned long)failures(&r->client), (unsigned long)failures(&r->server));
		ck_assert_uint_lt(r->client.response.max_us, 2500000);
		free(r);
	}
}
END_TEST

/* Those begun while measuring count to their end, whenever that is; others never do. */
START_TEST(cohort)
{
	struct sw_conn_spec s = plain;
	struct rig *r;
	const struct sw_conn_cohort *m;

	s.hold_us = 50000;
	r = rig_new(&s, false, 8);
	m = &r->client.stats.measured;
	r->client.measuring = false;
	run(r, 20, 20, 10000);
	ck_assert_uint_eq(r->client.stats.opened, 20);
	r->client.measuring = true;
	run(r, 50, 50, 20000);
	ck_assert_uint_eq(r->client.stats.opened, 50);
	ck_assert_uint_eq(r->client.stats.finished, 0);
	r->client.measuring = false;
	run(r, 60, 60, 60000000);
	ck_assert_uint_eq(r->client.stats.finished, 60);
	ck_assert_uint_eq(m->tried, 30);
	ck_assert_uint_eq(m->opened, 30);
	ck_assert_uint_eq(m->finished, 30);
	ck_assert_uint_eq(m->failed, 0);
	ck_assert_uint_eq(r->client.handshake.n, 30);
	ck_assert_uint_eq(r->client.response.n, 30);
	r->client.measuring = true;
	r->harm.loss = 1000;
	run(r, 63, 63, r->now_us + 1000);
	r->client.measuring = false;
	sw_end_give_up(&r->client);
	ck_assert_uint_eq(m->tried, 33);
	ck_assert_uint_eq(m->finished, 30);
	ck_assert_uint_eq(m->failed, 3);
	free(r);
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
	/* 1,024 slots of at least two numbers: as good as all are used before one comes again. */
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

	tcase_set_timeout(t, 240);
	tcase_add_test(t, clean);
	tcase_add_test(t, frames_of_one);
	tcase_add_test(t, harmed);
	tcase_add_test(t, full_port);
	tcase_add_test(t, hold);
	tcase_add_test(t, hold_behind_losses);
	tcase_add_test(t, cohort);
	tcase_add_test(t, numbers_are_used_in_turn);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
