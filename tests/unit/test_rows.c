/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rows are made of (base/row.h), and places of tuples in rows (flow/place_rows.h), beside
 * plain C, lane by lane. Built for each level of vector instructions: a wrong place would mostly
 * be seen as a slower table only.
 */
#include <check.h>
#include <string.h>

#include "base/row.h"
#include "base/simd.h"
#include "flow/place_rows.h"
#include "unit/pkt_make.h"

#define TURNS 20000

union lanes {
	alignas(64) uint32_t w[ROW_LANES];
	uint64_t q[ROW_LANES / 2];
	uint8_t b[ROW_LANES * 4];
};

static uint64_t seed;

/* Any word; half of them at an end, of signed or of unsigned ones, or near it. */
static uint32_t
any_word(void)
{
	static const uint32_t ends[] = {0, 1, 0x7fffffff, 0x80000000, 0x80000001, UINT32_MAX};
	const uint64_t r = pkt_rand(&seed);

	return r & 1 ? (uint32_t)(r >> 32) : ends[(r >> 1) % SW_ARRAY_LEN(ends)];
}

static union lanes
any_lanes(void)
{
	union lanes x;

	for (unsigned i = 0; i < ROW_LANES; i++)
		x.w[i] = any_word();
	return x;
}

static union lanes
of(sw_row x)
{
	union lanes l;

	row_store(l.w, x);
	return l;
}

