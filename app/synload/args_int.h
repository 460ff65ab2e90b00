/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * args_int.h - what the parts of the command line share: args.c (words, what fits together) and
 * args_table.c (the options and their values). Private to them.
 */
#ifndef SW_LOAD_ARGS_INT_H
#define SW_LOAD_ARGS_INT_H

#include "args.h"

#define TRY_HELP "try synload --help"

/* Bytes of one direction of a connection: within half of the sequence space. */
#define STREAM_MAX 1000000000u

/* State of one parse. */
struct parse {
	struct sw_load_args *a;
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
	bool servers_given, sources_given[2];
	uint64_t given; /* a bit for each of sw_load_defs[] */
};

/* NULL, or what is allowed instead of the value. */
typedef const char *(*take_fn)(struct parse *p, const char *value);

enum def_kind { DEF_FUNCTION, DEF_NUMBER, DEF_SECONDS, DEF_TEXT, DEF_FLAG };

/* An option; min and max are those of a number, or of seconds in ns. */
struct def {
	const char *name;
	unsigned modes; /* that it belongs to */
	enum def_kind kind;
	take_fn take;
	size_t field;
	uint64_t min, max;
};

extern const struct def sw_load_defs[];
extern const unsigned sw_load_n_defs;

/* The option of that name was given. */
bool sw_load_is_given(const struct parse *p, const char *name);

#endif
