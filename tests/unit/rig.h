/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig.h - one engine on a bench: packets are made by pkt_make(), pushed in one by one or as a
 * burst, and what comes out is read by pkt_read(). Every buffer is accounted for.
 *
 * Services (server 198.51.100.2 or 2001:db8::2 by default): port 80 proxy, 81 respond, 82 pass, 83
 * drop. Sources: 203.0.113.0/24 allowed, 203.0.114.0/24 denied.
 */
#ifndef SW_TEST_RIG_H
#define SW_TEST_RIG_H

#include "handshake/engine.h"
#include "unit/pkt_make.h"

#define RIG_BUFS 8192
/* As in the daemon's buffers: bytes in front of a packet, for one that grows. */
#define RIG_HEADROOM 128

struct rig_params {
	uint32_t flows, pending, held; /* 0: 1024, 64, 256 */
	uint32_t recent;	       /* SYN-ACKs remembered to be sent again */
	bool no_budget;
	bool no_sources; /* none is listed */
	bool learn;	 /* of the servers' options */
	uint16_t window; /* 0: 32768 */
	struct sw_server_opts *server;
};

struct rig {
	struct sw_engine *e;
	void *mem, *policy_mem;
	struct sw_view view;
	struct sw_keys keys;
	struct sw_master master;
	uint64_t now_ns;
	struct sw_out *out;
	uint8_t (*buf)[RIG_HEADROOM + PKT_MAX];
	bool busy[RIG_BUFS]; /* lent to the engine */
	unsigned n_busy;
	bool no_spares;
	/* What the last call sent, copied out: */
	struct sent {
		uint8_t data[PKT_MAX];
		uint32_t len;
		unsigned side;
		struct pkt_seen seen; /* valid where tcp */
		bool tcp;
	} * sent;
	unsigned n_sent;
	struct sw_frame queue[SW_BURST_MAX];
	unsigned n_queue;
};

void rig_init(struct rig *r, const struct rig_params *p);
/* Ends the rig: drains the engine and asserts that every buffer came back. */
void rig_fini(struct rig *r);

/* Puts a packet into the next burst. */
void rig_queue(struct rig *r, unsigned side, const struct pkt_make *m);
void rig_queue_raw(struct rig *r, unsigned side, const uint8_t *data, size_t len, uint8_t csum);
/* Runs the queued burst; afterwards r->sent[] holds what came out, checksums asserted. */
void rig_run(struct rig *r);
/* One packet, one burst. */
void rig_send(struct rig *r, unsigned side, const struct pkt_make *m);
/* Lets the time pass with a tick each 10 or `step` ms; r->sent[] is of the last tick. */
void rig_tick(struct rig *r, uint64_t ms);
void rig_tick_each(struct rig *r, uint64_t ms, uint64_t step);
/* From now on the engine has no spare buffer. */
void rig_take_spares(struct rig *r);
/* Keys as of the rig's clock. */
void rig_rekey(struct rig *r);

uint64_t rig_stat(const struct rig *r, unsigned counter);
uint64_t rig_drop(const struct rig *r, enum sw_drop reason);
uint32_t rig_flows(const struct rig *r);

/* The one packet that the last call sent, by that side and with right checksums. */
const struct sent *rig_only(const struct rig *r, unsigned side);

/* The connection's entry in the flow table, or NULL. */
struct rig_conn;
struct sw_flow *rig_flow(struct rig *r, const struct rig_conn *c);
struct sw_tuple rig_tuple(const struct rig_conn *c);

/* The counters add up to what went in and came out (stats/counters.def). */
void rig_check_conservation(const struct rig *r);

/* Options of a SYN, as bits. */
#define RIG_MSS	 0x01
#define RIG_WS	 0x02
#define RIG_SACK 0x04
#define RIG_TS	 0x08
#define RIG_ECN	 0x10

/*
 * A client's segment / a server's segment of one connection, to be varied by the test. Made without
 * options: see rig_ts().
 */
struct rig_conn {
	bool v6;
	uint16_t cport;
	uint16_t sport; /* 0: 80 */
	uint32_t c;	/* client's ISN */
	uint32_t k;	/* ours */
	uint32_t s;	/* server's ISN */
	uint8_t opts[40];
	size_t opts_len;   /* options of the client's SYN */
	uint8_t syn_flags; /* further flags of it: ECE, CWR */
	uint32_t ctsval;   /* TSval of the client's handshake ACK */
	/*
	 * The server: what it has less than it is asked for, and what it says; 0: 1460 or 1440, 7.
	 */
	uint8_t lacks;
	uint16_t smss;
	uint8_t swscale;
	uint32_t stsval;
	/* What the steps found out. */
	bool ts;	 /* our SYN-ACK has timestamps */
	uint32_t ktsval; /* our TSval */
	uint8_t asked;	 /* RIG_*: of our SYN to the server */
};

/* The first segment of either end after the handshake, without data; the client's SYN, bare. */
struct pkt_make rig_client(const struct rig_conn *c);
struct pkt_make rig_server(const struct rig_conn *c);
struct pkt_make rig_client_syn(const struct rig_conn *c);

/* Steps of a handshake; each asserts what must come out. */
void rig_syn(struct rig *r, struct rig_conn *c);    /* SYN -> SYN-ACK; sets k, ts, ktsval */
void rig_ack(struct rig *r, struct rig_conn *c);    /* ACK -> SYN to the server; sets asked */
void rig_synack(struct rig *r, struct rig_conn *c); /* SYN-ACK -> ACK and window ACK */
/* The same where packets are held that say it all: SYN-ACK -> these, and nothing else */
void rig_synack_held(struct rig *r, struct rig_conn *c);
void rig_open(struct rig *r, struct rig_conn *c); /* all three */

/* The server's SYN-ACK, by what it is asked for and what it lacks; opts has room for 40 bytes. */
struct pkt_make rig_server_synack(const struct rig_conn *c, uint8_t *opts);

/* A new connection, brought into that state of enum sw_flow_state by segments of its ends. */
void rig_to_state(struct rig *r, struct rig_conn *c, unsigned state);

/* NOP NOP timestamps into o; returns o's length, 12. */
size_t rig_ts(uint8_t *o, uint32_t tsval, uint32_t tsecr);
/* The first option of that kind in a packet that came out, or NULL; the list must be sound. */
const uint8_t *rig_opt(const struct pkt_seen *s, uint8_t kind);
uint32_t rig_get32(const uint8_t *p);

#endif
