/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blind.h - the short way of ACKs that have no flow and no cookie: a flood of blind ones is refused
 * many at a time (the rows of syn.h). Private to handshake/.
 *
 * It finds those that the general way would drop as drop_cookie_bad, and no others: everything
 * about the packet is in order, it is for a service in mode proxy or respond, its source is neither
 * allowed nor denied, the flow table has no tag like its own, and the cookie is wrong. It costs an
 * ACK of a connection something too, so it is used only after a burst in which many were refused:
 * the verdict does not hang on that, only its price.
 *
 * An ACK that follows the one that opens its flow, in one burst, has no cookie either and looks
 * blind until the flow is there. So what was found is kept until all other packets have gone their
 * way, and goes the general way itself where the burst has made a flow with a tag like its own. The
 * one difference that makes: such an ACK is judged behind the burst's other packets, by the flow
 * as they leave it, even where it stood ahead of the ACK that opened it.
 */
#ifndef SW_HANDSHAKE_BLIND_H
#define SW_HANDSHAKE_BLIND_H

#include "handshake/syn.h"

/* So many refused in a burst, and the next one goes this way. */
#define BLIND_MIN 8

#define BLIND_REACH4_BYTES 48
#define BLIND_REACH6_BYTES 64

/* What was found, until the end of the burst. */
struct blind {
	unsigned n;
	struct sw_frame f[SW_BURST_MAX];
	uint16_t service[SW_BURST_MAX];
	struct sw_flow_place place[SW_BURST_MAX];
};

/* Takes blind ACKs out of frames[], which moves up, and into *blind. Returns how many are left. */
unsigned blind_pick(struct burst *b, struct blind *blind, struct sw_frame *frames, unsigned n);

/*
 * The burst has made flows: takes those out of *blind that may belong to one, into rest[], in
 * order. Returns how many.
 */
unsigned blind_look_again(struct burst *b, struct blind *blind, struct sw_frame *rest);

/* Drops and counts them. */
void blind_drop(struct burst *b, const struct blind *blind);

/*
 * As syn_read(), for ACKs: client, server, ports, isn (the client's), cookie, and the places
 * in the flow table; `fit` keeps those that are in order.
 */
void blind_read(struct syn_batch *s);

/* Takes those with a right cookie out of `fit`. */
void blind_verify(struct syn_batch *s, const struct sw_keys *keys);

#endif
