/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Translation of segments against a model that reads the packet before and after, byte by byte, and
 * says what each field should have become. Random option lists put the options at odd offsets too.
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "splice/splice.h"
#include "splice/state.h"
#include "unit/pkt_make.h"

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* Appends options in random order with random NOPs between them; returns the length. */
static size_t
random_options(uint64_t *seed, uint8_t *o)
{
	bool ts = pkt_rand(seed) & 1;
	unsigned blocks = (unsigned)(pkt_rand(seed) % (ts ? 3 : 4));
	size_t n = 0;

	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned nops = (unsigned)(pkt_rand(seed) % 3); nops > 0; nops--)
			o[n++] = 1;
		if (turn == (pkt_rand(seed) & 1) && ts) {
			o[n++] = 8;
			o[n++] = 10;
			put32(o + n, (uint32_t)pkt_rand(seed));
			put32(o + n + 4, (uint32_t)pkt_rand(seed));
			n += 8;
			ts = false;
		}
		if (blocks > 0 && n + 2 + 8 * blocks + (ts ? 10 : 0) <= 36) {
			o[n++] = 5;
			o[n++] = (uint8_t)(2 + 8 * blocks);
			for (unsigned i = 0; i < 2 * blocks; i++, n += 4)
				put32(o + n, (uint32_t)pkt_rand(seed));
			blocks = 0;
		}
		if (n < 36 && pkt_rand(seed) % 4 == 0) { /* unknown: is to be left alone */
			o[n++] = 253;
			o[n++] = 2;
		}
	}
	return n;
}

/* What the options should read after translation. */
static void
model_options(uint8_t *o, size_t n, uint32_t sack, uint32_t tsval, uint32_t tsecr)
{
	for (size_t i = 0; i < n && o[i] != 0; i += o[i] == 1 ? 1 : o[i + 1]) {
		if (o[i] == 8) {
			put32(o + i + 2, get32(o + i + 2) + tsval);
			put32(o + i + 6, get32(o + i + 6) + tsecr);
		} else if (o[i] == 5) {
			for (unsigned k = 2; k < o[i + 1]; k += 4)
				put32(o + i + k, get32(o + i + k) + sack);
		}
	}
}

struct shot {
	uint8_t buf[PKT_MAX];
	size_t len;
	struct sw_frame frame;
	struct sw_pkt pkt;
};

static void
shoot(struct shot *s, const struct pkt_make *m, enum sw_side side)
{
	s->len = pkt_make(s->buf, sizeof(s->buf), m);
	s->frame = (struct sw_frame){
		.data = s->buf, .len = (uint32_t)s->len, .pkt_len = (uint32_t)s->len, .side = side};
	sw_parse_burst(&s->frame, &s->pkt, 1);
}

static struct pkt_make
random_segment(uint64_t *seed, const uint8_t *opts, size_t opts_len, const uint8_t *payload)
{
	return (struct pkt_make){
		.v6 = pkt_rand(seed) & 1,
		.n_vlan = (unsigned)(pkt_rand(seed) % 3),
		.vlan_tci = {7, 9},
		.src = {192, 0, 2, 1},
		.dst = {198, 51, 100, 2},
		.sport = 1234,
		.dport = 80,
		.seq = (uint32_t)pkt_rand(seed),
		.ack = (uint32_t)pkt_rand(seed),
		.flags = pkt_rand(seed) % 8 == 0 ? SW_TCP_RST : SW_TCP_ACK | SW_TCP_PSH,
		.window = (uint16_t)pkt_rand(seed),
		.opts = opts,
		.opts_len = opts_len,
		.payload = payload,
		.payload_len = pkt_rand(seed) % 64,
	};
}

static struct sw_flow
random_flow(uint64_t *seed)
{
	return (struct sw_flow){
		.delta = (uint32_t)pkt_rand(seed),
		.ts_delta = (uint32_t)pkt_rand(seed),
		.flags = pkt_rand(seed) % 4 ? SW_FLOW_TS : 0,
		.wscale_server = (uint8_t)(pkt_rand(seed) % 15),
		.wscale_promised = (uint8_t)(pkt_rand(seed) % 15),
	};
}

