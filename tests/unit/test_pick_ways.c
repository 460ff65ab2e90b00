/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bursts of SYNs, segments and what is broken: which way each packet goes does not hang on what it
 * is among, and an engine with vector code does to each what one without does, in the same order.
 */
#include "unit/ways_conns.h"

#define BURSTS 3000

enum way_of { WAY_GENERAL, WAY_SYN, WAY_SEGMENT };

/* A new connection's, whose tuple no other one has. */
static struct pkt_make
new_syn_make(unsigned number, unsigned v6)
{
	struct pkt_make m = syn_of(v6 + 2 * (number % 2));

	m.sport = (uint16_t)(10000 + number % 50000);
	m.n_vlan = number % 16 == 7;
	m.vlan_tci[0] = 7;
	return m;
}

static struct shot
new_syn(unsigned number, unsigned v6)
{
	struct pkt_make m = new_syn_make(number, v6);

	return shot_of(&m, SW_OUTSIDE);
}

/* In runs of several. syn[]: which are SYNs; or NULL. */
static void
make_burst(struct shot *shots, bool *syn, unsigned n, const struct conn *conns, unsigned *number,
	uint64_t *seed)
{
	const unsigned v6 = (unsigned)pkt_rand(seed) % 3, run = 1 + (unsigned)pkt_rand(seed) % 20;
	bool syns = false;

	for (unsigned i = 0; i < n; i++) {
		if (once_in(seed, run))
			syns = !syns;
		if (syn != NULL)
			syn[i] = syns;
		shots[i] =
			syns ? new_syn(++*number, v6 == 2 ? i % 2 : v6) : any_segment(conns, seed);
	}
}

/* ways[]: by place in the burst. */
static void
ways_of(const struct picked *p, const struct sw_frame *frames, unsigned n, enum way_of *ways)
{
	const struct segs *g = &p->segs;

	for (unsigned i = 0; i < n; i++)
		ways[i] = WAY_GENERAL;
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned k = 0; k < p->rows[v6].n; k++)
			if (p->rows[v6].fit >> k & 1)
				ways[p->rows[v6].f[k] - frames] = WAY_SYN;
	for (unsigned k = 0; k < g->n; k++) {
		ck_assert_int_eq(ways[g->at[k]], WAY_GENERAL);
		ways[g->at[k]] = WAY_SEGMENT;
	}
}

/* Of the rest, those that are said to have no flow, and where one would be. Returns how many. */
static unsigned
check_absent(const struct way *w, const struct rest *r, struct sw_frame *rest)
{
	const struct sw_flow_table *t = w->r.e->flows;
	unsigned n = 0;

	for (uint64_t left = r->absent; left != 0; left &= left - 1) {
		const unsigned k = (unsigned)__builtin_ctzll(left);
		struct sw_flow_place place;
		struct sw_pkt p;

		ck_assert_uint_lt(k, r->n);
		sw_parse_burst(&rest[k], &p, 1);
		ck_assert_int_eq(p.kind, SW_PKT_TCP);
		place = sw_flow_place_of(sw_flow_ground(t), &p.tuple);
		ck_assert_uint_eq(r->place[k].b[0], place.b[0]);
		ck_assert_uint_eq(r->place[k].b[1], place.b[1]);
		ck_assert_uint_eq(r->place[k].tag, place.tag);
		ck_assert_ptr_null(sw_flow_find(t, &p.tuple));
		n++;
	}
	return n;
}

/* The rest are those that go neither way, each a copy, in the order of the burst. */
static void
check_rest(const struct picked *p, const struct sw_frame *frames, const struct sw_frame *rest,
	unsigned n, const enum way_of *ways)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++)
		k += ways[i] == WAY_GENERAL;
	ck_assert_uint_eq(p->rest.n, k);
	if (k == n)
		return;
	k = 0;
	for (unsigned i = 0; i < n; i++) {
		if (ways[i] != WAY_GENERAL)
			continue;
		ck_assert_ptr_eq(rest[k].data, frames[i].data);
		ck_assert_uint_eq(p->rest.at[k], i);
		k++;
	}
}

/* Returns how many have no flow for certain. */
static unsigned
pick_and_check(struct way *w, const struct shot *shots, unsigned n, enum way_of *ways)
{
	struct sw_frame frames[SW_BURST_MAX], rest[SW_BURST_MAX];
	const struct picked *p = pick_frames(w, shots, n, frames, rest);

	ways_of(p, frames, n, ways);
	check_rest(p, frames, rest, n, ways);
	return check_absent(w, &p->rest, rest);
}

