/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_peer.h - a model TCP endpoint: enough of RFC 9293, 7323, 2018 and 5961 to be an honest
 * partner, and a strict judge of what comes in.
 *
 * It opens actively or passively, sends and receives a stream whose bytes are known by a key,
 * closes or aborts as its configuration says, and retransmits (timeout with backoff, three
 * duplicate ACKs, zero-window probes, keepalives). Its congestion window is a fixed number of
 * segments, started over at one after a timeout.
 *
 *   tcp_peer.c   open, timers, end       tcp_input.c   segments in
 *   tcp_output.c segments out            tcp_check.c   what the partner may send
 *
 * Time: nanoseconds, passed in. tcp_peer_deadline() says when tcp_peer_timer() wants to run next.
 */
#ifndef SIM_TCP_PEER_H
#define SIM_TCP_PEER_H

#include "seg.h"
#include "util.h"

enum peer_state {
	PEER_CLOSED,
	PEER_SYN_SENT,
	PEER_SYN_RCVD,
	PEER_OPEN, /* and all of closing; the FIN flags tell */
	PEER_TIME_WAIT
};

enum peer_end {
	END_NONE,
	END_FIN,     /* both FINs sent, received and acknowledged */
	END_RESET,   /* the partner reset it */
	END_ABORTED, /* we reset it */
	END_TIMEOUT  /* the partner fell silent */
};

enum peer_close {
	CLOSE_WHEN_SENT,  /* FIN behind the last byte, whatever still comes in: half-close */
	CLOSE_AFTER_PEER, /* FIN when the partner's has come */
	CLOSE_WHEN_DONE	  /* FIN when everything is sent and received */
};

struct peer_cfg {
	/* what is offered */
	uint16_t mss;	/* 0: no option */
	uint8_t wscale; /* SEG_NO_WSCALE: no option */
	bool sack, ts, ecn;
	bool syn_plain; /* from its third try on the SYN has no options but the MSS */
	uint32_t iss;
	uint32_t ts_offset; /* timestamp clock: ms of the run plus this */
	uint32_t rcvbuf;
	/* how it sends */
	uint16_t mss_limit;   /* largest segment of the own link */
	uint16_t mss_default; /* where the partner names none (536, 1220) */
	uint32_t cwnd;	      /* segments */
	uint64_t rto_ns;      /* first timeout; the SYN's is one second */
	uint64_t delack_ns;   /* 0: acknowledge at once */
	unsigned syn_retries, retries;
	uint64_t keepalive_ns, time_wait_ns;
	uint64_t answer_ns;  /* server: its SYN-ACK takes so long */
	unsigned ack_copies; /* client: handshake ACKs too many */
	bool ack_with_data;  /* client: its first data is its handshake ACK */
	bool probe_byte; /* zero-window probe: one byte beyond the window, else an old empty one */
	/* what the application does */
	uint64_t tx_total, rx_total, tx_key, rx_key;
	uint32_t write_chunk; /* bytes each write_every_ns; 0: all at once */
	uint64_t write_every_ns;
	uint32_t read_chunk; /* bytes each read_every_ns; 0: read at once */
	uint64_t read_every_ns;
	enum peer_close close;
	uint64_t abort_rx;	 /* reset after that many bytes received; SIM_NEVER: does not */
	uint64_t abort_ns;	 /* reset so long after the start, in any state; 0: does not */
	bool vanish;		 /* abort_ns without a word: a machine that starts anew */
	uint64_t urg_tx, urg_rx; /* bytes of the stream up to the end of the urgent ones; 0: none */
	/* what the judge has to know */
	uint32_t early_window; /* server: bytes that may come before its own window was known */
	uint32_t ts_slack_ms;  /* the partner's clock may be read that much ahead */
	bool in_order;	       /* the network neither reorders nor repeats */
};

struct tcp_peer;

struct peer_ops {
	void (*send)(struct tcp_peer *p, const struct seg *s);
};

struct tcp_peer {
	struct peer_cfg cfg;
	const struct peer_ops *ops;
	void *owner; /* for ops */
	int role;    /* CLIENT or SERVER */
	uint32_t id; /* of the connection, for messages */
	enum peer_state state;
	enum peer_end end;
	bool established; /* was open once */
	bool answered;	  /* server: its first SYN-ACK is out */
	bool stale;	  /* owner's: segments of another connection of this tuple may come in */
	bool forged;	  /* owner's: what comes in now is of somebody who sees nothing */
	uint64_t established_ns;

	/* agreed */
	bool ts_on, sack_on, ecn_on;
	uint8_t snd_shift, rcv_shift;
	uint32_t peer_mss; /* payload and options that the partner takes */
	struct seg partner_syn;

