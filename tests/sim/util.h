/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * util.h - what all parts of the simulator share: seeded numbers, the first failure of a run, byte
 * streams that need no memory, and sets of sequence ranges. Nothing in here comes from lib/.
 */
#ifndef SIM_UTIL_H
#define SIM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_US	  ((uint64_t)1000)
#define SIM_MS	  ((uint64_t)1000000)
#define SIM_SEC	  ((uint64_t)1000000000)
#define SIM_NEVER UINT64_MAX

/* splitmix64: every seed gives a good stream, and one run can have many independent ones. */
struct rng {
	uint64_t s;
};

static inline uint64_t
sim_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static inline uint64_t
rng_next(struct rng *r)
{
	r->s += 0x9e3779b97f4a7c15ull;
	return sim_mix(r->s);
}

/* 0 .. n - 1; n > 0 */
static inline uint64_t
rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

/* low .. high, both included */
static inline uint64_t
rng_range(struct rng *r, uint64_t low, uint64_t high)
{
	return low + rng_below(r, high - low + 1);
}

/* True in `permille` of 1,000 cases. */
static inline bool
rng_chance(struct rng *r, unsigned permille)
{
	return rng_below(r, 1000) < permille;
}

/*
 * The first failure of a run; later ones are consequences. The text is kept for the report, the
 * run goes on until its loop looks at sim_failed().
 */
void sim_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool sim_failed(void);
const char *sim_failure(void);
void sim_fail_clear(void);
/* Says before the failure where it happened. */
void sim_fail_within(const char *where);

/* Byte `off` of a stream is a function of its key: both ends know it, nobody stores it. */
void stream_fill(uint64_t key, uint64_t off, uint8_t *dst, size_t n);
bool stream_check(uint64_t key, uint64_t off, const uint8_t *src, size_t n);

/* Disjoint ranges [low, high) of stream offsets, ascending. */
#define RANGES_MAX 256

struct ranges {
	unsigned n;
	struct {
		uint64_t low, high;
	} r[RANGES_MAX];
};

/* Adds [low, high). False where the set is full; it is then as it was. */
bool ranges_add(struct ranges *s, uint64_t low, uint64_t high);
/* Forgets everything below low. */
void ranges_trim(struct ranges *s, uint64_t low);

#endif
