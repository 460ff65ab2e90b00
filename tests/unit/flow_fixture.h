/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_fixture.h - a flow table of its own memory and key, and random tuples, for its tests. */
#ifndef UNIT_FLOW_FIXTURE_H
#define UNIT_FLOW_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "unit/pkt_make.h"

static inline void
random_tuple(struct sw_tuple *t, uint64_t *s)
{
	bool v6 = pkt_rand(s) & 1;

	memset(t, 0, sizeof(*t));
	for (unsigned w = v6 ? 0 : 3; w < 4; w++) {
		t->client.w_be[w] = (uint32_t)pkt_rand(s);
		t->server.w_be[w] = (uint32_t)pkt_rand(s);
	}
	t->cport_be = (uint16_t)pkt_rand(s);
	t->sport_be = (uint16_t)pkt_rand(s);
	t->vlan_af = (pkt_rand(s) & SW_TUPLE_VLAN_MASK) | (v6 ? SW_TUPLE_IPV6 : 0);
}

struct fixture {
	struct sw_flow_table *t;
	uint64_t key[4];
	void *mem;
};

static inline struct fixture
table_new(uint32_t max_flows, uint64_t seed)
{
	size_t size = sw_flow_table_size(max_flows);
	struct fixture x;

	x.mem = aligned_alloc(SW_CACHE_LINE_BYTES, size);
	ck_assert_ptr_nonnull(x.mem);
	memset(x.mem, 0xa5, size); /* the caller owes no zeros */
	for (unsigned i = 0; i < 4; i++)
		x.key[i] = pkt_rand(&seed);
	x.t = sw_flow_table_init(x.mem, size, max_flows, x.key);
	ck_assert_ptr_nonnull(x.t);
	return x;
}

#endif
