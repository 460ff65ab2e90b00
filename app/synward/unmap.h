/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unmap.h - no memory is taken from under a burst.
 *
 * A driver whose peer is another process maps that process's memory and unmaps it when the peer
 * goes, on EAL's interrupt thread. DPDK's memif driver does so with nothing between that and a
 * worker that is inside a burst of the same port: it marks the port as not connected, which the
 * next burst sees, and unmaps the rings, which the present one still reads. A worker that the
 * kernel has just preempted there ends the daemon with a segmentation fault.
 *
 * So munmap() is this program's own: it waits until every worker has ended the burst in which it
 * was (a grace period of the workers' RCU), then unmaps.
 *
 *   interrupt thread: driver               workers, once per burst
 *   port is marked as not connected
 *   munmap() ---- qsbr start, check <----- qsbr quiescent
 *   memory is gone                         next burst: not connected, nothing is read
 *
 * Threads that EAL has given an lcore (the workers, the main thread) do not wait: workers would
 * wait for themselves, and the main thread unmaps only what workers do not use. The C library's own
 * calls (free() of large blocks) do not come here.
 *
 * Order:  sw_unmap_guard(qsbr) before the workers start, sw_unmap_guard(NULL) before qsbr is freed.
 * Memory: none; qsbr is the caller's. Threads: sw_unmap_guard() from any; the last one called
 * counts.
 */
#ifndef SW_APP_UNMAP_H
#define SW_APP_UNMAP_H

#include <rte_rcu_qsbr.h>

/*
 * From now on munmap() waits for the threads that are online in qsbr; for none with NULL. Waits for
 * a munmap() that waits.
 */
void sw_unmap_guard(struct rte_rcu_qsbr *qsbr);

#endif
