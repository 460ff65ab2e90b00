/* SPDX-License-Identifier: BSD-3-Clause */
/* The snapshot by tables: edges of the address space, overlaps, errors, sources, depth and size. */
#include <errno.h>

#include "policy_make.h"

struct one {
	const char *addr;
	unsigned len;
	uint16_t first, last, service;
};

static int
build_table(const struct one *t, unsigned n, struct sw_policy **out, struct sw_policy_error *err)
{
	struct sw_service services[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
	struct sw_rule rules[8];
	struct sw_policy_spec s = {
		.services = services, .rules = rules, .n_services = 3, .n_rules = n};
	size_t size;
	int rc;

	for (unsigned i = 0; i < n; i++)
		rules[i] = (struct sw_rule){
			policy_prefix(t[i].addr, t[i].len), t[i].first, t[i].last, t[i].service};
	size = sw_policy_size(&s);
	*out = aligned_alloc(SW_CACHE_LINE_BYTES, size);
	rc = sw_policy_build(*out, size, &s, err);
	memset(rules, 0xff, sizeof(rules)); /* the snapshot must not look at the spec again */
	memset(services, 0xff, sizeof(services));
	return rc;
}

static uint16_t
ask(const struct sw_policy *p, const char *addr, uint16_t port)
{
	struct sw_prefix a = policy_prefix(addr, 0);
	struct sw_tuple t = policy_query(&a.addr, port, a.v6);
	const struct sw_tuple *tp = &t;
	uint16_t service;

	sw_policy_lookup_burst(p, &tp, &service, 1);
	return service;
}

START_TEST(test_boundaries)
{
	static const struct one rules[] = {
		{"0.0.0.0", 0, 0, 0, 0},
		{"255.255.255.255", 32, 65535, 65535, 1},
		{"255.0.0.1", 8, 80, 80, 2}, /* bits behind the prefix are ignored */
		{"::", 0, 1, 65535, 0},
		{"ffff::", 16, 0, 0, 1},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128, 0, 0, 1},
	};
	static const struct {
		const char *addr;
		uint16_t port, service;
	} asks[] = {
		{"0.0.0.0", 0, 0}, {"255.255.255.255", 0, 0}, {"255.255.255.255", 65535, 1},
		{"255.255.255.254", 65535, SW_POLICY_NO_SERVICE}, {"255.255.255.255", 80, 2},
		{"254.255.255.255", 80, SW_POLICY_NO_SERVICE}, {"255.0.0.0", 80, 2},
		{"0.0.0.0", 1, SW_POLICY_NO_SERVICE}, {"::", 1, 0}, {"::", 0, SW_POLICY_NO_SERVICE},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 0},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, 1}, {"ffff::", 0, 1},
		{"fffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, SW_POLICY_NO_SERVICE},
		{"::ffff:255.255.255.255", 80, 0}, /* a mapped address is IPv6, not 255.0.0.0/8 */
	};
	struct sw_policy_error err;
	struct sw_policy *p;

	ck_assert_int_eq(build_table(rules, SW_ARRAY_LEN(rules), &p, &err), 0);
	for (unsigned i = 0; i < SW_ARRAY_LEN(asks); i++)
		ck_assert_msg(ask(p, asks[i].addr, asks[i].port) == asks[i].service,
			"%s port %u: %u", asks[i].addr, asks[i].port,
			ask(p, asks[i].addr, asks[i].port));
	ck_assert_str_eq(sw_policy_service(p, 1)->name, "b");
	free(p);
}
END_TEST

