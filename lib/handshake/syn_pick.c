/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_pick.c - a burst is sorted: which frames are plain SYNs without a flow (syn.h). */
#include "handshake/syn.h"

#define TCP_FLAGS_OFF offsetof(struct sw_wire_tcp, flags)

sw_always_inline bool
is_syn(uint8_t flags)
{
	return flags == SW_TCP_SYN || flags == (SW_TCP_SYN | SW_TCP_ECE | SW_TCP_CWR);
}

/* True where the frame looks like a plain SYN from its IP header, at l3, on. */
sw_always_inline bool
looks_plain(const struct sw_frame *f, uint32_t l3, const bool v6)
{
	const uint32_t tcp = l3 + (v6 ? SW_IP6_BYTES : SW_IP4_BYTES);
	const uint32_t reach = l3 + (v6 ? SYN_REACH6_BYTES : SYN_REACH4_BYTES);
	const uint32_t cap = f->len + f->room;

	if (f->len < tcp + SW_TCP_BYTES || !is_syn(f->data[tcp + TCP_FLAGS_OFF]))
		return false;
	return cap >= reach && cap <= UINT16_MAX && f->len == f->pkt_len && !(f->data[0] & 1);
}

sw_always_inline bool
is_plain(const struct sw_frame *f, uint32_t type, uint32_t l3, const bool v6)
{
	return syn_type_is(type, v6) && looks_plain(f, l3, v6);
}

/* The family of a plain SYN behind one VLAN tag. */
static sw_noinline unsigned
tagged_family(const struct sw_frame *f)
{
	const uint32_t l3 = SW_ETH_BYTES + SW_VLAN_BYTES;
	uint32_t type;

	if (f->len <= l3)
		return SYN_NO_FAMILY;
	type = sw_load16(f->data + l3 - 2) | (uint32_t)f->data[l3] << 16;
	if (is_plain(f, type, l3, false))
		return 0;
	return is_plain(f, type, l3, true) ? 1 : SYN_NO_FAMILY;
}

/* It can be answered at all; what is read below up to the IP header is there. */
sw_always_inline bool
is_candidate(const struct sw_frame *f)
{
	return f->side == SW_OUTSIDE && !(f->csum & (SW_CSUM_IP_BAD | SW_CSUM_L4_BAD)) &&
	       f->len >= SW_ETH_BYTES + SW_IP4_BYTES;
}

/* The family of a frame that looks like a plain SYN, with the offset of its IP header. */
sw_always_inline unsigned
family_of(const struct sw_frame *f, uint32_t *l3)
{
	uint32_t type;

	*l3 = SW_ETH_BYTES;
	if (!is_candidate(f))
		return SYN_NO_FAMILY;
	type = syn_type(f);
	if (is_plain(f, type, SW_ETH_BYTES, false))
		return 0;
	if (is_plain(f, type, SW_ETH_BYTES, true))
		return 1;
	if ((type & 0xffff) != SW_ETHER_VLAN_BE)
		return SYN_NO_FAMILY;
	*l3 = SW_ETH_BYTES + SW_VLAN_BYTES;
	return tagged_family(f);
}

/* Takes the first frames as long as they are of that family and without a tag; in a flood, all. */
sw_always_inline unsigned
take_first(struct syn_batch *s, struct sw_frame *frames, unsigned n, const bool v6)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct sw_frame *f = &frames[i];

		if (!is_candidate(f) || !is_plain(f, syn_type(f), SW_ETH_BYTES, v6))
			break;
		syn_put(s, i, f, SW_ETH_BYTES, 0);
	}
	return i;
}

static uint32_t
vlan_of(const struct sw_frame *f, uint32_t l3)
{
	if (sw_likely(l3 == SW_ETH_BYTES))
		return 0;
	return rte_be_to_cpu_16(sw_load16(f->data + SW_ETH_BYTES)) & SW_VLAN_ID_MASK;
}

/* Reads them, and takes those that may have a flow out. */
static void
look(struct burst *b, struct syn_batch *s)
{
	syn_pad(s);
	s->ground = sw_flow_ground(b->e->flows);
	syn_read_avx2(s);
	syn_tuple(s, 0, &s->first);
	syn_absent(s);
	s->gone = ~s->fit;
}

unsigned
syn_pick(struct burst *b, struct syn_batch syns[2], struct sw_frame *frames, unsigned n,
	struct sw_frame *rest)
{
	uint8_t family[SW_BURST_MAX];
	unsigned n_syns[2] = {0}, at[2] = {0}, n_rest = 0, first, n_fit;

	n_syns[0] = take_first(&syns[0], frames, n, false);
	if (n_syns[0] == 0)
		n_syns[1] = take_first(&syns[1], frames, n, true);
	first = n_syns[0] + n_syns[1];
	memset(family, n_syns[1] != 0, first);
	for (unsigned i = first; i < n; i++) {
		uint32_t l3;
		const unsigned v6 = family_of(&frames[i], &l3);

		family[i] = (uint8_t)v6;
		if (v6 != SYN_NO_FAMILY)
			syn_put(&syns[v6], n_syns[v6]++, &frames[i], l3, vlan_of(&frames[i], l3));
	}
	for (unsigned v6 = 0; v6 < 2; v6++) {
		syns[v6].n = n_syns[v6];
		syns[v6].v6 = v6;
		syns[v6].fit = 0;
		if (n_syns[v6] != 0)
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
	s->maybe = 0;
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
