/* SPDX-License-Identifier: BSD-3-Clause */
/* The judge of SYN-ACKs: right ones pass, and each thing that can be wrong is found and named. */
#include "load_reply_rig.h"

START_TEST(right_ones)
{
	for (unsigned i = 0; i < 2 * 2 * SW_CRAFT_OPTION_SETS; i++) {
		struct rig r;

		rig_init(&r, i & 1, i & 2 ? 7 : 0, i / 4);
		right_options(&r);
		r.m.pad_to = 60 + 40 * (i & 1);
		ck_assert_int_eq(judge(&r), SW_REPLY_RIGHT);
		/* A server may have less, or name an MSS to whom named none. */
		r.m.opts_len = 0;
		add(&r, (uint8_t[]){2, 4, 2, 24}, 4);
		ck_assert_int_eq(judge(&r), SW_REPLY_RIGHT);
		free(r.flood);
	}
}
END_TEST

/* Each changes the description of a right answer to linux options. */
static void
bad_mac(struct rig *r)
{
	r->m.dst_mac[5]++;
}
static void
bad_src_mac(struct rig *r)
{
	r->m.src_mac[5]++;
}
static void
bad_vlan(struct rig *r)
{
	r->m.n_vlan = 1, r->m.vlan_tci[0] = 9;
}
static void
bad_ethertype(struct rig *r)
{
	r->m.ethertype = 0x0806;
}
static void
bad_proto(struct rig *r)
{
	r->m.proto = 17, r->m.payload = r->opts, r->m.payload_len = 30;
}
static void
bad_server(struct rig *r)
{
	r->m.src[3]++;
}
static void
bad_server_port(struct rig *r)
{
	r->m.sport++;
}
static void
bad_client(struct rig *r)
{
	r->m.dst[0]++;
}
static void
bad_client_port(struct rig *r)
{
	r->m.dport = 1000;
}
static void
other_client(struct rig *r)
{
	r->m.dst[3] ^= 1;
}
static void
bad_ack(struct rig *r)
{
	r->m.ack++;
}
static void
bad_rst(struct rig *r)
{
	r->m.flags |= 4;
}
static void
bad_ece(struct rig *r)
{
	r->m.flags |= 0x40;
}
static void
bad_payload(struct rig *r)
{
	r->m.payload = r->opts, r->m.payload_len = 1;
}
static void
bad_mss(struct rig *r)
{
	r->opts[2] = r->opts[3] = 0;
}
static void
bad_wscale(struct rig *r)
{
	r->opts[9] = 15;
}
static void
bad_tsecr(struct rig *r)
{
	r->opts[19]++;
}
static void
twice(struct rig *r)
{
	add(r, (uint8_t[]){4, 2}, 2);
}
static void
cut(struct rig *r)
{
	r->opts[4] = 9, r->opts[5] = 99;
}
static void
no_length(struct rig *r)
{
	add(r, (uint8_t[]){1, 1, 1, 5}, 4);
}
static void
length_1(struct rig *r)
{
	r->opts[5] = 1;
}
static void
wrong_length(struct rig *r)
{
	r->opts[4] = 1, r->opts[5] = 1, r->opts[1] = 5;
}
static void
unknown(struct rig *r)
{
	add(r, (uint8_t[]){34, 2}, 2);
}

START_TEST(each_mistake_is_found)
{
	static const struct {
		const char *name;
		void (*make)(struct rig *r);
		enum sw_reply_fault fault;
	} cases[] = {
		{"dst mac", bad_mac, SW_REPLY_L2},
		{"src mac", bad_src_mac, SW_REPLY_L2},
		{"vlan", bad_vlan, SW_REPLY_L2},
		{"ethertype", bad_ethertype, SW_REPLY_L2},
		{"proto", bad_proto, SW_REPLY_IP},
		{"server", bad_server, SW_REPLY_TUPLE},
		{"server port", bad_server_port, SW_REPLY_TUPLE},
		{"client", bad_client, SW_REPLY_TUPLE},
		{"client port", bad_client_port, SW_REPLY_TUPLE},
		{"other client", other_client, SW_REPLY_ACK},
		{"ack", bad_ack, SW_REPLY_ACK},
		{"rst", bad_rst, SW_REPLY_FLAGS},
		{"ece", bad_ece, SW_REPLY_FLAGS},
		{"payload", bad_payload, SW_REPLY_TCP},
		{"mss", bad_mss, SW_REPLY_OPTIONS},
		{"wscale", bad_wscale, SW_REPLY_OPTIONS},
		{"tsecr", bad_tsecr, SW_REPLY_TSECR},
		{"twice", twice, SW_REPLY_OPTIONS},
		{"runs over", cut, SW_REPLY_OPTIONS},
		{"no length", no_length, SW_REPLY_OPTIONS},
		{"length 1", length_1, SW_REPLY_OPTIONS},
		{"wrong length", wrong_length, SW_REPLY_OPTIONS},
		{"unknown", unknown, SW_REPLY_NOT_OFFERED},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases) * 2; i++) {
		struct rig r;

		rig_init(&r, i & 1, 0, SW_CRAFT_LINUX);
		right_options(&r);
		ck_assert_int_eq(judge(&r), SW_REPLY_RIGHT);
		cases[i / 2].make(&r);
		ck_assert_msg(
			judge(&r) == cases[i / 2].fault, "%s: %d", cases[i / 2].name, judge(&r));
		free(r.flood);
	}
}
END_TEST

