/* SPDX-License-Identifier: BSD-3-Clause */
#include "space.h"

/* The smallest odd mixers that pass: Knuth's multiplier, and a fold to carry high bits down. */
#define MIX 0x9e3779b1u

void
sw_space_init(struct sw_space *s, const union sw_addr *prefix, unsigned len, bool v6)
{
	const unsigned skip = v6 ? len : 96 + len;

	*s = (struct sw_space){.len = (uint8_t)len, .v6 = v6, .scatter = 1, .unscatter = 1};
	for (unsigned bit = 0; bit < 128; bit++) {
		const uint8_t m = (uint8_t)(0x80 >> bit % 8);

		if (bit < skip)
			s->prefix.b[bit / 8] |= prefix->b[bit / 8] & m;
		else
			s->mask.b[bit / 8] |= m;
	}
	s->host_bits = (uint8_t)(128 - skip < SW_SPACE_HOST_BITS_MAX ? 128 - skip
								     : SW_SPACE_HOST_BITS_MAX);
	s->host_mask = s->host_bits == 32 ? UINT32_MAX : (1u << s->host_bits) - 1;
	sw_space_set_ports(s, 1024, 65536 - 1024);
}

void
sw_space_set_ports(struct sw_space *s, uint16_t port_min, uint32_t n_ports)
{
	SW_ASSERT(n_ports > 0 && port_min + n_ports <= 65536);
	s->port_min = port_min;
	s->n_ports = n_ports;
}

void
sw_space_set_order(struct sw_space *s, enum sw_space_order order, uint64_t seed)
{
	uint32_t inverse;

	s->order = order;
	s->scatter = ((uint32_t)sw_mum(seed, 0xa0761d6478bd642full) ^ MIX) | 1;
	/* Newton's iteration: each step doubles the low bits that are right, from 3. */
	inverse = s->scatter;
	for (int i = 0; i < 4; i++)
		inverse *= 2 - s->scatter * inverse;
	s->unscatter = inverse;
}

uint64_t
sw_space_size(const struct sw_space *s)
{
	return ((uint64_t)s->host_mask + 1) * s->n_ports;
}

/*
 * A permutation of the host numbers: multiplied by an odd number mod 2^bits, twice, with the high
 * half folded into the low one between. Each step can be undone.
 */
static uint32_t
scatter(const struct sw_space *s, uint32_t host)
{
	host = host * s->scatter & s->host_mask;
	host ^= host >> (s->host_bits / 2 + 1);
	return host * s->scatter & s->host_mask;
}

static uint32_t
unscatter(const struct sw_space *s, uint32_t host)
{
	host = host * s->unscatter & s->host_mask;
	host ^= host >> (s->host_bits / 2 + 1); /* a shift by more than half is its own inverse */
	return host * s->unscatter & s->host_mask;
}

/* How far the ports of an address are turned. */
static uint32_t
turn(const struct sw_space *s, uint32_t host)
{
	return s->order == SW_SPACE_RANGE
		       ? 0
		       : (uint32_t)((uint64_t)(host * MIX ^ s->scatter) * s->n_ports >> 32);
}

void
sw_space_at(const struct sw_space *s, uint64_t n, union sw_addr *addr, uint16_t *port)
{
	uint32_t host = (uint32_t)n & s->host_mask;
	uint32_t p = (uint32_t)(n >> s->host_bits);

	if (s->order == SW_SPACE_RANDOM)
		host = scatter(s, host);
	p += turn(s, host);
	if (p >= s->n_ports)
		p -= s->n_ports;
	*port = (uint16_t)(s->port_min + p);
	*addr = s->prefix;
	addr->w_be[3] |= rte_cpu_to_be_32(host);
}

uint64_t
sw_space_number(const struct sw_space *s, const union sw_addr *addr, uint16_t port)
{
	uint32_t host, p;

	if (!sw_space_holds(s, addr, port))
		return UINT64_MAX;
	/* Of a long IPv6 prefix' host bits only the lowest are numbered. */
	if (((addr->q[0] & s->mask.q[0]) | (addr->w_be[2] & s->mask.w_be[2])) != 0)
		return UINT64_MAX;
	host = rte_be_to_cpu_32(addr->w_be[3]) & s->host_mask;
	p = (uint32_t)(port - s->port_min) + s->n_ports - turn(s, host);
	if (p >= s->n_ports)
		p -= s->n_ports;
	if (s->order == SW_SPACE_RANDOM)
		host = unscatter(s, host);
	return (uint64_t)p << s->host_bits | host;
}

bool
sw_space_holds(const struct sw_space *s, const union sw_addr *addr, uint16_t port)
{
	return (addr->q[0] & ~s->mask.q[0]) == s->prefix.q[0] &&
	       (addr->q[1] & ~s->mask.q[1]) == s->prefix.q[1] && port >= s->port_min &&
	       (uint32_t)(port - s->port_min) < s->n_ports;
}
