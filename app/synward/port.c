/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "log.h"
#include "park.h"
#include "rss.h"

/*
 * Ring sizes where the driver names none of its own; its limits adjust them. At 10 Mpps, 1,024 are
 * 100 us. (net_af_xdp names 2,048: with fewer, its fill ring runs empty while the kernel delivers a
 * batch, and packets are lost that nobody counts.)
 */
#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 512

/* Ethernet header, two VLAN tags, CRC. */
#define L2_OVERHEAD_BYTES 26
#define POOL_CACHE	  256

/* What a NIC can check itself saves the engine a pass over the header and the payload. */
#define RX_CSUM_OFFLOADS (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM)

static void
say_no_such_port(const char *name)
{
	char known[512] = "", other[RTE_ETH_NAME_MAX_LEN];
	size_t len = 0;
	uint16_t id;

	RTE_ETH_FOREACH_DEV(id)
	{
		if (rte_eth_dev_get_name_by_port(id, other) != 0)
			continue;
		if (len < sizeof(known))
			len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
				len == 0 ? "" : ", ", other);
	}
	sw_log_error(
		"there is no port named %s; %s%s. Make a virtual one with --vdev=%s,... before "
		"the --, or bind a NIC with dpdk-devbind.py and write its PCI address",
		name, len == 0 ? "DPDK sees no port at all" : "the ports are: ", known,
		strncmp(name, "net_", 4) == 0 ? name : "net_tap0");
}

/* "net_virtio", "net_virtio_user" */
static bool
is_virtio(const char *driver)
{
	return strncmp(driver, "net_virtio", strlen("net_virtio")) == 0;
}

/*
 * A virtual device has no hardware to check with: its driver sums in software for every packet,
 * where the engine needs it for few (net_tap), or the offload stands for leave to hand over packets
 * whose checksum was never filled in (virtio and vhost, GUEST_CSUM), which must not go out
 * on a wire.
 */
static bool
checks_in_hardware(const struct rte_eth_dev_info *info)
{
	const struct rte_bus *bus = info->device != NULL ? rte_dev_bus(info->device) : NULL;

	return bus != NULL && strcmp(rte_bus_name(bus), "vdev") != 0 &&
	       !is_virtio(info->driver_name);
}

static int
get_info(const struct sw_port *p, struct rte_eth_dev_info *info)
{
	int rc = rte_eth_dev_info_get(p->id, info);

	if (rc != 0)
		sw_log_error("port %s does not say what it can do: %s", p->name, strerror(-rc));
	return rc;
}

/* What the configuration wants, else what the port has. */
static int
choose_mtu(struct sw_port *p, const struct rte_eth_dev_info *info, uint16_t mtu)
{
	unsigned frame = info->max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN;
	unsigned most = RTE_MIN((unsigned)info->max_mtu, frame);
	int rc = rte_eth_dev_get_mtu(p->id, &p->mtu);

	if (rc != 0) {
		sw_log_error(
			"port %s (%s) gives no MTU: %s", p->name, info->driver_name, strerror(-rc));
		return rc;
	}
	if (mtu == 0)
		return 0;
	if (mtu > most) {
		sw_log_error("port %s (%s) takes an MTU of at most %u, ports.mtu is %u", p->name,
			info->driver_name, most, mtu);
		return -EINVAL;
	}
	p->set_mtu = mtu != p->mtu;
	p->mtu = mtu;
	return 0;
}

/* What the configuration wants, else one a worker as far as the port has them. */
static int
choose_queues(
	struct sw_port *p, const struct rte_eth_dev_info *info, const struct sw_port_wish *wish)
{
	unsigned most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);

	if (most == 0) {
		sw_log_error("port %s (%s) has %u receive and %u transmit queues; it needs one of "
			     "each",
			p->name, info->driver_name, info->max_rx_queues, info->max_tx_queues);
		return -ENOSPC;
	}
	if (wish->n_queues > most) {
		sw_log_error("port %s (%s) has %u receive and %u transmit queues, ports.queues is "
			     "%u: it may be at most %u",
			p->name, info->driver_name, info->max_rx_queues, info->max_tx_queues,
			wish->n_queues, most);
		return -ENOSPC;
	}
	p->n_queues =
		(uint16_t)(wish->n_queues != 0 ? wish->n_queues : RTE_MIN(most, wish->n_workers));
	return 0;
}

/* As long as the configuration says, exactly, or as the driver names them. */
static int
choose_rx_ring(struct sw_port *p, const struct rte_eth_dev_info *info, uint16_t wish)
{
	const struct rte_eth_desc_lim *lim = &info->rx_desc_lim;
	const unsigned align = RTE_MAX(lim->nb_align, 1);

	if (wish == 0) {
		if (info->default_rxportconf.ring_size != 0)
			p->nb_rxd = info->default_rxportconf.ring_size;
		return 0;
	}
	if (wish < lim->nb_min || (lim->nb_max != 0 && wish > lim->nb_max) || wish % align != 0) {
		sw_log_error("port %s (%s) takes %u to %u receive descriptors, a multiple of %u, "
			     "ports.rx_descriptors is %u",
			p->name, info->driver_name, lim->nb_min,
			lim->nb_max != 0 ? lim->nb_max : UINT16_MAX, align, wish);
		return -EINVAL;
	}
	p->nb_rxd = wish;
	return 0;
}

