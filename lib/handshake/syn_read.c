/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syn_read.c - eight plain SYNs are judged and become rows (syn.h). IPv4 and IPv6 share one
 * body.
 */
#include "handshake/syn_rows.h"

#define ALL_WORDS(v6) ((v6) ? 24 : 16) /* that are read */

#define ECN_FLAGS ((uint32_t)(SW_TCP_ECE | SW_TCP_CWR) << 8) /* where they stand in a row */

/* The IP headers are as they must be and no longer than the frame; hdr: bytes of the TCP header. */
sw_always_inline __m256i
ip_fit(const __m256i *w, __m256i hdr, __m256i l3_len, __m256i addresses, const bool v6)
{
	const __m256i whole = _mm256_add_epi32(hdr, SET1(v6 ? SW_IP6_BYTES : SW_IP4_BYTES));
	/* Version and header length were looked at by sort.h. */
	const __m256i fit =
		less(_mm256_cmpeq_epi32(tcp_bytes(w, v6), hdr), _mm256_cmpgt_epi32(whole, l3_len));

	return both(fit, ip_sound(w, addresses, v6));
}

/* Sources that answer.c: source_is_bad() refuses. */
sw_always_inline __m256i
source_bad(const __m256i *w, const bool v6)
{
	__m256i bad, same;

	if (!v6) {
		const __m256i first = both(w[3], SET1(0xff));

		bad = either(
			is(first, 0), either(is(first, 127), _mm256_cmpgt_epi32(first, SET1(223))));
		return either(bad, _mm256_cmpeq_epi32(w[3], w[4]));
	}
	same = _mm256_cmpeq_epi32(w[2], w[6]);
	for (unsigned i = 1; i < 4; i++)
		same = both(same, _mm256_cmpeq_epi32(w[2 + i], w[6 + i]));
	bad = both(is(either(w[2], either(w[3], w[4])), 0),
		either(is(w[5], 0), is(w[5], RTE_BE32(1))));
	return either(either(bad, same), is(both(w[2], SET1(0xff)), 0xff));
}

/* What stands in the options, where they are of a known kind. */
struct opts_x8 {
	__m256i fit;
	__m256i full, ts; /* masks */
	__m256i mss, wscale;
	__m256i tsval;
};

sw_always_inline __m256i
has_mss(const __m256i *w)
{
	return is(both(w[0], SET1(MSS_MASK)), MSS_KIND);
}

sw_always_inline __m256i
is_linux(const __m256i *w, __m256i hdr)
{
	return both(both(is(hdr, 40), has_mss(w)),
		both(is(w[1], SACK_TS), is(both(w[4], SET1(WSCALE_MASK)), WSCALE_KIND)));
}

sw_always_inline __m256i
wscale_of(__m256i option)
{
	return _mm256_min_epu32(_mm256_srli_epi32(option, 24), SET1(SW_WSCALE_MAX));
}

sw_always_inline __m256i
mss_of(const __m256i *w)
{
	return both(swap32(w[0]), SET1(0xffff));
}

/* All eight are as Linux sends them: most SYNs of a client, and of a flood that looks like one. */
sw_always_inline struct opts_x8
read_linux_opts(const __m256i *w, struct sum_x8 *sum)
{
	const __m256i all = SET1(UINT32_MAX);

	for (unsigned i = 0; i < 5; i++)
		sum_add(sum, w[i]);
	return (struct opts_x8){
		.fit = all,
		.full = all,
		.ts = all,
		.mss = mss_of(w),
		.wscale = wscale_of(w[4]),
		.tsval = w[2],
	};
}

