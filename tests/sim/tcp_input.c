/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_peer.h"

#define DUPACKS	     3
#define CHALLENGE_NS (500 * SIM_MS)

/* RFC 9293, 3.10.7.4, first check; a window of zero takes nothing but what needs no space. */
static bool
acceptable(const struct tcp_peer *p, const struct seg *s)
{
	uint32_t wnd = peer_rcv_window(p), len = seg_space(s);
	bool starts = s->seq - p->rcv_nxt < wnd;
	bool ends = s->seq + len - 1 - p->rcv_nxt < wnd;

	if (len == 0)
		return wnd == 0 ? s->seq == p->rcv_nxt : starts || s->seq == p->rcv_nxt + wnd;
	if (s->pay_len == 0 && s->flags & SEG_FIN && s->seq == p->rcv_nxt)
		return true;
	return wnd != 0 && (starts || ends);
}

static void
input_syn_sent(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	struct seg rst;

	if (s->flags & SEG_ACK && s->ack != p->iss + 1) {
		if (tcp_reset_for(s, &rst))
			p->ops->send(p, &rst);
		return;
	}
	if (s->flags & SEG_RST) {
		if (s->flags & SEG_ACK)
			peer_finish(p, END_RESET);
		return;
	}
	if ((s->flags & (SEG_SYN | SEG_ACK)) == SEG_SYN) { /* both at one time */
		peer_agree(p, s, now);
		p->state = PEER_SYN_RCVD;
		peer_send_syn(p, now);
		return;
	}
	if ((s->flags & (SEG_SYN | SEG_ACK)) != (SEG_SYN | SEG_ACK) || !peer_check_synack(p, s))
		return;
	p->snd_una = p->iss + 1;
	peer_agree(p, s, now);
	p->state = PEER_OPEN;
	p->established = true;
	p->established_ns = now;
	p->tries = p->silent = 0;
	p->cwr_until = p->snd_una;
	p->t_rtx = SIM_NEVER;
	p->ack_now = !p->cfg.ack_with_data;
	if (p->ack_now) {
		for (unsigned i = 0; i <= p->cfg.ack_copies; i++)
			peer_send_ack(p, now);
	}
	peer_app(p, now);
	p->ack_now = p->state == PEER_OPEN && p->tx_avail == 0 && p->cfg.ack_with_data;
}

static void
note_sack(struct tcp_peer *p, const struct seg *s)
{
	for (unsigned i = 0; i < s->n_sack; i++) {
		if (seq_le(s->sack[i].left, s->ack))
			continue; /* D-SACK */
		ranges_add(&p->sacked, s->sack[i].left - p->iss, s->sack[i].right - p->iss);
		p->n_sack_in++;
	}
}

static void
new_ack(struct tcp_peer *p, uint64_t now, uint32_t ack)
{
	p->snd_una = ack;
	if (seq_lt(p->snd_nxt, ack))
		p->snd_nxt = ack;
	ranges_trim(&p->sacked, ack - p->iss);
	p->tries = p->silent = 0;
	p->t_rtx = SIM_NEVER;
	p->dupacks = 0;
	if (p->cwnd < p->cfg.cwnd)
		p->cwnd++;
	if (p->fin_sent && ack == peer_tx_end(p) + 1)
		p->fin_acked = true;
	if (!p->in_recovery)
		return;
	if (seq_lt(ack, p->recover) && ack != p->snd_max)
		peer_send_hole(p, now); /* RFC 6582: the next one is lost as well */
	else
		p->in_recovery = false;
}

static void
input_ack(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	uint32_t wnd = (uint32_t)s->window << p->snd_shift;
	bool same_window = wnd == p->snd_wnd;

	/* An acknowledgement that is new brings a window that is, whatever it was sent with. */
	if (seq_lt(p->snd_una, s->ack) ||
		(s->ack == p->snd_una &&
			(seq_lt(p->snd_wl1, s->seq) ||
				(p->snd_wl1 == s->seq && seq_le(p->snd_wl2, s->ack))))) {
		if (p->snd_wnd == 0 && wnd != 0) {
			p->tries = 0;
			p->t_rtx = SIM_NEVER;
		}
		p->snd_wnd = wnd;
		p->snd_wl1 = s->seq;
		p->snd_wl2 = s->ack;
	}
	if (p->snd_wnd == 0)
		p->silent = 0; /* as long as it says so, it is there (RFC 9293, 3.8.6.1) */
	note_sack(p, s);
	if (seq_lt(p->snd_una, s->ack)) {
		new_ack(p, now, s->ack);
	} else if (s->ack == p->snd_una && p->snd_una != p->snd_max && seg_space(s) == 0 &&
		   same_window && ++p->dupacks == DUPACKS && !p->in_recovery) {
		p->in_recovery = true;
		p->recover = p->snd_max;
		peer_send_hole(p, now);
	}
}

