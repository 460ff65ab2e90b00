/* SPDX-License-Identifier: BSD-3-Clause */
/* synload's packets: every field, both checksums, the options, by a reader that shares no code. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"
#include "flood.h"
#include "pkt_make.h"

static const struct sw_load_server servers[2] = {
	{.addr = {.b = {[12] = 198, 51, 100, 10}}, .port = 80},
	{.addr = {.b = {0x20, 1, 0xd, 0xb8, [15] = 0x10}}, .port = 8443, .v6 = true},
};

/* The options that each stack's SYN carries, byte by byte; the timestamp is where the ones are. */
static const struct {
	enum sw_craft_options set;
	uint8_t bytes[40];
	size_t len;
} syn_options[] = {
	{SW_CRAFT_NONE, {0}, 0},
	{SW_CRAFT_MSS, {2, 4, 5, 180}, 4},
	{SW_CRAFT_LINUX,
		{2, 4, 5, 180, 4, 2, 8, 10, 0x11, 0x11, 0x11, 0x11, 0, 0, 0, 0, 1, 3, 3, 7}, 20},
	{SW_CRAFT_WINDOWS, {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2}, 12},
	{SW_CRAFT_MAC,
		{2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 0x11, 0x11, 0x11, 0x11, 0, 0, 0, 0, 4, 2, 0,
			0},
		24},
};

static const uint8_t flags[SW_CRAFT_TYPES] = {
	[SW_CRAFT_SYN] = 0x02,
	[SW_CRAFT_ACK] = 0x10,
	[SW_CRAFT_SYNACK] = 0x12,
	[SW_CRAFT_RST] = 0x04,
	[SW_CRAFT_FIN] = 0x11,
};

START_TEST(syn_options_are_those_of_the_stacks)
{
	const struct sw_load_l2 l2 = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, 0};

	for (unsigned i = 0; i < SW_ARRAY_LEN(syn_options); i++) {
		uint8_t buf[SW_LOAD_HEADERS_MAX_BYTES];
		struct sw_craft c;
		struct pkt_seen s;

		sw_craft_init(&c, &l2, &servers[0], SW_CRAFT_SYN, syn_options[i].set);
		sw_craft_write(&c, buf, &(struct sw_craft_fields){.tsval = 0x11111111});
		ck_assert(pkt_read(buf, c.len, &s));
		ck_assert_uint_eq(s.opts_len, syn_options[i].len);
		ck_assert_mem_eq(s.opts, syn_options[i].bytes, s.opts_len);
	}
}
END_TEST

static void
check_one(const struct sw_craft *c, const struct sw_load_server *server, enum sw_craft_type type,
	uint64_t *seed)
{
	uint8_t buf[SW_LOAD_HEADERS_MAX_BYTES];
	union sw_addr src = {.q = {pkt_rand(seed), pkt_rand(seed)}};
	struct sw_craft_fields f = {.sport_be = (rte_be16_t)pkt_rand(seed),
		.seq = (uint32_t)pkt_rand(seed),
		.ack = (uint32_t)pkt_rand(seed),
		.tsval = (uint32_t)pkt_rand(seed)};
	struct pkt_seen s;

	if (!server->v6)
		src.q[0] = src.w_be[2] = 0;
	f.src_hi = src.q[0];
	f.src_lo = src.q[1];
	memset(buf, 0xee, sizeof(buf));
	sw_craft_write(c, buf, &f);
	ck_assert_msg(pkt_check(buf, c->len), "checksums");
	ck_assert(pkt_read(buf, c->len, &s));
	ck_assert_uint_eq(s.ip_end, c->len);
	ck_assert_int_eq(s.v6, server->v6);
	ck_assert_mem_eq(s.src, server->v6 ? src.b : src.b + 12, server->v6 ? 16 : 4);
	ck_assert_mem_eq(
		s.dst, server->v6 ? server->addr.b : server->addr.b + 12, server->v6 ? 16 : 4);
	ck_assert_uint_eq(s.sport, rte_be_to_cpu_16(f.sport_be));
	ck_assert_uint_eq(s.dport, server->port);
	ck_assert_uint_eq(s.flags, flags[type]);
	ck_assert_uint_eq(s.seq, f.seq);
	ck_assert_uint_eq(s.ack, flags[type] & 0x10 ? f.ack : 0);
	ck_assert_uint_eq(s.payload_len, 0);
	if (c->ts_off != 0) {
		const uint8_t *ts = buf + c->ts_off;

		ck_assert_uint_eq(ts[-2], 8);
		ck_assert_uint_eq(ts[-1], 10);
		ck_assert_uint_eq(
			(uint32_t)ts[0] << 24 | ts[1] << 16 | ts[2] << 8 | ts[3], f.tsval);
	}
}

