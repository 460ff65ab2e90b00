/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * simd.h - which vector instructions the code may use: what the CPU has, unless told otherwise.
 *
 * The tree is built for any x86-64. Files that need more are compiled by themselves, once for each
 * level above the first, and their functions are called only where sw_simd() says that they may be.
 * Each of them does what plain C beside it does, bit for bit; tests and benchmarks set the level to
 * compare them.
 *
 * Threads: sw_simd() anywhere. sw_simd_set() before other threads run, or where none of them is in
 *          lib/.
 */
#ifndef SW_BASE_SIMD_H
#define SW_BASE_SIMD_H

#include "base/base.h"

enum sw_simd {
	SW_SIMD_NONE,
	SW_SIMD_AVX2, /* with BMI1 and BMI2, which every CPU with AVX2 that is sold has */
	/*
	 * With F, BW, DQ and VL: every CPU with AVX-512 that is sold, but Xeon Phi. Registers stay
	 * at 256 bits, so no clock is lowered for it.
	 */
	SW_SIMD_AVX512,
	/* The same with registers of 512 bits: sixteen packets at a time, not eight (row.h). */
	SW_SIMD_AVX512W,
	SW_SIMD_LEVELS
};

/* The one that the file at hand is compiled for. */
#if defined(SW_ROW_512)
#define SW_SIMD_OF_FILE SW_SIMD_AVX512W
#elif defined(__AVX512VL__)
#define SW_SIMD_OF_FILE SW_SIMD_AVX512
#elif defined(__AVX2__)
#define SW_SIMD_OF_FILE SW_SIMD_AVX2
#else
#define SW_SIMD_OF_FILE SW_SIMD_NONE
#endif

/*
 * In files that are compiled for each level: the name of what they export, at theirs, which the
 * build gives (lib/meson.build). In all others a name that nothing has: who calls it is not linked.
 */
#ifndef SW_SIMD_SUFFIX
#define SW_SIMD_SUFFIX of_no_level
#endif
#define SW_SIMD_JOIN_(name, suffix) name##_##suffix
#define SW_SIMD_JOIN(name, suffix)  SW_SIMD_JOIN_(name, suffix)
#define SW_SIMD_FN(name)	    SW_SIMD_JOIN(name, SW_SIMD_SUFFIX)

/* For sw_simd() alone. */
extern enum sw_simd sw_simd_level;

sw_always_inline enum sw_simd
sw_simd(void)
{
	return sw_simd_level;
}

/* The highest level that this CPU has the instructions of and the build has code for. */
enum sw_simd sw_simd_most(void);

/*
 * The one that is the fastest on this CPU; what sw_simd() says at the start. SW_SIMD_AVX512W where
 * it was measured to be: AMD's EPYC 9005 (family 26, models 0 to 31), which does not do an
 * instruction on 512 bits in two halves.
 */
enum sw_simd sw_simd_best(void);

/* Uses this level from now on, or the highest where that is less. Returns what is used. */
enum sw_simd sw_simd_set(enum sw_simd level);

/* "scalar", "avx2", "avx512", "avx512w" */
const char *sw_simd_name(enum sw_simd level);

#endif