/* Hands in-order bytes to the application, keeps the others in mind. */
static void
input_data(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	uint32_t seq = s->seq, end = s->seq + s->pay_len, edge = p->rcv_nxt + peer_rcv_window(p);
	uint32_t next;

	if (seq_lt(edge, end))
		end = edge;
	if (seq_lt(seq, p->rcv_nxt))
		seq = p->rcv_nxt;
	p->ack_now = p->ack_now || !seq_lt(seq, end) || seq != p->rcv_nxt || p->ooo.n > 0;
	if (!seq_lt(seq, end))
		return;
	if (!ranges_add(&p->ooo, seq - p->irs, end - p->irs))
		return; /* more holes than we keep: it comes again */
	p->last_ooo = seq;
	if (p->ooo.r[0].low != p->rcv_nxt - p->irs)
		return;
	next = p->irs + (uint32_t)p->ooo.r[0].high;
	p->rx_unread += next - p->rcv_nxt;
	p->rcv_nxt = next;
	ranges_trim(&p->ooo, next - p->irs);
	if (p->cfg.delack_ns == 0 || p->t_delack != SIM_NEVER)
		p->ack_now = true;
	else
		p->t_delack = now + p->cfg.delack_ns;
}

static void
input_fin(struct tcp_peer *p, const struct seg *s)
{
	if (s->flags & SEG_FIN) {
		p->fin_known = true;
		p->fin_seq = s->seq + s->pay_len;
		p->ack_now = true;
	}
	if (p->fin_known && !p->fin_rcvd && p->rcv_nxt == p->fin_seq) {
		p->rcv_nxt++;
		p->fin_rcvd = true;
		p->active_close = p->fin_sent;
		p->ack_now = true;
	}
}

/* A passive closer is done when its FIN is acknowledged; who sent one first waits for strays. */
static void
settle(struct tcp_peer *p, uint64_t now)
{
	if (p->state != PEER_OPEN || !peer_done(p))
		return;
	if (p->ack_now)
		peer_send_ack(p, now);
	if (p->active_close) {
		p->state = PEER_TIME_WAIT;
		p->t_rtx = p->t_keep = p->t_delack = p->t_write = p->t_read = SIM_NEVER;
		p->t_wait = now + p->cfg.time_wait_ns;
	} else {
		peer_finish(p, END_FIN);
	}
}

static void
input_reset(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	if (s->seq == p->rcv_nxt)
		peer_finish(p, p->state == PEER_TIME_WAIT ? END_FIN : END_RESET);
	else if (p->state != PEER_TIME_WAIT)
		peer_send_ack(p, now); /* RFC 5961, 3.2 */
}

/*
 * The ACK for a segment that does not fit. For those without data at most one in half a second, or
 * two ends that disagree would go on for ever (RFC 5961, 7).
 */
static void
challenge(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	if (s->pay_len == 0 && !(s->flags & SEG_FIN)) {
		if (p->challenged_ns != 0 && now - p->challenged_ns < CHALLENGE_NS)
			return;
		p->challenged_ns = now;
	}
	peer_send_ack(p, now);
}

/*
 * Nothing of a segment that is not acceptable is looked at, so that an acknowledgement which came
 * on data sent again in vain is as good as lost (RFC 9293, 3.10.7.4, first check).
 */
static void
note_lost_ack(struct tcp_peer *p, const struct seg *s)
{
	if (!p->forged && s->flags & SEG_ACK && seg_space(s) != 0 &&
		seq_le(s->seq + seg_space(s), p->rcv_nxt) &&
		s->ack - p->snd_una - 1 < p->snd_max - p->snd_una)
		p->n_acks_lost++;
}

/* PAWS, window, RST, SYN, in the order of RFC 9293, 3.10.7.4. True: go on with this segment. */
static bool
input_checks(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	if (p->ts_on && s->ts && !(s->flags & SEG_RST) && seq_lt(s->tsval, p->ts_recent)) {
		p->n_paws++;
		/* A handshake ACK that the front end repeats is as old as the first one. */
		if (p->cfg.in_order && !p->stale && (seg_space(s) != 0 || s->seq != p->irs + 1))
			sim_fail("conn %u %s: TSval %u goes back behind %u on a path in order",
				p->id, p->role == CLIENT ? "client" : "server", s->tsval,
				p->ts_recent);
		challenge(p, now, s);
		return false;
	}
	if (p->state == PEER_SYN_RCVD && s->flags & SEG_SYN && s->seq == p->irs) {
		if (p->answered)
			peer_send_syn(p, now);
		return false;
	}
	if (!acceptable(p, s)) {
		note_lost_ack(p, s);
		if (!(s->flags & SEG_RST) && p->state != PEER_SYN_RCVD) {
			if (p->state == PEER_TIME_WAIT)
				p->t_wait = now + p->cfg.time_wait_ns;
			challenge(p, now, s);
		} else if (p->state == PEER_SYN_RCVD && !(s->flags & SEG_RST) && p->answered) {
			peer_send_syn(p, now);
		}
		return false;
	}
	if (s->flags & SEG_RST) {
		input_reset(p, now, s);
		return false;
	}
	if (s->flags & SEG_SYN) {
		challenge(p, now, s); /* RFC 5961, 4.2 */
		return false;
	}
	return s->flags & SEG_ACK;
}

