/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine.h - the front end itself, without I/O: a burst of packets in, a burst of packets out.
 *
 *   client             engine                                  server
 *     | -- SYN ----------> | cookie; nothing is kept              |
 *     | <---- SYN-ACK ---- | (the SYN's own buffer)               |
 *     | -- ACK [data] ---> | cookie valid: one flow, one pending  |
 *     |                    | ------------ SYN ------------------> |  again after 1, 2, 4 s; then
 *     |                    |                                      |  RST to the client
 *     | -- data ---------> | held                                 |
 *     |                    | <---------- SYN-ACK ---------------- |
 *     |                    | ------------ ACK ------------------> |
 *     | <-- ACK, window -- | ------------ held data ------------> |
 *     | <================ every segment translated =============> |
 *
 * One engine belongs to one lcore: its flow table, pending records, held packets, counters and
 * budget are written by nobody else. Both directions of a connection must be given to the
 * same engine.
 *
 * Order of use:
 *   sw_engine_size(), sw_engine_init() once;
 *   in a loop: top up out->spare, sw_engine_burst(), send and free what stands in *out, reset *out;
 *   every 10 ms or so: the same with sw_engine_tick();
 *   at the end: sw_engine_drain(), which gives back the packets that are held.
 *
 * Threads: as said. sw_engine_stats(), sw_engine_service_stats() and sw_engine_gauges() may be read
 *          by any thread at any time; their numbers are whole, not a snapshot.
 * Memory:  one block of the caller's; nothing is allocated later. The view is the caller's and may
 *          be another one at each call; it is not kept.
 * Time:    now_ns is a steady clock, the same at every call for one engine; read it once per burst.
 * Errors:  packets have verdicts and counters, never an errno.
 */
#ifndef SW_HANDSHAKE_ENGINE_H
#define SW_HANDSHAKE_ENGINE_H

#include "base/base.h"
#include "base/frame.h"
#include "cookie/keys.h"
#include "flow/flow.h"
#include "policy/policy.h"
#include "splice/state.h"
#include "stats/stats.h"

/*
 * Early segments held for one connection; its bytes are bounded by the window that was advertised.
 */
#define SW_HOLD_PER_FLOW 64

/*
 * Intervals before the SYN to a server is sent again; after the last one the client is reset.
 * Retransmissions: after 1, 2 and 4 s; given up 8 s after the last.
 */
#define SW_SERVER_SYN_TRIES 3

/* Buffers of his own that the caller should have in out->spare before each call. */
#define SW_SPARE_MAX (2 * SW_BURST_MAX)

/*
 * A burst never makes more packets than this for one side: each may release a whole hold queue, and
 * all spares may be used.
 */
#define SW_OUT_MAX (SW_BURST_MAX * (SW_HOLD_PER_FLOW + 1) + SW_SPARE_MAX)

/* What a call gives back. The caller clears n_tx and n_free (n_spare stays as it is left). */
struct sw_out {
	struct sw_frame tx[SW_SIDES][SW_OUT_MAX]; /* to be sent on that side, in order */
	uint32_t n_tx[SW_SIDES];
	void *free[SW_OUT_MAX]; /* handles of packets that are finished with */
	uint32_t n_free;
	/*
	 * Empty buffers for packets that answer nothing: len 0, room = usable bytes at data
	 * (at least SW_SEGMENT_MAX_BYTES). Taken from the end. With none left the engine
	 * does without the packet (a SYN is sent at the next timer, a window ACK not at
	 * all) and loses nothing else.
	 */
	struct sw_frame spare[SW_SPARE_MAX];
	uint32_t n_spare;
};

/* Everything that may change while running; immutable while a lcore can see it. */
struct sw_view {
	const struct sw_policy *policy;
	const struct sw_keys *keys;
	struct sw_timeouts timeouts;
	bool budget; /* an epoch accepts no more cookies than this engine issued in it */
	/*
	 * Cookies of others who share the secret are accepted too: what is promised to clients and
	 * cannot be read off a cookie (the window scale) is then never learned.
	 */
	bool shared;
	bool pass_fragments; /* else fragments that may be TCP are dropped: see other.c */
	bool pass_icmp;	     /* errors about protected services without a flow; else dropped */
};

struct sw_engine_params {
	uint32_t max_flows;   /* connections at one time */
	uint32_t max_pending; /* connections that wait for their server at one time */
	uint32_t max_held;    /* packets held early, over all connections */
	uint32_t max_recent;  /* SYN-ACKs remembered to be sent again; 0: none. See recent.c */
	uint64_t hash_key[4]; /* random */
};

/* Now-values; any thread may read them. */
struct sw_engine_gauges {
	uint32_t flows;
	uint32_t flows_max;
	uint32_t pending;
	uint32_t held;
};

struct sw_engine;

/* Bytes that an engine needs; 0 where a parameter is out of bounds (each 1..2^30). */
size_t sw_engine_size(const struct sw_engine_params *params);

/* Lays out an engine at mem (aligned to SW_CACHE_LINE_BYTES). NULL where size is too small. */
struct sw_engine *sw_engine_init(void *mem, size_t size, const struct sw_engine_params *params);

/*
 * Takes n packets (n <= SW_BURST_MAX; frames[] is overwritten). Every handle comes back exactly
 * once, in out->tx or out->free of this call or, where it is held, of a later one. *out must be
 * empty but for its spares.
 */
void sw_engine_burst(struct sw_engine *e, const struct sw_view *view, uint64_t now_ns,
	struct sw_frame *frames, unsigned n, struct sw_out *out);

/*
 * Timers: retransmits SYNs to servers, gives up, ages flows. To be called about every millisecond;
 * bounded work per call. A whole turn of the table takes about one second for tables up to some
 * 1.7M flows, longer for larger ones, and shorter where flows are made so fast that more than a
 * quarter of the table would be beyond its time. A call looks at 256 buckets at most and removes
 * every expired flow in them.
 */
void sw_engine_tick(
	struct sw_engine *e, const struct sw_view *view, uint64_t now_ns, struct sw_out *out);

/* Gives back held packets in out->free, as many as fit; returns true when none is left. */
bool sw_engine_drain(struct sw_engine *e, struct sw_out *out);

const struct sw_stats *sw_engine_stats(const struct sw_engine *e);
/* Array of SW_SERVICES_MAX, by service index. */
const struct sw_service_stats *sw_engine_service_stats(const struct sw_engine *e);
struct sw_engine_gauges sw_engine_gauges(const struct sw_engine *e);

/* For tests and telemetry: the engine's flow table; owner's thread only. */
struct sw_flow_table *sw_engine_flows(struct sw_engine *e);

#endif
