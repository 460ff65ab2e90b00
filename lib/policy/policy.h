/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy.h - which packets are protected and how: an immutable snapshot, built once, read by all.
 *
 * A service is a name, a mode, and a set of rules; a rule is an address prefix and a range of TCP
 * ports. No two rules of different services may cover the same address and port; the builder
 * refuses that. Sources may be listed as allowed (never challenged) or denied (dropped); the more
 * specific prefix wins, deny wins a tie.
 *
 * Lookup: the address space of each family is cut into disjoint intervals, sorted; an interval
 * names a sorted run of port ranges. Two binary searches, the same shape for IPv4 and IPv6; where
 * prefixes nest, one more for each wider prefix until the port is found, so that memory stays
 * linear in the rules. Sources likewise: one sorted list of intervals with a verdict.
 *
 * Order of use: fill a struct sw_policy_spec; sw_policy_size(); sw_policy_build() into that many
 *               bytes; publish; lookups; after a grace period the caller frees the memory.
 * Threads: after sw_policy_build() nothing changes, any number of readers.
 * Memory:  one block of the caller's, aligned to SW_CACHE_LINE_BYTES. It holds no pointers into the
 *          spec.
 */
#ifndef SW_POLICY_POLICY_H
#define SW_POLICY_POLICY_H

#include "base/base.h"
#include "base/tuple.h"

#define SW_SERVICES_MAX	      1024
#define SW_SERVICE_NAME_BYTES 32
#define SW_POLICY_NO_SERVICE  UINT16_MAX

enum sw_mode {
	SW_MODE_PROXY,	 /* cookie, then connect to the server and splice */
	SW_MODE_RESPOND, /* complete the handshake here and count it; nothing reaches the server */
	SW_MODE_PASS,	 /* bridge untouched */
	SW_MODE_DROP,	 /* drop everything for it */
	SW_MODE_MAX
};

/*
 * What the servers of a service are taken to offer in their SYN-ACK, and so what clients are
 * promised. An option that is false (SW_WSCALE_NONE) here is never promised.
 */
struct sw_server_opts {
	uint16_t mss4;	/* bytes, IPv4 */
	uint16_t mss6;	/* bytes, IPv6 */
	uint8_t wscale; /* 0..14, or SW_WSCALE_NONE */
	bool sack;
	bool ts;
	bool ecn;
};

struct sw_service {
	char name[SW_SERVICE_NAME_BYTES]; /* NUL-terminated */
	uint8_t mode;			  /* enum sw_mode */
	struct sw_server_opts server;	  /* where learn: the start */
	bool learn;			  /* the servers' SYN-ACKs say better; handshake/learn.c */
	uint16_t window; /* window field of the SYN-ACK, bytes: what may be held early */
};

/* prefix_len counts within the family: 0..32 or 0..128; bits behind it are ignored. */
struct sw_prefix {
	union sw_addr addr; /* IPv4 in w_be[3] */
	uint8_t prefix_len;
	bool v6;
};

struct sw_rule {
	struct sw_prefix dst;
	uint16_t port_first; /* host order, inclusive */
	uint16_t port_last;
	uint16_t service; /* index into services[] */
};

struct sw_source {
	struct sw_prefix src;
	bool deny; /* false: allow */
};

struct sw_policy_spec {
	const struct sw_service *services;
	const struct sw_rule *rules;
	const struct sw_source *sources;
	uint32_t n_services, n_rules, n_sources;
};

/* On -EEXIST: the two rules that overlap, as indices into spec->rules. */
struct sw_policy_error {
	uint32_t rule_a, rule_b;
};

struct sw_policy;

/* Bytes that sw_policy_build() needs at most for this spec. */
size_t sw_policy_size(const struct sw_policy_spec *spec);

/*
 * Builds a snapshot at mem. Returns 0; -EINVAL for a prefix length, port range, service index,
 * mode, name without its NUL or service count out of bounds; -EEXIST where rules of two services
 * overlap (*err says which); -ENOSPC where `size` is too small.
 */
int sw_policy_build(
	void *mem, size_t size, const struct sw_policy_spec *spec, struct sw_policy_error *err);

/* Service by index, for idx < sw_policy_services(). */
const struct sw_service *sw_policy_service(const struct sw_policy *p, uint16_t idx);
uint32_t sw_policy_services(const struct sw_policy *p);

enum sw_source_verdict { SW_SOURCE_CHALLENGE, SW_SOURCE_ALLOW, SW_SOURCE_DENY };

/*
 * Service of each tuple's server address and port, or SW_POLICY_NO_SERVICE. n <= SW_BURST_MAX.
 * tuples[i] may be NULL: service[i] is then SW_POLICY_NO_SERVICE.
 */
void sw_policy_lookup_burst(const struct sw_policy *p, const struct sw_tuple *const tuples[],
	uint16_t *service, unsigned n);

/* False: no source is listed, all of them are challenged. */
bool sw_policy_lists_sources(const struct sw_policy *p);

/* Verdict on the tuple's client address. Cheap where no source is listed. */
enum sw_source_verdict sw_policy_source(const struct sw_policy *p, const struct sw_tuple *t);

/*
 * True where the server address belongs to a service of any mode but pass,
 * whatever the port: fragments.
 */
bool sw_policy_covers_address(const struct sw_policy *p, const struct sw_tuple *t);

#endif
