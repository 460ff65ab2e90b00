/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ways.h - the short ways (syn.h, seg.h, blind.h) at the level of vector instructions that is in
 * use (base/simd.h). Private to handshake/, tests and benchmarks.
 */
#ifndef SW_HANDSHAKE_WAYS_H
#define SW_HANDSHAKE_WAYS_H

#include "handshake/blind.h"
#include "handshake/pick.h"

/* Functions of those headers, which say what each does. */
struct short_ways {
	enum sw_simd level;
	void (*pick)(struct burst *b, struct picked *p, struct sw_frame *frames, unsigned n,
		struct sw_frame *rest);
	unsigned (*answer_syns)(
		struct burst *b, struct syn_batch syns[2], bool flows_made, struct sw_frame *rest);
	bool (*act_segs)(
		struct burst *b, struct segs *g, const struct sw_frame *frames, unsigned end);
	unsigned (*pick_blind)(
		struct burst *b, struct blind *blind, struct sw_frame *frames, unsigned n);
	unsigned (*look_again_blind)(struct burst *b, struct blind *blind, struct sw_frame *rest);
	void (*drop_blind)(struct burst *b, const struct blind *blind);
	/* Parts of them, for benchmarks. */
	void (*pad_syns)(struct syn_batch *s);
	void (*read_syns)(struct syn_batch *s);
	void (*absent_syns)(struct syn_batch *s);
	void (*write_syns)(struct syn_batch *s, const struct syn_keys *keys);
};

/* Where the build has code for them (burst.c). */
extern const struct short_ways short_ways_avx2, short_ways_avx512, short_ways_avx512w;

/* NULL: the CPU cannot, or is not to; everything takes the general way. */
const struct short_ways *short_ways(void);

#endif
