/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <string.h>

#include "cookie/cookie.h"
#include "unit/random_tuple.h"

#define WS_NONE 15

static const uint16_t mss_values[2][8] = {SW_COOKIE_MSS4_TABLE, SW_COOKIE_MSS6_TABLE};
static const uint8_t ws_values[8] = SW_COOKIE_WS_TABLE;

static void
random_keys(struct sw_keys *k, unsigned parity, uint64_t *s)
{
	for (unsigned i = 0; i < 2; i++) {
		k->slot[i].k1 = (struct sw_sipkey){pkt_rand(s), pkt_rand(s)};
		k->slot[i].k2 = (uint32_t)pkt_rand(s);
		k->slot[i].epoch = (pkt_rand(s) & ~1ull) | i;
	}
	k->parity = (uint8_t)parity;
}

/* What a class table holds that is nearest below x; the smallest where nothing is. */
static unsigned
naive_mss_class(unsigned mss, bool v6)
{
	unsigned best = 0;

	if (mss == 0)
		mss = v6 ? 1220 : 536;
	for (unsigned c = 0; c < 8; c++) {
		if (mss_values[v6][c] <= mss)
			best = c;
	}
	return best;
}

static unsigned
naive_ws_class(unsigned wscale)
{
	unsigned best = 0;

	for (unsigned c = 1; c < 8 && wscale != WS_NONE; c++) {
		if (ws_values[c] <= wscale)
			best = c;
	}
	return best;
}

/* The cookie by the pictures in format.h, byte by byte, with nothing of the library but the MAC. */
static struct sw_cookie_out
naive_issue(const struct sw_keys *k, uint64_t now_s, const struct sw_cookie_in *in)
{
	const struct sw_tuple *t = in->tuple;
	bool v6 = t->vlan_af >> 31;
	const struct sw_key_slot *slot = &k->slot[k->parity];
	unsigned first = v6 ? 0 : 12, n = 0, state, ts, clock;
	uint8_t msg[46];
	struct sw_cookie_out out;
	uint64_t mac;

	state = naive_mss_class(in->mss, v6) * 32 + naive_ws_class(in->wscale) * 4 + in->sack * 2 +
		k->parity;
	for (unsigned i = first; i < 16; i++)
		msg[n++] = t->server.b[i];
	for (unsigned i = first; v6 && i < 16; i++)
		msg[n++] = t->client.b[i];
	memcpy(msg + n, &t->sport_be, 2);
	memset(msg + n + 2, 0, 2);
	n += 4;
	for (unsigned i = first; !v6 && i < 16; i++)
		msg[n++] = t->client.b[i];
	for (unsigned i = 0; i < 4; i++)
		msg[n++] = (uint8_t)(in->client_isn >> (8 * i));
	memcpy(msg + n, &t->cport_be, 2);
	n += 2;
	msg[n++] = (uint8_t)state;
	for (unsigned i = 0; i < 3; i++)
		msg[n++] = (uint8_t)(t->vlan_af >> (8 * i));
	ck_assert_uint_eq(n, v6 ? 46 : 22);

	mac = sw_siphash(&slot->k1, msg, n);
	out.isn = (uint32_t)(mac >> 40) * 256 + ((state ^ (unsigned)(mac >> 40)) % 256);

	clock = now_s % 2048;
	ts = in->wscale * 2 + in->ecn;
	mac = (slot->k2 * (uint64_t)(clock * 32 + ts) + mac) % (1ull << 32) / 65536;
	out.tsval = clock * (1u << 21) + ((ts ^ (unsigned)mac) % 32) * 65536 + (uint32_t)mac;
	return out;
}

/* Computed with another implementation of SipHash (OpenSSL's) from the text of format.h. */
START_TEST(known_cookies)
{
	const struct sw_sipkey k1 = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
	const uint32_t k2 = 0x13121110;
	struct sw_keys k = {.slot = {{k1, k2, 0}, {k1, k2, 1}}};
	const struct sw_tuple t4 = {
		.client.b = {[12] = 203, 0, 113, 7},
		.server.b = {[12] = 192, 0, 2, 10},
		.cport_be = RTE_BE16(49152),
		.sport_be = RTE_BE16(443),
		.vlan_af = 100,
	};
	const struct sw_tuple t6 = {
		.client.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 7},
		.server.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x10},
		.cport_be = RTE_BE16(1024),
		.sport_be = RTE_BE16(80),
		.vlan_af = SW_TUPLE_IPV6 | 200 << SW_TUPLE_INNER_SHIFT | 100,
	};
	struct sw_cookie_in in4 = {&t4, 0x12345678, 1460, 7, true, true, true};
	struct sw_cookie_in in6 = {&t6, 0xfffffff0, 1420, WS_NONE, false, true, false};
	struct sw_cookie_out out;

	sw_cookie_issue_burst(&k, 1000000, &in4, &out, 1);
	ck_assert_uint_eq(out.isn, 0x51f466b0);
	ck_assert_uint_eq(out.tsval, 0x48123d1d);
	k.parity = 1;
	sw_cookie_issue_burst(&k, 2047, &in6, &out, 1);
	ck_assert_uint_eq(out.isn, 0xb9c4a908);
	ck_assert_uint_eq(out.tsval, 0xffed2d33);
}
END_TEST

