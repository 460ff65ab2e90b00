/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port.h - the two ethdev ports: found by name, configured with one queue pair a worker as far as
 * they have so many, started.
 *
 * Order of use: sw_port_find() for each, sw_port_pools(), sw_port_start() for each, sw_rss_setup()
 *               with several workers; at the end sw_ports_stop(), then sw_port_pools_free().
 * Threads: main thread.
 * Errors:  0 or -errno, after one sentence on standard error.
 */
#ifndef SW_APP_PORT_H
#define SW_APP_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

struct sw_port {
	const char *name;	  /* of the configuration */
	const char *driver;	  /* "net_tap" */
	struct rte_mempool *pool; /* of the port's NUMA node */
	uint64_t rss_types;	  /* RTE_ETH_RSS_* that the port can hash */
	uint16_t id;
	uint16_t n_queues; /* pairs that are used: at most one a worker */
	uint16_t nb_rxd, nb_txd;
	uint16_t mtu;
	bool set_mtu;	     /* it is the configuration's */
	uint32_t frame_max;  /* bytes; a longer one the driver refuses, and all that is behind it */
	uint16_t rx_buf_min; /* bytes that the driver wants in a buffer */
	uint16_t reta_size;
	uint8_t rss_key_bytes;
	int socket;	  /* NUMA node, or SOCKET_ID_ANY */
	bool multi_seg;	  /* may receive and send packets of several segments */
	bool peer_writes; /* another CPU puts packets into our buffers, nobody copies them here */
	bool probed, started;
};

/* What the configuration and the EAL arguments ask of both ports. */
struct sw_port_wish {
	unsigned n_workers;
	uint16_t n_queues;	 /* 0: one a worker, or as many as the port has */
	uint16_t mtu;		 /* 0: as it is */
	uint16_t rx_descriptors; /* of each queue; 0: as the driver says */
};

/* The port of that name; sets n_queues. */
int sw_port_find(struct sw_port *p, const char *name, const struct sw_port_wish *wish);

/* What is wanted of the pools of packet buffers. */
struct sw_port_pool_wish {
	uint32_t n_extra;    /* buffers that may be in use beside the ports' rings */
	bool fifo;	     /* the one that came back first is taken first, not last */
	const char *or_else; /* ends what is said without memory: " or ask for less", or "" */
};

/* One pool of packet buffers for each NUMA node that has a port; sets ports[].pool. */
int sw_port_pools(struct sw_port ports[], unsigned n_ports, const struct sw_port_pool_wish *wish);
void sw_port_pools_free(struct sw_port ports[], unsigned n_ports);

/*
 * Configures and starts. rss_hf: RTE_ETH_RSS_* for several queues, 0 for one, or for a port that
 * has no RSS. multi_seg: only where both ports can, as a packet received on one is sent on the
 * other.
 */
int sw_port_start(struct sw_port *p, uint64_t rss_hf, bool multi_seg);

/*
 * Stops and closes them, also those that never started; the program ends then. With net_memif EAL
 * serves no interrupts any more (park.h): ports of other drivers are stopped before.
 */
void sw_ports_stop(struct sw_port ports[], unsigned n_ports);

#endif