START_TEST(test_overlap_table)
{
	static const struct {
		struct one a, b;
		int rc;
	} cases[] = {
		{{"10.0.0.1", 32, 80, 80, 0}, {"10.0.0.1", 32, 80, 80, 1}, -EEXIST},
		{{"10.0.0.1", 32, 80, 80, 0}, {"10.0.0.1", 32, 81, 90, 1}, 0},
		{{"10.0.0.1", 32, 80, 80, 0}, {"10.0.0.1", 32, 80, 80, 0}, 0},
		{{"10.0.0.0", 8, 80, 443, 0}, {"10.0.0.1", 32, 443, 443, 1}, -EEXIST},
		{{"10.0.0.0", 8, 80, 443, 0}, {"10.0.0.1", 32, 444, 444, 1}, 0},
		{{"10.0.0.1", 32, 443, 443, 1}, {"10.0.0.0", 8, 80, 443, 0}, -EEXIST},
		{{"0.0.0.0", 0, 80, 80, 0}, {"::", 0, 80, 80, 1}, 0},
		{{"10.0.0.1", 32, 80, 80, 0}, {"::10.0.0.1", 128, 80, 80, 1}, 0},
		{{"::", 0, 0, 65535, 0}, {"::1", 128, 9, 9, 1}, -EEXIST},
		{{"10.0.0.0", 31, 80, 80, 0}, {"10.0.0.2", 31, 80, 80, 1}, 0},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct one pair[2] = {cases[i].a, cases[i].b};
		struct sw_policy_error err = {9, 9};
		struct sw_policy *p;
		int rc = build_table(pair, 2, &p, &err);

		ck_assert_msg(rc == cases[i].rc, "case %u: %d", i, rc);
		if (rc != 0)
			ck_assert_msg(err.rule_a == 0 && err.rule_b == 1, "case %u", i);
		free(p);
	}
}
END_TEST

START_TEST(test_errors)
{
	struct sw_service many[SW_SERVICES_MAX + 1];
	struct sw_rule good = {policy_prefix("10.0.0.0", 8), 1, 2, 0}, rule;
	struct sw_source src = {.src = policy_prefix("10.0.0.0", 8)};
	struct sw_policy_spec s = {.services = many,
		.rules = &rule,
		.sources = &src,
		.n_services = 1,
		.n_rules = 1,
		.n_sources = 1};
	struct sw_policy_error err;
	size_t size;
	void *mem;

	memset(many, 0, sizeof(many));
	rule = good;
	free(policy_build(&s, 0));
	rule.dst.prefix_len = 33;
	free(policy_build(&s, -EINVAL));
	rule = good;
	rule.dst = policy_prefix("::", 129);
	free(policy_build(&s, -EINVAL));
	rule = good;
	rule.port_first = 3;
	free(policy_build(&s, -EINVAL));
	rule = good;
	rule.service = 1;
	free(policy_build(&s, -EINVAL));
	rule = good;
	src.src.prefix_len = 33;
	free(policy_build(&s, -EINVAL));
	src.src.prefix_len = 32;
	many[0].mode = SW_MODE_MAX;
	free(policy_build(&s, -EINVAL));
	many[0].mode = SW_MODE_PROXY;
	memset(many[0].name, 'x', sizeof(many[0].name));
	free(policy_build(&s, -EINVAL));
	many[0].name[3] = 0;
	s.n_services = SW_SERVICES_MAX;
	free(policy_build(&s, 0));
	s.n_services = SW_SERVICES_MAX + 1;
	free(policy_build(&s, -EINVAL));
	s.n_services = SW_SERVICES_MAX;
	size = sw_policy_size(&s);
	mem = aligned_alloc(SW_CACHE_LINE_BYTES, size);
	ck_assert_int_eq(sw_policy_build(mem, size - 1, &s, &err), -ENOSPC);
	ck_assert_int_eq(sw_policy_build(mem, size, &s, &err), 0);
	free(mem);
}
END_TEST

START_TEST(test_empty)
{
	struct sw_policy_spec none = {0};
	struct sw_policy *p = policy_build(&none, 0);
	struct sw_prefix a = policy_prefix("10.0.0.1", 32);
	struct sw_tuple t = policy_query(&a.addr, 80, false);

	ck_assert_uint_eq(sw_policy_services(p), 0);
	ck_assert_uint_eq(ask(p, "10.0.0.1", 80), SW_POLICY_NO_SERVICE);
	ck_assert_uint_eq(ask(p, "::1", 80), SW_POLICY_NO_SERVICE);
	ck_assert(!sw_policy_covers_address(p, &t));
	ck_assert_int_eq(sw_policy_source(p, &t), SW_SOURCE_CHALLENGE);
	free(p);
}
END_TEST

