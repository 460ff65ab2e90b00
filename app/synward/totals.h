/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * totals.h - the numbers of all workers added up, under the names that telemetry, the summary on
 * exit and the documentation share.
 *
 * Threads: any, while the workers exist. Each number is whole, the set is not a snapshot.
 */
#ifndef SW_APP_TOTALS_H
#define SW_APP_TOTALS_H

#include "daemon.h"

enum sw_total_kind {
	SW_TOTAL_COUNTER, /* only grows */
	SW_TOTAL_GAUGE,	  /* as it is now */
};

typedef void (*sw_total_fn)(const char *name, uint64_t value, enum sw_total_kind kind, void *arg);

/*
 * Calls fn for each number, always in the same order: the counters of lib/stats, those of the
 * workers, those of the ports (NAME_outside, NAME_inside), the gauges.
 */
void sw_totals_each(const struct sw_daemon *d, sw_total_fn fn, void *arg);

/* Adds one worker's hand-overs to *sum; h: NULL adds nothing. */
void sw_totals_handed(const struct sw_handover *h, struct sw_handed *sum);

/* What a worker's time went to since its start; lcore.h. */
struct sw_worker_times {
	uint64_t busy_us, idle_us, stalled_us;
	uint64_t busy_rounds;
};

/* Adds one worker's to *sum. */
void sw_totals_times(const struct sw_worker *w, struct sw_worker_times *sum);

/* Adds up the counters of service `idx` (idx < sw_policy_services()). */
struct sw_service_stats sw_totals_service(const struct sw_daemon *d, uint32_t idx);

#endif
