/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn_read.c - plain SYNs are judged and become rows (syn.h). IPv4 and IPv6 share one
 * body.
 */
#include "handshake/syn_rows.h"

#define ALL_WORDS(v6) ((v6) ? 24 : 16) /* that are read */

#define ECN_FLAGS ((uint32_t)(SW_TCP_ECE | SW_TCP_CWR) << 8) /* where they stand in a row */

/* The IP headers are as they must be and no longer than the frame; hdr: bytes of the TCP header. */
sw_always_inline sw_row
ip_fit(const sw_row *w, sw_row hdr, sw_row l3_len, sw_row addresses, const bool v6)
{
	const sw_row whole = row_add(hdr, row_set1(v6 ? SW_IP6_BYTES : SW_IP4_BYTES));
	/* Version and header length were looked at by sort.h. */
	const sw_row fit = row_less(row_eq(tcp_bytes(w, v6), hdr), row_gt(whole, l3_len));

	return row_and(fit, ip_sound(w, addresses, v6));
}

/* Sources that answer.c: source_is_bad() refuses. */
sw_always_inline sw_row
source_bad(const sw_row *w, const bool v6)
{
	sw_row bad, same;

	if (!v6) {
		const sw_row first = row_and(w[3], row_set1(0xff));

		bad = row_or(is(first, 0), row_or(is(first, 127), row_gt(first, row_set1(223))));
		return row_or(bad, row_eq(w[3], w[4]));
	}
	same = row_eq(w[2], w[6]);
	for (unsigned i = 1; i < 4; i++)
		same = row_and(same, row_eq(w[2 + i], w[6 + i]));
	bad = row_and(is(row_or(w[2], row_or(w[3], w[4])), 0),
		row_or(is(w[5], 0), is(w[5], RTE_BE32(1))));
	return row_or(row_or(bad, same), is(row_and(w[2], row_set1(0xff)), 0xff));
}

/* What stands in the options, where they are of a known kind. */
struct opts_row {
	sw_row fit;
	sw_row full, ts; /* masks */
	sw_row mss, wscale;
	sw_row tsval;
};

sw_always_inline sw_row
has_mss(const sw_row *w)
{
	return is(row_and(w[0], row_set1(MSS_MASK)), MSS_KIND);
}

sw_always_inline sw_row
is_linux(const sw_row *w, sw_row hdr)
{
	return row_and(row_and(is(hdr, 40), has_mss(w)),
		row_and(is(w[1], SACK_TS), is(row_and(w[4], row_set1(WSCALE_MASK)), WSCALE_KIND)));
}

sw_always_inline sw_row
wscale_of(sw_row option)
{
	return row_min(row_srl(option, 24), row_set1(SW_WSCALE_MAX));
}

sw_always_inline sw_row
mss_of(const sw_row *w)
{
	return row_and(swap32(w[0]), row_set1(0xffff));
}

/* All are as Linux sends them: most SYNs of a client, and of a flood that looks like one. */
sw_always_inline struct opts_row
read_linux_opts(const sw_row *w, struct sum_row *sum)
{
	const sw_row all = row_set1(UINT32_MAX);

	for (unsigned i = 0; i < 5; i++)
		sum_add(sum, w[i]);
	return (struct opts_row){
		.fit = all,
		.full = all,
		.ts = all,
		.mss = mss_of(w),
		.wscale = wscale_of(w[4]),
		.tsval = w[2],
	};
}

/* Each may be of another kind. */
sw_always_inline struct opts_row
read_any_opts(const sw_row *w, sw_row hdr, sw_row linux_, struct sum_row *sum)
{
	const sw_row none = is(hdr, 20), one = is(hdr, 24);
	const sw_row ws1 = is(row_and(w[1], row_set1(WSCALE_MASK)), WSCALE_KIND);
	const sw_row windows = row_and(is(hdr, 32), row_and(ws1, is(w[2], NOP_NOP_SACK)));
	const sw_row macos = row_and(
		row_and(is(hdr, 44), ws1), row_and(is(w[2], NOP_NOP_TS), is(w[5], SACK_EOL)));
	struct opts_row o;

	o.ts = row_or(linux_, macos);
	o.full = row_or(o.ts, windows);
	o.fit = row_or(none, row_and(has_mss(w), row_or(one, o.full)));
	o.mss = row_less(mss_of(w), none);
	o.wscale =
		row_pick(o.full, wscale_of(row_pick(linux_, w[4], w[1])), row_set1(SW_WSCALE_NONE));
	o.tsval = row_and(o.ts, row_pick(linux_, w[2], w[3]));
	sum_add(sum, row_less(w[0], none));
	sum_add(sum, row_and(w[1], o.full));
	sum_add(sum, row_and(w[2], o.full));
	sum_add(sum, row_and(w[3], o.ts));
	sum_add(sum, row_and(w[4], o.ts));
	sum_add(sum, row_and(w[5], macos));
	return o;
}

