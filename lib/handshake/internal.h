/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - what the files of the engine share.
 *
 *   engine.c    memory
 *   burst.c     the burst: which way its packets go; the general way: parse, policy, lookup
 *   act.c       the general way: hands each packet to a file below
 *   pick.c      which way each packet of a burst goes; see pick.h
 *   syn.c       plain SYNs, in rows; see syn.h
 *   blind.c     blind ACKs, in rows; see blind.h
 *   seg.c       segments of open connections, in rows; see seg.h
 *   answer.c    SYNs of clients: cookies for the whole burst, SYN-ACKs
 *   verify.c    cookies of ACKs, verified for the whole burst before anything of it is acted on
 *   accept.c    ACKs without a flow: flow, SYN to the server
 *   halfopen.c  packets of connections that wait for their server
 *   spliced.c   packets of connections that are open or closing
 *   respond.c   mode respond
 *   pending.c   pending records, held packets, the lists of timers
 *   tick.c      retransmission, giving up, ageing
 *   learn.c     what servers offer, and so what clients are promised
 *   recent.c    SYN-ACKs that are sent again
 *   other.c     fragments, ICMP errors
 */
#ifndef SW_HANDSHAKE_INTERNAL_H
#define SW_HANDSHAKE_INTERNAL_H

#include "base/base.h"
#include "base/seq.h"
#include "cookie/cookie.h"
#include "handshake/budget.h"
#include "handshake/engine.h"
#include "packet/build.h"
#include "packet/options.h"
#include "packet/parse.h"
#include "splice/repair.h"
#include "splice/splice.h"

#define NONE UINT32_MAX

/*
 * Stage i: the SYN was sent i + 1 times; the record is due syn_interval_ms[i] after the last one.
 */
#define STAGES (SW_SERVER_SYN_TRIES + 1)
extern const uint32_t syn_interval_ms[STAGES];

/* Longer than all stages together: ageing leaves half-open flows to their pending record. */
#define PENDING_MAX_MS 60000

/* A client that has proved its address and waits for its server. lcore: rw */
struct pending {
	alignas(SW_CACHE_LINE_BYTES) uint32_t prev; /* in the list of its stage */
	uint32_t next; /* in the list of its stage, or of the free ones */
	uint32_t flow; /* index of its flow */
	uint32_t due_ms;
	uint32_t client_isn;
	uint32_t isn;	    /* ours: the cookie */
	uint32_t tsval;	    /* ours: what the client echoes; with syn_opts.ts */
	uint32_t next_seq;  /* end of what came in order and is held; stays at the first gap */
	uint32_t sent_seq;  /* end of all that came within the window, held or not */
	uint32_t held_head; /* first held packet, or NONE */
	uint32_t held_tail;
	uint16_t held_count;
	uint16_t service;    /* index into the policy, at the time of the handshake */
	uint16_t window;     /* the client's latest window field, as it stood */
	uint16_t hold_bytes; /* window that we advertised */
	uint8_t stage;
	bool ecn;     /* promised to the client */
	bool ts;      /* promised to the client, who uses them */
	bool retried; /* SYN sent again at once after an unacceptable ACK; once only */
	uint8_t wscale_promised;
	uint16_t mss_promised; /* or more than that; never less */
	/*
	 * The server had no timestamps and was asked anew without: how often, in which stage
	 * and when last, and its ISN then; or when it repeated that SYN-ACK once.
	 */
	uint8_t asked_anew;
	uint8_t refused_stage;
	bool refused_repeated;
	uint32_t refused_ms;
	uint32_t refused_isn;
	uint32_t reopen_isn; /* with SW_FLOW_REOPEN: that of the newest SYN */
	uint8_t l2_len;
	uint8_t l2[SW_L2_MAX_BYTES]; /* client to server */
	struct sw_tcp_opts syn_opts; /* of our SYN to the server */
};

/* A packet that is held. */
struct held {
	struct sw_frame f;
	uint32_t seq;
	uint32_t end; /* seq + payload + FIN */
	uint32_t next;
};

