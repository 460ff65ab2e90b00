/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * daemon.h - all parts of a running daemon in one place. Made by main.c in the order of the fields,
 * taken down in reverse.
 *
 * Threads: main thread; totals.c reads it from the telemetry thread, between sw_telemetry_start()
 *          and sw_telemetry_stop(), while nothing in it changes.
 */
#ifndef SW_APP_DAEMON_H
#define SW_APP_DAEMON_H

#include <rte_config.h>

#include "config.h"
#include "control.h"
#include "handover.h"
#include "lcore.h"
#include "packet/steer.h"
#include "port.h"

struct sw_daemon {
	struct sw_config cfg;
	unsigned lcores[RTE_MAX_LCORE]; /* of the workers */
	unsigned n_workers;
	struct sw_port ports[SW_SIDES]; /* by side */
	unsigned n_ports;
	struct sw_steer steer; /* with several workers */
	struct sw_control *control;
	struct sw_handover *handovers[RTE_MAX_LCORE]; /* the same */
	struct sw_worker *workers[RTE_MAX_LCORE];
};

#endif
