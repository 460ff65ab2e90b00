/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cutting segments against a model that builds each piece from its description with pkt_make().
 * Frames lie in heap blocks of exactly their size.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "splice/repair.h"
#include "unit/pkt_make.h"
#include "unit/shot.h"

#define PIECES_MAX 512

/* Counts the pieces one by one: as much as may be, until nothing is left. */
static unsigned
model_count(const struct pkt_make *m, uint32_t limit)
{
	const size_t opts = (m->opts_len + 3) / 4 * 4;
	size_t left = m->payload_len;
	unsigned n = 0;

	if (m->flags & (SW_TCP_SYN | SW_TCP_RST) || opts + left <= limit)
		return 1;
	if (opts >= limit)
		return 0;
	for (; left > 0; n++)
		left -= left < limit - opts ? left : limit - opts;
	return n;
}

/* Piece i of n of the packet m. */
static struct pkt_make
model_piece(const struct pkt_make *m, uint32_t limit, unsigned i, unsigned n)
{
	const uint32_t chunk = limit - (uint32_t)((m->opts_len + 3) / 4 * 4), at = i * chunk;
	struct pkt_make w = *m;

	w.payload = m->payload + at;
	w.payload_len = i + 1 == n ? m->payload_len - at : chunk;
	w.pad_to = 0;
	w.seq = m->seq + at;
	if (i > 0)
		w.flags &= ~0x80;
	if (i + 1 < n)
		w.flags &= ~(0x01 | 0x08);
	if (i > 0 && m->flags & 0x20) {
		if (m->urgent > at) {
			w.urgent = (uint16_t)(m->urgent - at);
		} else {
			w.urgent = 0;
			w.flags &= ~0x20;
		}
	}
	if (!(m->frag & 0x4000))
		w.ip_id = (uint16_t)(m->ip_id + i);
	return w;
}

/*
 * Empty frames of exactly the size that each piece takes; of every other one a part counts as len,
 * which is as much room.
 */
static void
make_frames(struct sw_frame *more, const struct shot *s, uint32_t limit, unsigned n)
{
	const uint32_t opts = s->pkt.pay_off - s->pkt.l4_off - 20u;

	for (unsigned i = 1; i < n; i++) {
		uint32_t pay = limit - opts;

		if (i + 1 == n)
			pay = s->pkt.pay_len - i * pay;
		const uint32_t size = s->pkt.pay_off + pay;

		more[i - 1] = (struct sw_frame){.data = malloc(size),
			.handle = &more[i - 1],
			.len = i % 2 ? 0 : 20,
			.room = (uint16_t)(size - (i % 2 ? 0 : 20))};
		ck_assert_ptr_nonnull(more[i - 1].data);
		memset(more[i - 1].data, 0xee, size);
	}
}

static void
free_frames(struct sw_frame *more, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		free(more[i - 1].data);
}

/* Cuts the packet of m and compares every piece with the model's. */
static void
cut_and_compare(const struct pkt_make *m, uint32_t limit, bool ae, uint64_t at)
{
	static struct sw_frame more[PIECES_MAX];
	uint8_t *buf = malloc(PKT_MAX), *want = malloc(PKT_MAX);
	const unsigned n = model_count(m, limit);
	size_t len = shot_make(buf, m, ae);
	struct shot s;

	shoot(&s, buf, len, 0, SIZE_MAX);
	ck_assert_msg(n <= PIECES_MAX, "seed %#lx: too many for this test", at);
	ck_assert_msg(sw_split_count(&s.pkt, limit) == n, "seed %#lx: limit %u: %u pieces, not %u",
		at, limit, sw_split_count(&s.pkt, limit), n);
	make_frames(more, &s, limit, n);
	ck_assert_msg(sw_split(&s.pkt, limit, more, n) == (n > 0), "seed %#lx", at);
	if (n < 2)
		ck_assert_msg(untouched(&s), "seed %#lx: written", at);
	for (unsigned i = 0; i < n && n > 1; i++) {
		const struct sw_frame *f = i ? &more[i - 1] : &s.frame;
		struct pkt_make w = model_piece(m, limit, i, n);
		const size_t want_len = shot_make(want, &w, ae);

		ck_assert_msg(f->len == want_len && f->pkt_len == want_len,
			"seed %#lx: piece %u of %u: %u bytes, not %zu", at, i, n, f->len, want_len);
		ck_assert_msg(memcmp(f->data, want, want_len) == 0, "seed %#lx: piece %u of %u", at,
			i, n);
		ck_assert_msg(f->side == s.frame_before.side, "seed %#lx: side", at);
		ck_assert_msg(i ? f->handle == f && f->room == 0
				: f->handle == &s && f->len + f->room == s.frame_before.len,
			"seed %#lx: piece %u: frame", at, i);
	}
	if (n > 1) {
		struct pkt_make w = model_piece(m, limit, 0, n);

		ck_assert_msg(s.pkt.pay_len == w.payload_len && s.pkt.tcp_flags == w.flags,
			"seed %#lx: not in step", at);
	}
	free_frames(more, n);
	shot_free(&s);
	free(buf);
	free(want);
}

