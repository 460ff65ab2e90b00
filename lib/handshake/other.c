/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * other.c - what is not a whole TCP segment: fragments, and ICMP errors about TCP packets. None of
 * them may be a way around the handshake.
 *
 * Fragments (policy, drop unless told otherwise): with pass, the first fragment of an open
 * connection is translated like any of its segments, the checksum by differences; later ones carry
 * nothing to translate. A first fragment without a connection, or with a SYN, is dropped, so what
 * follows it never becomes a packet; a later one that could overwrite a TCP header is dropped too
 * (RFC 1858, RFC 3128). A first IPv6 fragment has its TCP header right behind the fragment header,
 * else it is no SW_PKT_FIRST.
 *
 * ICMP errors quote a packet as its sender's neighbour saw it: on the far side of us. They are
 * translated back and passed on to the sender, who judges the quoted sequence number
 * (RFC 5927, 4): that is what makes a blind one harmless, and we change nothing in it but the
 * offset. Without a connection: policy.
 */
#include "handshake/internal.h"

/* Behind the longest TCP header: 60 bytes, in units of 8. */
#define FRAG_OFF_SAFE 64

#define ICMP4_UNREACHABLE   3
#define ICMP4_FRAG_NEEDED   4 /* code */
#define ICMP4_TIME_EXCEEDED 11
#define ICMP6_UNREACHABLE   1
#define ICMP6_TIME_EXCEEDED 3

/* A fragment's protocol: TCP, or an IPv6 extension header that TCP may stand behind. */
static bool
may_be_tcp(uint8_t proto)
{
	switch (proto) {
	case 6:	  /* TCP */
	case 0:	  /* hop-by-hop options */
	case 43:  /* routing */
	case 44:  /* fragment */
	case 51:  /* authentication header */
	case 60:  /* destination options */
	case 135: /* mobility */
	case 139: /* host identity */
	case 140: /* shim6 */
		return true;
	default:
		return false;
	}
}

/*
 * What a later IPv6 fragment says of its protocol counts for nothing, the first one's does
 * (RFC 8200, 4.5): one that could lie over a TCP header is taken for one that does.
 */
static bool
may_hide_tcp(const struct sw_pkt *p)
{
	return may_be_tcp(p->proto) ||
	       (sw_tuple_is_v6(&p->tuple) && p->frag_off != 0 && p->frag_off < FRAG_OFF_SAFE);
}

/* Packets without a TCP header that can be judged. */
void
not_tcp(struct burst *b, const struct sw_pkt *p)
{
	if (p->kind == SW_PKT_BAD)
		drop(b, p->f, p->reason);
	else if (p->kind != SW_PKT_FRAGMENT || !may_hide_tcp(p) ||
		 !sw_policy_covers_address(b->view->policy, &p->tuple))
		bridge(b, p->f, SW_C_BRIDGED);
	else if (b->view->pass_fragments && p->frag_off >= FRAG_OFF_SAFE)
		bridge(b, p->f, SW_C_FRAGMENT_PASSED);
	else
		drop(b, p->f, SW_DROP_FRAGMENT);
}

/* The network cannot deliver: what makes a TCP in SYN-SENT give up (RFC 5461). */
static bool
is_unreachable(const struct sw_pkt *p)
{
	if (sw_tuple_is_v6(&p->tuple))
		return p->icmp_type == ICMP6_UNREACHABLE || p->icmp_type == ICMP6_TIME_EXCEEDED;
	return p->icmp_type == ICMP4_TIME_EXCEEDED ||
	       (p->icmp_type == ICMP4_UNREACHABLE && p->icmp_code != ICMP4_FRAG_NEEDED);
}

/* About our SYN to the server, or about our SYN-ACK to the client. */
static void
halfopen_icmp(struct burst *b, const struct item *it)
{
	struct pending *pe = flow_pending(b->e, it->f);
	const struct sw_pkt *p = it->p;

	if (p->f->side != SW_INSIDE || p->seq != pe->client_isn || !is_unreachable(p)) {
		drop_item(b, it, SW_DROP_HANDSHAKE_STRAY);
		return;
	}
	sw_count(&b->stats, SW_C_ICMP_UNREACHABLE);
	reset_client(b, pe, p->f);
}

static void
icmp_error(struct burst *b, const struct item *it)
{
	const struct sw_pkt *p = it->p;

	if (it->f == NULL) {
		if (b->view->pass_icmp)
			bridge(b, p->f, SW_C_BRIDGED);
		else
			drop_item(b, it, SW_DROP_ICMP_NO_FLOW);
	} else if (it->f->state == SW_FLOW_SYN_SENT) {
		halfopen_icmp(b, it);
	} else {
		sw_splice_icmp(it->f, it->p);
		bridge(b, p->f, SW_C_ICMP_TRANSLATED);
	}
}

void
other(struct burst *b, struct item *it)
{
	it->f = sw_flow_find_at(b->e->flows, it->place, &it->p->tuple);
	if (it->p->kind == SW_PKT_ICMP)
		icmp_error(b, it);
	else if (b->view->pass_fragments && it->f != NULL && it->f->state != SW_FLOW_SYN_SENT &&
		 !(it->p->tcp_flags & SW_TCP_SYN))
		spliced_fragment(b, it);
	else
		drop_item(b, it, SW_DROP_FRAGMENT);
}
