/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_int.h - between the files of the plan.
 */
#ifndef SIM_PLAN_INT_H
#define SIM_PLAN_INT_H

#include "plan.h"

#define PLAN_MACHINES 3

/* What the TCP of one server has; all of them stand behind one service. */
struct machine {
	uint16_t mss4, mss6;
	uint8_t wscale;
	bool sack, ts, ecn;
};

/* plan_front.c: the front end, its service and the machines behind it */
void plan_front(struct world_cfg *cfg, struct machine *m, struct rng *r);
/* Another system is started on some of them. */
void plan_machines_change(const struct world_cfg *cfg, struct machine *m, struct rng *r);
void plan_server(
	struct conn *c, const struct world_cfg *cfg, const struct machine *m, struct rng *r);

/* plan_whims.c: what few connections do */
void plan_whims(struct conn *c, struct rng *r);
/*
 * Not the client opens it, or not alone; both only over a clean network: what is lost or late there
 * decides whether the cookie or the server's SYN made the connection, and each end may differ.
 */
void plan_opener(struct conn *c, const struct world_cfg *cfg, struct rng *r);

/* judge_options.c: of a connection that the server took */
void judge_options(const struct world *w, const struct conn *c, const struct tcp_peer *sv);

#endif
