/* SPDX-License-Identifier: BSD-3-Clause */
#include "splice/splice.h"

#include "packet/checksum.h"
#include "packet/options.h"
#include "splice/rewrite.h"

#define TCP_SEQ_OFF    4
#define TCP_ACK_OFF    8
#define TCP_WINDOW_OFF 14
#define TCP_HDR_BYTES  20

/* NOP NOP TS with nothing else: how every stack sends timestamps on data; in wire order. */
#define TS_ALONE_BYTES 12
#define TS_ALONE_WORD  RTE_BE32(0x0101080a)

/* What is added to the numbers in a segment's options. */
struct option_shift {
	uint32_t sack;
	uint32_t tsval;
	uint32_t tsecr;
};

static inline uint32_t
load_be32(const uint8_t *p)
{
	rte_be32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

/* Adds `shift` to the number at field; the difference goes to *diff. */
static inline void
add_be32(const uint8_t *tcp, uint8_t *field, uint32_t shift, uint64_t *diff)
{
	rte_be32_t old_be, new_be;

	memcpy(&old_be, field, sizeof(old_be));
	new_be = rte_cpu_to_be_32(rte_be_to_cpu_32(old_be) + shift);
	memcpy(field, &new_be, sizeof(new_be));
	*diff += sw_csum_diff32(old_be, new_be, (field - tcp) & 1);
}

bool
sw_rewrite_options_ok(const struct sw_pkt *p)
{
	struct sw_opt_iter it = sw_opt_begin(p);
	struct sw_opt o;
	int rc;

	while ((rc = sw_opt_next(&it, &o)) > 0) {
		if (o.kind == SW_OPT_TS && o.len != SW_OPT_TS_LEN)
			return false;
		if (o.kind == SW_OPT_SACK && (o.len < 10 || (o.len - 2) % 8 != 0))
			return false;
	}
	return rc == 0;
}

static void
shift_one(uint8_t *tcp, const struct sw_opt *o, const struct option_shift *s, uint64_t *diff)
{
	uint8_t *p = tcp + (o->p - tcp);

	if (o->kind == SW_OPT_TS) {
		add_be32(tcp, p + 2, s->tsval, diff);
		add_be32(tcp, p + 6, s->tsecr, diff);
	} else if (o->kind == SW_OPT_SACK && s->sack != 0) {
		for (unsigned i = 2; i < o->len; i += 4)
			add_be32(tcp, p + i, s->sack, diff);
	}
}

static sw_noinline bool
shift_any_options(struct sw_pkt *p, const struct option_shift *s, uint64_t *diff)
{
	uint8_t *tcp = sw_pkt_tcp(p);

	/* Judged whole before anything is written: a packet that is refused is as it was. */
	if (!sw_rewrite_options_ok(p))
		return false;
	struct sw_opt_iter it = sw_opt_begin(p);
	struct sw_opt o;

	while (sw_opt_next(&it, &o) > 0)
		shift_one(tcp, &o, s, diff);
	return true;
}

sw_always_inline bool
shift_options(struct sw_pkt *p, const struct option_shift *s, uint64_t *diff)
{
	uint8_t *tcp = sw_pkt_tcp(p);
	uint32_t first;

	memcpy(&first, tcp + TCP_HDR_BYTES, sizeof(first));
	if (sw_unlikely(p->pay_off - p->l4_off != TCP_HDR_BYTES + TS_ALONE_BYTES ||
			first != TS_ALONE_WORD))
		return shift_any_options(p, s, diff);
	add_be32(tcp, tcp + TCP_HDR_BYTES + 4, s->tsval, diff);
	add_be32(tcp, tcp + TCP_HDR_BYTES + 8, s->tsecr, diff);
	return true;
}

static inline bool
has_options(const struct sw_pkt *p)
{
	return p->pay_off - p->l4_off > TCP_HDR_BYTES;
}

bool
sw_splice_to_server(const struct sw_flow *f, struct sw_pkt *p)
{
	uint8_t *tcp = sw_pkt_tcp(p);
	uint32_t ts_delta = f->flags & SW_FLOW_TS ? f->ts_delta : 0;
	uint64_t diff = 0;

	if (has_options(p)) {
		struct option_shift s = {
			.sack = -f->delta,
			/* Without ACK the echo field is not valid (RFC 7323, 3.2). */
			.tsecr = p->tcp_flags & SW_TCP_ACK ? -ts_delta : 0,
		};

		if (!shift_options(p, &s, &diff))
			return false;
	}
	if (p->tcp_flags & SW_TCP_ACK) {
		add_be32(tcp, tcp + TCP_ACK_OFF, -f->delta, &diff);
		p->ack = load_be32(tcp + TCP_ACK_OFF);
	}
	sw_rewrite_csum(tcp, diff);
	return true;
}

bool
sw_splice_to_client(const struct sw_flow *f, struct sw_pkt *p)
{
	uint8_t *tcp = sw_pkt_tcp(p);
	uint64_t diff = 0;

	if (has_options(p)) {
		struct option_shift s = {.tsval = f->flags & SW_FLOW_TS ? f->ts_delta : 0};

		if (!shift_options(p, &s, &diff))
			return false;
	}
	add_be32(tcp, tcp + TCP_SEQ_OFF, f->delta, &diff);
	p->seq = load_be32(tcp + TCP_SEQ_OFF);
	if (f->wscale_server != f->wscale_promised) {
		rte_be16_t old_be, new_be;

		memcpy(&old_be, tcp + TCP_WINDOW_OFF, sizeof(old_be));
		new_be = rte_cpu_to_be_16(sw_splice_window(f, rte_be_to_cpu_16(old_be), true));
		memcpy(tcp + TCP_WINDOW_OFF, &new_be, sizeof(new_be));
		diff += sw_csum_diff16(old_be, new_be);
	}
	sw_rewrite_csum(tcp, diff);
	return true;
}

uint16_t
sw_splice_window(const struct sw_flow *f, uint16_t window, bool scaled)
{
	uint32_t w = (uint32_t)window << (scaled ? f->wscale_server : 0) >> f->wscale_promised;

	return w > UINT16_MAX ? UINT16_MAX : (uint16_t)w;
}
