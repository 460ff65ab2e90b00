/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Repair against a model that builds the packet that should come out from its description, with
 * pkt_make(), and never looks at the one that is repaired.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "splice/repair.h"
#include "unit/pkt_make.h"
#include "unit/shot.h"

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* True where a and b are the same but for the value of their checksums, which are right. */
static bool
same_packet(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t *x = pkt_dup(a, len), *y = pkt_dup(b, len);
	bool same;

	pkt_fix(x, len); /* 0x0000 and 0xffff are the same sum */
	pkt_fix(y, len);
	same = memcmp(x, y, len) == 0;
	free(x);
	free(y);
	return same;
}

/* A list of options and its description, for a model that does not parse. */
struct item {
	uint8_t kind, len;
	uint8_t bytes[40];
};

struct list {
	struct item items[40];
	unsigned n;
	uint8_t raw[40];
	size_t raw_len;
};

static void
add_item(struct list *l, uint64_t *seed, uint8_t kind, uint8_t len)
{
	struct item *it = &l->items[l->n];

	if (l->raw_len + len > sizeof(l->raw))
		return;
	it->kind = it->bytes[0] = kind;
	it->len = len;
	if (len > 1)
		it->bytes[1] = len;
	for (unsigned i = 2; i < len; i++)
		it->bytes[i] = (uint8_t)pkt_rand(seed);
	memcpy(l->raw + l->raw_len, it->bytes, len);
	l->raw_len += len;
	l->n++;
}

/* Options in any order, at any offset, repeated, unknown; NOPs between them, junk behind an EOL. */
static void
random_list(struct list *l, uint64_t *seed)
{
	memset(l, 0, sizeof(*l));
	for (unsigned n = (unsigned)(pkt_rand(seed) % 7); n > 0; n--) {
		switch (pkt_rand(seed) % 5) {
		case 0:
			add_item(l, seed, 8, 10);
			break;
		case 1:
		case 2:
			add_item(l, seed, 5, (uint8_t)(2 + 8 * (1 + pkt_rand(seed) % 4)));
			break;
		case 3:
			add_item(l, seed, 253, (uint8_t)(2 + pkt_rand(seed) % 20));
			break;
		default:
			add_item(l, seed, 1, 1);
			break;
		}
	}
	if (pkt_rand(seed) % 8 == 0 && l->raw_len < 36) {
		l->raw[l->raw_len++] = 0;
		l->raw[l->raw_len++] = 5; /* would overrun, if it were read */
		l->raw[l->raw_len++] = 200;
	}
}

/* NOPs in place of options. */
static void
model_blank(const struct list *l, bool ts, bool sack, uint8_t *out)
{
	size_t at = 0;

	memcpy(out, l->raw, l->raw_len);
	for (unsigned i = 0; i < l->n; at += l->items[i++].len)
		if ((l->items[i].kind == 8 && ts) || (l->items[i].kind == 5 && sack))
			memset(out + at, 1, l->items[i].len);
}

/*
 * The list with a timestamp: too long, the last block of the last SACK goes, one at a time. Returns
 * its length, 0 where it stays too long.
 */
static size_t
model_insert(struct list l, uint32_t tsval, uint8_t out[40])
{
	const size_t old_len = (l.raw_len + 3) / 4 * 4;
	size_t n;

	for (;;) {
		struct item *last = NULL;

		n = 12;
		for (unsigned i = 0; i < l.n; i++) {
			struct item *it = &l.items[i];

			if (it->kind == 1 || it->kind == 8 || it->len == 0)
				continue;
			if (it->kind == 5)
				last = it;
			n += it->len;
		}
		if (n <= 40)
			break;
		if (last == NULL)
			return 0;
		last->len = last->len == 10 ? 0 : (uint8_t)(last->len - 8);
		last->bytes[1] = last->len;
	}
	memcpy(out, (uint8_t[]){1, 1, 8, 10}, 4);
	put32(out + 4, tsval);
	put32(out + 8, 0);
	n = 12;
	for (unsigned i = 0; i < l.n; i++) {
		if (l.items[i].kind == 1 || l.items[i].kind == 8)
			continue;
		memcpy(out + n, l.items[i].bytes, l.items[i].len);
		n += l.items[i].len;
	}
	for (; n < old_len || n % 4 != 0; n++)
		out[n] = 1;
	return n;
}

