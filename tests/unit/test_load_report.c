/* SPDX-License-Identifier: BSD-3-Clause */
/* synload's report: the figures under their keys, and null or "-" where there is no figure. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "report.h"

static struct sw_load_report r;
static struct sw_load_args a;

static void
begin(enum sw_load_mode mode)
{
	memset(&r, 0, sizeof(r));
	a = (struct sw_load_args){.mode = mode, .outside = "p0", .inside = "p1", .seed = 5};
	r.args = &a;
	r.seconds = 2;
	r.rx_seconds = 2.5;
}

static json_t *
written(void)
{
	char path[] = "/tmp/test_load_report.XXXXXX";
	json_error_t error;
	json_t *root;

	close(mkstemp(path));
	ck_assert_int_eq(sw_report_json(path, &r), 0);
	root = json_load_file(path, 0, &error);
	unlink(path);
	ck_assert_ptr_nonnull(root);
	return root;
}

/* What stands at a path such as "connections.failed.reset". */
static json_t *
at(json_t *root, const char *path)
{
	char copy[128], *save;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *k = strtok_r(copy, ".", &save); k != NULL; k = strtok_r(NULL, ".", &save))
		root = json_object_get(root, k);
	ck_assert_msg(root != NULL, "no %s", path);
	return root;
}

static void
assert_int(json_t *root, const char *path, uint64_t value)
{
	ck_assert_msg(json_is_integer(at(root, path)), "%s", path);
	ck_assert_msg((uint64_t)json_integer_value(at(root, path)) == value, "%s is %lld", path,
		(long long)json_integer_value(at(root, path)));
}

static void
assert_real(json_t *root, const char *path, double value)
{
	ck_assert_msg(json_is_real(at(root, path)), "%s", path);
	ck_assert_double_eq_tol(json_real_value(at(root, path)), value, 1e-9);
}

static void
assert_null(json_t *root, const char *path)
{
	ck_assert_msg(json_is_null(at(root, path)), "%s is not null", path);
}

static bool
table_has(const char *text)
{
	char *table;
	size_t size;
	FILE *f = open_memstream(&table, &size);
	bool has;

	sw_report_table(f, &r);
	fclose(f);
	has = strstr(table, text) != NULL;
	free(table);
	return has;
}

static void
fill_mixed(void)
{
	begin(SW_LOAD_MIXED);
	r.from.outside.tx_packets = 100;
	r.to.outside.tx_packets = 1100;
	r.to.outside.rx_packets = 500;
	r.from.outside.tx_full = 3;
	r.to.outside.tx_full = 10;
	r.to.outside.tx_lost = 2;
	r.to.inside.tx_packets = 40;
	r.to.inside.tx_full = 1;
	r.to.flood.tx[SW_CRAFT_SYN] = 800;
	r.last.flood.tx[SW_CRAFT_SYN] = 1000;
	r.last.flood.synack = 990;
	r.last.flood.checked = 20;
	r.last.flood.invalid[SW_REPLY_RIGHT] = 17;
	r.last.flood.invalid[SW_REPLY_ACK] = 3;
	r.last.flood.carried[SW_REPLY_MSS] = 17;
	r.last.flood.carried[SW_REPLY_WSCALE] = 16;
	r.last.flood.carried[SW_REPLY_SACK] = 15;
	r.last.flood.carried[SW_REPLY_TS] = 14;
	r.to.client.finished = 50;
	r.to.in_flight = 9;
	r.from.flood_skipped = 2;
	r.to.flood_skipped = 5;
	r.last.flood_skipped = 6;
	r.last.connect_skipped = 13;
	r.last.client = (struct sw_conn_stats){.tried = 61,
		.opened = 60,
		.finished = 58,
		.failed = {[SW_CONN_RESET] = 2},
		.bytes_verified = 1000,
		.measured = {.tried = 60, .opened = 59, .finished = 57, .failed = 3}};
	r.last.server.bytes_verified = 100;
	sw_hist_add(&r.last.handshake, 30);
	r.windows.n = 2;
	r.windows.w[1] = (struct sw_window){
		.ns = 200000000, .rx = 100, .inside = 50, .synack = 20, .done = 4};
	r.windows.w[0] = r.windows.w[1];
	r.windows.w[0].ns = 100000000;
}

/* Element i of an array. */
static void
assert_element(json_t *root, const char *path, size_t i, double value)
{
	json_t *array = at(root, path);

	ck_assert_msg(json_is_array(array) && json_array_size(array) == 2, "%s", path);
	ck_assert_double_eq_tol(json_real_value(json_array_get(array, i)), value, 1e-9);
}

