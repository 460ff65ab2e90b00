/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The snapshot against a naive model that walks every rule and compares prefixes bit by bit. Random
 * specs come from a small universe of addresses and ports, so that nesting, ties and overlaps
 * are common.
 */
#include <errno.h>

#include "policy_make.h"

#define RULES_MAX   40
#define SOURCES_MAX 12
#define SERVICES    6
#define SPECS	    6000

struct world {
	struct sw_service services[SERVICES];
	struct sw_rule rules[RULES_MAX];
	struct sw_source sources[SOURCES_MAX];
	struct sw_policy_spec spec;
};

static uint64_t rng_state;

static uint32_t
rnd(uint32_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)(rng_state >> 32) % below;
}

static void
rng_seed(uint64_t seed)
{
	rng_state = seed * 0x9e3779b97f4a7c15ull + 1;
	for (int i = 0; i < 8; i++)
		rnd(2);
}

static bool
bit(const union sw_addr *a, unsigned i)
{
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

/* The naive model. */
static bool
naive_in(const struct sw_prefix *p, const union sw_addr *a, bool v6)
{
	if (p->v6 != v6)
		return false;
	for (unsigned i = 0; i < p->prefix_len; i++) {
		unsigned at = (v6 ? 0 : 96) + i;

		if (bit(&p->addr, at) != bit(a, at))
			return false;
	}
	return true;
}

static uint16_t
naive_service(const struct sw_policy_spec *s, const union sw_addr *a, uint16_t port, bool v6)
{
	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct sw_rule *r = &s->rules[i];

		if (naive_in(&r->dst, a, v6) && port >= r->port_first && port <= r->port_last)
			return r->service;
	}
	return SW_POLICY_NO_SERVICE;
}

static bool
naive_covers(const struct sw_policy_spec *s, const union sw_addr *a, bool v6)
{
	for (uint32_t i = 0; i < s->n_rules; i++) {
		if (naive_in(&s->rules[i].dst, a, v6) &&
			s->services[s->rules[i].service].mode != SW_MODE_PASS)
			return true;
	}
	return false;
}

static enum sw_source_verdict
naive_source(const struct sw_policy_spec *s, const union sw_addr *a, bool v6)
{
	enum sw_source_verdict v = SW_SOURCE_CHALLENGE;
	int best = -1;

	for (uint32_t i = 0; i < s->n_sources; i++) {
		const struct sw_source *src = &s->sources[i];

		if (!naive_in(&src->src, a, v6) || src->src.prefix_len < best)
			continue;
		if (src->src.prefix_len > best || src->deny)
			v = src->deny ? SW_SOURCE_DENY : SW_SOURCE_ALLOW;
		best = src->src.prefix_len;
	}
	return v;
}

static bool
naive_overlap(const struct sw_rule *a, const struct sw_rule *b)
{
	const struct sw_rule *wide = a->dst.prefix_len < b->dst.prefix_len ? a : b;
	const struct sw_rule *narrow = wide == a ? b : a;

	return a->service != b->service &&
	       naive_in(&wide->dst, &narrow->dst.addr, narrow->dst.v6) &&
	       a->port_first <= b->port_last && b->port_first <= a->port_last;
}

/* Random worlds. */
static union sw_addr
random_addr(bool v6)
{
	static const uint8_t bytes[] = {0, 0, 1, 127, 128, 255, 255};
	union sw_addr a = {.q = {0, 0}};

	/* Three bytes vary, the rest is all zeros or all ones: prefixes meet and nest. */
	if (rnd(4) == 0)
		memset(&a.b[v6 ? 0 : 12], 0xff, v6 ? 16 : 4);
	for (int i = 0; i < 3; i++)
		a.b[v6 ? rnd(4) * 5 : 12 + rnd(4)] = bytes[rnd(sizeof(bytes))];
	return a;
}

