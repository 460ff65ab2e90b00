/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about translated segments: what comes back to a sender quotes what it has sent. The
 * expected bytes are those of the segment before it was translated; checksums are added up naively.
 */
#include <check.h>
#include <string.h>

#include "splice/repair.h"
#include "splice/splice.h"
#include "unit/pkt_icmp.h"

#define MTU_ANY 1400

static void
put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Timestamps and SACK blocks among NOPs, in either order, at any offset, with an unknown option. */
static size_t
random_options(uint64_t *seed, uint8_t *o)
{
	const bool ts_first = pkt_rand(seed) & 1;
	size_t n = 0;

	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned nops = (unsigned)(pkt_rand(seed) % 3); nops > 0; nops--)
			o[n++] = 1;
		if (pkt_rand(seed) % 4 == 0) {
			memcpy(o + n, (const uint8_t[]){253, 3, 8}, 3);
			n += 3;
		}
		const unsigned words =
			(turn == 0) == ts_first ? 2 : (unsigned)(pkt_rand(seed) % 3) * 2;

		if (words == 0 || pkt_rand(seed) % 4 == 0)
			continue;
		o[n++] = (turn == 0) == ts_first ? 8 : 5;
		o[n++] = (uint8_t)(2 + 4 * words);
		for (unsigned i = 0; i < words; i++, n += 4)
			put32(o + n, (uint32_t)pkt_rand(seed));
	}
	return n;
}

static struct sw_flow
random_flow(uint64_t *seed)
{
	return (struct sw_flow){
		.delta = (uint32_t)(pkt_rand(seed) % 8 ? pkt_rand(seed) : 0),
		.ts_delta = (uint32_t)pkt_rand(seed),
		.flags = pkt_rand(seed) % 4 ? SW_FLOW_TS : 0,
		.wscale_server = pkt_rand(seed) % 15,
		.wscale_promised = pkt_rand(seed) % 15,
	};
}

/* A packet and its parsed form. */
struct shot {
	uint8_t buf[PKT_MAX];
	size_t len;
	struct sw_frame frame;
	struct sw_pkt pkt;
};

static void
read_shot(struct shot *s, unsigned side)
{
	s->frame = (struct sw_frame){.data = s->buf,
		.len = (uint32_t)s->len,
		.pkt_len = (uint32_t)s->len,
		.side = (uint8_t)side};
	sw_parse_burst(&s->frame, &s->pkt, 1);
}

/* An error from `side` that quotes n bytes of the IP packet at l3. */
static void
make_error(struct shot *e, const struct shot *s, size_t n, unsigned side, unsigned type_code,
	uint32_t rest)
{
	const uint8_t *l3 = s->buf + s->pkt.l3_off;
	struct pkt_make m = {.v6 = sw_tuple_is_v6(&s->pkt.tuple), .src = {9, 9}, .n_vlan = side};

	memcpy(m.dst, l3 + (m.v6 ? 8 : 12), m.v6 ? 16 : 4);
	e->len = pkt_make_icmp(e->buf, &m, type_code, rest, l3, n);
	read_shot(e, side);
}

/* m as it is made, with the flips that are no translation's business: the urgent pointer. */
static void
make_segment(struct shot *s, const struct pkt_make *m, bool spoil, unsigned side)
{
	s->len = pkt_make(s->buf, sizeof(s->buf), m);
	read_shot(s, side);
	if (spoil)
		s->buf[s->pkt.l4_off + 19] ^= 0x40;
}

/*
 * The n bytes that e quotes are those of `want`, as far as they can be: without the whole option
 * list neither it nor the checksum can be undone, without the flags the acknowledgement to a client
 * cannot. Those stay as they were in `sent`.
 */
static void
check_quote(const struct shot *e, const struct shot *want, const struct shot *sent, size_t n,
	uint64_t at)
{
	const size_t l3 = want->pkt.l3_off, tcp = want->pkt.ip_hdr_len;
	const bool list_cut = n < want->pkt.pay_off - l3;
	const bool flags_cut = n < tcp + 14 && e->frame.side == SW_INSIDE;

	for (size_t i = 0; i < n; i++) {
		const uint8_t got = e->buf[e->pkt.l4_off + 8 + i];
		const bool kept =
			(list_cut && i >= tcp + 20) || (flags_cut && i >= tcp + 8 && i < tcp + 12);

		if (list_cut && (i == tcp + 16 || i == tcp + 17))
			continue;
		ck_assert_msg(got == (kept ? sent : want)->buf[l3 + i],
			"seed %#lx: byte %zu of %zu is %02x", at, i, n, got);
	}
}

