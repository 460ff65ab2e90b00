/* SPDX-License-Identifier: BSD-3-Clause */
/* What synload is made of: histogram of times, pace, payload. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hist.h"
#include "pacer.h"
#include "packet/checksum.h"
#include "payload.h"
#include "pkt_make.h"

static int
compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Against a sorted list: at least the value, and at most 1/32 more. */
START_TEST(histogram)
{
	static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};
	static struct sw_hist h;
	static uint32_t v[20000];
	uint64_t seed = pkt_seed();

	for (unsigned round = 0; round < 20; round++) {
		memset(&h, 0, sizeof(h));
		for (unsigned i = 0; i < SW_ARRAY_LEN(v); i++) {
			v[i] = (uint32_t)(pkt_rand(&seed) >> (32 + pkt_rand(&seed) % 32));
			sw_hist_add(&h, v[i]);
			ck_assert_uint_lt(sw_hist_bucket(v[i]), SW_HIST_BUCKETS);
			ck_assert_uint_ge(sw_hist_upper(sw_hist_bucket(v[i])), v[i]);
		}
		qsort(v, SW_ARRAY_LEN(v), sizeof(v[0]), compare);
		for (unsigned i = 0; i < SW_ARRAY_LEN(shares); i++) {
			const size_t at = (size_t)(shares[i] * SW_ARRAY_LEN(v) + 0.999999) - 1;
			const uint32_t p = sw_hist_percentile(&h, shares[i]);

			ck_assert_uint_ge(p, v[at]);
			ck_assert_uint_le(p, v[at] + (uint64_t)v[at] / 32);
		}
		ck_assert_uint_eq(sw_hist_percentile(&h, 1), v[SW_ARRAY_LEN(v) - 1]);
	}
	/* Buckets follow each other without a gap. */
	for (unsigned b = 0; b + 1 < SW_HIST_BUCKETS; b++)
		ck_assert_uint_eq(sw_hist_bucket(sw_hist_upper(b) + 1), b + 1);
	memset(&h, 0, sizeof(h));
	ck_assert_uint_eq(sw_hist_percentile(&h, 0.5), 0);
}
END_TEST

/* In steps of all sizes the sum is that of the rate; a stall is made up for only in part. */
START_TEST(pace)
{
	uint64_t seed = pkt_seed(), now = 5000, sent = 0;
	struct sw_pacer p;

	sw_pacer_start(&p, 1234567, now);
	while (now < 5000 + 2000000000ull) {
		uint64_t n = sw_pacer_due(&p, now, 64);

		sw_pacer_sent(&p, n);
		sent += n;
		now += pkt_rand(&seed) % 40000;
	}
	ck_assert_uint_ge(sent, 2 * 1234567 - 64);
	ck_assert_uint_le(sent, 2 * 1234567 + 64);
	now += 1000000000;
	for (sent = 0;;) {
		uint64_t n = sw_pacer_due(&p, now, 64);

		if (n == 0)
			break;
		sw_pacer_sent(&p, n);
		sent += n;
	}
	ck_assert_uint_le(sent, 12346);
	ck_assert_uint_ge(p.skipped, 1234567 - 12346 - 64);
	sw_pacer_start(&p, 0, now);
	ck_assert_uint_eq(sw_pacer_due(&p, now, 32), 32);
}
END_TEST

START_TEST(payloads)
{
	static struct sw_payload p;
	static uint8_t stream[200000], other[200000];
	uint64_t sum, written;

	sw_payload_init(&p, 1);
	sw_payload_write(&p, 42, 0, stream, sizeof(stream));
	/* In pieces of any size it is the same stream. */
	for (uint32_t off = 0, n = 1; off < sizeof(other); off += n, n = n * 7 % 2048 + 1) {
		if (n > sizeof(other) - off)
			n = (uint32_t)(sizeof(other) - off);
		written = sw_payload_write(&p, 42, off, other + off, n);
		ck_assert_uint_eq(
			sw_csum_fold(written), sw_csum_fold(sw_csum_add(0, stream + off, n)));
		ck_assert(sw_payload_same(&p, 42, off, other + off, n, &sum));
		ck_assert_uint_eq(sum, written);
	}
	ck_assert_mem_eq(stream, other, sizeof(stream));
	/* Over more than a block of 64 KiB, which begins at an odd place of the piece. */
	for (uint32_t off = 77777; off < 77780; off++) {
		ck_assert(sw_payload_same(&p, 42, off, stream + off, 100000, &sum));
		ck_assert_uint_eq(
			sw_csum_fold(sum), sw_csum_fold(sw_csum_add(0, stream + off, 100000)));
	}
	/* Another stream, another place, another block, one bit. */
	ck_assert(!sw_payload_same(&p, 43, 0, stream, 16, &sum));
	ck_assert(!sw_payload_same(&p, 42, 1, stream, 16, &sum));
	ck_assert(!sw_payload_same(&p, 42, SW_PAYLOAD_BLOCK, stream, 16, &sum));
	for (uint32_t i = 0; i < sizeof(stream); i += 997) {
		stream[i] ^= 4;
		ck_assert(!sw_payload_same(&p, 42, 0, stream, sizeof(stream), &sum));
		stream[i] ^= 4;
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_parts");
	TCase *t = tcase_create("all");

	tcase_add_test(t, histogram);
	tcase_add_test(t, pace);
	tcase_add_test(t, payloads);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
