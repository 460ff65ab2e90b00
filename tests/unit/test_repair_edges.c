/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Repair at its bounds: option lists by hand, headroom, lengths, fragments, malformed lists, and a
 * translation behind it.
 */
#include <check.h>
#include <string.h>

#include "splice/repair.h"
#include "unit/pkt_make.h"
#include "unit/shot.h"

#define FIXED_TSVAL 0x01020304u

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t
make_with(uint8_t *buf, const uint8_t *opts, size_t opts_len, uint8_t flags)
{
	return pkt_make(buf, PKT_MAX,
		&(struct pkt_make){.src = {192, 0, 2, 1},
			.dst = {198, 51, 100, 1},
			.seq = 1,
			.ack = 2,
			.window = 100,
			.tos = 3,
			.flags = flags,
			.opts = opts,
			.opts_len = opts_len,
			.payload = (const uint8_t *)"abc",
			.payload_len = 3});
}

static const struct sw_flow made = {.flags = SW_FLOW_TS_MADE, .ts_delta = FIXED_TSVAL - 1000};

/* Lists by hand, in and out, as repair.h tells it. */
START_TEST(to_client_lists)
{
#define TS_OUT	 1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0
#define BLOCK(x) x, x, x, x, x, x, x, x
	static const struct {
		const char *what;
		uint8_t in[40], in_len, out[40], out_len;
	} cases[] = {
		{"none", {0}, 0, {TS_OUT}, 12},
		{"the server's own timestamp is replaced", {1, 1, 8, 10, 9, 9, 9, 9, 8, 8, 8, 8},
			12, {TS_OUT}, 12},
		{"padding alone takes no more room", {1, 1, 1, 1, 0, 0, 0, 0}, 8, {TS_OUT}, 12},
		{"all padding: as long as it was", {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0},
			16, {TS_OUT, 1, 1, 1, 1}, 16},
		{"one block", {1, 1, 5, 10, BLOCK(7)}, 12, {TS_OUT, 5, 10, BLOCK(7), 1, 1}, 24},
		{"three blocks fit exactly: 38 bytes", {1, 1, 5, 26, BLOCK(7), BLOCK(6), BLOCK(5)},
			28, {TS_OUT, 5, 26, BLOCK(7), BLOCK(6), BLOCK(5), 1, 1}, 40},
		{"of four blocks the last goes",
			{1, 1, 5, 34, BLOCK(7), BLOCK(6), BLOCK(5), BLOCK(4)}, 36,
			{TS_OUT, 5, 26, BLOCK(7), BLOCK(6), BLOCK(5), 1, 1}, 40},
		{"40 bytes: four blocks and 6 of another, which is kept whole",
			{5, 34, BLOCK(7), BLOCK(6), BLOCK(5), BLOCK(4), 99, 6, 1, 2, 3, 4}, 40,
			{TS_OUT, 5, 18, BLOCK(7), BLOCK(6), 99, 6, 1, 2, 3, 4, 1, 1, 1, 1}, 40},
		{"no block fits", {99, 20, BLOCK(9), BLOCK(9), 9, 9, 5, 10, BLOCK(7), 0, 0}, 32,
			{TS_OUT, 99, 20, BLOCK(9), BLOCK(9), 9, 9}, 32},
		{"28 bytes of others are the most", {99, 28, BLOCK(9), BLOCK(9), BLOCK(9), 9, 9},
			28, {TS_OUT, 99, 28, BLOCK(9), BLOCK(9), BLOCK(9), 9, 9}, 40},
		{"29 are too many", {99, 29, BLOCK(9), BLOCK(9), BLOCK(9), 9, 9, 9}, 32, {0}, 0},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		uint8_t buf[PKT_MAX];
		size_t len = make_with(buf, cases[i].in, cases[i].in_len, SW_TCP_ACK);
		struct pkt_seen seen;
		struct shot s;

		shoot(&s, buf, len, 12, SIZE_MAX);
		if (cases[i].out_len == 0) {
			ck_assert_msg(sw_repair_to_client(&made, &s.pkt, 1000) == SW_DROP_NO_ROOM,
				"%s", cases[i].what);
			ck_assert_msg(untouched(&s), "%s", cases[i].what);
		} else {
			ck_assert_msg(sw_repair_to_client(&made, &s.pkt, 1000) == SW_DROP_NONE,
				"%s", cases[i].what);
			ck_assert(pkt_read(s.frame.data, s.frame.len, &seen));
			ck_assert_msg(seen.opts_len == cases[i].out_len, "%s: %zu bytes",
				cases[i].what, seen.opts_len);
			ck_assert_msg(memcmp(seen.opts, cases[i].out, seen.opts_len) == 0, "%s",
				cases[i].what);
			ck_assert_msg(seen.tcp_ok && seen.ip_ok, "%s", cases[i].what);
			ck_assert_msg(memcmp(seen.payload, "abc", 3) == 0 && seen.payload_len == 3,
				"%s", cases[i].what);
		}
		shot_free(&s);
	}
}
END_TEST

