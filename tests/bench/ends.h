/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ends.h - synload's two ends of many connections, for benchmarks: what each writes and takes.
 *
 * By itself, for synload and the engine both have a struct sw_out.
 */
#ifndef BENCH_ENDS_H
#define BENCH_ENDS_H

#include <stdbool.h>
#include <stdint.h>

/* Connections that can be open at once, and frames that an end can have written. */
#define BENCH_ENDS_OPEN 1024
#define BENCH_ENDS_OUT	128

enum { BENCH_CLIENT, BENCH_SERVER, BENCH_ENDS };

/* What every connection does: a request and an answer of so many bytes. */
struct bench_ends_shape {
	bool v6;
	uint32_t request, response;
};

struct bench_ends;

/* NULL: no memory. Clients of 10/8 or fd00::/8; the server is that of bench_tuple(). */
struct bench_ends *bench_ends_new(const struct bench_ends_shape *shape);
void bench_ends_free(struct bench_ends *e);

/* The clock of both goes on. */
void bench_ends_later(struct bench_ends *e, uint64_t us);

/* Opens up to n connections more. Returns how many. */
unsigned bench_ends_open(struct bench_ends *e, unsigned n);

/* What an end has written since bench_ends_clear(): how many frames, and the i-th. */
unsigned bench_ends_n(const struct bench_ends *e, unsigned end);
uint16_t bench_ends_at(const struct bench_ends *e, unsigned end, unsigned i, uint8_t **data);
void bench_ends_clear(struct bench_ends *e, unsigned end);

/* An end takes n frames, up to SW_BURST_MAX, which are written to. */
void bench_ends_take(struct bench_ends *e, unsigned end, uint8_t *const data[],
	const uint32_t len[], unsigned n);

/* Timers that are due. */
void bench_ends_timers(struct bench_ends *e);

/* At both ends nothing failed, was sent again, or was without a buffer. */
bool bench_ends_right(const struct bench_ends *e);
uint64_t bench_ends_opened(const struct bench_ends *e);
uint64_t bench_ends_finished(const struct bench_ends *e);
/* Bytes of payload that an end has received and compared. */
uint64_t bench_ends_verified(const struct bench_ends *e, unsigned end);

#endif
