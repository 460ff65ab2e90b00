/* SPDX-License-Identifier: BSD-3-Clause */
/* load_reply_rig.h - one SYN of a flood, and a right answer to it as a case may change it. */
#ifndef SW_TEST_LOAD_REPLY_RIG_H
#define SW_TEST_LOAD_REPLY_RIG_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flood.h"
#include "pkt_make.h"
#include "reply.h"

struct rig {
	struct sw_load_route route;
	enum sw_craft_options options;
	struct sw_flood *flood;
	uint8_t syn[SW_LOAD_HEADERS_MAX_BYTES];
	struct pkt_seen s; /* of the SYN */
	uint8_t opts[40];
	uint8_t buf[PKT_MAX];
	struct pkt_make m; /* of a right answer */
	size_t len;
	unsigned carries; /* bits of sw_reply_option that the judge saw */
};

static inline void
rig_init(struct rig *r, bool v6, uint16_t vlan, enum sw_craft_options options)
{
	const union sw_addr p4 = {.b = {[12] = 10}}, p6 = {.b = {0xfd}};
	struct sw_flood_spec spec = {.route = &r->route, .options = options, .weights = {1}};
	uint8_t *out = r->syn;
	uint16_t len;

	memset(r, 0, sizeof(*r));
	r->options = options;
	r->route.l2 = (struct sw_load_l2){{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, vlan};
	r->route.n_servers = 1;
	r->route.servers[0] = (struct sw_load_server){.port = 80, .v6 = v6};
	memcpy(r->route.servers[0].addr.b + 12, (uint8_t[]){198, 51, 100, 10}, 4);
	if (v6)
		r->route.servers[0].addr.b[0] = 0x20;
	r->route.key = 99;
	sw_space_init(&r->route.space[0], &p4, 8, false);
	sw_space_init(&r->route.space[1], &p6, 8, true);
	r->flood = aligned_alloc(64, sizeof(*r->flood));
	sw_flood_init(r->flood, &spec);
	sw_flood_fill(r->flood, &out, &len, 1);
	ck_assert(pkt_read(r->syn, len, &r->s));
	r->m = (struct pkt_make){.v6 = v6,
		.dst_mac = {2, 0, 0, 0, 0, 1},
		.src_mac = {2, 0, 0, 0, 0, 2},
		.n_vlan = vlan != 0,
		.vlan_tci = {vlan},
		.sport = 80,
		.dport = r->s.sport,
		.seq = 12345,
		.ack = r->s.seq + 1,
		.flags = 0x12,
		.window = 1000,
		.opts = r->opts};
	memcpy(r->m.src, r->s.dst, 16);
	memcpy(r->m.dst, r->s.src, 16);
}

static inline void
add(struct rig *r, const uint8_t *bytes, size_t n)
{
	memcpy(r->opts + r->m.opts_len, bytes, n);
	r->m.opts_len += n;
}

/* What a server that has everything answers to the set. */
static inline void
right_options(struct rig *r)
{
	const uint8_t *ts = r->s.opts + (r->options == SW_CRAFT_LINUX ? 8 : 12);
	uint8_t answer[10] = {8, 10, 9, 9, 9, 9};

	if (r->options == SW_CRAFT_NONE)
		return;
	add(r, (uint8_t[]){2, 4, 5, 180}, 4);
	if (r->options >= SW_CRAFT_LINUX)
		add(r, (uint8_t[]){4, 2, 1, 3, 3, 9}, 6);
	if (r->options == SW_CRAFT_LINUX || r->options == SW_CRAFT_MAC) {
		memcpy(answer + 6, ts, 4);
		add(r, answer, 10);
	}
}

static inline enum sw_reply_fault
judge(struct rig *r)
{
	uint8_t *copy;
	enum sw_reply_fault f;

	r->len = pkt_make(r->buf, sizeof(r->buf), &r->m);
	copy = pkt_dup(r->buf, r->len);
	f = sw_reply_check(&r->route, r->options, copy, (uint32_t)r->len, &r->carries);
	free(copy);
	return f;
}

#endif