static unsigned
tcp_csum(const uint8_t *packet, size_t l4_off)
{
	return (unsigned)packet[l4_off + 16] << 8 | packet[l4_off + 17];
}

/*
 * The packet is `want` by now, but for its TCP checksum, which is too large by wrong_by in ones'
 * complement, as it was before.
 */
static void
expect(const struct shot *s, const uint8_t *want, size_t want_len, unsigned wrong_by, uint64_t at)
{
	uint8_t *now = whole_packet(s);
	struct pkt_seen seen;

	ck_assert_msg(s->frame.pkt_len == want_len, "seed %#lx: %u bytes", at, s->frame.pkt_len);
	ck_assert_msg(s->frame.len + s->rest_len == want_len, "seed %#lx: length", at);
	ck_assert_msg(pkt_read(now, want_len, &seen), "seed %#lx: not a packet any more", at);
	ck_assert_msg(seen.ip_ok, "seed %#lx: IPv4 header checksum", at);
	ck_assert_msg(seen.tcp_ok == (wrong_by == 0), "seed %#lx: TCP checksum", at);
	ck_assert_msg(tcp_csum(now, seen.l4_off) % 65535 ==
			      (tcp_csum(want, seen.l4_off) + wrong_by) % 65535,
		"seed %#lx: TCP checksum is wrong in another way", at);
	ck_assert_msg(same_packet(now, want, want_len), "seed %#lx: other bytes", at);
	ck_assert_msg(s->pkt.l3_off == seen.l3_off && s->pkt.l4_off == seen.l4_off,
		"seed %#lx: offsets", at);
	ck_assert_msg(s->pkt.pay_off == seen.l4_off + 20 + seen.opts_len &&
			      s->pkt.pay_len == seen.payload_len,
		"seed %#lx: payload", at);
	free(now);
}

/* Makes the TCP checksum of a packet wrong. Returns by how much, in ones' complement. */
static unsigned
spoil(uint8_t *packet, size_t len, uint64_t *seed)
{
	struct pkt_seen seen;
	unsigned right;

	ck_assert(pkt_read(packet, len, &seen));
	right = tcp_csum(packet, seen.l4_off);
	packet[seen.l4_off + 16 + (pkt_rand(seed) & 1)] ^= 1u << pkt_rand(seed) % 8;
	return (tcp_csum(packet, seen.l4_off) + 65535 - right) % 65535;
}

START_TEST(to_server_against_model)
{
	uint64_t seed = pkt_seed();
	uint8_t payload[64] = {1, 2, 3, 4, 5, 6, 7};
	unsigned congested = 0, cleared = 0, capped = 0;

	for (int round = 0; round < 20000; round++) {
		const uint64_t at = seed;
		uint8_t buf[PKT_MAX], want[PKT_MAX], opts[40];
		struct list l;
		struct shot s;

		random_list(&l, &seed);
		struct pkt_make m = shot_segment(&seed, l.raw, l.raw_len, payload), w = m;
		struct sw_flow f = {.flags = (uint8_t)pkt_rand(&seed) & SW_FLOW_REPAIR,
			.wscale_client = (uint8_t)(pkt_rand(&seed) % 15)};
		const bool ae = pkt_rand(&seed) % 4 == 0, bad = pkt_rand(&seed) % 8 == 0;
		const bool no_ecn = f.flags & SW_FLOW_NO_ECN;
		const size_t cut = pkt_rand(&seed) % 4 ? SIZE_MAX : pkt_rand(&seed) % 64;
		size_t len = shot_make(buf, &m, ae);

		unsigned wrong_by = bad ? spoil(buf, len, &seed) : 0;

		shoot(&s, buf, len, 0, cut);
		if (pkt_rand(&seed) % 4 == 0)
			s.pkt.kind = s.pkt_before.kind = SW_PKT_FIRST; /* all is done in place */

		enum sw_drop drop = sw_repair_to_server(&f, &s.pkt);

		if (no_ecn && (m.tos & 3) == 3) {
			congested++;
			ck_assert_msg(drop == SW_DROP_CONGESTED, "seed %#lx: %d", at, drop);
			ck_assert_msg(untouched(&s), "seed %#lx: written", at);
			shot_free(&s);
			continue;
		}
		ck_assert_msg(drop == SW_DROP_NONE, "seed %#lx: %d", at, drop);
		model_blank(&l, f.flags & SW_FLOW_TS_MADE, f.flags & SW_FLOW_NO_SACK, opts);
		w.opts = opts;
		if (no_ecn) {
			cleared += (m.tos & 3) != 0;
			w.tos &= 0xfc;
		}
		if (f.flags & SW_FLOW_NO_WSCALE && !(m.flags & SW_TCP_SYN)) {
			uint64_t window = (uint64_t)m.window << f.wscale_client;

			capped += window > 65535;
			w.window = window > 65535 ? 65535 : (uint16_t)window;
		}
		expect(&s, want, shot_make(want, &w, ae), wrong_by, at);
		ck_assert_msg(s.frame.data == s.frame_before.data, "seed %#lx: moved", at);
		shot_free(&s);
	}
	ck_assert_uint_gt(congested, 100);
	ck_assert_uint_gt(cleared, 100);
	ck_assert_uint_gt(capped, 100);
}
END_TEST

