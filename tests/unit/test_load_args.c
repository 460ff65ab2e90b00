/* SPDX-License-Identifier: BSD-3-Clause */
/* synload's command line, values, histogram, pace and report. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "args.h"
#include "hist.h"
#include "pacer.h"
#include "payload.h"
#include "pkt_make.h"
#include "report.h"
#include "values.h"

#define WORDS_MAX 32

static char said[512];
static unsigned n_said;

__attribute__((format(printf, 1, 2))) static void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	n_said++;
}

/* Parses a line of words. */
static int
parse(struct sw_load_args *a, const char *line)
{
	static char copy[512];
	char *argv[WORDS_MAX] = {(char[]){"synload"}}, *save;
	int argc = 1;

	said[0] = '\0';
	n_said = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w != NULL && argc < WORDS_MAX - 1;
		w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return sw_load_args_parse(a, argc, argv, say);
}

START_TEST(refused)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"", "flood, connect or mixed"},
		{"--seconds 1", "flood, connect or mixed"},
		{"food --outside a", "food"},
		{"flood", "--outside"},
		{"flood --outside a b", "b"},
		{"flood --outside a --nosuch", "--nosuch"},
		{"flood --outside", "needs a value"},
		{"flood --outside a --type sin", "synack"},
		{"flood --outside a --rate 0", "from 1 to 1G"},
		{"flood --outside a --rate 2G", "from 1 to 1G"},
		{"flood --outside a --rate fast", "from 1 to 1G"},
		{"flood --outside a --seconds 0", "seconds"},
		{"flood --outside a --seconds -1", "seconds"},
		{"flood --outside a --seconds 1s", "seconds"},
		{"flood --outside a --options bsd", "windows"},
		{"flood --outside a --mix syn", "weights"},
		{"flood --outside a --mix syn=0", "weights"},
		{"flood --outside a --mix sin=1", "weights"},
		{"flood --outside a --mix syn=1000001", "weights"},
		{"flood --outside a --side inside", "--inside"},
		{"flood --outside a --side left", "outside or inside"},
		{"flood --outside a --count 0", "number"},
		{"flood --outside a --sample -1", "number"},
		{"flood --outside a --vlan 0", "4094"},
		{"flood --outside a --vlan 4095", "4094"},
		{"flood --outside a --src-mac 01:00:00:00:00:01", "MAC"},
		{"flood --outside a --dst-mac 2:0:0:0:0:1", "MAC"},
		{"flood --outside a --server 1.2.3", "address"},
		{"flood --outside a --server 1.2.3.4:0", "address"},
		{"flood --outside a --server 1.2.3.4:65536", "address"},
		{"flood --outside a --server [::1", "address"},
		{"flood --outside a --server [::1]80", "address"},
		{"flood --outside a --sources 10.0.0.1/8", "prefix"},
		{"flood --outside a --sources 10.0.0.0/33", "prefix"},
		{"flood --outside a --sources ::/129", "prefix"},
		{"flood --outside a --sources 10.0.0.0/8 --sources 11.0.0.0/8", "one prefix"},
		{"flood --outside a --source-order up", "random or range"},
		{"flood --outside a --concurrent 5", "not an option of this mode"},
		{"connect --outside a --inside b --type syn", "not an option of this mode"},
		{"connect --outside a", "--http"},
		{"connect --outside a --inside a", "same port"},
		{"connect --outside a --inside b --http /", "--http"},
		{"connect --outside a --http x", "path"},
		{"connect --outside a --http / --keep-alive 2", "--keep-alive"},
		{"connect --outside a --inside b --concurrent 17M", "number"},
		{"connect --outside a --inside b --request 0", "number"},
		{"connect --outside a --inside b --keep-alive 65536", "number"},
		{"connect --outside a --inside b --keep-alive 2 --response 1G", "more than 1G"},
		{"connect --outside a --inside b --close both", "client or server"},
		{"mixed --outside a --inside b --flood-type syn --mix syn=1", "--mix"},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct sw_load_args a;

		ck_assert_msg(parse(&a, cases[i].line) < 0, "taken: %s", cases[i].line);
		ck_assert_uint_eq(n_said, 1);
		ck_assert_msg(strstr(said, cases[i].says) != NULL, "%s: %s", cases[i].line, said);
	}
}
END_TEST

