/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig.h - the engine on a test bench: its memory, policy, keys and buffers, and a book-keeper that
 * looks at every call.
 *
 * After each call it holds that
 *   - each buffer given came back exactly once, or is counted as held, and no other came;
 *   - each packet to be sent is the front end's to send: inside its buffer, right checksums, TCP
 *     options that parse; a packet that was corrupted on its way in has not become a right one;
 *   - the counters add up as counters.def says: rx + made = tx + dropped + respond_accepted +
 *     synack_consumed + held_discarded + held now; held = released + discarded + held now; the drop
 *     reasons add up to dropped.
 *
 * Packets to be sent are handed to sink(), which owns the buffer from then on.
 */
#ifndef SIM_RIG_H
#define SIM_RIG_H

#include "handshake/engine.h"
#include "cookie/keys.h"
#include "packet/build.h"
#include "seg.h"
#include "util.h"

#define RIG_FRAME_MAX 2048
#define RIG_HEADROOM  64 /* bytes; the least that the engine's headers count on */

enum rig_where { RIG_FREE, RIG_OUT, RIG_ENGINE, RIG_SPARE };

/*
 * One packet. The block is exactly what the engine may touch, so that a sanitizer sees more:
 *
 *   block            mem                    mem + len            block + size
 *     |<- headroom -->|<------- len --------->|<------ room ------->|
 */
struct rig_buf {
	uint8_t *block;
	uint8_t *mem;
	uint32_t size;
	uint32_t len;
	enum rig_where where;
	bool corrupt;		  /* one bit is not as it was sent */
	bool split;		  /* given to the engine as two pieces */
	bool made;		  /* was a spare */
	bool forged;		  /* by one who does not see the connection */
	struct rig_buf *next;	  /* free list */
	struct rig_buf *next_all; /* of the rig */
};

/* Services of the rig's policy; ports on the server's address, both families. */
#define RIG_PORT_PROXY	 80 /* options as rig_cfg.server says */
#define RIG_PORT_RESPOND 81
#define RIG_PORT_PASS	 82
#define RIG_PORT_DROP	 83
#define RIG_PORT_OTHER	 8080 /* no service */

struct rig_cfg {
	struct sw_server_opts server;
	uint16_t window;
	uint32_t epoch_s;
	uint64_t secret; /* seeds master, hash key */
	bool budget;
	bool learn, shared; /* of the proxied service; of the view */
	bool pass_icmp, pass_fragments;
	uint32_t max_flows, max_pending, max_held, max_recent;
	unsigned spares;     /* kept ready; 1..SW_SPARE_MAX */
	uint32_t headroom;   /* of every buffer */
	uint32_t spare_room; /* of every spare: SW_SEGMENT_MAX_BYTES, or room for data too */
	struct sw_timeouts timeouts;
};

struct rig {
	struct rig_cfg cfg;
	struct sw_engine *engine;
	struct sw_out *out;
	void *engine_mem, *policy_mem;
	struct sw_master master;
	struct sw_keys keys;
	uint64_t keys_until_s;
	struct sw_view view;
	struct rig_buf *free, *all;
	uint32_t in_engine; /* buffers that the engine has */
	uint64_t given[SW_SIDES], sent[SW_SIDES];
	void (*sink)(void *owner, int side, struct rig_buf *b);
	void *owner;
};

void rig_init(struct rig *r, const struct rig_cfg *cfg, uint64_t now);
/* Ends the engine: what it holds must come back. Frees everything. */
void rig_fini(struct rig *r);

/* A buffer with `room` bytes behind its `len`, and headroom; data is copied in where not NULL. */
struct rig_buf *rig_buf_get(struct rig *r, const uint8_t *data, uint32_t len, uint32_t room);
void rig_buf_put(struct rig *r, struct rig_buf *b);

/* csum: SW_CSUM_* bits for all. Keys are renewed when their time has come. */
void rig_burst(struct rig *r, uint64_t now, struct rig_buf *const bufs[], const uint8_t sides[],
	unsigned n, uint8_t csum);
void rig_tick(struct rig *r, uint64_t now);
/* Ticks through whole turns of the table at this one time and shortly after. */
void rig_tick_turns(struct rig *r, uint64_t *now, unsigned turns);

/* One segment in, at once. */
void rig_feed(
	struct rig *r, uint64_t now, const struct seg_path *path, int from, const struct seg *s);

uint64_t rig_count(const struct rig *r, enum sw_counter c);
uint64_t rig_drops(const struct rig *r, enum sw_drop reason);
struct sw_engine_gauges rig_gauges(const struct rig *r);

#endif