/* Each may be of another kind. */
sw_always_inline struct opts_x8
read_any_opts(const __m256i *w, __m256i hdr, __m256i linux_, struct sum_x8 *sum)
{
	const __m256i none = is(hdr, 20), one = is(hdr, 24);
	const __m256i ws1 = is(both(w[1], SET1(WSCALE_MASK)), WSCALE_KIND);
	const __m256i windows = both(is(hdr, 32), both(ws1, is(w[2], NOP_NOP_SACK)));
	const __m256i macos =
		both(both(is(hdr, 44), ws1), both(is(w[2], NOP_NOP_TS), is(w[5], SACK_EOL)));
	struct opts_x8 o;

	o.ts = either(linux_, macos);
	o.full = either(o.ts, windows);
	o.fit = either(none, both(has_mss(w), either(one, o.full)));
	o.mss = less(mss_of(w), none);
	o.wscale = pick(o.full, wscale_of(pick(linux_, w[4], w[1])), SET1(SW_WSCALE_NONE));
	o.tsval = both(o.ts, pick(linux_, w[2], w[3]));
	sum_add(sum, less(w[0], none));
	sum_add(sum, both(w[1], o.full));
	sum_add(sum, both(w[2], o.full));
	sum_add(sum, both(w[3], o.ts));
	sum_add(sum, both(w[4], o.ts));
	sum_add(sum, both(w[5], macos));
	return o;
}

/* sum: those of the words that belong to the header are added. */
sw_always_inline struct opts_x8
read_opts(const __m256i *w, __m256i hdr, struct sum_x8 *sum)
{
	const __m256i linux_ = is_linux(w, hdr);

	return sw_likely(lanes(linux_) == 0xff) ? read_linux_opts(w, sum)
						: read_any_opts(w, hdr, linux_, sum);
}

/* Class of the client's MSS; cookie.c: mss_class(). */
sw_always_inline __m256i
mss_class(__m256i mss, const bool v6)
{
	static const uint16_t table[2][SW_COOKIE_CLASSES] = {
		SW_COOKIE_MSS4_TABLE,
		SW_COOKIE_MSS6_TABLE,
	};
	__m256i c = _mm256_setzero_si256();

	mss = pick(is(mss, 0), SET1(v6 ? SW_COOKIE_MSS6_UNSAID : SW_COOKIE_MSS4_UNSAID), mss);
	for (unsigned i = 1; i < SW_COOKIE_CLASSES; i++)
		c = _mm256_sub_epi32(c, _mm256_cmpgt_epi32(mss, SET1(table[v6][i] - 1)));
	return c;
}

sw_always_inline void
read_lanes(struct syn_batch *s, unsigned at, const bool v6)
{
	__m256i w[ALL_WORDS(true)];
	const __m256i *tcp = w + IP_WORDS(v6);
	__m256i hdr, fit, addresses, ecn, no_ecn;
	struct sum_x8 sum;
	struct opts_x8 o;

	for (unsigned i = 0; i < ALL_WORDS(v6); i += 4)
		read_words(&s->l3[at], 4 * i, w + i);
	find_places(s, at, w, v6);
	addresses = sum_addresses(w, v6);
	hdr = header_bytes(tcp);
	sum = sum_begin_tcp(addresses, hdr);
	for (unsigned i = 0; i < 5; i++)
		sum_add(&sum, tcp[i]);
	o = read_opts(tcp + 5, hdr, &sum);
	fit = both(o.fit, ip_fit(w, hdr, row_load(&s->l3_len[at]), addresses, v6));
	fit = both(fit, both(is(sum_fold(&sum), 0xffff), is(both(tcp[3], SET1(0xf)), 0)));
	fit = less(fit, source_bad(w, v6));
	ecn = bit_mask(tcp[3], ECN_FLAGS);
	no_ecn = is(both(tcp[3], SET1(ECN_FLAGS)), 0);
	fit = both(fit, either(ecn, no_ecn));

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
	s->fit &= (uint64_t)lanes(fit) << at | ~((uint64_t)0xff << at);
	s->like_first &= (uint64_t)lanes(like_first(s, w, v6)) << at | ~((uint64_t)0xff << at);
}

void
syn_read(struct syn_batch *s)
{
	for (unsigned at = 0; at < s->n; at += SYN_LANES) {
		if (s->v6)
			read_lanes(s, at, true);
		else
			read_lanes(s, at, false);
	}
}
