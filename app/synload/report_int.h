/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report_int.h - what the parts of the JSON share: report_json.c (measured), report_asked.c (asked
 * for). Private to them.
 */
#ifndef SW_LOAD_REPORT_INT_H
#define SW_LOAD_REPORT_INT_H

#include <jansson.h>

#include "report.h"

/* What the command line says, defaults included: a report can be read without it. */
json_t *sw_report_asked(const struct sw_load_args *a);

static inline void
put_int(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

/* A figure that cannot be had, or that this mode does not have, is null and not a number. */
static inline void
put_ratio(json_t *o, const char *key, double a, double b)
{
	json_object_set_new(o, key, b > 0 ? json_real(a / b) : json_null());
}

static inline void
put_int_if(json_t *o, const char *key, bool has, uint64_t value)
{
	json_object_set_new(o, key, has ? json_integer((json_int_t)value) : json_null());
}

static inline void
put_if(json_t *o, const char *key, bool has, json_t *value)
{
	json_object_set_new(o, key, has ? value : json_null());
	if (!has)
		json_decref(value);
}

#endif
