/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reply.h - judges a SYN-ACK: is it a right answer to a SYN of ours?
 *
 * The judge shares no code with what made the SYN or with what may have answered it: it walks the
 * headers and adds up the checksums by itself, plainly. It is meant for a sample.
 *
 * Right is: the MAC addresses of the SYN exchanged, its VLAN tag and no other; whole IP and TCP
 * headers with right lengths and checksums; from a server of ours to a source of ours; SYN and ACK
 * and no other flag; the ACK is our sequence number and one; options that are well formed, each
 * once, and, but for the MSS, offered by the SYN (RFC 7323, 1.3; RFC 2018, 2); our timestamp
 * given back (RFC 7323, 3.2).
 *
 * Threads: pure.
 */
#ifndef SW_LOAD_REPLY_H
#define SW_LOAD_REPLY_H

#include "craft.h"
#include "load.h"
#include "space.h"

enum sw_reply_fault {
	SW_REPLY_RIGHT,
	SW_REPLY_L2,
	SW_REPLY_IP,
	SW_REPLY_IP_CSUM,
	SW_REPLY_TUPLE,
	SW_REPLY_TCP,
	SW_REPLY_TCP_CSUM,
	SW_REPLY_FLAGS,
	SW_REPLY_ACK,
	SW_REPLY_OPTIONS,
	SW_REPLY_NOT_OFFERED,
	SW_REPLY_TSECR,
	SW_REPLY_FAULTS
};

/* Names as in the report; that of SW_REPLY_RIGHT is NULL. */
extern const char *const sw_reply_fault_names[SW_REPLY_FAULTS];

/* Options that a right SYN-ACK carries. */
enum sw_reply_option {
	SW_REPLY_MSS,
	SW_REPLY_WSCALE,
	SW_REPLY_SACK,
	SW_REPLY_TS,
	SW_REPLY_OPTIONS_MAX
};

/* As in the report. */
extern const char *const sw_reply_option_names[SW_REPLY_OPTIONS_MAX];

/* Where SYNs come from and go to. */
struct sw_load_route {
	struct sw_load_l2 l2;
	struct sw_load_server servers[SW_LOAD_SERVERS_MAX];
	unsigned n_servers;
	struct sw_space space[2]; /* of IPv4 and of IPv6 clients */
	uint64_t key;		  /* of the run: sw_load_secret() */
};

/* carries: where all is right a bit of each sw_reply_option that is there, otherwise 0. */
enum sw_reply_fault sw_reply_check(const struct sw_load_route *r, enum sw_craft_options offered,
	const uint8_t *frame, uint32_t len, unsigned *carries);

#endif
