/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn.h - whole TCP connections, from one end: the client's, or the emulated server's.
 *
 *	client                                server
 *	SYN ------------------------------->
 *	    <------------------------ SYN-ACK
 *	ACK, request ---------------------->
 *	    <----------------------- response       as often as keep_alive says
 *	FIN ------------------------------->        by the end that is to close
 *	    <---------------------------- FIN
 *	ACK ------------------------------->
 *
 * What is there of TCP is right, and no more than it needs: the receiver takes segments in order
 * and acknowledges each, the sender keeps within the peer's window (and within SW_CONN_FLIGHT
 * segments) and goes back to the first byte that is not acknowledged when a timer with back-off
 * expires. Every checksum is verified and every byte of payload compared (payload.h).
 *
 * No table, no hash: the number of an address and port (space.h) names a slot, the same at both
 * ends. A slot that becomes free takes the next number that belongs to it, so an address and port
 * come again only after all others of the slot.
 *
 * A connection that has ended is forgotten at once. A FIN that comes again is acknowledged out of
 * what it says itself, which is what TIME-WAIT is for.
 *
 * Threads: one. Memory: conns and the ring of free slots are the caller's.
 * Time:    now_us of sw_end is set by the caller before each call, and only goes forward.
 */
#ifndef SW_LOAD_CONN_H
#define SW_LOAD_CONN_H

#include "base/frame.h"
#include "craft.h"
#include "hist.h"
#include "packet/parse.h"
#include "payload.h"
#include "reply.h"
#include "seg.h"

/* Segments in flight at most, whatever the peer's window. */
#define SW_CONN_FLIGHT 16

/* Frames that one call of sw_end_input() for one frame, or one step of a timer, makes at most. */
#define SW_CONN_FRAMES_MAX (SW_CONN_FLIGHT + 4)

/* One millisecond each; see conn_timer.c. */
#define SW_CONN_WHEEL_SLOTS 8192u

enum sw_conn_state { SW_CONN_FREE, SW_CONN_SYN_SENT, SW_CONN_SYN_RCVD, SW_CONN_OPEN };

/* Why a connection failed. */
enum sw_conn_fault {
	SW_CONN_FINE,
	SW_CONN_TIMEOUT_SYN,
	SW_CONN_TIMEOUT_DATA,
	SW_CONN_TIMEOUT_CLOSE,
	SW_CONN_REFUSED,
	SW_CONN_RESET,
	SW_CONN_BAD_SYNACK,
	SW_CONN_BAD_SEQUENCE,
	SW_CONN_BAD_PAYLOAD,
	SW_CONN_BAD_STATUS,
	SW_CONN_EARLY_FIN,
	SW_CONN_UNFINISHED,
	SW_CONN_FAULTS
};

extern const char *const sw_conn_fault_names[SW_CONN_FAULTS];

struct sw_conn_spec {
	const struct sw_load_route *route;
	const struct sw_payload *payload;
	enum sw_craft_options options; /* of the client's SYNs */
	uint32_t request_bytes, response_bytes;
	uint32_t keep_alive;
	uint64_t hold_us;
	uint32_t timeout_ms; /* of each stage */
	uint32_t rto_ms;
	bool close_server;
	const char *http; /* whole request; NULL: the emulated protocol */
	uint32_t http_bytes;
	/*
	 * What a clock that outlives the run says when now_us is 0: ISNs go forward from one run to
	 * the next (RFC 6528), whose tuples are the same. A SYN with the ISN of one before is a
	 * copy of that for whoever remembers it.
	 */
	uint64_t start_us;
};

