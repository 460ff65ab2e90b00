/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may come in: every segment of the partner is held against what was agreed with it. A stray
 * of the network is late or twice, but never outside of these bounds.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tcp_peer.h"

static bool __attribute__((format(printf, 2, 3)))
bad(const struct tcp_peer *p, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_fail("conn %u: %s (%s) was sent what it never agreed to: %s", p->id,
		p->role == CLIENT ? "client" : "server", peer_state_name(p->state), text);
	return false;
}

/* The SYN-ACK: only what we offered, and our own timestamp. */
bool
peer_check_synack(struct tcp_peer *p, const struct seg *s)
{
	if (s->wscale != SEG_NO_WSCALE && p->cfg.wscale == SEG_NO_WSCALE)
		return bad(p, "window scale was not offered");
	if (s->sack_ok && !p->cfg.sack)
		return bad(p, "SACK was not offered");
	if (s->flags & SEG_ECE && !p->cfg.ecn)
		return bad(p, "ECN was not offered");
	if (s->ts && !p->cfg.ts)
		return bad(p, "timestamps were not offered");
	if (s->ts && s->tsecr - p->ts_first_out > p->ts_last_out - p->ts_first_out)
		return bad(p, "SYN-ACK echoes timestamp %u, we sent %u-%u", s->tsecr,
			p->ts_first_out, p->ts_last_out);
	if (s->window == 0)
		return bad(p, "SYN-ACK with a window of zero");
	if (s->pay_len)
		return bad(p, "SYN-ACK with data");
	return true;
}

static bool
check_timestamps(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	uint32_t slack =
		p->cfg.ts_slack_ms; /* either way: the first segment need not be the oldest */
	uint64_t elapsed_ms = (now - p->ts_first_ns) / SIM_MS + 1 + slack;

	if (s->flags & SEG_RST)
		return true;
	if (s->ts != p->ts_on)
		return bad(p, p->ts_on ? "segment without timestamps" : "segment with timestamps");
	if (!s->ts)
		return true;
	if (s->tsval - p->ts_first_in + slack > elapsed_ms + slack)
		return bad(p, "TSval %u lies outside of %u + %llu ms", s->tsval, p->ts_first_in,
			(unsigned long long)elapsed_ms);
	if (s->tsecr == 0 && p->ecr_zero)
		return true;
	if (s->flags & SEG_ACK && s->tsecr - p->ts_first_out > p->ts_last_out - p->ts_first_out)
		return bad(p, "TSecr %u, we sent %u-%u", s->tsecr, p->ts_first_out, p->ts_last_out);
	return true;
}

static bool
check_acks(struct tcp_peer *p, const struct seg *s)
{
	uint32_t sent = p->snd_max - p->iss;

	if (s->flags & SEG_ACK && (s->ack == p->iss || s->ack - p->iss > sent))
		return bad(p, "ACK %u of what was not sent (%u-%u)", s->ack, p->iss, p->snd_max);
	if (s->n_sack && !p->sack_on)
		return bad(p, "SACK blocks without SACK permitted");
	for (unsigned i = 0; i < s->n_sack; i++) {
		uint32_t l = s->sack[i].left - p->iss, r = s->sack[i].right - p->iss;

		if (l == 0 || l >= r || r > sent)
			return bad(p, "SACK block %u:%u, we sent %u-%u", s->sack[i].left,
				s->sack[i].right, p->iss, p->snd_max);
	}
	return true;
}

static bool
check_data(struct tcp_peer *p, const struct seg *s)
{
	uint32_t mss = (p->cfg.mss != 0 ? p->cfg.mss : p->cfg.mss_default) + p->mss_over;
	uint32_t end = s->seq + s->pay_len, edge = p->rcv_edge_max;
	uint32_t early = p->irs + 1 + p->cfg.early_window;

	if (s->pay_len + s->opt_len > mss && s->pay_len)
		return bad(p, "%u bytes and %u of options in a segment, our MSS is %u", s->pay_len,
			s->opt_len, mss);
	if (s->flags & SEG_URG) {
		p->n_urg++;
		if (s->seq + s->urgent - (p->irs + 1) != (uint32_t)p->cfg.urg_rx)
			return bad(p, "urgent bytes up to %u, they end at %llu",
				s->seq + s->urgent - (p->irs + 1),
				(unsigned long long)p->cfg.urg_rx);
	}
	if (!p->ecn_on && (s->ecn || s->flags & SEG_ECE))
		return bad(p, "ECN field %u, flags %#x without ECN", s->ecn, s->flags);
	if (s->pay_len == 0)
		return true;
	if (p->cfg.early_window && seq_lt(edge, early))
		edge = early;
	/* One byte behind the edge is a window probe (RFC 9293, 3.8.6.1). */
	if (seq_lt(edge + (s->pay_len == 1), end))
		return bad(p, "data up to %u, our window ends at %u", end, edge);
	if (s->seq - (p->irs + 1) > p->cfg.rx_total || end - (p->irs + 1) > p->cfg.rx_total)
		return bad(p, "data %u-%u outside of the stream of %llu bytes from %u", s->seq, end,
			(unsigned long long)p->cfg.rx_total, p->irs + 1);
	if (!stream_check(p->cfg.rx_key, s->seq - (p->irs + 1), s->pay, s->pay_len))
		return bad(
			p, "bytes at %u differ from what the partner sent", s->seq - (p->irs + 1));
	return true;
}

bool
peer_check(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	if (p->state == PEER_SYN_SENT)
		return true; /* peer_check_synack() */
	if (s->flags & SEG_SYN)
		return true; /* challenged, or the SYN-ACK again */
	if (!check_timestamps(p, now, s) || !check_acks(p, s) || !check_data(p, s))
		return false;
	if (s->flags & SEG_FIN && s->seq + s->pay_len - (p->irs + 1) != (uint32_t)p->cfg.rx_total)
		return bad(p, "FIN at byte %u, the stream has %llu",
			s->seq + s->pay_len - (p->irs + 1), (unsigned long long)p->cfg.rx_total);
	return true;
}
