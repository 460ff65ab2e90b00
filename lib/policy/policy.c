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
			at[i] += half & -(uint32_t)key_at_or_before(t, at[i] + half, addr[i], v6);
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

/* Services of those n tuples of the burst, all of one family, that who[] says. */
sw_always_inline void
lookup_family(const struct sw_policy *p, const struct sw_tuple *const tuples[], uint16_t *service,
	const uint8_t *who, unsigned n, const bool v6)
{
	const struct table *t = &p->dst[v6];
	addr_num addr[SW_BURST_MAX];
	uint32_t at[SW_BURST_MAX];

	if (t->n <= 1 && t->values[0] == RUN_NONE) { /* no rule of this family */
		for (unsigned k = 0; k < n; k++)
			service[who[k]] = SW_POLICY_NO_SERVICE;
		return;
	}
	for (unsigned k = 0; k < n; k++)
		addr[k] = addr_number(&tuples[who[k]]->server, v6);
	find_intervals(t, addr, at, n, v6);
	for (unsigned k = 0; k < n; k++)
		service[who[k]] = run_service(
			p, t->values[at[k]], rte_be_to_cpu_16(tuples[who[k]]->sport_be));
}

sw_always_inline bool
same_target(const struct sw_tuple *a, const struct sw_tuple *b)
{
	return ((a->server.q[0] ^ b->server.q[0]) | (a->server.q[1] ^ b->server.q[1]) |
		       (uint64_t)(a->sport_be ^ b->sport_be) |
		       ((a->vlan_af ^ b->vlan_af) & SW_TUPLE_IPV6)) == 0;
}

/* Packets that follow each other are often for the same server and port: those are found once. */
void
sw_policy_lookup_burst(const struct sw_policy *p, const struct sw_tuple *const tuples[],
	uint16_t *service, unsigned n)
{
	uint8_t who[FAMILIES][SW_BURST_MAX], like[SW_BURST_MAX];
	unsigned found[FAMILIES] = {0};
	const struct sw_tuple *last = NULL;
	uint8_t last_at = 0;

	SW_ASSERT(n <= SW_BURST_MAX);
	for (unsigned i = 0; i < n; i++) {
		const struct sw_tuple *t = tuples[i];

		like[i] = (uint8_t)i;
		if (sw_unlikely(t == NULL)) {
			service[i] = SW_POLICY_NO_SERVICE;
		} else if (last != NULL && same_target(t, last)) {
			like[i] = last_at;
		} else {
			const unsigned v6 = sw_tuple_is_v6(t);

			who[v6][found[v6]++] = last_at = (uint8_t)i;
			last = t;
		}
	}
	lookup_family(p, tuples, service, who[0], found[0], false);
	lookup_family(p, tuples, service, who[1], found[1], true);
	for (unsigned i = 0; i < n; i++)
		service[i] = service[like[i]];
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
