/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * telemetry.h - statistics on DPDK's telemetry socket (dpdk-telemetry.py reads it).
 *
 *   /synward/stats            all numbers of totals.h, by name
 *   /synward/services[,FIRST] services by name, from number FIRST (0) on, as many as an answer
 *                             holds: {"web": {"name": "web", "index": 0, "mode": "proxy",
 *                             counters...}, ...}
 *   /synward/workers[,FIRST]  workers in the same way: {"worker_0": {"lcore": 1, numbers...}, ...}
 *
 * In the key of a service, '.' and '-' are written as '_' (telemetry allows no others); where two
 * come to be the same, "_INDEX" is appended to the later one. "name" is always the name itself.
 *
 * Threads: the commands run on EAL's telemetry thread. They are registered once and stay; between
 *          sw_telemetry_stop() and the end they answer with an error.
 */
#ifndef SW_APP_TELEMETRY_H
#define SW_APP_TELEMETRY_H

#include "daemon.h"

/* Where telemetry is off (--no-telemetry), this does nothing that anyone can see. 0 or -errno. */
int sw_telemetry_start(const struct sw_daemon *d);

/* Returns when no command reads the daemon any more. */
void sw_telemetry_stop(void);

#endif
