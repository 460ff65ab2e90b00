/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration reader on files: test_config DIR EXAMPLES, which are tests/config and config.
 *
 * DIR/bad and DIR/good: each file says on its first lines what must be said of it,
 *     # expect: LINE:COL: fragment of the message
 * one line for each message, no more and no less, warnings too. The example files must be silent.
 */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "config_run.h"

#define BAD_FILES_MIN 40
#define MUTATIONS     4000

static const char *dir, *examples;

/* Takes the expected line out of what was said; false where it is not there. */
static bool
take(char *said, const char *path, const char *place, size_t place_len, const char *fragment)
{
	size_t path_len = strlen(path);

	for (char *line = said, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		const char *hit;

		if (strncmp(line, path, path_len) != 0 || line[path_len] != ':' ||
			strncmp(line + path_len + 1, place, place_len) != 0)
			continue;
		hit = strstr(line + path_len + 1 + place_len, fragment);
		if (hit != NULL && hit < end) {
			memset(line, '.', (size_t)(end - line));
			return true;
		}
	}
	return false;
}

static void
check_expected(const char *path, int want)
{
	static const char mark[] = "# expect: ";
	size_t len;
	char *text = run_read(path, &len), *rest = text, *said, *line;
	struct run r = run_load(path);
	unsigned n = 0;

	ck_assert_msg(r.rc == want, "%s: returned %d\n%s", path, r.rc, r.said);
	ck_assert_msg(run_form(&r, path), "%s: form of the lines\n%s", path, r.said);
	said = strdup(r.said);
	while ((line = strsep(&rest, "\n")) != NULL && strncmp(line, mark, strlen(mark)) == 0) {
		const char *place = line + strlen(mark), *end = strstr(place, ": ");

		n++;
		ck_assert_msg(end != NULL && end[2] != '\0', "%s: %s", path, line);
		end += 2;
		if (!take(said, path, place, (size_t)(end - place), end))
			ck_abort_msg("%s: not said: %s\n%s", path, line, r.said);
	}
	ck_assert_msg(n == run_lines(&r), "%s: %u lines expected\n%s", path, n, r.said);
	ck_assert_msg(want == 0 || n > 0, "%s: expects nothing", path);
	free(said);
	free(text);
	run_end(&r);
}

