/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io.h - one queue pair of a port: bursts in, bursts out, counted.
 *
 * What is sent comes from a pool of its own, whose buffers are taken and given back in the order
 * of a stack: with a driver that copies (memif, tap, vhost) a few of them stay in the cache.
 *
 * Threads: one.
 */
#ifndef SW_LOAD_IO_H
#define SW_LOAD_IO_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "port.h"
#include "report.h"

#define SW_IO_BURST 32

struct sw_io {
	uint16_t port;
	uint16_t first, n_pending; /* of pending[]: what waits to be sent */
	struct sw_load_io_stats stats;
	struct rte_mempool *pool;
	struct rte_mbuf *pending[SW_IO_BURST];
};

/* Makes the pool. 0 or -ENOMEM after a message. */
int sw_io_open(struct sw_io *io, const struct sw_port *p);
void sw_io_close(struct sw_io *io);

/*
 * Sends what is pending, as far as the port takes it. True where nothing is left, so that
 * pending[] may be filled anew.
 */
static inline bool
sw_io_flush(struct sw_io *io)
{
	uint16_t n;

	if (io->n_pending == 0)
		return true;
	n = rte_eth_tx_burst(io->port, 0, io->pending + io->first, io->n_pending);
	io->stats.tx_packets += n;
	io->first += n;
	io->n_pending -= n;
	return io->n_pending == 0;
}

/* n buffers into pending[], which is empty. The number that there are: n or 0. */
static inline unsigned
sw_io_take(struct sw_io *io, unsigned n)
{
	if (unlikely(rte_mempool_get_bulk(io->pool, (void **)io->pending, n) != 0))
		return 0;
	io->first = 0;
	return n;
}

/* The bytes of buffer i, and their number. All else in it is as sw_io_open() has left it. */
static inline uint8_t *
sw_io_data(struct rte_mbuf *m)
{
	return (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM;
}

static inline void
sw_io_set_len(struct rte_mbuf *m, uint16_t len)
{
	m->data_off = RTE_PKTMBUF_HEADROOM;
	m->data_len = len;
	m->pkt_len = len;
}

#endif
