/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy_make.h - what both tests of the policy need:
 * a prefix, a tuple, a snapshot in memory of its exact size.
 */
#ifndef SW_TESTS_POLICY_MAKE_H
#define SW_TESTS_POLICY_MAKE_H

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>

#include "policy/policy.h"

static inline struct sw_prefix
policy_prefix(const char *text, unsigned len)
{
	struct sw_prefix p = {.prefix_len = (uint8_t)len, .v6 = strchr(text, ':') != NULL};
	int ok = p.v6 ? inet_pton(AF_INET6, text, p.addr.b)
		      : inet_pton(AF_INET, text, &p.addr.b[12]);

	ck_assert_int_eq(ok, 1);
	return p;
}

static inline struct sw_tuple
policy_query(const union sw_addr *server, uint16_t port, bool v6)
{
	struct sw_tuple t = {.vlan_af = v6 ? SW_TUPLE_IPV6 : 0};

	t.server = *server;
	t.client = *server;
	t.sport_be = rte_cpu_to_be_16(port);
	t.cport_be = rte_cpu_to_be_16(4321);
	return t;
}

static inline struct sw_policy *
policy_build(const struct sw_policy_spec *spec, int want)
{
	struct sw_policy_error err = {0};
	size_t size = sw_policy_size(spec);
	void *mem = aligned_alloc(SW_CACHE_LINE_BYTES, size);

	ck_assert_ptr_nonnull(mem);
	memset(mem, 0xa5, size);
	ck_assert_int_eq(sw_policy_build(mem, size, spec, &err), want);
	return mem;
}

#endif
