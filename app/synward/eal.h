/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eal.h - EAL's share of the command line, and its start, for every program of app/.
 *
 *   PROGRAM [EAL arguments --] arguments of the program
 *
 * EAL's arguments are only looked at, never changed: where the user did not choose CPUs or log
 * levels, ours are added before his.
 *
 * Order of use: sw_eal_split(), sw_eal_argv(), sw_eal_init().
 * Threads: main thread.
 * Memory:  the strings of argv are pointed at; the array that sw_eal_argv() makes is the caller's
 *          to free (not its strings).
 */
#ifndef SW_APP_EAL_H
#define SW_APP_EAL_H

#include <stdbool.h>

struct sw_eal_args {
	char *program; /* argv[0] */
	char **args;   /* EAL's arguments as they were given, n_args of them */
	int n_args;
	bool chooses_cpus; /* -l, -c, -s, -S or --lcores is among them */
	bool log_level;	   /* --log-level is */
	bool talks;	   /* -h or -v is: what it prints is wanted */
	bool no_huge;
	bool in_memory;
};

/* True for "--name" and "--name=value". */
bool sw_eal_is_long(const char *arg, const char *name);

/*
 * Fills e from argv up to the first "--". Returns the index of the "--", whose place is that of
 * argv[0] for getopt_long(); 0 where there is none: all of it is then the program's own. argc is at
 * least 1.
 */
int sw_eal_split(struct sw_eal_args *e, int argc, char **argv);

/*
 * The argv for rte_eal_init(), NULL-terminated, *argc of them. lcores: a whole "--lcores=..."
 * argument of ours, or NULL. NULL where there is no memory.
 */
char **sw_eal_argv(const struct sw_eal_args *e, char *lcores, int *argc);

/*
 * rte_eal_init() without the hundred lines of help that it prints on standard output where it does
 * not like an argument. Returns 0; -EINVAL for wrong arguments, -EIO for all else, after one
 * sentence on standard error.
 */
int sw_eal_init(const struct sw_eal_args *e, int argc, char **argv);

#endif
