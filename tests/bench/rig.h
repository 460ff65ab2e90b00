/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig.h - an engine as the daemon sets one up: sizes and settings of an empty configuration, one
 * service for both families, keys that are renewed, spares that are topped up, a tick each ms.
 * Its clock moves 10 us with each burst.
 *
 *	bench_rig_init(&r, &(struct bench_rig_cfg){.mode = SW_MODE_PROXY});
 *	in a round: bench_rig_next(&r); bench_rig_load(&r, ...) for each packet; bench_rig_run(&r);
 *	at the end: bench_rig_count(), bench_rig_fini()
 *
 * Only bench_rig_run() is to be timed. What came out is in r.out until bench_rig_next().
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include "bench/bench.h"
#include "handshake/engine.h"

/* As the daemon's buffers for an MTU of 1500 lie in their pool: headroom and stride. */
#define BENCH_BUF_HEADROOM 128
#define BENCH_BUF_BYTES	   2368
#define BENCH_BUFS	   (SW_BURST_MAX + SW_SPARE_MAX)

#define BENCH_US_NS    1000ull
#define BENCH_ROUND_NS (10 * BENCH_US_NS)
#define BENCH_TICK_NS  (1000 * BENCH_US_NS)
#define BENCH_FLOWS    (1u << 20) /* the configuration's default, as are all that follow */
#define BENCH_PENDING  16384
#define BENCH_HELD     8192
#define BENCH_RECENT   4096

struct bench_rig_cfg {
	uint8_t mode;	    /* enum sw_mode */
	uint32_t max_flows; /* 0: BENCH_FLOWS */
};

struct bench_rig {
	struct sw_engine *e;
	struct sw_view view;
	struct sw_keys keys;
	struct sw_master master;
	uint64_t keys_until_s, now_ns, ticked_ns;
	struct sw_out *out;
	struct sw_frame frames[SW_BURST_MAX];
	unsigned n; /* of frames[]: the burst to come */
	uint8_t *bufs;
	struct bench_mem engine_mem, policy_mem, buf_mem;
	size_t engine_bytes; /* sw_engine_size() */
	uint64_t fed;	     /* packets in all bursts */
};

/* False where there is not enough memory. */
bool bench_rig_init(struct bench_rig *r, const struct bench_rig_cfg *cfg);
void bench_rig_fini(struct bench_rig *r);

/* Forgets what came out; the clock moves; a tick, new keys where it is time. */
void bench_rig_next(struct bench_rig *r);

/* Copies a packet into the burst. csum: SW_CSUM_* */
static inline uint8_t *
bench_rig_buf(struct bench_rig *r, unsigned i)
{
	return r->bufs + (size_t)i * BENCH_BUF_BYTES + BENCH_BUF_HEADROOM;
}

/* The place in the burst of a packet that came out. */
static inline unsigned
bench_rig_which(const struct bench_rig *r, const struct sw_frame *f)
{
	return (unsigned)(((const uint8_t *)f->handle - r->bufs) / BENCH_BUF_BYTES);
}

/* The packet that the caller has written at bench_rig_buf(r, r->n) joins the burst. */
static inline void
bench_rig_add(struct bench_rig *r, unsigned side, uint32_t len, uint8_t csum)
{
	r->frames[r->n] = (struct sw_frame){.data = bench_rig_buf(r, r->n),
		.handle = bench_rig_buf(r, r->n),
		.len = len,
		.pkt_len = len,
		.room = (uint16_t)(BENCH_BUF_BYTES - BENCH_BUF_HEADROOM - len),
		.side = (uint8_t)side,
		.csum = csum,
		.headroom = BENCH_BUF_HEADROOM};
	r->n++;
}

static inline void
bench_rig_load(struct bench_rig *r, unsigned side, const void *data, uint32_t len, uint8_t csum)
{
	memcpy(bench_rig_buf(r, r->n), data, len);
	bench_rig_add(r, side, len, csum);
}

static inline void
bench_rig_run(struct bench_rig *r)
{
	sw_engine_burst(r->e, &r->view, r->now_ns, r->frames, r->n, r->out);
}

uint64_t bench_rig_count(const struct bench_rig *r, unsigned counter);

#endif
