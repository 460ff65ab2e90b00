/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_policy.c - the service of each server's address and port: policy/RULES/FAMILY/RESULT.
 *
 * RULES prefixes (/24 or /64, of one family) with one port each, shared among as many services, at
 * most SERVICES of them: SW_SERVICES_MAX bounds those, not the rules. hit: of a random rule, any
 * address of its prefix; miss: addresses of no rule.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/pkts.h"
#include "policy/policy.h"

#define BURST	 32
#define SERVICES 1000
static_assert(SERVICES <= SW_SERVICES_MAX, "what a policy may have");

struct lookups {
	bool v6, miss;
	uint32_t n_rules;
	struct bench_mem mem;
	uint64_t seed;
	struct sw_tuple tuple[BURST];
	const struct sw_tuple *tuples[BURST];
	uint16_t service[BURST], want[BURST];
	uint64_t n, right;
};

/* An address in the prefix of rule i; `inside` chooses which. Rule numbers are below 2^16. */
static union sw_addr
rule_addr(const struct lookups *l, uint32_t i, uint64_t inside)
{
	uint16_t spread = (uint16_t)(i * 0x9e37u); /* odd: all different */
	union sw_addr a = {0};

	if (l->v6) {
		a.b[0] = 0x20;
		a.b[1] = 0x01;
		a.b[2] = 0x0d;
		a.b[3] = 0xb8;
		sw_store16(&a.b[6], spread);
		memcpy(&a.b[8], &inside, sizeof(inside));
	} else {
		a.b[12] = 10;
		sw_store16(&a.b[13], spread);
		a.b[15] = (uint8_t)inside;
	}
	return a;
}

static uint16_t
rule_port(uint32_t i)
{
	return (uint16_t)(80 + i % 4);
}

static bool
make_policy(struct lookups *l)
{
	struct sw_service *services = calloc(SERVICES, sizeof(*services));
	struct sw_rule *rules = calloc(l->n_rules, sizeof(*rules));
	struct sw_policy_spec spec = {.services = services, .rules = rules, .n_rules = l->n_rules};
	struct sw_policy_error err;
	bool ok = services != NULL && rules != NULL;

	spec.n_services = l->n_rules < SERVICES ? l->n_rules : SERVICES;
	for (uint32_t i = 0; ok && i < spec.n_services; i++)
		snprintf(services[i].name, sizeof(services[i].name), "s%u", i);
	for (uint32_t i = 0; ok && i < l->n_rules; i++)
		rules[i] = (struct sw_rule){.dst = {.addr = rule_addr(l, i, 0),
						    .prefix_len = l->v6 ? 64 : 24,
						    .v6 = l->v6},
			.port_first = rule_port(i),
			.port_last = rule_port(i),
			.service = (uint16_t)(i % spec.n_services)};
	if (ok) {
		l->mem = bench_mem_get(sw_policy_size(&spec));
		ok = l->mem.p != NULL && sw_policy_build(l->mem.p, l->mem.size, &spec, &err) == 0;
	}
	free(services);
	free(rules);
	return ok;
}

static void
prepare(void *ctx)
{
	struct lookups *l = ctx;

	for (unsigned i = 0; i < BURST; i++) {
		uint64_t rand = bench_rand(&l->seed);
		uint32_t rule = (uint32_t)(rand % l->n_rules);

		l->tuple[i] = bench_tuple(&(struct bench_shape){.v6 = l->v6}, rand);
		l->want[i] = SW_POLICY_NO_SERVICE;
		if (!l->miss) {
			l->tuple[i].server = rule_addr(l, rule, rand >> 32);
			l->tuple[i].sport_be = rte_cpu_to_be_16(rule_port(rule));
			l->want[i] = (uint16_t)(rule % SERVICES);
		} else { /* the clients' networks are of no rule */
			l->tuple[i].server = l->tuple[i].client;
			l->tuple[i].server.b[12] ^= l->v6 ? 0 : 0x80;
		}
		l->tuples[i] = &l->tuple[i];
	}
}

static void
run(void *ctx)
{
	struct lookups *l = ctx;

	sw_policy_lookup_burst(l->mem.p, l->tuples, l->service, BURST);
}

static void
done(void *ctx)
{
	struct lookups *l = ctx;

	l->n += BURST;
	for (unsigned i = 0; i < BURST; i++)
		l->right += l->service[i] == l->want[i];
}

static void
measure(struct bench *b, uint32_t n_rules, bool v6, bool miss)
{
	struct lookups l = {.v6 = v6, .miss = miss, .n_rules = n_rules};
	char name[BENCH_NAME_BYTES];

	snprintf(name, sizeof(name), "policy/%u/%s/%s", n_rules, v6 ? "v6" : "v4",
		miss ? "miss" : "hit");
	if (!bench_wants(b, name))
		return;
	if (!make_policy(&l)) {
		bench_check(b, false, "%s: the policy cannot be built", name);
		return;
	}
	bench_measure(b, &(struct bench_case){.name = name,
				 .unit = "lookup",
				 .burst = BURST,
				 .ctx = &l,
				 .prepare = prepare,
				 .run = run,
				 .done = done});
	bench_check(b, l.right == l.n, "%s: %lu of %lu lookups were right", name,
		(unsigned long)l.right, (unsigned long)l.n);
	bench_mem_put(&l.mem);
}

void
bench_policy(struct bench *b)
{
	static const uint32_t sizes[] = {1, 100, 10000};

	for (unsigned i = 0; i < SW_ARRAY_LEN(sizes); i++) {
		for (unsigned v6 = 0; v6 < 2; v6++) {
			measure(b, sizes[i], v6, false);
			measure(b, sizes[i], v6, true);
		}
	}
}
