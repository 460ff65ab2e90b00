/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the cookie refuses. A MAC of this size lets one forgery in 2^24 (of the timestamp alone,
 * 2^16) pass. All seeds are fixed, so that no test is a matter of luck: either none of those is
 * among the tries, or they are counted.
 */
#include <check.h>
#include <string.h>

#include "cookie/cookie.h"
#include "unit/random_tuple.h"

/* The budget: 2^8 ISNs of 2^32 are right for a connection, 2^24 of the 2^64 ISN and TSval pairs. */
static_assert(SW_COOKIE_MAC1_BITS == 24 && SW_COOKIE_STATE_BITS == 8, "2^-24 a guess");
static_assert(SW_COOKIE_MAC1_BITS + SW_COOKIE_MAC2_BITS == 40, "2^-40 with timestamps");
static_assert(64 - SW_COOKIE_STATE_BITS - SW_COOKIE_CLOCK_BITS - SW_COOKIE_TS_BITS == 40,
	"and nothing else is in the 64 bits");

#define COOKIES 64

static struct sw_tuple tuples[COOKIES];
static struct sw_cookie_in ins[COOKIES];
static struct sw_cookie_out outs[COOKIES];
static struct sw_keys keys;
static const uint64_t seed = 2024;

static void
random_ins(uint64_t *s)
{
	for (unsigned i = 0; i < COOKIES; i++) {
		random_tuple(&tuples[i], i & 1, s);
		ins[i] = (struct sw_cookie_in){
			.tuple = &tuples[i],
			.client_isn = (uint32_t)pkt_rand(s),
			.mss = (uint16_t)pkt_rand(s),
			.wscale = pkt_rand(s) & 15,
			.sack = pkt_rand(s) & 1,
			.ts = true,
			.ecn = pkt_rand(s) & 1,
		};
	}
}

/*
 * 64 good cookies of both families with random options, half of the tests' runs with each parity.
 */
static void
setup(void)
{
	uint64_t s = seed;

	for (unsigned i = 0; i < 2; i++) {
		keys.slot[i].k1 = (struct sw_sipkey){pkt_rand(&s), pkt_rand(&s)};
		keys.slot[i].k2 = (uint32_t)pkt_rand(&s);
		keys.slot[i].epoch = 100 + i;
	}
	random_ins(&s);
	for (unsigned i = 0; i < COOKIES; i++) {
		keys.parity = i >> 1 & 1;
		sw_cookie_issue_burst(&keys, 12345, &ins[i], &outs[i], 1);
	}
}

static bool
judge(const struct sw_tuple *t, uint32_t client_isn, uint32_t isn, struct sw_cookie_state *state)
{
	struct sw_cookie_ack ack = {t, client_isn, isn};

	sw_cookie_verify_burst(&keys, &ack, state, 1);
	return state->valid;
}

static void
expect_refused(unsigned i, const struct sw_tuple *t, uint32_t client_isn, uint32_t isn,
	const char *what, unsigned bit)
{
	struct sw_cookie_state state;

	ck_assert_msg(judge(&tuples[i], ins[i].client_isn, outs[i].isn, &state),
		"seed %llu: cookie %u itself is refused", (unsigned long long)seed, i);
	ck_assert_msg(!judge(t, client_isn, isn, &state), "seed %llu: cookie %u passes, %s %u",
		(unsigned long long)seed, i, what, bit);
}

START_TEST(isn_bits)
{
	for (unsigned i = 0; i < COOKIES; i++) {
		for (unsigned bit = 0; bit < 32; bit++)
			expect_refused(i, &tuples[i], ins[i].client_isn, outs[i].isn ^ 1u << bit,
				"isn bit", bit);
	}
}
END_TEST

/* The MAC kept as it is, the state beside it rewritten to every other: MSS, scale, SACK, parity. */
START_TEST(state_rewritten)
{
	for (unsigned i = 0; i < COOKIES; i++) {
		for (unsigned x = 1; x < 256; x++) {
			uint32_t forged = outs[i].isn ^ x;

			ck_assert_uint_eq(
				sw_cookie_isn_mac(forged), sw_cookie_isn_mac(outs[i].isn));
			ck_assert_uint_eq(
				sw_cookie_isn_state(forged), sw_cookie_isn_state(outs[i].isn) ^ x);
			expect_refused(i, &tuples[i], ins[i].client_isn, forged, "state ^", x);
		}
	}
}
END_TEST

/* A later segment does not stand for the first: neither by its own number nor by both. */
START_TEST(client_isn)
{
	for (unsigned i = 0; i < COOKIES; i++) {
		for (unsigned bit = 0; bit < 32; bit++)
			expect_refused(i, &tuples[i], ins[i].client_isn ^ 1u << bit, outs[i].isn,
				"client isn bit", bit);
		for (uint32_t d = 1; d < 2000; d++) {
			struct sw_cookie_state state;

			ck_assert(!judge(&tuples[i], ins[i].client_isn + d, outs[i].isn, &state));
			ck_assert(
				!judge(&tuples[i], ins[i].client_isn + d, outs[i].isn + d, &state));
		}
	}
}
END_TEST

