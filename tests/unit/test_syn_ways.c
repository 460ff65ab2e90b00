/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two engines that are fed the same bursts, one with vector code and one without, do the same: to
 * every packet, and in every counter. SYNs of all kinds, plain and broken in every way, among ACKs
 * that open flows and SYNs on their tuples.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/options.h"
#include "unit/ways.h"

/* Rows: blind ACKs, listed sources, memory for SYN-ACKs, window scale and so on of the servers. */
static const struct {
	bool acks, sources;
	uint32_t recent;
	bool learn;
	struct sw_server_opts server;
} setups[] = {
	{false, false, 0, false,
		{.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true, .ecn = true}},
	{false, false, 0, true,
		{.mss4 = 1400, .mss6 = 1300, .wscale = 0, .sack = true, .ts = true}},
	{false, false, 0, true,
		{.mss4 = 1460, .mss6 = 1440, .wscale = 14, .sack = false, .ts = true, .ecn = true}},
	{false, false, 0, false,
		{.mss4 = 536, .mss6 = 1220, .wscale = SW_WSCALE_NONE, .sack = true, .ts = true}},
	{false, false, 0, false,
		{.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = false, .ecn = true}},
	{false, false, 0, false, {.mss4 = 1460, .mss6 = 1440, .wscale = SW_WSCALE_NONE}},
	{false, false, 1u << 16, true,
		{.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true}},
	{true, false, 0, false,
		{.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true}},
	{true, false, 1u << 16, true,
		{.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true}},
	{false, true, 0, true, {.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true}},
	{true, true, 0, true, {.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true}},
};

/* A SYN-ACK that came out. */
struct known {
	struct fate f;
	uint16_t port; /* of the client */
	bool acked;
};

#define BURSTS 1500

