/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h - the figures of a run, as a table for people and as JSON for programs.
 *
 * The keys of the JSON are documented in synload(8) and stay as they are; more may come.
 *
 * Threads: one.
 */
#ifndef SW_LOAD_REPORT_H
#define SW_LOAD_REPORT_H

#include <stdio.h>

#include "args.h"
#include "conn.h"
#include "flood.h"
#include "hist.h"
#include "windows.h"

/* Counters of a port, by what the driver took and gave. */
struct sw_load_io_stats {
	uint64_t rx_packets;
	uint64_t tx_packets;
	uint64_t tx_full; /* packets that the port did not take at the first try */
	uint64_t tx_lost; /* segments that were given up because it took none for too long */
};

/* Everything that is counted, at one moment. */
struct sw_load_snapshot {
	struct sw_load_io_stats outside;
	struct sw_load_io_stats inside;
	struct sw_flood_stats flood;
	struct sw_conn_stats client;
	struct sw_conn_stats server;
	uint64_t in_flight; /* connections of the client */
	/* That a rate asked for, and that were given up: pacer.h. */
	uint64_t connect_skipped, flood_skipped;
	struct sw_hist handshake;
	struct sw_hist response;
};

struct sw_load_report {
	const struct sw_load_args *args;
	double seconds;		      /* measured: what was sent, what has ended */
	double rx_seconds;	      /* what was received: longer than seconds after --count */
	struct sw_load_snapshot from; /* when measuring began */
	struct sw_load_snapshot to;   /* when it ended */
	struct sw_load_snapshot last; /* when the last answer was in; from the very start */
	struct sw_windows windows;    /* from `from` to `to` */
};

/* What a mode does not have is null in the JSON and is left out of the table. */
static inline bool
sw_report_has_flood(const struct sw_load_args *a)
{
	return a->mode != SW_LOAD_CONNECT;
}

static inline bool
sw_report_has_connections(const struct sw_load_args *a)
{
	return a->mode != SW_LOAD_FLOOD;
}

static inline bool
sw_report_has_server(const struct sw_load_args *a)
{
	return a->mode != SW_LOAD_FLOOD && a->inside != NULL;
}

/* The line of one second: what changed from a to b, which took `seconds`. */
void sw_report_progress(FILE *out, const struct sw_load_args *args, double at,
	const struct sw_load_snapshot *a, const struct sw_load_snapshot *b, double seconds);

void sw_report_table(FILE *out, const struct sw_load_report *r);

/* Writes the JSON. Returns 0, or -errno with nothing said. */
int sw_report_json(const char *path, const struct sw_load_report *r);

#endif
