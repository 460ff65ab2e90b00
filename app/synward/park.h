/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * park.h - EAL's interrupt thread put aside, for the end of a program with net_memif ports.
 *
 * That driver takes a connection down in EAL's interrupt thread when its peer does, and in the
 * caller's when its port is stopped, and nothing keeps one from the other: memory is freed twice,
 * or used by a handler when it has gone. EAL does the like at its own end: what the driver leaves
 * registered stands in memory that rte_eal_cleanup() unmaps, whether the thread is looking or not.
 * Peers that end at the same time meet both.
 *
 * Order of use: when no port is used any more, and those of other drivers, which may need the
 *               thread for it, have been stopped: before the first of net_memif is.
 * Threads: main thread.
 */
#ifndef SW_APP_PARK_H
#define SW_APP_PARK_H

/*
 * Returns when the thread has done what it had in hand, and will do nothing more in this process.
 * 0, again and again; or -errno, and it goes on; -ETIMEDOUT: a handler does not return.
 */
int sw_park_interrupts(void);

#endif
