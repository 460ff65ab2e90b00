/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * args.h - the command line: EAL's arguments, then "--", then ours.
 *
 *   synward [EAL arguments --] --config FILE [--check]
 *
 * Without a "--" all of it is ours. What becomes of EAL's arguments: eal.h.
 *
 * Threads: main thread, before EAL.
 * Memory:  the strings of argv are pointed at.
 */
#ifndef SW_APP_ARGS_H
#define SW_APP_ARGS_H

#include "eal.h"

enum sw_args_action { SW_ARGS_RUN, SW_ARGS_CHECK, SW_ARGS_HELP, SW_ARGS_VERSION };

struct sw_args {
	enum sw_args_action action;
	const char *config; /* path; not NULL for SW_ARGS_RUN and SW_ARGS_CHECK */
	struct sw_eal_args eal;
};

/* Returns 0, or -EINVAL after one sentence on standard error. */
int sw_args_parse(struct sw_args *a, int argc, char **argv);

/* What --help prints, on standard output. */
void sw_args_help(void);

#endif
