/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_parse.c - libFuzzer target of packet/: any bytes are parsed, and what is said of them
 * must hold.
 *
 * Input: one byte of control, then a frame, which is copied to memory of exactly its size.
 *   bit 0     side
 *   bits 1-4  SW_CSUM_*, what the port says
 *   bit 5     the packet has further segments
 *   bit 6     room behind the frame for an answer
 *   bit 7     ICMP errors: the flow's timestamps are made by us
 *
 * Besides bounds, it is held against the naive readers of tests/unit/pkt_make.c and pkt_icmp.h:
 * both must find the same TCP packets and first fragments, at the same offsets, with the same
 * payload and the same opinion of checksums, and the same ICMP errors. Each TCP packet is then
 * answered in place with a SYN-ACK, which must be sound and say what it was to say. Each ICMP error
 * is translated, which must change nothing outside of it and keep its checksum as right or wrong as
 * it was. Of several workers, packet and answer have one owner.
 */
#include <errno.h>
#include <stdlib.h>

#include "packet/build.h"
#include "packet/options.h"
#include "packet/parse.h"
#include "packet/steer.h"
#include "splice/splice.h"
#include "unit/must.h"
#include "unit/pkt_icmp.h"

#define CTL_SIDE   0x01
#define CTL_MORE   0x20
#define CTL_ROOM   0x40
#define CTL_MADE   0x80
#define MORE_BYTES 3000
#define MAX_BYTES  20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_shape(const struct sw_frame *f, const struct sw_pkt *p)
{
	MUST(p->f == f);
	MUST(p->kind <= SW_PKT_BAD);
	MUST((p->kind == SW_PKT_BAD) == (p->reason != SW_DROP_NONE));
	MUST(p->reason <= SW_DROP_ICMP_BAD);
	if (p->kind == SW_PKT_FRAGMENT) {
		MUST(p->tuple.cport_be == 0 && p->tuple.sport_be == 0);
		MUST(p->frag_off % 8 == 0);
	}
}

static void
check_tcp(const struct sw_frame *f, const struct sw_pkt *p)
{
	MUST(p->l3_off == 14 || p->l3_off == 18 || p->l3_off == 22);
	MUST(p->ip_hdr_len >= (sw_tuple_is_v6(&p->tuple) ? 40 : 20));
	MUST(p->l4_off == p->l3_off + p->ip_hdr_len);
	MUST(p->pay_off >= p->l4_off + 20 && p->pay_off <= p->l4_off + 60);
	MUST(p->pay_off <= f->len);
	MUST((uint64_t)p->pay_off + p->pay_len <= f->pkt_len);
	MUST(p->proto == 6);
	if (!sw_tuple_is_v6(&p->tuple))
		MUST(p->tuple.client.q[0] == 0 && p->tuple.client.w_be[2] == 0 &&
			p->tuple.server.q[0] == 0 && p->tuple.server.w_be[2] == 0);
}

/* The packet is whole: the naive reader must agree in all. `tcp`: parsed up to the payload. */
static void
check_model(const struct sw_frame *f, const struct sw_pkt *p, bool tcp)
{
	const bool out = f->side == SW_OUTSIDE;
	struct pkt_seen s;
	bool want = pkt_read(f->data, f->len, &s) || pkt_read_first(f->data, f->len, &s);

	if (want && !s.v6) {
		if (f->csum & SW_CSUM_IP_BAD)
			want = false;
		else if (!(f->csum & SW_CSUM_IP_GOOD))
			want = s.ip_ok;
	}
	MUST(tcp == want);
	if (!tcp)
		return;
	MUST(p->kind == SW_PKT_BAD || p->kind == (s.more ? SW_PKT_FIRST : SW_PKT_TCP));
	const size_t alen = s.v6 ? 16 : 4, skip = 16 - alen;

	MUST(memcmp(p->tuple.client.b + skip, out ? s.src : s.dst, alen) == 0);
	MUST(memcmp(p->tuple.server.b + skip, out ? s.dst : s.src, alen) == 0);
	MUST(rte_be_to_cpu_16(p->tuple.cport_be) == (out ? s.sport : s.dport));
	MUST(rte_be_to_cpu_16(p->tuple.sport_be) == (out ? s.dport : s.sport));
	MUST(sw_tuple_is_v6(&p->tuple) == s.v6);
	MUST(p->l3_off == s.l3_off && p->l4_off == s.l4_off);
	MUST(f->data + p->pay_off == s.payload && p->pay_len == s.payload_len);
	MUST(p->seq == s.seq && p->ack == s.ack && p->tcp_flags == s.flags);
	if (!s.more && !(f->csum & (SW_CSUM_L4_GOOD | SW_CSUM_L4_BAD)))
		MUST(sw_pkt_tcp_csum_ok(p) == s.tcp_ok);
}

