/* SPDX-License-Identifier: BSD-3-Clause */
/* synload's connections: what goes wrong is found, and named. */
#include "load_rig.h"

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

/* The first segment with payload, of either direction, gets one bit of its header changed. */
static unsigned touch_byte, touch_bit;

static bool
touch_header(struct rig *r, bool up, uint8_t *frame, size_t len)
{
	static bool done[2];
	struct pkt_seen s;

	if (r->tampered == 0)
		done[0] = done[1] = false;
	if (done[up] || !pkt_read(frame, len, &s) || s.payload_len == 0)
		return false;
	done[up] = true;
	frame[touch_byte] ^= (uint8_t)(1u << touch_bit);
	return true;
}

START_TEST(changed_headers_are_found)
{
	static const struct {
		unsigned byte, bit;
		bool v6, tagged, l2;
	} cases[] = {
		{0, 7, false, false, true}, /* MAC addresses */
		{11, 0, false, false, true}, {6, 2, true, false, true},
		{15, 3, false, true, true},   /* the tag */
		{24, 0, false, false, false}, /* of IPv4: its checksum */
		{22, 0, false, false, false}, /* and TTL, without it */
		{14, 5, true, false, false},  /* the version of IPv6 */
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig *r = rig_new(&plain, cases[i].v6, 5);
		const uint64_t l2 = cases[i].l2;

		r->route.l2.vlan = cases[i].tagged ? 100 : 0;
		sw_end_init(&r->client, &r->spec, &r->to_server, r->conns[0], r->free_ring, SLOTS);
		sw_end_init(&r->server, &r->spec, &r->to_client, r->conns[1], NULL, SLOTS);
		touch_byte = cases[i].byte;
		touch_bit = cases[i].bit;
		r->tamper = touch_header;
		run(r, 5, 5, 60000000);
		ck_assert_uint_eq(r->tampered, 2);
		assert_all_finished(r, 5);
		ck_assert_msg(r->client.stats.bad_l2 == l2 && r->server.stats.bad_l2 == l2 &&
				      r->client.stats.malformed == !l2 &&
				      r->server.stats.malformed == !l2 &&
				      r->client.stats.stray + r->server.stats.stray == 0,
			"case %u: %lu and %lu of layer 2, %lu and %lu malformed", i,
			(unsigned long)r->client.stats.bad_l2,
			(unsigned long)r->server.stats.bad_l2,
			(unsigned long)r->client.stats.malformed,
			(unsigned long)r->server.stats.malformed);
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

int
main(void)
{
	Suite *s = suite_create("load_faults");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 240);
	tcase_add_test(t, corrupted_payload_is_found);
	tcase_add_test(t, wrong_synack_is_found);
	tcase_add_test(t, ack_of_nothing_is_found);
	tcase_add_test(t, timeouts_name_the_stage);
	tcase_add_test(t, changed_headers_are_found);
	tcase_add_test(t, resets);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