START_TEST(translation_against_model)
{
	uint64_t seed = pkt_seed();
	uint8_t payload[64] = {1, 2, 3, 4, 5, 6, 7};

	for (int round = 0; round < 20000; round++) {
		uint64_t at = seed;
		bool to_server = pkt_rand(&seed) & 1;
		bool spoil = pkt_rand(&seed) % 8 == 0;
		uint8_t opts[48] = {0}, want[48] = {0};
		size_t n = random_options(&seed, opts);
		struct pkt_make m = random_segment(&seed, opts, n, payload);
		struct sw_flow f = random_flow(&seed);
		uint32_t td = f.flags & SW_FLOW_TS ? f.ts_delta : 0;
		bool ack = m.flags & SW_TCP_ACK;
		struct shot s;
		struct pkt_seen seen;

		shoot(&s, &m, to_server ? SW_OUTSIDE : SW_INSIDE);
		ck_assert_msg(s.pkt.kind == SW_PKT_TCP, "seed %#lx", at);
		if (spoil)
			s.buf[s.pkt.l4_off + 18] ^= 0x40; /* urgent pointer: no other field */
		memcpy(want, s.buf + s.pkt.l4_off + 20, s.pkt.pay_off - s.pkt.l4_off - 20u);
		ck_assert_msg(to_server ? sw_splice_to_server(&f, &s.pkt)
					: sw_splice_to_client(&f, &s.pkt),
			"seed %#lx", at);
		ck_assert_msg(pkt_read(s.buf, s.len, &seen), "seed %#lx", at);

		uint32_t seq = m.seq + (to_server ? 0 : f.delta);
		uint32_t ackno = m.ack - (to_server && ack ? f.delta : 0);
		uint32_t window = m.window;

		if (!to_server && f.wscale_server != f.wscale_promised) {
			uint64_t w = ((uint64_t)m.window << f.wscale_server) >> f.wscale_promised;

			window = w > 65535 ? 65535 : (uint32_t)w;
		}
		ck_assert_msg(seen.seq == seq && s.pkt.seq == seq, "seed %#lx: seq", at);
		ck_assert_msg(seen.ack == ackno && s.pkt.ack == ackno, "seed %#lx: ack", at);
		ck_assert_msg(seen.window == window, "seed %#lx: window", at);
		if (to_server)
			model_options(want, n, -f.delta, 0, ack ? -td : 0);
		else
			model_options(want, n, 0, td, 0);
		ck_assert_msg(
			memcmp(seen.opts, want, seen.opts_len) == 0, "seed %#lx: options", at);
		ck_assert_msg(seen.tcp_ok == !spoil, "seed %#lx: checksum", at);
	}
}
END_TEST