/* RFC 3168, 6.1: the receiver says that it was marked until the sender says that it heard. */
static void
input_ecn(struct tcp_peer *p, const struct seg *s)
{
	if (!p->ecn_on)
		return;
	if (s->flags & SEG_CWR)
		p->ece_echo = false;
	if (s->ecn == SEG_CE) {
		p->ece_echo = true;
		p->n_ce++;
	}
	if (!(s->flags & SEG_ECE))
		return;
	p->n_ece_in++;
	if (seq_lt(s->ack, p->cwr_until))
		return;
	p->cwr_due = true;
	p->cwr_until = p->snd_max;
	p->cwnd = p->cwnd > 2 ? p->cwnd / 2 : 1;
}

static void
input_segment(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	bool fin_was_rcvd = p->fin_rcvd;

	p->probes = 0;
	if (p->state == PEER_SYN_RCVD) {
		p->snd_una = s->ack;
		p->snd_wnd = (uint32_t)s->window << p->snd_shift;
		p->snd_wl1 = s->seq;
		p->snd_wl2 = s->ack;
		p->state = PEER_OPEN;
		p->established = true;
		p->established_ns = now;
		p->t_rtx = SIM_NEVER;
		p->tries = 0;
		p->cwr_until = p->snd_una;
	}
	if (p->ts_on && s->ts && seq_le(s->seq, p->last_ack_sent) && seq_le(p->ts_recent, s->tsval))
		p->ts_recent = s->tsval;
	if (p->state == PEER_TIME_WAIT)
		return;
	p->t_keep = now + p->cfg.keepalive_ns;
	input_ack(p, now, s);
	input_ecn(p, s);
	if (s->pay_len)
		input_data(p, now, s);
	if (!fin_was_rcvd)
		input_fin(p, s);
	settle(p, now);
}

/*
 * The partner's SYN-ACK where both have sent a SYN: of new things it has only the ACK, and a window
 * that is not scaled.
 */
static bool
crossed(const struct tcp_peer *p, const struct seg *s, struct seg *ack)
{
	if (p->state != PEER_SYN_RCVD || s->seq != p->irs || s->ack != p->snd_max ||
		(s->flags & (SEG_SYN | SEG_ACK | SEG_RST)) != (SEG_SYN | SEG_ACK))
		return false;
	*ack = *s;
	ack->seq++;
	ack->flags = SEG_ACK;
	ack->window = (uint16_t)(s->window >> p->snd_shift);
	return true;
}

void
tcp_peer_input(struct tcp_peer *p, uint64_t now, const struct seg *s)
{
	struct seg ack, rst;
	/*
	 * Until the cookie of a new connection has come back, the front end takes its segments for
	 * the old one's. Those that cannot do harm are not judged: the ends turn them away.
	 */
	bool stale = p->stale || p->forged;
	bool foreign = stale && (p->fin_rcvd || s->flags & SEG_RST || !acceptable(p, s));

	p->n_received++;
	if (crossed(p, s, &ack)) {
		s = &ack;
		p->ack_now = true;
	}
	if (p->stale && !p->forged && p->state == PEER_SYN_RCVD && s->flags & SEG_ACK &&
		s->ack != p->snd_max && !(s->flags & SEG_RST)) {
		/* Opened by a late copy of a SYN (RFC 9293, 3.10.7.4, fifth check). */
		if (tcp_reset_for(s, &rst))
			p->ops->send(p, &rst);
		return;
	}
	if (p->state == PEER_CLOSED || (!foreign && !peer_check(p, now, s)))
		return;
	if (p->state == PEER_SYN_SENT) {
		input_syn_sent(p, now, s);
	} else {
		if (!input_checks(p, now, s))
			;
		else if (foreign && s->ack - p->iss > p->snd_max - p->iss)
			challenge(p, now, s);
		else
			input_segment(p, now, s);
	}
	peer_app(p, now);
	peer_output(p, now);
}
