/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <string.h>

#include "base/simd.h"
#include "cookie/siphash.h"
#include "unit/pkt_make.h"

/*
 * The vectors published with SipHash (reference implementation, vectors_sip64): key 00 01 .. 0f,
 * message of n bytes 00 01 .. n-1. The published bytes, read as little-endian numbers.
 */
static const uint64_t vectors[64] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
	0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce,
	0xab0200f58b01d137, 0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3,
	0xf4b32f46226bada7, 0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee,
	0xa129ca6149be45e5, 0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c,
	0xbb6dc91da77961bd, 0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88,
	0xa80c038ccd5ccec8, 0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3,
	0x2f2e6163076bcfad, 0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28,
	0x32d892fad841c342, 0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238,
	0x15e034d40fa197ae, 0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d,
	0x9abfd8766a33735c, 0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9,
	0xd4a60abcf3792b95, 0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510,
	0xd06c98cd5c0975eb, 0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72,
	0xa192d576b245165a, 0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea,
	0x245731c13ca42499, 0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013,
	0x6606d7e446282b93, 0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57,
	0x958a324ceb064572};

static const struct sw_sipkey vector_key = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};

START_TEST(scalar_vectors)
{
	/* One byte off a word boundary: the message may lie anywhere. */
	uint8_t msg[1 + 64];

	for (unsigned i = 0; i < 64; i++)
		msg[1 + i] = (uint8_t)i;
	for (unsigned n = 0; n < 64; n++) {
		uint64_t got = sw_siphash(&vector_key, msg + 1, n);

		ck_assert_msg(got == vectors[n], "%u bytes: %#llx, not %#llx", n,
			(unsigned long long)got, (unsigned long long)vectors[n]);
	}
}
END_TEST

/* Loop tests: once with each level of vector code that this CPU has. */
#define LEVELS ((int)sw_simd_most() + 1)
static void
use_level(int level)
{
	ck_assert_int_eq(sw_simd_set((enum sw_simd)level), level);
}

/*
 * The same vectors through the burst: message n of the table is n / 8 words and n % 8 bytes. Each
 * twice, so that there are as many as the widest level has at a time.
 */
START_TEST(burst_vectors)
{
	enum { N = 16 };
	const struct sw_sipkey *key[N];
	uint64_t msg[8 * N], out[N];
	const uint64_t count = 0x0706050403020100ull;

	use_level(_i);
	for (unsigned words = 0; words < 8; words++) {
		for (unsigned i = 0; i < N; i++) {
			const unsigned tail = i % 8;
			uint64_t last = (count + words * 0x0808080808080808ull) &
					((1ull << (8 * tail)) - 1);

			key[i] = &vector_key;
			for (unsigned w = 0; w < words; w++)
				msg[w * N + i] = count + w * 0x0808080808080808ull;
			msg[words * N + i] = last | (uint64_t)(words * 8 + tail) << 56;
		}
		sw_siphash_burst(key, msg, N, words, out, N);
		for (unsigned i = 0; i < N; i++)
			ck_assert_msg(out[i] == vectors[words * 8 + i % 8],
				"message %u: %u words and %u bytes", i, words, i % 8);
	}
}
END_TEST

#define WORDS_MAX 12

/*
 * n messages of one word count, each with its own tail and key, against the scalar of their bytes.
 */
static void
burst_case(uint64_t seed, unsigned words, unsigned n, unsigned stride)
{
	static uint64_t msg[(WORDS_MAX + 1) * (SW_BURST_MAX + 3)];
	struct sw_sipkey keys[SW_BURST_MAX];
	const struct sw_sipkey *key[SW_BURST_MAX] = {NULL};
	uint64_t out[SW_BURST_MAX + 1], s = seed;
	const uint64_t guard = 0x6775617264776f72ull;

	for (unsigned i = 0; i < SW_ARRAY_LEN(msg); i++)
		msg[i] = pkt_rand(&s);
	for (unsigned i = 0; i < n; i++) {
		unsigned tail = pkt_rand(&s) % 8;
		uint64_t *last = &msg[words * stride + i];

		keys[i].k0 = pkt_rand(&s);
		keys[i].k1 = pkt_rand(&s);
		key[i] = &keys[pkt_rand(&s) % (i + 1)];
		*last &= (1ull << (8 * tail)) - 1;
		*last |= (uint64_t)(words * 8 + tail) << 56;
	}
	out[n] = guard;
	sw_siphash_burst(key, msg, stride, words, out, n);
	ck_assert_msg(out[n] == guard, "seed %llu: wrote past %u", (unsigned long long)seed, n);

	for (unsigned i = 0; i < n; i++) {
		uint8_t bytes[(WORDS_MAX + 1) * 8];

		for (unsigned w = 0; w <= words; w++)
			memcpy(bytes + w * 8, &msg[w * stride + i], 8);
		ck_assert_msg(out[i] == sw_siphash(key[i], bytes, bytes[words * 8 + 7]),
			"seed %llu: %u words, message %u of %u, stride %u",
			(unsigned long long)seed, words, i, n, stride);
	}
}

START_TEST(burst_is_scalar)
{
	uint64_t seed = 1;

	use_level(_i);
	for (unsigned words = 0; words <= WORDS_MAX; words++) {
		for (unsigned n = 0; n <= SW_BURST_MAX; n++) {
			burst_case(seed++, words, n, n == 0 ? 1 : n);
			burst_case(seed++, words, n, SW_BURST_MAX + 3);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("siphash");
	TCase *tc = tcase_create("siphash");

	tcase_add_test(tc, scalar_vectors);
	tcase_add_loop_test(tc, burst_vectors, 0, LEVELS);
	tcase_add_loop_test(tc, burst_is_scalar, 0, LEVELS);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
