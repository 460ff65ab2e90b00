/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy/policy_int.h"

/*
 * Index of the interval of each address. All searches of a burst take the same number of steps, so
 * they run side by side: no branch depends on an address, and cache misses overlap.
 */
sw_always_inline void
find_intervals(const struct table *t, const addr_num *addr, uint32_t *at, unsigned n, const bool v6)
{
	for (unsigned i = 0; i < n; i++)
		at[i] = 0;
	for (uint32_t len = t->n, half; len > 1; len -= half) {
		half = len / 2;
		for (unsigned i = 0; i < n; i++)
			at[i] += key_at_or_before(t, at[i] + half, addr[i], v6) ? half : 0;
	}
}

sw_always_inline uint32_t
value_of(const struct table tables[FAMILIES], const union sw_addr *a, const bool v6)
{
	addr_num addr = addr_number(a, v6);
	uint32_t at;

	find_intervals(&tables[v6], &addr, &at, 1, v6);
	return tables[v6].values[at];
}

static uint16_t
run_service(const struct sw_policy *p, uint32_t run_id, uint16_t port)
{
	while (run_id != RUN_NONE) {
		const struct run *run = &p->runs[run_id];
		const struct port_range *r = &p->ranges[run->first];

		/* A run has at least one range. */
		for (uint32_t len = run->n, half; len > 1; len -= half) {
			half = len / 2;
			r += r[half].first <= port ? half : 0;
		}
		if (r->first <= port && port <= r->last)
			return r->service;
		run_id = run->parent;
	}
	return SW_POLICY_NO_SERVICE;
}

sw_always_inline void
lookup_family(const struct sw_policy *p, const struct sw_tuple *const tuples[], uint16_t *service,
	unsigned n, const bool v6)
{
	const struct table *t = &p->dst[v6];
	addr_num addr[SW_BURST_MAX];
	uint32_t at[SW_BURST_MAX];
	uint8_t who[SW_BURST_MAX];
	unsigned found = 0;

	if (t->n <= 1 && t->values[0] == RUN_NONE) /* no rule of this family */
		return;
	for (unsigned i = 0; i < n; i++) {
		if (tuples[i] == NULL || sw_tuple_is_v6(tuples[i]) != v6)
			continue;
		addr[found] = addr_number(&tuples[i]->server, v6);
		who[found++] = i;
	}
	find_intervals(t, addr, at, found, v6);
	for (unsigned k = 0; k < found; k++) {
		unsigned i = who[k];

		service[i] =
			run_service(p, t->values[at[k]], rte_be_to_cpu_16(tuples[i]->sport_be));
	}
}

void
sw_policy_lookup_burst(const struct sw_policy *p, const struct sw_tuple *const tuples[],
	uint16_t *service, unsigned n)
{
	SW_ASSERT(n <= SW_BURST_MAX);
	for (unsigned i = 0; i < n; i++)
		service[i] = SW_POLICY_NO_SERVICE;
	lookup_family(p, tuples, service, n, false);
	lookup_family(p, tuples, service, n, true);
}

bool
sw_policy_lists_sources(const struct sw_policy *p)
{
	return p->any_source;
}

enum sw_source_verdict
sw_policy_source(const struct sw_policy *p, const struct sw_tuple *t)
{
	if (sw_likely(!p->any_source))
		return SW_SOURCE_CHALLENGE;
	return sw_tuple_is_v6(t) ? value_of(p->src, &t->client, true)
				 : value_of(p->src, &t->client, false);
}

bool
sw_policy_covers_address(const struct sw_policy *p, const struct sw_tuple *t)
{
	uint32_t run = sw_tuple_is_v6(t) ? value_of(p->dst, &t->server, true)
					 : value_of(p->dst, &t->server, false);

	return p->runs[run].covered;
}

const struct sw_service *
sw_policy_service(const struct sw_policy *p, uint16_t idx)
{
	SW_ASSERT(idx < p->n_services);
	return &p->services[idx];
}

uint32_t
sw_policy_services(const struct sw_policy *p)
{
	return p->n_services;
}
