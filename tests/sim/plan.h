/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan.h - what a seed stands for: the network, the service, the connections; and the judgement of
 * how they ended.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "world.h"

/* Fills *cfg and conns[0..n-1] from cfg->seed alone. */
void plan_make(struct world_cfg *cfg, struct conn *conns, unsigned n);

/* What is the same for every run: timers short enough to wait for, room for all. */
void plan_defaults(struct world_cfg *cfg);
/* A peer without whims; scripts change what they are about. */
struct peer_cfg plan_peer(void);

/* Every connection of a world that has run to its end. */
void plan_judge(struct world *w);

/*
 * The same seed's worlds with the front end and without it, both at their end: see judge_pace.c.
 * Returns how many connections could be compared.
 */
unsigned plan_compare(const struct world *w, const struct world *direct, bool verbose);

/* One line for people: what the seed is about. */
void plan_print(const struct world_cfg *cfg, const struct conn *conns, unsigned n);

#endif
