/* SPDX-License-Identifier: BSD-3-Clause */
/* rig_each.h - a rig of the defaults for each test of a file, and connections to begin with. */
#ifndef SW_TEST_RIG_EACH_H
#define SW_TEST_RIG_EACH_H

#include "unit/rig.h"

static struct rig r;

static const struct rig_conn conn4 = {.cport = 40000, .c = 0xfffffff0, .s = 7000};
static const struct rig_conn conn6 = {.v6 = true, .cport = 40001, .c = 5, .s = 0xffffffff};

static inline void
setup(void)
{
	rig_init(&r, NULL);
}

static inline void
teardown(void)
{
	rig_fini(&r);
}

#endif
