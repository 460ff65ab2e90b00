/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec.h - what connections are made of (conn.h), by the command line.
 *
 * Threads: one.
 */
#ifndef SW_LOAD_SPEC_H
#define SW_LOAD_SPEC_H

#include "args.h"
#include "conn.h"

/* Connections at once: as many as --concurrent, or what an open loop may have. */
uint64_t sw_conn_most(const struct sw_load_args *a);

/*
 * Fills *spec, but for start_us. route and payload have to last as long as it does; the request of
 * --http, which it points to, lasts for ever and is one for the whole process.
 */
void sw_conn_spec_make(struct sw_conn_spec *spec, const struct sw_load_args *a,
	const struct sw_load_route *route, const struct sw_payload *payload);

#endif