static struct sw_prefix
random_prefix(void)
{
	struct sw_prefix p = {.v6 = rnd(2)};
	unsigned bits = p.v6 ? 128 : 32;

	p.addr = random_addr(p.v6);
	switch (rnd(6)) {
	case 0:
		p.prefix_len = (uint8_t)bits;
		break;
	case 1:
		p.prefix_len = (uint8_t)rnd(4);
		break;
	case 2:
		p.prefix_len = (uint8_t)(bits - rnd(4));
		break;
	default:
		p.prefix_len = (uint8_t)rnd(bits + 1);
	}
	return p;
}

static uint16_t
random_port(void)
{
	static const uint16_t ports[] = {0, 1, 80, 81, 443, 8000, 8099, 65534, 65535};

	return rnd(3) != 0 ? ports[rnd(SW_ARRAY_LEN(ports))] : (uint16_t)rnd(65536);
}

static struct sw_rule
random_rule(void)
{
	struct sw_rule r = {.dst = random_prefix(), .service = (uint16_t)rnd(SERVICES)};
	uint16_t a = random_port(), b = rnd(2) ? a : random_port();

	r.port_first = a < b ? a : b;
	r.port_last = a < b ? b : a;
	return r;
}

static void
random_world(struct world *w, bool overlaps)
{
	uint32_t want = rnd(RULES_MAX + 1), n = 0;

	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < SERVICES; i++) {
		w->services[i].name[0] = (char)('a' + i);
		w->services[i].mode = (uint8_t)rnd(SW_MODE_MAX);
	}
	if (overlaps && want > 8)
		want = 2 + rnd(7);
	for (int tries = 0; n < want && tries < 400; tries++) {
		struct sw_rule r = random_rule();
		bool clash = false;

		for (uint32_t i = 0; !overlaps && i < n; i++)
			clash |= naive_overlap(&w->rules[i], &r);
		if (!clash)
			w->rules[n++] = r;
	}
	w->spec.n_sources = rnd(SOURCES_MAX + 1);
	for (uint32_t i = 0; i < w->spec.n_sources; i++) {
		w->sources[i] = (struct sw_source){.src = random_prefix(), .deny = rnd(2)};
		if (i > 0 && rnd(4) == 0) /* the tie */
			w->sources[i].src = w->sources[i - 1].src;
	}
	w->spec.services = w->services;
	w->spec.rules = w->rules;
	w->spec.sources = w->sources;
	w->spec.n_services = SERVICES;
	w->spec.n_rules = n;
}

/*
 * One address and port, in a burst with the other family and absent tuples. (Check reports every
 * assertion that holds to its parent: in a hot loop only failures are told.)
 */
static void
check_at(const struct sw_policy *p, const struct sw_policy_spec *s, struct sw_tuple *t,
	uint64_t seed)
{
	const struct sw_tuple *burst[SW_BURST_MAX];
	uint16_t service[SW_BURST_MAX];
	bool v6 = sw_tuple_is_v6(t);
	unsigned n = 1 + rnd(SW_BURST_MAX), mine = rnd(n);
	struct sw_tuple other = policy_query(&t->server, rte_be_to_cpu_16(t->sport_be), !v6);
	uint16_t port = rte_be_to_cpu_16(t->sport_be);

	for (unsigned i = 0; i < n; i++)
		burst[i] = i == mine ? t : i % 3 == 0 ? &other : NULL;
	sw_policy_lookup_burst(p, burst, service, n);
	for (unsigned i = 0; i < n; i++) {
		uint16_t want = SW_POLICY_NO_SERVICE;

		if (burst[i] != NULL)
			want = naive_service(s, &burst[i]->server, port, sw_tuple_is_v6(burst[i]));
		if (service[i] != want)
			ck_abort_msg("seed %llu: service %u, naive %u", (unsigned long long)seed,
				service[i], want);
	}
	if (sw_policy_covers_address(p, t) != naive_covers(s, &t->server, v6))
		ck_abort_msg("seed %llu: covers_address", (unsigned long long)seed);
	if (sw_policy_source(p, t) != naive_source(s, &t->client, v6))
		ck_abort_msg("seed %llu: source", (unsigned long long)seed);
}

