/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/parse_int.h"

/*
 * Where the bytes of an IPv6 header end too early: the sender's fault if the packet is too short
 * for it, else it is not in the piece of the frame that can be read.
 */
static enum sw_drop
ip6_short(uint32_t need, uint32_t ip_end)
{
	return need > ip_end ? SW_DROP_IP_LENGTH : SW_DROP_FRAME_SHORT;
}

static bool
is_ext(uint8_t kind)
{
	return kind == SW_IPPROTO_HOPOPTS || kind == SW_IPPROTO_ROUTING ||
	       kind == SW_IPPROTO_FRAGMENT || kind == SW_IPPROTO_AH || kind == SW_IPPROTO_DSTOPTS;
}

/*
 * Length of the extension header at x, of which at least 8 bytes can be read; 0: malformed. Every
 * one is at least 8 bytes long, so the walk moves on.
 */
static uint32_t
ext_len(uint8_t kind, const struct sw_wire_ext *x)
{
	if (kind == SW_IPPROTO_FRAGMENT)
		return sizeof(struct sw_wire_frag);
	if (kind == SW_IPPROTO_AH)
		return x->len >= 1 ? (x->len + 2u) * 4 : 0; /* RFC 4302, 2.2: in words, less 2 */
	/*
	 * With segments left, the destination is one of the stops; the one that TCP means and
	 * sums up stands further down. To judge it as what it is not would be a way around.
	 */
	if (kind == SW_IPPROTO_ROUTING && x->left != 0)
		return 0;
	return (x->len + 1u) * 8;
}

/*
 * Takes note of the fragment header at w->off. An atomic fragment (RFC 6946) is read as if it had
 * no fragment header; a fragment within a fragment is nothing that anybody sends. False: malformed.
 */
static bool
take_fragment(struct sw_ext_walk *w)
{
	const struct sw_wire_frag *x = (const struct sw_wire_frag *)(w->data + w->off);
	const uint16_t off = rte_be_to_cpu_16(x->off_be);

	if (w->fragment)
		return false;
	w->fragment = off & (SW_IP6_FRAG_OFF_MASK | SW_IP6_FRAG_MORE);
	w->frag_off = off & SW_IP6_FRAG_OFF_MASK;
	return true;
}

enum sw_drop
sw_ext_walk(struct sw_ext_walk *w)
{
	for (unsigned n = 0; is_ext(w->next); n++) {
		const struct sw_wire_ext *x = (const struct sw_wire_ext *)(w->data + w->off);
		uint32_t len;

		/* Hop-by-hop options stand first or nowhere (RFC 8200, 4.1). */
		if (n == SW_PARSE_EXT_MAX || (w->next == SW_IPPROTO_HOPOPTS && n > 0))
			return SW_DROP_IP6_HEADERS;
		if (w->end - w->off < 8)
			return ip6_short(w->off + 8, w->ip_end);
		if (w->next == SW_IPPROTO_FRAGMENT && !take_fragment(w))
			return SW_DROP_IP6_HEADERS;
		w->direct = w->next == SW_IPPROTO_FRAGMENT && w->fragment;
		len = ext_len(w->next, x);
		if (len == 0)
			return SW_DROP_IP6_HEADERS;
		if (w->end - w->off < len)
			return ip6_short(w->off + len, w->ip_end);
		w->next = x->next;
		w->off += len;
		if (w->frag_off != 0)
			break; /* what follows are bytes from the middle of something */
	}
	return SW_DROP_NONE;
}
