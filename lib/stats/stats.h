/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats.h - counters and drop reasons, kept per lcore and counted per burst.
 *
 * The hot path counts into a small block on its stack and folds it into the lcore's own block once
 * per burst. Nobody else writes that block; the control thread reads it at any time.
 *
 * Names, units and help stand in counters.def and drops.def and nowhere else.
 *
 * Threads: sw_stats_fold() is called by the block's owner only. sw_stats_read() may run on any
 *          thread: each counter is read whole (64-bit relaxed loads), the set is not a snapshot.
 * Memory:  the caller's.
 */
#ifndef SW_STATS_STATS_H
#define SW_STATS_STATS_H

#include <string.h>

#include "base/base.h"

/* Drop reasons. SW_DROP_NONE is 0 and is not counted. */
enum sw_drop {
	SW_DROP_NONE = 0,
#define SW_DROP(id, name, help) SW_DROP_##id,
#include "stats/drops.def"
#undef SW_DROP
	SW_DROP_MAX
};

/* Index of a counter: first those of counters.def, then one for each drop reason. */
enum sw_counter {
#define SW_COUNTER(id, name, unit, help) SW_C_##id,
#include "stats/counters.def"
#undef SW_COUNTER
	SW_C_DROP_BASE, /* SW_C_DROP_BASE + reason */
	SW_C_MAX = SW_C_DROP_BASE + SW_DROP_MAX
};

/* What is known of a counter; `name` is lower case and stable, for telemetry and docs. */
struct sw_counter_info {
	const char *name;
	const char *unit;
	const char *help;
};

/*
 * The rows of both .def files by enum sw_counter. Entry SW_C_DROP_BASE (reason "none") has the
 * name NULL: skip it.
 */
extern const struct sw_counter_info sw_counter_info[SW_C_MAX];

#define SW_STATS_GROUP	8 /* counters of a burst that are looked at together: 32 bytes */
#define SW_STATS_GROUPS ((SW_C_MAX + SW_STATS_GROUP - 1) / SW_STATS_GROUP)

/*
 * Counts of one burst, on the stack. A burst is at most SW_BURST_MAX packets: 32 bits are plenty.
 * Most counters of a burst are 0: whole groups of them are passed over.
 */
struct sw_stats_burst {
	alignas(32) uint32_t c[SW_STATS_GROUPS * SW_STATS_GROUP];
};

/* lcore: rw, control: ro */
struct sw_stats {
	alignas(SW_CACHE_LINE_BYTES) uint64_t c[SW_C_MAX];
};

sw_always_inline void
sw_stats_clear(struct sw_stats_burst *b)
{
	memset(b, 0, sizeof(*b));
}

sw_always_inline void
sw_count(struct sw_stats_burst *b, enum sw_counter i)
{
	b->c[i]++;
}

sw_always_inline void
sw_count_add(struct sw_stats_burst *b, enum sw_counter i, uint32_t n)
{
	b->c[i] += n;
}

sw_always_inline void
sw_count_drop(struct sw_stats_burst *b, enum sw_drop reason)
{
	b->c[SW_C_DROPPED]++;
	b->c[SW_C_DROP_BASE + reason]++;
}

/* Adds a burst's counts to the lcore's block. */
void sw_stats_fold(struct sw_stats *s, const struct sw_stats_burst *b);

/* Adds the block of one lcore to `sum` (an array of SW_C_MAX). Call once per lcore. */
void sw_stats_read(const struct sw_stats *s, uint64_t sum[SW_C_MAX]);

/* What is counted per service; the same rules for threads and memory. lcore: rw, control: ro */
struct sw_service_stats {
	uint64_t syn_received;
	uint64_t synack_sent;
	uint64_t cookie_accepted;
	uint64_t cookie_refused;
	uint64_t established;
	uint64_t failed;
	uint64_t dropped;
	uint64_t passed;
};
static_assert(sizeof(struct sw_service_stats) == SW_CACHE_LINE_BYTES, "one line per service");

#endif
