/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * machine.c - what the figures depend on: the CPU and where on it we run, the counter, the build.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"

int
bench_pin(int cpu)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -1;
	/* The last one: the first is where interrupts and everything else tend to be. */
	for (int i = CPU_SETSIZE - 1; cpu < 0 && i >= 0; i--) {
		if (CPU_ISSET(i, &set))
			cpu = i;
	}
	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return -1;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 ? cpu : -1;
}

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double
bench_tsc_hz(bool quick)
{
	double begin_s = now_s(), end_s, seconds = quick ? 0.02 : 0.2;
	uint64_t begin = bench_tsc_begin(), end;

	do {
		end_s = now_s();
		end = bench_tsc_end();
	} while (end_s - begin_s < seconds);
	return (double)(end - begin) / (end_s - begin_s);
}

void
bench_cpu_model(char *buf, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256], *colon;

	snprintf(buf, size, "unknown");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "model name", 10) != 0 || (colon = strchr(line, ':')) == NULL)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(buf, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
		break;
	}
	if (f != NULL)
		fclose(f);
}

const char *
bench_compiler(void)
{
#ifdef __clang__
	return __VERSION__;
#else
	return "gcc " __VERSION__;
#endif
}

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif

const char *
bench_build_unfit(void)
{
#ifndef __OPTIMIZE__
	return "built without optimisation";
#elif defined(SANITIZED)
	return "built with sanitizers";
#elif !defined(NDEBUG)
	return "built with assertions";
#else
	return NULL;
#endif
}

const char *
bench_assertions(void)
{
#ifdef NDEBUG
	return "off";
#else
	return "on";
#endif
}

const char *
bench_level_suffix(enum sw_simd level)
{
	static char suffix[16];

	snprintf(suffix, sizeof(suffix), "/%s", sw_simd_name(level));
	return level != sw_simd_best() ? suffix : "";
}

const char *
bench_build_flags(void)
{
	return SW_BENCH_FLAGS
#ifdef __AVX2__
		" +avx2"
#elif defined(__SSE4_2__)
		" +sse4.2"
#endif
		;
}
