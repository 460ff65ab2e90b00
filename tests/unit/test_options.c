/* SPDX-License-Identifier: BSD-3-Clause */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "packet/options.h"
#include "pkt_make.h"

#define MAX_OPTS 40

/* Option lists as they are seen on the Internet. */
static const struct list {
	const char *name;
	uint8_t b[MAX_OPTS];
	uint8_t len;
	struct sw_tcp_opts want;
} lists[] = {
	{"none", {0}, 0, {.wscale = SW_WSCALE_NONE}},
	{"an IoT stack's MSS", {2, 4, 0x02, 0x18}, 4, {.mss = 536, .wscale = SW_WSCALE_NONE}},
	{"Linux SYN", {2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7}, 20,
		{.mss = 1460, .wscale = 7, .sack_perm = true, .ts = true, .tsval = 0x01020304}},
	{"Windows SYN", {2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2}, 12,
		{.mss = 1460, .wscale = 8, .sack_perm = true}},
	{"macOS SYN", {2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 9, 8, 7, 6, 0, 0, 0, 0, 4, 2, 0, 0},
		24, {.mss = 1460, .wscale = 6, .sack_perm = true, .ts = true, .tsval = 0x09080706}},
	{"FreeBSD SYN",
		{2, 4, 5, 0xb4, 1, 3, 3, 6, 4, 2, 8, 10, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 20,
		{.mss = 1460, .wscale = 6, .sack_perm = true, .ts = true, .tsval = 0xffffffff}},
	{"Linux SYN with a fast-open cookie",
		{2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7, 34, 10, 1, 2, 3, 4,
			5, 6, 7, 8, 1, 1},
		32, {.mss = 1460, .wscale = 7, .sack_perm = true, .ts = true, .tsval = 0x01020304}},
	{"MPTCP SYN", {2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7, 30, 4, 1, 0},
		24,
		{.mss = 1460,
			.wscale = 7,
			.sack_perm = true,
			.ts = true,
			.tsval = 0x01020304,
			.tsecr = 0x05060708}},
	{"ACK with timestamps", {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8}, 12,
		{.wscale = SW_WSCALE_NONE, .ts = true, .tsval = 0x01020304, .tsecr = 0x05060708}},
	{"ACK with timestamps and three SACK blocks",
		{1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 5, 26, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,
			3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6},
		40,
		{.wscale = SW_WSCALE_NONE, .ts = true, .tsval = 0x01020304, .tsecr = 0x05060708}},
	{"four SACK blocks", {1, 1, 5, 34}, 36, {.wscale = SW_WSCALE_NONE}},
	{"the first of each counts",
		{2, 4, 1, 0, 2, 4, 2, 0, 3, 3, 1, 3, 3, 2, 4, 2, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0,
			2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0},
		40,
		{.mss = 256, .wscale = 1, .sack_perm = true, .ts = true, .tsval = 1, .tsecr = 2}},
	{"first window scale is 0", {3, 3, 0, 3, 3, 9, 0, 0}, 8, {.wscale = 0}},
	{"window scale beyond 14", {3, 3, 15, 0}, 4, {.wscale = 14}},
	{"window scale of 255", {1, 3, 3, 255}, 4, {.wscale = 14}},
	{"MSS 0 is none", {2, 4, 0, 0}, 4, {.wscale = SW_WSCALE_NONE}},
	{"MSS 65535", {2, 4, 255, 255}, 4, {.mss = 65535, .wscale = SW_WSCALE_NONE}},
	{"nothing counts behind the end", {2, 4, 5, 0xb4, 0, 3, 3, 7}, 8,
		{.mss = 1460, .wscale = SW_WSCALE_NONE}},
	{"rubbish behind the end", {0, 2, 0, 2}, 4, {.wscale = SW_WSCALE_NONE}},
	{"all NOPs", {1, 1, 1, 1, 1, 1, 1, 1}, 8, {.wscale = SW_WSCALE_NONE}},
	{"MSS at an odd place", {1, 2, 4, 5, 0xb4, 0, 0, 0}, 8,
		{.mss = 1460, .wscale = SW_WSCALE_NONE}},
	{"unknown of length 2", {253, 2, 254, 2}, 4, {.wscale = SW_WSCALE_NONE}},
};

/* Lists that are refused. */
static const struct {
	const char *name;
	uint8_t b[MAX_OPTS];
	uint8_t len;
} wrong[] = {
	{"length 0", {2, 0, 5, 0xb4}, 4},
	{"length 1", {2, 1, 5, 0xb4}, 4},
	{"unknown, length 0", {200, 0, 0, 0}, 4},
	{"unknown, length 1", {200, 1, 0, 0}, 4},
	{"no length byte", {1, 1, 1, 2}, 4},
	{"unknown, no length byte", {1, 1, 1, 200}, 4},
	{"runs past the header", {200, 5, 0, 0}, 4},
	{"runs far past the header", {200, 255, 0, 0}, 4},
	{"timestamps run past the header", {1, 1, 8, 10, 1, 2, 3, 4}, 8},
	{"MSS of 3", {2, 3, 5, 1}, 4},
	{"MSS of 5", {2, 5, 5, 0xb4, 0, 0, 0, 0}, 8},
	{"window scale of 2", {3, 2, 0, 0}, 4},
	{"window scale of 4", {3, 4, 7, 0}, 4},
	{"SACK-permitted of 3", {4, 3, 0, 0}, 4},
	{"timestamps of 8", {8, 8, 1, 2, 3, 4, 5, 6}, 8},
	{"timestamps of 12", {8, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 12},
	{"SACK without a block", {5, 2, 0, 0}, 4},
	{"SACK of half a block", {1, 1, 5, 6, 0, 0, 0, 0}, 8},
	{"SACK of a block and a half", {1, 1, 5, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 16},
	{"the second of a kind is wrong", {2, 4, 5, 0xb4, 2, 3, 5, 0}, 8},
	{"good ones before", {2, 4, 5, 0xb4, 4, 2, 3, 4}, 8},
};

/* A TCP header with these options, alone in exactly that many bytes. */
static struct sw_pkt
pkt_of(const uint8_t *opts, size_t len, struct sw_frame *f)
{
	uint8_t hdr[20 + 64] = {0};

	memcpy(hdr + 20, opts, len);
	*f = (struct sw_frame){.data = pkt_dup(hdr, 20 + len), .len = (uint32_t)(20 + len)};
	f->pkt_len = f->len;
	return (struct sw_pkt){.f = f, .kind = SW_PKT_TCP, .pay_off = (uint16_t)(20 + len)};
}

/*
 * The naive model: marks what each byte is, going from index to index. Fills at[] with the offsets
 * of the options, returns their number; *bad is set where the list is malformed.
 */
static size_t
model_walk(const uint8_t *b, size_t len, size_t at[], bool *bad)
{
	size_t i = 0, n = 0;

	*bad = false;
	while (i < len && b[i] != 0) {
		if (b[i] == 1) {
			i += 1;
		} else if (i + 1 == len || b[i + 1] < 2 || i + b[i + 1] > len) {
			*bad = true;
			break;
		} else {
			at[n++] = i;
			i += b[i + 1];
		}
	}
	return n;
}

static bool
model_read(const uint8_t *b, size_t len, struct sw_tcp_opts *o)
{
	static const uint8_t fixed[9] = {[2] = 4, [3] = 3, [4] = 2, [8] = 10};
	size_t at[MAX_OPTS];
	bool bad;
	const size_t n = model_walk(b, len, at, &bad);

	memset(o, 0, sizeof(*o));
	o->wscale = SW_WSCALE_NONE;
	for (size_t k = n; k-- > 0;) { /* backwards: the first is what stays */
		const uint8_t *p = b + at[k];

		if (p[0] < 9 && fixed[p[0]] && p[1] != fixed[p[0]])
			bad = true;
		if (p[0] == 5 && p[1] != 10 && p[1] != 18 && p[1] != 26 && p[1] != 34)
			bad = true;
		if (bad)
			break;
		if (p[0] == 2)
			o->mss = (uint16_t)(p[2] * 256 + p[3]);
		if (p[0] == 3)
			o->wscale = p[2] < 14 ? p[2] : 14;
		if (p[0] == 4)
			o->sack_perm = true;
		if (p[0] == 8) {
			o->ts = true;
			o->tsval = p[2] * 16777216u + p[3] * 65536u + p[4] * 256u + p[5];
			o->tsecr = p[6] * 16777216u + p[7] * 65536u + p[8] * 256u + p[9];
		}
	}
	return !bad;
}

static bool
opts_equal(const struct sw_tcp_opts *a, const struct sw_tcp_opts *b)
{
	return a->mss == b->mss && a->wscale == b->wscale && a->sack_perm == b->sack_perm &&
	       a->ts == b->ts && (!a->ts || (a->tsval == b->tsval && a->tsecr == b->tsecr));
}

/* Runs iterator and reader over exactly len bytes and compares both with the model. */
static void
compare(const uint8_t *b, size_t len, const char *what)
{
	struct sw_frame f;
	struct sw_pkt p = pkt_of(b, len, &f);
	struct sw_opt_iter it = sw_opt_begin(&p);
	struct sw_tcp_opts got, want;
	struct sw_opt o;
	size_t at[MAX_OPTS], n, k = 0;
	bool bad, good;
	int rc;

	n = model_walk(b, len, at, &bad);
	while ((rc = sw_opt_next(&it, &o)) == 1) {
		ck_assert_msg(k < n && o.p == f.data + 20 + at[k], "%s: option %zu", what, k);
		ck_assert_uint_eq(o.kind, b[at[k]]);
		ck_assert_uint_eq(o.len, b[at[k] + 1]);
		ck_assert(o.p + o.len <= f.data + f.len);
		k++;
	}
	ck_assert_msg(k == n && rc == (bad ? -1 : 0), "%s: %zu of %zu options, %d", what, k, n, rc);
	/* Asked again at the end, it says the same. */
	ck_assert_int_eq(sw_opt_next(&it, &o), rc);

	good = model_read(b, len, &want);
	rc = sw_opts_read(&p, &got);
	ck_assert_msg(rc == (good ? 0 : -1), "%s: read gives %d", what, rc);
	if (good)
		ck_assert_msg(opts_equal(&got, &want), "%s: another value", what);
	free(f.data);
}

START_TEST(real_lists)
{
	const struct list *l = &lists[_i];
	struct sw_frame f;
	struct sw_pkt p = pkt_of(l->b, l->len, &f);
	struct sw_tcp_opts got;

	ck_assert_msg(sw_opts_read(&p, &got) == 0, "%s: refused", l->name);
	ck_assert_msg(opts_equal(&got, &l->want), "%s: another value", l->name);
	free(f.data);
	compare(l->b, l->len, l->name);
}
END_TEST

START_TEST(wrong_lists)
{
	struct sw_frame f;
	struct sw_pkt p = pkt_of(wrong[_i].b, wrong[_i].len, &f);
	struct sw_tcp_opts got;

	ck_assert_msg(sw_opts_read(&p, &got) == -1, "%s: taken", wrong[_i].name);
	free(f.data);
	compare(wrong[_i].b, wrong[_i].len, wrong[_i].name);
}
END_TEST

/*
 * Every truncation of every list; and in each of those, every value of every length byte in turn.
 * Each copy is exactly as long as it says.
 */
START_TEST(truncations)
{
	const struct list *l = &lists[_i];
	size_t at[MAX_OPTS], n;
	bool bad;

	n = model_walk(l->b, l->len, at, &bad);
	for (size_t len = 0; len <= l->len; len++) {
		compare(l->b, len, l->name);
		for (size_t k = 0; k < n && at[k] + 1 < len; k++) {
			for (unsigned v = 0; v < 256; v++) {
				uint8_t b[MAX_OPTS];

				memcpy(b, l->b, len);
				b[at[k] + 1] = (uint8_t)v;
				compare(b, len, l->name);
			}
		}
	}
}
END_TEST

/* Random bytes, most of them small so that they are kinds and lengths. */
START_TEST(random_lists)
{
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 100000; i++) {
		uint64_t seed = base + i;
		const size_t len = pkt_rand(&seed) % (MAX_OPTS + 1);
		uint8_t b[MAX_OPTS];
		char what[40];

		for (size_t k = 0; k < len; k++) {
			const uint64_t r = pkt_rand(&seed);

			b[k] = (uint8_t)(r % 8 == 0 ? r >> 8 : (r >> 8) % 12);
		}
		snprintf(what, sizeof(what), "seed %lu", base + i);
		compare(b, len, what);
	}
}
END_TEST

/* Well-formed lists of random options in random order, so that long ones are read to their end. */
START_TEST(random_good_lists)
{
	static const uint8_t kinds[] = {2, 3, 4, 5, 8, 30, 34, 253};
	static const uint8_t len_of[] = {4, 3, 2, 10, 10, 12, 6, 2};
	const uint64_t base = pkt_seed();

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t seed = base + i;
		size_t len = 0;
		uint8_t b[MAX_OPTS];
		char what[40];

		for (;;) {
			const size_t k = pkt_rand(&seed) % (SW_ARRAY_LEN(kinds) + 1);

			if (k == SW_ARRAY_LEN(kinds)) {
				if (len == MAX_OPTS)
					break;
				b[len++] = 1;
				continue;
			}
			if (len + len_of[k] > MAX_OPTS)
				break;
			b[len] = kinds[k];
			b[len + 1] = len_of[k];
			for (size_t j = 2; j < len_of[k]; j++)
				b[len + j] = (uint8_t)pkt_rand(&seed);
			len += len_of[k];
		}
		snprintf(what, sizeof(what), "seed %lu", base + i);
		compare(b, len, what);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("options");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, real_lists, 0, SW_ARRAY_LEN(lists));
	tcase_add_loop_test(tc, wrong_lists, 0, SW_ARRAY_LEN(wrong));
	tcase_add_loop_test(tc, truncations, 0, SW_ARRAY_LEN(lists));
	tcase_add_test(tc, random_lists);
	tcase_add_test(tc, random_good_lists);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_NOFORK);
}
