/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port whose ring takes what the test lets it take. Each packet must come out once, in order, or
 * be given up and counted. A packet has a second owner, the test, so that who frees it needs no
 * pool: its reference count says whether that was done.
 */
#include <stdlib.h>

#include <check.h>

#include "send.h"

#define PORT	  7
#define QUEUE	  3
#define FRAME_MAX 1522
#define KEEP_TSC  1600000000000ull /* some minutes: no test is so slow */
#define PACKETS	  20000

enum { NOT_YET, SENT, FREED };

/* The ring: `room` packets more, none behind one that is too long. */
static struct {
	unsigned room;
	unsigned offers;
	bool gone; /* as net_memif says it */
	struct rte_mbuf *last;
} ring;

static struct rte_mbuf *packets;
static struct sw_send out;

static uint16_t
take(void *queue, struct rte_mbuf **m, uint16_t n)
{
	uint16_t k = 0;

	ck_assert_ptr_eq(queue, &ring);
	ring.offers++;
	if (ring.gone)
		return (uint16_t)-1;
	while (k < n && ring.room > 0 && m[k]->pkt_len <= FRAME_MAX) {
		ck_assert_msg(m[k] > ring.last, "packet %td behind %td", m[k] - packets,
			ring.last - packets);
		ck_assert_uint_eq(m[k]->dynfield1[0], NOT_YET);
		m[k]->dynfield1[0] = SENT;
		ring.last = m[k++];
		ring.room--;
	}
	return k;
}

static void
set_up(void)
{
	static void *queues[QUEUE + 1];

	queues[QUEUE] = &ring;
	rte_eth_fp_ops[PORT].tx_pkt_burst = take;
	rte_eth_fp_ops[PORT].txq.data = queues;
	packets = aligned_alloc(alignof(struct rte_mbuf), PACKETS * sizeof(packets[0]));
	ck_assert_ptr_nonnull(packets);
	for (unsigned i = 0; i < PACKETS; i++) {
		packets[i] = (struct rte_mbuf){.nb_segs = 1, .pkt_len = 60};
		rte_mbuf_refcnt_set(&packets[i], 2);
	}
	ring.room = ring.offers = 0;
	ring.gone = false;
	ring.last = packets - 1;
	out = (struct sw_send){
		.port = PORT, .queue = QUEUE, .frame_max = FRAME_MAX, .keep_tsc = KEEP_TSC};
}

static void
tear_down(void)
{
	free(packets);
}

/* A burst of n from packets[at]. */
static void
send_some(unsigned at, unsigned n)
{
	struct rte_mbuf *m[64];

	for (unsigned i = 0; i < n; i++)
		m[i] = &packets[at + i];
	sw_send(&out, m, n);
}

/* How many of the first n have come to that end. */
static unsigned
count(unsigned n, uint32_t what)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++) {
		const bool freed = rte_mbuf_refcnt_read(&packets[i]) == 1;

		ck_assert(!freed || packets[i].dynfield1[0] == NOT_YET);
		sum += (freed ? FREED : packets[i].dynfield1[0]) == what;
	}
	return sum;
}

START_TEST(a_ring_with_room)
{
	ring.room = 128;
	send_some(0, 64);
	send_some(64, 64);
	ck_assert_uint_eq(count(128, SENT), 128);
	ck_assert_uint_eq(ring.offers, 2);
	ck_assert_uint_eq(out.n_kept, 0);
}
END_TEST

/* A reader that was away: nothing is lost, whatever comes meanwhile goes behind it. */
START_TEST(a_pause_of_the_reader)
{
	ring.room = 10;
	for (unsigned at = 0; at < 256; at += 64)
		send_some(at, 64);
	ck_assert_uint_eq(count(256, SENT), 10);
	ck_assert_uint_eq(out.n_kept, 246);
	ring.room = 1000;
	send_some(256, 64);
	ck_assert_uint_eq(count(320, SENT), 320);
	ck_assert_uint_eq(out.n_kept, 0);
	ck_assert_uint_eq(out.full, 0);
}
END_TEST

/* The same without anything new: the worker's rounds do it. */
START_TEST(nothing_new)
{
	send_some(0, 64);
	ck_assert_uint_eq(sw_send_kept(&out), 0);
	ring.room = 40;
	ck_assert_uint_eq(sw_send_kept(&out), 40);
	ring.room = 40;
	ck_assert_uint_eq(sw_send_kept(&out), 24);
	ck_assert_uint_eq(count(64, SENT), 64);
}
END_TEST

/* No more than there is room for; which are lost is those that came last. */
START_TEST(more_than_are_kept)
{
	for (unsigned at = 0; at < 320; at += 64)
		send_some(at, 64);
	ck_assert_uint_eq(out.n_kept, SW_SEND_KEEP);
	ck_assert_uint_eq(out.full, 64);
	ck_assert_uint_eq(count(SW_SEND_KEEP, FREED), 0);
	ck_assert_uint_eq(count(320, FREED), 64);
	sw_send_end(&out);
	ck_assert_uint_eq(out.n_kept, 0);
	ck_assert_uint_eq(out.full, 320);
	ck_assert_uint_eq(count(320, FREED), 320);
}
END_TEST

/* The worker's next round is a second later, or so it seems. */
static void
refuse_later(void)
{
	out.offered_tsc = rte_rdtsc() - KEEP_TSC;
	ck_assert_uint_eq(sw_send_kept(&out), 0);
}

