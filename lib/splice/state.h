/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * state.h - the life of a flow after its cookie: states, events and timeouts as one table.
 *
 * The table only decides how long an entry is kept. Both ends see every segment and judge for
 * themselves; no segment deletes a flow. A FIN or RST moves the state and with it the timer, a
 * later segment of the end that was said to have reset shows that the RST was forged, and
 * moves it back.
 *
 *                 | CLIENT    CLIENT     CLIENT     SERVER   SERVER     SERVER
 *   state         | segment   FIN        RST        segment  FIN        RST         timeout
 *   --------------+-------------------------------------------------------------------------
 *   SYN_SENT      |   (the engine: handshake with the server)                      pending timer
 *   QUIET         | OPEN      FIN_CLIENT RST_CLIENT QUIET    FIN_SERVER RST_SERVER  quiet
 *   OPEN          | OPEN      FIN_CLIENT RST_CLIENT OPEN     FIN_SERVER RST_SERVER  established
 *   FIN_CLIENT    | =         =          RST_CLIENT =        FIN_BOTH   RST_SERVER  closing
 *   FIN_SERVER    | =         FIN_BOTH   RST_CLIENT =        =          RST_SERVER  closing
 *   FIN_BOTH      | =         =          RST_CLIENT =        =          RST_SERVER  closed
 *   RST_CLIENT    | OPEN      FIN_CLIENT =          =        =          RST_SERVER  reset
 *   RST_SERVER    | =         =          =          OPEN     FIN_SERVER =           reset
 *
 * QUIET is an open connection whose client has sent nothing since its handshake.
 *
 * Whether a FIN or RST of the client counts as an event at all is the engine's to say: its sequence
 * number must lie near what the server has acknowledged, else it changes nothing
 * (sw_flow_client_seq_near). The server's port is trusted, the client's is not.
 *
 * Threads: constants and pure functions.
 */
#ifndef SW_SPLICE_STATE_H
#define SW_SPLICE_STATE_H

#include "base/base.h"
#include "base/seq.h"
#include "flow/flow.h"

enum sw_flow_state {
	SW_FLOW_SYN_SENT,
	SW_FLOW_QUIET,
	SW_FLOW_OPEN,
	SW_FLOW_FIN_CLIENT,
	SW_FLOW_FIN_SERVER,
	SW_FLOW_FIN_BOTH,
	SW_FLOW_RST_CLIENT,
	SW_FLOW_RST_SERVER,
	SW_FLOW_STATE_MAX
};

enum sw_flow_event {
	SW_EV_CLIENT_SEGMENT,
	SW_EV_CLIENT_FIN,
	SW_EV_CLIENT_RST,
	SW_EV_SERVER_SEGMENT,
	SW_EV_SERVER_FIN,
	SW_EV_SERVER_RST,
	SW_EV_MAX
};

/* Idle timeouts by state, ms, each below 2^31. Defaults: sw_timeouts_default. */
struct sw_timeouts {
	uint32_t state_ms[SW_FLOW_STATE_MAX]; /* [SYN_SENT] is not used: see the pending timer */
};

#define SW_TIMEOUT_ESTABLISHED_MS (7440u * 1000) /* RFC 5382, REQ-5: at least 2 h 4 min */
#define SW_TIMEOUT_CLOSING_MS	  (240u * 1000)	 /* RFC 5382, REQ-5: transitory, at least 4 min */
#define SW_TIMEOUT_CLOSED_MS	  (30u * 1000)	 /* both FINs seen; retransmissions refresh it */
#define SW_TIMEOUT_RESET_MS	  (10u * 1000)	 /* time for the other end to prove an RST forged */

extern const struct sw_timeouts sw_timeouts_default;

extern const uint8_t sw_flow_next_state[SW_FLOW_STATE_MAX][SW_EV_MAX];

/* "SYN_SENT", "OPEN", …; for telemetry and test traces. */
const char *sw_flow_state_name(unsigned state);

/*
 * A client's FIN or RST counts where its sequence number is at most this far past the last
 * byte that the server acknowledged (f->aux): a blind guess hits with 2^22 / 2^32 = 1/1024,
 * and then only shortens a timer.
 */
#define SW_CLIENT_SEQ_NEAR_BYTES (1u << 22)

sw_always_inline bool
sw_flow_client_seq_near(const struct sw_flow *f, uint32_t seq)
{
	return seq - (f->aux - 1) <= SW_CLIENT_SEQ_NEAR_BYTES;
}

/*
 * A new SYN of the client on this state opens a new connection; on the others the server judges it.
 */
sw_always_inline bool
sw_flow_reusable(const struct sw_flow *f)
{
	return f->state > SW_FLOW_OPEN;
}

#endif