struct list {
	uint32_t head, tail;
};

/* Options that a server has or lacks. */
enum learn_option { LEARN_WSCALE, LEARN_SACK, LEARN_TS, LEARN_ECN, LEARN_OPTIONS };

/* Seconds before an option that was lacked is promised again to see. */
#define RELEARN_MIN_S 60
#define RELEARN_MAX_S 3600

/* What clients were promised with the key of one slot, as far as their cookies do not tell. */
struct promised {
	uint32_t epoch; /* low half */
	uint16_t mss;	/* the largest; 0: nothing yet */
	uint8_t wscale;
};

/* What the servers of one service and family said in their SYN-ACKs. lcore: rw */
struct learned {
	alignas(SW_CACHE_LINE_BYTES) uint32_t retry_s[LEARN_OPTIONS];
	uint16_t wait_s[LEARN_OPTIONS]; /* 0: they have it, as far as known */
	uint16_t mss[2];		/* smallest of this period, of the one before; 0: none */
	uint32_t mss_period;
	uint8_t wscale;
	bool wscale_known;
	uint8_t ecn_suspect; /* SYN-ACKs in a row that came only without ECN */
	struct promised slot[2];
};
static_assert(sizeof(struct learned) == SW_CACHE_LINE_BYTES, "read for every SYN");

/* What a client is promised. */
struct promise {
	uint16_t mss;
	uint8_t wscale;
	bool sack, ts, ecn;
};

/* Credit of one SYN-ACK that is remembered; what a millisecond gives back is max_recent. */
#define RECENT_CREDIT_ONE 1000

/* A SYN-ACK that may be sent again. lcore: rw */
struct recent {
	alignas(SW_CACHE_LINE_BYTES) struct sw_tuple tuple;
	uint32_t due_ms;
	uint32_t isn, ack;
	uint16_t window;
	uint8_t tcp_flags;
	struct sw_tcp_opts opts;
	uint8_t l2_len;
	uint8_t l2[SW_L2_MAX_BYTES]; /* of the SYN */
};

struct sw_engine {
	alignas(SW_CACHE_LINE_BYTES) struct sw_engine_params params;
	struct sw_flow_table *flows;
	struct pending *pending;
	struct held *held;
	uint32_t pending_free, held_free;   /* first of the free ones */
	uint32_t pending_count, held_count; /* lcore: rw, any: ro */
	struct list stage[STAGES];	    /* by due_ms, since all of a stage wait equally long */
	struct budget budget[2];	    /* by key slot */
	uint64_t ticked_ns;		    /* up to which ageing has been done */
	uint64_t aged_flows;		    /* flows made for which it has been done */
	bool blind;			    /* many blind ACKs in the last burst (blind.h) */
	const struct sw_policy *flows_policy; /* under which all flows were made; or NULL */
	struct recent *recent;
	uint8_t *recent_tries;			       /* of each place, left; 0: it is free */
	uint32_t recent_size, recent_count, recent_at; /* places, taken ones, next to look at */
	uint64_t recent_credit; /* SYN-ACKs that may still be remembered, in thousandths */
	const struct sw_policy *learned_for;
	struct learned learned[SW_SERVICES_MAX][2]; /* by family: IPv4, IPv6 */
	struct sw_stats stats;
	struct sw_service_stats service[SW_SERVICES_MAX];
};

/* One call, on the stack. */
struct burst {
	struct sw_engine *e;
	const struct sw_view *view;
	struct sw_out *out;
	const struct short_ways *ways; /* NULL: there is only the general way */
	uint32_t now_ms;
	uint64_t now_s;
	/* Flows were made or removed: what the burst looked up must be looked up again. */
	bool stale;
	struct sw_stats_burst stats;
};

/* A packet on its way through a burst. */
struct item {
	struct sw_pkt *p;
	struct sw_flow *f;		   /* or NULL */
	const struct sw_flow_place *place; /* of its tuple, until the burst ends; NULL: held */
	uint16_t service;
	uint8_t cookie; /* of an ACK that was verified: its number in struct cookies; or 0 */
};

