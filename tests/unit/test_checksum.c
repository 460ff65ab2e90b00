/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <stdlib.h>

#include "packet/checksum.h"
#include "pkt_make.h"

/* Bytes of the largest piece that is summed: more than one jumbo frame. */
#define MAX_BYTES 20000

/*
 * What the naive model makes of len bytes, as the libraries keep it:
 * in memory order, not complemented.
 */
static uint16_t
model(const uint8_t *p, size_t len)
{
	return rte_cpu_to_be_16((uint16_t)~pkt_sum(0, p, len));
}

static void
fill(uint8_t *p, size_t len, uint64_t *seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)pkt_rand(seed);
}

START_TEST(published)
{
	/* RFC 1071, 3: the sum of these is ddf2 in network order. */
	static const uint8_t rfc1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	/* A much quoted IPv4 header; its checksum is b861. */
	static const uint8_t ip[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
		0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

	ck_assert_uint_eq(sw_csum_fold(sw_csum_add(0, rfc1071, 8)), RTE_BE16(0xddf2));
	ck_assert_uint_eq(sw_csum_ipv4(ip, sizeof(ip)), RTE_BE16(0xb861));
}
END_TEST

/*
 * Every length up to 300 at every alignment, and random longer ones,
 * in pieces of exactly that size.
 */
START_TEST(against_model)
{
	const uint64_t base = pkt_seed();
	static uint8_t data[MAX_BYTES];

	for (unsigned i = 0; i < 300 * 16 + 2000; i++) {
		uint64_t seed = base + i;
		const unsigned align = i % 16;
		const size_t len = i < 300 * 16 ? i / 16 : pkt_rand(&seed) % (MAX_BYTES - 16);
		uint8_t *p;

		if (i % 7 == 0)
			memset(data, 0xff, sizeof(data)); /* every addition carries */
		else
			fill(data, align + len, &seed);
		p = pkt_dup(data, align + len);
		ck_assert_msg(sw_csum_fold(sw_csum_add(0, p + align, len)) == model(p + align, len),
			"seed %lu: length %zu, alignment %u", base + i, len, align);
		free(p);
	}
}
END_TEST

/* A sum may be taken up in any number of pieces of even length, or the pieces' sums added. */
START_TEST(in_pieces)
{
	const uint64_t base = pkt_seed();
	static uint8_t data[4096];

	for (unsigned i = 0; i < 3000; i++) {
		uint64_t seed = base + i, run = 0, apart = 0;
		const size_t len = pkt_rand(&seed) % sizeof(data);
		size_t off = 0;

		fill(data, len, &seed);
		while (off < len) {
			size_t n = pkt_rand(&seed) % 200 * 2;

			if (n > len - off)
				n = len - off;
			run = sw_csum_add(run, data + off, n);
			apart += sw_csum_add(0, data + off, n);
			off += n;
		}
		ck_assert_msg(sw_csum_fold(run) == model(data, len) &&
				      sw_csum_fold(apart) == model(data, len),
			"seed %lu: length %zu", base + i, len);
	}
}
END_TEST

/* Whatever the sum was before, no carry is lost, and the result leaves room for more. */
START_TEST(start_values)
{
	static const uint64_t start[] = {0, 1, 0xffff, 0x10000, UINT32_MAX, 1ull << 32, 1ull << 63,
		UINT64_MAX - 1, UINT64_MAX};
	uint8_t data[64];

	memset(data, 0xff, sizeof(data));
	for (size_t i = 0; i < SW_ARRAY_LEN(start); i++) {
		for (size_t len = 0; len <= sizeof(data); len++) {
			const uint64_t got = sw_csum_add(start[i], data, len);
			uint8_t all[8 + sizeof(data)];

			memcpy(all, &start[i], 8);
			memcpy(all + 8, data, len);
			ck_assert_uint_eq(sw_csum_fold(got), model(all, 8 + len));
			ck_assert_uint_lt(got, 1ull << 33);
		}
	}
}
END_TEST

/* Folding keeps the value mod 2^16 - 1, and is 0 for 0 alone. */
START_TEST(fold)
{
	uint64_t seed = pkt_seed();

	ck_assert_uint_eq(sw_csum_fold(0), 0);
	ck_assert_uint_eq(sw_csum_fold(UINT64_MAX), 0xffff);
	for (unsigned i = 0; i < 100000; i++) {
		const uint64_t v = pkt_rand(&seed) >> (pkt_rand(&seed) % 64);
		const uint64_t want = v ? (v % 0xffff ? v % 0xffff : 0xffff) : 0;

		ck_assert_msg(sw_csum_fold(v) == want, "%lx", v);
	}
}
END_TEST

START_TEST(ipv4_all_lengths)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 4000; i++) {
		uint64_t seed = base + i;
		const size_t len = 20 + i % 11 * 4;
		uint8_t hdr[60], *p;
		uint16_t csum;

		fill(hdr, len, &seed);
		hdr[10] = hdr[11] = 0;
		p = pkt_dup(hdr, len);
		csum = sw_csum_ipv4(p, len);
		ck_assert_msg(csum == rte_cpu_to_be_16(pkt_sum(0, hdr, len)), "seed %lu", base + i);
		memcpy(p + 10, &csum, 2);
		ck_assert_uint_eq(sw_csum_ipv4(p, len), 0); /* that is how it is verified */
		free(p);
	}
}
END_TEST

