/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * space.h - the source addresses and ports that clients have: those of a prefix, numbered.
 *
 * Numbers run from 0 to sw_space_size() - 1. Number to address and port is a bijection that
 * scatters (SW_SPACE_RANDOM) or counts up, address by address and then port by port
 * (SW_SPACE_RANGE). So nobody has to remember which pairs are in use: a pair comes again only after
 * all others, and an incoming packet's number says which connection it belongs to.
 *
 * Threads: immutable once made.
 */
#ifndef SW_LOAD_SPACE_H
#define SW_LOAD_SPACE_H

#include "load.h"

enum sw_space_order { SW_SPACE_RANDOM, SW_SPACE_RANGE };

/* More bits of an address are not numbered: 2^32 addresses and 2^16 ports are enough. */
#define SW_SPACE_HOST_BITS_MAX 32

struct sw_space {
	union sw_addr prefix; /* host bits 0; IPv4 in the last four bytes */
	union sw_addr mask;   /* of the host bits */
	uint32_t host_mask;   /* of those that are numbered */
	uint8_t host_bits;    /* how many */
	uint8_t len;	      /* of the prefix, of 32 or 128 */
	bool v6;
	enum sw_space_order order;
	uint16_t port_min;
	uint32_t n_ports;
	uint32_t scatter; /* odd */
	uint32_t unscatter;
};

/* len: of 32, or of 128 with v6. Ports port_min .. port_min + n_ports - 1, n_ports >= 1. */
void sw_space_init(struct sw_space *s, const union sw_addr *prefix, unsigned len, bool v6);
void sw_space_set_ports(struct sw_space *s, uint16_t port_min, uint32_t n_ports);
void sw_space_set_order(struct sw_space *s, enum sw_space_order order, uint64_t seed);

uint64_t sw_space_size(const struct sw_space *s);

/* Address and port of number n < sw_space_size(). */
void sw_space_at(const struct sw_space *s, uint64_t n, union sw_addr *addr, uint16_t *port);

/* The number of an address and port; UINT64_MAX where they are none of this space. */
uint64_t sw_space_number(const struct sw_space *s, const union sw_addr *addr, uint16_t port);

/* An address of the prefix, whatever its number may be. */
bool sw_space_holds(const struct sw_space *s, const union sw_addr *addr, uint16_t port);

#endif
