/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "tcp_peer.h"

#define SYN_RTO_NS   SIM_SEC
#define PROBES_MAX   5
#define PROBE_GAP_NS (5 * SIM_SEC)

const char *
peer_end_name(enum peer_end e)
{
	static const char *const name[] = {"none", "fin", "reset", "aborted", "timeout"};

	return name[e];
}

const char *
peer_state_name(enum peer_state s)
{
	static const char *const name[] = {"CLOSED", "SYN_SENT", "SYN_RCVD", "OPEN", "TIME_WAIT"};

	return name[s];
}

void
tcp_peer_init(struct tcp_peer *p, const struct peer_cfg *cfg, const struct peer_ops *ops,
	void *owner, int role, uint32_t id)
{
	memset(p, 0, sizeof(*p));
	p->cfg = *cfg;
	p->ops = ops;
	p->owner = owner;
	p->role = role;
	p->id = id;
	p->iss = p->snd_una = p->snd_nxt = p->snd_max = cfg->iss;
	p->cwnd = cfg->cwnd;
	p->t_rtx = p->t_delack = p->t_write = p->t_read = p->t_keep = p->t_wait = SIM_NEVER;
	p->t_abort = p->queued = SIM_NEVER;
}

void
tcp_peer_connect(struct tcp_peer *p, uint64_t now)
{
	p->state = PEER_SYN_SENT;
	p->answered = true;
	if (p->cfg.abort_ns)
		p->t_abort = now + p->cfg.abort_ns;
	peer_send_syn(p, now);
	p->t_rtx = now + SYN_RTO_NS;
}

/* Takes over what the partner's SYN or SYN-ACK says; what counts is what both have. */
void
peer_agree(struct tcp_peer *p, const struct seg *syn, uint64_t now)
{
	p->partner_syn = *syn;
	p->partner_syn.pay = NULL;
	p->irs = syn->seq;
	p->rcv_nxt = syn->seq + 1;
	p->rcv_edge_max = p->rcv_nxt + (p->cfg.rcvbuf < 65535 ? p->cfg.rcvbuf : 65535);
	p->snd_wnd = syn->window;
	p->snd_wl1 = syn->seq;
	p->snd_wl2 = p->snd_una;
	p->ts_on = syn->ts && p->cfg.ts;
	p->sack_on = syn->sack_ok && p->cfg.sack;
	p->ecn_on = p->cfg.ecn && (syn->flags & (SEG_ECE | SEG_CWR)) ==
					  (syn->flags & SEG_ACK ? SEG_ECE : SEG_ECE | SEG_CWR);
	if (syn->wscale != SEG_NO_WSCALE && p->cfg.wscale != SEG_NO_WSCALE) {
		p->snd_shift = syn->wscale > 14 ? 14 : syn->wscale;
		p->rcv_shift = p->cfg.wscale;
	}
	p->ts_recent = p->ts_first_in = syn->tsval;
	p->ts_first_ns = now;
	p->peer_mss = syn->mss;
}

void
tcp_peer_accept(struct tcp_peer *p, uint64_t now, const struct seg *syn)
{
	p->state = PEER_SYN_RCVD;
	peer_agree(p, syn, now);
	if (p->cfg.abort_ns)
		p->t_abort = now + p->cfg.abort_ns;
	p->answered = p->cfg.answer_ns == 0;
	if (p->answered)
		peer_send_syn(p, now);
	p->t_rtx = now + (p->answered ? SYN_RTO_NS : p->cfg.answer_ns);
}

void
peer_finish(struct tcp_peer *p, enum peer_end why)
{
	p->state = PEER_CLOSED;
	p->end = why;
	p->t_rtx = p->t_delack = p->t_write = p->t_read = p->t_keep = p->t_wait = SIM_NEVER;
	p->t_abort = SIM_NEVER;
}

bool
tcp_peer_too_big(struct tcp_peer *p, uint64_t now, uint32_t seq, uint32_t room)
{
	if (p->state != PEER_OPEN || seq - p->snd_una >= p->snd_max - p->snd_una ||
		room >= p->cfg.mss_limit)
		return false;
	p->cfg.mss_limit = (uint16_t)room;
	p->snd_nxt = p->snd_una;
	p->sacked.n = 0;
	p->in_recovery = false;
	peer_output(p, now);
	return true;
}

void
tcp_peer_abort(struct tcp_peer *p, uint64_t now)
{
	struct seg s = {.seq = p->snd_max,
		.ack = p->rcv_nxt,
		.wscale = SEG_NO_WSCALE,
		.flags = SEG_RST | SEG_ACK};

	(void)now;
	if (p->state != PEER_SYN_SENT && !p->cfg.vanish)
		p->ops->send(p, &s);
	peer_finish(p, END_ABORTED);
}

bool
peer_done(const struct tcp_peer *p)
{
	return p->fin_rcvd && p->fin_acked;
}

static bool
wants_to_close(const struct tcp_peer *p)
{
	switch (p->cfg.close) {
	case CLOSE_WHEN_SENT:
		return true;
	case CLOSE_AFTER_PEER:
		return p->fin_rcvd;
	default:
		return peer_rx(p) == p->cfg.rx_total;
	}
}