START_TEST(there_and_back)
{
	uint64_t seed = pkt_seed();
	static const uint8_t ext[2][8] = {{6, 0, 1, 4}, {6, 0, 0, 0}};
	unsigned whole = 0, parts = 0;

	for (int round = 0; round < 40000; round++) {
		const uint64_t at = seed;
		const bool to_server =
			pkt_rand(&seed) & 1; /* the error; the segment came from it */
		const bool spoil = pkt_rand(&seed) % 8 == 0, spoil_icmp = pkt_rand(&seed) % 8 == 0;
		const unsigned back = to_server ? SW_OUTSIDE : SW_INSIDE;
		const struct sw_flow f = random_flow(&seed);
		uint8_t opts[48] = {0}, payload[32] = {1, 2, 3};
		struct pkt_make m = {
			.v6 = pkt_rand(&seed) & 1,
			.src = {192, 0, 2, 1},
			.dst = {198, 51, 100, 2},
			.sport = 1234,
			.dport = 80,
			.seq = (uint32_t)pkt_rand(&seed),
			.ack = (uint32_t)pkt_rand(&seed),
			.flags = pkt_rand(&seed) % 8 == 0 ? SW_TCP_RST : SW_TCP_ACK,
			.window = (uint16_t)pkt_rand(&seed),
			.opts = opts,
			.payload = payload,
			.payload_len = pkt_rand(&seed) % 32,
		};
		struct shot s, want, e;
		struct pkt_seen seen;

		m.opts_len = random_options(&seed, opts);
		m.ip_opts = (const uint8_t[]){148, 4, 0, 0};
		m.ip_opts_len = pkt_rand(&seed) & 4;
		m.ext_len = m.ip_opts_len * 2;
		m.ext = ext[pkt_rand(&seed) & 1];
		m.ext_first = m.ext == ext[0] ? 60 : 44;
		if (m.ext_first == 60 && pkt_rand(&seed) & 1)
			m.frag = 0x2000;
		make_segment(&s, &m, spoil, sw_other_side(back));
		ck_assert_int_eq(s.pkt.kind, m.frag && !m.v6 ? SW_PKT_FIRST : SW_PKT_TCP);
		ck_assert(to_server ? sw_splice_to_client(&f, &s.pkt)
				    : sw_splice_to_server(&f, &s.pkt));
		/*
		 * What should come back: the segment as it was sent, but for the rescaled window.
		 */
		m.window = (uint16_t)pkt_get16(s.buf + s.pkt.l4_off + 14);
		make_segment(&want, &m, spoil, sw_other_side(back));

		const size_t hdr_end = s.pkt.pay_off - s.pkt.l3_off, all = s.len - s.pkt.l3_off;
		const size_t least = s.pkt.ip_hdr_len + 8u;
		const size_t n = least + pkt_rand(&seed) % (all - least + 1);

		make_error(&e, &s, n, back, m.v6 ? 0x100 : 0x303, 0);
		ck_assert_msg(e.pkt.kind == SW_PKT_ICMP, "seed %#lx: %d", at, e.pkt.reason);
		ck_assert(sw_tuple_is_v6(&e.pkt.tuple) == m.v6);
		if (spoil_icmp)
			e.buf[e.pkt.l4_off + 3] ^= 0x10;
		sw_splice_icmp(&f, &e.pkt);
		check_quote(&e, &want, &s, n, at);
		ck_assert_msg(e.pkt.seq == m.seq, "seed %#lx: seq", at);
		ck_assert(pkt_read_ip(e.buf, e.len, &seen));
		ck_assert_msg(pkt_icmp_ok(e.buf, &seen) == !spoil_icmp, "seed %#lx: sum", at);
		*(n < hdr_end ? &parts : &whole) += 1;
	}
	ck_assert_uint_gt(whole, 1000);
	ck_assert_uint_gt(parts, 1000);
}
END_TEST

/*
 * A quoted header that is cut at each byte: each field changes when its last byte is there, and the
 * options when all of the header is.
 */
