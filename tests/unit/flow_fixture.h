/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_fixture.h - a flow table of its own memory and key, for its tests. */
#ifndef UNIT_FLOW_FIXTURE_H
#define UNIT_FLOW_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "unit/random_tuple.h"

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
