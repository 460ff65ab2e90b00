/* SPDX-License-Identifier: BSD-3-Clause */
#include "summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "totals.h"

static void
print_one(const char *name, uint64_t value, enum sw_total_kind kind, void *arg)
{
	FILE *out = arg;

	if (value != 0 || kind == SW_TOTAL_GAUGE)
		fprintf(out, "%s %" PRIu64 "\n", name, value);
}

void
sw_summary_print(const struct sw_daemon *d)
{
	sw_totals_each(d, print_one, stdout);
	fflush(stdout);
}