/* The keys that scripts read, and that the figures under them are the right ones. */
START_TEST(figures)
{
	json_t *root;

	fill_mixed();
	root = written();
	ck_assert_str_eq(json_string_value(at(root, "mode")), "mixed");
	assert_int(root, "seed", 5);
	assert_real(root, "seconds", 2);
	assert_real(root, "rx_seconds", 2.5);
	assert_int(root, "tx_packets", 1000);
	assert_real(root, "tx_pps", 500);
	assert_real(root, "rx_pps", 200);
	assert_int(root, "tx_full", 7);
	assert_real(root, "tx_full_share", 0.007);
	assert_int(root, "tx_lost", 2);
	assert_real(root, "inside.tx_pps", 20);
	assert_int(root, "inside.tx_full", 1);
	assert_real(root, "inside.tx_full_share", 0.025);
	assert_int(root, "inside.tx_lost", 0);
	assert_real(root, "flood.tx_pps", 400);
	assert_int(root, "flood.skipped", 3);
	assert_int(root, "connections.skipped", 13);
	assert_real(root, "synack_per_syn", 0.99);
	assert_int(root, "invalid.ack", 3);
	assert_int(root, "invalid.total", 3);
	assert_int(root, "invalid.checked", 20);
	assert_int(root, "replies.checked", 20);
	assert_int(root, "replies.right", 17);
	assert_int(root, "replies.with_mss", 17);
	assert_int(root, "replies.with_wscale", 16);
	assert_int(root, "replies.with_sack", 15);
	assert_int(root, "replies.with_ts", 14);
	assert_int(root, "connections.tried", 61);
	assert_int(root, "connections.opened", 60);
	assert_int(root, "connections.finished", 58);
	assert_int(root, "connections.open", 9);
	assert_int(root, "connections.failed.reset", 2);
	assert_int(root, "connections.failed.total", 2);
	assert_real(root, "connections.per_second", 25);
	assert_int(root, "connections.measured.tried", 60);
	assert_int(root, "connections.measured.opened", 59);
	assert_int(root, "connections.measured.finished", 57);
	assert_int(root, "connections.measured.failed", 3);
	assert_int(root, "handshake_us.p50", 30);
	assert_int(root, "handshake_us.p999", 30);
	assert_int(root, "bytes_verified", 1100);
	assert_element(root, "windows.seconds", 1, 0.2);
	assert_element(root, "windows.rx_pps", 0, 1000);
	assert_element(root, "windows.rx_pps", 1, 500);
	assert_element(root, "windows.inside_rx_pps", 1, 250);
	assert_element(root, "windows.answered_pps", 1, 100);
	assert_element(root, "windows.per_second", 1, 20);
	json_decref(root);
	ck_assert(table_has("ring full                             7  0.007000 a packet"));
	ck_assert(table_has("ring full, server                     1  0.025000 a packet"));
	ck_assert(
		table_has("right                        17  MSS 17  wscale 16  SACK 15  timesta"));
	ck_assert(table_has("LOST to a full ring                   2"));
	ck_assert(table_has("NOT OPENED in time                   13"));
	ck_assert(table_has("NOT SENT in time                      6"));
	ck_assert_int_lt(sw_report_json("/nonexistent/file", &r), 0);
}
END_TEST