static unsigned
check_directory(const char *name, int want)
{
	char at[PATH_MAX], path[PATH_MAX + 256];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	snprintf(at, sizeof(at), "%s/%s", dir, name);
	d = opendir(at);
	ck_assert_msg(d != NULL, "cannot open %s", at);
	while ((e = readdir(d)) != NULL) {
		const char *dot = strrchr(e->d_name, '.');

		if (dot == NULL || strcmp(dot, ".yaml") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", at, e->d_name);
		check_expected(path, want);
		n++;
	}
	closedir(d);
	return n;
}

START_TEST(test_bad)
{
	ck_assert_uint_ge(check_directory("bad", -EINVAL), BAD_FILES_MIN);
}
END_TEST

START_TEST(test_good)
{
	ck_assert_uint_ge(check_directory("good", 0), 5);
}
END_TEST

static struct run
load_good(const char *in, const char *name)
{
	char path[PATH_MAX];
	struct run r;

	snprintf(path, sizeof(path), "%s/%s", in, name);
	r = run_load(path);
	ck_assert_msg(r.rc == 0, "%s: %d\n%s", path, r.rc, r.said);
	return r;
}

/* Service of an address and port in the configuration's own snapshot. */
static uint16_t
service_at(const struct sw_config *cfg, uint32_t ipv4, uint16_t port)
{
	struct sw_policy_spec spec = sw_config_policy_spec(cfg);
	size_t size = sw_policy_size(&spec);
	void *mem = aligned_alloc(SW_CACHE_LINE_BYTES, size);
	struct sw_policy_error err;
	struct sw_tuple t = {.sport_be = rte_cpu_to_be_16(port)};
	const struct sw_tuple *tp = &t;
	uint16_t service;

	t.server.w_be[3] = rte_cpu_to_be_32(ipv4);
	ck_assert_int_eq(sw_policy_build(mem, size, &spec, &err), 0);
	sw_policy_lookup_burst(mem, &tp, &service, 1);
	free(mem);
	return service;
}

START_TEST(test_defaults)
{
	struct run r = load_good(dir, "good/least.yaml");
	const struct sw_config *c = &r.cfg;
	const struct sw_service *s = c->services;

	ck_assert_str_eq(c->outside, "a");
	ck_assert_str_eq(c->inside, "b");
	ck_assert_uint_eq(c->mtu, 0);
	ck_assert_uint_eq(c->queues, 0);
	ck_assert_uint_eq(c->rx_descriptors, 0);
	ck_assert(!c->idle_sleeps);
	ck_assert_uint_eq(c->n_lcores, 0);
	ck_assert_uint_eq(c->flows, 1048576);
	ck_assert_uint_eq(c->pending, 16384);
	ck_assert_uint_eq(c->held, 8192);
	ck_assert_uint_eq(c->epoch_s, 64);
	ck_assert(c->budget);
	ck_assert(!c->has_secret);
	ck_assert_uint_eq(c->timeouts.state_ms[SW_FLOW_OPEN], 7440000);
	ck_assert_uint_eq(c->timeouts.state_ms[SW_FLOW_QUIET], 7440000);
	ck_assert_uint_eq(c->timeouts.state_ms[SW_FLOW_FIN_CLIENT], 240000);
	ck_assert_uint_eq(c->timeouts.state_ms[SW_FLOW_FIN_BOTH], 30000);
	ck_assert_uint_eq(c->timeouts.state_ms[SW_FLOW_RST_SERVER], 10000);
	ck_assert_uint_eq(c->n_services, 1);
	ck_assert_str_eq(s->name, "web");
	ck_assert_uint_eq(s->mode, SW_MODE_PROXY);
	ck_assert_uint_eq(s->window, SW_CONFIG_WINDOW_DEFAULT);
	ck_assert_uint_eq(s->server.mss4, 1460);
	ck_assert_uint_eq(s->server.mss6, 1440);
	ck_assert_uint_eq(s->server.wscale, 7);
	ck_assert(s->server.sack && s->server.ts && s->server.ecn && s->learn);
	ck_assert_uint_eq(c->resend, 4096);
	ck_assert(!c->pass_fragments && !c->pass_icmp);
	ck_assert_uint_eq(c->n_sources, 0);
	ck_assert_uint_eq(service_at(c, 0x0a000001, 80), 0);
	ck_assert_uint_eq(service_at(c, 0x0a000001, 81), SW_POLICY_NO_SERVICE);
	run_end(&r);
}
END_TEST

START_TEST(test_values)
{
	struct run r = load_good(dir, "good/block-style.yaml");
	const struct sw_config *c = &r.cfg;
	const struct sw_service *s = c->services;
	const uint32_t *ms = c->timeouts.state_ms;

	ck_assert_str_eq(c->outside, "0000:01:00.0");
	ck_assert_str_eq(c->inside, "0000:01:00.1");
	ck_assert_uint_eq(c->mtu, 9000);
	ck_assert_uint_eq(c->queues, 3);
	ck_assert_uint_eq(c->rx_descriptors, 256);
	ck_assert(c->idle_sleeps);
	ck_assert_uint_eq(c->n_lcores, 3);
	ck_assert_uint_eq(c->lcores[0], 3);
	ck_assert_uint_eq(c->lcores[1], 0);
	ck_assert_uint_eq(c->lcores[2], 1023);
	ck_assert_uint_eq(c->flows, 1024);
	ck_assert_uint_eq(c->pending, 16);
	ck_assert_uint_eq(c->held, 1048576);
	ck_assert_uint_eq(c->epoch_s, 239);
	ck_assert(!c->budget);
	ck_assert_uint_eq(c->resend, 0);
	ck_assert(c->pass_fragments && c->pass_icmp);
	ck_assert(!s[0].learn && s[1].learn);
	ck_assert_uint_eq(ms[SW_FLOW_OPEN], 86400000);
	ck_assert_uint_eq(ms[SW_FLOW_QUIET], 600000);
	ck_assert_uint_eq(ms[SW_FLOW_FIN_CLIENT], 100);
	ck_assert_uint_eq(ms[SW_FLOW_FIN_SERVER], 100);
	ck_assert_uint_eq(ms[SW_FLOW_FIN_BOTH], 61001);
	ck_assert_uint_eq(ms[SW_FLOW_RST_CLIENT], 7200000);
	ck_assert_uint_eq(ms[SW_FLOW_RST_SERVER], 7200000);
	ck_assert_uint_eq(c->n_services, 2);
	ck_assert_uint_eq(c->n_rules, 3 * 2 + 3);
	ck_assert_uint_eq(s[0].server.mss4, 48);
	ck_assert_uint_eq(s[0].server.mss6, 48);
	ck_assert_uint_eq(s[0].server.wscale, 15);
	ck_assert(!s[0].server.sack && !s[0].server.ts && s[0].server.ecn);
	ck_assert_uint_eq(s[0].window, 1024);
	ck_assert_str_eq(s[1].name, "A.b-c_9");
	ck_assert_uint_eq(s[1].server.mss4, 1460);
	ck_assert_uint_eq(s[1].server.mss6, 65495);
	ck_assert_uint_eq(s[1].server.wscale, 0);
	ck_assert_uint_eq(s[1].window, 65535);
	ck_assert_uint_eq(service_at(c, 0x0a000001, 80), 1);
	ck_assert_uint_eq(service_at(c, 0x0a000001, 79), 0);
	ck_assert_uint_eq(service_at(c, 0x0affffff, 65535), 0);
	ck_assert_uint_eq(service_at(c, 0x0a000002, 80), SW_POLICY_NO_SERVICE);
	ck_assert_uint_eq(c->n_sources, 5);
	ck_assert(!c->sources[0].deny && !c->sources[1].deny && c->sources[2].deny);
	ck_assert_uint_eq(c->sources[0].src.prefix_len, 8);
	ck_assert_uint_eq(c->sources[0].src.addr.b[12], 10);
	ck_assert(c->sources[2].src.v6);
	run_end(&r);
}
END_TEST

START_TEST(test_modes)
{
	static const struct {
		const char *file;
		unsigned n;
		uint8_t mode[2];
		bool inside;
	} cases[] = {
		{"good/never.yaml", 1, {SW_MODE_PASS}, true},
		{"good/auto.yaml", 1, {SW_MODE_PROXY}, true},
		{"good/one-port.yaml", 2, {SW_MODE_RESPOND, SW_MODE_DROP}, false},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct run r = load_good(dir, cases[i].file);

		ck_assert_uint_eq(r.cfg.n_services, cases[i].n);
		for (unsigned k = 0; k < cases[i].n; k++)
			ck_assert_uint_eq(r.cfg.services[k].mode, cases[i].mode[k]);
		ck_assert_int_eq(r.cfg.inside[0] != '\0', cases[i].inside);
		run_end(&r);
	}
}
END_TEST

START_TEST(test_examples)
{
	static const char *const files[] = {"synward.yaml", "minimal.yaml"};

	for (unsigned i = 0; i < SW_ARRAY_LEN(files); i++) {
		struct run r = load_good(examples, files[i]);

		ck_assert_msg(r.said[0] == '\0', "%s: %s", files[i], r.said);
		run_end(&r);
	}
}
END_TEST

static void
try_text(const char *path, const char *text, size_t len, const char *what, size_t which)
{
	struct run r;

	run_write(path, text, len);
	r = run_load(path);
	/*
	 * Told once for each failure: in a hot loop Check's own bookkeeping
	 * costs more than the test.
	 */
	if ((r.rc != 0 && r.rc != -EINVAL) || (r.rc == -EINVAL && r.said[0] == '\0') ||
		!run_form(&r, path))
		ck_abort_msg("%s %zu: returned %d\n%s", what, which, r.rc, r.said);
	run_end(&r);
}

/*
 * Every truncation, then seeded damage:
 * an answer in the right form, and nothing worse (ASan looks on).
 */
START_TEST(test_damaged)
{
	char tmp[] = "/tmp/test_config.XXXXXX", path[PATH_MAX];
	static const char odd[] = "\n:-[]{},&*!|>'\"%@`#? \t\xff\x80~0";
	size_t len;
	uint64_t rng = 88172645463325252ull;
	char *text;

	snprintf(path, sizeof(path), "%s/synward.yaml", examples);
	text = run_read(path, &len);
	ck_assert_ptr_nonnull(mkdtemp(tmp));
	snprintf(path, sizeof(path), "%s/c.yaml", tmp);
	for (size_t n = 0; n <= len; n++)
		try_text(path, text, n, "truncated to", n);
	for (size_t n = 0; n < MUTATIONS; n++) {
		char *copy = malloc(len);

		memcpy(copy, text, len);
		for (unsigned k = 0; k <= n % 4; k++) {
			rng ^= rng << 13;
			rng ^= rng >> 7;
			rng ^= rng << 17;
			copy[(rng >> 16) % len] = odd[(rng >> 8) % (sizeof(odd) - 1)];
		}
		try_text(path, copy, len, "mutation", n);
		free(copy);
	}
	free(text);
	unlink(path);
	rmdir(tmp);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	if (argc != 3) {
		fprintf(stderr, "usage: test_config DIR EXAMPLES (tests/config config)\n");
		return 2;
	}
	dir = argv[1];
	examples = argv[2];
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, test_bad);
	tcase_add_test(tc, test_good);
	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_values);
	tcase_add_test(tc, test_modes);
	tcase_add_test(tc, test_examples);
	tcase_add_test(tc, test_damaged);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_FORK_GETENV);
}
