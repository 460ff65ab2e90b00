/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_peer.h"

#define RTO_MAX_NS (8 * SIM_SEC)

uint64_t
peer_backoff(uint64_t first, unsigned tries)
{
	uint64_t t = first << (tries < 10 ? tries : 10);

	return t < RTO_MAX_NS ? t : RTO_MAX_NS;
}

/*
 * Bytes that may come in from rcv_nxt on; an edge once told is never taken back (RFC 9293,
 * 3.8.6).
 */
uint32_t
peer_rcv_window(const struct tcp_peer *p)
{
	uint64_t free = p->cfg.rcvbuf > p->rx_unread ? p->cfg.rcvbuf - p->rx_unread : 0;
	uint32_t told = p->rcv_edge_max - p->rcv_nxt;

	if ((int32_t)told > 0 && free < told)
		free = told;
	return (uint32_t)free;
}

void
peer_fill_ts(struct tcp_peer *p, uint64_t now, struct seg *s)
{
	uint32_t ts = peer_ts_now(p, now);

	s->ts = true;
	s->tsval = ts;
	s->tsecr = s->flags & SEG_ACK ? p->ts_recent : 0;
	if (p->n_sent == 0)
		p->ts_first_out = ts;
	p->ts_last_out = ts;
}

/* Newest range first, the others after it (RFC 2018, 4); as many as there is room for. */
static void
fill_sack(const struct tcp_peer *p, struct seg *s)
{
	unsigned max = s->ts ? 3 : 4, first = 0;

	for (unsigned i = 0; i < p->ooo.n; i++) {
		if (p->last_ooo - p->irs >= p->ooo.r[i].low &&
			p->last_ooo - p->irs < p->ooo.r[i].high)
			first = i;
	}
	for (unsigned k = 0; k < p->ooo.n && s->n_sack < max; k++) {
		unsigned i = k == 0 ? first : (k <= first ? k - 1 : k);

		s->sack[s->n_sack].left = p->irs + (uint32_t)p->ooo.r[i].low;
		s->sack[s->n_sack].right = p->irs + (uint32_t)p->ooo.r[i].high;
		s->n_sack++;
	}
}

/* Everything of a segment but its sequence number, data and further flags. */
static void
prepare(struct tcp_peer *p, uint64_t now, struct seg *s)
{
	uint32_t told = p->rcv_edge_max - p->rcv_nxt, window = peer_rcv_window(p);
	uint32_t part = (1u << p->rcv_shift) - 1, up = (window + part) & ~part;

	/*
	 * Rounded down, unless that would take back what was told: then up, by less than one unit
	 * beyond the buffer. Were it more, each segment of less than a unit would move the edge
	 * on, and a slow reader be sent far more than it has room for.
	 */
	if (window == told && up + p->rx_unread <= p->cfg.rcvbuf + part)
		window = up;
	window >>= p->rcv_shift;
	*s = (struct seg){.flags = SEG_ACK, .wscale = SEG_NO_WSCALE, .ack = p->rcv_nxt};
	s->window = (uint16_t)(window < 65535 ? window : 65535);
	if (p->ts_on)
		peer_fill_ts(p, now, s);
	if (p->sack_on)
		fill_sack(p, s);
	if (p->ece_echo)
		s->flags |= SEG_ECE;
}

static void
transmit(struct tcp_peer *p, struct seg *s)
{
	if (s->flags & SEG_ACK && p->state != PEER_SYN_RCVD) {
		uint32_t edge = s->ack + ((uint32_t)s->window << p->rcv_shift);

		if (seq_lt(p->rcv_edge_max, edge))
			p->rcv_edge_max = edge;
		p->last_ack_sent = s->ack;
		p->ack_now = false;
		p->t_delack = SIM_NEVER;
	}
	p->n_sent++;
	p->ops->send(p, s);
}

void
peer_send_syn(struct tcp_peer *p, uint64_t now)
{
	bool passive = p->state == PEER_SYN_RCVD, plain = p->cfg.syn_plain && p->tries >= 2;
	const struct seg *in = &p->partner_syn;
	struct seg s = {
		.seq = p->iss, .flags = SEG_SYN, .wscale = SEG_NO_WSCALE, .mss = p->cfg.mss};

	s.window = (uint16_t)(p->cfg.rcvbuf < 65535 ? p->cfg.rcvbuf : 65535);
	if (passive) {
		s.flags |= SEG_ACK;
		s.ack = p->rcv_nxt;
		p->last_ack_sent = s.ack;
	}
	/* A SYN-ACK answers only what was offered. */
	if (plain && !passive)
		goto send;
	if (p->cfg.wscale != SEG_NO_WSCALE && (!passive || in->wscale != SEG_NO_WSCALE))
		s.wscale = p->cfg.wscale;
	s.sack_ok = p->cfg.sack && (!passive || in->sack_ok);
	if (p->cfg.ts && (!passive || in->ts))
		peer_fill_ts(p, now, &s);
	if (passive && p->ecn_on)
		s.flags |= SEG_ECE;
	else if (!passive && p->cfg.ecn && p->tries < 2) /* RFC 3168, 6.1.1.1 */
		s.flags |= SEG_ECE | SEG_CWR;
send:
	p->snd_nxt = p->snd_max = p->iss + 1;
	transmit(p, &s);
}

/*
 * As far on as the partner's window goes: behind what it has, it would not look at the
 * acknowledgement; before its window neither.
 */