/* One end of one connection. Sequence numbers are in host order. */
struct sw_conn {
	/* of address and port; the next one where the slot is free */
	alignas(SW_CACHE_LINE_BYTES) uint64_t number;
	uint32_t next, prev;  /* of the list of the wheel; index + 1 */
	uint32_t deadline_ms; /* mod 2^32 */
	uint32_t snd_una, snd_nxt, snd_max;
	uint32_t rcv_nxt, iss, irs;
	uint32_t ts_recent;
	uint32_t mark_us;	    /* when the stage began, mod 2^32 */
	uint16_t rounds;	    /* responses received, or requests */
	uint16_t window;	    /* of the peer, unscaled */
	uint16_t mss;		    /* of what we send */
	uint8_t state;		    /* enum sw_conn_state */
	uint8_t flags;		    /* CONN_* of conn_int.h */
	uint8_t tries;		    /* of the timer since the last progress */
	uint8_t wscale : 4;	    /* of the peer, at most 14 */
	uint8_t measured : 1;	    /* it was begun while measuring */
	uint8_t stage_measured : 1; /* and so was what goes on now */
	uint16_t slot_wheel;	    /* list that it hangs in */
};
static_assert(sizeof(struct sw_conn) == SW_CACHE_LINE_BYTES, "one line each");

/* Of the connections that were begun while measuring, whenever they ended. */
struct sw_conn_cohort {
	uint64_t tried, opened, finished, failed;
};

struct sw_conn_stats {
	uint64_t tried; /* SYNs sent, or received, not counting those sent again */
	uint64_t opened;
	uint64_t finished; /* all bytes right, closed in order by both ends */
	uint64_t failed[SW_CONN_FAULTS];
	uint64_t bytes_verified;
	uint64_t bytes_received; /* of payload, new */
	uint64_t retransmitted;
	uint64_t bad_checksum; /* frames dropped for it, of TCP */
	uint64_t malformed;    /* and for an IP header's, or for headers that are none */
	uint64_t bad_l2;       /* other MAC addresses or tag than ours; taken all the same */
	uint64_t stray;	       /* frames of no connection of ours */
	uint64_t replaced;     /* server: a closing connection gave way to a new one */
	struct sw_conn_cohort measured; /* of a client */
};

struct sw_end {
	const struct sw_conn_spec *spec;
	struct sw_out *out;
	bool is_server;
	bool measuring; /* what begins now is measured to its end; the caller's, true at first */
	uint64_t now_us;
	uint64_t key;	  /* of initial sequence numbers */
	uint32_t n_slots; /* a power of two */
	uint32_t in_flight;
	uint64_t n_numbers;
	struct sw_conn *conns;
	uint32_t *free_ring; /* client: slots, first in first out */
	uint32_t free_head, n_free;
	uint64_t wheel_ms;
	uint8_t peer_macs[12]; /* of what comes in */
	struct sw_conn_stats stats;
	struct sw_hist handshake, response; /* of what was begun while measuring */
	uint32_t wheel[SW_CONN_WHEEL_SLOTS];
	struct sw_craft syn[SW_LOAD_SERVERS_MAX];
};

/* Slots that a run with so many connections at once needs, a power of two; 0: there are too few
 * addresses and ports for them. */
uint32_t sw_end_slots(const struct sw_load_route *route, uint64_t at_once);

/* conns: n_slots of them, all bytes 0; free_ring: as many for a client, NULL for a server. */
void sw_end_init(struct sw_end *e, const struct sw_conn_spec *spec, struct sw_out *out,
	struct sw_conn *conns, uint32_t *free_ring, uint32_t n_slots);

/* Client: opens one more. False where no slot or no buffer is free. */
bool sw_end_open(struct sw_end *e);

/* Takes n <= SW_BURST_MAX frames that came in. `more`, called before each, makes room in out. */
void sw_end_input(
	struct sw_end *e, struct sw_frame *frames, unsigned n, void (*more)(void *arg), void *arg);

/* Runs timers up to now, or some of them and the rest at the next call; `more` as above. */
void sw_end_timers(struct sw_end *e, void (*more)(void *arg), void *arg);

/* Fails all that are left as unfinished. No frames. */
void sw_end_give_up(struct sw_end *e);

#endif