/*
 * What the cookies of a burst's ACKs say: number k in state[k - 1]. ACKs that are the same have the
 * same number, and so what a timestamp adds (sw_cookie_verify_ts()). Secret, not to be kept.
 */
struct cookies {
	unsigned n;
	struct sw_cookie_state state[SW_BURST_MAX];
};

static inline void
service_count_add(uint64_t *c, unsigned n)
{
	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED); /* single writer */
}

static inline void
service_count(uint64_t *c)
{
	service_count_add(c, 1);
}

static inline struct sw_service_stats *
service_stats(struct burst *b, uint16_t service)
{
	return &b->e->service[service];
}

/* Place for a packet that goes out on that side, counted. */
static inline struct sw_frame *
out_frame(struct burst *b, enum sw_side side)
{
	struct sw_out *out = b->out;
	struct sw_frame *o = &out->tx[side][out->n_tx[side]++];

	SW_ASSERT(out->n_tx[side] <= SW_OUT_MAX);
	sw_count(&b->stats, side == SW_OUTSIDE ? SW_C_TX_OUTSIDE : SW_C_TX_INSIDE);
	return o;
}

static inline void
send(struct burst *b, const struct sw_frame *f, enum sw_side side)
{
	struct sw_frame *o = out_frame(b, side);

	*o = *f;
	o->side = side;
}

static inline void
give_back(struct burst *b, const struct sw_frame *f)
{
	SW_ASSERT(b->out->n_free < SW_OUT_MAX);
	b->out->free[b->out->n_free++] = f->handle;
}

static inline void
drop(struct burst *b, const struct sw_frame *f, enum sw_drop reason)
{
	sw_count_drop(&b->stats, reason);
	give_back(b, f);
}

static inline void
drop_item(struct burst *b, const struct item *it, enum sw_drop reason)
{
	service_count(&service_stats(b, it->service)->dropped);
	drop(b, it->p->f, reason);
}

static inline void
bridge(struct burst *b, const struct sw_frame *f, enum sw_counter why)
{
	sw_count(&b->stats, why);
	send(b, f, sw_other_side(f->side));
}

/* A buffer of the caller's for a packet of our own; false where none is left. */
static inline bool
take_spare(struct burst *b, struct sw_frame *f)
{
	if (b->out->n_spare == 0)
		return false;
	*f = b->out->spare[--b->out->n_spare];
	sw_count(&b->stats, SW_C_MADE);
	return true;
}

/* Builds s into *f and sends it; *f is dropped where it is too small. True where it was sent. */
bool build_and_send(
	struct burst *b, struct sw_frame *f, const struct sw_segment *s, enum sw_side side);

/* The same in a spare buffer. False where there is none, or it is too small. */
bool make_and_send(struct burst *b, const struct sw_segment *s, enum sw_side side);

/* Removes a flow; pointers to it held elsewhere in the burst go stale. */
void remove_flow(struct burst *b, struct sw_flow *f, enum sw_counter why);

static inline void
touch(struct burst *b, struct sw_flow *f)
{
	f->deadline_ms = b->now_ms + b->view->timeouts.state_ms[f->state];
}

static inline void
flow_step(struct burst *b, struct sw_flow *f, enum sw_flow_event ev)
{
	f->state = sw_flow_next_state[f->state][ev];
	touch(b, f);
}

/* answer.c */
void answer_syns(struct burst *b, const struct item *items, unsigned n);
/* n cookies were issued with the key that signs now. */
void count_issued(struct burst *b, unsigned n);
/*
 * verify.c: before anything of the burst is acted on, ACKs of clients that have no flow. What right
 * ones need of memory comes while the others are acted on.
 */
void verify_ahead(const struct burst *b, struct cookies *c, struct item *items, unsigned n);
/* ACKs that were not verified ahead; later[i]: it belongs to a newer SYN on a closing flow. */
void verify_acks(
	const struct burst *b, struct cookies *c, struct item *items, unsigned n, bool *later);
