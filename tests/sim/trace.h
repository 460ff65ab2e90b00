/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.h - what went over the four legs, to be read like a tcpdump when a run has failed. Runs
 * repeat exactly, so a run is traced only when it is known to fail.
 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdio.h>

#include "seg.h"
#include "util.h"

struct trace_row {
	uint64_t at, arrives; /* arrives: SIM_NEVER where lost */
	uint32_t conn;
	uint8_t leg;
	bool lost, dup, corrupt;
	struct seg seg;
};

struct trace {
	struct trace_row *row;
	size_t n, cap;
};

#define TRACE_NO_CONN UINT32_MAX

void trace_add(struct trace *t, const struct trace_row *row);
#define TRACE_ALL UINT64_MAX

/* conns: bit i for connection i, TRACE_ALL for everything. Of more than max rows the
 * middle is left out. */
void trace_print(const struct trace *t, FILE *f, uint64_t conns, uint64_t epoch, size_t max);
void trace_fini(struct trace *t);

#endif
