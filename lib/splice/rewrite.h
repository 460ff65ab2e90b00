/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rewrite.h - what splice.c and repair.c share. Internal to splice/.
 */
#ifndef SW_SPLICE_REWRITE_H
#define SW_SPLICE_REWRITE_H

#include "base/base.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "packet/wire.h"

/* Every option is whole, and timestamps and SACK, which are rewritten, have a length of theirs. */
bool sw_rewrite_options_ok(const struct sw_pkt *p);

sw_always_inline uint32_t
sw_rewrite_options_len(const struct sw_pkt *p)
{
	return p->pay_off - p->l4_off - SW_TCP_BYTES;
}

/* Changes the TCP checksum by the differences summed up in diff. */
sw_always_inline void
sw_rewrite_csum(uint8_t *tcp, uint64_t diff)
{
	uint8_t *field = tcp + offsetof(struct sw_wire_tcp, csum);

	sw_store16(field, sw_csum_apply(sw_load16(field), diff));
}

#endif
