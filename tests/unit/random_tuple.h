/* SPDX-License-Identifier: BSD-3-Clause */
/* random_tuple.h - a tuple of any addresses, ports and VLANs. */
#ifndef UNIT_RANDOM_TUPLE_H
#define UNIT_RANDOM_TUPLE_H

#include <string.h>

#include "base/tuple.h"
#include "unit/pkt_make.h"

static inline void
random_tuple(struct sw_tuple *t, bool v6, uint64_t *seed)
{
	memset(t, 0, sizeof(*t));
	for (unsigned i = v6 ? 0 : 12; i < 16; i++) {
		t->client.b[i] = (uint8_t)pkt_rand(seed);
		t->server.b[i] = (uint8_t)pkt_rand(seed);
	}
	t->cport_be = (uint16_t)pkt_rand(seed);
	t->sport_be = (uint16_t)pkt_rand(seed);
	t->vlan_af = (pkt_rand(seed) & SW_TUPLE_VLAN_MASK) | (v6 ? SW_TUPLE_IPV6 : 0);
}

#endif
