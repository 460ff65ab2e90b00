/* SPDX-License-Identifier: BSD-3-Clause */
/* synload's histogram, pace, payload and report. */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "args.h"
#include "hist.h"
#include "pacer.h"
#include "packet/options.h"
#include "payload.h"
#include "pkt_make.h"
#include "report.h"

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
	static struct sw_hist h, later, since;
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
	sw_hist_add(&h, 1000000);
	later = h;
	sw_hist_add(&later, 10);
	sw_hist_since(&since, &h, &later);
	ck_assert_uint_eq(since.n, 1);
	ck_assert_uint_eq(since.max_us, 10);
	ck_assert_uint_eq(sw_hist_percentile(&since, 0.99), 10);
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

	sw_payload_init(&p, 1);
	sw_payload_write(&p, 42, 0, stream, sizeof(stream));
	/* In pieces of any size it is the same stream. */
	for (uint32_t off = 0, n = 1; off < sizeof(other); off += n, n = n * 7 % 2048 + 1) {
		if (n > sizeof(other) - off)
			n = (uint32_t)(sizeof(other) - off);
		sw_payload_write(&p, 42, off, other + off, n);
	}
	ck_assert_mem_eq(stream, other, sizeof(stream));
	ck_assert(sw_payload_same(&p, 42, 0, stream, sizeof(stream)));
	ck_assert(sw_payload_same(&p, 42, 77777, stream + 77777, 100000));
	/* Another stream, another place, another block, one bit. */
	ck_assert(!sw_payload_same(&p, 43, 0, stream, 16));
	ck_assert(!sw_payload_same(&p, 42, 1, stream, 16));
	ck_assert(!sw_payload_same(&p, 42, SW_PAYLOAD_BLOCK, stream, 16));
	for (uint32_t i = 0; i < sizeof(stream); i += 997) {
		stream[i] ^= 4;
		ck_assert(!sw_payload_same(&p, 42, 0, stream, sizeof(stream)));
		stream[i] ^= 4;
	}
}
END_TEST

static uint64_t
get(json_t *root, const char *a, const char *b)
{
	json_t *o = json_object_get(root, a);

	if (b != NULL)
		o = json_object_get(o, b);
	ck_assert_msg(json_is_integer(o), "%s %s", a, b != NULL ? b : "");
	return (uint64_t)json_integer_value(o);
}

/* The keys that scripts read, and that the figures under them are the right ones. */
START_TEST(json)
{
	static struct sw_load_report r;
	static struct sw_load_args a;
	char path[] = "/tmp/test_load_report.XXXXXX";
	json_error_t error;
	json_t *root;

	a = (struct sw_load_args){.mode = SW_LOAD_MIXED, .inside = "p1"};
	r.args = &a;
	r.seconds = 2;
	r.from.outside.tx_packets = 100;
	r.to.outside.tx_packets = 1100;
	r.to.outside.rx_packets = 500;
	r.to.outside.tx_full = 7;
	r.last.flood.tx[SW_CRAFT_SYN] = 1000;
	r.last.flood.synack = 990;
	r.last.flood.checked = 20;
	r.last.flood.invalid[SW_REPLY_RIGHT] = 17;
	r.last.flood.with[SW_OPT_MSS] = 17;
	r.last.flood.with[SW_OPT_TS] = 16;
	r.last.flood.invalid[SW_REPLY_ACK] = 3;
	r.to.client.finished = 50;
	r.last.client = (struct sw_conn_stats){.tried = 61,
		.opened = 60,
		.finished = 58,
		.failed = {[SW_CONN_RESET] = 2},
		.bytes_verified = 1000};
	r.last.server.bytes_verified = 100;
	sw_hist_add(&r.to.handshake, 30);
	close(mkstemp(path));
	ck_assert_int_eq(sw_report_json(path, &r), 0);
	root = json_load_file(path, 0, &error);
	unlink(path);
	ck_assert_ptr_nonnull(root);
	ck_assert_str_eq(json_string_value(json_object_get(root, "mode")), "mixed");
	ck_assert_uint_eq(get(root, "tx_packets", NULL), 1000);
	ck_assert_double_eq(json_real_value(json_object_get(root, "tx_pps")), 500);
	ck_assert_double_eq(json_real_value(json_object_get(root, "rx_pps")), 250);
	ck_assert_uint_eq(get(root, "tx_full", NULL), 7);
	ck_assert_double_eq_tol(
		json_real_value(json_object_get(root, "synack_per_syn")), 0.99, 1e-9);
	ck_assert_uint_eq(get(root, "invalid", "ack"), 3);
	ck_assert_uint_eq(get(root, "invalid", "total"), 3);
	ck_assert_uint_eq(get(root, "invalid", "checked"), 20);
	ck_assert_uint_eq(get(root, "options", "mss"), 17);
	ck_assert_uint_eq(get(root, "options", "ts"), 16);
	ck_assert_uint_eq(get(root, "options", "wscale"), 0);
	ck_assert_uint_eq(get(root, "connections", "tried"), 61);
	ck_assert_uint_eq(get(root, "connections", "opened"), 60);
	ck_assert_uint_eq(get(root, "connections", "finished"), 58);
	ck_assert_uint_eq(get(json_object_get(root, "connections"), "failed", "reset"), 2);
	ck_assert_uint_eq(get(json_object_get(root, "connections"), "failed", "total"), 2);
	ck_assert_double_eq(json_real_value(json_object_get(
				    json_object_get(root, "connections"), "per_second")),
		25);
	ck_assert_uint_eq(get(root, "handshake_us", "p50"), 30);
	ck_assert_uint_eq(get(root, "handshake_us", "p999"), 30);
	/* Nothing was measured: no number. */
	ck_assert_uint_eq(get(root, "response_us", "n"), 0);
	ck_assert(json_is_null(json_object_get(json_object_get(root, "response_us"), "p50")));
	ck_assert(json_is_null(json_object_get(json_object_get(root, "response_us"), "max")));
	ck_assert_uint_eq(get(root, "bytes_verified", NULL), 1100);
	json_decref(root);
	ck_assert_int_lt(sw_report_json("/nonexistent/file", &r), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_report");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_test(t, histogram);
	tcase_add_test(t, pace);
	tcase_add_test(t, payloads);
	tcase_add_test(t, json);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
