/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eal.h - as much of DPDK as rte_hash needs. No other benchmark uses it.
 */
#ifndef BENCH_EAL_H
#define BENCH_EAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rte_hash;

/*
 * Starts EAL on that CPU, at the first call: without devices and files, with so much memory for
 * bench_eal_alloc() and bench_hash_make() in all; on hugepages where enough of them are free, else
 * on ordinary pages. False where it does not start.
 */
bool bench_eal_start(int cpu, size_t bytes);
void bench_eal_end(void);
const char *bench_eal_pages(void);

/* Memory of EAL's, zeroed, aligned to a cache line; NULL where there is none. */
void *bench_eal_alloc(size_t size);
void bench_eal_free(void *p);

/* What such a table takes of that memory, at most. */
size_t bench_hash_bytes(uint32_t entries, uint32_t key_bytes);
/* keyed: with the hash of our own table; else DPDK's default, a CRC. NULL where there is none. */
struct rte_hash *bench_hash_make(uint32_t entries, uint32_t key_bytes, bool keyed);
void bench_hash_free(struct rte_hash *h);

#endif