#define EACH_WORD(row, expr)                                                              \
	do {                                                                              \
		const union lanes got = of(row);                                          \
		for (unsigned i = 0; i < ROW_LANES; i++)                                  \
			ck_assert_msg(got.w[i] == (uint32_t)(expr), #row ": lane %u", i); \
	} while (0)

#define EACH_QUAD(row, expr)                                                              \
	do {                                                                              \
		const union lanes got = of(row);                                          \
		for (unsigned i = 0; i < ROW_LANES / 2; i++)                              \
			ck_assert_msg(got.q[i] == (uint64_t)(expr), #row ": word %u", i); \
	} while (0)

START_TEST(words)
{
	for (unsigned t = 0; t < TURNS; t++) {
		const union lanes x = any_lanes(), y = any_lanes(), m = any_lanes();
		const sw_row a = row_load(x.w), b = row_load(y.w);
		const sw_row mask = row_gt(row_zero(), row_load(m.w));

		EACH_WORD(row_set1(x.w[0]), x.w[0]);
		EACH_WORD(row_zero(), 0);
		EACH_WORD(row_and(a, b), x.w[i] & y.w[i]);
		EACH_WORD(row_or(a, b), x.w[i] | y.w[i]);
		EACH_WORD(row_xor(a, b), x.w[i] ^ y.w[i]);
		EACH_WORD(row_less(a, b), x.w[i] & ~y.w[i]);
		EACH_WORD(row_add(a, b), x.w[i] + y.w[i]);
		EACH_WORD(row_sub(a, b), x.w[i] - y.w[i]);
		EACH_WORD(row_mul(a, b), x.w[i] * y.w[i]);
		EACH_WORD(row_min(a, b), x.w[i] < y.w[i] ? x.w[i] : y.w[i]);
		EACH_WORD(row_sll(a, 5), x.w[i] << 5);
		EACH_WORD(row_srl(a, 5), x.w[i] >> 5);
		EACH_WORD(row_eq(a, b), x.w[i] == y.w[i] ? UINT32_MAX : 0);
		EACH_WORD(row_gt(a, b), (int32_t)x.w[i] > (int32_t)y.w[i] ? UINT32_MAX : 0);
		EACH_WORD(row_pick(mask, a, b), m.w[i] >> 31 ? x.w[i] : y.w[i]);
		EACH_WORD(row_even_odd(a, b), i % 2 ? y.w[i] : x.w[i]);
		EACH_QUAD(row_set1_64(x.q[0]), x.q[0]);
		EACH_QUAD(row_add64(a, b), x.q[i] + y.q[i]);
		EACH_QUAD(row_mul64(a, b), (uint64_t)(uint32_t)x.q[i] * (uint32_t)y.q[i]);
		EACH_QUAD(row_sll64(a, 13), x.q[i] << 13);
		EACH_QUAD(row_srl64(a, 13), x.q[i] >> 13);
	}
}
END_TEST

START_TEST(transposed)
{
	for (unsigned t = 0; t < TURNS; t++) {
		const union lanes x[4] = {any_lanes(), any_lanes(), any_lanes(), any_lanes()};
		const sw_row from[4] = {
			row_load(x[0].w), row_load(x[1].w), row_load(x[2].w), row_load(x[3].w)};
		sw_row to[4];

		row_transpose(from, to);
		for (unsigned k = 0; k < 4; k++)
			EACH_WORD(to[k], x[i % 4].w[i / 4 * 4 + k]);
	}
}
END_TEST

/* In each quarter of a row: 4 words, 2 of 64 bits, 16 bytes. */
START_TEST(quarters)
{
	const __m128i back = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

	for (unsigned t = 0; t < TURNS; t++) {
		const union lanes x = any_lanes(), y = any_lanes();
		const sw_row a = row_load(x.w), b = row_load(y.w);

		EACH_WORD(row_low32(a, b), (i & 1 ? y : x).w[i / 4 * 4 + i % 4 / 2]);
		EACH_WORD(row_high32(a, b), (i & 1 ? y : x).w[i / 4 * 4 + 2 + i % 4 / 2]);
		EACH_QUAD(row_low64(a, b), (i & 1 ? y : x).q[i / 2 * 2]);
		EACH_QUAD(row_high64(a, b), (i & 1 ? y : x).q[i / 2 * 2 + 1]);
		EACH_WORD(row_evens(a, b), (i & 2 ? y : x).w[i / 4 * 4 + i % 2 * 2]);
		EACH_WORD(row_odds(a, b), (i & 2 ? y : x).w[i / 4 * 4 + i % 2 * 2 + 1]);
		EACH_WORD(row_words(a, 0xb1), x.w[i ^ 1]);
		EACH_WORD(row_repeat(_mm_set1_epi32((int)x.w[1])), x.w[1]);
		EACH_WORD(row_bytes(a, row_repeat(back)),
			__builtin_bswap32(x.w[i / 4 * 4 + 3 - i % 4]));
	}
}
END_TEST

START_TEST(masks)
{
	ck_assert_uint_eq(row_lanes(row_zero()), 0);
	ck_assert_uint_eq(row_lanes(row_set1(UINT32_MAX)), ROW_ALL);
	for (unsigned i = 0; i < ROW_LANES; i++) {
		union lanes x = {{0}};

		x.w[i] = UINT32_MAX;
		ck_assert_uint_eq(row_lanes(row_load(x.w)), 1u << i);
	}
}
END_TEST

/* Anywhere in memory: 16 bytes of each packet, and nothing beside them is written. */
START_TEST(memory)
{
	enum { OFF = 3, BYTES = 32 };
	uint8_t from[ROW_LANES][BYTES], to[ROW_LANES][BYTES], *p[ROW_LANES], *q[ROW_LANES];
	uint8_t any[sizeof(sw_row) + 2], copy[sizeof(sw_row) + 2] = {0};

	for (unsigned i = 0; i < ROW_LANES; i++) {
		for (unsigned k = 0; k < BYTES; k++)
			from[i][k] = (uint8_t)pkt_rand(&seed);
		p[i] = from[i];
		q[i] = to[i];
	}
	memset(to, 0xee, sizeof(to));
	for (unsigned k = 0; k < 4; k++) {
		const sw_row x = row_gather(p, k, OFF);
		const union lanes l = of(x);

		for (unsigned i = 0; i < ROW_QUARTERS; i++)
			ck_assert_mem_eq(&l.b[16 * i], &from[k + 4 * i][OFF], 16);
		row_scatter(q, k, OFF, x);
	}
	for (unsigned i = 0; i < ROW_LANES; i++)
		for (unsigned k = 0; k < BYTES; k++)
			ck_assert_uint_eq(to[i][k], k >= OFF && k < OFF + 16 ? from[i][k] : 0xee);
	for (unsigned i = 0; i < sizeof(any); i++)
		any[i] = (uint8_t)pkt_rand(&seed);
	row_store_any(copy + 1, row_load_any(any + 1));
	ck_assert_mem_eq(copy + 1, any + 1, sizeof(sw_row));
	ck_assert_uint_eq(copy[0], 0);
	ck_assert_uint_eq(copy[sizeof(copy) - 1], 0);
}
END_TEST

static void
any_tuple(struct sw_tuple *t, bool v6)
{
	memset(t, 0, sizeof(*t));
	for (unsigned i = v6 ? 0 : 3; i < 4; i++) {
		t->client.w_be[i] = any_word();
		t->server.w_be[i] = any_word();
	}
	t->cport_be = (rte_be16_t)any_word();
	t->sport_be = (rte_be16_t)any_word();
	t->vlan_af = (any_word() & 0xffffff) | (v6 ? SW_TUPLE_IPV6 : 0);
}

/* 0: IPv4; 1: IPv6. One table in four is so small that both buckets of a tuple would be one. */
START_TEST(places)
{
	const bool v6 = _i;

	for (unsigned t = 0; t < TURNS; t++) {
		struct sw_flow_ground g = {
			.n_buckets = t % 4 == 0 ? 2 + t / 4 % 3 : 2 + any_word() / 2};
		union lanes client[4], server[4], ports, vlan_af, b0, b1, tag;
		struct sw_tuple tuple[ROW_LANES];
		struct sw_rows_tuple rows;
		struct sw_rows_place p;

		for (unsigned i = 0; i < 4; i++)
			g.hash_key[i] = pkt_rand(&seed);
		for (unsigned i = 0; i < ROW_LANES; i++) {
			any_tuple(&tuple[i], v6);
			for (unsigned k = 0; k < 4; k++) {
				client[k].w[i] = tuple[i].client.w_be[k];
				server[k].w[i] = tuple[i].server.w_be[k];
			}
			memcpy(&ports.w[i], &tuple[i].cport_be, sizeof(ports.w[i]));
			vlan_af.w[i] = tuple[i].vlan_af;
		}
		for (unsigned k = 0; k < 4; k++) {
			rows.client[k] = row_load(client[k].w);
			rows.server[k] = row_load(server[k].w);
		}
		rows.ports = row_load(ports.w);
		rows.vlan_af = row_load(vlan_af.w);
		p = sw_rows_place_of(&g, &rows, v6);
		b0 = of(p.b[0]);
		b1 = of(p.b[1]);
		tag = of(p.tag);
		for (unsigned i = 0; i < ROW_LANES; i++) {
			const struct sw_flow_place want = sw_flow_place_of(&g, &tuple[i]);

			ck_assert_uint_eq(b0.w[i], want.b[0]);
			ck_assert_uint_eq(b1.w[i], want.b[1]);
			ck_assert_uint_eq(tag.w[i], want.tag);
		}
	}
}
END_TEST

int
main(void)
{
	if (sw_simd_most() < SW_SIMD_OF_FILE)
		return CHECK_SKIPPED;

	Suite *suite = suite_create("rows");
	TCase *tc = tcase_create("rows");

	tcase_add_test(tc, words);
	tcase_add_test(tc, quarters);
	tcase_add_test(tc, transposed);
	tcase_add_test(tc, masks);
	tcase_add_test(tc, memory);
	tcase_add_loop_test(tc, places, 0, 2);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