/* Options that the set had not: offered by nobody. */
START_TEST(not_offered)
{
	static const struct {
		enum sw_craft_options set;
		uint8_t opts[12];
		size_t len;
	} cases[] = {
		{SW_CRAFT_NONE, {3, 3, 7}, 3},
		{SW_CRAFT_NONE, {4, 2}, 2},
		{SW_CRAFT_MSS, {3, 3, 7}, 3},
		{SW_CRAFT_MSS, {8, 10}, 10},
		{SW_CRAFT_WINDOWS, {8, 10}, 10},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig r;

		rig_init(&r, false, 0, cases[i].set);
		add(&r, cases[i].opts, cases[i].len);
		ck_assert_int_eq(judge(&r), SW_REPLY_NOT_OFFERED);
		free(r.flood);
	}
}
END_TEST

/* Every bit of an answer, changed alone: found, but for those that a server may choose. */
START_TEST(every_bit)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;
		size_t tcp, passed = 0;

		rig_init(&r, v6, 0, SW_CRAFT_LINUX);
		right_options(&r);
		ck_assert_int_eq(judge(&r), SW_REPLY_RIGHT);
		tcp = 14 + (v6 ? 40 : 20);
		for (size_t bit = 0; bit < r.len * 8; bit++) {
			const size_t at = bit / 8;
			enum sw_reply_fault f;

			r.buf[at] ^= (uint8_t)(1 << bit % 8);
			f = sw_reply_check(&r.route, r.options, r.buf, (uint32_t)r.len, &r.carries);
			r.buf[at] ^= (uint8_t)(1 << bit % 8);
			/* IPv6 has no sum over its class, flow label and hop limit. */
			if (f == SW_REPLY_RIGHT) {
				ck_assert_msg(
					v6 && at >= 14 && (at < 18 || at == 21), "bit %zu", bit);
				passed++;
			} else if (at >= tcp) {
				ck_assert_msg(f == SW_REPLY_TCP_CSUM || f == SW_REPLY_TUPLE ||
						      f == SW_REPLY_TCP,
					"bit %zu: %d", bit, f);
			}
		}
		ck_assert_uint_le(passed, v6 ? 28 + 8 : 0);
		free(r.flood);
	}
}
END_TEST

/* Every length, in a block of exactly that size. */
START_TEST(every_cut)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_init(&r, v6, v6 ? 5 : 0, SW_CRAFT_MAC);
		right_options(&r);
		ck_assert_int_eq(judge(&r), SW_REPLY_RIGHT);
		for (size_t len = 0; len < r.len; len++) {
			uint8_t *copy = pkt_dup(r.buf, len);

			ck_assert_int_ne(sw_reply_check(&r.route, r.options, copy, (uint32_t)len,
						 &r.carries),
				SW_REPLY_RIGHT);
			sw_flood_input(r.flood, copy, (uint32_t)len);
			sw_flood_owns(copy, (uint32_t)len);
			free(copy);
		}
		ck_assert_uint_eq(r.flood->stats.rx, r.len);
		free(r.flood);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_reply");
	TCase *t = tcase_create("all");

	tcase_add_test(t, right_ones);
	tcase_add_test(t, each_mistake_is_found);
	tcase_add_test(t, not_offered);
	tcase_add_test(t, every_bit);
	tcase_add_test(t, every_cut);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
