/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/eal.h"

#include <stdio.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>

#include "base/tuple.h"
#include "bench/bench.h"

/* What EAL takes for itself, and for the edges of what it gives. It takes some 10 MiB. */
#define EAL_OWN_BYTES ((size_t)64 << 20)

static enum { NOT_YET, RUNS, FAILED } state;
static bool huge;

bool
bench_eal_start(int cpu, size_t bytes)
{
	const size_t size = RTE_ALIGN_CEIL(bytes + EAL_OWN_BYTES, (size_t)1 << 20);
	char lcores[16], mib[16];
	const char *args[] = {"bench", "--no-pci", "--no-telemetry", "--log-level=error",
		"--lcores", lcores, "--no-huge", "-m", mib, NULL};
	int n = 9;

	if (state != NOT_YET)
		return state == RUNS;
	state = FAILED;
	snprintf(lcores, sizeof(lcores), "0@%d", cpu);
	snprintf(mib, sizeof(mib), "%zu", size >> 20);
	huge = bench_meminfo("HugePages_Free") * bench_meminfo("Hugepagesize") * 1024 >= size;
	if (huge) {
		args[6] = "--in-memory";
		args[7] = NULL;
		n = 7;
	}
	if (huge || bench_mem_suffices(size))
		state = rte_eal_init(n, (char **)args) < 0 ? FAILED : RUNS;
	return state == RUNS;
}

void
bench_eal_end(void)
{
	if (state == RUNS)
		rte_eal_cleanup();
}

const char *
bench_eal_pages(void)
{
	return huge ? "hugepages" : "ordinary pages";
}

void *
bench_eal_alloc(size_t size)
{
	return rte_zmalloc(NULL, size, SW_CACHE_LINE_BYTES);
}

void
bench_eal_free(void *p)
{
	rte_free(p);
}

static uint32_t
keyed_hash(const void *key, uint32_t len, uint32_t init)
{
	static const uint64_t secret[4] = {0x9ae16a3b2f90404full, 0xc949c7f05a1f3d17ull,
		0xb492b66fbe98f273ull, 0xd6e8feb86659fd93ull};

	(void)len;
	(void)init;
	/* rte_hash goes by the low bits, which are not even (base/tuple.h): one more product. */
	return (uint32_t)(sw_tuple_hash(key, secret) * 0x9e3779b97f4a7c15ull >> 32);
}

/* A key has 8 bytes before it and begins at 16; a bucket of 64 has 8; the list of free ones. */
size_t
bench_hash_bytes(uint32_t entries, uint32_t key_bytes)
{
	return (size_t)rte_align32pow2(entries + 1) *
	       (RTE_ALIGN_CEIL(8 + key_bytes, 16) + 64 / 8 + sizeof(uint32_t));
}

struct rte_hash *
bench_hash_make(uint32_t entries, uint32_t key_bytes, bool keyed)
{
	struct rte_hash_parameters p = {
		.name = keyed ? "keyed" : "crc",
		.entries = entries,
		.key_len = key_bytes,
		.hash_func = keyed ? keyed_hash : rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
	};

	return rte_hash_create(&p);
}

void
bench_hash_free(struct rte_hash *h)
{
	rte_hash_free(h);
}
