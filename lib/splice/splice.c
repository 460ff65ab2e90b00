/* SPDX-License-Identifier: BSD-3-Clause */
#include "splice/splice.h"

#include "splice/plain.h"

bool
sw_rewrite_options_ok(struct sw_opt_iter it)
{
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

bool
sw_rewrite_options(uint8_t *tcp, uint32_t hdr, const struct sw_rewrite_shift *s, uint64_t *diff)
{
	struct sw_opt_iter it = {.p = tcp + SW_TCP_BYTES, .end = tcp + hdr};
	struct sw_opt o;

	/* Judged whole before anything is written: a packet that is refused is as it was. */
	if (!sw_rewrite_options_ok(it))
		return false;
	while (sw_opt_next(&it, &o) > 0) {
		const uint32_t at = (uint32_t)(o.p - tcp);

		if (o.kind == SW_OPT_TS) {
			sw_rewrite_add32(tcp, at + 2, s->tsval, diff);
			sw_rewrite_add32(tcp, at + 6, s->tsecr, diff);
		} else if (o.kind == SW_OPT_SACK && s->sack != 0) {
			for (uint32_t i = 2; i < o.len; i += 4)
				sw_rewrite_add32(tcp, at + i, s->sack, diff);
		}
	}
	return true;
}

static sw_noinline bool
any_to_server(const struct sw_flow *f, struct sw_pkt *p)
{
	const bool ack = p->tcp_flags & SW_TCP_ACK;
	const struct sw_rewrite_shift s = {
		.sack = -f->delta,
		/* Without ACK the echo field is not valid (RFC 7323, 3.2). */
		.tsecr = ack ? -sw_plain_ts_delta(f) : 0,
	};
	uint8_t *tcp = sw_pkt_tcp(p);
	uint64_t diff = 0;

	if (!sw_rewrite_options(tcp, p->pay_off - p->l4_off, &s, &diff))
		return false;
	if (ack)
		sw_plain_ack_to_server(f, tcp, diff);
	else
		sw_rewrite_csum(tcp, diff);
	return true;
}

static sw_noinline bool
any_to_client(const struct sw_flow *f, struct sw_pkt *p)
{
	const struct sw_rewrite_shift s = {.tsval = sw_plain_ts_delta(f)};
	uint8_t *tcp = sw_pkt_tcp(p);
	uint64_t diff = 0;

	if (!sw_rewrite_options(tcp, p->pay_off - p->l4_off, &s, &diff))
		return false;
	sw_plain_seq_to_client(f, tcp, diff);
	return true;
}

/* No options, or timestamps alone. */
sw_always_inline bool
is_plain(const struct sw_pkt *p)
{
	return sw_rewrite_options_len(p) == 0 || sw_opts_are_ts(p);
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