/* Pseudo-headers of random packets, the packets built and summed up by the naive maker. */
START_TEST(pseudo)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 2000; i++) {
		uint64_t seed = base + i;
		uint8_t buf[PKT_MAX], payload[600];
		struct pkt_make m = {.v6 = i & 1, .flags = 0x10, .payload = payload};
		size_t len, l3 = 14, l4;
		uint64_t sum;

		fill(payload, sizeof(payload), &seed);
		fill(m.src, 16, &seed);
		fill(m.dst, 16, &seed);
		m.payload_len = pkt_rand(&seed) % sizeof(payload);
		len = pkt_make(buf, sizeof(buf), &m);
		l4 = l3 + (m.v6 ? 40 : 20);
		sum = sw_csum_tcp_pseudo(buf + l3, m.v6, (uint32_t)(len - l4));
		ck_assert_msg(sw_csum_fold(sw_csum_add(sum, buf + l4, len - l4)) == 0xffff,
			"seed %lu", base + i);
	}
}
END_TEST

/* A length beyond 16 bits has its high half summed too (RFC 8200, 8.1). */
START_TEST(pseudo_long)
{
	uint8_t ip[40] = {0x60}, ps[40] = {0};

	memset(ip + 8, 0xa7, 32);
	memset(ps, 0xa7, 32);
	ps[33] = 0x12;
	ps[34] = 0x34;
	ps[35] = 0x56;
	ps[39] = 6;
	ck_assert_uint_eq(sw_csum_fold(sw_csum_tcp_pseudo(ip, true, 0x123456)), model(ps, 40));
}
END_TEST

/* One random change of a field; returns what it does to the sum. */
static uint64_t
change(uint8_t *buf, size_t len, size_t csum_off, uint64_t *seed)
{
	for (;;) {
		const unsigned wide = pkt_rand(seed) & 1;
		const size_t size = wide ? 4 : 2;
		size_t off = pkt_rand(seed) % (len - size + 1);
		const uint64_t r = pkt_rand(seed);
		uint32_t old32, new32;
		uint16_t old16, new16;

		if (!wide)
			off &= ~(size_t)1;
		if (off + size > csum_off && off < csum_off + 2)
			continue; /* the checksum is no field of the sum */
		memcpy(&old32, buf + off, wide ? 4 : 2);
		memcpy(&old16, buf + off, 2);
		/* Values that carry, that cancel and that change nothing, besides random ones. */
		new32 = r % 8 == 0   ? 0
			: r % 8 == 1 ? UINT32_MAX
			: r % 8 == 2 ? old32
				     : (uint32_t)(r >> 32);
		new16 = r % 8 == 2 ? old16 : (uint16_t)new32;
		memcpy(buf + off, wide ? (void *)&new32 : (void *)&new16, size);
		return wide ? sw_csum_diff32(old32, new32, off & 1) : sw_csum_diff16(old16, new16);
	}
}

START_TEST(incremental)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 50000; i++) {
		uint64_t seed = base + i, diff = 0;
		const size_t len = 22 + pkt_rand(&seed) % 100, csum_off = pkt_rand(&seed) % 9 * 2;
		const unsigned n = 1 + pkt_rand(&seed) % 12;
		uint8_t buf[122];
		uint16_t csum, want;

		fill(buf, len, &seed);
		/* Never all zero, and never changed: so is the protocol number in a real packet. */
		buf[len - 1] |= 1;
		memset(buf + csum_off, 0, 2);
		csum = rte_cpu_to_be_16(pkt_sum(0, buf, len));
		for (unsigned k = 0; k < n; k++)
			diff += change(buf, len - 2, csum_off, &seed);
		ck_assert_uint_ne(model(buf, len), 0);
		want = rte_cpu_to_be_16(pkt_sum(0, buf, len));
		ck_assert_msg(
			sw_csum_apply(csum, diff) == want, "seed %lu: length %zu", base + i, len);
	}
}
END_TEST

/* A wrong checksum stays exactly as wrong: the receiver still sees it. */
START_TEST(incremental_keeps_error)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t seed = base + i, diff = 0;
		uint8_t buf[60];
		uint16_t bad, after;

		fill(buf, sizeof(buf), &seed);
		memcpy(&bad, buf + 16, 2);
		const bool was_right = model(buf, sizeof(buf)) == 0xffff;

		for (unsigned k = 0; k < 6; k++)
			diff += change(buf, sizeof(buf), 16, &seed);
		after = sw_csum_apply(bad, diff);
		memcpy(buf + 16, &after, 2);
		ck_assert_msg(
			(model(buf, sizeof(buf)) == 0xffff) == was_right, "seed %lu", base + i);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("checksum");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, published);
	tcase_add_test(tc, against_model);
	tcase_add_test(tc, in_pieces);
	tcase_add_test(tc, start_values);
	tcase_add_test(tc, fold);
	tcase_add_test(tc, ipv4_all_lengths);
	tcase_add_test(tc, pseudo);
	tcase_add_test(tc, pseudo_long);
	tcase_add_test(tc, incremental);
	tcase_add_test(tc, incremental_keeps_error);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_NOFORK);
}