START_TEST(all_packets_are_right)
{
	uint64_t seed = pkt_seed();

	for (unsigned n = 0; n < 2 * 2 * SW_CRAFT_TYPES * SW_CRAFT_OPTION_SETS; n++) {
		const struct sw_load_l2 l2 = {
			{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, n & 1 ? 4094 : 0};
		const struct sw_load_server *server = &servers[n >> 1 & 1];
		const enum sw_craft_type type = (n >> 2) % SW_CRAFT_TYPES;
		const enum sw_craft_options set = (n >> 2) / SW_CRAFT_TYPES;
		struct sw_craft c;

		sw_craft_init(&c, &l2, server, type, set);
		ck_assert_uint_le(c.len, SW_LOAD_HEADERS_MAX_BYTES);
		ck_assert_int_eq(c.ts_off != 0,
			type != SW_CRAFT_RST && (set == SW_CRAFT_LINUX || set == SW_CRAFT_MAC));
		for (int i = 0; i < 200; i++)
			check_one(&c, server, type, &seed);
	}
}
END_TEST

static struct sw_load_route
make_route(void)
{
	struct sw_load_route r = {.l2 = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, 0}, .key = 77};
	const union sw_addr p4 = {.b = {[12] = 10}}, p6 = {.b = {0xfd}};

	r.servers[0] = servers[0];
	r.servers[1] = servers[1];
	r.n_servers = 2;
	sw_space_init(&r.space[0], &p4, 8, false);
	sw_space_init(&r.space[1], &p6, 8, true);
	return r;
}

/* Weights of 3 and 1 are kept, both servers get the same, sources are of the prefix and differ. */
START_TEST(floods)
{
	static uint8_t buf[64][SW_LOAD_HEADERS_MAX_BYTES];
	struct sw_flood *f = aligned_alloc(64, sizeof(*f));
	struct sw_load_route r = make_route();
	struct sw_flood_spec spec = {.route = &r,
		.options = SW_CRAFT_LINUX,
		.weights = {[SW_CRAFT_SYN] = 3, [SW_CRAFT_FIN] = 1},
		.seed = 5};
	unsigned v6 = 0, same_source = 0, low_ports = 0;
	uint8_t *out[64], last[16] = {0};
	uint16_t len[64];

	for (int i = 0; i < 64; i++)
		out[i] = buf[i];
	sw_flood_init(f, &spec);
	for (int round = 0; round < 1000; round++) {
		ck_assert_uint_eq(sw_flood_fill(f, out, len, 64), 64);
		for (int i = 0; i < 64; i++) {
			struct pkt_seen s;

			ck_assert(pkt_check(buf[i], len[i]) && pkt_read(buf[i], len[i], &s));
			ck_assert_uint_eq(s.src[0], s.v6 ? 0xfd : 10);
			ck_assert_uint_ge(s.sport, 1024);
			low_ports += s.sport < 33280;
			v6 += s.v6;
			same_source += memcmp(last, s.src, 16) == 0;
			memcpy(last, s.src, 16);
		}
	}
	ck_assert_uint_eq(v6, 32000);
	ck_assert_uint_eq(same_source, 0);
	/* Half of 64,000 each, and six standard deviations (127). */
	ck_assert_uint_ge(low_ports, 32000 - 760);
	ck_assert_uint_le(low_ports, 32000 + 760);
	ck_assert_uint_eq(f->stats.tx[SW_CRAFT_SYN] + f->stats.tx[SW_CRAFT_FIN], 64000);
	/* 48,000 and six standard deviations of 110. */
	ck_assert_uint_ge(f->stats.tx[SW_CRAFT_SYN], 48000 - 660);
	ck_assert_uint_le(f->stats.tx[SW_CRAFT_SYN], 48000 + 660);
	free(f);
}
END_TEST