START_TEST(ways_agree)
{
	static struct way a, b;
	struct sw_server_opts server = setups[_i].server;
	struct rig_params p = {.recent = setups[_i].recent,
		.learn = setups[_i].learn,
		.server = &server,
		.no_sources = !setups[_i].sources,
		.flows = 256,
		.pending = 256};
	uint64_t base = pkt_seed() * 1000 + (unsigned)_i, synacks;
	struct known known[8] = {0};
	struct fate to_server[4] = {0};
	unsigned blind = 0;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.level = SW_SIMD_NONE;
	b.level = ways_level;
	rig_init(&a.r, &p);
	rig_init(&b.r, &p);
	for (unsigned k = 0; k < BURSTS; k++) {
		uint64_t seed = base * 100000 + k, s = seed;
		unsigned n = once_in(&s, 4) ? 64 : (unsigned)(pkt_rand(&s) % 65);
		struct shot shots[SW_BURST_MAX];
		bool data = false, reset = false;

		/*
		 * SYNs of clients with even ports and what the others send next, or the reverse:
		 * a SYN that turns out not to be plain only when flows were made in its burst would
		 * change places with another one of its tuple.
		 */
		for (unsigned i = 0; i < n; i++) {
			struct known *c = &known[pkt_rand(&s) % SW_ARRAY_LEN(known)];
			struct fate *asked = &to_server[pkt_rand(&s) % SW_ARRAY_LEN(to_server)];

			if (c->f.sent && c->port % 2 != k % 2 && !reset && once_in(&s, 12)) {
				/*
				 * What has no cookie never stands before what opens a flow: blind.h
				 * says what is done then.
				 */
				uint32_t ahead = c->acked ? (uint32_t)pkt_rand(&s) % 3 * 4 : 0;

				if (data && ahead == 0)
					ahead = 4;
				data |= ahead != 0;
				uint8_t flags = 16;

				if (c->acked && once_in(&s, 6)) /* FIN; an RST that is exact */
					flags = ahead ? 17 : 20;
				reset |= flags == 20; /* nor behind what ends it */
				shots[i] = answer(&c->f, ahead, flags);
				c->acked = true;
			} else if (asked->sent && once_in(&s, 6)) {
				shots[i] = serve(asked, &s);
				asked->sent = false;
			} else if (setups[_i].acks && !once_in(&s, 8)) {
				shots[i] = blind_ack(&s, k % 2);
			} else {
				shots[i] = make_shot(&s, k % 2);
			}
		}
		blind += b.r.e->blind;
		fire(&a, shots, n);
		fire(&b, shots, n);
		compare(&a, &b, n, seed);
		ck_assert_int_eq(a.r.e->blind, b.r.e->blind);
		for (unsigned i = 0; i < n; i++) {
			struct pkt_seen seen;

			if (!a.fate[i].sent || !pkt_read(a.fate[i].data, a.fate[i].len, &seen) ||
				!(seen.flags & 2))
				continue;
			if (a.fate[i].side == SW_INSIDE)
				to_server[pkt_rand(&s) % SW_ARRAY_LEN(to_server)] = a.fate[i];
			else if (!(seen.dst[seen.v6 ? 14 : 3] & 0x80)) /* blind ones open nothing */
				known[pkt_rand(&s) % SW_ARRAY_LEN(known)] =
					(struct known){.f = a.fate[i], .port = seen.dport};
		}
	}
	/* All of it has really happened. */
	synacks = rig_stat(&b.r, SW_C_SYNACK_SENT);
	ck_assert_uint_gt(synacks, BURSTS);
	ck_assert_uint_gt(rig_stat(&b.r, SW_C_FLOW_CREATED), 10);
	ck_assert_uint_gt(rig_stat(&b.r, SW_C_DROPPED), BURSTS);
	ck_assert_uint_gt(rig_stat(&b.r, SW_C_BRIDGED), 100);
	ck_assert_uint_gt(rig_stat(&b.r, SW_C_FLOW_ESTABLISHED), 10);
	if (setups[_i].acks) {
		ck_assert_uint_gt(rig_drop(&b.r, SW_DROP_COOKIE_BAD), 4 * BURSTS);
		ck_assert_uint_gt(blind, BURSTS / 4);
	}
	end(&a);
	end(&b);
}
END_TEST

/* A SYN of Linux to one port, as most are in a flood. */
static struct pkt_make
linux_syn(uint64_t *seed, bool v6, uint8_t opts[sizeof(opt_linux)])
{
	struct pkt_make m = {.v6 = v6,
		.src = {192, 0, 2, (uint8_t)(1 + pkt_rand(seed) % 200)},
		.dst = {198, 51, 100, 2},
		.sport = (uint16_t)(1024 + pkt_rand(seed) % 60000),
		.dport = 80,
		.seq = (uint32_t)pkt_rand(seed),
		.flags = 2,
		.window = 64240,
		.opts = opts,
		.opts_len = sizeof(opt_linux)};

	if (v6) {
		memcpy(m.src, (uint8_t[16]){0x20, 1, 0xd, 0xb8, 1, [15] = pkt_rand(seed)}, 16);
		memcpy(m.dst, (uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 2}, 16);
	}
	memcpy(opts, opt_linux, sizeof(opt_linux));
	opts[2] = (uint8_t)(pkt_rand(seed) % 12);
	opts[19] = (uint8_t)(pkt_rand(seed) % 16);
	for (unsigned i = 8; i < 12; i++)
		opts[i] = (uint8_t)pkt_rand(seed);
	return m;
}

/* One that is not like the others. */
static void
make_odd(struct pkt_make *m, uint64_t *seed)
{
	static const uint8_t flags[] = {0xc2, 0x42, 0x82, 0x12, 0x10, 0xa};

	switch (pkt_rand(seed) % 5) {
	case 0:
		m->flags = flags[pkt_rand(seed) % sizeof(flags)];
		break;
	case 1:
		m->opts = opt_windows;
		m->opts_len = sizeof(opt_windows);
		break;
	case 2:
		m->dport = 81;
		break;
	case 3:
		m->n_vlan = 1;
		break;
	default:
		m->opts = opt_broken;
		m->opts_len = sizeof(opt_broken);
	}
}

