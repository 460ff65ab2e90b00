/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_pick.c - a burst is sorted: which frames are plain SYNs without a flow (syn.h). */
#include "handshake/sort.h"

/* ECE and CWR go together or not at all; the rows tell. */
static const struct sort_want plain_syn = {
	.reach = {SYN_REACH4_BYTES, SYN_REACH6_BYTES},
	.csum_bad = SW_CSUM_IP_BAD | SW_CSUM_L4_BAD,
	.flags = SW_TCP_SYN,
	.flags_mask = (uint8_t) ~(SW_TCP_ECE | SW_TCP_CWR),
	.outside = true,
	.unicast = true,
	.tagged = true,
};

/* Reads them, and takes those that may have a flow out. */
static void
look(struct burst *b, struct syn_batch *s)
{
	syn_pad(s);
	s->ground = sw_flow_ground(b->e->flows);
	syn_read(s);
	syn_tuple(s, 0, &s->first);
	syn_absent(s);
	s->gone = ~s->fit;
}

unsigned
syn_pick(struct burst *b, struct syn_batch syns[2], struct sw_frame *frames, unsigned n,
	struct sw_frame *rest)
{
	uint8_t family[SW_BURST_MAX];
	unsigned at[2] = {0}, n_rest = 0, n_fit;

	sort_burst(syns, family, frames, n, &plain_syn);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		syns[v6].fit = 0;
		if (syns[v6].n != 0)
			look(b, &syns[v6]);
	}
	n_fit = (unsigned)__builtin_popcountll(syns[0].fit) +
		(unsigned)__builtin_popcountll(syns[1].fit);
	if (n_fit == 0 || n_fit == n)
		return n - n_fit;
	for (unsigned i = 0; i < n; i++) {
		const unsigned v6 = family[i];

		if (v6 == SYN_NO_FAMILY || !(syns[v6].fit >> at[v6]++ & 1))
			rest[n_rest++] = frames[i];
	}
	return n_rest;
}

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

void
syn_pad(struct syn_batch *s)
{
	s->none.data = s->scratch;
	if (s->n % SYN_LANES != 0)
		memset(s->scratch, 0, sizeof(s->scratch));
	for (unsigned i = s->n; i % SYN_LANES != 0; i++) { /* read, and then of no account */
		s->f[i] = &s->none;
		s->l3[i] = s->scratch;
		s->l3_len[i] = 0;
		s->vlan[i] = 0;
		s->inside[i] = 0;
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
