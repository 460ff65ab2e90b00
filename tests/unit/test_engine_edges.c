/* SPDX-License-Identifier: BSD-3-Clause */
/* Edges of the engine: ECN, IPv6 refusals, the budget over rotations. */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "unit/rig.h"

#define EPOCH_NS (64ull * 1000000000)

static struct rig r;
static const struct rig_conn conn4 = {.cport = 40000, .c = 100, .s = 7000};
static const struct rig_conn conn6 = {.v6 = true, .cport = 40000, .c = 100, .s = 7000};

static void
teardown(void)
{
	rig_fini(&r);
}

static void
setup(void)
{
	rig_init(&r, NULL);
}

/* ECN needs a server that takes it, timestamps to remember it by, and both of the SYN's bits. */
START_TEST(ecn)
{
	static const struct {
		bool server_ecn, ts;
		uint8_t asked; /* ECE, CWR of the client's SYN */
		bool granted;
	} cases[] = {
		{true, true, SW_TCP_ECE | SW_TCP_CWR, true},
		{true, true, SW_TCP_ECE, false},
		{true, true, SW_TCP_CWR, false},
		{true, true, 0, false},
		{true, false, SW_TCP_ECE | SW_TCP_CWR, false},
		{false, true, SW_TCP_ECE | SW_TCP_CWR, false},
		{false, false, SW_TCP_ECE | SW_TCP_CWR, false},
	};
	const uint8_t asks = SW_TCP_ECE | SW_TCP_CWR;

	for (unsigned i = 0; i < 2 * SW_ARRAY_LEN(cases); i++) {
		unsigned k = i / 2;
		struct rig_conn c = i % 2 ? conn6 : conn4;
		struct sw_server_opts server = {.mss4 = 1460,
			.mss6 = 1440,
			.wscale = 7,
			.sack = true,
			.ts = true,
			.ecn = cases[k].server_ecn};
		uint8_t opts[12] = {SW_OPT_NOP, SW_OPT_NOP, SW_OPT_TS, SW_OPT_TS_LEN, 0, 0, 1, 1};
		struct rig_params p = {.server = &server};
		struct pkt_make m = rig_client_syn(&c);
		struct rig er;

		rig_init(&er, &p);
		m.flags |= cases[k].asked;
		m.opts = opts;
		m.opts_len = cases[k].ts ? sizeof(opts) : 0;
		rig_send(&er, SW_OUTSIDE, &m);
		ck_assert_msg(er.n_sent == 1 && er.sent[0].side == SW_OUTSIDE, "case %u", i);
		ck_assert_msg((er.sent[0].seen.flags & asks) == (cases[k].granted ? SW_TCP_ECE : 0),
			"case %u: SYN-ACK has %#x", i, er.sent[0].seen.flags);
		c.k = er.sent[0].seen.seq;
		if (cases[k].ts) {
			const uint8_t *ts = rig_opt(&er.sent[0].seen, SW_OPT_TS);

			ck_assert_msg(ts != NULL, "case %u: no timestamp", i);
			memcpy(opts + 8, ts + 2, 4);
		}
		m.flags = SW_TCP_ACK;
		m.seq = c.c + 1;
		m.ack = c.k + 1;
		rig_send(&er, SW_OUTSIDE, &m);
		ck_assert_msg(er.n_sent == 1 && er.sent[0].side == SW_INSIDE, "case %u", i);
		ck_assert_msg(er.sent[0].seen.flags == (SW_TCP_SYN | (cases[k].granted ? asks : 0)),
			"case %u: SYN to the server has %#x", i, er.sent[0].seen.flags);
		rig_fini(&er);
	}
}
END_TEST

/*
 * What follows the fragment header may hide TCP where it is TCP or another extension header. In a
 * first fragment these are looked through, which is test_parse_frag.c's.
 */
START_TEST(ip6_fragments)
{
	static const struct {
		uint8_t next;
		bool dropped;
	} cases[] = {{0, true}, {43, true}, {44, true}, {51, true}, {60, true}, {6, true},
		{17, false}, {58, false}};
	static const uint16_t offsets[] = {0x0001, 0x0008, 0x0009}; /* first, last, between */

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++)
		for (unsigned v = 0; v < 4 * SW_ARRAY_LEN(offsets); v++) {
			unsigned side = v & 1 ? SW_INSIDE : SW_OUTSIDE;
			bool ours = v & 2;
			uint16_t off = offsets[v / 4];
			uint8_t ext[8] = {
				cases[i].next, 0, (uint8_t)(off >> 8), (uint8_t)off, 0, 0, 0, 7};
			struct pkt_make m =
				side == SW_OUTSIDE ? rig_client(&conn6) : rig_server(&conn6);
			uint64_t drops = rig_drop(&r, SW_DROP_FRAGMENT);
			uint64_t bridged = rig_stat(&r, SW_C_BRIDGED);
			/* A later one at byte 8 may lie over a TCP header, whatever it says. */
			bool dropped = ours && (cases[i].dropped || off > 7);
			uint8_t b[PKT_MAX];

			if (off == 0x0001 && cases[i].next != 6 && cases[i].dropped)
				continue;
			m.ext = ext;
			m.ext_len = sizeof(ext);
			m.ext_first = 44;
			if (!ours)
				(side == SW_OUTSIDE ? m.dst : m.src)[15] = 0x77;
			size_t len = pkt_make(b, sizeof(b), &m);

			rig_queue_raw(&r, side, b, len, 0);
			rig_run(&r);
			ck_assert_msg(rig_drop(&r, SW_DROP_FRAGMENT) == drops + dropped,
				"next %u, variant %u", cases[i].next, v);
			ck_assert_msg(rig_stat(&r, SW_C_BRIDGED) == bridged + !dropped,
				"next %u, variant %u", cases[i].next, v);
			ck_assert_msg(
				r.n_sent == !dropped, "next %u, variant %u", cases[i].next, v);
			if (!dropped)
				ck_assert_msg(r.sent[0].side != side && r.sent[0].len == len &&
						      memcmp(r.sent[0].data, b, len) == 0,
					"next %u, variant %u", cases[i].next, v);
		}
}
END_TEST

