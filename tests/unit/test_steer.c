/* SPDX-License-Identifier: BSD-3-Clause */
/* Who owns a packet: by hash, and by what a port's RSS does, against a Toeplitz hash bit by bit. */
#include <check.h>
#include <stdlib.h>

#include "packet/steer.h"
#include "parse_cases.h"
#include "parse_run.h"
#include "pkt_icmp.h"

#define TUPLES 40000

static const uint64_t key_a[4] = {0x1234567890abcdef, 0xfedcba0987654321, 0x0f1e2d3c4b5a6978, 7};
static const uint64_t key_b[4] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 9};

static struct sw_steer steer;

/* The hash as it is defined: for each bit of the input, the 32 bits of the key from there on. */
static uint32_t
naive_toeplitz(const uint8_t *key, const uint8_t *in, size_t len)
{
	uint32_t hash = 0;

	for (size_t bit = 0; bit < len * 8; bit++) {
		if (!(in[bit / 8] & 0x80 >> bit % 8))
			continue;
		for (size_t k = 0; k < 32; k++)
			if (key[(bit + k) / 8] & 0x80 >> (bit + k) % 8)
				hash ^= 1u << (31 - k);
	}
	return hash;
}

/* Addresses and ports one behind the other, as a port hashes them. */
static size_t
rss_input(uint8_t *in, bool v6, const uint8_t *src, const uint8_t *dst, unsigned sp, unsigned dp)
{
	const size_t n = v6 ? 16 : 4;
	const uint8_t ports[4] = {(uint8_t)(sp >> 8), (uint8_t)sp, (uint8_t)(dp >> 8), (uint8_t)dp};

	memcpy(in, src, n);
	memcpy(in + n, dst, n);
	memcpy(in + 2 * n, ports, 4);
	return 2 * n + 4;
}

static unsigned
naive_rss(bool v6, const uint8_t *src, const uint8_t *dst, unsigned sp, unsigned dp,
	unsigned period, unsigned workers)
{
	uint8_t key[52], in[36];
	size_t n = rss_input(in, v6, src, dst, sp, dp);

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = i % 2 ? 0x5a : 0x6d;
	return naive_toeplitz(key, in, n) % period % workers;
}

/* The published vectors of the hash (Microsoft, "Verifying the RSS hash calculation"). */
START_TEST(naive_is_right)
{
	static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
		0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
		0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
		0x01, 0xfa};
	static const uint8_t v4_src[] = {66, 9, 149, 187}, v4_dst[] = {161, 142, 100, 80};
	static const uint8_t v6_src[] = {0x3f, 0xfe, 0x25, 1, 2, 0, 0x1f, 0xff, [15] = 7};
	static const uint8_t v6_dst[] = {0x3f, 0xfe, 0x25, 1, 2, 0, 0, 3, [15] = 1};
	uint8_t in[36];
	size_t n;

	n = rss_input(in, false, v4_src, v4_dst, 2794, 1766);
	ck_assert_uint_eq(naive_toeplitz(key, in, n), 0x51ccc178);
	n = rss_input(in, true, v6_src, v6_dst, 2794, 1766);
	ck_assert_uint_eq(naive_toeplitz(key, in, n), 0x40207d3d);
}
END_TEST

static unsigned
owner_from(const uint8_t *buf, size_t len, enum sw_side side)
{
	struct sw_frame f = {.data = pkt_dup(buf, len),
		.len = (uint32_t)len,
		.pkt_len = (uint32_t)len,
		.side = side};
	uint16_t owner;

	sw_steer_burst(&steer, &f, 1, &owner);
	ck_assert_int_eq(memcmp(f.data, buf, len), 0);
	if (owner != SW_STEER_STAY) {
		ck_assert_uint_lt(owner, steer.n_workers);
		ck_assert(sw_steer_all_mine(&steer, &f, 1, owner));
		ck_assert(!sw_steer_all_mine(&steer, &f, 1, owner + 1));
	} else {
		ck_assert(sw_steer_all_mine(&steer, &f, 1, 0));
	}
	free(f.data);
	return owner;
}

static void
swap_ends(struct pkt_make *m)
{
	const struct pkt_make was = *m;

	memcpy(m->src, was.dst, sizeof(m->src));
	memcpy(m->dst, was.src, sizeof(m->dst));
	m->sport = was.dport;
	m->dport = was.sport;
}

