/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenarios.h - the engine on the bench, spoken to segment by segment: what it sends is caught and
 * asked for. The scenarios with whole peers are in scenarios_peers.c.
 */
#ifndef SIM_SCENARIOS_H
#define SIM_SCENARIOS_H

#include <check.h>

#include "plan.h"

#define BENCH_CAUGHT_MAX 256

/* Numbers that most scripts use. */
#define ISN_C 0xfffffff0u /* wraps in the first bytes */
#define ISN_S 0x10000000u

struct caught {
	int side;
	struct seg seg;
};

struct bench {
	struct rig rig;
	uint64_t now;
	struct caught c[BENCH_CAUGHT_MAX];
	unsigned n;
	uint64_t total[SW_SIDES]; /* ever sent; more than are kept in c[] */
};

void bench_init(struct bench *b);
void bench_init_cfg(struct bench *b, const struct rig_cfg *cfg);
void bench_fini(struct bench *b);

/* Gives the engine one segment; what comes out stands in b->c[0..n-1]. Returns n. */
unsigned bench_feed(struct bench *b, const struct seg_path *p, int from, const struct seg *s);
/* Ticks every 10 ms for that long; catches likewise. */
unsigned bench_wait(struct bench *b, uint64_t ns);

/* The same with one bit of its checksum wrong: nothing may come of it. */
unsigned bench_feed_corrupt(
	struct bench *b, const struct seg_path *p, int from, const struct seg *s);

/* A segment without options. */
struct seg bench_seg(uint8_t flags, uint32_t seq, uint32_t ack);

/* To the proxied service. */
struct seg_path bench_path(bool v6, uint32_t client, uint16_t port);

/* SYN in, SYN-ACK out: the cookie. */
uint32_t bench_cookie(struct bench *b, const struct seg_path *p, uint32_t client_isn);
/* The ACK that brings it back; true where a SYN went to the server. */
bool bench_return(struct bench *b, const struct seg_path *p, uint32_t client_isn, uint32_t cookie);
/* A spliced connection: client_isn and the cookie are as given, the server's ISN is server_isn. */
uint32_t bench_open(
	struct bench *b, const struct seg_path *p, uint32_t client_isn, uint32_t server_isn);
struct sw_flow *bench_flow(struct bench *b, const struct seg_path *p);

Suite *suite_cookies(void);
Suite *suite_flows(void);
Suite *suite_peers(void);

#endif
