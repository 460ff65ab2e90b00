/* SPDX-License-Identifier: BSD-3-Clause */
#include "flood.h"

#include "packet/parse.h"

/* Fills the table of types, each as often as its weight says. */
static void
make_mix(struct sw_flood *f, const unsigned weights[SW_CRAFT_TYPES])
{
	uint64_t total = 0, sum = 0;
	unsigned entry = 0;

	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++)
		total += weights[t];
	SW_ASSERT(total > 0);
	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++) {
		sum += weights[t];
		while (entry < sum * SW_FLOOD_MIX / total)
			f->mix[entry++] = (uint8_t)t;
	}
}

void
sw_flood_init(struct sw_flood *f, const struct sw_flood_spec *spec)
{
	const struct sw_load_route *r = spec->route;

	memset(f, 0, sizeof(*f));
	f->route = r;
	f->options = spec->options;
	f->sample = spec->sample;
	f->until_sample = 1;
	f->rand.state = sw_load_mix(spec->seed, 0x9e3779b97f4a7c15ull);
	for (unsigned s = 0; s < r->n_servers; s++)
		for (unsigned t = 0; t < SW_CRAFT_TYPES; t++)
			sw_craft_init(&f->craft[s][t], &r->l2, &r->servers[s], t, spec->options);
	make_mix(f, spec->weights);
	f->only_type = f->mix[0];
	for (unsigned i = 1; i < SW_FLOOD_MIX; i++)
		if (f->mix[i] != f->mix[0])
			f->only_type = SW_CRAFT_TYPES;
}

/* A source at random, from 48 random bits; IPv6 draws those of its address anew. */
sw_always_inline uint16_t
draw_source(struct sw_flood *f, const struct sw_space *s, uint64_t bits, struct sw_craft_fields *v)
{
	if (s->v6) {
		const uint64_t more = sw_load_rand64(&f->rand);

		v->src_lo = s->prefix.q[1] | (more & s->mask.q[1]);
		v->src_hi = s->prefix.q[0] | (more * 0x9e3779b97f4a7c15ull & s->mask.q[0]);
	} else {
		v->src_lo = sw_load_pack4(s->prefix.w_be[3] | ((uint32_t)bits & s->mask.w_be[3]));
		v->src_hi = 0;
	}
	return (uint16_t)(s->port_min + ((bits >> 32 & 0xffff) * s->n_ports >> 16));
}

static uint16_t
next_source(struct sw_flood *f, const struct sw_space *s, struct sw_craft_fields *v)
{
	union sw_addr addr;
	uint16_t port;

	if (f->next_number >= sw_space_size(s))
		f->next_number = 0;
	sw_space_at(s, f->next_number++, &addr, &port);
	v->src_hi = addr.q[0];
	v->src_lo = addr.q[1];
	return port;
}

/* One packet; what its kind is made of is in registers where all are of one kind. */
sw_always_inline void
write_one(struct sw_flood *f, const struct sw_craft *c, const struct sw_load_server *server,
	uint64_t bits, uint8_t *out)
{
	const struct sw_space *space = &f->route->space[c->v6];
	struct sw_craft_fields v;
	uint64_t secret;
	uint16_t port;

	if (sw_likely(space->order == SW_SPACE_RANDOM))
		port = draw_source(f, space, bits, &v);
	else
		port = next_source(f, space, &v);
	secret = sw_load_secret(
		v.src_lo, v.src_hi, (uint32_t)port << 16 | server->port, f->route->key);
	v.sport_be = rte_cpu_to_be_16(port);
	v.seq = (uint32_t)secret;
	v.tsval = (uint32_t)(secret >> 32);
	v.ack = (uint32_t)(secret * 0x9e3779b97f4a7c15ull >> 32);
	sw_craft_write(c, out, &v);
}

unsigned
sw_flood_fill(struct sw_flood *f, uint8_t *const out[], uint16_t len[], unsigned n)
{
	const struct sw_load_route *r = f->route;

	if (r->n_servers == 1 && f->only_type < SW_CRAFT_TYPES) {
		const struct sw_craft *c = &f->craft[0][f->only_type];

		for (unsigned i = 0; i < n; i++) {
			write_one(f, c, &r->servers[0], sw_load_rand64(&f->rand), out[i]);
			len[i] = c->len;
		}
		f->stats.tx[f->only_type] += n;
		return n;
	}
	for (unsigned i = 0; i < n; i++) {
		const uint64_t bits = sw_load_rand64(&f->rand);
		const unsigned type = f->mix[bits >> 56];
		const struct sw_craft *c = &f->craft[f->next_server][type];

		write_one(f, c, &r->servers[f->next_server], bits, out[i]);
		len[i] = c->len;
		f->stats.tx[type]++;
		if (++f->next_server == r->n_servers)
			f->next_server = 0;
	}
	return n;
}

/* Where the TCP header is; 0: it is something else. Only as deep as the count needs. */
sw_always_inline uint32_t
find_tcp(const uint8_t *p, uint32_t len)
{
	uint32_t off = 12;

	if (sw_unlikely(len < 18))
		return 0;
	if (sw_load16(p + off) == SW_ETHER_VLAN_BE)
		off += 4;
	if (sw_load16(p + off) == SW_ETHER_IP4_BE) {
		off += 2;
		if (len < off + SW_IP4_BYTES || p[off + 9] != SW_IPPROTO_TCP)
			return 0;
		off += (p[off] & 15) * 4u;
	} else if (sw_load16(p + off) == SW_ETHER_IP6_BE) {
		off += 2;
		if (len < off + SW_IP6_BYTES || p[off + 6] != SW_IPPROTO_TCP)
			return 0;
		off += SW_IP6_BYTES;
	} else {
		return 0;
	}
	return len < off + SW_TCP_BYTES ? 0 : off;
}

bool
sw_flood_owns(const uint8_t *frame, uint32_t len)
{
	const uint32_t tcp = find_tcp(frame, len);

	return tcp == 0 || rte_be_to_cpu_16(sw_load16(frame + tcp + 2)) >= SW_FLOOD_PORT_MIN;
}

static sw_noinline void
judge(struct sw_flood *f, const uint8_t *frame, uint32_t len)
{
	unsigned carries;

	f->until_sample = f->sample;
	f->stats.checked++;
	f->stats.invalid[sw_reply_check(f->route, f->options, frame, len, &carries)]++;
	for (unsigned o = 0; o < SW_REPLY_OPTIONS_MAX; o++)
		f->stats.carried[o] += carries >> o & 1;
}

void
sw_flood_input(struct sw_flood *f, const uint8_t *frame, uint32_t len)
{
	const uint32_t tcp = find_tcp(frame, len);
	const unsigned flags = tcp != 0 ? frame[tcp + 13] : 0;

	f->stats.rx++;
	if (sw_unlikely(tcp == 0)) {
		f->stats.other++;
	} else if (flags & SW_TCP_RST) {
		f->stats.rst++;
	} else if ((flags & (SW_TCP_SYN | SW_TCP_ACK)) == (SW_TCP_SYN | SW_TCP_ACK)) {
		f->stats.synack++;
		if (f->sample != 0 && --f->until_sample == 0)
			judge(f, frame, len);
	} else if (flags & SW_TCP_SYN) {
		f->stats.syn++;
	} else {
		f->stats.tcp++;
	}
}