/* 11 bytes of headroom are one too few, 12 are enough; none are needed where nothing grows. */
START_TEST(headroom)
{
	static const uint8_t ts[12] = {1, 1, 8, 10, 1};
	static const struct {
		size_t opts_len;
		unsigned headroom;
		enum sw_drop drop;
	} cases[] = {{0, 0, SW_DROP_NO_ROOM}, {0, 11, SW_DROP_NO_ROOM}, {0, 12, SW_DROP_NONE},
		{0, 13, SW_DROP_NONE}, {12, 0, SW_DROP_NONE}};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		uint8_t buf[PKT_MAX];
		size_t len = make_with(buf, ts, cases[i].opts_len, SW_TCP_ACK);
		const unsigned grow = cases[i].opts_len ? 0 : 12;
		struct shot s;

		shoot(&s, buf, len, cases[i].headroom, SIZE_MAX);
		ck_assert_int_eq(sw_repair_to_client(&made, &s.pkt, 1000), cases[i].drop);
		if (cases[i].drop == SW_DROP_NONE) {
			ck_assert_uint_eq(s.frame.headroom, cases[i].headroom - grow);
			ck_assert(pkt_check(s.frame.data, s.frame.len));
		} else {
			ck_assert(untouched(&s));
		}
		shot_free(&s);
	}
}
END_TEST

/* The IP length field holds 65535 at most: total length with IPv4, payload length with IPv6. */
START_TEST(ip_length_limit)
{
	static uint8_t buf[70000], zero[65536];

	for (unsigned v6 = 0; v6 < 2; v6++) {
		for (unsigned over = 0; over < 2; over++) {
			const size_t tcp_len = 65535 - 12 - (v6 ? 0 : 20) + over;
			size_t len = pkt_make(buf, sizeof(buf),
				&(struct pkt_make){.v6 = v6,
					.src = {10},
					.dst = {11},
					.flags = SW_TCP_ACK,
					.payload = zero,
					.payload_len = tcp_len - 20});
			struct shot s;

			shoot(&s, buf, len, 64, SIZE_MAX);
			ck_assert_int_eq(sw_repair_to_client(&made, &s.pkt, 1000),
				over ? SW_DROP_NO_ROOM : SW_DROP_NONE);
			if (over) {
				ck_assert(untouched(&s));
			} else {
				ck_assert_uint_eq(s.frame.len, len + 12);
				ck_assert(pkt_check(s.frame.data, s.frame.len));
			}
			shot_free(&s);
		}
	}
}
END_TEST

/* A first fragment cannot grow; with SYN or RST it need not. */
START_TEST(first_fragment_to_client)
{
	static const uint8_t sack[12] = {1, 1, 5, 10, BLOCK(7)};
	static const struct {
		uint8_t flags;
		enum sw_drop drop;
	} cases[] = {{SW_TCP_ACK, SW_DROP_NO_ROOM}, {SW_TCP_ACK | SW_TCP_FIN, SW_DROP_NO_ROOM},
		{SW_TCP_RST, SW_DROP_NONE}, {SW_TCP_SYN | SW_TCP_ACK, SW_DROP_NONE}};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		uint8_t buf[PKT_MAX];
		size_t len = make_with(buf, sack, sizeof(sack), cases[i].flags);
		struct shot s;

		shoot(&s, buf, len, 64, SIZE_MAX);
		s.pkt.kind = s.pkt_before.kind = SW_PKT_FIRST;
		ck_assert_int_eq(sw_repair_to_client(&made, &s.pkt, 1000), cases[i].drop);
		ck_assert(untouched(&s));
		shot_free(&s);
	}
}
END_TEST

