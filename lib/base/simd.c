/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/simd.h"

enum sw_simd sw_simd_level;

enum sw_simd
sw_simd_best(void)
{
#ifdef SW_HAVE_AVX2
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		__builtin_cpu_supports("bmi2"))
		return SW_SIMD_AVX2;
#endif
	return SW_SIMD_NONE;
}

enum sw_simd
sw_simd_set(enum sw_simd level)
{
	enum sw_simd best = sw_simd_best();

	sw_simd_level = level < best ? level : best;
	return sw_simd_level;
}

const char *
sw_simd_name(enum sw_simd level)
{
	return level == SW_SIMD_AVX2 ? "avx2" : "scalar";
}

__attribute__((constructor)) static void
simd_start(void)
{
	sw_simd_level = sw_simd_best();
}
