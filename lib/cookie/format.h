/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.h - SYN cookie, version 1: the bits, and nothing else. Freestanding: no libc, no division,
 * fixed bounds, so that an eBPF program on a server can include it and verify the same cookies.
 *
 * The ISN of our SYN-ACK (all of it, nothing is added to it):
 *
 *    31                                    8 7             0
 *   +---------------------------------------+---------------+
 *   |            MAC1, 24 bits              | state ^ mask  |   mask = low 8 bits of
 *   +---------------------------------------+---------------+   the MAC beside it
 *
 *    state:   7     5 4     2   1       0
 *           +--------+-------+------+--------+
 *           |  MSS   |  WS   | SACK | parity |
 *           | class  | class |      |        |
 *           +--------+-------+------+--------+
 *
 *    MAC1 = the top 24 bits of SipHash-2-4(key[parity].k1, message); message:
 *      IPv4, 16 bytes + tail:  server address 4, server port 2, zero 2, client address 4,
 *                              client ISN 4
 *      IPv6, 40 bytes + tail:  server address 16, client address 16, server port 2, zero 2,
 *                              client ISN 4
 *      tail, 6 bytes:          client port 2, state 1, VLAN ids 3 (12 bits outer, 12 bits inner,
 *                              little-endian)
 *    Addresses and ports in wire order, the ISN as the 32-bit number in little-endian order. The
 *    server comes first: for packets to one server the state behind it is computed once.
 *
 * The TSval of our SYN-ACK, where the client sent timestamps:
 *
 *    31              21 20        16 15                    0
 *   +------------------+------------+-----------------------+
 *   |  clock, seconds  | ts ^ mask  |     MAC2, 16 bits     |   mask = low 5 bits of MAC2
 *   +------------------+------------+-----------------------+
 *
 *    ts:      4      1    0
 *           +---------+-----+      window scale as offered (0..14, 15 none), exact
 *           |  scale  | ECN |
 *           +---------+-----+
 *
 *    MAC2 = the top 16 bits of key[parity].k2 * x + pad, mod 2^32:
 *      x:    clock and ts, 11 + 5 bits, clock in the high ones
 *      pad:  the low 32 bits of the SipHash output whose top 24 are MAC1
 *    It is a universal hash (Dietzfelbinger 1996) under a pad that each connection has of its own
 *    (Wegman and Carter 1981): whoever has not seen a TSval of the connection guesses all 16 bits.
 *    docs/security.md says what one who has seen some of his own can do with them.
 *
 * The clock makes the TSval of a later SYN-ACK to the same client the larger one (RFC 7323, 5: PAWS
 * judges a SYN-ACK against a TIME_WAIT of the client), from one second to 1,024 s apart; what the
 * server's own timestamps add later is at most 1,000 a second and cannot catch up 2^21.
 *
 * MAC1 needs nothing of the ACK's options: a wrong ACK is refused before they are read. A guess
 * passes with 2^-24; one with timestamps with 2^-40, SW_COOKIE_MAC_BITS_TS.
 */
#ifndef SW_COOKIE_FORMAT_H
#define SW_COOKIE_FORMAT_H

#define SW_COOKIE_MAC1_BITS  24
#define SW_COOKIE_STATE_BITS 8
#define SW_COOKIE_CLOCK_BITS 11
#define SW_COOKIE_TS_BITS    5
#define SW_COOKIE_MAC2_BITS  16

#define SW_COOKIE_MAC_BITS_TS (SW_COOKIE_MAC1_BITS + SW_COOKIE_MAC2_BITS)

_Static_assert(SW_COOKIE_MAC1_BITS + SW_COOKIE_STATE_BITS == 32, "the ISN is full");
_Static_assert(
	SW_COOKIE_CLOCK_BITS + SW_COOKIE_TS_BITS + SW_COOKIE_MAC2_BITS == 32, "the TSval is full");
_Static_assert(SW_COOKIE_MAC1_BITS >= 24 && SW_COOKIE_MAC_BITS_TS >= 40, "the MAC budget");

/*
 * Tail of MAC1's message: client port, state and VLAN ids. SipHash's length block holds up to 7
 * bytes.
 */
#define SW_COOKIE_TAIL_BYTES 6
#define SW_COOKIE_V4_WORDS   2 /* whole 64-bit words before the tail */
#define SW_COOKIE_V6_WORDS   5

#define SW_COOKIE_CLASSES 8

/* Class to MSS, by family; a client's MSS is rounded down to one of these. */
#define SW_COOKIE_MSS4_TABLE                               \
	{                                                  \
		48, 216, 512, 1220, 1360, 1420, 1460, 8960 \
	}
#define SW_COOKIE_MSS6_TABLE                                \
	{                                                   \
		48, 536, 1220, 1340, 1380, 1420, 1440, 8940 \
	}

/* What a host that sends no MSS option is taken to say: RFC 9293, 3.7.1. */
#define SW_COOKIE_MSS4_UNSAID 536
#define SW_COOKIE_MSS6_UNSAID 1220

/* Class to window scale; 15 means no option. Rounded down: a window read too small is safe. */
#define SW_COOKIE_WS_TABLE              \
	{                               \
		15, 0, 2, 5, 6, 7, 8, 9 \
	}

static inline unsigned int
sw_cookie_isn_pack(unsigned int mac24, unsigned int state8)
{
	return mac24 << SW_COOKIE_STATE_BITS | ((state8 ^ mac24) & 0xff);
}

static inline unsigned int
sw_cookie_isn_mac(unsigned int isn)
{
	return isn >> SW_COOKIE_STATE_BITS;
}

static inline unsigned int
sw_cookie_isn_state(unsigned int isn)
{
	return (isn ^ isn >> SW_COOKIE_STATE_BITS) & 0xff;
}

static inline unsigned int
sw_cookie_state(
	unsigned int mss_class, unsigned int ws_class, unsigned int sack, unsigned int parity)
{
	return mss_class << 5 | ws_class << 2 | sack << 1 | parity;
}

static inline unsigned int
sw_cookie_state_mss(unsigned int state)
{
	return state >> 5 & 7;
}

static inline unsigned int
sw_cookie_state_ws(unsigned int state)
{
	return state >> 2 & 7;
}

static inline unsigned int
sw_cookie_state_sack(unsigned int state)
{
	return state >> 1 & 1;
}

static inline unsigned int
sw_cookie_state_parity(unsigned int state)
{
	return state & 1;
}

/* MAC2. mac1: the whole SipHash output; k2: the slot's; clock: 11 bits; ts: 5 bits */
static inline unsigned int
sw_cookie_mac2(unsigned long long mac1, unsigned int k2, unsigned int clock, unsigned int ts)
{
	return (k2 * (clock << SW_COOKIE_TS_BITS | ts) + (unsigned int)mac1) >>
	       (32 - SW_COOKIE_MAC2_BITS);
}

/* clock: 11 bits; ts: 5 bits; mac16: MAC2 */
static inline unsigned int
sw_cookie_tsval_pack(unsigned int clock, unsigned int ts, unsigned int mac16)
{
	return clock << 21 | ((ts ^ mac16) & 0x1f) << 16 | mac16;
}

static inline unsigned int
sw_cookie_tsval_clock(unsigned int tsval)
{
	return tsval >> 21;
}

static inline unsigned int
sw_cookie_tsval_ts(unsigned int tsval)
{
	return (tsval >> 16 ^ tsval) & 0x1f;
}

static inline unsigned int
sw_cookie_tsval_mac(unsigned int tsval)
{
	return tsval & 0xffff;
}

#endif
