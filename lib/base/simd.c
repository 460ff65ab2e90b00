/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/simd.h"

enum sw_simd sw_simd_level;

enum sw_simd
sw_simd_best(void)
{
#ifdef SW_HAVE_VECTORS
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
		!__builtin_cpu_supports("bmi2"))
		return SW_SIMD_NONE;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return SW_SIMD_AVX512;
	return SW_SIMD_AVX2;
#else
	return SW_SIMD_NONE;
#endif
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
	static const char *const name[] = {
		[SW_SIMD_NONE] = "scalar", [SW_SIMD_AVX2] = "avx2", [SW_SIMD_AVX512] = "avx512"};
	static_assert(SW_ARRAY_LEN(name) == SW_SIMD_LEVELS, "each level has a name");

	return name[level];
}

__attribute__((constructor)) static void
simd_start(void)
{
	sw_simd_level = sw_simd_best();
}
