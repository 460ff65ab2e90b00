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
	tcase_add_test(t, resets);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
