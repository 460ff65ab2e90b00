/* SPDX-License-Identifier: BSD-3-Clause */
#include "io.h"

#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>

#include "log.h"

/* Beside what stands in the rings: the cache, one burst, and as much again. */
#define SPARE_BUFFERS 2048
#define POOL_CACHE    256

static void
prepare(struct rte_mempool *pool, void *arg, void *obj, unsigned index)
{
	struct rte_mbuf *m = obj;

	(void)pool;
	(void)arg;
	(void)index;
	rte_pktmbuf_reset(m);
}

int
sw_io_open(struct sw_io *io, const struct sw_port *p)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	*io = (struct sw_io){.port = p->id};
	snprintf(name, sizeof(name), "sw_load_%u", p->id);
	io->pool = rte_pktmbuf_pool_create(name, p->nb_txd + SPARE_BUFFERS, POOL_CACHE, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, p->socket);
	if (io->pool == NULL) {
		sw_log_error("no memory for the packets of port %s: %s. Give more (-m MEGABYTES "
			     "before the --, more hugepages)",
			p->name, rte_strerror(rte_errno));
		return -ENOMEM;
	}
	rte_mempool_obj_iter(io->pool, prepare, NULL);
	return 0;
}

void
sw_io_close(struct sw_io *io)
{
	rte_pktmbuf_free_bulk(io->pending + io->first, io->n_pending);
	io->n_pending = 0;
	rte_mempool_free(io->pool);
	io->pool = NULL;
}
