/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * room.h - how long a worker waits for room in a port's ring.
 *
 * A virtual port's ring that is full is read again in a moment, as a rule: its reader (a peer on
 * memif, a guest on virtio) was off its CPU. A SYN-ACK that is given up then costs a client a
 * second; what comes in meanwhile waits in the receive ring, as far as that holds it. So packets
 * are offered again for a while.
 *
 * But where a ring is full for good (a slow reader, none, a line at its limit), waiting would take
 * the time of all other connections of the worker. So a worker has an account of what it may wait:
 * SW_ROOM_WAIT_US at most, and a SW_ROOM_SHARE-th of its time. Who keeps a ring full, by whatever
 * traffic, takes that share of the worker and no more; then packets are given up at the second
 * offer.
 *
 * Threads: each worker has its own, for all its ports. No I/O here: the caller sends.
 */
#ifndef SW_APP_ROOM_H
#define SW_APP_ROOM_H

#include "base/base.h"

#define SW_ROOM_WAIT_US 100
#define SW_ROOM_SHARE	16

struct sw_room {
	int64_t most_tsc; /* SW_ROOM_WAIT_US in TSC cycles */
	int64_t left_tsc; /* may be waited, as of seen_tsc; less than 0: was waited too much */
	uint64_t seen_tsc;
};

/*
 * A ring did not take all that it was offered, at tsc; waited: it was so at the last call, too, and
 * the time in between was waited. Returns whether it may be waited for; where not, one offer more
 * is the last.
 */
sw_always_inline bool
sw_room_wait(struct sw_room *room, bool waited, uint64_t tsc)
{
	const uint64_t since = tsc - room->seen_tsc;
	/* Of a long time all of the account, either way. */
	const int64_t some = (int64_t)RTE_MIN(since, (uint64_t)room->most_tsc * 2 * SW_ROOM_SHARE);

	if (waited)
		room->left_tsc = RTE_MAX(room->left_tsc - some, -room->most_tsc);
	else
		room->left_tsc = RTE_MIN(room->left_tsc + some / SW_ROOM_SHARE, room->most_tsc);
	room->seen_tsc = tsc;
	return room->left_tsc > 0;
}

#endif