/* One burst out and back: against the naive cookie, and every field that it carries. */
static void
round_trip(const struct sw_keys *k, uint64_t now_s, const struct sw_cookie_in *in, unsigned n,
	uint64_t seed)
{
	struct sw_cookie_out out[SW_BURST_MAX];
	struct sw_cookie_ack ack[SW_BURST_MAX];
	struct sw_cookie_state got[SW_BURST_MAX];

	sw_cookie_issue_burst(k, now_s, in, out, n);
	for (unsigned i = 0; i < n; i++) {
		ack[i].tuple = in[i].tuple;
		ack[i].client_isn = in[i].client_isn;
		ack[i].isn = out[i].isn;
	}
	memset(got, 0xff, sizeof(got));
	sw_cookie_verify_burst(k, ack, got, n);

	for (unsigned i = 0; i < n; i++) {
		bool v6 = sw_tuple_is_v6(in[i].tuple);
		struct sw_cookie_out want = naive_issue(k, now_s, &in[i]);
		struct sw_cookie_state *g = &got[i];

		ck_assert_msg(out[i].isn == want.isn, "seed %llu: isn %u of %u",
			(unsigned long long)seed, i, n);
		ck_assert_msg(
			g->valid, "seed %llu: %u of %u refused", (unsigned long long)seed, i, n);
		ck_assert_uint_eq(g->parity, k->parity);
		ck_assert_uint_eq(g->epoch, k->slot[k->parity].epoch);
		ck_assert_uint_eq(g->sack, in[i].sack);
		ck_assert_uint_eq(g->ecn, false);
		ck_assert_uint_eq(g->mss, mss_values[v6][naive_mss_class(in[i].mss, v6)]);
		ck_assert_uint_eq(g->mss, sw_cookie_mss_round(in[i].mss, v6));
		ck_assert_uint_eq(g->wscale, ws_values[naive_ws_class(in[i].wscale)]);
		ck_assert((g->wscale == WS_NONE) == (in[i].wscale == WS_NONE));
		if (!in[i].ts)
			continue;
		ck_assert_msg(out[i].tsval == want.tsval, "seed %llu: tsval %u of %u",
			(unsigned long long)seed, i, n);
		ck_assert(sw_cookie_verify_ts(k, out[i].tsval, g));
		ck_assert_uint_eq(g->wscale, in[i].wscale);
		ck_assert_uint_eq(g->ecn, in[i].ecn);
		ck_assert_uint_eq(g->sack, in[i].sack);
	}
}

/*
 * Every MSS class, scale, SACK, timestamps, ECN, parity and family; families alternate in a burst.
 */
START_TEST(every_option)
{
	struct sw_tuple tuple[SW_BURST_MAX];
	struct sw_cookie_in in[SW_BURST_MAX];
	uint64_t seed = 42, s = seed;
	unsigned n = 0;

	/* bits: 0 family, 1-3 MSS class, 4-7 scale, 8 SACK, 9 timestamps, 10 ECN, 11 parity */
	for (unsigned c = 0; c < 1u << 12; c++) {
		bool v6 = c & 1;
		struct sw_keys k;

		random_tuple(&tuple[n], v6, &s);
		in[n] = (struct sw_cookie_in){
			.tuple = &tuple[n],
			.client_isn = (uint32_t)pkt_rand(&s),
			.mss = mss_values[v6][c >> 1 & 7],
			.wscale = c >> 4 & 15,
			.sack = c >> 8 & 1,
			.ts = c >> 9 & 1,
			.ecn = c >> 10 & 1,
		};
		if (++n < SW_BURST_MAX)
			continue;
		random_keys(&k, c >> 11, &s);
		round_trip(&k, pkt_rand(&s), in, n, seed);
		n = 0;
	}
	ck_assert_uint_eq(n, 0);
}
END_TEST