START_TEST(against_model)
{
	uint64_t seed = pkt_seed();
	uint8_t payload[1500];

	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)pkt_rand(&seed);
	for (int round = 0; round < 20000; round++) {
		const uint64_t at = seed;
		uint8_t opts[40];

		for (unsigned i = 0; i < sizeof(opts); i++)
			opts[i] = (uint8_t)pkt_rand(&seed); /* copied, whatever they are */

		struct pkt_make m = shot_segment(&seed, opts, pkt_rand(&seed) % 41, payload);

		m.payload_len = pkt_rand(&seed) % (sizeof(payload) + 1);
		m.urgent = (uint16_t)(pkt_rand(&seed) % 2000);
		if (pkt_rand(&seed) % 4 == 0)
			m.seq = (uint32_t) - (pkt_rand(&seed) % 1500); /* wraps */
		/* Limits of all sizes; small ones for short payloads, so that pieces stay few. */
		uint32_t limit = 44 + (uint32_t)(pkt_rand(&seed) % 1600);

		if (m.payload_len < 400)
			limit = (uint32_t)(pkt_rand(&seed) % 60);
		cut_and_compare(&m, limit, pkt_rand(&seed) % 4 == 0, at);
	}
}
END_TEST

/* Each limit with and without Ethernet padding, which is no payload. */
START_TEST(count_bounds)
{
	static const uint8_t zero[200];
	static const struct {
		const char *what;
		uint8_t flags, opts_len;
		uint32_t payload, limit;
		unsigned n;
	} cases[] = {
		{"limit exactly met", SW_TCP_ACK, 12, 100, 112, 1},
		{"one more: a last piece of one byte", SW_TCP_ACK, 12, 101, 112, 2},
		{"two full pieces", SW_TCP_ACK, 12, 200, 112, 2},
		{"and one byte", SW_TCP_ACK, 12, 201 - 12, 106, 3},
		{"pieces of one byte", SW_TCP_ACK, 12, 100, 13, 100},
		{"options alone take the limit", SW_TCP_ACK, 12, 100, 12, 0},
		{"and more", SW_TCP_ACK, 12, 100, 11, 0},
		{"limit 0", SW_TCP_ACK, 0, 100, 0, 0},
		{"nothing to cut", SW_TCP_ACK, 12, 0, 12, 1},
		{"nothing to cut, and options beyond", SW_TCP_ACK, 12, 0, 11, 0},
		{"nothing at all", SW_TCP_ACK, 0, 0, 0, 1},
		{"SYN", SW_TCP_SYN, 12, 100, 50, 1},
		{"SYN-ACK", SW_TCP_SYN | SW_TCP_ACK, 12, 100, 5, 1},
		{"RST", SW_TCP_RST | SW_TCP_ACK, 12, 100, 50, 1},
		{"no limit", SW_TCP_ACK, 12, 100, UINT32_MAX, 1},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		for (unsigned padded = 0; padded < 2; padded++) {
			struct pkt_make m = {.src = {10},
				.dst = {11},
				.flags = cases[i].flags,
				.opts = zero,
				.opts_len = cases[i].opts_len,
				.payload = zero,
				.payload_len = cases[i].payload,
				.pad_to = padded ? 300 : 0};
			uint8_t buf[PKT_MAX];
			struct shot s;

			shoot(&s, buf, pkt_make(buf, sizeof(buf), &m), 0, SIZE_MAX);
			ck_assert_msg(sw_split_count(&s.pkt, cases[i].limit) == cases[i].n,
				"%s: %u", cases[i].what, sw_split_count(&s.pkt, cases[i].limit));
			shot_free(&s);
			cut_and_compare(&m, cases[i].limit, false, i);
		}
	}
}
END_TEST

