/* SPDX-License-Identifier: BSD-3-Clause */
#ifdef SW_HAVE_VECTORS
#include <cpuid.h>
#endif

#include "base/simd.h"

enum sw_simd sw_simd_level;

#ifdef SW_HAVE_VECTORS

/*
 * CPUs of which SW_SIMD_AVX512W is the fastest level: AMD's EPYC 9005, by family and the number
 * that its models are below. Others of the family are Zen 5 of another make, or newer.
 */
#define WIDE_AMD_FAMILY 0x1a
#define WIDE_AMD_MODELS 0x20

static bool
is_wide(void)
{
	unsigned eax, ebx, ecx, edx;

	if (!__builtin_cpu_is("amd") || !__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return false;
	/* What is above 15, or in more bits, stands in a field of its own. */
	return (eax >> 8 & 0xf) + (eax >> 20 & 0xff) == WIDE_AMD_FAMILY &&
	       ((eax >> 4 & 0xf) | (eax >> 12 & 0xf0)) < WIDE_AMD_MODELS;
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

#else

static bool
is_wide(void)
{
	return false;
}

enum sw_simd
sw_simd_most(void)
{
	return SW_SIMD_NONE;
}

#endif

enum sw_simd
sw_simd_best(void)
{
	const enum sw_simd most = sw_simd_most();

	return most == SW_SIMD_AVX512W && !is_wide() ? SW_SIMD_AVX512 : most;
}

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
