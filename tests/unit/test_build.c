/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "packet/build.h"
#include "packet/parse.h"
#include "pkt_make.h"

#define SA (SW_TCP_SYN | SW_TCP_ACK)
#define NO .wscale = SW_WSCALE_NONE

/* Every set of options, and the bytes that Linux sends for it. */
static const struct {
	struct sw_tcp_opts o;
	uint8_t len;
	uint8_t b[20];
} layouts[] = {
	{{NO}, 0, {0}},
	{{.mss = 1460, NO}, 4, {2, 4, 5, 0xb4}},
	{{.sack_perm = true, NO}, 4, {1, 1, 4, 2}},
	{{.wscale = 0}, 4, {1, 3, 3, 0}},
	{{.wscale = 14}, 4, {1, 3, 3, 14}},
	{{.ts = true, .tsval = 0x01020304, .tsecr = 0xa0b0c0d0, NO}, 12,
		{1, 1, 8, 10, 1, 2, 3, 4, 0xa0, 0xb0, 0xc0, 0xd0}},
	{{.mss = 536, .sack_perm = true, NO}, 8, {2, 4, 2, 0x18, 1, 1, 4, 2}},
	{{.mss = 536, .wscale = 7}, 8, {2, 4, 2, 0x18, 1, 3, 3, 7}},
	{{.mss = 65535, .ts = true, NO}, 16, {2, 4, 255, 255, 1, 1, 8, 10}},
	{{.sack_perm = true, .wscale = 2}, 8, {1, 1, 4, 2, 1, 3, 3, 2}},
	{{.sack_perm = true, .ts = true, .tsval = 1, NO}, 12, {4, 2, 8, 10, 0, 0, 0, 1}},
	{{.ts = true, .tsecr = 1, .wscale = 3}, 16,
		{1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 3}},
	{{.mss = 1460, .sack_perm = true, .wscale = 8}, 12,
		{2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 8}},
	{{.mss = 1460, .sack_perm = true, .ts = true, NO}, 16, {2, 4, 5, 0xb4, 4, 2, 8, 10}},
	{{.mss = 1460, .ts = true, .wscale = 1}, 20,
		{2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 1}},
	{{.sack_perm = true, .ts = true, .wscale = 1}, 16,
		{4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 1}},
	{{.mss = 1, .sack_perm = true, .ts = true, .tsval = UINT32_MAX, .wscale = 9}, 20,
		{2, 4, 0, 1, 4, 2, 8, 10, 255, 255, 255, 255, 0, 0, 0, 0, 1, 3, 3, 9}},
};

/* A random packet of a client, with tags, as it comes in from outside. */
static struct pkt_make
random_packet(uint64_t *seed)
{
	struct pkt_make m = {.sport = (uint16_t)pkt_rand(seed),
		.dport = (uint16_t)pkt_rand(seed),
		.seq = (uint32_t)pkt_rand(seed),
		.flags = SW_TCP_SYN,
		.window = 64240};
	static const uint8_t opts[] = {
		2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7};

	m.v6 = pkt_rand(seed) & 1;
	m.n_vlan = pkt_rand(seed) % 3;
	m.opts = opts;
	m.opts_len = pkt_rand(seed) & 1 ? sizeof(opts) : 0;
	for (unsigned i = 0; i < 16; i++) {
		m.src[i] = (uint8_t)pkt_rand(seed);
		m.dst[i] = (uint8_t)pkt_rand(seed);
	}
	for (unsigned i = 0; i < 6; i++) {
		m.src_mac[i] = (uint8_t)(pkt_rand(seed) | 1);
		m.dst_mac[i] = (uint8_t)(pkt_rand(seed) | 2);
	}
	for (unsigned i = 0; i < m.n_vlan; i++) {
		m.vlan_tci[i] = (uint16_t)pkt_rand(seed);
		m.vlan_tpid[i] = pkt_rand(seed) & 1 ? 0x8100 : 0x88a8;
	}
	return m;
}

