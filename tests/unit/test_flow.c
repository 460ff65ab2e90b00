/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "flow/place.h"

static uint64_t
rnd(uint64_t *s)
{
	uint64_t z = (*s += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void
random_tuple(struct sw_tuple *t, uint64_t *s)
{
	bool v6 = rnd(s) & 1;

	memset(t, 0, sizeof(*t));
	for (unsigned w = v6 ? 0 : 3; w < 4; w++) {
		t->client.w_be[w] = (uint32_t)rnd(s);
		t->server.w_be[w] = (uint32_t)rnd(s);
	}
	t->cport_be = (uint16_t)rnd(s);
	t->sport_be = (uint16_t)rnd(s);
	t->vlan_af = (rnd(s) & SW_TUPLE_VLAN_MASK) | (v6 ? SW_TUPLE_IPV6 : 0);
}

struct fixture {
	struct sw_flow_table *t;
	uint64_t key[4];
	void *mem;
};

static struct fixture
table_new(uint32_t max_flows, uint64_t seed)
{
	size_t size = sw_flow_table_size(max_flows);
	struct fixture x;

	x.mem = aligned_alloc(SW_CACHE_LINE_BYTES, size);
	ck_assert_ptr_nonnull(x.mem);
	memset(x.mem, 0xa5, size); /* the caller owes no zeros */
	for (unsigned i = 0; i < 4; i++)
		x.key[i] = rnd(&seed);
	x.t = sw_flow_table_init(x.mem, size, max_flows, x.key);
	ck_assert_ptr_nonnull(x.t);
	return x;
}

START_TEST(memory_per_flow)
{
	for (uint64_t flows = 2048; flows <= 16u << 20; flows += 1 + flows / 3000)
		ck_assert_msg(sw_flow_table_size((uint32_t)flows) <= 80 * flows,
			"%zu bytes for %u flows", sw_flow_table_size((uint32_t)flows),
			(unsigned)flows);
	ck_assert_uint_le(sw_flow_table_size(16u << 20), 80ull * (16u << 20));
	ck_assert_uint_le(sw_flow_table_size(1u << 30), 80ull << 30);
	ck_assert_uint_ge(sw_flow_table_size(1u << 30), 64ull << 30);
}
END_TEST

START_TEST(init_refuses)
{
	const uint64_t key[4] = {1, 2, 3, 4};
	size_t size = sw_flow_table_size(100);
	uint8_t *mem = aligned_alloc(SW_CACHE_LINE_BYTES, size + SW_CACHE_LINE_BYTES);

	ck_assert_ptr_null(sw_flow_table_init(NULL, size, 100, key));
	ck_assert_ptr_null(sw_flow_table_init(mem, size - 1, 100, key));
	ck_assert_ptr_null(sw_flow_table_init(mem + 8, size, 100, key));
	ck_assert_ptr_nonnull(sw_flow_table_init(mem, size, 100, key));
	free(mem);
}
END_TEST

/* The same bytes as an IPv4 and as an IPv6 connection, and in each VLAN, are different flows. */
START_TEST(families_and_vlans)
{
	struct fixture x = table_new(64, 1);
	struct sw_tuple t[4];
	struct sw_flow *f[4];

	memset(t, 0, sizeof(t));
	for (unsigned i = 0; i < 4; i++) {
		t[i].client.w_be[3] = RTE_BE32(0xcb007107);
		t[i].server.w_be[3] = RTE_BE32(0xc000020a);
		t[i].cport_be = RTE_BE16(49152);
		t[i].sport_be = RTE_BE16(443);
	}
	t[1].vlan_af = SW_TUPLE_IPV6;
	t[2].vlan_af = 5;
	t[3].vlan_af = 5 << SW_TUPLE_INNER_SHIFT;
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_ptr_null(sw_flow_find(x.t, &t[i]));
		f[i] = sw_flow_insert(x.t, &t[i]);
		ck_assert_ptr_nonnull(f[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_ptr_eq(sw_flow_find(x.t, &t[i]), f[i]);
		for (unsigned j = 0; j < i; j++)
			ck_assert_ptr_ne(f[i], f[j]);
	}
	sw_flow_remove(x.t, f[0]);
	ck_assert_ptr_null(sw_flow_find(x.t, &t[0]));
	ck_assert_ptr_eq(sw_flow_find(x.t, &t[1]), f[1]);
	free(x.mem);
}
END_TEST

/* Inserts random tuples until one is refused; returns how many went in. */
static uint32_t
fill(struct sw_flow_table *t, uint64_t *s)
{
	struct sw_tuple tuple;
	uint32_t n = 0;

	for (;; n++) {
		random_tuple(&tuple, s);
		if (sw_flow_insert(t, &tuple) == NULL)
			return n;
	}
}

/* Random tuples fill the table to the last entry: 100 %, whatever its size. */
START_TEST(fills_up)
{
	static const struct {
		uint32_t first, last, step;
	} sizes[] = {{1, 400, 1}, {401, 2000, 37}, {1024, 1024, 1}, {10000, 10000, 1},
		{100000, 100000, 1}, {1u << 20, 1u << 20, 1}};

	for (unsigned i = 0; i < SW_ARRAY_LEN(sizes); i++) {
		for (uint32_t max = sizes[i].first; max <= sizes[i].last; max += sizes[i].step) {
			for (uint64_t seed = 0; seed < (max > 100000 ? 1 : 4); seed++) {
				struct fixture x = table_new(max, seed);
				uint64_t s = seed + 1000;
				uint32_t n = fill(x.t, &s);

				ck_assert_msg(n == max, "seed %llu: %u of %u",
					(unsigned long long)seed, n, max);
				ck_assert_uint_eq(sw_flow_count(x.t), max);
				ck_assert_uint_eq(sw_flow_max(x.t), max);
				free(x.mem);
			}
		}
	}
}
END_TEST

/* The flows that a test has put in. */
#define MANY 100000

static void
put_many(struct sw_flow_table *t, struct sw_flow **f, unsigned from, unsigned to, uint64_t *s)
{
	for (unsigned i = from; i < to; i++) {
		struct sw_tuple tuple;

		random_tuple(&tuple, s);
		f[i] = sw_flow_insert(t, &tuple);
		ck_assert_ptr_nonnull(f[i]);
	}
}

/*
 * A table kept full while its flows come and go. Of 120 million inserts in a simulation none found
 * both buckets full.
 */
START_TEST(churn_when_full)
{
	enum { TURNS = 2000000 };
	static struct sw_flow *f[MANY];
	const uint64_t seed = 3;
	struct fixture x = table_new(MANY, seed);
	uint64_t s = seed;

	put_many(x.t, f, 0, MANY, &s);
	for (unsigned i = 0; i < TURNS; i++) {
		const unsigned k = (unsigned)(rnd(&s) % MANY);

		sw_flow_remove(x.t, f[k]);
		put_many(x.t, f, k, k + 1, &s);
	}
	ck_assert_uint_eq(sw_flow_count(x.t), MANY);
	free(x.mem);
}
END_TEST

/* Share of n flows that are not in their first bucket, in percent. */
static double
in_the_second(const struct sw_flow_table *t, struct sw_flow *const f[], uint32_t n)
{
	uint32_t second = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct sw_flow_place p = sw_flow_place_of(sw_flow_ground(t), &f[i]->key);
		const uint32_t bucket = sw_flow_index(t, f[i]) / SW_FLOW_BUCKET_SLOTS;

		ck_assert(bucket == p.b[0] || bucket == p.b[1]);
		second += bucket == p.b[1];
	}
	return 100.0 * second / n;
}

/* Simulation says none of a table that is half full, 6 % of one that was just filled. */
START_TEST(mostly_in_the_first)
{
	static struct sw_flow *f[MANY];
	const uint64_t seed = 4;
	struct fixture x = table_new(MANY, seed);
	uint64_t s = seed;

	put_many(x.t, f, 0, MANY / 2, &s);
	ck_assert_double_lt(in_the_second(x.t, f, MANY / 2), 0.1);
	put_many(x.t, f, MANY / 2, MANY, &s);
	ck_assert_double_lt(in_the_second(x.t, f, MANY), 7);
	free(x.mem);
}
END_TEST

/* A few flows do not all take the same slot: as many sets of a cache would have to hold them. */
START_TEST(spread_over_slots)
{
	enum { FEW = 1000 };
	static struct sw_flow *f[FEW];
	unsigned of_slot[SW_FLOW_BUCKET_SLOTS] = {0};
	struct fixture x = table_new(MANY, 5);
	uint64_t s = 5;

	put_many(x.t, f, 0, FEW, &s);
	for (unsigned i = 0; i < FEW; i++)
		of_slot[sw_flow_index(x.t, f[i]) % SW_FLOW_BUCKET_SLOTS]++;
	for (unsigned i = 0; i < SW_FLOW_BUCKET_SLOTS; i++)
		ck_assert_msg(of_slot[i] > 10 && of_slot[i] < 60, "slot %u: %u", i, of_slot[i]);
	free(x.mem);
}
END_TEST

/* Tuples that share both buckets, as only one who knows the key can find them. */
START_TEST(both_buckets_full)
{
	enum { MAX = 108, SLOTS = 2 * SW_FLOW_BUCKET_SLOTS };
	struct fixture x = table_new(MAX, 9);
	uint32_t range = UINT32_MAX / sw_flow_buckets(x.t);
	struct sw_tuple t[SLOTS + 1], other;
	struct sw_flow *f[SLOTS];
	uint64_t s = 9;

	for (unsigned n = 0; n < SLOTS + 1;) {
		uint64_t h;

		random_tuple(&t[n], &s);
		h = sw_tuple_hash(&t[n], x.key);
		if (h >> 32 < range && (h & UINT32_MAX) < range)
			n++;
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		f[i] = sw_flow_insert(x.t, &t[i]);
		ck_assert_ptr_nonnull(f[i]);
		f[i]->delta = i;
	}
	ck_assert_ptr_null(sw_flow_insert(x.t, &t[SLOTS]));
	ck_assert_ptr_null(sw_flow_find(x.t, &t[SLOTS]));
	ck_assert_uint_eq(sw_flow_count(x.t), SLOTS);
	random_tuple(&other, &s);
	ck_assert_ptr_nonnull(
		sw_flow_insert(x.t, &other)); /* the rest of the table is not harmed */

	for (unsigned gone = 0; gone < SLOTS; gone++) {
		sw_flow_remove(x.t, f[gone]);
		ck_assert_ptr_null(sw_flow_find(x.t, &t[gone]));
		f[gone] = sw_flow_insert(x.t, &t[SLOTS]);
		ck_assert_ptr_nonnull(f[gone]);
		ck_assert_ptr_eq(sw_flow_find(x.t, &t[SLOTS]), f[gone]);
		sw_flow_remove(x.t, f[gone]);
		f[gone] = sw_flow_insert(x.t, &t[gone]);
		for (unsigned i = 0; i < SLOTS; i++)
			ck_assert_ptr_eq(sw_flow_find(x.t, &t[i]), f[i]);
	}
	free(x.mem);
}
END_TEST

/* Ageing over a table of MAX flows, of which those with an even number in delta have expired. */
#define AGE_MAX 1000

static struct fixture
aged_table(uint32_t now_ms, uint64_t seed)
{
	static const uint32_t past[] = {1, 2, 1000, 1u << 30, (1u << 31) - 1};
	static const uint32_t ahead[] = {0, 1, 1000, 1u << 30, (1u << 31) - 1};
	struct fixture x = table_new(AGE_MAX, seed);
	uint64_t s = seed;

	for (uint32_t i = 0; i < AGE_MAX; i++) {
		struct sw_tuple t;
		struct sw_flow *f;
		unsigned which = rnd(&s) % SW_ARRAY_LEN(past);

		random_tuple(&t, &s);
		f = sw_flow_insert(x.t, &t);
		ck_assert_ptr_nonnull(f);
		f->delta = i;
		f->deadline_ms = i & 1 ? now_ms + ahead[which] : now_ms - past[which];
	}
	return x;
}

/* Around the wrap of the 32-bit clock, and of its sign. */
static const uint32_t age_now[] = {0, 1, 500, 0x7fffffff, 0x80000000, 0x80000001, UINT32_MAX};

/*
 * Every expired flow once a turn and no other, however the turn is cut; left alone, again the next.
 */
START_TEST(age_each_once)
{
	static const uint32_t chunks[] = {1, 3, 64, UINT32_MAX};
	struct sw_flow *expired[AGE_MAX];

	for (unsigned i = 0; i < SW_ARRAY_LEN(age_now) * SW_ARRAY_LEN(chunks); i++) {
		uint32_t now = age_now[i / SW_ARRAY_LEN(chunks)];
		uint32_t chunk = chunks[i % SW_ARRAY_LEN(chunks)];
		struct fixture x = aged_table(now, i);

		for (unsigned turn = 0; turn < 3; turn++) {
			uint8_t seen[AGE_MAX] = {0};
			uint32_t left = sw_flow_buckets(x.t);

			while (left > 0) {
				uint32_t step = chunk < left ? chunk : left;
				/* UINT32_MAX stands for more than there are: it is one turn. */
				unsigned n = sw_flow_age(x.t, now,
					chunk == UINT32_MAX ? chunk : step, expired, AGE_MAX);

				left -= step;
				for (unsigned j = 0; j < n; j++)
					seen[expired[j]->delta]++;
			}
			for (uint32_t j = 0; j < AGE_MAX; j++)
				ck_assert_msg(seen[j] == !(j & 1), "case %u, turn %u, flow %u: %u",
					i, turn, j, seen[j]);
		}
		free(x.mem);
	}
}
END_TEST

/*
 * A full expired[] loses nothing:
 * the k-th flow found is the k-th of an unbroken turn, round and round.
 */
START_TEST(age_goes_on)
{
	enum { EXPIRED = AGE_MAX / 2, TURNS = 3 };

	for (unsigned max = 1; max < 40; max++) {
		struct fixture x = aged_table(100, max), whole = aged_table(100, max);
		struct sw_flow *order[AGE_MAX], *some[40];
		unsigned k = 0;

		ck_assert_uint_eq(sw_flow_age(x.t, 100, UINT32_MAX, some, 0), 0);
		ck_assert_uint_eq(
			sw_flow_age(whole.t, 100, sw_flow_buckets(whole.t), order, AGE_MAX),
			EXPIRED);
		while (k < TURNS * EXPIRED) {
			unsigned n = sw_flow_age(x.t, 100, UINT32_MAX, some, max);

			ck_assert_uint_eq(n, max);
			for (unsigned j = 0; j < n; j++, k++)
				ck_assert_uint_eq(some[j]->delta, order[k % EXPIRED]->delta);
		}
		free(x.mem);
		free(whole.mem);
	}
}
END_TEST

/* As the engine uses it: a few at a time, each removed; then only the living are left. */
START_TEST(age_and_remove)
{
	for (unsigned i = 0; i < SW_ARRAY_LEN(age_now); i++) {
		struct fixture x = aged_table(age_now[i], i);
		struct sw_flow *some[7];
		unsigned n, found = 0;

		while ((n = sw_flow_age(x.t, age_now[i], UINT32_MAX, some, 7)) > 0) {
			for (unsigned j = 0; j < n; j++) {
				ck_assert_uint_eq(some[j]->delta & 1, 0);
				sw_flow_remove(x.t, some[j]);
			}
			found += n;
		}
		ck_assert_uint_eq(found, AGE_MAX / 2);
		ck_assert_uint_eq(sw_flow_count(x.t), AGE_MAX - AGE_MAX / 2);
		free(x.mem);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flow");
	TCase *tc = tcase_create("flow");

	tcase_add_test(tc, memory_per_flow);
	tcase_add_test(tc, init_refuses);
	tcase_add_test(tc, families_and_vlans);
	tcase_add_test(tc, fills_up);
	tcase_add_test(tc, churn_when_full);
	tcase_add_test(tc, mostly_in_the_first);
	tcase_add_test(tc, spread_over_slots);
	tcase_add_test(tc, both_buckets_full);
	tcase_add_test(tc, age_each_once);
	tcase_add_test(tc, age_goes_on);
	tcase_add_test(tc, age_and_remove);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