START_TEST(to_client_against_model)
{
	uint64_t seed = pkt_seed();
	uint8_t payload[64] = {1, 2, 3, 4, 5, 6, 7};
	unsigned full = 0, no_room = 0, grown[13] = {0};

	for (int round = 0; round < 20000; round++) {
		const uint64_t at = seed;
		uint8_t buf[PKT_MAX], want[PKT_MAX], opts[40];
		struct list l;
		struct shot s;

		random_list(&l, &seed);
		struct pkt_make m = shot_segment(&seed, l.raw, l.raw_len, payload), w = m;
		struct sw_flow f = {
			.flags = SW_FLOW_TS_MADE, .ts_delta = (uint32_t)pkt_rand(&seed)};
		const uint32_t now_ms = (uint32_t)pkt_rand(&seed);
		const bool ae = pkt_rand(&seed) % 4 == 0, bad = pkt_rand(&seed) % 8 == 0;
		const size_t cut = pkt_rand(&seed) % 4 ? SIZE_MAX : pkt_rand(&seed) % 64;
		const unsigned headroom = (unsigned)(pkt_rand(&seed) % 16);
		const bool plain = m.flags & (SW_TCP_SYN | SW_TCP_RST);
		const size_t old_len = (l.raw_len + 3) / 4 * 4;
		size_t len = shot_make(buf, &m, ae), n = old_len;

		if (!plain) {
			n = model_insert(l, now_ms + f.ts_delta, opts);
			w.opts = opts;
			w.opts_len = n;
			if (m.pad_to == len)
				w.pad_to += n - old_len; /* padding stays as long as it was */
		}
		unsigned wrong_by = bad ? spoil(buf, len, &seed) : 0;

		shoot(&s, buf, len, headroom, cut);

		enum sw_drop drop = sw_repair_to_client(&f, &s.pkt, now_ms);
		const bool fits = plain || n > 0;

		if (!fits || n - old_len > headroom) {
			full += !fits;
			no_room += fits;
			ck_assert_msg(drop == SW_DROP_NO_ROOM, "seed %#lx: %d", at, drop);
			ck_assert_msg(untouched(&s), "seed %#lx: written", at);
		} else {
			ck_assert_msg(drop == SW_DROP_NONE, "seed %#lx: %d", at, drop);
			expect(&s, want, shot_make(want, &w, ae), wrong_by, at);
			ck_assert_msg(s.frame.data == s.frame_before.data - (n - old_len) &&
					      s.frame.headroom == headroom - (n - old_len),
				"seed %#lx: headroom", at);
			grown[n - old_len] += !plain;
		}
		shot_free(&s);
	}
	ck_assert_uint_gt(full, 100);
	ck_assert_uint_gt(no_room, 100);
	for (unsigned i = 0; i <= 12; i += 4)
		ck_assert_msg(grown[i] > 100, "by %u bytes: %u times", i, grown[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("repair");
	TCase *c = tcase_create("repair");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, to_server_against_model);
	tcase_add_test(c, to_client_against_model);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