static void
other_ends(struct pkt_make *m, uint64_t *seed)
{
	const uint64_t r = pkt_rand(seed), q = pkt_rand(seed);

	memcpy(m->src + (m->v6 ? 8 : 1), &r, m->v6 ? 8 : 3);
	memcpy(m->dst + (m->v6 ? 8 : 1), &q, m->v6 ? 8 : 3);
	m->sport = (uint16_t)(r >> 40);
	m->dport = (uint16_t)(q >> 40);
}

/* An error about the packet, from a router to its sender; it comes in on the other side. */
static unsigned
owner_of_error(const struct pkt_make *m, enum sw_side side)
{
	uint8_t quote[PKT_MAX], buf[PKT_MAX];
	struct pkt_make q = *m, outer = {.v6 = m->v6, .n_vlan = m->n_vlan};
	const size_t l2 = 14;
	size_t len;

	q.n_vlan = 0;
	q.pad_to = 0;
	len = pkt_make(quote, sizeof(quote), &q);
	memcpy(outer.vlan_tci, m->vlan_tci, sizeof(outer.vlan_tci));
	memcpy(outer.src, m->dst, sizeof(outer.src));
	outer.src[3] ^= 1;
	memcpy(outer.dst, m->src, sizeof(outer.dst));
	len = pkt_make_icmp(buf, &outer, m->v6 ? 0x0200 : 0x0304, 1280, quote + l2, len - l2);
	return owner_from(buf, len, side ^ 1);
}

/* By both ways of steering: index 0 to 7. */
static void
choose_steering(int i)
{
	static const unsigned workers[] = {2, 3, 4, 64};

	if (i < 4)
		sw_steer_by_hash(&steer, workers[i], key_a);
	else
		sw_steer_by_rss(&steer, workers[i - 4], 128);
}

/* All packets of a connection have one owner: both ways, first fragments, errors. */
START_TEST(one_owner)
{
	uint64_t seed = pkt_seed();

	choose_steering(_i);
	for (unsigned n = 0; n < 50 * SW_ARRAY_LEN(good); n++) {
		struct pkt_make m = good[n % SW_ARRAY_LEN(good)], back;
		static const uint8_t frag[] = {FRAG(6, 1)};
		uint8_t buf[PKT_MAX];
		unsigned owner;

		other_ends(&m, &seed);
		owner = owner_from(buf, pkt_make(buf, sizeof(buf), &m), SW_OUTSIDE);
		ck_assert_uint_ne(owner, SW_STEER_STAY);
		back = m;
		swap_ends(&back);
		ck_assert_uint_eq(
			owner_from(buf, pkt_make(buf, sizeof(buf), &back), SW_INSIDE), owner);
		ck_assert_uint_eq(owner_of_error(&m, SW_OUTSIDE), owner);
		ck_assert_uint_eq(owner_of_error(&back, SW_INSIDE), owner);
		m.frag = 0x2000;
		if (m.v6) {
			m.ext_first = 44;
			m.ext = frag;
			m.ext_len = sizeof(frag);
		}
		ck_assert_uint_eq(
			owner_from(buf, pkt_make(buf, sizeof(buf), &m), SW_OUTSIDE), owner);
	}
}
END_TEST

/* What is no part of a connection that can be named stays where it is. */
START_TEST(others_stay)
{
	static const uint8_t later[] = {FRAG(6, 0x40)};
	struct pkt_make m = {V4, TCP, .frag = 8};
	uint8_t buf[PKT_MAX];

	choose_steering(_i);
	for (unsigned i = 0; i < SW_ARRAY_LEN(odd); i++) {
		size_t len = pkt_make(buf, sizeof(buf), &odd[i].m), l3;
		struct run *r;

		l3 = 14 + 4 * odd[i].m.n_vlan;
		if (odd[i].at >= 0)
			buf[l3 + (size_t)odd[i].at] = odd[i].val;
		r = parse(buf, len, 0, SW_OUTSIDE, 0);
		/* By RSS, one whose header only the parser looks at is given to who refuses it. */
		if (r->p.kind == SW_PKT_OTHER || r->p.kind == SW_PKT_FRAGMENT ||
			(r->p.kind == SW_PKT_BAD && !steer.by_rss))
			ck_assert_msg(owner_from(buf, len, SW_OUTSIDE) == SW_STEER_STAY, "%s",
				odd[i].name);
		done(r);
	}
	ck_assert_uint_eq(
		owner_from(buf, pkt_make(buf, sizeof(buf), &m), SW_OUTSIDE), SW_STEER_STAY);
	m = (struct pkt_make){V6, TCP, .ext_first = 44, .ext = later, .ext_len = sizeof(later)};
	ck_assert_uint_eq(
		owner_from(buf, pkt_make(buf, sizeof(buf), &m), SW_OUTSIDE), SW_STEER_STAY);
	m = (struct pkt_make){V4, .proto = 17, DATA("udp, with ports")};
	ck_assert_uint_eq(
		owner_from(buf, pkt_make(buf, sizeof(buf), &m), SW_OUTSIDE), SW_STEER_STAY);
	for (size_t len = 0; len < 34; len++)
		ck_assert_uint_eq(owner_from(buf, len, SW_OUTSIDE), SW_STEER_STAY);
}
END_TEST