START_TEST(taken)
{
	struct sw_load_args a;

	ck_assert_int_eq(parse(&a, "flood --outside p0"), 0);
	ck_assert_uint_eq(a.seconds_ns, 10000000000);
	ck_assert_uint_eq(a.warmup_ns, 1000000000);
	ck_assert_uint_eq(a.flood_rate, 0);
	ck_assert_uint_eq(a.weights[SW_CRAFT_SYN], 1);
	ck_assert_uint_eq(a.weights[SW_CRAFT_ACK], 0);
	ck_assert_uint_eq(a.options, SW_CRAFT_LINUX);
	ck_assert_uint_eq(a.route.n_servers, 1);
	ck_assert_uint_eq(a.route.servers[0].addr.w_be[3], RTE_BE32(0xc633640a));
	ck_assert_uint_eq(a.route.servers[0].port, 80);

	ck_assert_int_eq(
		parse(&a, "mixed --outside p0 --inside p1 --rate 1.5k --flood-rate 2M "
			  "--flood-type mix --server 1.2.3.4:8080 --server [2001:db8::1] "
			  "--seconds 0.25 --hold 3 --concurrent 1M --vlan 5 --close server"),
		0);
	ck_assert_uint_eq(a.connect_rate, 1500);
	ck_assert_uint_eq(a.flood_rate, 2000000);
	ck_assert_uint_eq(a.weights[SW_CRAFT_FIN], 1);
	ck_assert_uint_eq(a.route.n_servers, 2);
	ck_assert_uint_eq(a.route.servers[0].port, 8080);
	ck_assert(a.route.servers[1].v6);
	ck_assert_uint_eq(a.route.servers[1].port, 80);
	ck_assert_uint_eq(a.seconds_ns, 250000000);
	ck_assert_uint_eq(a.hold_ns, 3000000000);
	ck_assert_uint_eq(a.concurrent, 1000000);
	ck_assert_uint_eq(a.route.l2.vlan, 5);
	ck_assert(a.close_server);

	ck_assert_int_eq(parse(&a, "flood --outside p0 --mix syn=70,ack=30 --count 5"), 0);
	ck_assert_uint_eq(a.weights[SW_CRAFT_SYN], 70);
	ck_assert_uint_eq(a.weights[SW_CRAFT_ACK], 30);
	ck_assert_uint_eq(a.count, 5);
	ck_assert_int_eq(parse(&a, "connect --outside p0 --http /"), 0);
	ck_assert_uint_eq(a.concurrent, 1000);
	ck_assert_int_eq(parse(&a, "--help"), 0);
	ck_assert_int_eq(a.action, SW_LOAD_HELP);
	ck_assert_int_eq(parse(&a, "flood --version"), 0);
	ck_assert_int_eq(a.action, SW_LOAD_VERSION);
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} cases[] = {
		{"0", true, 0},
		{"18446744073709551615", true, UINT64_MAX},
		{"18446744073709551616", false, 0},
		{"1k", true, 1000},
		{"1.25M", true, 1250000},
		{"2G", true, 2000000000},
		{"1.5", false, 0},
		{"1.0005k", false, 0},
		{"", false, 0},
		{"k", false, 0},
		{"-1", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"1 ", false, 0},
		{"1kk", false, 0},
		{"1.k", false, 0},
		{"0x10", false, 0},
		{"99999999999999999999G", false, 0},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		uint64_t v = 0;

		ck_assert_msg(
			sw_value_number(cases[i].text, &v) == cases[i].ok, "%s", cases[i].text);
		ck_assert_uint_eq(v, cases[i].value);
	}
}
END_TEST

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
	ck_assert_msg(json_is_integer(o), "%s %s", a, b);
	return (uint64_t)json_integer_value(o);
}

/* The keys that scripts read, and that the figures under them are the right ones. */
START_TEST(json)
{
	static struct sw_load_report r;
	static struct sw_load_args a;
	char path[] = "/tmp/test_load_args.XXXXXX";
	json_error_t error;
	json_t *root;

	ck_assert_int_eq(parse(&a, "mixed --outside p0 --inside p1"), 0);
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
	r.last.flood.invalid[SW_REPLY_ACK] = 3;
	r.to.client.finished = 50;
	r.last.client = (struct sw_conn_stats){.tried = 61,
		.opened = 60,
		.finished = 58,
		.failed = {[SW_CONN_RESET] = 2},
		.bytes_verified = 1000};
	r.last.server.bytes_verified = 100;
	r.last.client.measured = (struct sw_conn_cohort){60, 59, 57, 3};
	sw_hist_add(&r.last.handshake, 30);
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
	ck_assert_uint_eq(get(root, "connections", "tried"), 61);
	ck_assert_uint_eq(get(root, "connections", "opened"), 60);
	ck_assert_uint_eq(get(root, "connections", "finished"), 58);
	ck_assert_uint_eq(get(json_object_get(root, "connections"), "failed", "reset"), 2);
	ck_assert_uint_eq(get(json_object_get(root, "connections"), "failed", "total"), 2);
	ck_assert_double_eq(json_real_value(json_object_get(
				    json_object_get(root, "connections"), "per_second")),
		25);
	ck_assert_uint_eq(get(json_object_get(root, "connections"), "measured", "tried"), 60);
	ck_assert_uint_eq(get(json_object_get(root, "connections"), "measured", "opened"), 59);
	ck_assert_uint_eq(get(json_object_get(root, "connections"), "measured", "finished"), 57);
	ck_assert_uint_eq(get(json_object_get(root, "connections"), "measured", "failed"), 3);
	ck_assert_uint_eq(get(root, "handshake_us", "p50"), 30);
	ck_assert_uint_eq(get(root, "handshake_us", "p999"), 30);
	ck_assert_uint_eq(get(root, "response_us", "max"), 0);
	ck_assert_uint_eq(get(root, "bytes_verified", NULL), 1100);
	json_decref(root);
	ck_assert_int_lt(sw_report_json("/nonexistent/file", &r), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_args");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_test(t, refused);
	tcase_add_test(t, taken);
	tcase_add_test(t, numbers);
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