START_TEST(only_what_is_whole)
{
	static const uint8_t opts[] = {
		1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0};
	const struct sw_flow f = {.delta = 0x01010101, .ts_delta = 0x02020202, .flags = SW_FLOW_TS};
	const struct pkt_make m = {.v6 = _i & 1,
		.src = {1},
		.dst = {2},
		.seq = 5,
		.ack = 7,
		.flags = SW_TCP_ACK,
		.opts = opts,
		.opts_len = 24};
	const unsigned side = (unsigned)_i / 2;
	struct shot s;

	make_segment(&s, &m, false, sw_other_side(side));
	const size_t ip = s.pkt.ip_hdr_len;

	for (size_t n = 8; n <= 44; n++) {
		const bool in = side == SW_INSIDE;
		struct shot e, was;
		struct {
			size_t from, until, at; /* changes when there are `at` bytes */
			bool changes;
		} fields[] = {
			{4, 8, 8, !in}, {8, 12, 14, in},       /* with the ACK flag */
			{16, 18, 18, true}, {23, 27, 44, !in}, /* TSval */
			{27, 31, 44, in}, {33, 41, 44, in},    /* SACK */
		};

		make_error(&e, &s, ip + n, side, m.v6 ? 0x100 : 0x303, 0);
		ck_assert_uint_eq(e.pkt.pay_len, n);
		was = e;
		sw_splice_icmp(&f, &e.pkt);
		for (size_t i = 0; i < n; i++) {
			const uint8_t *a = was.buf + e.pkt.pay_off, *b = e.buf + e.pkt.pay_off;
			bool may = false;

			for (size_t k = 0; k < SW_ARRAY_LEN(fields); k++)
				may |= i >= fields[k].from && i < fields[k].until &&
				       n >= fields[k].at && fields[k].changes;
			/*
			 * The deltas change each byte of their fields; the sum may keep one of its.
			 */
			ck_assert_msg(a[i] == b[i] || may, "%zu bytes: byte %zu changed", n, i);
			ck_assert_msg(a[i] != b[i] || !may || i == 16 || i == 17,
				"%zu bytes: byte %zu did not change", n, i);
		}
		for (size_t i = 0; i < e.pkt.pay_off; i++)
			ck_assert(was.buf[i] == e.buf[i] || i == e.pkt.l4_off + 2u ||
				  i == e.pkt.l4_off + 3u);
	}
}
END_TEST

