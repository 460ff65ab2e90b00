/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * base.h - the few macros and constants that every module of lib/ shares.
 *
 * Nothing in lib/ touches a port, a clock, a log or the heap. Memory, the time and randomness come
 * from the caller, so that the same code runs under a port, a simulator, a fuzzer and a benchmark.
 * Header-only parts of DPDK are used for wire types; EAL, mbuf and ethdev are not.
 */
#ifndef SW_BASE_BASE_H
#define SW_BASE_BASE_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#define SW_CACHE_LINE_BYTES 64

/* The most packets that one call of any burst function takes. */
#define SW_BURST_MAX 64

#define sw_likely(x)   __builtin_expect(!!(x), 1)
#define sw_unlikely(x) __builtin_expect(!!(x), 0)

#define SW_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define sw_always_inline static inline __attribute__((always_inline))
#define sw_noinline	 __attribute__((noinline))

/* Bytes of whole cache lines that hold n. */
sw_always_inline size_t
sw_whole_lines(size_t n)
{
	return (n + SW_CACHE_LINE_BYTES - 1) & ~(size_t)(SW_CACHE_LINE_BYTES - 1);
}

/*
 * Sends for a line that may be in memory: into the second cache, to which more lines can be on
 * their way at once than to the first (docs/performance.md). Not NULL: the walk through the page
 * tables that finds nothing there is made each time anew.
 */
sw_always_inline void
sw_fetch(const void *line)
{
	__builtin_prefetch(line, 0, 2);
}

/* The same for a line that has been sent for, a little before it is read: into the first cache. */
sw_always_inline void
sw_fetch_near(const void *line)
{
	__builtin_prefetch(line, 0, 3);
}

/*
 * Sends for a line that will be written and is another CPU's, so that it comes without leave for
 * anybody else to keep it: else it comes to be read, and a second time to be written. By hand on
 * x86, where compilers know the instruction only of CPUs that are newer than the baseline; older
 * ones take it for nothing.
 */
sw_always_inline void
sw_fetch_to_write(void *line)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(char *)line));
#else
	__builtin_prefetch(line, 1, 3);
#endif
}

/* x, loaded by itself: the compiler does not make one wide load of it and its neighbours. */
sw_always_inline unsigned
sw_alone(unsigned x)
{
	__asm__("" : "+r"(x));
	return x;
}

/*
 * States a fact about our own code, never about a packet: an input error is an errno or a drop
 * reason. Checked in debug builds, gone with -Db_ndebug=true.
 */
#define SW_ASSERT(x) assert(x)

/*
 * The two ports of the front end. Clients are outside, servers are inside; a packet's side is the
 * port that it came in on, or is to leave by.
 */
enum sw_side { SW_OUTSIDE = 0, SW_INSIDE = 1, SW_SIDES = 2 };

sw_always_inline unsigned
sw_other_side(unsigned side)
{
	return side ^ 1;
}

#endif
