/* SPDX-License-Identifier: BSD-3-Clause */
#include "splice/plain.h"
#include "splice/repair.h"

/* The least MTU that there is in IPv4 (RFC 791, 3.2). */
#define MTU4_LEAST_BYTES 68

#define TCP_END(field) \
	(offsetof(struct sw_wire_tcp, field) + sizeof(((struct sw_wire_tcp *)0)->field))

/*
 * What is added to the numbers of the quoted segment. The window is left as it was rescaled: nobody
 * looks at that of a quoted segment.
 */
struct undo {
	uint32_t seq;
	uint32_t ack;
	struct sw_rewrite_shift options;
};

/* The quoted TCP header, n bytes of it and of what follows, and what has changed in it. */
struct quoted {
	uint8_t *tcp;
	uint32_t n;
	uint64_t diff;
};

/* Bytes of the quoted header, options included; 0 where it is not whole or has a wrong length. */
static uint32_t
header_len(const struct quoted *q)
{
	uint32_t hdr;

	if (q->n < SW_TCP_BYTES)
		return 0;
	hdr = (((const struct sw_wire_tcp *)q->tcp)->off >> 4) * 4u;
	return hdr >= SW_TCP_BYTES && hdr <= q->n ? hdr : 0;
}

/*
 * Afterwards q->diff is that of all bytes of the quote, its checksum among them. Odd or even is the
 * same for the ICMP message as for the TCP header, which starts at an even offset of it: IP headers
 * are multiples of 4 bytes. Options that are refused were not translated either: such a segment was
 * never sent on.
 */
static void
undo_segment(struct quoted *q, const struct undo *u)
{
	const uint32_t hdr = header_len(q);
	uint16_t old_csum, new_csum;

	if (u->seq != 0)
		sw_rewrite_add32(q->tcp, offsetof(struct sw_wire_tcp, seq_be), u->seq, &q->diff);
	if (u->ack != 0)
		sw_rewrite_add32(q->tcp, offsetof(struct sw_wire_tcp, ack_be), u->ack, &q->diff);
	if (hdr > SW_TCP_BYTES)
		(void)sw_rewrite_options(q->tcp, hdr, &u->options, &q->diff);
	if (q->n < TCP_END(csum))
		return;
	old_csum = sw_load16(q->tcp + offsetof(struct sw_wire_tcp, csum));
	new_csum = sw_csum_apply(old_csum, q->diff);
	sw_store16(q->tcp + offsetof(struct sw_wire_tcp, csum), new_csum);
	q->diff += sw_csum_diff16(old_csum, new_csum);
}

/* The number is only made smaller: a router may say less than the least MTU. */
static uint32_t
smaller_mtu(uint32_t mtu, uint32_t least)
{
	if (mtu <= least)
		return mtu;
	return mtu - least > SW_OPT_TS_BYTES ? mtu - SW_OPT_TS_BYTES : least;
}

/* The server is told the room that is left when the timestamps have been put in. */
static uint64_t
shrink_mtu(struct sw_pkt *p)
{
	struct sw_wire_icmp *icmp = (struct sw_wire_icmp *)(p->f->data + p->l4_off);

	if (sw_tuple_is_v6(&p->tuple)) {
		const rte_be32_t old_be = icmp->mtu6_be;

		if (p->icmp_type != SW_ICMP6_TOO_BIG)
			return 0;
		icmp->mtu6_be = rte_cpu_to_be_32(
			smaller_mtu(rte_be_to_cpu_32(old_be), SW_MTU6_LEAST_BYTES));
		return sw_csum_diff32(old_be, icmp->mtu6_be, false);
	}
	const rte_be16_t old_be = icmp->mtu4_be;

	if (p->icmp_type != SW_ICMP_UNREACHABLE || p->icmp_code != SW_ICMP_CODE_TOO_BIG)
		return 0;
	icmp->mtu4_be =
		rte_cpu_to_be_16((uint16_t)smaller_mtu(rte_be_to_cpu_16(old_be), MTU4_LEAST_BYTES));
	return sw_csum_diff16(old_be, icmp->mtu4_be);
}

void
sw_splice_icmp(const struct sw_flow *f, struct sw_pkt *p)
{
	struct sw_wire_icmp *icmp = (struct sw_wire_icmp *)(p->f->data + p->l4_off);
	const uint32_t ts_delta = sw_plain_ts_delta(f);
	struct quoted q = {.tcp = p->f->data + p->pay_off, .n = p->pay_len};
	struct undo u = {0};
	uint64_t mtu_diff = 0;

	if (f->flags & SW_FLOW_FROM_SERVER)
		return;
	if (p->f->side == SW_OUTSIDE) {
		u.seq = -f->delta;
		u.options.tsval = -ts_delta;
		if (f->flags & SW_FLOW_TS_MADE)
			mtu_diff = shrink_mtu(p);
	} else {
		/* Without ACK, or not known to have one, the two were not translated. */
		const bool ack = q.n >= TCP_END(flags) &&
				 ((const struct sw_wire_tcp *)q.tcp)->flags & SW_TCP_ACK;

		u.ack = ack ? f->delta : 0;
		u.options.tsecr = ack ? ts_delta : 0;
		u.options.sack = f->delta;
	}
	undo_segment(&q, &u);
	p->seq = rte_be_to_cpu_32(((const struct sw_wire_tcp *)q.tcp)->seq_be);
	icmp->csum = sw_csum_apply(icmp->csum, q.diff + mtu_diff);
}
