/* SPDX-License-Identifier: BSD-3-Clause */
/* seg_read.c - segments are judged in rows, and their places in the flow table found (seg.h). */
#include "handshake/seg.h"
#include "handshake/syn_rows.h"
#include "splice/plain.h"

#define ALL_WORDS(v6) ((v6) ? 20 : 16) /* that are read: up to the timestamps */

/* Places of tuples, whose ends change places for what comes from a server. */
sw_always_inline void
find_flows(struct syn_batch *s, unsigned at, const sw_row *w, const bool v6)
{
	const sw_row inside = row_load(&s->inside[at]);
	const sw_row *source = w + (v6 ? 2 : 0), *dest = w + (v6 ? 6 : 1);
	const sw_row ports = w[IP_WORDS(v6)];
	const sw_row turned = row_or(row_sll(ports, 16), row_srl(ports, 16));
	struct sw_rows_tuple t = {.ports = row_pick(inside, turned, ports),
		.vlan_af = row_set1(v6 ? SW_TUPLE_IPV6 : 0)};
	struct sw_rows_place p;

	for (unsigned i = v6 ? 0 : 3; i < 4; i++) {
		t.client[i] = row_pick(inside, dest[i], source[i]);
		t.server[i] = row_pick(inside, source[i], dest[i]);
	}
	p = sw_rows_place_of(s->ground, &t, v6);
	row_store(&s->bucket[0][at], p.b[0]);
	row_store(&s->bucket[1][at], p.b[1]);
	row_store(&s->tag[at], p.tag);
	if (!v6) {
		row_store(&s->client[at], t.client[3]);
		row_store(&s->server[at], t.server[3]);
	}
	row_store(&s->ports[at], t.ports);
	for (unsigned i = at; i < at + ROW_LANES; i++)
		sw_fetch(&s->ground->buckets[s->bucket[0][i]]);
}

sw_always_inline void
read_all(const struct syn_batch *s, unsigned at, sw_row *w, const bool v6)
{
	for (unsigned i = 0; i < ALL_WORDS(v6); i += 4)
		read_words(&s->l3[at], 4 * i, w + i);
}

sw_always_inline sw_row
has_ts(const sw_row *tcp, sw_row hdr)
{
	return row_and(is(hdr, SW_TCP_BYTES + SW_OPT_TS_BYTES), is(tcp[5], SW_OPT_TS_WORD));
}

sw_always_inline sw_row
sound(const struct syn_batch *s, unsigned at, const bool v6)
{
	sw_row w[ALL_WORDS(true)], hdr, ts;
	const sw_row *tcp = w + IP_WORDS(v6);
	struct sum_row sum;

	read_all(s, at, w, v6);
	hdr = header_bytes(tcp);
	ts = has_ts(tcp, hdr);
	sum = sum_begin_tcp(sum_addresses(w, v6), hdr);
	for (unsigned i = 0; i < 8; i++)
		sum_add(&sum, i < 5 ? tcp[i] : row_and(tcp[i], ts));
	return row_and(is(sum_fold(&sum), 0xffff), row_eq(tcp_bytes(w, v6), hdr));
}

/*
 * FINs move the state, so their checksums are to be right: of those without payload, which is all
 * of the short way. Read once more, so that the words need not be kept where there is none.
 */
static sw_noinline unsigned
unsound_fins(const struct syn_batch *s, unsigned at, unsigned fins)
{
	return fins & ~(s->v6 ? row_lanes(sound(s, at, true)) : row_lanes(sound(s, at, false)));
}

sw_always_inline void
read_lanes(struct syn_batch *s, unsigned at, const bool v6)
{
	sw_row w[ALL_WORDS(true)];
	const sw_row *tcp = w + IP_WORDS(v6);
	sw_row hdr, ts, fit;
	unsigned fins;

	read_all(s, at, w, v6);
	find_flows(s, at, w, v6);
	hdr = header_bytes(tcp);
	ts = has_ts(tcp, hdr);
	fit = row_and(ip_sound(w, sum_addresses(w, v6), v6),
		lengths_fit(w, hdr, row_load(&s->l3_len[at]), v6));
	fit = row_and(fit, row_or(ts, is(hdr, SW_TCP_BYTES)));
	fit = row_and(fit, is(row_and(tcp[3], row_set1(ACK_ALONE_MASK << 8)), SW_TCP_ACK << 8));
	row_store(&s->ts[at], ts);
	s->fit &= (uint64_t)row_lanes(fit) << at | ~((uint64_t)ROW_ALL << at);
	fins = row_lanes(bit_mask(tcp[3], SW_TCP_FIN << 8));
	if (sw_unlikely(fins != 0)) {
		s->fin |= (uint64_t)fins << at;
		s->fit &= ~((uint64_t)unsound_fins(s, at, fins) << at);
	}
}

/* Of a wrong checksum a port knows best. */
static void
leave_bad_fins(struct syn_batch *s)
{
	for (uint64_t left = s->fin; left != 0; left &= left - 1) {
		const unsigned i = (unsigned)__builtin_ctzll(left);

		if (s->f[i]->csum & SW_CSUM_L4_BAD)
			s->fit &= ~(1ull << i);
	}
}

void
seg_read(struct syn_batch *s)
{
	for (unsigned at = 0; at < s->n; at += ROW_LANES) {
		if (s->v6)
			read_lanes(s, at, true);
		else
			read_lanes(s, at, false);
	}
	leave_bad_fins(s);
}
