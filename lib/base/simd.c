/* SPDX-License-Identifier: BSD-3-Clause */
#ifdef SW_HAVE_VECTORS
#include <cpuid.h>
#endif

#include "base/simd.h"

enum sw_simd sw_simd_level;

#ifdef SW_HAVE_VECTORS

/* Of which SW_SIMD_AVX512W is the fastest level: those that it was measured on. */
#define WIDE_AMD_FAMILY 0x1a /* Zen 5 */

static bool
is_wide(void)
{
	unsigned a, b, c, d;

	/* The family is its base, 15, and what is added to that. */
	return __builtin_cpu_is("amd") && __get_cpuid(1, &a, &b, &c, &d) &&
	       (a >> 8 & 0xf) + (a >> 20 & 0xff) == WIDE_AMD_FAMILY;
}

enum sw_simd
sw_simd_most(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
		!__builtin_cpu_supports("bmi2"))
		return SW_SIMD_NONE;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return SW_SIMD_AVX512W;
	return SW_SIMD_AVX2;
}

enum sw_simd
sw_simd_best(void)
{
	const enum sw_simd most = sw_simd_most();

	return most == SW_SIMD_AVX512W && !is_wide() ? SW_SIMD_AVX512 : most;
}

#else

enum sw_simd
sw_simd_most(void)
{
	return SW_SIMD_NONE;
}

enum sw_simd
sw_simd_best(void)
{
	return SW_SIMD_NONE;
}

#endif

enum sw_simd
sw_simd_set(enum sw_simd level)
{
	const enum sw_simd most = sw_simd_most();

	sw_simd_level = level < most ? level : most;
	return sw_simd_level;
}

const char *
sw_simd_name(enum sw_simd level)
{
	static const char *const name[] = {
		[SW_SIMD_NONE] = "scalar",
		[SW_SIMD_AVX2] = "avx2",
		[SW_SIMD_AVX512] = "avx512",
		[SW_SIMD_AVX512W] = "avx512w",
	};
	static_assert(SW_ARRAY_LEN(name) == SW_SIMD_LEVELS, "each level has a name");

	return name[level];
}

__attribute__((constructor)) static void
simd_start(void)
{
	sw_simd_level = sw_simd_best();
}
