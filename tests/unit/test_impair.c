/* SPDX-License-Identifier: BSD-3-Clause */
/* The wire's impairment queue and its VLAN tags. Time is a variable here: nothing waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "../wire/impair.h"
#include "../wire/vlan.h"

#define PACKETS	  100000u
#define QUEUE_MAX 65536u
#define MS	  1000000ull
#define GAP_NS	  20000ull /* one packet each 20 us: 50,000 a second */

/*
 * For what is asserted millions of times: Check notes down each assertion that it passes, which
 * takes longer than all that is tested.
 */
#define MUST(a, op, b)                                                                   \
	do {                                                                             \
		uint64_t must_a = (uint64_t)(a), must_b = (uint64_t)(b);                 \
		if (!(must_a op must_b))                                                 \
			ck_abort_msg("not so: %s %s %s: %llu, %llu", #a, #op, #b,        \
				(unsigned long long)must_a, (unsigned long long)must_b); \
	} while (0)

static const uint64_t seeds[] = {1, 2, 42, 0xdeadbeef, UINT64_MAX};

/* What came out of one run: the number of each packet, its times, its bytes. */
struct arrival {
	uint32_t number;
	uint64_t sent_ns;
	uint64_t due_ns;
	uint64_t popped_ns;
	unsigned flipped; /* bits that differ from what was sent */
};

struct run {
	struct impair_counters count;
	struct arrival *got;
	size_t n;
};

#define PAYLOAD_LEN 64u

static void
fill(uint8_t *frame, uint32_t number)
{
	for (unsigned i = 0; i < PAYLOAD_LEN; i++)
		frame[i] = (uint8_t)(number * 31 + i * 7);
	memcpy(frame, &number, sizeof(number)); /* inside the header, which is never corrupted */
}

static void
note(struct run *r, const struct impair_packet *pkt, uint64_t now)
{
	struct arrival *a = &r->got[r->n++];
	uint8_t expect[PAYLOAD_LEN];

	MUST(pkt->len, ==, PAYLOAD_LEN);
	memcpy(&a->number, pkt->data, sizeof(a->number));
	a->sent_ns = a->number * GAP_NS;
	a->due_ns = pkt->due_ns;
	a->popped_ns = now;
	a->flipped = 0;
	fill(expect, a->number);
	for (unsigned i = 0; i < PAYLOAD_LEN; i++)
		a->flipped += (unsigned)__builtin_popcount(expect[i] ^ pkt->data[i]);
	MUST(memcmp(expect, pkt->data, IMPAIR_HEADER_LEN), ==, 0);
}

/* The books must balance at every moment. */
static void
check_books(const struct impair *im)
{
	const struct impair_counters *c = &im->count;

	MUST(c->in + c->duplicated, ==, c->out + c->lost + c->overflowed + impair_queued(im));
}

static void
drain(struct impair *im, struct run *r, uint64_t now)
{
	struct impair_packet *pkt;

	while ((pkt = impair_pop(im, now)) != NULL) {
		MUST(pkt->due_ns, <=, now);
		note(r, pkt, now);
		impair_release(im, pkt);
	}
}

static struct run
run_wire(const struct impair_config *cfg)
{
	struct run r = {.got = calloc(2 * PACKETS, sizeof(*r.got))};
	struct impair im;
	uint8_t frame[PAYLOAD_LEN];
	uint64_t next;

	ck_assert_ptr_nonnull(r.got);
	MUST(impair_init(&im, cfg, QUEUE_MAX), ==, 0);
	for (uint32_t i = 0; i < PACKETS; i++) {
		fill(frame, i);
		MUST(impair_push(&im, i * GAP_NS, frame, sizeof(frame)), ==, 0);
		drain(&im, &r, i * GAP_NS);
		if (i % 1000 == 0)
			check_books(&im);
	}
	while ((next = impair_next_ns(&im)) != IMPAIR_NEVER_NS) {
		MUST(impair_pop(&im, next - 1), ==, NULL);
		drain(&im, &r, next);
	}
	check_books(&im);
	MUST(impair_queued(&im), ==, 0);
	r.count = im.count;
	MUST(r.n, ==, r.count.out);
	impair_fini(&im);
	return r;
}

