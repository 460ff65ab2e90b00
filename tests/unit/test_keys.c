/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <string.h>

#include "cookie/cookie.h"

static const struct sw_master master = {
	{{0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull},
		{0x1716151413121110ull, 0x1f1e1d1c1b1a1918ull}},
};

static const uint32_t epochs_s[] = {
	SW_EPOCH_MIN_S, 17, 63, SW_EPOCH_DEFAULT_S, 239, SW_EPOCH_MAX_S};

static bool
keys_equal(const struct sw_keys *a, const struct sw_keys *b)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct sw_key_slot *x = &a->slot[i], *y = &b->slot[i];

		if (memcmp(&x->k1, &y->k1, sizeof(x->k1)) != 0 || x->k2 != y->k2 ||
			x->epoch != y->epoch)
			return false;
	}
	return a->parity == b->parity;
}

/* The picture in keys.h, second by second. */
START_TEST(slots)
{
	for (unsigned i = 0; i < SW_ARRAY_LEN(epochs_s); i++) {
		uint32_t len = epochs_s[i];

		for (uint64_t now = len; now < 6ull * len; now++) {
			uint64_t epoch = now / len;
			bool first_half = 2 * (now % len) < len;
			struct sw_keys k;

			sw_keys_derive(&k, &master, now, len);
			ck_assert_uint_eq(k.parity, epoch & 1);
			ck_assert_uint_eq(k.slot[k.parity].epoch, epoch);
			ck_assert_uint_eq(
				k.slot[!k.parity].epoch, first_half ? epoch - 1 : epoch + 1);
		}
	}
}
END_TEST

START_TEST(first_epoch)
{
	struct sw_keys k;

	sw_keys_derive(&k, &master, 0, 64);
	ck_assert_uint_eq(k.parity, 0);
	ck_assert_uint_eq(k.slot[0].epoch, 0);
	ck_assert_uint_eq(k.slot[1].epoch, UINT64_MAX);
	sw_keys_derive(&k, &master, 32, 64);
	ck_assert_uint_eq(k.slot[1].epoch, 1);
}
END_TEST

START_TEST(next_change)
{
	for (unsigned i = 0; i < SW_ARRAY_LEN(epochs_s); i++) {
		uint32_t len = epochs_s[i];

		for (uint64_t now = 0; now < 4ull * len; now++) {
			uint32_t wait = sw_keys_next_change(now, len);
			struct sw_keys k, other;

			ck_assert_uint_ge(wait, 1);
			ck_assert_uint_le(wait, len);
			sw_keys_derive(&k, &master, now, len);
			for (uint32_t d = 0; d <= wait; d++) {
				sw_keys_derive(&other, &master, now + d, len);
				ck_assert_msg(keys_equal(&k, &other) == (d < wait),
					"epoch %u, now %llu + %u of %u", len,
					(unsigned long long)now, d, wait);
			}
		}
	}
}
END_TEST

/*
 * The words were computed with another implementation of SipHash (OpenSSL's),
 * from the header's text.
 */
START_TEST(known_key)
{
	struct sw_keys k;

	sw_keys_derive(&k, &master, 27500000ull * 64, 64);
	ck_assert_uint_eq(k.slot[0].epoch, 27500000);
	ck_assert_uint_eq(k.slot[0].k1.k0, 0x88b37cb251e3d106ull);
	ck_assert_uint_eq(k.slot[0].k1.k1, 0xdaca506f9e9e9b5dull);
	ck_assert_uint_eq(k.slot[0].k2, 0xb69bf3cc);
}
END_TEST

/* No word of any key comes back in another epoch, and each bit of the master counts. */
START_TEST(keys_differ)
{
	enum { EPOCHS = 64 };
	uint64_t seen[EPOCHS * 3];
	struct sw_keys k;

	for (unsigned e = 0; e < EPOCHS; e++) {
		sw_keys_derive(&k, &master, e * 16ull, 16);
		seen[e * 3] = k.slot[e & 1].k1.k0;
		seen[e * 3 + 1] = k.slot[e & 1].k1.k1;
		seen[e * 3 + 2] = k.slot[e & 1].k2;
	}
	for (unsigned i = 0; i < EPOCHS * 3; i++) {
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(seen[i], seen[j]);
	}

	for (unsigned bit = 0; bit < 256; bit++) {
		struct sw_master m = master;
		struct sw_keys other;
		uint8_t *bytes = (uint8_t *)&m;

		sw_keys_derive(&k, &m, 1000, 64);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		sw_keys_derive(&other, &m, 1000, 64);
		for (unsigned s = 0; s < 2; s++) {
			ck_assert_uint_ne(k.slot[s].k1.k0, other.slot[s].k1.k0);
			ck_assert_uint_ne(k.slot[s].k1.k1, other.slot[s].k1.k1);
			ck_assert_uint_ne(k.slot[s].k2, other.slot[s].k2);
		}
	}
}
END_TEST

