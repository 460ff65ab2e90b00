/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * level.h - names at a level of vector instructions. Private to the short ways.
 *
 * Their files are compiled once for each level above the first (lib/meson.build), so what one of
 * them exports to the others has the level in its name. Everybody else calls them by ways.h; a call
 * by these names is not linked there.
 */
#ifndef SW_HANDSHAKE_LEVEL_H
#define SW_HANDSHAKE_LEVEL_H

#include "base/simd.h"

#define pick_burst	 SW_SIMD_FN(pick_burst)
#define syn_answer	 SW_SIMD_FN(syn_answer)
#define syn_absent	 SW_SIMD_FN(syn_absent)
#define syn_pad		 SW_SIMD_FN(syn_pad)
#define syn_tuple	 SW_SIMD_FN(syn_tuple)
#define syn_read	 SW_SIMD_FN(syn_read)
#define syn_write	 SW_SIMD_FN(syn_write)
#define seg_find	 SW_SIMD_FN(seg_find)
#define seg_act		 SW_SIMD_FN(seg_act)
#define seg_read	 SW_SIMD_FN(seg_read)
#define blind_pick	 SW_SIMD_FN(blind_pick)
#define blind_look_again SW_SIMD_FN(blind_look_again)
#define blind_drop	 SW_SIMD_FN(blind_drop)
#define blind_read	 SW_SIMD_FN(blind_read)
#define blind_verify	 SW_SIMD_FN(blind_verify)

#endif