/*
 * n of PACKETS at ppm: within six standard deviations, which a right generator never leaves here.
 */
static void
check_rate(uint64_t n, uint32_t ppm, uint64_t seed, const char *what)
{
	double p = ppm / (double)IMPAIR_PPM, mean = PACKETS * p, var = mean * (1 - p);
	double off = (double)n - mean;

	ck_assert_msg(off * off <= 36 * var, "seed %llu: %s: %llu of %u, expected about %.0f",
		(unsigned long long)seed, what, (unsigned long long)n, PACKETS, mean);
}

static void
check_same_order(const struct run *r)
{
	for (size_t i = 1; i < r->n; i++)
		MUST(r->got[i].number, >=, r->got[i - 1].number);
}

START_TEST(test_clean)
{
	struct impair_config cfg = {.seed = 1, .delay_ns = 10 * MS};
	struct run r = run_wire(&cfg);

	ck_assert_uint_eq(r.n, PACKETS);
	for (size_t i = 0; i < r.n; i++) {
		MUST(r.got[i].number, ==, i);
		MUST(r.got[i].due_ns, ==, r.got[i].sent_ns + 10 * MS);
		MUST(r.got[i].flipped, ==, 0);
	}
	free(r.got);
}
END_TEST

START_TEST(test_no_delay)
{
	struct impair_config cfg = {.seed = 1};
	struct run r = run_wire(&cfg);

	ck_assert_uint_eq(r.n, PACKETS);
	for (size_t i = 0; i < r.n; i++)
		MUST(r.got[i].popped_ns, ==, r.got[i].sent_ns);
	check_same_order(&r);
	free(r.got);
}
END_TEST

static const uint32_t rates_ppm[] = {0, 100, 1000, 10000, 500000, IMPAIR_PPM};

START_TEST(test_loss)
{
	for (size_t k = 0; k < sizeof(rates_ppm) / sizeof(rates_ppm[0]); k++) {
		struct impair_config cfg = {
			.seed = seeds[_i], .delay_ns = MS, .loss_ppm = rates_ppm[k]};
		struct run r = run_wire(&cfg);

		check_rate(r.count.lost, rates_ppm[k], cfg.seed, "lost");
		ck_assert_uint_eq(r.n, PACKETS - r.count.lost);
		check_same_order(&r);
		free(r.got);
	}
}
END_TEST

START_TEST(test_dup)
{
	struct impair_config cfg = {.seed = seeds[_i], .delay_ns = MS, .dup_ppm = 20000};
	struct run r = run_wire(&cfg);
	size_t twice = 0;

	check_rate(r.count.duplicated, cfg.dup_ppm, cfg.seed, "duplicated");
	check_same_order(&r);
	for (size_t i = 1; i < r.n; i++)
		twice += r.got[i].number == r.got[i - 1].number;
	ck_assert_uint_eq(twice, r.count.duplicated);
	ck_assert_uint_eq(r.n, PACKETS + twice);
	free(r.got);
}
END_TEST

START_TEST(test_corrupt)
{
	struct impair_config cfg = {.seed = seeds[_i], .corrupt_ppm = 10000};
	struct run r = run_wire(&cfg);
	size_t bad = 0;

	check_rate(r.count.corrupted, cfg.corrupt_ppm, cfg.seed, "corrupted");
	for (size_t i = 0; i < r.n; i++) {
		MUST(r.got[i].flipped, <=, 1);
		bad += r.got[i].flipped;
	}
	ck_assert_uint_eq(bad, r.count.corrupted);
	free(r.got);
}
END_TEST

START_TEST(test_reorder)
{
	struct impair_config cfg = {
		.seed = seeds[_i], .delay_ns = 10 * MS, .reorder_ppm = 10000, .reorder_ns = 3 * MS};
	struct run r = run_wire(&cfg);
	size_t late = 0, behind = 0;

	check_rate(r.count.reordered, cfg.reorder_ppm, cfg.seed, "reordered");
	for (size_t i = 0; i < r.n; i++) {
		uint64_t took = r.got[i].due_ns - r.got[i].sent_ns;

		MUST(took == 10 * MS || took == 13 * MS, !=, 0);
		late += took == 13 * MS;
		behind += i > 0 && r.got[i].number < r.got[i - 1].number;
	}
	ck_assert_uint_eq(late, r.count.reordered);
	ck_assert_uint_gt(behind, 0);
	ck_assert_uint_eq(r.n, PACKETS);
	free(r.got);
}
END_TEST