/*
 * accept.c: items with or (SW_FLOW_REOPEN) without a flow; those that fail with a flow are spliced.
 */
void accept_acks(struct burst *b, struct cookies *cookies, struct item *items, unsigned n);
/* The ACK's frame as the first SYN to the server, or a spare one where the ACK carries data. */
void send_server_syn(struct burst *b, const struct pending *p, struct sw_frame *f);
bool make_server_syn(struct burst *b, const struct pending *p);
/* halfopen.c */
void halfopen_client(struct burst *b, const struct item *it);
void halfopen_server(struct burst *b, const struct item *it);
/* Our SYN offers ECN; not when it is repeated: something on the way may not like it. */
static inline bool
offers_ecn(const struct pending *pe)
{
	return pe->ecn && pe->stage == 0;
}

/* An ECN-setup SYN-ACK (RFC 3168, 6.1.1). */
static inline bool
takes_ecn(const struct sw_pkt *synack)
{
	return (synack->tcp_flags & (SW_TCP_ECE | SW_TCP_CWR)) == SW_TCP_ECE;
}
/* spliced.c */
void spliced_client(struct burst *b, const struct item *it);
void spliced_server(struct burst *b, const struct item *it);
/* A first fragment of an open connection; no SYN. */
void spliced_fragment(struct burst *b, const struct item *it);
/* A server's SYN, without a flow or with one that is closing. */
void open_from_server(struct burst *b, const struct item *it);
/* respond.c */
void respond_ack(struct burst *b, const struct item *it);

/* tick.c */
/* The server cannot be reached: the client is reset, in *f, and the flow goes. */
void reset_client(struct burst *b, struct pending *pe, struct sw_frame *f);

/* learn.c */
/* At the start of a burst: forgets what was learned of another configuration. */
void learn_begin(struct burst *b);
struct promise promise(struct burst *b, uint16_t service, bool v6);
/* What the client whose cookie this is was promised. */
struct promised promised_with(
	struct burst *b, const struct item *it, const struct sw_cookie_state *c);
void learn(struct burst *b, const struct pending *pe, const struct item *synack,
	const struct sw_tcp_opts *o);
/* What the server says, or what it means when it says nothing. */
uint16_t server_mss(const struct sw_tcp_opts *o, bool v6);

/* recent.c */
uint32_t recent_size(uint32_t max_recent);
/* Remembers a SYN-ACK; before it is built, for its l2 is the SYN's. */
void recent_add(struct burst *b, const struct sw_segment *s);
void recent_forget(struct burst *b, const struct sw_tuple *t);
/* The same for an RST of the client, where it is exact. */
void recent_reset(struct burst *b, const struct sw_pkt *p);
void recent_tick(struct burst *b, uint64_t elapsed_ms);

/* other.c */
void not_tcp(struct burst *b, const struct sw_pkt *p);
/* A first fragment or an ICMP error of a protected service. */
void other(struct burst *b, struct item *it);

/* pending.c */
void pending_init(struct sw_engine *e);
struct pending *pending_alloc(struct sw_engine *e);
/* Unlinks p and returns it; what it still holds is given back and counted as discarded. */
void pending_release(struct burst *b, struct pending *p);
/* Puts p at the end of the list of its stage, due after that stage's interval. */
void pending_arm(struct burst *b, struct pending *p, unsigned stage);
void pending_disarm(struct sw_engine *e, struct pending *p);
/* Holds p's packet; false: no place (the caller drops it). */
bool hold(struct burst *b, struct pending *pe, const struct sw_pkt *p);
bool is_held(const struct sw_engine *e, const struct pending *pe, uint32_t seq, uint32_t end);
/* Takes the first held packet off; false where none is left. */
bool unhold(struct sw_engine *e, struct pending *pe, struct sw_frame *f);

static inline struct pending *
flow_pending(const struct sw_engine *e, const struct sw_flow *f)
{
	SW_ASSERT(f->state == SW_FLOW_SYN_SENT && f->aux < e->params.max_pending);
	return &e->pending[f->aux];
}

#endif
