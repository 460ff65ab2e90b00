/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

static void
put(const char *prefix, const char *fmt, va_list ap)
{
	flockfile(stderr);
	fputs(prefix, stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void
sw_log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put("synward: ", fmt, ap);
	va_end(ap);
}

void
sw_log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put("synward: warning: ", fmt, ap);
	va_end(ap);
}
