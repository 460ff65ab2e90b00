/* SPDX-License-Identifier: BSD-3-Clause */
/* Ageing of the flow table: every expired flow is found, once a turn, and no other. */
#include "unit/flow_fixture.h"

/* A table of AGE_MAX flows, of which those with an even number in delta have expired. */
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
		unsigned which = pkt_rand(&s) % SW_ARRAY_LEN(past);

		random_tuple(&t, pkt_rand(&s) & 1, &s);
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
	static const uint32_t chunks[] = {1, 3, 8, UINT32_MAX};
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
	Suite *suite = suite_create("flow_age");
	TCase *tc = tcase_create("flow_age");

	tcase_add_test(tc, age_each_once);
	tcase_add_test(tc, age_goes_on);
	tcase_add_test(tc, age_and_remove);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