static void
check_icmp(const struct sw_frame *f, const struct sw_pkt *p)
{
	MUST(p->l3_off == 14 || p->l3_off == 18 || p->l3_off == 22);
	MUST(p->l4_off >= p->l3_off + (sw_tuple_is_v6(&p->tuple) ? 40 : 20));
	MUST(p->ip_hdr_len >= (sw_tuple_is_v6(&p->tuple) ? 40 : 20));
	MUST(p->pay_off == p->l4_off + 8 + p->ip_hdr_len);
	MUST(p->pay_len >= 8 && (uint64_t)p->pay_off + p->pay_len <= f->len);
	MUST(p->proto == (sw_tuple_is_v6(&p->tuple) ? 58 : 1));
	MUST(p->seq == pkt_get32(f->data + p->pay_off + 4));
}

/* The packet is whole: the naive reader must find the same error in it. */
static void
check_icmp_model(const struct sw_frame *f, const struct sw_pkt *p)
{
	const bool from_server = f->side == SW_OUTSIDE; /* what is quoted */
	struct pkt_quote q;
	const enum pkt_quote_kind kind = pkt_read_icmp(f->data, f->len, &q);
	const size_t alen = q.outer.v6 ? 16 : 4, skip = 16 - alen;

	MUST((p->kind == SW_PKT_ICMP) == (kind == PKT_QUOTE_TCP));
	MUST((p->reason == SW_DROP_ICMP_BAD) == (kind == PKT_QUOTE_BAD));
	if (kind == PKT_QUOTE_NONE)
		return;
	MUST(memcmp(p->tuple.client.b + skip, from_server ? q.dst : q.src, alen) == 0);
	MUST(memcmp(p->tuple.server.b + skip, from_server ? q.src : q.dst, alen) == 0);
	MUST(rte_be_to_cpu_16(p->tuple.cport_be) == (from_server ? q.dport : q.sport));
	MUST(rte_be_to_cpu_16(p->tuple.sport_be) == (from_server ? q.sport : q.dport));
	MUST(sw_tuple_is_v6(&p->tuple) == q.outer.v6);
	if (kind == PKT_QUOTE_BAD)
		return;
	MUST(p->l3_off == q.outer.l3_off && p->l4_off == q.outer.l4_off);
	MUST(p->pay_off == q.tcp_off && p->pay_len == q.n);
	MUST(p->icmp_type == f->data[p->l4_off] && p->icmp_code == f->data[p->l4_off + 1]);
}

/* Translates the error p for a flow, whose numbers are made of the packet's. */
static void
check_icmp_splice(struct sw_frame *f, struct sw_pkt *p, bool made)
{
	const struct sw_flow flow = {
		.delta = p->seq * 2654435761u,
		.ts_delta = p->seq * 2246822519u + 1,
		.flags = made ? SW_FLOW_TS_MADE : SW_FLOW_TS,
	};
	const size_t quote = p->l4_off + 8u, tcp = p->pay_off, end = tcp + p->pay_len;
	uint8_t *was = pkt_dup(f->data, f->len);
	struct pkt_seen a, b;

	sw_splice_icmp(&flow, p);
	for (size_t i = 0; i < f->len; i++) {
		const bool may = (i >= p->l4_off + 2u && i < quote) ||
				 (i >= tcp + 4 && i < end && i < tcp + 60);

		MUST(may || was[i] == f->data[i]);
	}
	MUST(p->seq == pkt_get32(f->data + tcp + 4));
	if (f->pkt_len == f->len) {
		MUST(pkt_read_ip(was, f->len, &a) && pkt_read_ip(f->data, f->len, &b));
		MUST(pkt_icmp_ok(was, &a) == pkt_icmp_ok(f->data, &b));
	}
	free(was);
}

/* Each option lies within the header, behind the one before. */
static void
check_options(const struct sw_pkt *p, struct sw_tcp_opts *o)
{
	const uint8_t *at = p->f->data + p->l4_off + 20, *end = p->f->data + p->pay_off;
	struct sw_opt_iter it = sw_opt_begin(p);
	struct sw_opt opt;
	int rc;

	while ((rc = sw_opt_next(&it, &opt)) > 0) {
		MUST(opt.p >= at && opt.len >= 2 && opt.p + opt.len <= end);
		at = opt.p + opt.len;
	}
	if (sw_opts_read(p, o) == 0)
		MUST(rc == 0 && (o->wscale <= SW_WSCALE_MAX || o->wscale == SW_WSCALE_NONE));
	else
		*o = (struct sw_tcp_opts){.wscale = SW_WSCALE_NONE};
}

