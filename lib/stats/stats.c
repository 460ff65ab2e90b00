/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/stats.h"

const struct sw_counter_info sw_counter_info[SW_C_MAX] = {
#define SW_COUNTER(id, name, unit, help) [SW_C_##id] = {name, unit, help},
#include "stats/counters.def"
#undef SW_COUNTER
#define SW_DROP(id, name, help) [SW_C_DROP_BASE + SW_DROP_##id] = {"drop_" name, "packets", help},
#include "stats/drops.def"
#undef SW_DROP
};

static bool
group_is_zero(const uint32_t *c)
{
	uint64_t w[SW_STATS_GROUP / 2];

	memcpy(w, c, sizeof(w));
	return (w[0] | w[1] | w[2] | w[3]) == 0;
}

void
sw_stats_fold(struct sw_stats *s, const struct sw_stats_burst *b)
{
	for (unsigned g = 0; g < SW_STATS_GROUPS; g++) {
		if (group_is_zero(&b->c[g * SW_STATS_GROUP]))
			continue;
		for (unsigned i = g * SW_STATS_GROUP; i < (g + 1) * SW_STATS_GROUP; i++) {
			/*
			 * Single writer: a plain sum, stored whole so that a reader sees no half.
			 */
			if (b->c[i] != 0)
				__atomic_store_n(&s->c[i], s->c[i] + b->c[i], __ATOMIC_RELAXED);
		}
	}
}

void
sw_stats_read(const struct sw_stats *s, uint64_t sum[SW_C_MAX])
{
	for (unsigned i = 0; i < SW_C_MAX; i++)
		sum[i] += __atomic_load_n(&s->c[i], __ATOMIC_RELAXED);
}