/* A ring that nobody reads: what is kept is given up, and nothing is kept for a while. */
START_TEST(no_reader)
{
	send_some(0, 64);
	/* A time without the CPU is not one in which the ring was full: each counts for little. */
	for (unsigned i = 0; i < SW_SEND_SHARE; i++) {
		refuse_later();
		ck_assert_uint_eq(out.n_kept, 64);
	}
	refuse_later();
	ck_assert_uint_eq(out.n_kept, 0);
	ck_assert_uint_eq(count(64, FREED), 64);
	ck_assert_uint_eq(out.full, 64);

	ck_assert_uint_gt(out.not_kept_tsc, rte_rdtsc() + (SW_SEND_SHARE - 2) * KEEP_TSC);
	ring.room = 60;
	send_some(64, 64);
	ck_assert_uint_eq(count(128, SENT), 60);
	ck_assert_uint_eq(out.n_kept, 0);
	ck_assert_uint_eq(out.full, 68);
	out.not_kept_tsc = rte_rdtsc();
	send_some(128, 64);
	refuse_later();
	ck_assert_msg(out.n_kept == 64, "what was refused before counts no more");
}
END_TEST

/* One that reads slowly is one. */
START_TEST(a_slow_reader)
{
	send_some(0, 64);
	for (unsigned taken = 0; taken < 64; taken++) {
		for (unsigned i = 0; i < SW_SEND_SHARE; i++)
			refuse_later();
		ring.room = 1;
		ck_assert_uint_eq(sw_send_kept(&out), 1);
	}
	ck_assert_uint_eq(count(64, SENT), 64);
	ck_assert_uint_eq(out.full, 0);
}
END_TEST

/* What waited before is no reason to give up sooner. */
START_TEST(a_second_pause)
{
	for (unsigned at = 0; at < 640; at += 64) {
		send_some(at, 64);
		for (unsigned i = 0; i < SW_SEND_SHARE; i++)
			refuse_later();
		ring.room = 64;
		ck_assert_uint_eq(sw_send_kept(&out), 64);
	}
	ck_assert_uint_eq(out.full, 0);
}
END_TEST

START_TEST(a_driver_that_says_minus_one)
{
	ring.gone = true;
	send_some(0, 64);
	ck_assert_uint_eq(sw_send_kept(&out), 0);
	ck_assert_uint_eq(out.n_kept, 64);
	ring.gone = false;
	ring.room = 64;
	ck_assert_uint_eq(sw_send_kept(&out), 64);
}
END_TEST

/* One that the port never takes costs those behind it nothing, wherever it stands. */
START_TEST(one_too_long)
{
	packets[_i].pkt_len = FRAME_MAX + 1;
	ring.room = 64;
	send_some(0, 64);
	ck_assert_uint_eq(count(64, SENT), 63);
	ck_assert_uint_eq(count(64, FREED), 1);
	ck_assert_uint_eq(out.too_long, 1);
	ck_assert_uint_eq(out.full, 0);
	ck_assert_uint_eq(out.n_kept, 0);
}
END_TEST

START_TEST(many_too_long_while_the_ring_is_full)
{
	for (unsigned i = 0; i < 64; i += 2)
		packets[i].pkt_len = FRAME_MAX + 1;
	send_some(0, 64);
	ck_assert_uint_eq(out.n_kept, 32);
	ck_assert_uint_eq(out.too_long, 32);
	ring.room = 64;
	ck_assert_uint_eq(sw_send_kept(&out), 32);
	ck_assert_uint_eq(count(64, SENT), 32);
}
END_TEST

/* Bursts, rings and lengths by chance: order is seen to in take(), and each has come to one end. */
START_TEST(by_chance)
{
	unsigned at = 0, sent;

	srand((unsigned)_i);
	while (at + 64 <= PACKETS) {
		const unsigned n = (unsigned)rand() % 65;

		if (rand() % 8 == 0)
			packets[at + (unsigned)rand() % 64].pkt_len = FRAME_MAX + 1;
		/* In one half of the runs it is full as a rule, in the other now and then. */
		ring.room = (unsigned)rand() % (_i % 2 ? 32 : 96);
		if (rand() % 4 == 0 && out.n_kept != 0)
			sw_send_kept(&out);
		else
			send_some(at, n), at += n;
	}
	sent = count(at, SENT);
	ck_assert_uint_eq(count(at, FREED), out.full + out.too_long);
	ck_assert_uint_eq(sent + out.full + out.too_long + out.n_kept, at);
	ck_assert_uint_gt(out.too_long, 0);
	if (_i % 2)
		ck_assert_uint_gt(out.full, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("send");
	TCase *tc = tcase_create("send");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_ring_with_room);
	tcase_add_test(tc, a_pause_of_the_reader);
	tcase_add_test(tc, nothing_new);
	tcase_add_test(tc, more_than_are_kept);
	tcase_add_test(tc, no_reader);
	tcase_add_test(tc, a_slow_reader);
	tcase_add_test(tc, a_second_pause);
	tcase_add_test(tc, a_driver_that_says_minus_one);
	tcase_add_loop_test(tc, one_too_long, 0, 64);
	tcase_add_test(tc, many_too_long_while_the_ring_is_full);
	tcase_add_loop_test(tc, by_chance, 0, 10);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_FORK_GETENV);
}