/* Both directions refuse what they would have to rewrite, and leave it as it was. */
START_TEST(malformed_options)
{
	static const struct {
		uint8_t opts[12];
		const char *what;
	} cases[] = {
		{{8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 255}, "SACK past the header behind a good TS"},
		{{5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 3}, "TS past the header behind a good SACK"},
		{{8, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1}, "TS of 9 bytes"},
		{{5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0}, "SACK of 11 bytes"},
		{{5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "SACK without a block"},
		{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8}, "kind without length"},
		{{99, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "length 1"},
		{{99, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "length 0"},
	};
	/* The packets are marked CE too. */
	const struct sw_flow f = {.flags = SW_FLOW_REPAIR, .wscale_client = 3};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		for (unsigned to_server = 0; to_server < 2; to_server++) {
			uint8_t buf[PKT_MAX];
			size_t len = make_with(buf, cases[i].opts, 12, SW_TCP_ACK);
			struct shot s;

			shoot(&s, buf, len, 64, SIZE_MAX);
			ck_assert_msg((to_server ? sw_repair_to_server(&f, &s.pkt)
						 : sw_repair_to_client(&f, &s.pkt, 1)) ==
					      SW_DROP_TCP_OPTIONS,
				"%s", cases[i].what);
			ck_assert_msg(untouched(&s), "%s: written", cases[i].what);
			shot_free(&s);
		}
	}
}
END_TEST

START_TEST(windows)
{
	static const struct {
		uint8_t wscale, flags;
		uint16_t in, out;
	} cases[] = {
		{0, SW_TCP_ACK, 0xffff, 0xffff}, {1, SW_TCP_ACK, 0x7fff, 0xfffe},
		{1, SW_TCP_ACK, 0x8000, 0xffff}, /* 65536: one more than the field holds */
		{7, SW_TCP_ACK, 511, 65408}, {7, SW_TCP_ACK, 512, 0xffff},
		{14, SW_TCP_ACK, 0xffff, 0xffff}, {14, SW_TCP_ACK, 0, 0}, {7, SW_TCP_RST, 1, 128},
		{7, SW_TCP_SYN, 1, 1}, /* a SYN's is never scaled */
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		const struct sw_flow f = {
			.flags = SW_FLOW_NO_WSCALE, .wscale_client = cases[i].wscale & 0xf};
		uint8_t buf[PKT_MAX];
		size_t len = make_with(buf, NULL, 0, cases[i].flags);
		struct pkt_seen seen;
		struct shot s;

		buf[48] = (uint8_t)(cases[i].in >> 8);
		buf[49] = (uint8_t)cases[i].in;
		pkt_fix(buf, len);
		shoot(&s, buf, len, 0, SIZE_MAX);
		ck_assert_int_eq(sw_repair_to_server(&f, &s.pkt), SW_DROP_NONE);
		ck_assert(pkt_read(s.frame.data, s.frame.len, &seen));
		ck_assert_msg(seen.window == cases[i].out, "%u << %u: %u", cases[i].in,
			cases[i].wscale, seen.window);
		ck_assert(seen.tcp_ok && seen.ip_ok);
		shot_free(&s);
	}
}
END_TEST

/* The port may vouch for a header checksum that is wrong: it stays so. */
START_TEST(wrong_ip_checksum)
{
	const struct sw_flow no_ecn = {.flags = SW_FLOW_NO_ECN};

	for (unsigned to_server = 0; to_server < 2; to_server++) {
		uint8_t buf[PKT_MAX];
		size_t len = make_with(buf, NULL, 0, SW_TCP_ACK);
		struct pkt_seen seen;
		struct shot s;

		buf[15] ^= 1; /* ECT(0) instead of CE */
		pkt_fix(buf, len);
		shoot(&s, buf, len, 12, SIZE_MAX);
		s.frame.data[24] ^= 0x10;
		ck_assert_int_eq(to_server ? sw_repair_to_server(&no_ecn, &s.pkt)
					   : sw_repair_to_client(&made, &s.pkt, 1),
			SW_DROP_NONE);
		ck_assert(pkt_read(s.frame.data, s.frame.len, &seen));
		ck_assert(!seen.ip_ok && seen.tcp_ok);
		ck_assert_uint_eq(s.frame.data[15], to_server ? 0 : 2);
		shot_free(&s);
	}
}
END_TEST

/* Repair, then splice: neither undoes the other. */
START_TEST(repair_then_splice)
{
	static const uint8_t opts[24] = {
		1, 1, 8, 10, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 5, 10, BLOCK(7)};
	struct sw_flow f = made;
	uint8_t buf[PKT_MAX];
	size_t len = make_with(buf, opts + 12, 12, SW_TCP_ACK);
	struct pkt_seen seen;
	struct shot s;

	f.delta = 5000;
	f.flags |= SW_FLOW_NO_SACK;
	shoot(&s, buf, len, 12, SIZE_MAX);
	ck_assert_int_eq(sw_repair_to_client(&f, &s.pkt, 1000), SW_DROP_NONE);
	ck_assert(sw_splice_to_client(&f, &s.pkt));
	ck_assert(pkt_read(s.frame.data, s.frame.len, &seen));
	ck_assert(seen.tcp_ok && seen.ip_ok);
	ck_assert_uint_eq(seen.seq, 5001);
	ck_assert_uint_eq(get32(seen.opts + 4), FIXED_TSVAL);
	ck_assert_uint_eq(get32(seen.opts + 8), 0);
	ck_assert_uint_eq(get32(seen.opts + 14), 0x07070707);
	shot_free(&s);

	len = make_with(buf, opts, sizeof(opts), SW_TCP_ACK);
	shoot(&s, buf, len, 0, SIZE_MAX);
	ck_assert_int_eq(sw_repair_to_server(&f, &s.pkt), SW_DROP_NONE);
	ck_assert(sw_splice_to_server(&f, &s.pkt));
	ck_assert(pkt_read(s.frame.data, s.frame.len, &seen));
	ck_assert(seen.tcp_ok && seen.ip_ok);
	ck_assert_uint_eq(seen.ack, 2u - 5000);
	for (unsigned i = 0; i < sizeof(opts); i++)
		ck_assert_uint_eq(seen.opts[i], 1);
	shot_free(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("repair_edges");
	TCase *c = tcase_create("repair_edges");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, to_client_lists);
	tcase_add_test(c, headroom);
	tcase_add_test(c, ip_length_limit);
	tcase_add_test(c, first_fragment_to_client);
	tcase_add_test(c, malformed_options);
	tcase_add_test(c, windows);
	tcase_add_test(c, wrong_ip_checksum);
	tcase_add_test(c, repair_then_splice);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