/* Bursts of SYNs that are all alike, which have branches of their own, and of all but one. */
START_TEST(alike_agree)
{
	static struct way a, b;
	struct sw_server_opts server = setups[_i].server;
	const struct rig_params p = {.recent = setups[_i].recent,
		.learn = setups[_i].learn,
		.server = &server,
		.no_sources = !setups[_i].sources};
	uint64_t base = pkt_seed() * 1000 + 500 + (unsigned)_i;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.level = SW_SIMD_NONE;
	b.level = ways_level;
	rig_init(&a.r, &p);
	rig_init(&b.r, &p);
	for (unsigned k = 0; k < 400; k++) {
		uint64_t seed = base * 100000 + k, s = seed;
		const unsigned n = once_in(&s, 2) ? 64 : 1 + (unsigned)(pkt_rand(&s) % 64);
		const unsigned odd = once_in(&s, 2) ? (unsigned)(pkt_rand(&s) % n) : n;
		struct shot shots[SW_BURST_MAX] = {0};

		for (unsigned i = 0; i < n; i++) {
			uint8_t opts[sizeof(opt_linux)];
			struct pkt_make m = linux_syn(&s, k & 1, opts);

			if (i == odd)
				make_odd(&m, &s);
			shots[i].len = pkt_make(shots[i].data, sizeof(shots[i].data), &m);
			shots[i].room = (uint16_t)(FRAME_ROOM - shots[i].len);
			if (i == odd && once_in(&s, 4))
				shots[i].data[shots[i].len - 1] ^= 1;
		}
		fire(&a, shots, n);
		fire(&b, shots, n);
		compare(&a, &b, n, seed);
	}
	ck_assert_uint_gt(rig_stat(&b.r, SW_C_SYNACK_SENT), 400 * 32);
	end(&a);
	end(&b);
}
END_TEST

/* The server in mode proxy, its clients' network in mode respond: of IPv6, port 80. */
static void *
policy_of_both_ends(void)
{
	static const struct sw_server_opts opts = {
		.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true};
	const struct sw_service svc[2] = {
		{.name = "a", .mode = SW_MODE_PROXY, .window = 32768, .server = opts},
		{.name = "b", .mode = SW_MODE_RESPOND, .window = 1000, .server = opts}};
	struct sw_rule rules[2] = {{.dst = {.v6 = true, .prefix_len = 128}, .service = 0},
		{.dst = {.v6 = true, .prefix_len = 48}, .service = 1}};
	const struct sw_policy_spec spec = {
		.services = svc, .n_services = 2, .rules = rules, .n_rules = 2};
	struct sw_policy_error err;
	size_t size = sw_whole_lines(sw_policy_size(&spec));
	void *mem = aligned_alloc(64, size);

	memcpy(rules[0].dst.addr.b, (uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 2}, 16);
	memcpy(rules[1].dst.addr.b, (uint8_t[6]){0x20, 1, 0xd, 0xb8, 1, 0}, 6);
	for (unsigned i = 0; i < 2; i++)
		rules[i].port_first = rules[i].port_last = 80;
	ck_assert_int_eq(sw_policy_build(mem, size, &spec, &err), 0);
	return mem;
}

/*
 * The first SYN is not plain and is answered in its place before the others are: what stands there
 * then is to the client, who is in a service too. The others are the server's all the same.
 */