/* Options that must be refused, the packet untouched. */
START_TEST(malformed_options_are_refused_unchanged)
{
	static const struct {
		uint8_t opts[12];
		const char *what;
	} cases[] = {
		{{8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 255}, "SACK past the header behind a good TS"},
		{{8, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1}, "TS of 9 bytes"},
		{{5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0}, "SACK of 11 bytes"},
		{{5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "SACK without a block"},
		{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8}, "kind without length"},
		{{99, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "length 1"},
		{{99, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "length 0"},
	};
	struct sw_flow f = {.delta = 77, .ts_delta = 99, .flags = SW_FLOW_TS, .wscale_server = 3};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct pkt_make m = {.flags = SW_TCP_ACK,
			.src = {10, 0, 0, 1},
			.dst = {10, 0, 0, 2},
			.opts = cases[i].opts,
			.opts_len = 12,
			.window = 7};

		for (unsigned dir = 0; dir < 2; dir++) {
			struct shot s;
			uint8_t before[PKT_MAX];

			shoot(&s, &m, dir);
			memcpy(before, s.buf, s.len);
			ck_assert_msg(!(dir == SW_OUTSIDE ? sw_splice_to_server(&f, &s.pkt)
							  : sw_splice_to_client(&f, &s.pkt)),
				"%s", cases[i].what);
			ck_assert_msg(
				memcmp(before, s.buf, s.len) == 0, "%s: written", cases[i].what);
		}
	}
}
END_TEST

START_TEST(window_scaling)
{
	static const struct {
		uint8_t server, promised;
		uint16_t in;
		bool scaled;
		uint16_t out;
	} cases[] = {
		{7, 7, 501, true, 501}, {0, 7, 64240, true, 501}, /* server without the option */
		{7, 0, 501, true, 64128},			  /* client without it */
		{7, 0, 65535, true, 65535},			  /* more than a field holds */
		{14, 0, 65535, true, 65535}, {0, 14, 65535, true, 3},
		{7, 7, 65160, false, 509}, /* window of a SYN-ACK: never scaled */
		{0, 0, 1, true, 1},
		{0, 7, 127, true, 0}, /* rounds down: never more than the server has */
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct sw_flow f = {
			.wscale_server = cases[i].server, .wscale_promised = cases[i].promised};

		ck_assert_uint_eq(sw_splice_window(&f, cases[i].in, cases[i].scaled), cases[i].out);
	}
}
END_TEST

/* The table in splice/state.h, once more, as it is drawn there. */
START_TEST(state_table)
{
	static const struct {
		uint8_t from, to[SW_EV_MAX];
	} rows[] = {
		{SW_FLOW_QUIET, {SW_FLOW_OPEN, SW_FLOW_FIN_CLIENT, SW_FLOW_RST_CLIENT,
					SW_FLOW_QUIET, SW_FLOW_FIN_SERVER, SW_FLOW_RST_SERVER}},
		{SW_FLOW_OPEN, {SW_FLOW_OPEN, SW_FLOW_FIN_CLIENT, SW_FLOW_RST_CLIENT, SW_FLOW_OPEN,
				       SW_FLOW_FIN_SERVER, SW_FLOW_RST_SERVER}},
		{SW_FLOW_FIN_CLIENT,
			{SW_FLOW_FIN_CLIENT, SW_FLOW_FIN_CLIENT, SW_FLOW_RST_CLIENT,
				SW_FLOW_FIN_CLIENT, SW_FLOW_FIN_BOTH, SW_FLOW_RST_SERVER}},
		{SW_FLOW_FIN_SERVER,
			{SW_FLOW_FIN_SERVER, SW_FLOW_FIN_BOTH, SW_FLOW_RST_CLIENT,
				SW_FLOW_FIN_SERVER, SW_FLOW_FIN_SERVER, SW_FLOW_RST_SERVER}},
		{SW_FLOW_FIN_BOTH, {SW_FLOW_FIN_BOTH, SW_FLOW_FIN_BOTH, SW_FLOW_RST_CLIENT,
					   SW_FLOW_FIN_BOTH, SW_FLOW_FIN_BOTH, SW_FLOW_RST_SERVER}},
		{SW_FLOW_RST_CLIENT,
			{SW_FLOW_OPEN, SW_FLOW_FIN_CLIENT, SW_FLOW_RST_CLIENT, SW_FLOW_RST_CLIENT,
				SW_FLOW_RST_CLIENT, SW_FLOW_RST_SERVER}},
		{SW_FLOW_RST_SERVER, {SW_FLOW_RST_SERVER, SW_FLOW_RST_SERVER, SW_FLOW_RST_SERVER,
					     SW_FLOW_OPEN, SW_FLOW_FIN_SERVER, SW_FLOW_RST_SERVER}},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(rows); i++)
		for (unsigned ev = 0; ev < SW_EV_MAX; ev++)
			ck_assert_msg(sw_flow_next_state[rows[i].from][ev] == rows[i].to[ev],
				"%s, event %u", sw_flow_state_name(rows[i].from), ev);
	for (unsigned st = 0; st < SW_FLOW_STATE_MAX; st++) {
		ck_assert_str_ne(sw_flow_state_name(st), "?");
		if (st != SW_FLOW_SYN_SENT)
			ck_assert_uint_gt(sw_timeouts_default.state_ms[st], 0);
	}
	ck_assert_uint_ge(sw_timeouts_default.state_ms[SW_FLOW_OPEN], (2 * 60 + 4) * 60 * 1000);
}
END_TEST

START_TEST(client_seq_near)
{
	struct sw_flow f = {.aux = 5}; /* next to 0: the arithmetic wraps */
	uint32_t hits = 0;

	ck_assert(sw_flow_client_seq_near(&f, 5));
	ck_assert(
		sw_flow_client_seq_near(&f, 4)); /* a FIN that the server has acknowledged, again */
	ck_assert(!sw_flow_client_seq_near(&f, 3));
	ck_assert(sw_flow_client_seq_near(&f, 4 + SW_CLIENT_SEQ_NEAR_BYTES));
	ck_assert(!sw_flow_client_seq_near(&f, 5 + SW_CLIENT_SEQ_NEAR_BYTES));
	f.aux = 0x80000000;
	for (uint64_t seq = 0; seq < 1ull << 32; seq += 1 << 12)
		hits += sw_flow_client_seq_near(&f, (uint32_t)seq);
	ck_assert_uint_eq(
		hits, (1u << 20) / 1024); /* the arithmetic in splice/state.h: 1 in 1024 */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("splice");
	TCase *c = tcase_create("splice");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, translation_against_model);
	tcase_add_test(c, malformed_options_are_refused_unchanged);
	tcase_add_test(c, window_scaling);
	tcase_add_test(c, state_table);
	tcase_add_test(c, client_seq_near);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