void
peer_send_ack(struct tcp_peer *p, uint64_t now)
{
	struct seg s;

	prepare(p, now, &s);
	s.seq = p->snd_max;
	/* An edge that a coarse scale has rounded down a little does not count (RFC 7323, 2.4). */
	if (seq_lt(p->snd_una + p->snd_wnd + (1u << p->snd_shift), s.seq))
		s.seq = p->snd_una + p->snd_wnd;
	transmit(p, &s);
}

/* Payload that fits into one segment with these options (RFC 6691). */
static uint32_t
segment_room(const struct tcp_peer *p, const struct seg *s)
{
	uint32_t mss = p->peer_mss != 0 ? p->peer_mss : p->cfg.mss_default;

	if (mss > p->cfg.mss_limit)
		mss = p->cfg.mss_limit;
	return mss - seg_opt_len(s);
}

static void
send_range(struct tcp_peer *p, uint64_t now, uint32_t seq, uint32_t len, bool fin)
{
	uint8_t data[9000];
	struct seg s;

	prepare(p, now, &s);
	if (len > segment_room(p, &s)) {
		len = segment_room(p, &s);
		fin = false;
	}
	s.seq = seq;
	s.pay = data;
	s.pay_len = len;
	stream_fill(p->cfg.tx_key, seq - (p->iss + 1), data, len);
	if (fin) {
		s.flags |= SEG_FIN;
		p->fin_sent = true;
	}
	if (len && seq + len == peer_tx_end(p))
		s.flags |= SEG_PSH;
	if (p->cfg.urg_tx && seq - (p->iss + 1) < p->cfg.urg_tx &&
		p->cfg.urg_tx - (seq - (p->iss + 1)) <= UINT16_MAX) {
		s.flags |= SEG_URG;
		s.urgent = (uint16_t)(p->cfg.urg_tx - (seq - (p->iss + 1)));
	}
	if (seq_lt(seq, p->snd_max)) {
		p->n_retransmitted++;
	} else if (p->ecn_on && len) {
		s.ecn = SEG_ECT0;
		s.flags |= p->cwr_due ? SEG_CWR : 0;
		p->cwr_due = false;
	}
	seq += seg_space(&s);
	if (seq_lt(p->snd_nxt, seq))
		p->snd_nxt = seq;
	if (seq_lt(p->snd_max, seq))
		p->snd_max = seq;
	transmit(p, &s);
}

/* The first bytes that the partner lacks, up to what it has said to have. */
void
peer_send_hole(struct tcp_peer *p, uint64_t now)
{
	uint32_t end = peer_tx_end(p), len = p->snd_max - p->snd_una;
	bool fin = p->fin_sent && p->snd_max == end + 1;

	if (fin)
		len--;
	if (p->sacked.n > 0 && p->iss + (uint32_t)p->sacked.r[0].low - p->snd_una < len) {
		len = p->iss + (uint32_t)p->sacked.r[0].low - p->snd_una;
		fin = false;
	}
	send_range(p, now, p->snd_una, len, fin);
}

void
peer_send_probe(struct tcp_peer *p, uint64_t now)
{
	struct seg s;

	p->n_probes++;
	if (p->cfg.probe_byte && seq_lt(p->snd_una, peer_tx_end(p)) &&
		p->snd_una - (p->iss + 1) < p->tx_avail) {
		send_range(p, now, p->snd_una, 1, false);
		return;
	}
	prepare(p, now, &s);
	s.seq = p->snd_una - 1;
	transmit(p, &s);
}

/* Sends the next segment where windows and data allow one. */
static bool
send_next(struct tcp_peer *p, uint64_t now)
{
	uint32_t end = peer_tx_end(p), mss, window, avail;
	bool may_fin = p->tx_avail == p->cfg.tx_total + 1;
	int32_t len, usable;
	struct seg s;

	prepare(p, now, &s);
	mss = segment_room(p, &s);
	window = p->snd_wnd < p->cwnd * mss ? p->snd_wnd : p->cwnd * mss;
	avail = p->iss + 1 + (uint32_t)(may_fin ? p->cfg.tx_total : p->tx_avail);
	len = (int32_t)(avail - p->snd_nxt);
	if (len < 0)
		return false; /* FIN is out */
	usable = (int32_t)(p->snd_una + window - p->snd_nxt);
	if (len > usable)
		len = usable > 0 ? usable : 0;
	if (len > (int32_t)mss)
		len = (int32_t)mss;
	may_fin = may_fin && p->snd_nxt + (uint32_t)len == end;
	if (len == 0 && !may_fin)
		return false;
	send_range(p, now, p->snd_nxt, (uint32_t)len, may_fin);
	return true;
}

static void
arm(struct tcp_peer *p, uint64_t now)
{
	bool blocked = p->snd_wnd == 0 && p->snd_nxt - (p->iss + 1) < p->tx_avail && !p->fin_acked;

	if (p->snd_una == p->snd_max && !blocked)
		p->t_rtx = SIM_NEVER;
	else if (p->t_rtx == SIM_NEVER)
		p->t_rtx = now + peer_backoff(p->cfg.rto_ns, p->tries);
	if (p->t_keep == SIM_NEVER)
		p->t_keep = now + p->cfg.keepalive_ns;
}

void
peer_output(struct tcp_peer *p, uint64_t now)
{
	if (p->state == PEER_TIME_WAIT && p->ack_now)
		peer_send_ack(p, now);
	if (p->state != PEER_OPEN)
		return;
	while (send_next(p, now))
		;
	if (p->ack_now)
		peer_send_ack(p, now);
	arm(p, now);
}
