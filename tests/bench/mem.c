/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <sys/mman.h>

#include "bench/bench.h"

#define HUGE_BYTES ((size_t)2 << 20)

struct bench_mem
bench_mem_get(size_t size)
{
	struct bench_mem m = {.size = (size + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1)};
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	/* Populated: a fault on a reserved page that is not there would be a signal. */
	m.p = mmap(NULL, m.size, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	if (m.p != MAP_FAILED) {
		m.pages = "hugetlb 2 MiB";
		return m;
	}
	m.p = mmap(NULL, m.size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (m.p == MAP_FAILED) {
		m.p = NULL;
		return m;
	}
	m.pages = madvise(m.p, m.size, MADV_HUGEPAGE) == 0 ? "transparent huge, as asked for"
							   : "4 KiB";
	memset(m.p, 0, m.size);
	return m;
}

void
bench_mem_put(struct bench_mem *m)
{
	if (m->p != NULL)
		munmap(m->p, m->size);
	m->p = NULL;
}
