/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rewrite.h - what splice.c, repair.c and icmp.c share. Internal to splice/.
 */
#ifndef SW_SPLICE_REWRITE_H
#define SW_SPLICE_REWRITE_H

#include "base/base.h"
#include "packet/checksum.h"
#include "packet/options.h"
#include "packet/parse.h"
#include "packet/wire.h"

/* Every option is whole, and timestamps and SACK, which are rewritten, have a length of theirs. */
bool sw_rewrite_options_ok(struct sw_opt_iter it);

/* What is added to the numbers in a segment's options. */
struct sw_rewrite_shift {
	uint32_t sack;
	uint32_t tsval;
	uint32_t tsecr;
};

/*
 * Adds to the options of a TCP header of hdr bytes; *diff takes the difference. False where they
 * are not sw_rewrite_options_ok(): nothing has been written then.
 */
bool sw_rewrite_options(
	uint8_t *tcp, uint32_t hdr, const struct sw_rewrite_shift *s, uint64_t *diff);

sw_always_inline uint32_t
sw_rewrite_options_len(const struct sw_pkt *p)
{
	return p->pay_off - p->l4_off - SW_TCP_BYTES;
}

/* Adds `shift` to the number at `off` of the TCP header; *diff takes the difference. */
sw_always_inline void
sw_rewrite_add32(uint8_t *tcp, uint32_t off, uint32_t shift, uint64_t *diff)
{
	const rte_be32_t old_be = sw_load32(tcp + off);
	const rte_be32_t new_be = rte_cpu_to_be_32(rte_be_to_cpu_32(old_be) + shift);

	sw_store32(tcp + off, new_be);
	*diff += sw_csum_diff32(old_be, new_be, off & 1);
}

/* Changes the TCP checksum by the differences summed up in diff. */
sw_always_inline void
sw_rewrite_csum(uint8_t *tcp, uint64_t diff)
{
	uint8_t *field = tcp + offsetof(struct sw_wire_tcp, csum);

	sw_store16(field, sw_csum_apply(sw_load16(field), diff));
}

#endif
