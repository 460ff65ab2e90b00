/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * args.h - the command line of synload: EAL's arguments, then "--", a mode, and its options.
 *
 *   synload [EAL arguments] -- flood|connect|mixed [options]
 *
 * Threads: main thread, before EAL.
 * Memory:  the strings of argv are pointed at.
 */
#ifndef SW_LOAD_ARGS_H
#define SW_LOAD_ARGS_H

#include "craft.h"
#include "load.h"
#include "reply.h"

/* Each a bit, for the modes that an option belongs to. */
enum sw_load_mode { SW_LOAD_FLOOD = 1, SW_LOAD_CONNECT = 2, SW_LOAD_MIXED = 4 };

enum sw_load_action { SW_LOAD_RUN, SW_LOAD_HELP, SW_LOAD_VERSION };

/* Times are in ns; 0: not given, where the comment says no more. */
struct sw_load_args {
	enum sw_load_action action;
	enum sw_load_mode mode;
	const char *outside; /* not NULL to run */
	const char *inside;
	const char *json;
	uint64_t seconds_ns;
	uint64_t warmup_ns;
	uint64_t seed;
	struct sw_load_route route;
	enum sw_space_order order;
	enum sw_craft_options options;
	bool side_inside; /* the flood comes from --inside */
	bool quiet;
	bool fifo_buffers;
	/* flood, mixed */
	unsigned weights[SW_CRAFT_TYPES];
	uint64_t flood_rate; /* packets a second; 0: flat out */
	uint64_t count;
	uint64_t sample;
	/* connect, mixed */
	uint64_t connect_rate; /* connections a second; 0: closed loop */
	uint64_t concurrent;   /* 0: open loop */
	uint64_t total;
	uint64_t request_bytes;
	uint64_t response_bytes;
	uint64_t keep_alive;
	uint64_t hold_ns;
	const char *http; /* path; NULL: an emulated protocol */
	uint64_t timeout_ms;
	uint64_t rto_ms;
	bool close_server;
};

/*
 * argv[0] is skipped; what follows is a mode and its options. Returns 0, or -EINVAL after one
 * sentence through say(), which is sw_log_error() in the program.
 */
int sw_load_args_parse(struct sw_load_args *a, int argc, char **argv,
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2))));

/* What --help prints, on standard output. */
void sw_load_help(void);

#endif