/* Counted up: 10.0.0.0, 10.0.0.1, ... of one port, then the next one. */
START_TEST(ranged_sources)
{
	static uint8_t buf[64][SW_LOAD_HEADERS_MAX_BYTES];
	struct sw_flood *f = aligned_alloc(64, sizeof(*f));
	struct sw_load_route r = make_route();
	const union sw_addr p = {.b = {[12] = 10, 0, 0, 16}};
	struct sw_flood_spec spec = {.route = &r, .weights = {1}, .seed = 5};
	uint8_t *out[64];
	uint16_t len[64];

	r.n_servers = 1;
	sw_space_init(&r.space[0], &p, 28, false);
	sw_space_set_order(&r.space[0], SW_SPACE_RANGE, 9);
	for (int i = 0; i < 64; i++)
		out[i] = buf[i];
	sw_flood_init(f, &spec);
	sw_flood_fill(f, out, len, 64);
	for (unsigned i = 0; i < 64; i++) {
		struct pkt_seen s;

		ck_assert(pkt_read(buf[i], len[i], &s));
		ck_assert_uint_eq(s.src[3], 16 + i % 16);
		ck_assert_uint_eq(s.sport, 1024 + i / 16);
	}
	free(f);
}
END_TEST

/* A bijection, in either order, for prefixes of all lengths; what is outside has no number. */
START_TEST(numbers)
{
	static const unsigned lens[] = {8, 9, 16, 23, 24, 29, 31, 32};
	uint64_t seed = pkt_seed();

	for (unsigned i = 0; i < SW_ARRAY_LEN(lens) * 4; i++) {
		const union sw_addr p4 = {.b = {[12] = 10}}, p6 = {.b = {0xfd, [12] = 10}};
		const unsigned len = lens[i / 4];
		const bool v6 = i & 1;
		struct sw_space s;

		sw_space_init(&s, v6 ? &p6 : &p4, v6 ? 96 + len : len, v6);
		sw_space_set_order(&s, i & 2 ? SW_SPACE_RANGE : SW_SPACE_RANDOM, pkt_rand(&seed));
		ck_assert_uint_eq(sw_space_size(&s), (1ull << (32 - len)) * 64512);
		for (int k = 0; k < 2000; k++) {
			uint64_t n = k < 1000 ? (uint64_t)k : pkt_rand(&seed) % sw_space_size(&s);
			union sw_addr a;
			uint16_t port;

			n %= sw_space_size(&s);
			sw_space_at(&s, n, &a, &port);
			ck_assert_uint_ge(port, 1024);
			ck_assert(sw_space_holds(&s, &a, port));
			ck_assert_uint_eq(sw_space_number(&s, &a, port), n);
			ck_assert_uint_eq(sw_space_number(&s, &a, 1023), UINT64_MAX);
			a.b[11] ^= 1;
			ck_assert_uint_eq(sw_space_number(&s, &a, port), UINT64_MAX);
		}
	}
}
END_TEST

/* All of a small space, each once. */
START_TEST(numbers_cover_all)
{
	static bool seen[16][65536];
	const union sw_addr p = {.b = {[12] = 10}};
	struct sw_space s;

	sw_space_init(&s, &p, 28, false);
	sw_space_set_order(&s, SW_SPACE_RANDOM, pkt_seed());
	sw_space_set_ports(&s, 40000, 1000);
	for (uint64_t n = 0; n < sw_space_size(&s); n++) {
		union sw_addr a;
		uint16_t port;

		sw_space_at(&s, n, &a, &port);
		ck_assert_uint_lt(a.b[15], 16);
		ck_assert(port >= 40000 && port < 41000);
		ck_assert(!seen[a.b[15]][port]);
		seen[a.b[15]][port] = true;
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_craft");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, syn_options_are_those_of_the_stacks);
	tcase_add_test(t, all_packets_are_right);
	tcase_add_test(t, floods);
	tcase_add_test(t, ranged_sources);
	tcase_add_test(t, numbers);
	tcase_add_test(t, numbers_cover_all);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
