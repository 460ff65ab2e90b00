/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "log.h"

/* Arguments of ours that sw_eal_argv() may add, argv[0] and the NULL included. */
#define ADDED_MAX 7

bool
sw_eal_is_long(const char *arg, const char *name)
{
	size_t len = strlen(name);

	return strncmp(arg, name, len) == 0 && (arg[len] == '\0' || arg[len] == '=');
}

int
sw_eal_split(struct sw_eal_args *e, int argc, char **argv)
{
	static char *no_args[] = {NULL};
	int split = 1;

	*e = (struct sw_eal_args){.program = argv[0], .args = no_args};
	while (split < argc && strcmp(argv[split], "--") != 0)
		split++;
	if (split == argc)
		return 0;
	e->args = argv + 1;
	e->n_args = split - 1;
	for (int i = 0; i < e->n_args; i++) {
		const char *arg = e->args[i];

		if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0 || strcmp(arg, "-v") == 0)
			e->talks = true;
		if (sw_eal_is_long(arg, "--lcores") ||
			(arg[0] == '-' && arg[1] != '\0' && strchr("lcsS", arg[1])))
			e->chooses_cpus = true;
		e->log_level |= sw_eal_is_long(arg, "--log-level");
		e->no_huge |= sw_eal_is_long(arg, "--no-huge");
		e->in_memory |= sw_eal_is_long(arg, "--in-memory");
	}
	return split;
}

char **
sw_eal_argv(const struct sw_eal_args *e, char *lcores, int *argc)
{
	/*
	 * EAL's notices (CPUs found, sockets opened) and telemetry's warning that nobody uses its
	 * old interface are of no use at every start. net_tap calls it an error that a kernel has
	 * no multiq qdisc, which only its flow rules would need; where it really fails, EAL says
	 * so.
	 */
	static char eal_level[] = "--log-level=lib.eal:warning";
	static char telemetry_level[] = "--log-level=lib.telemetry:error";
	static char tap_level[] = "--log-level=pmd.net.tap:critical";
	char **v = calloc((size_t)e->n_args + ADDED_MAX, sizeof(*v));
	int n = 0;

	if (v == NULL)
		return NULL;
	v[n++] = e->program;
	if (lcores != NULL)
		v[n++] = lcores;
	if (!e->log_level) {
		v[n++] = eal_level;
		v[n++] = telemetry_level;
		v[n++] = tap_level;
	}
	for (int i = 0; i < e->n_args; i++)
		v[n++] = e->args[i];
	*argc = n;
	return v;
}

int
sw_eal_init(const struct sw_eal_args *e, int argc, char **argv)
{
	int out = -1, null, rc, err;
	bool usage;

	fflush(stdout);
	if (!e->talks && (null = open("/dev/null", O_WRONLY | O_CLOEXEC)) >= 0) {
		out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (out >= 0)
			dup2(null, STDOUT_FILENO);
		close(null);
	}
	rc = rte_eal_init(argc, argv);
	err = rte_errno;
	if (out >= 0) {
		fflush(stdout);
		dup2(out, STDOUT_FILENO);
		close(out);
	}
	if (rc >= 0)
		return 0;
	usage = err == EINVAL;
	sw_log_error("EAL %s: %s. See its lines above%s; --log-level=lib.eal:debug before the -- "
		     "makes them more, -h lists its arguments",
		usage ? "does not take these arguments" : "did not start", rte_strerror(err),
		usage || e->no_huge ? "" : " and, for free pages, grep Huge /proc/meminfo");
	return usage ? -EINVAL : -EIO;
}
