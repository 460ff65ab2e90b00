/* SPDX-License-Identifier: BSD-3-Clause */
/* ways.c - the table of ways.h at the level that this file is compiled for. */
#include "handshake/ways.h"

const struct short_ways SW_SIMD_FN(short_ways) = {
	.level = SW_SIMD_OF_FILE,
	.pick = pick_burst,
	.answer_syns = syn_answer,
	.act_segs = seg_act,
	.pick_blind = blind_pick,
	.look_again_blind = blind_look_again,
	.drop_blind = blind_drop,
	.pad_syns = syn_pad,
	.read_syns = syn_read,
	.absent_syns = syn_absent,
	.write_syns = syn_write,
};
