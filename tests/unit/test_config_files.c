/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration reader on files that a test must make: secrets and their modes, sizes, limits.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_run.h"

#define HEAD "ports: {outside: a, inside: b}\n"
#define WEB  "services:\n  - {name: web, addresses: [10.0.0.1], ports: [80]}\n"
#define HEX  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eFF"

static char tmp[] = "/tmp/test_config_files.XXXXXX";
static char config[sizeof(tmp) + 16], secret[sizeof(tmp) + 16];

static void
set_up(void)
{
	strcpy(strstr(tmp, ".") + 1, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tmp));
	snprintf(config, sizeof(config), "%s/c.yaml", tmp);
	snprintf(secret, sizeof(secret), "%s/secret", tmp);
}

static void
tear_down(void)
{
	unlink(config);
	unlink(secret);
	rmdir(tmp);
}

static struct run
load_text(const char *text)
{
	run_write(config, text, strlen(text));
	return run_load(config);
}

static void
make_secret(const char *text, mode_t mode)
{
	run_write(secret, text, strlen(text));
	ck_assert_int_eq(chmod(secret, mode), 0);
}

/* Loads with `cookie: {secret_file: name}`, whose value stands at 2:25. */
static struct run
load_secret(const char *name)
{
	char text[512];

	snprintf(text, sizeof(text), HEAD "cookie: {secret_file:   %s}\n" WEB, name);
	return load_text(text);
}

static void
expect(struct run *r, const char *place_and_fragment)
{
	const char *colon = strstr(place_and_fragment, ": "), *said = r->said + strlen(config) + 1;
	size_t place = (size_t)(colon - place_and_fragment);

	ck_assert_msg(r->rc == -EINVAL && run_lines(r) == 1 && run_form(r, config) &&
			      strncmp(said, place_and_fragment, place) == 0 && said[place] == ':' &&
			      strstr(said, colon + 2) != NULL,
		"want %s; returned %d\n%s", place_and_fragment, r->rc, r->said);
	run_end(r);
}

START_TEST(test_secret_read)
{
	static const char *const texts[] = {HEX, HEX "\n"};
	const char *const names[] = {"secret", "./secret", secret};
	static const struct sw_config zero;

	for (unsigned t = 0; t < SW_ARRAY_LEN(texts); t++) {
		for (unsigned n = 0; n < SW_ARRAY_LEN(names); n++) {
			struct run r;

			make_secret(texts[t], n == 0 ? 0400 : 0600);
			r = load_secret(names[n]); /* relative to the configuration, not to us */
			ck_assert_msg(r.rc == 0, "%s", r.said);
			ck_assert_str_eq(r.said, "");
			ck_assert(r.cfg.has_secret && !r.cfg.budget);
			ck_assert(r.cfg.master.k[0].k0 == 0x0706050403020100ull);
			ck_assert(r.cfg.master.k[0].k1 == 0x0f0e0d0c0b0a0908ull);
			ck_assert(r.cfg.master.k[1].k0 == 0x1716151413121110ull);
			ck_assert(r.cfg.master.k[1].k1 == 0xff1e1d1c1b1a1918ull);
			sw_config_free(&r.cfg);
			ck_assert_int_eq(memcmp(&r.cfg, &zero, sizeof(zero)), 0);
			sw_config_free(&r.cfg); /* twice does no harm */
			free(r.said);
		}
	}
}
END_TEST

/* What one front end issued another one accepts, unless the file says otherwise. */
START_TEST(test_secret_and_budget)
{
	struct run r;

	make_secret(HEX, 0600);
	r = load_secret("secret, budget: true");
	ck_assert_msg(r.rc == 0, "%s", r.said);
	ck_assert(r.cfg.has_secret && r.cfg.budget);
	sw_config_free(&r.cfg);
	free(r.said);
}
END_TEST

START_TEST(test_secret_contents)
{
	static const char *const texts[] = {
		"",
		"\n",
		HEX "\n\n",
		HEX "\r\n",
		HEX " ",
		HEX "0",
		" " HEX,
		"0x" HEX,
		"00010203\n",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eF\n",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eFg",
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(texts); i++) {
		struct run r;

		make_secret(texts[i], 0600);
		r = load_secret("secret");
		ck_assert_msg(strstr(r.said, "000102") == NULL, "shows the secret: %s", r.said);
		ck_assert(r.cfg.master.k[0].k0 == 0 && r.cfg.master.k[1].k1 == 0);
		expect(&r, "2:25: cookie.secret_file: must hold exactly 64 hex digits");
	}
}
END_TEST

START_TEST(test_secret_modes)
{
	for (unsigned mode = 0400; mode <= 07777; mode++) {
		char want[80];
		struct run r;

		if ((mode & 0600) != 0600) /* readable by us also where we are not root */
			continue;
		if (mode % 7 != 0 && mode != 0600 && (mode & 077) != 0 &&
			((mode & 077) & ((mode & 077) - 1)) != 0)
			continue; /* each single bit, and a seventh of the rest */
		make_secret(HEX, mode);
		r = load_secret("secret");
		if ((mode & 077) == 0) {
			ck_assert_msg(r.rc == 0, "mode %o: %s", mode, r.said);
			run_end(&r);
			continue;
		}
		snprintf(want, sizeof(want), "2:25: has mode %04o; group and others", mode);
		expect(&r, want);
	}
}
END_TEST

START_TEST(test_secret_owner)
{
	struct run r;

	if (geteuid() != 0)
		return; /* only root can give a file away */
	make_secret(HEX, 0600);
	ck_assert_int_eq(chown(secret, 12345, 12345), 0);
	r = load_secret("secret");
	expect(&r, "2:25: belongs to user 12345; must belong to root");
}
END_TEST

