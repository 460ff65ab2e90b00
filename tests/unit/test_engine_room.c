/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a client that has sent early is told of the server's window at once: where it waits for
 * that, or has been promised more.
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "unit/rig_each.h"

/*
 * Segments of one client while it waits, in that order, as many in a burst as there can be; of len
 * bytes each, by their number.
 */
static void
send_early(const struct rig_conn *c, const unsigned *order, unsigned n, unsigned len)
{
	static uint8_t data[1400];

	for (unsigned i = 0; i < n; i++) {
		struct pkt_make m = rig_client(c);

		m.payload = data;
		m.payload_len = len;
		m.seq = c->c + 1 + (order ? order[i] : i) * len;
		rig_queue(&r, SW_OUTSIDE, &m);
		if (i % SW_BURST_MAX == SW_BURST_MAX - 1 || i == n - 1)
			rig_run(&r);
	}
}

/*
 * The client hears of the server's window at once where that has less room than it was promised,
 * or where it has used more than half of that: else by the server's first segment.
 */
START_TEST(client_is_told_where_it_must_be)
{
	static const struct {
		unsigned segments; /* held, of 1,024 bytes each; 32,768 were promised */
		uint16_t window;   /* of the server */
		bool told;
	} cases[] = {
		{1, 65160, false},
		{16, 65160, false},
		{17, 65160, true},
		{1, 32768, false},
		{1, 32767, true},
		{1, 0, true},
	};
	uint8_t o[40];

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		const unsigned n = cases[i].segments, told = cases[i].told;
		struct rig_conn c = conn4;
		struct pkt_make m;

		c.cport += (uint16_t)i;
		rig_syn(&r, &c);
		rig_ack(&r, &c);
		send_early(&c, NULL, n, 1024);
		m = rig_server_synack(&c, o);
		m.window = cases[i].window;
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_msg(r.n_sent == told + n, "%u: %u sent", i, r.n_sent);
		ck_assert_uint_eq(r.sent[0].side, told ? SW_OUTSIDE : SW_INSIDE);
		ck_assert_uint_eq(r.sent[told].seen.payload_len, 1024);
		ck_assert_uint_eq(rig_stat(&r, SW_C_SERVER_ACK_SENT), 0);
		m = rig_server(&c);
		m.ack = c.c + 1 + n * 1024;
		m.window = 500;
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(rig_only(&r, SW_OUTSIDE)->seen.window, 500);
	}
	ck_assert_uint_eq(rig_stat(&r, SW_C_CLIENT_OPENED), 3);
	ck_assert_uint_eq(rig_stat(&r, SW_C_SYNACK_CONSUMED), 3);
}
END_TEST

/*
 * A client that has filled its window is told at once. _i: all in order; two of its segments the
 * wrong way round; one lost; no room for more than 64 segments.
 */
START_TEST(filled_window_is_opened_at_once)
{
	struct rig_conn c = conn4;
	unsigned order[32], n = 32;
	uint8_t o[40];
	struct pkt_make m;

	for (unsigned i = 0; i < 32; i++)
		order[i] = i;
	if (_i == 1) {
		order[1] = 2;
		order[2] = 1;
	} else if (_i == 2) {
		memmove(order + 1, order + 2, 30 * sizeof(*order));
		n = 31;
	}
	rig_syn(&r, &c);
	rig_ack(&r, &c);
	if (_i == 3)
		send_early(&c, NULL, 32768 / 128, 128);
	else
		send_early(&c, order, n, 1024);
	m = rig_server_synack(&c, o);
	rig_send(&r, SW_INSIDE, &m);
	ck_assert_uint_eq(rig_stat(&r, SW_C_CLIENT_OPENED), 1);
}
END_TEST

/* The window in the SYN-ACK is not scaled (RFC 7323, 2.2), nor is what was promised. */
START_TEST(room_is_in_bytes)
{
	static const uint8_t opts[] = {2, 4, 5, 180, 1, 3, 3, 7};
	static const uint16_t window[] = {1000, 32767, 32768};

	for (unsigned i = 0; i < SW_ARRAY_LEN(window); i++) {
		struct rig_conn c = conn4;
		uint8_t o[40];
		struct pkt_make m;

		c.cport += (uint16_t)i;
		memcpy(c.opts, opts, sizeof(opts));
		c.opts_len = sizeof(opts);
		rig_syn(&r, &c);
		rig_ack(&r, &c);
		send_early(&c, NULL, 1, 100);
		m = rig_server_synack(&c, o);
		m.window = window[i];
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(r.n_sent, window[i] < 32768 ? 2 : 1);
		if (r.n_sent == 2)
			ck_assert_uint_eq(r.sent[0].seen.window, window[i] >> 7);
	}
}
END_TEST

/* The same where the service promises something else than the rig's 32,768. */
START_TEST(room_of_other_windows)
{
	static const struct {
		uint16_t promised, window, sent;
		bool told;
	} cases[] = {{1024, 1024, 512, false}, {1024, 1024, 513, true}, {1024, 1023, 1, true},
		{1025, 1025, 512, false}, {1025, 1025, 513, true}, {65535, 65535, 100, false},
		{65535, 65534, 100, true}};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_params p = {.window = cases[i].promised};
		struct rig_conn c = conn6;
		static uint8_t data[1400];
		struct rig t;
		uint8_t o[40];
		struct pkt_make m;

		rig_init(&t, &p);
		rig_syn(&t, &c);
		rig_ack(&t, &c);
		m = rig_client(&c);
		m.payload = data;
		m.payload_len = cases[i].sent;
		rig_send(&t, SW_OUTSIDE, &m);
		m = rig_server_synack(&c, o);
		m.window = cases[i].window;
		rig_send(&t, SW_INSIDE, &m);
		ck_assert_msg(t.n_sent == 1u + cases[i].told, "%u", i);
		rig_fini(&t);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine room");
	TCase *c = tcase_create("engine room");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, client_is_told_where_it_must_be);
	tcase_add_loop_test(c, filled_window_is_opened_at_once, 0, 4);
	tcase_add_test(c, room_is_in_bytes);
	tcase_add_test(c, room_of_other_windows);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