START_TEST(tuple_bits)
{
	for (unsigned i = 0; i < COOKIES; i++) {
		bool v6 = sw_tuple_is_v6(&tuples[i]);

		/*
		 * Addresses, ports, VLAN ids and the family bit; for IPv4 not the zeros before it.
		 */
		for (unsigned bit = 0; bit < 8 * sizeof(struct sw_tuple); bit++) {
			unsigned byte = bit / 8;
			struct sw_tuple t = tuples[i];

			if ((!v6 && (byte < 12 || (byte >= 16 && byte < 28))) ||
				(byte == 39 && bit % 8 != 7))
				continue;
			((uint8_t *)&t)[byte] ^= (uint8_t)(1u << bit % 8);
			expect_refused(i, &t, ins[i].client_isn, outs[i].isn, "tuple bit", bit);
		}
		struct sw_tuple t = tuples[i];

		t.client = tuples[i].server;
		t.server = tuples[i].client;
		expect_refused(i, &t, ins[i].client_isn, outs[i].isn, "ends exchanged", 0);
		t = tuples[i];
		t.cport_be = tuples[i].sport_be;
		t.sport_be = tuples[i].cport_be;
		expect_refused(i, &t, ins[i].client_isn, outs[i].isn, "ports exchanged", 0);
	}
}
END_TEST

/* 64 cookies x 32 bits x 2^-16: 0.03 forgeries would be expected of random seeds. */
START_TEST(tsecr_bits)
{
	for (unsigned i = 0; i < COOKIES; i++) {
		struct sw_cookie_state good, s;

		ck_assert(judge(&tuples[i], ins[i].client_isn, outs[i].isn, &good));
		for (unsigned bit = 0; bit < 32; bit++) {
			s = good;
			ck_assert_msg(!sw_cookie_verify_ts(&keys, outs[i].tsval ^ 1u << bit, &s),
				"seed %llu: cookie %u, tsecr bit %u", (unsigned long long)seed, i,
				bit);
			/* A refused timestamp leaves nothing of itself behind. */
			ck_assert_uint_eq(s.wscale, good.wscale);
			ck_assert_uint_eq(s.ecn, good.ecn);
		}
		/* The TSval of another connection, and the same under the other slot's key. */
		s = good;
		ck_assert(!sw_cookie_verify_ts(&keys, outs[(i + 4) % COOKIES].tsval, &s));
		s = good;
		s.parity ^= 1;
		ck_assert(!sw_cookie_verify_ts(&keys, outs[i].tsval, &s));
		s = good;
		ck_assert(sw_cookie_verify_ts(&keys, outs[i].tsval, &s));
		ck_assert_uint_eq(s.wscale, ins[i].wscale);
		ck_assert_uint_eq(s.ecn, ins[i].ecn);
	}
}
END_TEST

/* A TSval of one connection with the ISN of another: 2^19 tries, 8 are due. */
START_TEST(tsecr_of_another)
{
	unsigned passed = 0;
	uint64_t s = seed;

	for (unsigned turn = 0; turn < (1u << 19) / COOKIES; turn++) {
		if (turn % COOKIES == 0)
			random_ins(&s);
		sw_cookie_issue_burst(&keys, turn, ins, outs, COOKIES);
		for (unsigned i = 0; i < COOKIES; i++) {
			const unsigned ahead = 1 + (unsigned)(pkt_rand(&s) % (COOKIES - 1));
			struct sw_cookie_state got;

			ck_assert(judge(&tuples[i], ins[i].client_isn, outs[i].isn, &got));
			passed +=
				sw_cookie_verify_ts(&keys, outs[(i + ahead) % COOKIES].tsval, &got);
		}
	}
	ck_assert_msg(passed <= 32, "seed %llu: %u passed", (unsigned long long)seed, passed);
}
END_TEST

/*
 * Who has seen one TSval and does not know k2: what it says is changed by a difference of his
 * choice, and its MAC by one that suits it best. 2^17 keys for each: 2 are due, at most twice that
 * where a carry helps.
 */
START_TEST(tsecr_rewritten)
{
	static const struct {
		uint32_t x, mac; /* differences */
	} tries[] = {{1, 0}, {2, 0}, {0xfffe, 0}, {32, 0}, {0xffe0, 0}, {1u << 15, 0},
		{1u << 15, 1u << 15}, {1, 1}, {1u << 14, 1u << 14}};
	uint64_t s = seed;

	for (unsigned t = 0; t < SW_ARRAY_LEN(tries); t++) {
		unsigned passed = 0;

		for (unsigned k = 0; k < 1u << 17; k++) {
			const unsigned i = k % COOKIES;
			struct sw_cookie_state got = {.mac = pkt_rand(&s)};
			uint32_t k2 = (uint32_t)pkt_rand(&s), x, seen;

			keys.slot[0].k2 = k2;
			x = (k % 2048) << 5 | (uint32_t)ins[i].wscale << 1 | ins[i].ecn;
			seen = sw_cookie_mac2(got.mac, k2, x >> 5, x & 31);
			x = (x + tries[t].x) & 0xffff;
			passed += sw_cookie_verify_ts(&keys,
				sw_cookie_tsval_pack(
					x >> 5, x & 31, (seen + tries[t].mac) & 0xffff),
				&got);
		}
		ck_assert_msg(passed <= 20, "seed %llu: try %u passed %u times",
			(unsigned long long)seed, t, passed);
	}
}
END_TEST

