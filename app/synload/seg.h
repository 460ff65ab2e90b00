/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seg.h - TCP segments of connections: those that are written, and room for them.
 *
 * A machine that has something to say takes a buffer with sw_out_get(), writes the payload where
 * sw_seg_payload() says, and then everything in front of it with sw_seg_finish(). Who writes the
 * payload knows its sum.
 *
 * Threads: one.
 */
#ifndef SW_LOAD_SEG_H
#define SW_LOAD_SEG_H

#include "load.h"

#define SW_OUT_MAX 128

/* Frames that leave by one port. data[] up to `room` are the caller's buffers. */
struct sw_out {
	unsigned n;	 /* written */
	unsigned room;	 /* that there are */
	uint64_t denied; /* segments for which there was no buffer */
	uint8_t *data[SW_OUT_MAX];
	uint16_t len[SW_OUT_MAX];
};

/* The buffer of the next frame, NULL where there is none. It counts once sw_out_put() is called. */
sw_always_inline uint8_t *
sw_out_get(struct sw_out *o)
{
	if (sw_unlikely(o->n >= o->room)) {
		o->denied++;
		return NULL;
	}
	return o->data[o->n];
}

sw_always_inline void
sw_out_put(struct sw_out *o, uint16_t len)
{
	o->len[o->n++] = len;
}

struct sw_seg {
	const struct sw_tuple *tuple;
	const struct sw_load_l2 *l2; /* as sent by the client */
	bool to_client;
	bool ts;
	uint8_t flags; /* SW_TCP_* */
	uint16_t window;
	uint32_t seq, ack;
	uint32_t tsval, tsecr;
	uint32_t pay_len;
	uint64_t pay_sum; /* of the payload, packet/checksum.h; below 2^48 */
};

/* Where the payload stands in the frame. */
uint8_t *sw_seg_payload(uint8_t *frame, const struct sw_seg *s);

/* Writes the headers and both checksums; the payload is there. Returns the frame's length. */
uint16_t sw_seg_finish(uint8_t *frame, const struct sw_seg *s);

#endif