/* A random segment to be sent for what was made by m. */
static struct sw_segment
random_segment(uint64_t *seed, const uint8_t *l2, size_t l2_len, const struct sw_tuple *t)
{
	const uint64_t r = pkt_rand(seed);

	return (struct sw_segment){
		.l2 = l2,
		.l2_len = (uint8_t)l2_len,
		.swap_l2 = r & 1,
		.to_client = r >> 1 & 1,
		.tcp_flags = (uint8_t)(r >> 8),
		.window = (uint16_t)(r >> 16),
		.seq = (uint32_t)(r >> 32),
		.ack = (uint32_t)pkt_rand(seed),
		.tuple = t,
		.opts = layouts[pkt_rand(seed) % SW_ARRAY_LEN(layouts)].o,
	};
}

/* All that can be said of the frame that was built of s, for the packet that m describes. */
static void
check_built(const struct sw_frame *f, const struct sw_segment *s, const struct pkt_make *m,
	const char *what)
{
	const uint8_t *b = f->data, *from = s->to_client ? m->dst : m->src;
	const uint8_t *to = s->to_client ? m->src : m->dst;
	const size_t alen = m->v6 ? 16 : 4, l3 = 14 + 4 * m->n_vlan;
	struct pkt_seen p;

	ck_assert_msg(pkt_read(b, f->len, &p) && p.ip_ok && p.tcp_ok, "%s: not sound", what);
	ck_assert_msg(memcmp(b, s->swap_l2 ? m->src_mac : m->dst_mac, 6) == 0, "%s: MAC", what);
	ck_assert_msg(memcmp(b + 6, s->swap_l2 ? m->dst_mac : m->src_mac, 6) == 0, "%s: MAC", what);
	ck_assert_uint_eq(p.n_vlan, m->n_vlan);
	for (unsigned i = 0; i < m->n_vlan; i++) {
		ck_assert_uint_eq(p.vlan_tci[i], m->vlan_tci[i]);
		ck_assert_uint_eq(b[12 + 4 * i] << 8 | b[13 + 4 * i], m->vlan_tpid[i]);
	}
	ck_assert_uint_eq(p.v6, m->v6);
	ck_assert_msg(
		memcmp(p.src, from, alen) == 0 && memcmp(p.dst, to, alen) == 0, "%s: IP", what);
	ck_assert_uint_eq(p.sport, s->to_client ? m->dport : m->sport);
	ck_assert_uint_eq(p.dport, s->to_client ? m->sport : m->dport);
	ck_assert_uint_eq(p.ttl, 64);
	ck_assert_uint_eq(p.l4_off - p.l3_off, m->v6 ? 40 : 20);
	if (!m->v6) {
		static const uint8_t id_frag[4] = {0, 0, 0x40, 0};

		ck_assert_uint_eq(b[l3 + 1], 0);
		ck_assert(memcmp(b + l3 + 4, id_frag, 4) == 0);
	} else {
		static const uint8_t head[4] = {0x60};

		ck_assert(memcmp(b + l3, head, 4) == 0);
	}
	ck_assert_uint_eq(p.seq, s->seq);
	ck_assert_uint_eq(p.ack, s->tcp_flags & SW_TCP_ACK ? s->ack : 0);
	ck_assert_uint_eq(p.flags, s->tcp_flags);
	ck_assert_uint_eq(p.window, s->window);
	ck_assert_uint_eq(p.urgent, 0);
	ck_assert_uint_eq(p.payload_len, 0);
	ck_assert_uint_eq(f->len, p.payload - b); /* nothing behind it */
	ck_assert_uint_eq(f->pkt_len, f->len);
	ck_assert_uint_le(f->len, SW_SEGMENT_MAX_BYTES);
}

