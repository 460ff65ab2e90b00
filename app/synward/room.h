/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * room.h - how long a worker waits for room in a port's ring.
 *
 * A ring that is full is read again in a moment, as a rule: its reader (a peer on memif, a guest on
 * virtio) was off its CPU, or a card is at its line rate. A SYN-ACK that is given up then costs a
 * client a second; what comes in meanwhile waits in the receive ring, and costs nothing. So packets
 * are offered again, for SW_ROOM_WAIT_US in all for what one burst sends to a port.
 *
 * A ring in which nothing has moved for so long has no reader. Lest every burst wait for it, what
 * goes there is then given up at once, until the ring takes something again.
 *
 * Threads: each worker has its own. No I/O here: the caller sends.
 */
#ifndef SW_APP_ROOM_H
#define SW_APP_ROOM_H

#include "base/base.h"

/* A card's receive ring of 1,024 holds 69 us of the smallest packets at 10 Gbit/s. */
#define SW_ROOM_WAIT_US 100

struct sw_room {
	uint64_t wait_tsc; /* TSC cycles to wait */
	bool stuck;	   /* was waited for in vain, and has taken nothing since */
};

/* The ring took a packet, or more. */
sw_always_inline void
sw_room_taken(struct sw_room *room)
{
	if (sw_unlikely(room->stuck))
		room->stuck = false;
}

/*
 * The ring took nothing at tsc, which is not 0. *since_tsc is 0 before a burst's first packet to
 * the port. Returns whether to offer what is left again.
 */
sw_always_inline bool
sw_room_wait(struct sw_room *room, uint64_t *since_tsc, uint64_t tsc)
{
	if (*since_tsc == 0)
		*since_tsc = tsc;
	if (tsc - *since_tsc >= room->wait_tsc)
		room->stuck = true;
	return !room->stuck;
}

#endif