/*
 * net_tap stops at a frame that is longer than this, each time that it is offered, with all behind
 * it. Others free what they cannot send, but for net_pcap and net_vhost, of which nobody knows
 * beforehand how long it may be (send.h: SW_SEND_SHARE).
 */
static uint32_t
longest_frame(const struct sw_port *p)
{
	if (strcmp(p->driver, "net_tap") != 0)
		return UINT32_MAX;
	return p->mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 4u;
}

int
sw_port_find(struct sw_port *p, const char *name, const struct sw_port_wish *wish)
{
	struct rte_eth_dev_info info;
	int rc;

	*p = (struct sw_port){.name = name, .nb_rxd = RX_DESCRIPTORS, .nb_txd = TX_DESCRIPTORS};
	if (rte_eth_dev_get_port_by_name(name, &p->id) != 0) {
		say_no_such_port(name);
		return -ENODEV;
	}
	p->probed = true;
	rc = get_info(p, &info);
	if (rc != 0)
		return rc;
	rc = choose_queues(p, &info, wish);
	if (rc == 0)
		rc = choose_mtu(p, &info, wish->mtu);
	if (rc == 0)
		rc = choose_rx_ring(p, &info, wish->rx_descriptors);
	if (rc != 0)
		return rc;
	if (info.default_txportconf.ring_size != 0)
		p->nb_txd = info.default_txportconf.ring_size;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &p->nb_rxd, &p->nb_txd);
	if (rc != 0) {
		sw_log_error("port %s (%s) gives no ring sizes: %s", name, info.driver_name,
			strerror(-rc));
		return rc;
	}
	p->driver = info.driver_name;
	p->frame_max = longest_frame(p);
	p->peer_writes = is_virtio(p->driver);
	p->socket = rte_eth_dev_socket_id(p->id);
	p->rx_buf_min = (uint16_t)RTE_MIN(info.min_rx_bufsize, (uint32_t)UINT16_MAX);
	p->rss_types = info.flow_type_rss_offloads;
	/* Older drivers do not say; 40 is what all of them take, and rss.c reads the key back. */
	p->rss_key_bytes = info.hash_key_size != 0 ? info.hash_key_size : SW_RSS_KEY_BYTES_MIN;
	p->reta_size = info.reta_size;
	p->multi_seg = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) &&
		       (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	return 0;
}

static struct rte_mempool *
make_pool(const struct sw_port *p, unsigned n, uint16_t room, const struct sw_port_pool_wish *wish)
{
	/* An lcore's cache is a stack, and what is behind it may be another one. */
	const unsigned cache = wish->fifo ? 0 : POOL_CACHE;
	const char *ops = wish->fifo ? "ring_mp_mc" : NULL;
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "sw_packets_%d", p->socket);
	pool = rte_pktmbuf_pool_create_by_ops(name, n, cache, 0, room, p->socket, ops);
	if (pool == NULL)
		sw_log_error(
			"no memory for %u packet buffers of %u bytes (%u MiB) on NUMA node %d: "
			"%s. Give more (-m MEGABYTES before the --, more hugepages)%s",
			n, room, (unsigned)((uint64_t)n * (room + 192u) >> 20), p->socket,
			rte_strerror(rte_errno), wish->or_else);
	return pool;
}

