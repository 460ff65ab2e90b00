/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - the configuration file, read and judged whole.
 *
 * YAML by libyaml's document API, which keeps the line and column of every node. All errors of a
 * file are reported, not the first: one line each,
 *
 *   FILE:LINE:COL: path: what is wrong and what is allowed
 *
 * Unknown and repeated keys are errors. What is valid but not in this version yet (`when: auto`,
 * `metrics`) is a warning that says what happens instead.
 *
 * Threads: main thread.
 * Memory:  heap, owned by struct sw_config, freed by sw_config_free(), which also wipes the secret.
 */
#ifndef SW_APP_CONFIG_H
#define SW_APP_CONFIG_H

#include <limits.h>
#include <stdio.h>

#include "cookie/keys.h"
#include "policy/policy.h"
#include "splice/state.h"

#define SW_CONFIG_LCORES_MAX	 64
#define SW_CONFIG_PORT_BYTES	 128
#define SW_CONFIG_FLOWS_MIN	 1024u
#define SW_CONFIG_FLOWS_MAX	 (64u << 20)
#define SW_CONFIG_WINDOW_DEFAULT 32768 /* bytes that a client may send before the server answered */

struct sw_config {
	char outside[SW_CONFIG_PORT_BYTES];    /* DPDK device name */
	char inside[SW_CONFIG_PORT_BYTES];     /* empty: one port, all services respond or drop */
	uint16_t mtu;			       /* of both; 0: as they are */
	uint16_t queues;		       /* of each; 0: one a worker, or what it has */
	uint16_t rx_descriptors;	       /* of each queue; 0: as the drivers say */
	unsigned lcores[SW_CONFIG_LCORES_MAX]; /* CPU numbers of the workers */
	unsigned n_lcores;		       /* 0: auto, one worker */
	uint32_t flows;	  /* of the daemon; divided among the lcores, rounded up */
	uint32_t pending; /* connections waiting for servers, of the daemon */
	uint32_t held;	  /* packets held early, of the daemon */
	uint32_t resend;  /* SYN-ACKs remembered to be sent again, of the daemon; 0: none */
	uint32_t epoch_s;
	bool budget;
	bool pass_fragments, pass_icmp;
	bool idle_sleeps;	 /* workers with nothing to do sleep */
	bool has_secret;	 /* master came from secret_file */
	struct sw_master master; /* with has_secret */
	struct sw_timeouts timeouts;
	struct sw_service *services;
	struct sw_rule *rules;
	struct sw_source *sources;
	uint32_t n_services, n_rules, n_sources;
};

/*
 * Reads and checks `path`; errors and warnings go to `err`. Returns 0 with *cfg filled, or -EINVAL
 * (the file is wrong), or -errno (it cannot be read; the message is on `err` too). On failure *cfg
 * needs no freeing.
 */
int sw_config_load(const char *path, struct sw_config *cfg, FILE *err);

/* The same as what sw_policy_size() and sw_policy_build() take; points into cfg. */
struct sw_policy_spec sw_config_policy_spec(const struct sw_config *cfg);

void sw_config_free(struct sw_config *cfg);

#endif
