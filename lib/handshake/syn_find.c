/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_find.c - rows of SYNs, but for what is done in vectors: lanes, tuples, flows (syn.h). */
#include "base/row.h"
#include "handshake/syn.h"

void
syn_absent(struct syn_batch *s)
{
	uint64_t known = 0;

	for (uint64_t left = s->fit & s->maybe; left != 0; left &= left - 1) {
		const unsigned i = (unsigned)__builtin_ctzll(left);
		struct sw_flow_place p;

		syn_place(s, i, &p);
		known |= (uint64_t)(sw_flow_place_match(s->ground, &p) != 0) << i;
	}
	s->fit &= ~known;
}

/* The last one again, so that a row of which all are alike remains one. */
void
syn_pad(struct syn_batch *s)
{
	const unsigned last = s->n - 1;

	for (unsigned i = s->n; i % ROW_LANES != 0; i++) {
		s->f[i] = s->f[last];
		s->l3[i] = s->l3[last];
		s->l3_len[i] = s->l3_len[last];
		s->vlan[i] = s->vlan[last];
		s->inside[i] = s->inside[last];
	}
	s->maybe = s->fin = 0;
	s->fit = s->like_first = UINT64_MAX >> (SW_BURST_MAX - s->n);
}

void
syn_tuple(const struct syn_batch *s, unsigned i, struct sw_tuple *t)
{
	if (s->v6) {
		const struct sw_wire_ip6 *ip = (const struct sw_wire_ip6 *)s->l3[i];

		memcpy(&t->client, ip->src, sizeof(t->client));
		memcpy(&t->server, ip->dst, sizeof(t->server));
	} else {
		t->client.q[0] = 0;
		t->client.q[1] = (uint64_t)s->client[i] << 32;
		t->server.q[0] = 0;
		t->server.q[1] = (uint64_t)s->server[i] << 32;
	}
	t->cport_be = (rte_be16_t)s->ports[i];
	t->sport_be = (rte_be16_t)(s->ports[i] >> 16);
	t->vlan_af = s->vlan[i] | (s->v6 ? SW_TUPLE_IPV6 : 0);
}