/* What is not whole and in one piece cannot be cut; where it fits as it is, it need not be. */
START_TEST(not_in_one_piece)
{
	static const uint8_t zero[200];
	struct pkt_make m = {
		.src = {10}, .dst = {11}, .flags = SW_TCP_ACK, .payload = zero, .payload_len = 100};
	uint8_t buf[PKT_MAX];
	size_t len = pkt_make(buf, sizeof(buf), &m);
	struct shot s;

	shoot(&s, buf, len, 0, 99);
	ck_assert_uint_eq(sw_split_count(&s.pkt, 100), 1);
	ck_assert_uint_eq(sw_split_count(&s.pkt, 99), 0);
	ck_assert(!sw_split(&s.pkt, 99, NULL, 0));
	ck_assert(untouched(&s));
	shot_free(&s);

	shoot(&s, buf, len, 0, SIZE_MAX);
	s.pkt.kind = SW_PKT_FIRST;
	ck_assert_uint_eq(sw_split_count(&s.pkt, 100), 1);
	ck_assert_uint_eq(sw_split_count(&s.pkt, 99), 0);
	shot_free(&s);
}
END_TEST

/* The pointer at each byte of three pieces, before, at and behind each cut. */
START_TEST(urgent_in_each_piece)
{
	static const uint8_t zero[200];

	for (unsigned v6 = 0; v6 < 2; v6++) {
		for (unsigned urgent = 0; urgent < 40; urgent++) {
			struct pkt_make m = {.v6 = v6,
				.src = {10},
				.dst = {11},
				.ip_id = 0xffff,
				.seq = 0xfffffff5,
				.urgent = (uint16_t)urgent,
				.flags = SW_TCP_ACK | SW_TCP_URG | SW_TCP_PSH | SW_TCP_FIN |
					 SW_TCP_CWR,
				.payload = zero,
				.payload_len = 30};

			cut_and_compare(&m, 10, false, urgent);
		}
	}
}
END_TEST

/* One byte too few in any of the frames: nothing is written, neither there nor elsewhere. */
START_TEST(frame_too_small)
{
	uint8_t payload[95];
	struct pkt_make m = {.src = {10},
		.dst = {11},
		.flags = SW_TCP_ACK | SW_TCP_FIN,
		.payload = payload,
		.payload_len = sizeof(payload)};
	uint8_t buf[PKT_MAX];

	memset(payload, 7, sizeof(payload));
	for (unsigned small = 0; small < 3; small++) {
		struct sw_frame more[3], before[3];
		size_t len = pkt_make(buf, sizeof(buf), &m);
		struct shot s;

		shoot(&s, buf, len, 0, SIZE_MAX);
		ck_assert_uint_eq(sw_split_count(&s.pkt, 30), 4);
		make_frames(more, &s, 30, 4);
		more[small].room--;
		memcpy(before, more, sizeof(more));
		ck_assert(!sw_split(&s.pkt, 30, more, 4));
		ck_assert(untouched(&s));
		ck_assert_mem_eq(before, more, sizeof(more));
		for (unsigned i = 0; i < 3; i++)
			for (unsigned k = 0; k < more[i].len + more[i].room; k++)
				ck_assert_uint_eq(more[i].data[k], 0xee);
		more[small].room++;
		ck_assert(sw_split(&s.pkt, 30, more, 4));
		for (unsigned i = 0; i < 3; i++)
			ck_assert(pkt_check(more[i].data, more[i].len));
		free_frames(more, 4);
		shot_free(&s);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("split");
	TCase *c = tcase_create("split");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, against_model);
	tcase_add_test(c, count_bounds);
	tcase_add_test(c, not_in_one_piece);
	tcase_add_test(c, urgent_in_each_piece);
	tcase_add_test(c, frame_too_small);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
