/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h - clients, a front end and servers, joined by links, under a clock of their own.
 *
 *   client peers --[link 0]--> outside |        | inside --[link 2]--> server peers
 *                <--[link 1]--         | engine |        <--[link 3]--
 *
 * Connections are laid out beforehand (struct conn); the world starts them, runs until nothing
 * moves any more, lets all timers of the front end pass and looks that it is empty then.
 *
 * With cfg.direct there is no front end: link 0 leads into link 2, link 3 into link 1. What a link
 * does to a packet follows from the seed and from what the packet is (wires.c), not from how many
 * went before it, so that both worlds lose the same ones as far as they send the same ones.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "net.h"
#include "pace.h"
#include "rig.h"
#include "tcp_peer.h"
#include "trace.h"

enum leg { LEG_C_F, LEG_F_C, LEG_F_S, LEG_S_F, LEGS };

/* Whose SYN it is; OPENS_BOTH: of both at one time (RFC 9293, 3.5). */
enum opener { OPENS_CLIENT, OPENS_SERVER, OPENS_BOTH };

enum server_kind { SERVER_ACCEPTS, SERVER_REFUSES, SERVER_SILENT };

#define CONN_SERVERS_MAX 8

/* One connection of a client; server[] has one peer for each SYN that opened one. */
struct conn {
	uint32_t id;
	struct seg_path path;
	struct peer_cfg ccfg, scfg;
	enum server_kind server_kind;
	enum opener opener;
	unsigned machine; /* of the service: which server */
	bool alt_mac;	  /* the server sends from another station than it is reached at */
	uint64_t start_ns;
	struct conn *after; /* same tuple: starts start_ns after that one's client is closed */
	bool started, ended;
	struct tcp_peer *client;
	struct tcp_peer *server[CONN_SERVERS_MAX];
	unsigned n_servers;
	/* seen by the harness on the way */
	uint32_t cookie_isn;
	uint64_t cookie_ns; /* when the SYN-ACK that the client took left the front end */
	unsigned synacks;   /* sent by the front end since the client's last SYN came */
	bool cookie_taken;
	bool ack_delivered;	/* a right handshake ACK reached the front end */
	bool ack_on_time;	/* within the shortest life of a cookie */
	uint64_t forged_syn_ns; /* when a forged SYN last reached the front end */
	bool displaced;		/* that was between the client's SYN and its first right ACK */
	uint64_t earlier_ns; /* when a right ACK of an earlier one of the tuple last came there */
	bool preceded;	     /* and it opened that one */
	unsigned syns_at_server;
	unsigned n_marked; /* packets to a server without ECN that were marked on their way */
	/* initial sequence numbers as last seen: [outside, inside][CLIENT, SERVER] */
	uint32_t isn[2][2];
	struct pace pace;
};

/* Scripts look at every packet that is about to be sent; true: lose it. */
typedef bool (*world_filter)(void *ctx, enum leg leg, const struct seg *s, const struct conn *c);

struct world_cfg {
	uint64_t seed;
	bool direct;	   /* without the front end */
	uint64_t epoch_ns; /* clock at the start */
	struct rig_cfg rig;
	struct link_cfg link[LEGS];
	uint64_t poll_ns;  /* longest wait of a packet for the engine's next call */
	unsigned burst;	   /* most packets in one call */
	bool pad;	   /* Ethernet padding with rubbish */
	bool split;	   /* long packets come in two pieces */
	uint8_t csum;	   /* SW_CSUM_* of right packets */
	uint32_t mtu;	   /* of a router between front end and clients; 0: none */
	unsigned forged;   /* segments of one who sees nothing: attacker.c */
	uint64_t stop_ns;  /* end abruptly then; SIM_NEVER: run to the end */
	uint64_t limit_ns; /* a connection that lives longer has not ended */
};

struct world {
	struct world_cfg cfg;
	struct rng rng;
	struct queue queue;
	struct link link[LEGS];
	struct rig rig;
	struct tally tally;
	struct trace *trace; /* or NULL */
	uint64_t now;
	struct conn *conns;
	unsigned n_conns;
	struct rig_buf *rx[4096];
	uint8_t rx_side[4096];
	unsigned n_rx;
	bool poll_due;
	unsigned in_flight; /* packets on links and before the engine */
	uint64_t synack_ns; /* when a SYN-ACK last went to a client */
	uint64_t n_events;
	uint64_t n_congested; /* packets that the front end has dropped for their marks */
	uint64_t n_too_big;   /* packets that the router sent back, and that a server heeded */
	uint64_t n_stray;     /* packets for no connection; with no corruption there are none */
	world_filter filter;
	void *filter_ctx;
};

void world_init(struct world *w, const struct world_cfg *cfg, struct conn *conns, unsigned n);
/* Runs until all connections have ended and no packet is under way, or at most until `until`. */
void world_run(struct world *w, uint64_t until);
/* Runs all timers of the front end out; it must be empty afterwards. */
void world_expire(struct world *w);
void world_fini(struct world *w);

bool world_clean(const struct world_cfg *cfg);

/* hosts.c */
void host_start(struct world *w, struct conn *c);
void host_receive(struct world *w, int side, struct rig_buf *b);
void host_timer(struct world *w, struct tcp_peer *p);
void host_schedule(struct world *w, struct tcp_peer *p);
struct conn *host_conn(struct world *w, int from, const struct seg_path *got);
bool host_conn_ended(const struct conn *c);

/* attacker.c */
void attacker_init(struct world *w);
void attacker_send(struct world *w, struct conn *c);

/* wires.c */
/* A packet onto a link; the frame is freed. s, c: what it says, where that is known. */
void world_send(
	struct world *w, enum leg leg, struct rig_buf *b, const struct seg *s, struct conn *c);

static inline bool
leg_from_client(enum leg leg)
{
	return leg == LEG_C_F || leg == LEG_F_S;
}

static inline bool
leg_inside(enum leg leg)
{
	return leg == LEG_F_S || leg == LEG_S_F;
}

/* The server peer that took the connection, else the last one, else NULL. */
struct tcp_peer *conn_server(const struct conn *c);

#endif