/* Answers p with a SYN-ACK in its own bytes, options echoed. */
static void
check_answer(struct sw_frame *f, const struct sw_pkt *p, const struct sw_tcp_opts *o)
{
	const struct sw_segment s = {
		.l2 = f->data,
		.l2_len = (uint8_t)p->l3_off,
		.swap_l2 = true,
		.to_client = f->side == SW_OUTSIDE,
		.tcp_flags = SW_TCP_SYN | SW_TCP_ACK,
		.window = 29200,
		.seq = ~p->seq,
		.ack = p->seq + 1,
		.tuple = &p->tuple,
		.opts = *o,
	};
	const struct sw_tuple tuple = p->tuple;
	const uint32_t cap = f->len + f->room;
	struct sw_tcp_opts back;
	struct sw_pkt q;

	if (sw_build_segment(f, &s) != 0) {
		MUST(cap < SW_SEGMENT_MAX_BYTES);
		return;
	}
	MUST(f->len == f->pkt_len && f->len + f->room == cap);
	MUST(pkt_check(f->data, f->len));
	f->side = (uint8_t)sw_other_side(f->side);
	f->csum = 0;
	sw_parse_burst(f, &q, 1);
	MUST(q.kind == SW_PKT_TCP && q.pay_len == 0 && sw_pkt_tcp_csum_ok(&q));
	MUST(q.tcp_flags == s.tcp_flags && q.seq == s.seq && q.ack == s.ack);
	MUST(sw_tuple_equal(&q.tuple, &tuple));
	MUST(sw_opts_read(&q, &back) == 0);
	MUST(back.mss == o->mss && back.wscale == o->wscale && back.sack_perm == o->sack_perm);
	MUST(back.ts == o->ts && (!o->ts || (back.tsval == o->tsval && back.tsecr == o->tsecr)));
}

/* The owner among several workers, by both ways: what belongs to a connection has one. */
static void
check_owner(struct sw_frame *f, const struct sw_pkt *p, uint16_t owner[2])
{
	static const uint64_t key[4] = {1, 2, 3, 4};
	static struct sw_steer steer[2];
	const bool owned =
		p->kind == SW_PKT_TCP || p->kind == SW_PKT_FIRST || p->kind == SW_PKT_ICMP;

	if (steer[0].n_workers == 0) {
		sw_steer_by_hash(&steer[0], 3, key);
		sw_steer_by_rss(&steer[1], 5, 64);
	}
	for (unsigned i = 0; i < 2; i++) {
		sw_steer_burst(&steer[i], f, 1, &owner[i]);
		MUST(owner[i] < steer[i].n_workers || owner[i] == SW_STEER_STAY);
		MUST(!owned || owner[i] != SW_STEER_STAY);
	}
	MUST(owned || owner[0] == SW_STEER_STAY);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sw_frame f;
	uint16_t owner[2], back[2];
	struct sw_tcp_opts o;
	struct sw_pkt p, q;
	uint8_t *buf;
	bool tcp;

	if (size < 1 || size > MAX_BYTES)
		return 0;
	f = (struct sw_frame){
		.data = pkt_dup(data + 1, size - 1),
		.len = (uint32_t)(size - 1),
		.side = data[0] & CTL_SIDE,
		.csum = data[0] >> 1 & 0xf,
	};
	f.pkt_len = f.len + (data[0] & CTL_MORE ? MORE_BYTES : 0);
	memset(&p, 0xee, sizeof(p));
	sw_parse_burst(&f, &p, 1);
	check_shape(&f, &p);
	check_owner(&f, &p, owner);
	tcp = p.kind == SW_PKT_TCP || p.kind == SW_PKT_FIRST || p.reason == SW_DROP_TCP_FLAGS;
	if (tcp)
		check_tcp(&f, &p);
	if (p.kind == SW_PKT_ICMP)
		check_icmp(&f, &p);
	if (f.pkt_len == f.len) {
		check_model(&f, &p, tcp);
		check_icmp_model(&f, &p);
	}
	if (p.kind == SW_PKT_ICMP)
		check_icmp_splice(&f, &p, data[0] & CTL_MADE);
	if (tcp) {
		check_options(&p, &o);
		buf = f.data;
		if (data[0] & CTL_ROOM) {
			f.room = SW_SEGMENT_MAX_BYTES;
			f.data = malloc(f.len + f.room);
			MUST(f.data);
			memcpy(f.data, buf, f.len);
			free(buf);
		}
		check_answer(&f, &p, &o);
		/* Not of odd flags: those are refused wherever they are. */
		if (p.kind != SW_PKT_BAD && f.side != (data[0] & CTL_SIDE)) {
			sw_parse_burst(&f, &q, 1);
			check_owner(&f, &q, back);
			MUST(back[0] == owner[0] && back[1] == owner[1]);
		}
	}
	free(f.data);
	return 0;
}
