/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.h - what went over the four legs, to be read like a tcpdump when a run has failed, or to be
 * written as one. Runs repeat exactly, so a run is traced only when it is known to fail.
 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdio.h>

#include "seg.h"
#include "util.h"

struct trace_row {
	uint64_t at, arrives; /* arrives: SIM_NEVER where lost */
	uint32_t conn;
	uint8_t leg; /* enum leg */
	bool lost, dup, corrupt, forged;
	uint32_t len;
	const uint8_t *frame; /* as sent */
};

struct trace {
	struct trace_row *row;
	size_t n, cap;
};

#define TRACE_NO_CONN UINT32_MAX
#define TRACE_ALL     UINT64_MAX

/* The frame is copied. */
void trace_add(struct trace *t, const struct trace_row *row);
/*
 * One line a packet. conns: bit i for connection i, TRACE_ALL for everything. Of more than max rows
 * the middle is left out.
 */
void trace_print(struct trace *t, FILE *f, uint64_t conns, uint64_t epoch, size_t max);
/*
 * The packets of the outer legs, or of the inner ones, as a classic pcap file with simulated times;
 * also those that were lost then. False with errno where it cannot be written.
 */
bool trace_write_pcap(struct trace *t, const char *path, bool inside);
void trace_fini(struct trace *t);

#endif
