/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments of open connections: an engine with vector code does to each what one without does, in
 * the same order. Both directions, both families, with and without timestamps, among half-open
 * connections, FINs, RSTs and what was broken on the way.
 */

#include "unit/ways_conns.h"

#define BURSTS 3000

/* So many bursts are of any kind, so many of plain segments of one family, and so on. */
#define SPAN 32

/* A FIN without payload, to whoever has sent f. */
static struct shot
fin_for(const struct fate *f, uint32_t ahead, unsigned side)
{
	struct pkt_seen p;

	ck_assert(pkt_read(f->data, f->len, &p));
	struct pkt_make m = back_to(&p);

	m.seq = p.ack + ahead;
	m.ack = p.seq + 1;
	m.flags = 17;
	m.opts = opt_ts;
	m.opts_len = p.opts_len >= 16 ? sizeof(opt_ts) : 0;
	return shot_of(&m, side);
}

/* Of an open connection of the family of `first`, with nothing out of the ordinary about it. */
static struct shot
plain_segment(const struct conn *conns, unsigned first, uint64_t *seed)
{
	const struct conn *c;

	do
		c = &conns[first + 2 * (pkt_rand(seed) % (OPEN / 2))];
	while (!c->open);
	if (once_in(seed, 10))
		return once_in(seed, 2) ? fin_for(&c->synack, 0, SW_OUTSIDE)
					: fin_for(&c->to_server, 0, SW_INSIDE);
	return once_in(seed, 2) ? client_segment(c, true, seed) : server_segment(c, true, seed);
}

/* Marks those whose server has not refused them. */
static void
find_open(struct way w[2], struct conn *c, uint64_t *seed)
{
	struct shot shots[OPEN];

	for (unsigned i = 0; i < OPEN; i++)
		shots[i] = client_segment(&c[i], true, seed);
	both(w, shots, OPEN, 0);
	for (unsigned i = 0; i < OPEN; i++)
		c[i].open = w[0].fate[i].sent && w[0].fate[i].side == SW_INSIDE;
	ck_assert(c[0].open || c[2].open);
	ck_assert(c[1].open || c[3].open);
}

START_TEST(segments_agree)
{
	static struct way w[2];
	struct pkt_make syns[CONNS];
	struct conn conns[CONNS];
	uint64_t base = pkt_seed() * 1000 + 77, s = base;
	unsigned plain_alone = 0, plain_among = 0;

	begin(w, &(struct rig_params){
			 .no_sources = true, .learn = true, .flows = 256, .pending = 256});
	for (unsigned i = 0; i < CONNS; i++)
		syns[i] = syn_of(i);
	/* Some whose server has no timestamps are asked anew. */
	open_all(w, conns, syns, CONNS, OPEN, &s);
	find_open(w, conns, &s);
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_FLOW_ESTABLISHED), CONNS / 2);
	for (unsigned k = 0; k < BURSTS; k++) {
		const uint64_t seed = s = base * 100000 + k;
		const unsigned n = once_in(&s, 4) ? 64 : (unsigned)(pkt_rand(&s) % 65);
		const bool plain = k / SPAN % 2;
		struct shot shots[SW_BURST_MAX];
		unsigned n_plain;

		for (unsigned i = 0; i < n; i++)
			shots[i] = plain ? plain_segment(conns, k / SPAN / 2 % 2, &s)
					 : any_segment(conns, &s);
		if (plain && n > 0 && once_in(&s, 20))
			shots[pkt_rand(&s) % n] = any_segment(conns, &s);
		n_plain = pick_shots(&w[1], shots, n)->segs.n;
		plain_alone += n > 0 && n_plain == n;
		plain_among += n_plain > 0 && n_plain < n;
		both(w, shots, n, seed);
		compare_order(w, n, seed);
		compare_flows(w, seed);
	}
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_SPLICED_TO_SERVER), 10 * BURSTS);
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_SPLICED_TO_CLIENT), 10 * BURSTS);
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_DROPPED), BURSTS / 4);
	ck_assert_uint_gt(plain_alone, BURSTS / 8);
	ck_assert_uint_gt(plain_among, BURSTS / 8);
	end(&w[0]);
	end(&w[1]);
}
END_TEST

/* One that the general way judges: its checksum is wrong, or the port says something of it. */
static void
spoil_fin(struct shot *s, unsigned how)
{
	static const uint8_t csum[] = {0, SW_CSUM_L4_BAD, SW_CSUM_L4_BAD, SW_CSUM_L4_GOOD};

	s->csum = csum[how];
	if (how != 1)
		s->data[s->len - 1] ^= 1; /* urgent pointer, or timestamps */
}

