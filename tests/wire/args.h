/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * args.h - the wire's command line.
 *
 * Threads: none.
 */
#ifndef SW_TESTS_ARGS_H
#define SW_TESTS_ARGS_H

#include "impair.h"
#include "vlan.h"

enum wire_dir { WIRE_AB = 0, WIRE_BA = 1, WIRE_DIRS = 2 };

struct wire_args {
	const char *port[2]; /* a, b: NETNS/IF or IF */
	struct impair_config dir[WIRE_DIRS];
	struct vlan_stack tags; /* pushed towards b, popped towards a */
	uint32_t pad;		/* shorter frames are made this long; 0: none */
};

/* Returns 0; 1 after --help; -EINVAL with a sentence on stderr. */
int wire_args_read(struct wire_args *args, int argc, char **argv);

#endif