/* What was asked for, as far as the mode has it. */
START_TEST(asked)
{
	json_t *root;

	begin(SW_LOAD_MIXED);
	a.seconds_ns = 2500000000;
	a.flood_rate = 1000;
	a.connect_rate = 60000;
	a.request_bytes = 10;
	a.hold_ns = 500000000;
	a.close_server = true;
	a.fifo_buffers = true;
	a.weights[SW_CRAFT_ACK] = 3;
	a.route.n_servers = 2;
	a.route.servers[0] =
		(struct sw_load_server){.addr.w_be[3] = RTE_BE32(0x01020304), .port = 8080};
	a.route.servers[1] = (struct sw_load_server){.addr.b = {0xfd}, .port = 80, .v6 = true};
	sw_space_init(&a.route.space[1], &a.route.servers[1].addr, 8, true);
	sw_space_init(&a.route.space[0], &(union sw_addr){.b[12] = 10}, 9, false);
	root = written();
	assert_real(root, "asked.seconds", 2.5);
	assert_int(root, "asked.flood_rate", 1000);
	assert_int(root, "asked.connect_rate", 60000);
	assert_int(root, "asked.concurrent", 90000);
	assert_int(root, "asked.request", 10);
	assert_real(root, "asked.hold", 0.5);
	assert_int(root, "asked.mix.ack", 3);
	assert_int(root, "asked.mix.syn", 0);
	ck_assert(json_is_true(at(root, "asked.fifo_buffers")));
	assert_null(root, "asked.total");
	assert_null(root, "asked.http");
	assert_null(root, "asked.vlan");
	ck_assert_str_eq(json_string_value(at(root, "asked.close")), "server");
	ck_assert_str_eq(json_string_value(at(root, "asked.options")), "none");
	ck_assert_str_eq(
		json_string_value(json_array_get(at(root, "asked.servers"), 0)), "1.2.3.4:8080");
	ck_assert_str_eq(
		json_string_value(json_array_get(at(root, "asked.servers"), 1)), "[fd00::]:80");
	ck_assert_str_eq(
		json_string_value(json_array_get(at(root, "asked.sources"), 0)), "10.0.0.0/9");
	ck_assert_str_eq(
		json_string_value(json_array_get(at(root, "asked.sources"), 1)), "fd00::/8");
	json_decref(root);

	begin(SW_LOAD_FLOOD);
	a.count = 7;
	a.route.l2.vlan = 5;
	root = written();
	assert_null(root, "asked.seconds");
	assert_null(root, "asked.flood_rate");
	assert_null(root, "asked.concurrent");
	assert_null(root, "asked.hold");
	assert_int(root, "asked.count", 7);
	assert_int(root, "asked.vlan", 5);
	json_decref(root);
}
END_TEST

/* No time was taken: 0 us would be a very good one. */
START_TEST(times_of_nothing)
{
	static const char *const keys[] = {"response_us.mean", "response_us.p50", "response_us.p90",
		"response_us.p99", "response_us.p999", "response_us.max"};
	json_t *root;

	fill_mixed();
	root = written();
	assert_int(root, "response_us.n", 0);
	for (unsigned i = 0; i < SW_ARRAY_LEN(keys); i++)
		assert_null(root, keys[i]);
	json_decref(root);
	ck_assert(table_has("response           us p50 -  p90 -  p99 -  p99.9 -  max -  (0)"));
	ck_assert(table_has("handshake          us p50 30 "));
	sw_hist_add(&r.last.response, 0);
	root = written();
	assert_int(root, "response_us.p50", 0);
	assert_int(root, "response_us.max", 0);
	json_decref(root);
	ck_assert(table_has("response           us p50 0 "));
}
END_TEST

/* What a mode does not have. */
START_TEST(does_not_apply)
{
	static const char *const of_connections[] = {"connections", "server", "handshake_us",
		"response_us", "bytes_verified", "inside", "windows.per_second",
		"windows.inside_rx_pps"};
	static const char *const of_flood[] = {"flood", "invalid", "replies", "answered_packets",
		"answered_pps", "synack_per_syn", "total.flood_sent", "total.synack", "total.rst",
		"total.syn", "total.other_tcp", "total.not_tcp", "windows.answered_pps"};
	json_t *root;

	begin(SW_LOAD_FLOOD);
	root = written();
	for (unsigned i = 0; i < SW_ARRAY_LEN(of_connections); i++)
		assert_null(root, of_connections[i]);
	assert_null(root, "synack_per_syn"); /* not one SYN was sent */
	assert_int(root, "answered_packets", 0);
	assert_int(root, "total.synack", 0);
	json_decref(root);
	ck_assert(!table_has("handshake"));
	ck_assert(table_has(" - a SYN"));

	begin(SW_LOAD_CONNECT);
	root = written();
	for (unsigned i = 0; i < SW_ARRAY_LEN(of_flood); i++)
		assert_null(root, of_flood[i]);
	assert_int(root, "connections.tried", 0);
	assert_int(root, "server.tried", 0);
	assert_int(root, "bytes_verified", 0);
	assert_int(root, "inside.tx_packets", 0);
	json_decref(root);
	ck_assert(!table_has("SYN"));

	/* A real server: there is no end of ours, and nothing to compare with. */
	a.inside = NULL;
	a.http = "/";
	root = written();
	assert_null(root, "server");
	assert_null(root, "inside");
	assert_null(root, "bytes_verified");
	assert_null(root, "connections.bytes_verified");
	assert_int(root, "connections.bytes_received", 0);
	json_decref(root);

	/* It ended before it was measured. */
	r.seconds = r.rx_seconds = 0;
	root = written();
	assert_null(root, "tx_pps");
	assert_null(root, "connections.per_second");
	json_decref(root);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_report");
	TCase *t = tcase_create("all");

	tcase_add_test(t, figures);
	tcase_add_test(t, asked);
	tcase_add_test(t, times_of_nothing);
	tcase_add_test(t, does_not_apply);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