static void
fire_alone(struct way w[2], const struct shot *shot, uint8_t state)
{
	ck_assert_uint_eq(pick_shots(&w[1], shot, 1)->segs.n, 1);
	both(w, shot, 1, 0);
	compare_flows(w, 0);
	ck_assert(w[1].fate[0].sent);
	ck_assert_uint_eq(only_flow(&w[1])->state, state);
	/* A plain segment of that flow, which has nothing to repair. */
	ck_assert_uint_eq(only_flow(&w[1])->flags & SW_FLOW_REPAIR, 0);
}

/* A seed by which the server of each has all options. */
#define FIN_SEED 4

/* FINs, both families. One that is far from what the server waits for moves nothing. */
START_TEST(fins)
{
	static struct way w[2];
	const struct pkt_make syn = syn_of((unsigned)_i); /* the second half with timestamps */
	struct conn c;
	struct shot s;
	uint64_t seed = FIN_SEED;

	begin(w, &(struct rig_params){.no_sources = true, .flows = 256});
	open_all(w, &c, &syn, 1, 1, &seed);
	s = answer(&c.synack, 0, 16);
	fire_alone(w, &s, SW_FLOW_OPEN);
	s = fin_for(&c.synack, 1u << 30, SW_OUTSIDE);
	fire_alone(w, &s, SW_FLOW_OPEN);
	for (unsigned wrong = 0; wrong < 4; wrong++) {
		s = fin_for(&c.synack, 0, SW_OUTSIDE);
		spoil_fin(&s, wrong);
		both(w, &s, 1, 0);
		compare_flows(w, 0);
		/* A port that says that the checksum is right is believed, by the general way. */
		ck_assert_uint_eq(
			only_flow(&w[1])->state, wrong == 3 ? SW_FLOW_FIN_CLIENT : SW_FLOW_OPEN);
		if (wrong == 3) /* back to OPEN, in both */
			for (unsigned k = 0; k < 2; k++)
				only_flow(&w[k])->state = SW_FLOW_OPEN;
	}
	s = fin_for(&c.synack, 0, SW_OUTSIDE);
	fire_alone(w, &s, SW_FLOW_FIN_CLIENT);
	s = fin_for(&c.to_server, 7, SW_INSIDE);
	fire_alone(w, &s, SW_FLOW_FIN_BOTH);
	end(&w[0]);
	end(&w[1]);
}
END_TEST

/*
 * A policy that comes back judges the connections that were opened under another one meanwhile: the
 * source of the second one is denied by the first policy, in which the first one stays open.
 */
START_TEST(policy_comes_back)
{
	static struct way w[2];
	static struct rig other;
	const struct sw_policy *first[2];
	struct pkt_make syn = syn_of(0);
	struct conn conns[2];
	struct shot shots[2];
	uint64_t s = 1;

	begin(w, NULL);
	rig_init(&other, &(struct rig_params){.no_sources = true});
	open_all(w, &conns[0], &syn, 1, 1, &s);
	memcpy(syn.src, (uint8_t[4]){203, 0, 114, 9}, 4);
	for (unsigned i = 0; i < 2; i++) {
		first[i] = w[i].r.view.policy;
		w[i].r.view.policy = other.view.policy;
	}
	open_all(w, &conns[1], &syn, 1, 1, &s);
	ck_assert_uint_eq(rig_stat(&w[0].r, SW_C_FLOW_ESTABLISHED), 2);
	for (unsigned i = 0; i < 2; i++) {
		w[i].r.view.policy = first[i];
		shots[i] = answer(&conns[i].synack, 4, 16);
	}
	both(w, shots, 2, 0);
	ck_assert(w[1].fate[0].sent);
	ck_assert(w[1].fate[1].freed);
	ck_assert_uint_eq(rig_drop(&w[1].r, SW_DROP_DENIED), 1);
	end(&w[0]);
	end(&w[1]);
	rig_fini(&other);
}
END_TEST

int
main(int argc, char **argv)
{
	if (!ways_begin(argc, argv))
		return CHECK_SKIPPED;

	Suite *suite = suite_create("seg_ways");
	TCase *tc = tcase_create("seg_ways");

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, ways_set_level, NULL);
	tcase_add_test(tc, each_level_has_its_code);
	tcase_add_test(tc, policy_comes_back);
	tcase_add_loop_test(tc, fins, 0, 4);
	tcase_add_test(tc, segments_agree);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
