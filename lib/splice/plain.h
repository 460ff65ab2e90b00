/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plain.h - splice.h for the segments that nearly all are: ACK is set, SYN is not, no options or
 * timestamps alone behind two NOPs, and a flow of which nothing is to be repaired (repair.h).
 * Whoever calls has found that out; bit for bit it is what sw_splice_to_server() and
 * sw_splice_to_client() do.
 *
 * tcp: the TCP header. ts: the timestamps are there.
 *
 * Threads: pure functions of the flow; the packet is written.
 * Memory:  the caller's.
 */
#ifndef SW_SPLICE_PLAIN_H
#define SW_SPLICE_PLAIN_H

#include "packet/options.h"
#include "splice/rewrite.h"
#include "splice/splice.h"

#define SW_PLAIN_TSVAL_OFF (SW_TCP_BYTES + 4)
#define SW_PLAIN_TSECR_OFF (SW_TCP_BYTES + 8)

sw_always_inline uint32_t
sw_plain_ts_delta(const struct sw_flow *f)
{
	return f->flags & SW_FLOW_TS ? f->ts_delta : 0;
}

/* What is behind the options: acknowledgement and checksum. diff: of the options. */
sw_always_inline void
sw_plain_ack_to_server(const struct sw_flow *f, uint8_t *tcp, uint64_t diff)
{
	sw_rewrite_add32(tcp, offsetof(struct sw_wire_tcp, ack_be), -f->delta, &diff);
	sw_rewrite_csum(tcp, diff);
}

/* The same: sequence number, window and checksum. */
sw_always_inline void
sw_plain_seq_to_client(const struct sw_flow *f, uint8_t *tcp, uint64_t diff)
{
	sw_rewrite_add32(tcp, offsetof(struct sw_wire_tcp, seq_be), f->delta, &diff);
	if (f->wscale_server != f->wscale_promised) {
		uint8_t *field = tcp + offsetof(struct sw_wire_tcp, window_be);
		const rte_be16_t old_be = sw_load16(field);
		const rte_be16_t new_be =
			rte_cpu_to_be_16(sw_splice_window(f, rte_be_to_cpu_16(old_be), true));

		sw_store16(field, new_be);
		diff += sw_csum_diff16(old_be, new_be);
	}
	sw_rewrite_csum(tcp, diff);
}

sw_always_inline void
sw_plain_to_server(const struct sw_flow *f, uint8_t *tcp, bool ts)
{
	uint64_t diff = 0;

	if (ts)
		sw_rewrite_add32(tcp, SW_PLAIN_TSECR_OFF, -sw_plain_ts_delta(f), &diff);
	sw_plain_ack_to_server(f, tcp, diff);
}

sw_always_inline void
sw_plain_to_client(const struct sw_flow *f, uint8_t *tcp, bool ts)
{
	uint64_t diff = 0;

	if (ts)
		sw_rewrite_add32(tcp, SW_PLAIN_TSVAL_OFF, sw_plain_ts_delta(f), &diff);
	sw_plain_seq_to_client(f, tcp, diff);
}

#endif
