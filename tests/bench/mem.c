/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/bench.h"

#define HUGE_BYTES ((size_t)2 << 20)

/* Whether all memory so far was had in huge pages. */
static bool any, all_huge = true;

size_t
bench_meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	const size_t len = strlen(key);
	unsigned long value = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, key, len) == 0 && sscanf(line + len, ": %lu", &value) == 1)
			break;
	}
	if (f != NULL)
		fclose(f);
	return value;
}

bool
bench_mem_suffices(size_t size)
{
	const size_t available = bench_meminfo("MemAvailable") * 1024;

	/* 0: the kernel does not say. */
	if (available == 0 || size <= available)
		return true;
	fflush(stdout);
	fprintf(stderr, "bench: %zu MiB of memory are needed at once, and %zu MiB are to be had\n",
		size >> 20, available >> 20);
	return false;
}

/* Bytes of the mapping at p that the kernel has put into huge pages by itself. */
static size_t
huge_bytes_at(const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	bool here = false;
	char line[256];
	unsigned long first, end, kib = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			here = first <= (uintptr_t)p && (uintptr_t)p < end;
		else if (here && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
			break;
	}
	if (f != NULL)
		fclose(f);
	return (size_t)kib * 1024;
}

struct bench_mem
bench_mem_get(size_t size)
{
	struct bench_mem m = {.size = (size + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1)};
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	/* Populated: a fault on a reserved page that is not there would be a signal. */
	m.p = mmap(NULL, m.size, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	if (m.p != MAP_FAILED) {
		any = true;
		m.pages = "hugepages";
		return m;
	}
	/* Too much is asked about first: the kernel promises what it has not, and ends us later. */
	if (bench_mem_suffices(m.size))
		m.p = mmap(NULL, m.size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (m.p == MAP_FAILED) {
		m.p = NULL;
		return m;
	}
	any = true;
	madvise(m.p, m.size, MADV_HUGEPAGE);
	memset(m.p, 0, m.size);
	/* Its first and last part may not be aligned to one. */
	if (huge_bytes_at(m.p) + 2 * HUGE_BYTES > m.size) {
		m.pages = "transparent hugepages";
	} else {
		m.pages = "ordinary pages, at least in part";
		all_huge = false;
	}
	return m;
}

void
bench_mem_put(struct bench_mem *m)
{
	if (m->p != NULL)
		munmap(m->p, m->size);
	m->p = NULL;
}

void
bench_mem_note(struct bench *b)
{
	if (any && all_huge)
		bench_note(b, "memory of engines and tables: huge pages");
	else if (any)
		bench_note(
			b, "memory of engines and tables: ordinary pages at least in part: slower");
}