START_TEST(test_secret_kind)
{
	struct run r;

	ck_assert_int_eq(mkfifo(secret, 0600), 0);
	r = load_secret("secret"); /* does not wait for a writer */
	expect(&r, "2:25: cookie.secret_file: is not a regular file");
	r = load_secret("nosuch");
	expect(&r, "2:25: \"nosuch\" cannot be opened: No such file or directory");
	r = load_secret("c.yaml/x");
	expect(&r, "2:25: cannot be opened: Not a directory");
}
END_TEST

START_TEST(test_unreadable)
{
	struct run r = run_load("/nonexistent/c.yaml");

	ck_assert_int_eq(r.rc, -ENOENT);
	ck_assert_str_eq(
		r.said, "/nonexistent/c.yaml: cannot be read: No such file or directory\n");
	run_end(&r);
	r = run_load(tmp);
	ck_assert_int_eq(r.rc, -EISDIR);
	ck_assert_uint_eq(run_lines(&r), 1);
	run_end(&r);
}
END_TEST

START_TEST(test_empty_and_bytes)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{"", "1:1: yaml: the file is empty; ports and services are required"},
		{"\n\n  \n", "1:1: the file is empty"},
		{HEAD "flows: \xff\n" WEB, "2:8: the file must be UTF-8 text"},
		{HEAD "# \xc3\xa9\xc3\xa9 \xc3\n" WEB, "2:7: the file must be UTF-8 text"},
		{HEAD WEB "\x01", "4:1: control characters are not allowed"},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct run r = load_text(cases[i].text);

		expect(&r, cases[i].want);
	}
}
END_TEST

START_TEST(test_file_size)
{
	size_t most = 1 << 20;
	char *text = malloc(most + 2);
	struct run r;

	memset(text, '#', most + 1);
	memcpy(text, HEAD WEB, strlen(HEAD WEB));
	text[most + 1] = '\0';
	r = load_text(text);
	expect(&r, "1:1: the file is too long; at most 1048576 bytes");
	text[most] = '\0';
	r = load_text(text);
	ck_assert_msg(r.rc == 0, "%s", r.said);
	run_end(&r);
	free(text);
}
END_TEST

/* n services, each one address, ports 1..ports, every one alone. */
static struct run
load_many(unsigned n, unsigned addresses, const char *ports)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct run r;

	fputs(HEAD "services:\n", f);
	for (unsigned i = 0; i < n; i++) {
		fprintf(f, "  - name: s%u\n    ports: [%s]\n    addresses:\n", i, ports);
		for (unsigned a = 0; a < addresses; a++)
			fprintf(f, "      - 10.%u.%u.%u\n", i >> 8, i & 255, a);
	}
	fclose(f);
	r = load_text(text);
	free(text);
	return r;
}

START_TEST(test_service_limit)
{
	struct run r = load_many(SW_SERVICES_MAX, 1, "80");

	ck_assert_msg(r.rc == 0, "%s", r.said);
	ck_assert_uint_eq(r.cfg.n_services, SW_SERVICES_MAX);
	ck_assert_str_eq(r.cfg.services[SW_SERVICES_MAX - 1].name, "s1023");
	ck_assert_uint_eq(r.cfg.rules[SW_SERVICES_MAX - 1].service, SW_SERVICES_MAX - 1);
	run_end(&r);
	/* Four lines each, behind the first two: one line, however many are too many. */
	r = load_many(SW_SERVICES_MAX + 3, 1, "80");
	expect(&r, "4099:5: services[1024]: is one service too many; at most 1024 are allowed");
}
END_TEST

START_TEST(test_rule_limit)
{
	/* 256 addresses times 16 ranges times 16 services is the limit of 65536. */
	static const char ports[] = "1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31";
	struct run r = load_many(16, 256, ports);

	ck_assert_msg(r.rc == 0, "%s", r.said);
	ck_assert_uint_eq(r.cfg.n_rules, 65536);
	run_end(&r);
	r = load_many(17, 256, ports);
	expect(&r, "4147:5: services[16]: its 256 addresses times 16 port ranges");
}
END_TEST

START_TEST(test_many_overlaps)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	unsigned last = 0;
	struct run r;

	/* The same 70 addresses twice: 64 places, and a line that says that there may be more. */
	fputs(HEAD "services:\n", f);
	for (unsigned s = 0; s < 2; s++) {
		fprintf(f, "  - name: s%u\n    ports: [80, 443]\n    addresses:\n", s);
		for (unsigned a = 0; a < 70; a++)
			fprintf(f, "      - 10.0.0.%u\n", a);
	}
	fclose(f);
	r = load_text(text);
	ck_assert_int_eq(r.rc, -EINVAL);
	ck_assert_uint_eq(run_lines(&r), 65);
	ck_assert(run_form(&r, config));
	for (const char *p = r.said; (p = strstr(p, "overlaps service \"s0\" on line 3")) != NULL;
		p++)
		last++;
	ck_assert_uint_eq(last, 64);
	ck_assert_ptr_nonnull(strstr(r.said, "only the first 64 places are listed"));
	free(text);
	run_end(&r);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_files");
	TCase *tc = tcase_create("config_files");

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_secret_read);
	tcase_add_test(tc, test_secret_and_budget);
	tcase_add_test(tc, test_secret_contents);
	tcase_add_test(tc, test_secret_modes);
	tcase_add_test(tc, test_secret_owner);
	tcase_add_test(tc, test_secret_kind);
	tcase_add_test(tc, test_unreadable);
	tcase_add_test(tc, test_empty_and_bytes);
	tcase_add_test(tc, test_file_size);
	tcase_add_test(tc, test_service_limit);
	tcase_add_test(tc, test_rule_limit);
	tcase_add_test(tc, test_many_overlaps);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_FORK_GETENV);
}