START_TEST(test_jitter)
{
	struct impair_config cfg = {.seed = seeds[_i], .delay_ns = 5 * MS, .jitter_ns = 2 * MS};
	struct run r = run_wire(&cfg);
	uint64_t low = UINT64_MAX, high = 0;

	for (size_t i = 0; i < r.n; i++) {
		uint64_t took = r.got[i].due_ns - r.got[i].sent_ns;

		MUST(took, >=, 5 * MS);
		MUST(took, <, 7 * MS);
		low = took < low ? took : low;
		high = took > high ? took : high;
		if (i > 0)
			MUST(r.got[i].due_ns, >=, r.got[i - 1].due_ns);
	}
	ck_assert_uint_lt(low, 5 * MS + MS / 100);
	ck_assert_uint_gt(high, 7 * MS - MS / 100);
	free(r.got);
}
END_TEST

static struct run
run_all(uint64_t seed)
{
	struct impair_config cfg = {.seed = seed,
		.delay_ns = 2 * MS,
		.jitter_ns = MS,
		.reorder_ns = 3 * MS,
		.loss_ppm = 10000,
		.dup_ppm = 10000,
		.reorder_ppm = 10000,
		.corrupt_ppm = 10000};

	return run_wire(&cfg);
}

START_TEST(test_repeatable)
{
	struct run a = run_all(seeds[_i]), b = run_all(seeds[_i]), c = run_all(seeds[_i] ^ 1);
	size_t least = a.n < c.n ? a.n : c.n;

	ck_assert_uint_eq(a.n, b.n);
	ck_assert_int_eq(memcmp(a.got, b.got, a.n * sizeof(*a.got)), 0);
	ck_assert(a.n != c.n || memcmp(a.got, c.got, least * sizeof(*a.got)) != 0);
	free(a.got);
	free(b.got);
	free(c.got);
}
END_TEST

START_TEST(test_bounds)
{
	struct impair_config bad = {.loss_ppm = IMPAIR_PPM + 1}, slow = {.delay_ns = MS};
	uint8_t frame[PAYLOAD_LEN] = {0}, *large = calloc(1, 60000);
	struct impair_packet *pkt;
	struct impair im;

	ck_assert_int_eq(impair_init(&im, &bad, 1), -EINVAL);
	ck_assert_int_eq(impair_init(&im, &slow, 0), -EINVAL);
	ck_assert_int_eq(impair_init(&im, &slow, 10), 0);
	for (unsigned i = 0; i < 15; i++)
		ck_assert_int_eq(impair_push(&im, 0, frame, sizeof(frame)), 0);
	ck_assert_uint_eq(im.count.overflowed, 5);
	ck_assert_uint_eq(impair_queued(&im), 10);
	check_books(&im);
	ck_assert_ptr_null(impair_pop(&im, MS - 1));
	while ((pkt = impair_pop(&im, MS)) != NULL)
		impair_release(&im, pkt);
	ck_assert_uint_eq(im.count.out, 10);
	/* Larger than a pooled buffer, and shorter than a header: carried all the same. */
	ck_assert_int_eq(impair_push(&im, MS, large, 60000), 0);
	ck_assert_int_eq(impair_push(&im, MS, frame, 1), 0);
	pkt = impair_pop(&im, 2 * MS);
	ck_assert_uint_eq(pkt->len, 60000);
	impair_release(&im, pkt);
	ck_assert_uint_eq(impair_queued(&im), 1); /* one is left for impair_fini() to free */
	impair_fini(&im);
	free(large);
}
END_TEST