/* The packet as it came in on `side`: what the port does with it, if it is TCP to the parser. */
static bool
check_as_port(const uint8_t *buf, size_t len, enum sw_side side, unsigned period)
{
	struct run *r = parse(buf, len, 0, side, 0);
	const struct sw_tuple *t = &r->p.tuple;
	const bool tcp = r->p.kind == SW_PKT_TCP || r->p.kind == SW_PKT_FIRST;
	const bool bad = r->p.kind == SW_PKT_BAD, out = side == SW_OUTSIDE;
	const size_t skip = tcp && !sw_tuple_is_v6(t) ? 12 : 0;
	const unsigned owner = owner_from(buf, len, side);

	if (tcp)
		ck_assert_uint_eq(owner,
			naive_rss(sw_tuple_is_v6(t), (out ? &t->client : &t->server)->b + skip,
				(out ? &t->server : &t->client)->b + skip,
				rte_be_to_cpu_16(out ? t->cport_be : t->sport_be),
				rte_be_to_cpu_16(out ? t->sport_be : t->cport_be), period,
				steer.n_workers));
	else if (!bad)
		ck_assert_uint_eq(owner, SW_STEER_STAY);
	done(r);
	return tcp;
}

/* Sound packets, then with bytes changed. */
START_TEST(as_the_port_does)
{
	static const unsigned workers[] = {1, 2, 3, 4, 7, 64}, periods[] = {64, 128, 512, 4096};
	const unsigned period = periods[_i / 6];
	uint64_t seed = pkt_seed() + (unsigned)_i;
	unsigned taken = 0;

	sw_steer_by_rss(&steer, workers[_i % 6], period);
	for (unsigned n = 0; n < 100 * SW_ARRAY_LEN(good); n++) {
		struct pkt_make m = good[n % SW_ARRAY_LEN(good)];
		uint8_t buf[PKT_MAX];
		size_t len;

		other_ends(&m, &seed);
		len = pkt_make(buf, sizeof(buf), &m);
		for (unsigned change = 0; change < 4; change++) {
			taken += check_as_port(buf, len, n & 1, period);
			buf[12 + pkt_rand(&seed) % (len - 12)] = (uint8_t)pkt_rand(&seed);
		}
	}
	ck_assert_uint_gt(taken, 100 * SW_ARRAY_LEN(good));
}
END_TEST

/* By RSS, a tag makes no difference: a port may hash behind it, or not strip it. */
START_TEST(rss_looks_through_tags)
{
	struct pkt_make m = {V4, TCP};
	uint8_t buf[PKT_MAX];
	unsigned plain;

	sw_steer_by_rss(&steer, 4, 128);
	for (m.sport = 1; m.sport < 1000; m.sport++) {
		m.n_vlan = 0;
		plain = owner_from(buf, pkt_make(buf, sizeof(buf), &m), SW_OUTSIDE);
		m.n_vlan = 1;
		m.vlan_tci[0] = m.sport;
		ck_assert_uint_eq(
			owner_from(buf, pkt_make(buf, sizeof(buf), &m), SW_OUTSIDE), plain);
	}
}
END_TEST

/*
 * Ports in a row of one client, then one port of clients in a row: 6 standard deviations of a fair
 * choice are left for chance, which no key of a good hash passes.
 */
