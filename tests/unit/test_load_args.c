/* SPDX-License-Identifier: BSD-3-Clause */
/* synload's command line and the values of its options. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
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
		{"flood --outside a --mix syn=5,syn=0", "each type once"},
		{"flood --outside a --mix syn=1,syn=1", "each type once"},
		{"flood --outside a --mix syn=1,ack=256", "1 in 256"},
		{"flood --outside a --mix syn=1 --type ack", "--mix"},
		{"flood --outside a --server 1.2.3.4 --server 1.2.3.4:80", "once"},
		{"flood --outside a --sources fd00::/8", "no --server is IPv6"},
		{"flood --outside a --sources 10.0.0.0/8 --server ::1", "no --server is IPv4"},
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
		{"connect --outside a --http / --request 5", "--request"},
		{"connect --outside a --http / --response 5", "--response"},
		{"connect --outside a --http / --hold 5", "--hold"},
		{"connect --outside a --http / --close server", "--close"},
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
	ck_assert(!a.fifo_buffers);
	ck_assert_uint_eq(a.route.n_servers, 1);
	ck_assert_uint_eq(a.route.servers[0].addr.w_be[3], RTE_BE32(0xc633640a));
	ck_assert_uint_eq(a.route.servers[0].port, 80);

	ck_assert_int_eq(
		parse(&a, "mixed --outside p0 --inside p1 --rate 1.5k --flood-rate 2M "
			  "--flood-type mix --server 1.2.3.4:8080 --server [2001:db8::1] "
			  "--seconds 0.25 --hold 3 --concurrent 1M --vlan 5 --close server "
			  "--fifo-buffers"),
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
	ck_assert(a.fifo_buffers);

	ck_assert_int_eq(parse(&a, "flood --outside p0 --mix syn=70,ack=30 --count 5"), 0);
	ck_assert_uint_eq(a.weights[SW_CRAFT_SYN], 70);
	ck_assert_uint_eq(a.weights[SW_CRAFT_ACK], 30);
	ck_assert_uint_eq(a.count, 5);
	ck_assert_int_eq(
		parse(&a, "flood --outside p0 --mix syn=1,ack=255 --server 1.2.3.4:80 --server "
			  "1.2.3.4:81 --sources 10.0.0.0/9"),
		0);
	ck_assert_uint_eq(a.weights[SW_CRAFT_SYN], 1);
	ck_assert_uint_eq(a.route.n_servers, 2);
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

int
main(void)
{
	Suite *s = suite_create("load_args");
	TCase *t = tcase_create("all");

	tcase_add_test(t, refused);
	tcase_add_test(t, taken);
	tcase_add_test(t, numbers);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