/*
 * Accepted across one rotation, refused after two, timestamps too:
 * whenever in its epoch it was made.
 */
START_TEST(rotation)
{
	const struct sw_master master = {{{1, 2}, {3, 4}}};
	const uint64_t len = SW_EPOCH_DEFAULT_S, start = 777 * len;

	for (uint64_t into = 0; into < len; into++) {
		struct sw_cookie_ack ack[COOKIES];
		struct sw_cookie_state got[COOKIES];

		sw_keys_derive(&keys, &master, start + into, (uint32_t)len);
		sw_cookie_issue_burst(&keys, start + into, ins, outs, COOKIES);
		for (unsigned i = 0; i < COOKIES; i++)
			ack[i] = (struct sw_cookie_ack){&tuples[i], ins[i].client_isn, outs[i].isn};

		sw_keys_derive(&keys, &master, start + len, (uint32_t)len);
		sw_cookie_verify_burst(&keys, ack, got, COOKIES);
		for (unsigned i = 0; i < COOKIES; i++) {
			ck_assert(got[i].valid);
			ck_assert_uint_eq(got[i].epoch, 777);
			ck_assert(sw_cookie_verify_ts(&keys, outs[i].tsval, &got[i]));
		}
		sw_keys_derive(&keys, &master, start + 2 * len, (uint32_t)len);
		sw_cookie_verify_burst(&keys, ack, got, COOKIES);
		for (unsigned i = 0; i < COOKIES; i++)
			ck_assert(!got[i].valid);
	}
}
END_TEST

/*
 * A million ACKs of an attacker who knows the format but not the key. 10^6 / 2^24 = 0.06 would be
 * accepted on average; of these none is.
 */
START_TEST(blind_guesses)
{
	uint64_t s = 20240607, accepted = 0;

	for (unsigned done = 0; done < 1000000; done += COOKIES) {
		struct sw_cookie_ack ack[COOKIES];
		struct sw_cookie_state got[COOKIES];

		for (unsigned i = 0; i < COOKIES; i++) {
			tuples[i].cport_be = (uint16_t)pkt_rand(&s);
			tuples[i].client.w_be[3] = (uint32_t)pkt_rand(&s);
			ack[i].tuple = &tuples[i];
			ack[i].client_isn = (uint32_t)pkt_rand(&s);
			ack[i].isn = (uint32_t)pkt_rand(&s);
		}
		sw_cookie_verify_burst(&keys, ack, got, COOKIES);
		for (unsigned i = 0; i < COOKIES; i++)
			accepted += got[i].valid;
	}
	ck_assert_uint_eq(accepted, 0);
}
END_TEST

/* The odds themselves: for one connection and one state, 1 of all 2^24 MACs is accepted. */
START_TEST(exactly_one_in_2_24)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned state = sw_cookie_isn_state(outs[i].isn), accepted = 0;

		for (uint32_t mac = 0; mac < 1u << 24; mac += SW_BURST_MAX) {
			struct sw_cookie_ack ack[SW_BURST_MAX];
			struct sw_cookie_state got[SW_BURST_MAX];

			for (unsigned j = 0; j < SW_BURST_MAX; j++)
				ack[j] = (struct sw_cookie_ack){&tuples[i], ins[i].client_isn,
					sw_cookie_isn_pack(mac + j, state)};
			sw_cookie_verify_burst(&keys, ack, got, SW_BURST_MAX);
			for (unsigned j = 0; j < SW_BURST_MAX; j++) {
				if (!got[j].valid)
					continue;
				accepted++;
				ck_assert_uint_eq(ack[j].isn, outs[i].isn);
			}
		}
		ck_assert_uint_eq(accepted, 1);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cookie_tamper");
	TCase *tc = tcase_create("cookie_tamper");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, isn_bits);
	tcase_add_test(tc, state_rewritten);
	tcase_add_test(tc, client_isn);
	tcase_add_test(tc, tuple_bits);
	tcase_add_test(tc, tsecr_bits);
	tcase_add_test(tc, tsecr_of_another);
	tcase_add_test(tc, tsecr_rewritten);
	tcase_add_test(tc, rotation);
	tcase_add_test(tc, blind_guesses);
	tcase_add_test(tc, exactly_one_in_2_24);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