START_TEST(first_is_answered_before)
{
	static const uint8_t odd[8] = {2, 4, 5, 180, 1, 1, 1, 1};
	static struct way a, b;
	void *policy = policy_of_both_ends();
	struct shot shots[17];

	for (unsigned i = 0; i < SW_ARRAY_LEN(shots); i++) {
		struct pkt_make m = {.v6 = true,
			.src = {0x20, 1, 0xd, 0xb8, 1, [15] = (uint8_t)(i + 1)},
			.dst = {0x20, 1, 0xd, 0xb8, [15] = 2},
			.sport = 4000,
			.dport = 80,
			.seq = i,
			.flags = 2,
			.opts = i == 0 ? odd : opt_linux,
			.opts_len = i == 0 ? sizeof(odd) : sizeof(opt_linux)};

		shots[i] = (struct shot){.side = SW_OUTSIDE};
		shots[i].len = pkt_make(shots[i].data, sizeof(shots[i].data), &m);
		shots[i].room = (uint16_t)(FRAME_ROOM - shots[i].len);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct way *w = i == 0 ? &a : &b;

		memset(w, 0, sizeof(*w));
		rig_init(&w->r, &(struct rig_params){.no_sources = true});
		w->r.view.policy = policy;
		w->level = i == 0 ? SW_SIMD_NONE : ways_level;
		fire(w, shots, SW_ARRAY_LEN(shots));
	}
	compare(&a, &b, SW_ARRAY_LEN(shots), 0);
	ck_assert_uint_eq(rig_stat(&b.r, SW_C_SYNACK_SENT), SW_ARRAY_LEN(shots));
	end(&a);
	end(&b);
	free(policy);
}
END_TEST

/* The plain ones of each kind really take the short way. */
START_TEST(plain_is_plain)
{
	static const struct {
		const uint8_t *p;
		size_t len;
	} plain[] = {{NULL, 0}, {opt_mss, sizeof(opt_mss)}, {opt_linux, sizeof(opt_linux)},
		{opt_windows, sizeof(opt_windows)}, {opt_macos, sizeof(opt_macos)}};
	static struct picked picked;
	struct sw_frame rest[1];
	static struct way w;

	memset(&w, 0, sizeof(w));
	rig_init(&w.r, NULL);
	for (unsigned i = 0; i < 2 * 2 * SW_ARRAY_LEN(plain); i++) {
		struct pkt_make m = {.v6 = i & 1,
			.n_vlan = i >> 1 & 1,
			.vlan_tci = {7},
			.src = {10, 1},
			.dst = {10, 2},
			.sport = 4000,
			.dport = 80,
			.seq = 77,
			.flags = 2,
			.opts = plain[i / 4].p,
			.opts_len = plain[i / 4].len};
		struct sw_frame f = {.data = w.buf[0], .room = FRAME_ROOM};

		f.len = f.pkt_len = (uint32_t)pkt_make(w.buf[0], FRAME_ROOM, &m);
		f.room -= (uint16_t)f.len;
		struct burst b = {.e = w.r.e, .view = &w.r.view};
		struct syn_batch *s = &picked.rows[i & 1];

		short_ways()->pick(&b, &picked, &f, 1, rest);
		ck_assert_msg(picked.segs.n + picked.rest.n == 0, "row %u", i);
		ck_assert_uint_eq(s->n, 1);
		ck_assert_uint_eq(s->fit, 1);
		ck_assert_uint_eq(s->isn[0], 77);
	}
	rig_fini(&w.r);
}
END_TEST

int
main(int argc, char **argv)
{
	if (!ways_begin(argc, argv))
		return CHECK_SKIPPED;

	Suite *suite = suite_create("syn_ways");
	TCase *tc = tcase_create("syn_ways");

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, ways_set_level, NULL);
	tcase_add_test(tc, each_level_has_its_code);
	tcase_add_test(tc, first_is_answered_before);
	tcase_add_test(tc, plain_is_plain);
	tcase_add_loop_test(tc, alike_agree, 0, SW_ARRAY_LEN(setups));
	tcase_add_loop_test(tc, ways_agree, 0, SW_ARRAY_LEN(setups));
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