int
sw_port_pools(struct sw_port ports[], unsigned n_ports, const struct sw_port_pool_wish *wish)
{
	unsigned n = wish->n_extra + rte_lcore_count() * POOL_CACHE * 2;
	uint32_t room = RTE_MBUF_DEFAULT_DATAROOM;

	/* A packet of one port's pool may stand in the other port's rings. */
	for (unsigned i = 0; i < n_ports; i++) {
		n += (ports[i].nb_rxd + ports[i].nb_txd) * ports[i].n_queues;
		room = RTE_MAX(room, (uint32_t)ports[i].mtu + L2_OVERHEAD_BYTES);
		room = RTE_MAX(room, (uint32_t)ports[i].rx_buf_min);
	}
	room = RTE_MIN(RTE_ALIGN_CEIL(room, RTE_CACHE_LINE_SIZE) + RTE_PKTMBUF_HEADROOM,
		(uint32_t)RTE_ALIGN_FLOOR(UINT16_MAX, RTE_CACHE_LINE_SIZE));
	for (unsigned i = 0; i < n_ports; i++) {
		if (i > 0 && ports[i].socket == ports[0].socket)
			ports[i].pool = ports[0].pool;
		else
			ports[i].pool = make_pool(&ports[i], n, (uint16_t)room, wish);
		if (ports[i].pool == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* In debug builds: with all workers and ports ended, every buffer is back. */
static void
say_lost(const struct rte_mempool *pool)
{
#ifndef NDEBUG
	unsigned n = rte_mempool_in_use_count(pool);

	if (n != 0)
		sw_log_warning("%u packet buffers of %u did not come back", n, pool->size);
#else
	(void)pool;
#endif
}

void
sw_port_pools_free(struct sw_port ports[], unsigned n_ports)
{
	for (unsigned i = n_ports; i-- > 0;) {
		if (ports[i].pool != NULL && (i == 0 || ports[i].pool != ports[0].pool)) {
			say_lost(ports[i].pool);
			rte_mempool_free(ports[i].pool);
		}
		ports[i].pool = NULL;
	}
}

static int
setup_queues(const struct sw_port *p, const struct rte_eth_dev_info *info,
	const struct rte_eth_conf *conf)
{
	struct rte_eth_rxconf rx = info->default_rxconf;
	struct rte_eth_txconf tx = info->default_txconf;
	unsigned socket = (unsigned)p->socket;
	int rc = 0;

	rx.offloads = conf->rxmode.offloads;
	tx.offloads = conf->txmode.offloads;
	for (uint16_t q = 0; q < p->n_queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(p->id, q, p->nb_rxd, socket, &rx, p->pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(p->id, q, p->nb_txd, socket, &tx);
		if (rc != 0)
			sw_log_error("port %s (%s) does not set up queue %u with %u and %u "
				     "descriptors: %s",
				p->name, p->driver, q, p->nb_rxd, p->nb_txd, strerror(-rc));
	}
	return rc;
}

int
sw_port_start(struct sw_port *p, uint64_t rss_hf, bool multi_seg)
{
	uint8_t key[SW_RSS_KEY_BYTES_MAX];
	struct rte_eth_conf conf = {.rxmode.mtu = p->mtu};
	struct rte_eth_dev_info info;
	int rc = get_info(p, &info);

	if (rc != 0)
		return rc;
	if (checks_in_hardware(&info))
		conf.rxmode.offloads |= info.rx_offload_capa & RX_CSUM_OFFLOADS;
	if (multi_seg) {
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	}
	if (rss_hf != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = rss_hf;
		if (p->rss_key_bytes >= SW_RSS_KEY_BYTES_MIN) {
			sw_rss_key(key, p->rss_key_bytes);
			conf.rx_adv_conf.rss_conf.rss_key = key;
			conf.rx_adv_conf.rss_conf.rss_key_len = p->rss_key_bytes;
		}
	}
	rc = rte_eth_dev_configure(p->id, p->n_queues, p->n_queues, &conf);
	if (rc != 0) {
		sw_log_error("port %s (%s) does not take %u queues with offloads %#lx/%#lx: %s",
			p->name, p->driver, p->n_queues, (unsigned long)conf.rxmode.offloads,
			(unsigned long)conf.txmode.offloads, strerror(-rc));
		return rc;
	}
	rc = p->set_mtu ? rte_eth_dev_set_mtu(p->id, p->mtu) : 0;
	if (rc != 0) {
		sw_log_error("port %s (%s) does not take the MTU %u: %s", p->name, p->driver,
			p->mtu, strerror(-rc));
		return rc;
	}
	rc = setup_queues(p, &info, &conf);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_start(p->id);
	if (rc != 0) {
		sw_log_error("port %s (%s) does not start: %s", p->name, p->driver, strerror(-rc));
		return rc;
	}
	p->started = true;
	/* The packets are for other hosts: without it a NIC would show us next to none of them. */
	rc = rte_eth_promiscuous_enable(p->id);
	if (rc != 0)
		sw_log_warning("port %s (%s) has no promiscuous mode (%s): it may not see packets "
			       "for other hosts",
			p->name, p->driver, strerror(-rc));
	return 0;
}

static void
stop(struct sw_port *p)
{
	int rc;

	if (p->started) {
		rc = rte_eth_dev_stop(p->id);
		if (rc != 0)
			sw_log_warning("port %s does not stop: %s", p->name, strerror(-rc));
		p->started = false;
	}
	if (p->probed) {
		rc = rte_eth_dev_close(p->id);
		if (rc != 0)
			sw_log_warning("port %s does not close: %s", p->name, strerror(-rc));
		p->probed = false;
	}
}

static bool
is_memif(uint16_t id)
{
	struct rte_eth_dev_info info;

	return rte_eth_dev_info_get(id, &info) == 0 && strcmp(info.driver_name, "net_memif") == 0;
}

void
sw_ports_stop(struct sw_port ports[], unsigned n_ports)
{
	bool memif = false;
	uint16_t id;
	int rc;

	for (unsigned i = 0; i < n_ports; i++)
		if (ports[i].probed && !is_memif(ports[i].id))
			stop(&ports[i]);
	/* Devices that are no port of ours are closed by EAL. */
	RTE_ETH_FOREACH_DEV(id)
	{
		memif = memif || is_memif(id);
	}
	rc = memif ? sw_park_interrupts() : 0;
	if (rc != 0)
		sw_log_warning("net_memif is stopped while it may be at work: %s", strerror(-rc));
	for (unsigned i = 0; i < n_ports; i++)
		stop(&ports[i]);
}