	/* sending */
	uint32_t iss, snd_una, snd_nxt, snd_max, snd_wnd, snd_wl1, snd_wl2;
	uint32_t cwnd, recover;
	unsigned dupacks;
	bool in_recovery, fin_sent, fin_acked;
	uint32_t cwr_until; /* the congestion window is not cut again before this is acknowledged */
	bool cwr_due;
	uint64_t tx_avail;
	struct ranges sacked; /* offsets from iss */
	unsigned tries;	      /* timeouts since something was acknowledged: backoff */
	/*
	 * Timeouts since something was acknowledged, or the window said to be shut: giving up,
	 * whatever else comes in (RFC 9293, 3.8.3).
	 */
	unsigned silent;
	unsigned probes; /* keepalives without an answer that fits */

	/* receiving */
	uint32_t irs, rcv_nxt, rcv_edge_max, last_ack_sent;
	uint32_t ts_recent, ts_first_in, ts_first_out, ts_last_out;
	uint64_t ts_first_ns;
	struct ranges ooo; /* offsets from irs */
	uint32_t last_ooo; /* sequence number of the newest one, for the first SACK block */
	uint64_t rx_read, rx_unread;
	bool fin_rcvd, fin_known, active_close;
	uint32_t fin_seq;
	bool ack_now, ece_echo;
	bool ecr_zero;	   /* owner's: the partner has no timestamps, the front end makes them */
	uint32_t mss_over; /* owner's: and the partner was never told to leave room for them */
	uint64_t challenged_ns; /* when a segment was last answered only because it did not fit */

	/* timers, SIM_NEVER when off */
	uint64_t t_rtx, t_delack, t_write, t_read, t_keep, t_wait, t_abort;
	uint64_t queued; /* owner's: when the next call of the timer is due */

	/* counted for the harness */
	uint64_t n_sent, n_received, n_retransmitted, n_paws, n_sack_in, n_probes;
	uint64_t n_ce, n_ece_in, n_urg;
	uint64_t n_acks_lost; /* acknowledgements that came on data that was there already */
};

void tcp_peer_init(struct tcp_peer *p, const struct peer_cfg *cfg, const struct peer_ops *ops,
	void *owner, int role, uint32_t id);
void tcp_peer_connect(struct tcp_peer *p, uint64_t now);
/* Passive open by the SYN syn. */
void tcp_peer_accept(struct tcp_peer *p, uint64_t now, const struct seg *syn);
void tcp_peer_input(struct tcp_peer *p, uint64_t now, const struct seg *s);
void tcp_peer_timer(struct tcp_peer *p, uint64_t now);
uint64_t tcp_peer_deadline(const struct tcp_peer *p);
/*
 * A router says that the segment at seq was too big: at most room bytes of options and data fit.
 * False, and ignored, where nothing of that is under way (RFC 5927, 7.2).
 */
bool tcp_peer_too_big(struct tcp_peer *p, uint64_t now, uint32_t seq, uint32_t room);
/* Reset the connection now. */
void tcp_peer_abort(struct tcp_peer *p, uint64_t now);
/* Would a SYN open a new connection in place of this one in TIME_WAIT (RFC 6191)? */
bool tcp_peer_syn_replaces(const struct tcp_peer *p, const struct seg *syn);
/* The answer of a host without a connection (RFC 9293, 3.10.7.1); false: none is due. */
bool tcp_reset_for(const struct seg *s, struct seg *rst);

const char *peer_end_name(enum peer_end e);
const char *peer_state_name(enum peer_state s);

/* Between the files of the peer. */
void peer_output(struct tcp_peer *p, uint64_t now);
void peer_send_syn(struct tcp_peer *p, uint64_t now);
void peer_send_ack(struct tcp_peer *p, uint64_t now);
void peer_send_hole(struct tcp_peer *p, uint64_t now);
void peer_send_probe(struct tcp_peer *p, uint64_t now);
void peer_fill_ts(struct tcp_peer *p, uint64_t now, struct seg *s);
uint64_t peer_backoff(uint64_t first, unsigned tries);
uint32_t peer_rcv_window(const struct tcp_peer *p);
void peer_finish(struct tcp_peer *p, enum peer_end why);
void peer_app(struct tcp_peer *p, uint64_t now);
bool peer_done(const struct tcp_peer *p);
bool peer_check(struct tcp_peer *p, uint64_t now, const struct seg *s);
bool peer_check_synack(struct tcp_peer *p, const struct seg *s);
void peer_agree(struct tcp_peer *p, const struct seg *syn, uint64_t now);

static inline bool
seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool
seq_le(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline uint32_t
peer_ts_now(const struct tcp_peer *p, uint64_t now)
{
	return p->cfg.ts_offset + (uint32_t)(now / SIM_MS);
}

/* Sequence number behind the last byte of the stream: the FIN's. */
static inline uint32_t
peer_tx_end(const struct tcp_peer *p)
{
	return p->iss + 1 + (uint32_t)p->cfg.tx_total;
}

/* Bytes of the stream received in order. */
static inline uint64_t
peer_rx(const struct tcp_peer *p)
{
	return p->rx_read + p->rx_unread;
}

#endif
