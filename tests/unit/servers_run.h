/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * servers_run.h - what test_servers_repair.c, test_servers_anew.c and test_servers_learn.c share:
 * clients that ask for everything, of servers that lack something.
 */
#ifndef SW_TEST_SERVERS_RUN_H
#define SW_TEST_SERVERS_RUN_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig.h"

#define NS_PER_S 1000000000ull
#define ECN	 (SW_TCP_ECE | SW_TCP_CWR)

static struct rig r;
static uint16_t next_port;
static uint8_t data[1400];

static inline void
setup(void)
{
	struct sw_server_opts all = {
		.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true, .ecn = true};
	struct rig_params p = {.server = &all, .learn = true};

	rig_init(&r, &p);
	next_port = 20000;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 11 + i / 256);
}

static inline void
teardown(void)
{
	rig_fini(&r);
}

/* A client that asks for everything, of a server that lacks something. */
static inline struct rig_conn
conn_of(bool v6, uint8_t lacks)
{
	static const uint8_t opts[20] = {
		2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 50, 0, 0, 0, 0, 1, 3, 3, 7};
	next_port++;
	struct rig_conn c = {.v6 = v6,
		.cport = next_port,
		.c = 0xfffff000u + next_port,
		.s = 0xfffff800u - next_port,
		.ctsval = 60,
		.stsval = 9000,
		.lacks = lacks,
		.syn_flags = ECN};

	memcpy(c.opts, opts, sizeof(opts));
	c.opts_len = sizeof(opts);
	return c;
}

/* The clock goes on, with the keys; no tick, so nothing is aged. */
static inline void
pass_time(unsigned s)
{
	r.now_ns += s * NS_PER_S;
	rig_rekey(&r);
}

/* A whole handshake, with the second SYN where the server turns out to lack timestamps. */
static inline void
open_with(struct rig_conn *c)
{
	uint8_t o[40];
	struct pkt_make m;

	rig_ack(&r, c);
	if ((c->asked & RIG_TS) && (c->lacks & RIG_TS)) {
		m = rig_server_synack(c, o);
		rig_send(&r, SW_INSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 2);
		c->asked &= (uint8_t)~RIG_TS;
		c->s += 1000;
	}
	rig_synack(&r, c);
	ck_assert_uint_eq(rig_flow(&r, c)->state, SW_FLOW_QUIET);
}

static inline struct rig_conn
connection(bool v6, uint8_t lacks)
{
	struct rig_conn c = conn_of(v6, lacks);

	rig_syn(&r, &c);
	open_with(&c);
	return c;
}

/* What the server says to our first SYN, still to be sent; o has room for 40 bytes. */
static inline struct pkt_make
first_answer(struct rig_conn *c, uint8_t *o)
{
	rig_syn(&r, c);
	rig_ack(&r, c);
	return rig_server_synack(c, o);
}

/* What the SYN-ACK that was just sent promised; RIG_* bits, its MSS and scale. */
struct told {
	unsigned options;
	unsigned mss, scale;
};

static inline struct told
told_to(struct rig_conn *c)
{
	struct told t = {.options = RIG_MSS};

	rig_syn(&r, c);
	const struct pkt_seen *s = &r.sent[0].seen;
	const uint8_t *o = rig_opt(s, SW_OPT_WSCALE);

	t.mss = (unsigned)rig_opt(s, SW_OPT_MSS)[2] << 8 | rig_opt(s, SW_OPT_MSS)[3];
	t.scale = o ? o[2] : SW_WSCALE_NONE;
	t.options |= (o ? RIG_WS : 0) | (rig_opt(s, SW_OPT_SACK_PERM) ? RIG_SACK : 0) |
		     (rig_opt(s, SW_OPT_TS) ? RIG_TS : 0) | (s->flags & SW_TCP_ECE ? RIG_ECN : 0);
	return t;
}

#endif
