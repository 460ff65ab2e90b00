/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * startup.h - what is looked at before EAL starts, so that the operator reads a sentence and not
 * EAL's own account of the same.
 *
 * Threads: main thread, before rte_eal_init().
 * Errors:  messages go to standard error.
 */
#ifndef SW_APP_STARTUP_H
#define SW_APP_STARTUP_H

#include "eal.h"
#include "config.h"

/* "--lcores=" and two CPU lists of a large machine. */
#define SW_LCORES_ARG_BYTES 8192

/* Memory for EAL is there: 0, or -ENOMEM after a message with the two ways out. */
int sw_startup_hugepages(const struct sw_eal_args *e);

/*
 * Writes the --lcores argument: lcore 0 is the control thread and floats over all allowed CPUs,
 * lcores 1.. are the workers, one CPU each, those of cfg->lcores. With none listed it is one, the
 * last allowed CPU on the NUMA node of the outside port. Returns 0, or -EINVAL after a message.
 */
int sw_startup_lcores(const struct sw_config *cfg, char arg[SW_LCORES_ARG_BYTES]);

#endif