/* Steps an address of `len` bytes from b on by one, either way, with wrap. */
static void
step(uint8_t *b, int len, bool up)
{
	for (int i = len - 1; i >= 0; i--) {
		if (up ? ++b[i] != 0 : b[i]-- != 0)
			return;
	}
}

static void
check_edges(const struct sw_policy *p, const struct world *w, uint64_t seed)
{
	uint32_t n = w->spec.n_rules + w->spec.n_sources;

	for (uint32_t i = 0; i < n; i++) {
		bool rule = i < w->spec.n_rules;
		const struct sw_prefix *x =
			rule ? &w->rules[i].dst : &w->sources[i - w->spec.n_rules].src;
		unsigned off = x->v6 ? 0 : 12, bits = x->v6 ? 128 : 32;

		for (unsigned edge = 0; edge < 5; edge++) {
			union sw_addr a = x->addr;
			uint16_t port = random_port();

			/* First, last, one before, one behind, anything. */
			for (unsigned b = x->prefix_len; b < bits; b++) {
				uint8_t mask = (uint8_t)(0x80 >> b % 8), *at = &a.b[off + b / 8];

				*at = (edge & 1) ? *at | mask : *at & ~mask;
			}
			if (edge == 2 || edge == 3)
				step(&a.b[off], bits / 8, edge == 3);
			else if (edge == 4)
				a = random_addr(x->v6);
			if (rule && rnd(2))
				port = rnd(2) ? w->rules[i].port_first - (rnd(3) == 0)
					      : w->rules[i].port_last + (rnd(3) == 0);
			struct sw_tuple t = policy_query(&a, port, x->v6);

			check_at(p, &w->spec, &t, seed);
		}
	}
}

START_TEST(test_against_naive)
{
	uint64_t rules = 0;

	for (uint64_t seed = 1; seed <= SPECS; seed++) {
		struct world w;
		struct sw_policy *p;

		rng_seed(seed);
		random_world(&w, false);
		p = policy_build(&w.spec, 0);
		rules += w.spec.n_rules;
		ck_assert_uint_eq(sw_policy_services(p), SERVICES);
		check_edges(p, &w, seed);
		free(p);
	}
	ck_assert_uint_gt(rules, SPECS * 5); /* the worlds are not empty */
}
END_TEST

START_TEST(test_overlap_exact)
{
	unsigned refused = 0;

	for (uint64_t seed = 1; seed <= SPECS; seed++) {
		struct sw_policy_error err = {UINT32_MAX, UINT32_MAX};
		bool overlap = false;
		struct world w;
		size_t size;
		void *mem;
		int rc;

		rng_seed(seed);
		random_world(&w, true);
		for (uint32_t a = 0; a < w.spec.n_rules; a++) {
			for (uint32_t b = 0; b < a; b++)
				overlap |= naive_overlap(&w.rules[a], &w.rules[b]);
		}
		size = sw_policy_size(&w.spec);
		mem = aligned_alloc(SW_CACHE_LINE_BYTES, size);
		rc = sw_policy_build(mem, size, &w.spec, &err);
		ck_assert_msg(rc == (overlap ? -EEXIST : 0), "seed %llu: %d, naive says %d",
			(unsigned long long)seed, rc, overlap);
		if (overlap) {
			refused++;
			ck_assert_msg(
				err.rule_a < err.rule_b && err.rule_b < w.spec.n_rules &&
					naive_overlap(&w.rules[err.rule_a], &w.rules[err.rule_b]),
				"seed %llu: names rules %u and %u", (unsigned long long)seed,
				err.rule_a, err.rule_b);
		}
		free(mem);
	}
	ck_assert_uint_gt(refused, SPECS / 10);
	ck_assert_uint_lt(refused, SPECS - SPECS / 10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy_naive");
	TCase *tc = tcase_create("policy_naive");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, test_against_naive);
	tcase_add_test(tc, test_overlap_exact);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_FORK_GETENV);
}