static const struct vlan_case {
	const char *what;
	struct vlan_stack push, pop;
	bool taken_off;
} vlan_cases[] = {
	{"one tag", {{{0x8100, 7}}, 1}, {{{0x8100, 7}}, 1}, true},
	{"priority bits do not matter", {{{0x8100, 0xe007}}, 1}, {{{0x8100, 7}}, 1}, true},
	{"another id", {{{0x8100, 7}}, 1}, {{{0x8100, 8}}, 1}, false},
	{"another type", {{{0x88a8, 7}}, 1}, {{{0x8100, 7}}, 1}, false},
	{"no tag", {{{0, 0}}, 0}, {{{0x8100, 7}}, 1}, false},
	{"two tags", {{{0x88a8, 7}, {0x8100, 9}}, 2}, {{{0x88a8, 7}, {0x8100, 9}}, 2}, true},
	{"two swapped", {{{0x88a8, 7}, {0x8100, 9}}, 2}, {{{0x88a8, 9}, {0x8100, 7}}, 2}, false},
	{"one of two", {{{0x8100, 9}}, 1}, {{{0x88a8, 7}, {0x8100, 9}}, 2}, false},
};

START_TEST(test_vlan)
{
	const struct vlan_case *c = &vlan_cases[_i];
	uint8_t buf[WIRE_HEADROOM + PAYLOAD_LEN], plain[PAYLOAD_LEN], *frame, *back;
	uint32_t len = PAYLOAD_LEN;

	fill(plain, 3);
	memcpy(buf + WIRE_HEADROOM, plain, sizeof(plain));
	frame = vlan_push_stack(buf + WIRE_HEADROOM, &len, &c->push);
	ck_assert_uint_eq(len, PAYLOAD_LEN + c->push.n * VLAN_TAG_LEN);
	ck_assert_int_eq(memcmp(frame, plain, 12), 0);
	for (unsigned i = 0; i < c->push.n; i++) {
		ck_assert_uint_eq(frame[12 + 4 * i] << 8 | frame[13 + 4 * i], c->push.tag[i].tpid);
		ck_assert_uint_eq(frame[14 + 4 * i] << 8 | frame[15 + 4 * i], c->push.tag[i].tci);
	}
	back = vlan_pop_stack(frame, &len, &c->pop);
	ck_assert_msg((back != NULL) == c->taken_off, "%s", c->what);
	if (back == NULL)
		return;
	ck_assert_uint_eq(len, PAYLOAD_LEN);
	ck_assert_int_eq(memcmp(back, plain, sizeof(plain)), 0);
}
END_TEST

/*
 * A frame that ends within its tags is left alone;
 * the copy is exact, so that a read too far is seen.
 */
START_TEST(test_vlan_short)
{
	struct vlan_stack one = {{{0x8100, 7}}, 1};

	for (uint32_t len = 1; len < 18; len++) {
		uint8_t *frame = calloc(1, len);
		uint32_t left = len;

		ck_assert_ptr_null(vlan_pop_stack(frame, &left, &one));
		ck_assert_uint_eq(left, len);
		free(frame);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("impair");
	TCase *queue = tcase_create("queue"), *vlan = tcase_create("vlan");
	const int n_seeds = sizeof(seeds) / sizeof(seeds[0]);

	tcase_set_timeout(queue, 0);
	tcase_set_timeout(vlan, 0);
	tcase_add_test(queue, test_clean);
	tcase_add_test(queue, test_no_delay);
	tcase_add_loop_test(queue, test_loss, 0, n_seeds);
	tcase_add_loop_test(queue, test_dup, 0, n_seeds);
	tcase_add_loop_test(queue, test_corrupt, 0, n_seeds);
	tcase_add_loop_test(queue, test_reorder, 0, n_seeds);
	tcase_add_loop_test(queue, test_jitter, 0, n_seeds);
	tcase_add_loop_test(queue, test_repeatable, 0, n_seeds);
	tcase_add_test(queue, test_bounds);
	tcase_add_loop_test(vlan, test_vlan, 0, sizeof(vlan_cases) / sizeof(vlan_cases[0]));
	tcase_add_test(vlan, test_vlan_short);
	suite_add_tcase(suite, queue);
	suite_add_tcase(suite, vlan);
	return check_suite_run(suite, CK_NOFORK);
}