/* Quoted option lists that are malformed are left alone; the rest is not. */
START_TEST(malformed_options)
{
	static const uint8_t lists[][12] = {
		{8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 255},
		{8, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1},
		{5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0},
		{8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 8},
		{99, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
	};
	const struct sw_flow f = {.delta = 77, .ts_delta = 99, .flags = SW_FLOW_TS};

	for (size_t i = 0; i < SW_ARRAY_LEN(lists) * 2; i++) {
		const struct pkt_make m = {.src = {1},
			.dst = {2},
			.seq = 1000,
			.ack = 2000,
			.flags = SW_TCP_ACK,
			.opts = lists[i / 2],
			.opts_len = 12};
		const unsigned side = i & 1;
		struct pkt_seen seen;
		struct shot s, e;

		make_segment(&s, &m, false, sw_other_side(side));
		make_error(&e, &s, s.len - 14, side, 0x303, 0);
		sw_splice_icmp(&f, &e.pkt);
		const uint8_t *tcp = e.buf + e.pkt.pay_off;

		ck_assert_mem_eq(tcp + 20, lists[i / 2], 12);
		ck_assert_uint_eq(pkt_get32(tcp + 4), side == SW_OUTSIDE ? 1000 - 77 : 1000);
		ck_assert_uint_eq(pkt_get32(tcp + 8), side == SW_OUTSIDE ? 2000 : 2000 + 77);
		ck_assert_uint_eq(pkt_l4_sum(false, m.src, m.dst, 6, tcp, e.pkt.pay_len), 0);
		ck_assert(pkt_read_ip(e.buf, e.len, &seen) && pkt_icmp_ok(e.buf, &seen));
	}
}
END_TEST

/* A data offset that is below the least, or beyond what is quoted. */
START_TEST(wrong_data_offset)
{
	for (unsigned v = 0; v < 16; v++) {
		const struct sw_flow f = {.delta = 1, .ts_delta = 99, .flags = SW_FLOW_TS};
		const struct pkt_make m = {.src = {1},
			.dst = {2},
			.flags = SW_TCP_ACK,
			.opts = (const uint8_t[]){1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
			.opts_len = 12};
		struct shot s, e;

		make_segment(&s, &m, false, SW_INSIDE);
		s.buf[s.pkt.l4_off + 12] = (uint8_t)(v << 4);
		make_error(&e, &s, s.len - 14, SW_OUTSIDE, 0x303, 0);
		sw_splice_icmp(&f, &e.pkt);
		/* With 8 words the list is whole; with 6 and 7 it ends within the option. */
		ck_assert_uint_eq(pkt_get32(e.buf + e.pkt.pay_off + 24), v == 8 ? 1u - 99u : 1u);
		ck_assert_uint_eq(pkt_get32(e.buf + e.pkt.pay_off + 4), UINT32_MAX);
	}
}
END_TEST

static const struct {
	const char *name;
	bool v6;
	unsigned type_code;
	uint32_t rest, want; /* bytes 4 to 7, to a server whose timestamps we make */
} mtus[] = {
	{"1500", false, 0x304, 1500, 1488},
	{"with other bits", false, 0x304, 0xabcd05dc, 0xabcd05d0},
	{"none said", false, 0x304, 0, 0},
	{"81", false, 0x304, 81, 69},
	{"80", false, 0x304, 80, 68},
	{"79", false, 0x304, 79, 68},
	{"69", false, 0x304, 69, 68},
	{"68", false, 0x304, 68, 68},
	{"67", false, 0x304, 67, 67},
	{"65535", false, 0x304, 65535, 65523},
	{"not that code", false, 0x303, 1500, 1500},
	{"not that type", false, 0xb04, 1500, 1500},
	{"1500, IPv6", true, 0x200, 1500, 1488},
	{"any code, IPv6", true, 0x207, 1500, 1488},
	{"1293", true, 0x200, 1293, 1281},
	{"1292", true, 0x200, 1292, 1280},
	{"1291", true, 0x200, 1291, 1280},
	{"1280", true, 0x200, 1280, 1280},
	{"1279", true, 0x200, 1279, 1279},
	{"0, IPv6", true, 0x200, 0, 0},
	{"all of 32 bits", true, 0x200, 0xffffffff, 0xfffffff3},
	{"not that type, IPv6", true, 0x304, 1500, 1500},
};

START_TEST(mtu)
{
	for (unsigned side = 0; side < SW_SIDES; side++) {
		for (unsigned made = 0; made < 2; made++) {
			const struct sw_flow f = {.delta = 5,
				.ts_delta = 6,
				.flags = made ? SW_FLOW_TS_MADE : SW_FLOW_TS};
			const struct pkt_make m = {.v6 = mtus[_i].v6,
				.src = {1},
				.dst = {2},
				.seq = 10,
				.flags = SW_TCP_ACK,
				.opts = (const uint8_t[]){1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 9},
				.opts_len = 12};
			const bool smaller = made && side == SW_OUTSIDE;
			struct pkt_seen seen;
			struct shot s, e;

			make_segment(&s, &m, false, sw_other_side(side));
			make_error(&e, &s, s.len - 14, side, mtus[_i].type_code, mtus[_i].rest);
			ck_assert_int_eq(e.pkt.kind, SW_PKT_ICMP);
			sw_splice_icmp(&f, &e.pkt);
			ck_assert_msg(pkt_get32(e.buf + e.pkt.l4_off + 4) ==
					      (smaller ? mtus[_i].want : mtus[_i].rest),
				"%s", mtus[_i].name);
			ck_assert(pkt_read_ip(e.buf, e.len, &seen) && pkt_icmp_ok(e.buf, &seen));
			/* The quoted checksum knows nothing of the MTU. */
			const uint8_t *tcp = e.buf + e.pkt.pay_off;

			ck_assert_uint_eq(pkt_l4_sum(m.v6, m.src, m.dst, 6, tcp, e.pkt.pay_len), 0);
			/* Our clock is not the server's: what we made is not translated. */
			if (smaller)
				ck_assert_uint_eq(pkt_get32(tcp + 24), 9);
		}
	}
}
END_TEST

/* A connection that the server opened has the same numbers on both sides. */
START_TEST(opened_by_the_server)
{
	const struct sw_flow f = {
		.delta = 5, .ts_delta = 6, .flags = SW_FLOW_TS | SW_FLOW_FROM_SERVER};
	const struct pkt_make m = {.src = {1}, .dst = {2}, .seq = 10, .flags = SW_TCP_ACK};

	for (unsigned side = 0; side < SW_SIDES; side++) {
		struct shot s, e, was;

		make_segment(&s, &m, false, sw_other_side(side));
		make_error(&e, &s, s.len - 14, side, 0x304, MTU_ANY);
		was = e;
		sw_splice_icmp(&f, &e.pkt);
		ck_assert_mem_eq(e.buf, was.buf, e.len);
		ck_assert_uint_eq(e.pkt.seq, 10);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("splice_icmp");
	TCase *c = tcase_create("all");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, there_and_back);
	tcase_add_loop_test(c, only_what_is_whole, 0, 4);
	tcase_add_test(c, malformed_options);
	tcase_add_test(c, wrong_data_offset);
	tcase_add_loop_test(c, mtu, 0, SW_ARRAY_LEN(mtus));
	tcase_add_test(c, opened_by_the_server);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