START_TEST(option_layouts)
{
	const struct pkt_make m = {.src = {192, 0, 2, 1},
		.dst = {198, 51, 100, 7},
		.sport = 1,
		.dport = 2,
		.src_mac = {2, 0, 0, 0, 0, 9},
		.dst_mac = {2, 0, 0, 0, 0, 8}};
	uint8_t syn[PKT_MAX], *out = malloc(SW_SEGMENT_MAX_BYTES);
	struct sw_frame f = {.data = syn, .len = (uint32_t)pkt_make(syn, sizeof(syn), &m)};
	struct sw_pkt p;
	struct sw_tcp_opts back;
	struct sw_segment s = {.l2 = syn,
		.l2_len = 14,
		.to_client = true,
		.tcp_flags = SA,
		.tuple = &p.tuple,
		.opts = layouts[_i].o};
	struct pkt_seen seen;

	f.pkt_len = f.len;
	sw_parse_burst(&f, &p, 1);
	f = (struct sw_frame){.data = out, .room = SW_SEGMENT_MAX_BYTES};
	ck_assert_int_eq(sw_build_segment(&f, &s), 0);
	check_built(&f, &s, &m, "layout");
	ck_assert(pkt_read(out, f.len, &seen));
	ck_assert_uint_eq(seen.opts_len, layouts[_i].len);
	ck_assert_msg(memcmp(seen.opts, layouts[_i].b, layouts[_i].len) == 0, "row %d: bytes", _i);

	f.side = SW_INSIDE;
	sw_parse_burst(&f, &p, 1);
	ck_assert_int_eq(p.kind, SW_PKT_TCP);
	ck_assert_int_eq(sw_opts_read(&p, &back), 0);
	ck_assert(back.mss == s.opts.mss && back.wscale == s.opts.wscale && back.ts == s.opts.ts &&
		  back.sack_perm == s.opts.sack_perm);
	if (back.ts)
		ck_assert(back.tsval == s.opts.tsval && back.tsecr == s.opts.tsecr);
	free(out);
}
END_TEST

/*
 * Over the very packet that it answers: l2, and at times the tuple too, lie in the bytes that are
 * written. The outcome is that of a build into a buffer elsewhere.
 */
START_TEST(in_place)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t seed = base + i;
		const struct pkt_make m = random_packet(&seed);
		uint8_t buf[PKT_MAX], *there = malloc(SW_SEGMENT_MAX_BYTES);
		const size_t len = pkt_make(buf, sizeof(buf), &m);
		const size_t room = SW_SEGMENT_MAX_BYTES - (len < SW_SEGMENT_MAX_BYTES ? len : 0);
		uint8_t *here = malloc(len + room);
		struct sw_frame f = {.data = here,
			.len = (uint32_t)len,
			.pkt_len = (uint32_t)len,
			.room = (uint16_t)room};
		struct sw_frame g = {.data = there, .room = SW_SEGMENT_MAX_BYTES};
		struct sw_tuple t;
		struct sw_segment s;
		struct sw_pkt p;
		char what[40];

		snprintf(what, sizeof(what), "seed %lu", base + i);
		memcpy(here, buf, len);
		sw_parse_burst(&f, &p, 1);
		ck_assert_int_eq(p.kind, SW_PKT_TCP);
		t = p.tuple;

		s = random_segment(&seed, buf, p.l3_off, &t);
		ck_assert_int_eq(sw_build_segment(&g, &s), 0);
		check_built(&g, &s, &m, what);

		s.l2 = here;
		if (i & 1) {
			/* A tuple right in the way, behind l2 and aligned as its type is. */
			const size_t at = 24 + pkt_rand(&seed) % 6 * 8;

			s.tuple = memcpy(here + at, &t, sizeof(t));
		}
		ck_assert_int_eq(sw_build_segment(&f, &s), 0);
		ck_assert_msg(f.len == g.len && memcmp(here, there, f.len) == 0,
			"%s: another packet in place", what);
		ck_assert_uint_eq(
			f.len + f.room, len + room); /* the buffer's end stays where it was */
		free(here);
		free(there);
	}
}
END_TEST

/* l2 may also lie further back in the same buffer, where the new packet will overwrite it. */
START_TEST(l2_inside)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 5000; i++) {
		uint64_t seed = base + i;
		const struct pkt_make m = random_packet(&seed);
		uint8_t buf[PKT_MAX], b[SW_SEGMENT_MAX_BYTES];
		struct sw_frame f = {.data = buf, .len = (uint32_t)pkt_make(buf, sizeof(buf), &m)};
		const size_t at = pkt_rand(&seed) % (sizeof(b) - SW_L2_MAX_BYTES);
		struct sw_segment s;
		struct sw_pkt p;

		f.pkt_len = f.len;
		sw_parse_burst(&f, &p, 1);
		memset(b, 0, sizeof(b));
		memcpy(b + at, buf, p.l3_off);
		s = random_segment(&seed, b + at, p.l3_off, &p.tuple);
		f = (struct sw_frame){.data = b, .len = 10, .pkt_len = 10, .room = sizeof(b) - 10};
		ck_assert_int_eq(sw_build_segment(&f, &s), 0);
		check_built(&f, &s, &m, "l2 inside");
	}
}
END_TEST