START_TEST(alone_as_among_others)
{
	static struct way w[2];
	struct pkt_make syns[CONNS];
	struct conn conns[CONNS];
	uint64_t base = pkt_seed() * 1000 + 78, s = base;
	unsigned number = 0, count[3] = {0}, absent = 0;

	begin(w, &(struct rig_params){.no_sources = true, .flows = 256, .pending = 256});
	for (unsigned i = 0; i < CONNS; i++)
		syns[i] = syn_of(i);
	open_all(w, conns, syns, CONNS, OPEN, &s);
	for (unsigned k = 0; k < BURSTS; k++) {
		const unsigned n = once_in(&s, 4) ? 64 : (unsigned)(pkt_rand(&s) % 65);
		enum way_of among[SW_BURST_MAX], alone;
		struct shot shots[SW_BURST_MAX];

		make_burst(shots, NULL, n, conns, &number, &s);
		absent += pick_and_check(&w[1], shots, n, among);
		for (unsigned i = 0; i < n; i++) {
			pick_and_check(&w[1], &shots[i], 1, &alone);
			ck_assert_msg(alone == among[i],
				"seed %llu, burst %u, packet %u: %d and %d",
				(unsigned long long)base, k, i, alone, among[i]);
			count[alone]++;
		}
	}
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_gt(count[i], 3 * BURSTS);
	ck_assert_uint_gt(absent, BURSTS / 4);
	end(&w[0]);
	end(&w[1]);
}
END_TEST

/* Of all but SYNs. Those are answered last; which of them first depends on the way. */
static void
compare_order_but(const struct way w[2], const bool *syn, unsigned n, uint64_t seed)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_msg(syn[i] || w[0].fate[i].order == w[1].fate[i].order,
			"seed %llu, packet %u: in place %u and %u", (unsigned long long)seed, i,
			w[0].fate[i].order, w[1].fate[i].order);
}

START_TEST(bursts_agree)
{
	static struct way w[2];
	struct pkt_make syns[CONNS];
	struct conn conns[CONNS];
	uint64_t base = pkt_seed() * 1000 + 79, s = base;
	unsigned number = 0;

	begin(w, &(struct rig_params){
			 .no_sources = true, .learn = true, .flows = 256, .pending = 256});
	for (unsigned i = 0; i < CONNS; i++)
		syns[i] = syn_of(i);
	open_all(w, conns, syns, CONNS, OPEN, &s);
	for (unsigned k = 0; k < BURSTS; k++) {
		const uint64_t seed = s = base * 100000 + k;
		const unsigned n = once_in(&s, 4) ? 64 : (unsigned)(pkt_rand(&s) % 65);
		struct shot shots[SW_BURST_MAX];
		bool syn[SW_BURST_MAX];

		make_burst(shots, syn, n, conns, &number, &s);
		both(w, shots, n, seed);
		compare_order_but(w, syn, n, seed);
		compare_flows(w, seed);
	}
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_SYNACK_SENT), 3 * BURSTS);
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_SPLICED_TO_SERVER), 3 * BURSTS);
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_SPLICED_TO_CLIENT), 3 * BURSTS);
	end(&w[0]);
	end(&w[1]);
}
END_TEST

/*
 * What is known of the rest's flows is not taken for the flows of SYNs that are judged behind it:
 * the ACKs of a burst open flows, and a SYN of each such client, with another number, is in it.
 */
START_TEST(syns_behind_those_without_a_flow)
{
	static struct way w[2];
	struct pkt_make syns[CONNS];
	struct conn conns[CONNS], fresh[8];
	struct shot shots[24];
	uint64_t s = 5;
	unsigned n = 0;

	begin(w, &(struct rig_params){.no_sources = true, .flows = 256, .pending = 256});
	for (unsigned i = 0; i < CONNS; i++)
		syns[i] = syn_of(i);
	open_all(w, conns, syns, CONNS, CONNS, &s);
	for (unsigned i = 0; i < SW_ARRAY_LEN(fresh); i++) {
		struct pkt_make m = new_syn_make(i + 1, i % 2);

		shots[i] = shot_of(&m, SW_OUTSIDE);
	}
	both(w, shots, SW_ARRAY_LEN(fresh), 0);
	for (unsigned i = 0; i < SW_ARRAY_LEN(fresh); i++) {
		fresh[i].synack = w[0].fate[i];
		ck_assert(fresh[i].synack.sent);
	}
	for (unsigned i = 0; i < SW_ARRAY_LEN(fresh); i++) {
		struct pkt_make m = new_syn_make(i + 1, i % 2);

		m.seq += 5000;
		shots[n++] = client_segment(&conns[2 * i], true, &s);
		shots[n++] = answer(&fresh[i].synack, 0, 16);
		shots[n++] = shot_of(&m, SW_OUTSIDE);
	}
	both(w, shots, n, 0);
	compare_flows(w, 0);
	ck_assert_uint_eq(rig_stat(&w[1].r, SW_C_COOKIE_ACCEPTED), CONNS + SW_ARRAY_LEN(fresh));
	end(&w[0]);
	end(&w[1]);
}
END_TEST

int
main(int argc, char **argv)
{
	if (!ways_begin(argc, argv))
		return CHECK_SKIPPED;

	Suite *suite = suite_create("pick_ways");
	TCase *tc = tcase_create("pick_ways");

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, ways_set_level, NULL);
	tcase_add_test(tc, each_level_has_its_code);
	tcase_add_test(tc, alone_as_among_others);
	tcase_add_test(tc, bursts_agree);
	tcase_add_test(tc, syns_behind_those_without_a_flow);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