START_TEST(ip6_sources)
{
	static const struct {
		uint8_t src[16];
		bool bad;
	} cases[] = {
		{{0}, true},				 /* :: */
		{{[15] = 1}, true},			 /* ::1 */
		{{0xff, 2, [15] = 1}, true},		 /* ff02::1 */
		{{0x20, 1, 0xd, 0xb8, [15] = 2}, true},	 /* the server itself */
		{{[15] = 2}, false},			 /* neighbours of the above */
		{{[8] = 1, [15] = 1}, false},		 /* 0:0:0:0:100::1 */
		{{[11] = 1, [15] = 1}, false},		 /* ::1:0:1 */
		{{1, [15] = 1}, false},			 /* 100::1 */
		{{0xfe, 0x80, [15] = 1}, false},	 /* fe80::1 */
		{{0x20, 1, 0xd, 0xb8, [15] = 3}, false}, /* beside the server */
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct pkt_make m = rig_client_syn(&conn6);
		uint64_t drops = rig_drop(&r, SW_DROP_BAD_SOURCE);
		uint64_t answers = rig_stat(&r, SW_C_SYNACK_SENT);

		memcpy(m.src, cases[i].src, 16);
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_msg(r.n_sent == !cases[i].bad, "case %u", i);
		ck_assert_msg(
			rig_drop(&r, SW_DROP_BAD_SOURCE) == drops + cases[i].bad, "case %u", i);
		ck_assert_msg(
			rig_stat(&r, SW_C_SYNACK_SENT) == answers + !cases[i].bad, "case %u", i);
	}
	ck_assert_uint_eq(rig_flows(&r), 0);
}
END_TEST

/* A cookie of r's keys and time that another engine issued, brought to r. */
static void
bring_foreign_cookie(uint16_t cport)
{
	struct rig_conn c = conn4;
	struct pkt_make m;
	struct rig other;

	c.cport = cport;
	rig_init(&other, NULL);
	other.now_ns = r.now_ns;
	rig_rekey(&other);
	rig_syn(&other, &c);
	rig_fini(&other);
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
}

/* Budget of another epoch buys nothing, whether it stands in the other slot or in the same one. */
START_TEST(budget_of_another_epoch)
{
	struct rig_conn c[3] = {conn4, conn4, conn4};
	unsigned refused = 0, flows = 0;

	for (unsigned i = 0; i < 3; i++) { /* issued in the first epoch */
		c[i].cport = (uint16_t)(1000 + i);
		rig_syn(&r, &c[i]);
	}
	rig_ack(&r, &c[0]);
	flows++;
	for (unsigned rotation = 1; rotation <= 2; rotation++) {
		r.now_ns += EPOCH_NS;
		rig_rekey(&r);
		bring_foreign_cookie((uint16_t)(2000 + rotation));
		ck_assert_uint_eq(r.n_sent, 0);
		ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BUDGET), ++refused);
		ck_assert_uint_eq(rig_flows(&r), flows);
		if (rotation == 1) { /* what was left is still there for those that it is for */
			rig_ack(&r, &c[1]);
			flows++;
		}
	}
	/* The cookies were right: in either slot, one SYN answered here lets one of them in. */
	for (unsigned rotation = 2; rotation <= 3; rotation++) {
		struct rig_conn own = conn4;

		own.cport = (uint16_t)(3000 + rotation);
		rig_syn(&r, &own);
		bring_foreign_cookie((uint16_t)(4000 + rotation));
		ck_assert_uint_eq(r.n_sent, 1);
		ck_assert_uint_eq(rig_flows(&r), ++flows);
		bring_foreign_cookie((uint16_t)(5000 + rotation));
		ck_assert_uint_eq(r.n_sent, 0);
		ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BUDGET), ++refused);
		r.now_ns += EPOCH_NS;
		rig_rekey(&r);
	}
}
END_TEST

START_TEST(window_noted_while_half_open)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	m = rig_client(&c);
	m.window = 2345;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	m.window =
		99; /* neither a segment that is not the next one, nor one of another handshake */
	m.seq--;
	rig_send(&r, SW_OUTSIDE, &m);
	m.seq++;
	m.ack++;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	rig_synack(&r, &c);
	ck_assert_uint_eq(r.sent[1].side, SW_INSIDE);
	ck_assert_uint_eq(r.sent[1].seen.window, 2345);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine edges");
	TCase *c = tcase_create("engine edges");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, ecn);
	tcase_add_test(c, ip6_fragments);
	tcase_add_test(c, ip6_sources);
	tcase_add_test(c, budget_of_another_epoch);
	tcase_add_test(c, window_noted_while_half_open);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
