/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * respond.c - mode respond: handshakes are completed here and counted, for measuring. No flow is
 * kept and nothing reaches a server, so only segments that carry the cookie themselves (sequence
 * number one past the client's ISN) can be answered: a FIN gets a FIN-ACK, data an RST, so that
 * real clients end at once. A reply is never longer than what it answers.
 */
#include "handshake/internal.h"

void
respond_ack(struct burst *b, const struct item *it)
{
	const struct sw_pkt *p = it->p;
	struct sw_frame *f = p->f;

	if (sw_pkt_seq_len(p) == 0) {
		sw_count(&b->stats, SW_C_RESPOND_ACCEPTED);
		service_count(&service_stats(b, it->service)->cookie_accepted);
		give_back(b, f);
		return;
	}
	struct sw_segment s = {
		.l2 = f->data,
		.l2_len = (uint8_t)p->l3_off,
		.swap_l2 = true,
		.to_client = true,
		.tcp_flags = SW_TCP_ACK | (p->pay_len > 0 ? SW_TCP_RST : SW_TCP_FIN),
		.seq = p->ack,
		.ack = p->seq + sw_pkt_seq_len(p),
		.tuple = &p->tuple,
		.opts = {.wscale = SW_WSCALE_NONE},
	};

	if (build_and_send(b, f, &s, SW_OUTSIDE))
		sw_count(&b->stats, SW_C_RESPOND_ANSWERED);
}
