/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - the one iterator over TCP options (RFC 9293, 3.2), and what a SYN's options say.
 *
 * Every option that is read or rewritten anywhere is found through sw_opt_next(). It never reads a
 * length byte that is not there, never returns an option that runs past the header, and always
 * ends: each step moves at least one byte.
 *
 * Threads: pure.
 * Memory:  the caller's.
 */
#ifndef SW_PACKET_OPTIONS_H
#define SW_PACKET_OPTIONS_H

#include "base/base.h"
#include "packet/parse.h"
#include "packet/wire.h"

#define SW_OPT_EOL	 0
#define SW_OPT_NOP	 1
#define SW_OPT_MSS	 2
#define SW_OPT_WSCALE	 3
#define SW_OPT_SACK_PERM 4
#define SW_OPT_SACK	 5
#define SW_OPT_TS	 8

#define SW_OPT_MSS_LEN	     4
#define SW_OPT_WSCALE_LEN    3
#define SW_OPT_SACK_PERM_LEN 2
#define SW_OPT_TS_LEN	     10

#define SW_WSCALE_MAX  14 /* RFC 7323, 2.3: larger values count as 14 */
#define SW_WSCALE_NONE 15 /* the option is absent: neither side scales */

/* One 32-bit word of options as it lies in memory, first byte first. */
#define SW_OPT_WORD(a, b, c, d) \
	rte_cpu_to_be_32((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

/* Timestamps as stacks send them: behind two NOPs. The first word of that, and the bytes of all. */
#define SW_OPT_TS_WORD	SW_OPT_WORD(SW_OPT_NOP, SW_OPT_NOP, SW_OPT_TS, SW_OPT_TS_LEN)
#define SW_OPT_TS_BYTES 12

struct sw_opt_iter {
	const uint8_t *p;   /* next byte to read */
	const uint8_t *end; /* first byte behind the options */
};

/* One option: p points at its kind; len counts kind, length and value (1 for a NOP). */
struct sw_opt {
	const uint8_t *p;
	uint8_t kind;
	uint8_t len;
};

sw_always_inline struct sw_opt_iter
sw_opt_begin(const struct sw_pkt *pkt)
{
	const uint8_t *d = pkt->f->data;

	return (struct sw_opt_iter){.p = d + pkt->l4_off + 20, .end = d + pkt->pay_off};
}

/*
 * Gives the next option that is not a NOP. Returns 1 with *o set, 0 at the end of the list (EOL or
 * no bytes left), -1 where an option has a length below 2, no length byte, or runs past the header.
 */
sw_always_inline int
sw_opt_next(struct sw_opt_iter *it, struct sw_opt *o)
{
	while (it->p < it->end) {
		uint8_t kind = it->p[0];

		if (kind == SW_OPT_EOL)
			return 0;
		if (kind == SW_OPT_NOP) {
			it->p++;
			continue;
		}
		if (it->end - it->p < 2)
			return -1;
		uint8_t len = it->p[1];

		if (len < 2 || len > it->end - it->p)
			return -1;
		*o = (struct sw_opt){.p = it->p, .kind = kind, .len = len};
		it->p += len;
		return 1;
	}
	return 0;
}

/* The options are timestamps as stacks send them, and nothing else. Valid with SW_PKT_TCP. */
sw_always_inline bool
sw_opts_are_ts(const struct sw_pkt *p)
{
	return p->pay_off - p->l4_off == SW_TCP_BYTES + SW_OPT_TS_BYTES &&
	       sw_load32(sw_pkt_tcp(p) + SW_TCP_BYTES) == SW_OPT_TS_WORD;
}

/* What the options of a SYN, a SYN-ACK or a first ACK say. */
struct sw_tcp_opts {
	uint16_t mss;	/* 0: no option */
	uint8_t wscale; /* 0..14, or SW_WSCALE_NONE */
	bool sack_perm;
	bool ts;	/* tsval and tsecr are valid */
	uint32_t tsval; /* host order */
	uint32_t tsecr;
};

/*
 * Reads all options of p. Of a repeated option the first counts. A known option with a wrong length
 * is an error, an unknown one is skipped. Returns 0, or -1 where the list is malformed;
 * *o is then undefined.
 */
int sw_opts_read(const struct sw_pkt *p, struct sw_tcp_opts *o);

#endif