/*
 * The application: reads what is due, aborts where it is told to. Whether the FIN may be sent is
 * looked up here by the sender: tx_avail is one more than the stream where it may.
 */
void
peer_app(struct tcp_peer *p, uint64_t now)
{
	if (p->state != PEER_OPEN)
		return;
	if (p->cfg.read_chunk == 0) {
		p->rx_read += p->rx_unread;
		p->rx_unread = 0;
	} else if (p->rx_unread > 0 && p->t_read == SIM_NEVER) {
		p->t_read = now + p->cfg.read_every_ns;
	}
	if (peer_rx(p) >= p->cfg.abort_rx) {
		tcp_peer_abort(p, now);
		return;
	}
	if (p->cfg.write_chunk == 0) {
		p->tx_avail = p->cfg.tx_total;
	} else if (p->tx_avail < p->cfg.tx_total && p->t_write == SIM_NEVER) {
		p->t_write = now + p->cfg.write_every_ns;
	}
	if (p->tx_avail >= p->cfg.tx_total && wants_to_close(p))
		p->tx_avail = p->cfg.tx_total + 1;
}

static void
timer_write(struct tcp_peer *p)
{
	p->t_write = SIM_NEVER;
	p->tx_avail += p->cfg.write_chunk;
	if (p->tx_avail > p->cfg.tx_total)
		p->tx_avail = p->cfg.tx_total;
}

static void
timer_read(struct tcp_peer *p)
{
	uint64_t n = p->rx_unread < p->cfg.read_chunk ? p->rx_unread : p->cfg.read_chunk;
	uint32_t before = peer_rcv_window(p);

	p->t_read = SIM_NEVER;
	p->rx_read += n;
	p->rx_unread -= n;
	/* A window that was (nearly) shut and opens is told to the sender. */
	if (before < p->cfg.rcvbuf / 4 && peer_rcv_window(p) >= p->cfg.rcvbuf / 4)
		p->ack_now = true;
}

static void
timer_rtx(struct tcp_peer *p, uint64_t now)
{
	bool handshake = p->state == PEER_SYN_SENT || p->state == PEER_SYN_RCVD;

	p->t_rtx = SIM_NEVER;
	if (handshake && p->role == SERVER && !p->answered) {
		p->answered = true;
		peer_send_syn(p, now);
		p->t_rtx = now + SYN_RTO_NS;
		return;
	}
	p->tries++;
	p->silent++;
	if (handshake ? p->tries > p->cfg.syn_retries : p->silent > p->cfg.retries) {
		peer_finish(p, END_TIMEOUT);
		return;
	}
	if (handshake) {
		p->n_retransmitted++;
		peer_send_syn(p, now);
		p->t_rtx = now + peer_backoff(SYN_RTO_NS, p->tries);
		return;
	}
	/* Go back; what was said of later bytes may have been taken back (RFC 2018, 8). */
	p->snd_nxt = p->snd_una;
	p->sacked.n = 0;
	p->cwnd = 1;
	p->in_recovery = false;
	p->dupacks = 0;
	if (p->snd_wnd == 0)
		peer_send_probe(p, now);
}

static void
timer_keep(struct tcp_peer *p, uint64_t now)
{
	p->t_keep = now + PROBE_GAP_NS;
	if (p->t_rtx != SIM_NEVER)
		return;
	if (++p->probes > PROBES_MAX) {
		peer_finish(p, END_TIMEOUT);
		return;
	}
	peer_send_probe(p, now);
}

void
tcp_peer_timer(struct tcp_peer *p, uint64_t now)
{
	if (p->t_abort <= now) {
		tcp_peer_abort(p, now);
		return;
	}
	if (p->t_wait <= now) {
		peer_finish(p, END_FIN);
		return;
	}
	if (p->t_read <= now)
		timer_read(p);
	if (p->t_write <= now)
		timer_write(p);
	if (p->t_delack <= now) {
		p->t_delack = SIM_NEVER;
		p->ack_now = true;
	}
	if (p->t_rtx <= now)
		timer_rtx(p, now);
	if (p->t_keep <= now)
		timer_keep(p, now);
	peer_app(p, now);
	peer_output(p, now);
}

uint64_t
tcp_peer_deadline(const struct tcp_peer *p)
{
	const uint64_t t[] = {
		p->t_rtx, p->t_delack, p->t_write, p->t_read, p->t_keep, p->t_wait, p->t_abort};
	uint64_t min = SIM_NEVER;

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (t[i] < min)
			min = t[i];
	}
	return min;
}

bool
tcp_peer_syn_replaces(const struct tcp_peer *p, const struct seg *syn)
{
	if (p->ts_on && syn->ts)
		return seq_lt(p->ts_recent, syn->tsval) ||
		       (p->ts_recent == syn->tsval && seq_lt(p->rcv_nxt, syn->seq));
	return seq_lt(p->rcv_nxt, syn->seq);
}

bool
tcp_reset_for(const struct seg *s, struct seg *rst)
{
	if (s->flags & SEG_RST)
		return false;
	*rst = (struct seg){.flags = SEG_RST, .wscale = SEG_NO_WSCALE};
	if (s->flags & SEG_ACK) {
		rst->seq = s->ack;
	} else {
		rst->flags |= SEG_ACK;
		rst->ack = s->seq + seg_space(s);
	}
	return true;
}
