/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/options.h"
#include "packet/wire.h"

/* What has been seen: the first of a repeated option counts. */
#define SEEN_MSS    0x01
#define SEEN_WSCALE 0x02
#define SEEN_TS	    0x04

/*
 * RFC 2018, 3: one to four blocks of 8 bytes. The blocks are of no interest here, but who rewrites
 * them relies on a list that was read once being sound.
 */
static bool
sack_len_ok(uint8_t len)
{
	return len >= 2 + 8 && (len - 2) % 8 == 0;
}

/* Takes one option into *o. False: a known option of a wrong length. */
static bool
take(struct sw_tcp_opts *o, const struct sw_opt *opt, uint8_t *seen)
{
	switch (opt->kind) {
	case SW_OPT_MSS:
		if (opt->len != SW_OPT_MSS_LEN)
			return false;
		if (!(*seen & SEEN_MSS))
			o->mss = rte_be_to_cpu_16(sw_load16(opt->p + 2));
		*seen |= SEEN_MSS;
		return true;
	case SW_OPT_WSCALE:
		if (opt->len != SW_OPT_WSCALE_LEN)
			return false;
		if (!(*seen & SEEN_WSCALE))
			o->wscale = opt->p[2] > SW_WSCALE_MAX ? SW_WSCALE_MAX : opt->p[2];
		*seen |= SEEN_WSCALE;
		return true;
	case SW_OPT_SACK_PERM:
		o->sack_perm = true;
		return opt->len == SW_OPT_SACK_PERM_LEN;
	case SW_OPT_SACK:
		return sack_len_ok(opt->len);
	case SW_OPT_TS:
		if (opt->len != SW_OPT_TS_LEN)
			return false;
		if (!(*seen & SEEN_TS)) {
			o->ts = true;
			o->tsval = rte_be_to_cpu_32(sw_load32(opt->p + 2));
			o->tsecr = rte_be_to_cpu_32(sw_load32(opt->p + 6));
		}
		*seen |= SEEN_TS;
		return true;
	default:
		return true;
	}
}

int
sw_opts_read(const struct sw_pkt *p, struct sw_tcp_opts *o)
{
	struct sw_opt_iter it = sw_opt_begin(p);
	struct sw_opt opt;
	uint8_t seen = 0;
	int rc;

	*o = (struct sw_tcp_opts){.wscale = SW_WSCALE_NONE};
	while ((rc = sw_opt_next(&it, &opt)) > 0) {
		if (!take(o, &opt, &seen))
			return -1;
	}
	return rc;
}
