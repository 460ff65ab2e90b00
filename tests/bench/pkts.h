/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pkts.h - packets for the benchmarks: random connections from a seed, and sets of frames.
 *
 * Frames are written by sw_build_segment(), outside of what is timed. What a burst handles is a
 * copy, which the first-level cache then holds, as it does after a virtual port's copy.
 */
#ifndef BENCH_PKTS_H
#define BENCH_PKTS_H

#include "packet/build.h"
#include "packet/wire.h"

#define BENCH_SERVER_PORT 80
#define BENCH_HEADERS_MAX 128 /* of a frame without payload */
static_assert(BENCH_HEADERS_MAX >= SW_SEGMENT_MAX_BYTES, "any segment of our own");

/* splitmix64 */
static inline uint64_t
bench_rand(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* The row's i-th number, without the ones before it. */
static inline uint64_t
bench_hash(uint64_t i)
{
	uint64_t seed = i * 0xd1342543de82ef95ull + 1;

	return bench_rand(&seed);
}

enum bench_options_of_syn { BENCH_OPT_NONE, BENCH_OPT_MSS, BENCH_OPT_FULL, BENCH_OPT_KINDS };
extern const char *const bench_opt_name[BENCH_OPT_KINDS];

/* Of which packets are made. vid 0: no VLAN tag. */
struct bench_shape {
	bool v6;
	uint16_t vid;
	uint8_t opts; /* enum bench_options_of_syn */
};

/* A client with an address and port of `rand`, at the server. */
struct sw_tuple bench_tuple(const struct bench_shape *s, uint64_t rand);

/* Layer-2 header, from the client or to it; returns its length. */
unsigned bench_l2(const struct bench_shape *s, bool to_client, uint8_t l2[SW_L2_MAX_BYTES]);

/* A SYN's options; tsval of the client's timestamps. */
struct sw_tcp_opts bench_syn_opts(unsigned kind, uint32_t tsval);

/*
 * Writes the segment with `payload` bytes behind it at data, where there is room for both; l2 and
 * l2_len are filled in here. Returns the length of the frame.
 */
uint32_t bench_write(uint8_t *data, const struct bench_shape *shape, const struct sw_segment *seg,
	uint32_t payload);

/* The SYN of the i-th connection of a seed. */
uint32_t bench_write_syn(uint8_t *data, const struct bench_shape *shape, uint64_t rand);

/* Frames of at most BENCH_HEADERS_MAX bytes. */
struct bench_set {
	uint8_t (*data)[BENCH_HEADERS_MAX];
	uint16_t *len;
	unsigned n;
	unsigned at; /* the next to be taken */
};

void bench_set_init(struct bench_set *s, unsigned n);
void bench_set_fini(struct bench_set *s);

#endif
