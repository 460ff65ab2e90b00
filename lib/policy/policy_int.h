/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy_int.h - the snapshot's layout, shared by the builder and the lookups.
 * Private to lib/policy.
 *
 * Prefixes nest or are disjoint, never anything between. So the prefixes of a family cut its
 * address space into intervals, each of which belongs to its innermost prefix. A prefix has a run
 * of port ranges of its own and the number of the run of the next wider one: memory grows with the
 * rules, whatever their nesting, and where prefixes do not nest a lookup is two binary searches.
 *
 *   mem: | sw_policy | services | ranges | runs | keys and values of 4 tables | scratch |
 */
#ifndef SW_POLICY_POLICY_INT_H
#define SW_POLICY_POLICY_INT_H

#include "policy/policy.h"

typedef unsigned __int128 addr_num; /* an address as a number; IPv4 in the low 32 bits */

#define FAMILIES 2 /* index 0: IPv4, 1: IPv6 */
#define RUN_NONE 0 /* run 0 is empty and its own parent: where no service is */

struct port_range {
	uint16_t first, last, service;
};

/* The port ranges of one prefix: sorted, disjoint. */
struct run {
	uint32_t first; /* index into ranges[] */
	uint32_t n;
	uint32_t parent; /* run of the next wider prefix */
	bool covered;	 /* a service other than pass has an address here, or wider */
};

/* Interval i is [keys[i], keys[i + 1]); keys[0] is 0, the last one ends the address space. */
struct table {
	void *keys; /* uint32_t (IPv4) or addr_num (IPv6) */
	uint32_t *values;
	uint32_t n;
};

struct sw_policy {
	alignas(SW_CACHE_LINE_BYTES) struct table dst[FAMILIES]; /* values: index into runs[] */
	struct table src[FAMILIES]; /* values: enum sw_source_verdict */
	struct run *runs;
	struct port_range *ranges;
	struct sw_service *services;
	uint32_t n_services, n_runs, n_ranges;
	bool any_source;
};

sw_always_inline addr_num
addr_number(const union sw_addr *a, bool v6)
{
	if (!v6)
		return rte_be_to_cpu_32(a->w_be[3]);
	return (addr_num)rte_be_to_cpu_64(a->q[0]) << 64 | rte_be_to_cpu_64(a->q[1]);
}

sw_always_inline bool
key_at_or_before(const struct table *t, uint32_t i, addr_num a, const bool v6)
{
	return v6 ? ((const addr_num *)t->keys)[i] <= a
		  : ((const uint32_t *)t->keys)[i] <= (uint32_t)a;
}

/* A rule or a source while building. */
struct item {
	addr_num start;
	uint32_t index;	      /* into spec->rules or spec->sources */
	uint16_t first, last; /* ports; 0 for a source */
	uint16_t value;	      /* service or verdict */
	uint8_t len;
	bool v6;
};

#define DEPTH_MAX 129 /* prefixes of lengths 0..128 that lie in each other */

/* The open prefixes, outermost first, and the table that is being cut. */
struct sweep {
	struct table *table;
	unsigned depth;
	bool v6;
	struct {
		addr_num last;
		uint32_t value;
	} open[DEPTH_MAX];
};

/* The prefix with the bits behind it cleared; the rest of the item is zero. */
struct item sw_policy_item_make(const struct sw_prefix *p, uint32_t index);

/* The last address of the prefix. */
addr_num sw_policy_item_last(const struct item *it);

bool sw_policy_item_same_prefix(const struct item *a, const struct item *b);

/* By family, then a wider prefix before the narrower ones in it, then by port. */
void sw_policy_item_sort(struct item *items, uint32_t n);

/*
 * In this order: begin; for each prefix of one family, sorted: to its start, then open; end. What
 * no prefix covers has the value 0.
 */
void sw_policy_sweep_begin(struct sweep *s, struct table *t, bool v6);
void sw_policy_sweep_to(struct sweep *s, addr_num start);
void sw_policy_sweep_open(struct sweep *s, const struct item *it, uint32_t value);
void sw_policy_sweep_end(struct sweep *s);

/* Value of the innermost open prefix, or 0. */
uint32_t sw_policy_sweep_innermost(const struct sweep *s);

#endif