START_TEST(wipe)
{
	struct sw_keys k;
	uint8_t around[3] = {1, 2, 3};
	static const struct sw_keys zero;

	memset(&k, 0xa5, sizeof(k));
	sw_wipe(&k, sizeof(k));
	ck_assert(memcmp(&k, &zero, sizeof(k)) == 0);
	sw_wipe(around + 1, 1);
	ck_assert_uint_eq(around[0], 1);
	ck_assert_uint_eq(around[1], 0);
	ck_assert_uint_eq(around[2], 3);
	sw_wipe(around, 0);
	ck_assert_uint_eq(around[0], 1);
}
END_TEST

static const struct sw_tuple tuple = {
	.client.b = {[12] = 203, 0, 113, 7},
	.server.b = {[12] = 192, 0, 2, 10},
	.cport_be = RTE_BE16(49152),
	.sport_be = RTE_BE16(443),
};

/* A cookie made by one member at its `made`, judged by another whose clock says `judged`. */
static bool
accepted(uint64_t made, uint64_t judged, uint32_t epoch_s)
{
	struct sw_cookie_in in = {.tuple = &tuple, .client_isn = 77, .mss = 1460, .wscale = 7};
	struct sw_cookie_ack ack = {.tuple = &tuple, .client_isn = 77};
	struct sw_cookie_state state;
	struct sw_cookie_out out;
	struct sw_keys k;

	sw_keys_derive(&k, &master, made, epoch_s);
	sw_cookie_issue_burst(&k, made, &in, &out, 1);
	ack.isn = out.isn;
	sw_keys_derive(&k, &master, judged, epoch_s);
	sw_cookie_verify_burst(&k, &ack, &state, 1);
	return state.valid;
}

/*
 * A cookie of epoch e is good exactly as long as a slot holds key e: until the middle of epoch
 * e + 1. So it is accepted across the rotation that ends its epoch, and refused from the next
 * change of its slot on, through all of epoch e + 2 and after.
 */
START_TEST(lifetime)
{
	for (unsigned i = 0; i < SW_ARRAY_LEN(epochs_s); i++) {
		uint64_t len = epochs_s[i], epoch = 1000;
		uint64_t dies = (epoch + 1) * len + (len + 1) / 2;

		for (uint64_t made = epoch * len; made < (epoch + 1) * len; made++) {
			ck_assert_uint_ge(2 * (dies - made), len);
			ck_assert_uint_le(dies - made, len + (len + 1) / 2);
			for (uint64_t at = made; at < (epoch + 4) * len; at += 5)
				ck_assert_msg(accepted(made, at, (uint32_t)len) == (at < dies),
					"epoch %u s: made at %llu, judged at %llu", (unsigned)len,
					(unsigned long long)(made - epoch * len),
					(unsigned long long)(at - epoch * len));
		}
	}
}
END_TEST

/* Clocks up to half an epoch apart, either way: each accepts what the other has just made. */
START_TEST(clocks_apart)
{
	for (unsigned i = 0; i < SW_ARRAY_LEN(epochs_s); i++) {
		uint64_t len = epochs_s[i];

		for (uint64_t now = 1000 * len; now < 1002 * len; now++) {
			for (uint64_t apart = 0; apart < len / 2; apart++) {
				ck_assert(accepted(now, now + apart, (uint32_t)len));
				ck_assert(accepted(now, now - apart, (uint32_t)len));
			}
			/* The other bound: an epoch and a half ahead nobody has the key yet. */
			ck_assert(!accepted(now + len + (len + 1) / 2, now, (uint32_t)len));
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("keys");
	TCase *tc = tcase_create("keys");

	tcase_add_test(tc, slots);
	tcase_add_test(tc, first_epoch);
	tcase_add_test(tc, next_change);
	tcase_add_test(tc, known_key);
	tcase_add_test(tc, keys_differ);
	tcase_add_test(tc, wipe);
	tcase_add_test(tc, lifetime);
	tcase_add_test(tc, clocks_apart);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
