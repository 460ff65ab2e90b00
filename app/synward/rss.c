/* SPDX-License-Identifier: BSD-3-Clause */
#include "rss.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ethdev.h>

#include "packet/steer.h"

#include "log.h"

/* The largest known table has 2,048 entries. */
#define RETA_GROUPS_MAX (SW_STEER_RETA_MAX / RTE_ETH_RETA_GROUP_SIZE)

/* Without these two a protected connection may come to any worker. */
#define TYPES_NEEDED (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP)
/* With these bridged packets are spread as well. */
#define TYPES_WANTED                                                                        \
	(TYPES_NEEDED | RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 |                          \
		RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | \
		RTE_ETH_RSS_NONFRAG_IPV6_OTHER)

static int
refuse(const struct sw_port *p, int rc, const char *missing)
{
	sw_log_warning("port %s (%s) cannot spread connections symmetrically: %s%s%s; the workers "
		       "hand packets to their owners instead",
		p->name, p->driver, missing, rc != 0 ? ": " : "", rc != 0 ? strerror(-rc) : "");
	return rc != 0 ? rc : -ENOTSUP;
}

void
sw_rss_key(uint8_t *key, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		key[i] = (uint8_t)(i % 2 == 0 ? SW_STEER_RSS_WORD >> 8 : SW_STEER_RSS_WORD);
}

int
sw_rss_types(const struct sw_port ports[], unsigned n_ports, uint64_t *rss_hf)
{
	*rss_hf = TYPES_WANTED;
	for (unsigned i = 0; i < n_ports; i++) {
		const struct sw_port *p = &ports[i];

		if ((p->rss_types & TYPES_NEEDED) != TYPES_NEEDED)
			return refuse(p, 0, "it does not hash TCP over both IPv4 and IPv6");
		if (p->rss_key_bytes < SW_RSS_KEY_BYTES_MIN)
			return refuse(p, 0, "it takes no hash key of 40 bytes");
		if (p->reta_size == 0)
			return refuse(p, 0, "it has no redirection table");
		if (!rte_is_power_of_2(p->reta_size) ||
			p->reta_size > RETA_GROUPS_MAX * RTE_ETH_RETA_GROUP_SIZE)
			return refuse(p, 0, "its redirection table has an unknown shape");
		*rss_hf &= p->rss_types;
	}
	return 0;
}

uint64_t
sw_rss_spread(const struct sw_port *p)
{
	return p->n_queues > 1 ? p->rss_types & TYPES_WANTED : 0;
}

unsigned
sw_rss_period(const struct sw_port ports[], unsigned n_ports)
{
	unsigned period = ports[0].reta_size;

	for (unsigned i = 1; i < n_ports; i++)
		period = RTE_MIN(period, (unsigned)ports[i].reta_size);
	return period;
}

static int
set_reta(const struct sw_port *p, unsigned period, unsigned n_queues)
{
	struct rte_eth_rss_reta_entry64 reta[RETA_GROUPS_MAX] = {0};
	int rc;

	for (unsigned i = 0; i < p->reta_size; i++) {
		struct rte_eth_rss_reta_entry64 *group = &reta[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = sw_steer_reta_queue(i, period, n_queues);
	}
	rc = rte_eth_dev_rss_reta_update(p->id, reta, p->reta_size);
	return rc == 0 ? 0 : refuse(p, rc, "it refuses the redirection table");
}

static int
check_reta(const struct sw_port *p, unsigned period, unsigned n_queues)
{
	struct rte_eth_rss_reta_entry64 reta[RETA_GROUPS_MAX] = {0};
	int rc;

	for (unsigned i = 0; i < p->reta_size; i++)
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1)
							  << i % RTE_ETH_RETA_GROUP_SIZE;
	rc = rte_eth_dev_rss_reta_query(p->id, reta, p->reta_size);
	if (rc != 0)
		return refuse(p, rc, "it does not show its redirection table");
	for (unsigned i = 0; i < p->reta_size; i++)
		if (reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] !=
			sw_steer_reta_queue(i, period, n_queues))
			return refuse(p, 0, "its redirection table is not the one it was given");
	return 0;
}

static int
set_hash(const struct sw_port *p, uint64_t rss_hf)
{
	uint8_t key[SW_RSS_KEY_BYTES_MAX], got[SW_RSS_KEY_BYTES_MAX] = {0};
	struct rte_eth_rss_conf conf = {
		.rss_key = key, .rss_key_len = p->rss_key_bytes, .rss_hf = rss_hf};
	int rc;

	sw_rss_key(key, p->rss_key_bytes);
	rc = rte_eth_dev_rss_hash_update(p->id, &conf);
	if (rc != 0)
		return refuse(p, rc, "it refuses the hash key or the packet types");
	conf = (struct rte_eth_rss_conf){.rss_key = got, .rss_key_len = p->rss_key_bytes};
	rc = rte_eth_dev_rss_hash_conf_get(p->id, &conf);
	if (rc != 0)
		return refuse(p, rc, "it does not show its hash key");
	if (memcmp(key, got, p->rss_key_bytes) != 0)
		return refuse(p, 0, "its hash key is not the one it was given");
	if ((conf.rss_hf & TYPES_NEEDED) != TYPES_NEEDED)
		return refuse(p, 0, "it left TCP out of its hash");
	return 0;
}

int
sw_rss_setup(const struct sw_port ports[], unsigned n_ports, unsigned n_queues, uint64_t rss_hf)
{
	unsigned period = sw_rss_period(ports, n_ports);
	int rc = 0;

	if (period < n_queues)
		return refuse(
			&ports[0], 0, "a redirection table is shorter than the list of workers");
	for (unsigned i = 0; i < n_ports && rc == 0; i++) {
		rc = set_hash(&ports[i], rss_hf);
		if (rc == 0)
			rc = set_reta(&ports[i], period, n_queues);
		if (rc == 0)
			rc = check_reta(&ports[i], period, n_queues);
	}
	return rc;
}