/* Every length of one address, each with a port of its own: the deepest nesting that there is. */
START_TEST(test_deep)
{
	static struct sw_rule rules[129 + 33];
	struct sw_service one = {.name = "deep"};
	struct sw_policy_spec s = {.services = &one, .rules = rules, .n_services = 1};
	struct sw_policy *p;

	for (unsigned len = 0; len <= 128; len++)
		rules[s.n_rules++] = (struct sw_rule){
			policy_prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", len), 1000 + len,
			1000 + len, 0};
	for (unsigned len = 0; len <= 32; len++)
		rules[s.n_rules++] = (struct sw_rule){
			policy_prefix("255.255.255.255", len), 1000 + len, 1000 + len, 0};
	p = policy_build(&s, 0);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		unsigned bits = v6 ? 128 : 32;

		for (unsigned same = 0; same <= bits; same++) {
			/* An address that shares exactly `same` bits with all ones. */
			union sw_addr a;
			struct sw_tuple t;
			const struct sw_tuple *tp = &t;

			memset(&a, 0, sizeof(a));
			memset(&a.b[v6 ? 0 : 12], 0xff, bits / 8);
			if (same < bits)
				a.b[(v6 ? 0 : 12) + same / 8] ^= 0x80 >> same % 8;
			for (unsigned len = 0; len <= bits; len++) {
				uint16_t service, want = len <= same ? 0 : SW_POLICY_NO_SERVICE;

				t = policy_query(&a, (uint16_t)(1000 + len), v6);
				sw_policy_lookup_burst(p, &tp, &service, 1);
				ck_assert_uint_eq(service, want);
			}
		}
	}
	free(p);
}
END_TEST

/* 10,000 disjoint hosts over both families and 1,024 services, each with a port of its own. */
START_TEST(test_many)
{
	enum { N = 10000 };
	struct sw_service *services = calloc(SW_SERVICES_MAX, sizeof(*services));
	struct sw_rule *rules = calloc(N, sizeof(*rules));
	struct sw_policy_spec s = {
		.services = services, .rules = rules, .n_services = SW_SERVICES_MAX, .n_rules = N};
	struct sw_policy *p;

	for (uint32_t i = 0; i < N; i++) {
		uint32_t scattered = i * 2654435761u; /* odd factor: no two alike */

		rules[i].dst =
			i & 1 ? policy_prefix("2001:db8::", 128) : policy_prefix("0.0.0.0", 32);
		rules[i].dst.addr.w_be[3] = rte_cpu_to_be_32(scattered);
		rules[i].port_first = rules[i].port_last = (uint16_t)i;
		rules[i].service = (uint16_t)(i % SW_SERVICES_MAX);
	}
	/* Two intervals of at most 20 bytes, a range, a run and the scratch item: linear. */
	ck_assert_uint_lt(sw_policy_size(&s), SW_SERVICES_MAX * sizeof(*services) + N * 128 + 4096);
	p = policy_build(&s, 0);
	for (uint32_t i = 0; i < N; i++) {
		struct sw_tuple t = policy_query(&rules[i].dst.addr, (uint16_t)i, i & 1);
		struct sw_tuple miss = policy_query(&rules[i].dst.addr, (uint16_t)(i + 1), i & 1);
		const struct sw_tuple *tp[] = {&t, &miss};
		uint16_t service[2];

		sw_policy_lookup_burst(p, tp, service, 2);
		ck_assert_uint_eq(service[0], i % SW_SERVICES_MAX);
		ck_assert_uint_eq(service[1], SW_POLICY_NO_SERVICE);
		ck_assert(sw_policy_covers_address(p, &t));
	}
	free(p);
	free(services);
	free(rules);
}
END_TEST