/* sum: those of the words that belong to the header are added. */
sw_always_inline struct opts_row
read_opts(const sw_row *w, sw_row hdr, struct sum_row *sum)
{
	const sw_row linux_ = is_linux(w, hdr);

	return sw_likely(row_lanes(linux_) == ROW_ALL) ? read_linux_opts(w, sum)
						       : read_any_opts(w, hdr, linux_, sum);
}

/* Class of the client's MSS; cookie.c: mss_class(). */
sw_always_inline sw_row
mss_class(sw_row mss, const bool v6)
{
	static const uint16_t table[2][SW_COOKIE_CLASSES] = {
		SW_COOKIE_MSS4_TABLE,
		SW_COOKIE_MSS6_TABLE,
	};
	sw_row c = row_zero();

	mss = row_pick(
		is(mss, 0), row_set1(v6 ? SW_COOKIE_MSS6_UNSAID : SW_COOKIE_MSS4_UNSAID), mss);
	for (unsigned i = 1; i < SW_COOKIE_CLASSES; i++)
		c = row_sub(c, row_gt(mss, row_set1(table[v6][i] - 1)));
	return c;
}

sw_always_inline void
read_lanes(struct syn_batch *s, unsigned at, const bool v6)
{
	sw_row w[ALL_WORDS(true)];
	const sw_row *tcp = w + IP_WORDS(v6);
	sw_row hdr, fit, addresses, ecn, no_ecn;
	struct sum_row sum;
	struct opts_row o;

	for (unsigned i = 0; i < ALL_WORDS(v6); i += 4)
		read_words(&s->l3[at], 4 * i, w + i);
	find_places(s, at, w, v6);
	addresses = sum_addresses(w, v6);
	hdr = header_bytes(tcp);
	sum = sum_begin_tcp(addresses, hdr);
	for (unsigned i = 0; i < 5; i++)
		sum_add(&sum, tcp[i]);
	o = read_opts(tcp + 5, hdr, &sum);
	fit = row_and(o.fit, ip_fit(w, hdr, row_load(&s->l3_len[at]), addresses, v6));
	fit = row_and(
		fit, row_and(is(sum_fold(&sum), 0xffff), is(row_and(tcp[3], row_set1(0xf)), 0)));
	fit = row_less(fit, source_bad(w, v6));
	ecn = bit_mask(tcp[3], ECN_FLAGS);
	no_ecn = is(row_and(tcp[3], row_set1(ECN_FLAGS)), 0);
	fit = row_and(fit, row_or(ecn, no_ecn));

	if (!v6) {
		row_store(&s->client[at], w[3]);
		row_store(&s->server[at], w[4]);
	}
	row_store(&s->ports[at], tcp[0]);
	row_store(&s->isn[at], swap32(tcp[1]));
	row_store(&s->ecn[at], ecn);
	row_store(&s->addr_sum[at], addresses);
	row_store(&s->tsval[at], o.tsval);
	row_store(&s->mss_class[at], mss_class(o.mss, v6));
	row_store(&s->wscale[at], o.wscale);
	row_store(&s->full[at], o.full);
	row_store(&s->ts[at], o.ts);
	s->fit &= (uint64_t)row_lanes(fit) << at | ~((uint64_t)ROW_ALL << at);
	s->like_first &=
		(uint64_t)row_lanes(like_first(s, w, v6)) << at | ~((uint64_t)ROW_ALL << at);
}

void
syn_read(struct syn_batch *s)
{
	for (unsigned at = 0; at < s->n; at += ROW_LANES) {
		if (s->v6)
			read_lanes(s, at, true);
		else
			read_lanes(s, at, false);
	}
}
