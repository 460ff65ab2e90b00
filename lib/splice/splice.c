/* SPDX-License-Identifier: BSD-3-Clause */
#include "splice/splice.h"

#include "packet/checksum.h"
#include "packet/options.h"
#include "splice/plain.h"
#include "splice/rewrite.h"

/* What is added to the numbers in a segment's options. */
struct option_shift {
	uint32_t sack;
	uint32_t tsval;
	uint32_t tsecr;
};

/* Of an option, which may stand at an odd offset. */
static void
add_be32(const uint8_t *tcp, uint8_t *field, uint32_t shift, uint64_t *diff)
{
	const rte_be32_t old_be = sw_load32(field);
	const rte_be32_t new_be = rte_cpu_to_be_32(rte_be_to_cpu_32(old_be) + shift);

	sw_store32(field, new_be);
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

static bool
shift_options(struct sw_pkt *p, const struct option_shift *s, uint64_t *diff)
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

static sw_noinline bool
any_to_server(const struct sw_flow *f, struct sw_pkt *p)
{
	const bool ack = p->tcp_flags & SW_TCP_ACK;
	uint8_t *tcp = sw_pkt_tcp(p);
	uint64_t diff = 0;
	struct option_shift s = {
		.sack = -f->delta,
		/* Without ACK the echo field is not valid (RFC 7323, 3.2). */
		.tsecr = ack ? -sw_plain_ts_delta(f) : 0,
	};

	if (!shift_options(p, &s, &diff))
		return false;
	if (ack)
		sw_rewrite_add32(tcp + offsetof(struct sw_wire_tcp, ack_be), -f->delta, &diff);
	sw_rewrite_csum(tcp, diff);
	return true;
}

static sw_noinline bool
any_to_client(const struct sw_flow *f, struct sw_pkt *p)
{
	uint8_t *tcp = sw_pkt_tcp(p);
	uint64_t diff = 0;
	struct option_shift s = {.tsval = sw_plain_ts_delta(f)};

	if (!shift_options(p, &s, &diff))
		return false;
	sw_rewrite_add32(tcp + offsetof(struct sw_wire_tcp, seq_be), f->delta, &diff);
	if (f->wscale_server != f->wscale_promised)
		sw_plain_window(f, tcp, &diff);
	sw_rewrite_csum(tcp, diff);
	return true;
}

/* No options, or timestamps alone. */
sw_always_inline bool
is_plain(const struct sw_pkt *p)
{
	const uint32_t len = sw_rewrite_options_len(p);

	return len == 0 || (len == SW_PLAIN_TS_BYTES &&
				   sw_load32(sw_pkt_tcp(p) + SW_TCP_BYTES) == SW_PLAIN_TS_WORD);
}

bool
sw_splice_to_server(const struct sw_flow *f, struct sw_pkt *p)
{
	uint8_t *tcp = sw_pkt_tcp(p);

	if (sw_likely(is_plain(p) && p->tcp_flags & SW_TCP_ACK))
		sw_plain_to_server(f, tcp, sw_rewrite_options_len(p) != 0);
	else if (!any_to_server(f, p))
		return false;
	if (p->tcp_flags & SW_TCP_ACK)
		p->ack -= f->delta;
	return true;
}

bool
sw_splice_to_client(const struct sw_flow *f, struct sw_pkt *p)
{
	uint8_t *tcp = sw_pkt_tcp(p);

	if (sw_likely(is_plain(p)))
		sw_plain_to_client(f, tcp, sw_rewrite_options_len(p) != 0);
	else if (!any_to_client(f, p))
		return false;
	p->seq += f->delta;
	return true;
}

uint16_t
sw_splice_window(const struct sw_flow *f, uint16_t window, bool scaled)
{
	uint32_t w = (uint32_t)window << (scaled ? f->wscale_server : 0) >> f->wscale_promised;

	return w > UINT16_MAX ? UINT16_MAX : (uint16_t)w;
}
