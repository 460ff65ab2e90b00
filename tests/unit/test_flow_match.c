/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tags of a bucket compared all at once, beside one after the other. Built for any x86-64, and for
 * each level of vector instructions, as the short ways have it, which would only be slower by a
 * wrong slot.
 */
#include <check.h>
#include <string.h>

#include "base/simd.h"
#include "flow/place.h"
#include "unit/pkt_make.h"

static uint32_t
match_one_by_one(const struct sw_flow_bucket *b, uint16_t tag)
{
	uint32_t mask = 0;

	for (unsigned s = 0; s < SW_FLOW_BUCKET_SLOTS; s++)
		mask |= (uint32_t)(b->tag[s] == tag) << s;
	return mask;
}

START_TEST(each_slot)
{
	for (unsigned s = 0; s < SW_FLOW_BUCKET_SLOTS; s++) {
		struct sw_flow_bucket b = {{0}};

		b.tag[s] = 0xff80;
		ck_assert_uint_eq(sw_flow_bucket_match(&b, 0xff80), UINT32_C(1) << s);
		ck_assert_uint_eq(sw_flow_bucket_match(&b, SW_FLOW_TAG_EMPTY), ~(UINT32_C(1) << s));
		ck_assert_uint_eq(sw_flow_bucket_match(&b, 0x0080), 0);
	}
}
END_TEST

/* Few tags, so that most stand in many slots; both buckets, each in its half. */
START_TEST(any_tags)
{
	static const uint16_t tags[] = {SW_FLOW_TAG_EMPTY, 1, 0x0100, 0x7fff, 0x8000, 0xffff};
	struct sw_flow_bucket b[3];
	const struct sw_flow_ground g = {.buckets = b, .n_buckets = 3};
	uint64_t seed = 1;

	for (unsigned i = 0; i < 100000; i++) {
		const uint16_t tag = tags[pkt_rand(&seed) % SW_ARRAY_LEN(tags)];
		struct sw_flow_place p = {.b = {2, 0}, .tag = tag};

		for (unsigned k = 0; k < SW_ARRAY_LEN(b) * SW_FLOW_BUCKET_SLOTS; k++)
			b[k / SW_FLOW_BUCKET_SLOTS].tag[k % SW_FLOW_BUCKET_SLOTS] =
				tags[pkt_rand(&seed) % SW_ARRAY_LEN(tags)];
		ck_assert_uint_eq(sw_flow_bucket_match(&b[1], tag), match_one_by_one(&b[1], tag));
		ck_assert_uint_eq(sw_flow_place_match(&g, &p),
			match_one_by_one(&b[2], tag) | (uint64_t)match_one_by_one(&b[0], tag)
							       << SW_FLOW_BUCKET_SLOTS);
	}
}
END_TEST

int
main(void)
{
	if (sw_simd_most() < SW_SIMD_OF_FILE)
		return CHECK_SKIPPED;

	Suite *suite = suite_create("flow_match");
	TCase *tc = tcase_create("flow_match");

	tcase_add_test(tc, each_slot);
	tcase_add_test(tc, any_tags);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
