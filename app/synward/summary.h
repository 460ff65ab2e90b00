/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * summary.h - what the daemon did, one "name value" line each on standard output: the counters that
 * are not zero, and all gauges. The names and their order are those of totals.h.
 */
#ifndef SW_APP_SUMMARY_H
#define SW_APP_SUMMARY_H

#include "daemon.h"

/* After the workers have ended, before the ports are stopped (drivers forget their statistics). */
void sw_summary_print(const struct sw_daemon *d);

#endif