START_TEST(spread_is_even)
{
	static const unsigned workers[] = {2, 3, 4, 5, 8, 64};
	const unsigned k = workers[_i % 6];

	for (unsigned row = 0; row < 2; row++) {
		unsigned count[64] = {0};

		sw_steer_by_hash(&steer, k, _i < 6 ? key_a : key_b);
		for (unsigned n = 0; n < TUPLES; n++) {
			struct pkt_make m = {V4, TCP};
			uint8_t buf[PKT_MAX];

			if (row == 0) {
				m.sport = (uint16_t)n;
			} else {
				m.src[1] = (uint8_t)(n >> 8);
				m.src[2] = (uint8_t)n;
			}
			count[owner_from(buf, pkt_make(buf, sizeof(buf), &m), SW_OUTSIDE)]++;
		}
		for (unsigned w = 0; w < k; w++) {
			const double mean = TUPLES / (double)k, d = count[w] - mean;

			ck_assert_msg(d * d < 36 * mean, "worker %u of %u has %u", w, k, count[w]);
		}
	}
}
END_TEST

/* Under another key the owners are others, as many as chance makes. */
START_TEST(keyed)
{
	unsigned same = 0;

	for (unsigned n = 0; n < TUPLES; n++) {
		struct pkt_make m = {V4, TCP};
		uint8_t buf[PKT_MAX];
		size_t len;
		unsigned a;

		m.sport = (uint16_t)n;
		len = pkt_make(buf, sizeof(buf), &m);
		sw_steer_by_hash(&steer, 4, key_a);
		a = owner_from(buf, len, SW_OUTSIDE);
		sw_steer_by_hash(&steer, 4, key_b);
		same += owner_from(buf, len, SW_OUTSIDE) == a;
	}
	/* A quarter; 6 standard deviations are 520. */
	ck_assert_uint_gt(same, TUPLES / 4 - 520);
	ck_assert_uint_lt(same, TUPLES / 4 + 520);
}
END_TEST

/* What goes to `to` must be run[at], in order of arrival; returns its length. */
static unsigned
check_run(const struct sw_steer_runs *r, unsigned at, const uint16_t owner[], unsigned n)
{
	const struct sw_steer_run *run = &r->run[at];
	unsigned k = run->first;

	for (unsigned before = 0; before < at; before++)
		ck_assert_uint_ne(r->run[before].to, run->to);
	for (unsigned i = 0; i < n; i++)
		if (owner[i] == run->to)
			ck_assert_uint_eq(r->order[k++], i);
	ck_assert_uint_eq(k, run->first + run->n);
	ck_assert_uint_gt(run->n, 0);
	return run->n;
}

/* Every frame once: what is kept in order, and for each other worker one run in order. */
START_TEST(sorted)
{
	static const uint8_t zero[SW_STEER_WORKERS_MAX];
	static struct sw_steer_runs r;
	uint64_t seed = pkt_seed();

	for (unsigned turn = 0; turn < 3000; turn++) {
		const unsigned n = (unsigned)(pkt_rand(&seed) % (SW_BURST_MAX + 1));
		const unsigned k = 1 + (unsigned)(pkt_rand(&seed) % SW_STEER_WORKERS_MAX);
		const unsigned self = (unsigned)(pkt_rand(&seed) % k);
		uint16_t owner[SW_BURST_MAX];
		unsigned kept = 0, handed = 0;

		for (unsigned i = 0; i < n; i++)
			owner[i] = pkt_rand(&seed) % 4 == 0 ? SW_STEER_STAY
							    : (uint16_t)(pkt_rand(&seed) % k);
		sw_steer_sort(&r, owner, n, self);
		for (unsigned i = 0; i < n; i++)
			if (owner[i] == self || owner[i] == SW_STEER_STAY)
				ck_assert_uint_eq(r.kept[kept++], i);
		ck_assert_uint_eq(r.n_kept, kept);
		for (unsigned at = 0; at < r.n_runs; at++) {
			ck_assert_uint_ne(r.run[at].to, self);
			ck_assert_uint_eq(r.run[at].first, handed);
			handed += check_run(&r, at, owner, n);
		}
		ck_assert_uint_eq(handed + kept, n);
		ck_assert_int_eq(memcmp(r.slot, zero, sizeof(zero)), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("steer");
	TCase *tc = tcase_create("steer");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, naive_is_right);
	tcase_add_loop_test(tc, one_owner, 0, 8);
	tcase_add_loop_test(tc, others_stay, 0, 8);
	tcase_add_loop_test(tc, as_the_port_does, 0, 24);
	tcase_add_test(tc, rss_looks_through_tags);
	tcase_add_loop_test(tc, spread_is_even, 0, 12);
	tcase_add_test(tc, keyed);
	tcase_add_test(tc, sorted);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_FORK_GETENV);
}
