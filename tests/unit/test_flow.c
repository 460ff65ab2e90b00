/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/place.h"
#include "unit/flow_fixture.h"

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
		random_tuple(&tuple, pkt_rand(s) & 1, s);
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

		random_tuple(&tuple, pkt_rand(s) & 1, s);
		f[i] = sw_flow_insert(t, &tuple);
		ck_assert_ptr_nonnull(f[i]);
	}
}

/* Of the many, one goes and another comes. */
static void
churn(struct sw_flow_table *t, struct sw_flow **f, unsigned turns, uint64_t *s)
{
	for (unsigned i = 0; i < turns; i++) {
		const unsigned k = (unsigned)(pkt_rand(s) % MANY);

		sw_flow_remove(t, f[k]);
		put_many(t, f, k, k + 1, s);
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
	churn(x.t, f, TURNS, &s);
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

/*
 * Simulation says hardly one of a table that is half full, 5.5 % of one that was just filled, 32 %
 * of one that is kept full.
 */
START_TEST(mostly_in_the_first)
{
	static struct sw_flow *f[MANY];
	const uint64_t seed = 4;
	struct fixture x = table_new(MANY, seed);
	uint64_t s = seed;

	put_many(x.t, f, 0, MANY / 2, &s);
	ck_assert_double_lt(in_the_second(x.t, f, MANY / 2), 0.1);
	put_many(x.t, f, MANY / 2, MANY, &s);
	ck_assert_double_eq_tol(in_the_second(x.t, f, MANY), 5.5, 1);
	churn(x.t, f, 10 * MANY, &s);
	ck_assert_double_eq_tol(in_the_second(x.t, f, MANY), 32, 2);
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

		random_tuple(&t[n], pkt_rand(&s) & 1, &s);
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
	random_tuple(&other, pkt_rand(&s) & 1, &s);
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
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