/* Any offers, bursts of any size and mixture, the clock wherever it stands. */
START_TEST(random_bursts)
{
	struct sw_tuple tuple[SW_BURST_MAX];
	struct sw_cookie_in in[SW_BURST_MAX];

	for (uint64_t seed = 0; seed < 1300; seed++) {
		uint64_t s = seed;
		unsigned n = seed % (SW_BURST_MAX + 1);
		struct sw_keys k;

		random_keys(&k, pkt_rand(&s) & 1, &s);
		for (unsigned i = 0; i < n; i++) {
			random_tuple(&tuple[i], pkt_rand(&s) & 1, &s);
			in[i].tuple = &tuple[i];
			in[i].client_isn = (uint32_t)pkt_rand(&s);
			in[i].mss = (uint16_t)(pkt_rand(&s) % (pkt_rand(&s) & 1 ? 1600 : 65536));
			in[i].wscale = pkt_rand(&s) & 15;
			in[i].sack = pkt_rand(&s) & 1;
			in[i].ts = pkt_rand(&s) & 1;
			in[i].ecn = pkt_rand(&s) & 1;
		}
		round_trip(&k, pkt_rand(&s), in, n, seed);
	}
}
END_TEST

/* Each verdict belongs to its own ACK: good and bad ones of both families in one burst. */
START_TEST(mixed_verdicts)
{
	struct sw_tuple tuple[SW_BURST_MAX];
	struct sw_cookie_ack ack[SW_BURST_MAX];
	struct sw_cookie_state got[SW_BURST_MAX];

	for (uint64_t seed = 0; seed < 200; seed++) {
		uint64_t s = seed, bad = pkt_rand(&s);
		struct sw_keys k;

		random_keys(&k, seed & 1, &s);
		for (unsigned i = 0; i < SW_BURST_MAX; i++) {
			struct sw_cookie_in in = {.tuple = &tuple[i], .wscale = WS_NONE};
			struct sw_cookie_out out;

			random_tuple(&tuple[i], pkt_rand(&s) & 1, &s);
			in.client_isn = (uint32_t)pkt_rand(&s);
			sw_cookie_issue_burst(&k, 0, &in, &out, 1);
			ack[i].tuple = &tuple[i];
			ack[i].client_isn = in.client_isn;
			ack[i].isn = out.isn + (bad >> i & 1);
		}
		sw_cookie_verify_burst(&k, ack, got, SW_BURST_MAX);
		for (unsigned i = 0; i < SW_BURST_MAX; i++)
			ck_assert_msg(got[i].valid == !(bad >> i & 1), "seed %llu: %u",
				(unsigned long long)seed, i);
	}
}
END_TEST

/* Rounded down for every MSS, and no further than to the next class. */
START_TEST(mss_round)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		ck_assert_uint_eq(sw_cookie_mss_round(0, v6), v6 ? 1220 : 512);
		for (unsigned mss = 1; mss <= UINT16_MAX; mss++) {
			unsigned got = sw_cookie_mss_round((uint16_t)mss, v6);

			ck_assert_uint_eq(got, mss_values[v6][naive_mss_class(mss, v6)]);
			if (mss < 48)
				ck_assert_uint_eq(got, 48);
			else
				ck_assert_uint_le(got, mss);
		}
		for (unsigned c = 1; c < 8; c++)
			ck_assert_uint_lt(mss_values[v6][c - 1], mss_values[v6][c]);
	}
}
END_TEST

/*
 * PAWS at the client: a later SYN-ACK has the larger TSval,
 * from 1 s to 1,023 s apart, wrap and all.
 */
START_TEST(tsval_rises)
{
	struct sw_tuple tuple;
	uint64_t s = 5;
	struct sw_keys k;

	random_keys(&k, 0, &s);
	random_tuple(&tuple, false, &s);
	for (uint64_t now = 0; now < 4096; now += 13) {
		struct sw_cookie_in in = {.tuple = &tuple, .ts = true, .wscale = 7};
		struct sw_cookie_out a, b;

		in.client_isn = (uint32_t)pkt_rand(&s);
		sw_cookie_issue_burst(&k, now, &in, &a, 1);
		for (uint64_t later = 1; later < 1024; later += 7) {
			in.client_isn = (uint32_t)pkt_rand(&s);
			sw_cookie_issue_burst(&k, now + later, &in, &b, 1);
			ck_assert_int_gt((int32_t)(b.tsval - a.tsval), 0);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cookie");
	TCase *tc = tcase_create("cookie");

	tcase_add_test(tc, known_cookies);
	tcase_add_test(tc, every_option);
	tcase_add_test(tc, random_bursts);
	tcase_add_test(tc, mixed_verdicts);
	tcase_add_test(tc, mss_round);
	tcase_add_test(tc, tsval_rises);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
