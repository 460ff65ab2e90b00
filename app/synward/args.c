/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define TRY_HELP "try synward --help"

/* Values far from any character: getopt_long() gives '?' and ':' a meaning of their own. */
enum { OPT_CONFIG = 256, OPT_CHECK, OPT_HELP, OPT_VERSION };

static const struct option options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"check", no_argument, NULL, OPT_CHECK},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static int
refuse_own_in_eal(const struct sw_eal_args *e)
{
	for (int i = 0; i < e->n_args; i++) {
		const char *arg = e->args[i];

		if (sw_eal_is_long(arg, "--config") || sw_eal_is_long(arg, "--check")) {
			sw_log_error("%s is synward's own and goes after the --; " TRY_HELP, arg);
			return -EINVAL;
		}
	}
	return 0;
}

static int
take_option(struct sw_args *a, int opt, const char *text)
{
	char letter[3] = "-?";

	/* In a cluster such as -xy, getopt has not moved past the argument yet. */
	if (opt == '?' && optopt > 0 && optopt < OPT_CONFIG) {
		letter[1] = (char)optopt;
		text = letter;
	}
	switch (opt) {
	case OPT_CONFIG:
		if (a->config != NULL) {
			sw_log_error("--config is given twice; " TRY_HELP);
			return -EINVAL;
		}
		a->config = optarg;
		return 0;
	case OPT_CHECK:
		if (a->action == SW_ARGS_RUN)
			a->action = SW_ARGS_CHECK;
		return 0;
	case OPT_HELP:
		a->action = SW_ARGS_HELP;
		return 0;
	case OPT_VERSION:
		if (a->action != SW_ARGS_HELP)
			a->action = SW_ARGS_VERSION;
		return 0;
	case ':':
		sw_log_error("%s needs a value; " TRY_HELP, text);
		return -EINVAL;
	default:
		sw_log_error(
			"unknown or ill-formed option %s (EAL arguments go before a --: synward "
			"[EAL] -- --config FILE); " TRY_HELP,
			text);
		return -EINVAL;
	}
}

/* args[0] is skipped, as in any argv. */
static int
parse_own(struct sw_args *a, int n, char **args)
{
	int opt, rc;

	opterr = 0;
	optind = 0; /* glibc: start anew, whoever used it before */
	while ((opt = getopt_long(n, args, "+:", options, NULL)) != -1) {
		rc = take_option(a, opt, args[optind - 1]);
		if (rc != 0)
			return rc;
	}
	/* "--check FILE" is how one says it: take the file without its --config. */
	if (a->action == SW_ARGS_CHECK && a->config == NULL && optind < n)
		a->config = args[optind++];
	if (optind < n && a->action != SW_ARGS_HELP && a->action != SW_ARGS_VERSION) {
		sw_log_error("unexpected argument %s; " TRY_HELP, args[optind]);
		return -EINVAL;
	}
	return 0;
}

int
sw_args_parse(struct sw_args *a, int argc, char **argv)
{
	int split, rc;

	*a = (struct sw_args){.action = SW_ARGS_RUN};
	if (argc < 1) {
		sw_log_error("started without a program name; " TRY_HELP);
		return -EINVAL;
	}
	split = sw_eal_split(&a->eal, argc, argv);
	rc = refuse_own_in_eal(&a->eal);
	if (rc == 0)
		rc = parse_own(a, argc - split, argv + split);
	if (rc != 0)
		return rc;
	if (a->config == NULL && (a->action == SW_ARGS_RUN || a->action == SW_ARGS_CHECK)) {
		sw_log_error("no configuration: give one with --config FILE; " TRY_HELP);
		return -EINVAL;
	}
	return 0;
}

void
sw_args_help(void)
{
	fputs("usage: synward [EAL arguments --] --config FILE [--check]\n"
	      "\n"
	      "Answers the SYNs of TCP clients with SYN cookies and lets only proven ones "
	      "through.\n"
	      "\n"
	      "  --config FILE  configuration, see synward.yaml(5)\n"
	      "  --check        read and check it, say so, start nothing\n"
	      "  --version      print the version\n"
	      "  --help         print this\n"
	      "\n"
	      "EAL arguments go before a --, for example:\n"
	      "  synward -a 0000:01:00.0 -a 0000:01:00.1 -- --config /etc/synward/synward.yaml\n"
	      "  synward --no-huge -m 512 --no-pci --vdev=net_tap0,iface=dtap0 \\\n"
	      "          --vdev=net_tap1,iface=dtap1 -- --config try.yaml\n"
	      "Without -l, -c, -s or --lcores among them, the CPUs come from the configuration.\n"
	      "\n"
	      "Exit status: 0 ended by a signal, 1 failed at run time, 2 bad usage or "
	      "configuration.\n"
	      "See synward(8).\n",
		stdout);
}
