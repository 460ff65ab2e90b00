/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.h - the control thread: signals, key epochs, and the view that the workers see.
 *
 * A view (policy, keys, timeouts) is immutable once published. There are two; the one that is not
 * published is made anew when the key epoch turns:
 *
 *   control                                         lcore, once per burst
 *   make view[other]; store-release view  ------->  load-acquire view, use it
 *   qsbr start; later qsbr check          <-------  qsbr quiescent
 *   wipe the keys of the old one
 *
 * The secret and both key sets lie on pages of their own, locked into memory and left out of
 * core dumps.
 *
 * Threads: main thread, but for `view`, `stop` and `qsbr`, which the workers use.
 * Memory:  EAL heap (policy, qsbr) and private pages.
 * Errors:  0 or -errno after a message on standard error.
 */
#ifndef SW_APP_CONTROL_H
#define SW_APP_CONTROL_H

#include <rte_rcu_qsbr.h>

#include "handshake/engine.h"

#include "config.h"

struct sw_worker;

struct sw_control_secrets; /* master and key sets */

struct sw_control {
	/* control: rw, lcores: ro */
	alignas(SW_CACHE_LINE_BYTES) const struct sw_view *view; /* release / acquire */
	struct rte_rcu_qsbr *qsbr;
	uint32_t stop; /* relaxed: it only ends the loop, nothing is published by it */

	/* control: rw, no one else */
	alignas(SW_CACHE_LINE_BYTES) struct sw_view views[2];
	struct sw_control_secrets *secrets;
	struct sw_policy *policy;
	uint64_t derived_at_s; /* when the published keys were derived, */
	uint64_t change_at_s;  /* and when they are to be derived again */
	uint64_t grace_token;  /* of the qsbr, while `grace` */
	uint32_t epoch_s;
	clockid_t clock;
	unsigned current; /* index of the published view */
	bool grace;	  /* a worker may still see the other view */
};

/*
 * Blocks the signals that sw_control_run() waits for and ignores those that would end the daemon
 * for no reason. Before any thread is made: threads inherit it.
 */
void sw_control_signals(void);

/*
 * Makes policy and keys of cfg and publishes the first view. cfg->master is wiped. NULL on failure.
 */
struct sw_control *sw_control_create(struct sw_config *cfg, unsigned n_workers, int socket);
void sw_control_free(struct sw_control *c);

/*
 * Runs until SIGINT or SIGTERM (0), or until a worker has ended by itself (-ECHILD). Does not
 * stop the workers.
 */
int sw_control_run(struct sw_control *c, struct sw_worker *const workers[], unsigned n_workers);

/* Ends the loops of the workers; wait for their lcores afterwards. */
void sw_control_stop(struct sw_control *c);

#endif
