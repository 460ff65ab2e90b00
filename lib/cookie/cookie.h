/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cookie.h - makes and verifies the SYN cookie of format.h, for bursts.
 *
 * The state that a half-open connection would need is kept by the client: in the ISN of our SYN-ACK
 * and, where it sends timestamps, in our TSval, which it echoes.
 *
 * Order of use: sw_cookie_issue_burst() for the SYNs of a burst, sw_cookie_verify_burst() for the
 *               ACKs without a flow, then sw_cookie_verify_ts() for an ACK that passed and has
 *               timestamps.
 *
 * Threads: pure functions of the keys; any number of lcores may share one key set.
 * Memory:  the caller's; n <= SW_BURST_MAX.
 * Errors:  a verdict per cookie, never an errno: forgeries are the normal case.
 */
#ifndef SW_COOKIE_COOKIE_H
#define SW_COOKIE_COOKIE_H

#include "base/base.h"
#include "base/tuple.h"
#include "cookie/format.h"
#include "cookie/keys.h"

/* What is offered to the client: its own offer, cut down to what the server is known to take. */
struct sw_cookie_in {
	const struct sw_tuple *tuple;
	uint32_t client_isn;
	uint16_t mss;	/* the client's; 0: no option */
	uint8_t wscale; /* 0..14, or SW_WSCALE_NONE (15) */
	bool sack;
	bool ts;  /* the SYN-ACK will have the TSval; for the caller, who then uses it */
	bool ecn; /* kept only in the TSval */
};

struct sw_cookie_out {
	uint32_t isn;	/* sequence number of the SYN-ACK */
	uint32_t tsval; /* its TSval, where it has one */
};

/* What an ACK brings back. */
struct sw_cookie_ack {
	const struct sw_tuple *tuple;
	uint32_t client_isn; /* SEG.SEQ - 1 */
	uint32_t isn;	     /* SEG.ACK - 1 */
};

/* What a good cookie says. */
struct sw_cookie_state {
	bool valid;
	uint8_t parity; /* slot whose key verified it */
	bool sack;
	bool ecn;	/* only ever set by sw_cookie_verify_ts() */
	uint8_t wscale; /* SW_WSCALE_NONE where the client had none */
	uint16_t mss;	/* one of the class values */
	uint64_t epoch; /* of the key */
	uint64_t mac; /* whole MAC of the ISN, for sw_cookie_verify_ts(): secret, not to be kept */
};

/*
 * Largest class value that does not exceed mss. 0 counts as the family's default (536, 1220); 1..47
 * count as 48, the least that stacks send segments of.
 */
uint16_t sw_cookie_mss_round(uint16_t mss, bool v6);

/* The clock of a TSval, at now_s. */
sw_always_inline uint32_t
sw_cookie_clock(uint64_t now_s)
{
	return (uint32_t)now_s & ((1u << SW_COOKIE_CLOCK_BITS) - 1);
}

/* Cookies for n SYNs, signed with keys->parity. now_s: seconds of any steady clock, for TSval. */
void sw_cookie_issue_burst(const struct sw_keys *keys, uint64_t now_s,
	const struct sw_cookie_in *in, struct sw_cookie_out *out, unsigned n);

/*
 * Verdicts for n ACKs. out[i].valid says whether the MAC of the ISN is right under the key that the
 * cookie's parity names; the rest of out[i] is defined only where it is.
 */
void sw_cookie_verify_burst(const struct sw_keys *keys, const struct sw_cookie_ack *in,
	struct sw_cookie_state *out, unsigned n);

/*
 * For a cookie found valid whose ACK has timestamps: checks the second MAC in tsecr and takes the
 * exact window scale and ECN from it into *s. False: a forgery, or not our timestamp; refuse it.
 */
bool sw_cookie_verify_ts(const struct sw_keys *keys, uint32_t tsecr, struct sw_cookie_state *s);

#endif
