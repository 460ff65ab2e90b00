/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * args.h - the command line: EAL's arguments, then "--", then ours.
 *
 *   synward [EAL arguments --] --config FILE [--check]
 *
 * Without a "--" all of it is ours. EAL's arguments are only looked at, never changed: where the
 * user did not choose CPUs or log levels, ours are added before his.
 *
 * Threads: main thread, before EAL.
 * Memory:  the strings of argv are pointed at; the array that sw_args_eal_argv() makes is the
 *          caller's to free (not its strings).
 */
#ifndef SW_APP_ARGS_H
#define SW_APP_ARGS_H

#include <stdbool.h>

enum sw_args_action { SW_ARGS_RUN, SW_ARGS_CHECK, SW_ARGS_HELP, SW_ARGS_VERSION };

struct sw_args {
	enum sw_args_action action;
	const char *config; /* path; not NULL for SW_ARGS_RUN and SW_ARGS_CHECK */
	char *program;	    /* argv[0] */
	char **eal;	    /* EAL's arguments as they were given, n_eal of them */
	int n_eal;
	bool eal_chooses_cpus; /* -l, -c, -s, -S or --lcores is among them */
	bool eal_log_level;    /* --log-level is */
	bool eal_talks;	       /* -h or -v is: what it prints is wanted */
	bool no_huge;
	bool in_memory;
};

/* Returns 0, or -EINVAL after one sentence on standard error. */
int sw_args_parse(struct sw_args *a, int argc, char **argv);

/*
 * The argv for rte_eal_init(), NULL-terminated, *argc of them. lcores: a whole "--lcores=..."
 * argument of ours, or NULL. NULL where there is no memory.
 */
char **sw_args_eal_argv(const struct sw_args *a, char *lcores, int *argc);

/* What --help prints, on standard output. */
void sw_args_help(void);

#endif