START_TEST(test_sources)
{
	static const struct {
		const char *addr;
		unsigned len;
		bool deny;
	} list[] = {
		{"10.0.0.0", 8, true},
		{"10.1.0.0", 16, false},
		{"10.1.2.0", 24, true},
		{"10.1.2.3", 32, false},
		{"10.9.0.0", 16, false},
		{"10.9.0.0", 16, true},
		{"2001:db8::", 32, false},
		{"::", 0, true},
	};
	static const struct {
		const char *addr;
		enum sw_source_verdict want;
	} asks[] = {
		{"9.255.255.255", SW_SOURCE_CHALLENGE},
		{"10.0.0.0", SW_SOURCE_DENY},
		{"10.255.255.255", SW_SOURCE_DENY},
		{"11.0.0.0", SW_SOURCE_CHALLENGE},
		{"10.1.1.1", SW_SOURCE_ALLOW},
		{"10.1.2.2", SW_SOURCE_DENY},
		{"10.1.2.3", SW_SOURCE_ALLOW},
		{"10.1.2.4", SW_SOURCE_DENY},
		{"10.1.3.0", SW_SOURCE_ALLOW},
		{"10.9.1.1", SW_SOURCE_DENY},
		{"2001:db8::1", SW_SOURCE_ALLOW},
		{"2001:db9::1", SW_SOURCE_DENY},
		{"::ffff:10.1.1.1", SW_SOURCE_DENY},
	};
	struct sw_source sources[SW_ARRAY_LEN(list)];
	struct sw_policy_spec s = {.sources = sources, .n_sources = SW_ARRAY_LEN(list)};
	struct sw_policy *p;

	for (unsigned i = 0; i < SW_ARRAY_LEN(list); i++)
		sources[i] =
			(struct sw_source){policy_prefix(list[i].addr, list[i].len), list[i].deny};
	p = policy_build(&s, 0);
	for (unsigned i = 0; i < SW_ARRAY_LEN(asks); i++) {
		struct sw_prefix a = policy_prefix(asks[i].addr, 0);
		struct sw_tuple t = policy_query(&a.addr, 80, a.v6);

		/* The verdict is on the client; the server's address has no say. */
		memset(&t.server, 0x55, sizeof(t.server));
		ck_assert_msg(sw_policy_source(p, &t) == asks[i].want, "%s", asks[i].addr);
	}
	free(p);
}
END_TEST

/* covers_address: any mode but pass, on the address itself or a wider prefix. */
START_TEST(test_covers)
{
	struct sw_service services[] = {{.name = "p", .mode = SW_MODE_PASS}, {.name = "x"}};
	struct sw_rule rules[] = {{policy_prefix("10.0.0.0", 8), 80, 80, 0},
		{policy_prefix("10.1.0.0", 16), 22, 22, 1},
		{policy_prefix("10.1.1.1", 32), 81, 81, 0}};
	struct sw_policy_spec s = {
		.services = services, .rules = rules, .n_services = 2, .n_rules = 3};
	struct sw_policy *p = policy_build(&s, 0);
	static const struct {
		const char *addr;
		bool want;
	} asks[] = {{"10.0.0.1", false}, {"10.1.0.1", true}, {"10.1.1.1", true},
		{"10.2.0.0", false}, {"11.0.0.0", false}, {"::10.1.1.1", false}};

	for (unsigned i = 0; i < SW_ARRAY_LEN(asks); i++) {
		struct sw_prefix a = policy_prefix(asks[i].addr, 0);
		struct sw_tuple t = policy_query(&a.addr, 1, a.v6);

		ck_assert_msg(sw_policy_covers_address(p, &t) == asks[i].want, "%s", asks[i].addr);
	}
	free(p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, test_boundaries);
	tcase_add_test(tc, test_overlap_table);
	tcase_add_test(tc, test_errors);
	tcase_add_test(tc, test_empty);
	tcase_add_test(tc, test_deep);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_sources);
	tcase_add_test(tc, test_covers);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_FORK_GETENV);
}