/* Every size that is too small is refused and leaves the frame alone; the exact one is enough. */
START_TEST(too_small)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 300; i++) {
		uint64_t seed = base + i;
		const struct pkt_make m = random_packet(&seed);
		uint8_t buf[PKT_MAX], whole[SW_SEGMENT_MAX_BYTES];
		struct sw_frame f = {.data = buf, .len = (uint32_t)pkt_make(buf, sizeof(buf), &m)};
		struct sw_frame g = {.data = whole, .room = sizeof(whole)};
		struct sw_segment s;
		struct sw_pkt p;

		f.pkt_len = f.len;
		sw_parse_burst(&f, &p, 1);
		s = random_segment(&seed, buf, p.l3_off, &p.tuple);
		ck_assert_int_eq(sw_build_segment(&g, &s), 0);
		for (uint32_t cap = 0; cap <= g.len; cap++) {
			uint8_t *b = calloc(1, cap ? cap : 1);
			const uint32_t len = (uint32_t)(pkt_rand(&seed) % (cap + 1));
			struct sw_frame h = {.data = b,
				.len = len,
				.pkt_len = len + (cap & 1 ? 0 : 9),
				.room = (uint16_t)(cap - len),
				.handle = &f,
				.csum = 5};
			const struct sw_frame before = h;

			ck_assert_int_eq(sw_build_segment(&h, &s), cap < g.len ? -ENOBUFS : 0);
			if (cap < g.len) {
				ck_assert(memcmp(&h, &before, sizeof(h)) == 0);
				for (uint32_t k = 0; k < cap; k++)
					ck_assert_uint_eq(b[k], 0);
			} else {
				ck_assert(h.len == g.len && h.pkt_len == g.len && h.room == 0);
				ck_assert(memcmp(b, whole, g.len) == 0);
				ck_assert_ptr_eq(h.handle, &f);
			}
			free(b);
		}
	}
}
END_TEST

/* A long frame that shrinks by more than the room field can say. */
START_TEST(room_saturates)
{
	const struct pkt_make m = {.src_mac = {1}, .dst_mac = {2}};
	uint8_t syn[PKT_MAX], *b = calloc(1, 200000);
	struct sw_tuple t = {.cport_be = 0};
	struct sw_segment s = {
		.l2 = syn, .l2_len = 14, .tcp_flags = SW_TCP_RST, .tuple = &t, .opts = {NO}};
	struct sw_frame f = {.data = b, .len = 150000, .pkt_len = 150000, .room = 50000};

	pkt_make(syn, sizeof(syn), &m);
	ck_assert_int_eq(sw_build_segment(&f, &s), 0);
	ck_assert_uint_eq(f.len, 54);
	ck_assert_uint_eq(f.room, UINT16_MAX);
	free(b);
}
END_TEST

/* The EtherType is that of the addresses, whatever the header said that was copied. */
START_TEST(ethertype)
{
	const struct pkt_make m = {.src_mac = {4},
		.dst_mac = {2},
		.n_vlan = 1,
		.vlan_tci = {7},
		.vlan_tpid = {0x8100}};
	struct pkt_make want = m;
	uint8_t syn[PKT_MAX], b[SW_SEGMENT_MAX_BYTES];
	struct sw_tuple t = {.vlan_af = SW_TUPLE_IPV6 | 7};
	struct sw_segment s = {.l2 = syn, .l2_len = 18, .tuple = &t, .tcp_flags = SA, .opts = {NO}};
	struct sw_frame f = {.data = b, .room = sizeof(b)};

	want.v6 = true;
	pkt_make(syn, sizeof(syn), &m);
	ck_assert_int_eq(sw_build_segment(&f, &s), 0);
	check_built(&f, &s, &want, "ethertype");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("build");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, option_layouts, 0, SW_ARRAY_LEN(layouts));
	tcase_add_test(tc, in_place);
	tcase_add_test(tc, l2_inside);
	tcase_add_test(tc, too_small);
	tcase_add_test(tc, room_saturates);
	tcase_add_test(tc, ethertype);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_NOFORK);
}
