/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments of open connections: an engine with vector code does to each what one without does, in
 * the same order. Both directions, both families, with and without timestamps, among half-open
 * connections, FINs, RSTs and what was broken on the way.
 */

#include "unit/ways.h"

#define CONNS  24
#define OPEN   (CONNS - 4) /* the others stay half-open */
#define BURSTS 3000

/* So many bursts are of any kind, so many of plain segments of one family, and so on. */
#define SPAN 32

/* Timestamps of a segment, none of whose numbers matter here. */
static const uint8_t opt_ts[12] = {1, 1, 8, 10, 9, 9, 9, 9, 1, 2, 3, 4};

/* A connection: what came out of the first engine when it was opened. */
struct conn {
	struct fate synack, to_server;
	bool open;
};

static struct shot
shot_of(const struct pkt_make *m, unsigned side)
{
	struct shot s = {.side = (uint8_t)side};

	s.len = pkt_make(s.data, sizeof(s.data), m);
	s.room = (uint16_t)(FRAME_ROOM - s.len);
	return s;
}

static struct pkt_make
syn_of(unsigned i)
{
	struct pkt_make m = {.v6 = i & 1,
		.src = {192, 0, 2, (uint8_t)(i + 1)},
		.dst = {198, 51, 100, 2},
		.sport = (uint16_t)(4000 + i),
		.dport = 80,
		.seq = 1000 * i,
		.flags = 2,
		.opts = i & 2 ? opt_linux : opt_mss,
		.opts_len = i & 2 ? sizeof(opt_linux) : sizeof(opt_mss)};

	if (m.v6) {
		memcpy(m.src, (uint8_t[16]){0x20, 1, 0xd, 0xb8, 1, [15] = (uint8_t)(i + 1)}, 16);
		memcpy(m.dst, (uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 2}, 16);
	}
	return m;
}

/* Of the server of c: to the client of its SYN. */
static struct shot
server_segment(const struct conn *c, bool plain, uint64_t *seed)
{
	static const uint8_t other[12] = {8, 10, 9, 9, 9, 9, 1, 2, 3, 4, 1, 1};
	struct pkt_seen p;

	ck_assert(pkt_read(c->to_server.data, c->to_server.len, &p));
	struct pkt_make m = back_to(&p);

	m.seq = (uint32_t)pkt_rand(seed);
	m.ack = p.seq + 1 + (uint32_t)pkt_rand(seed) % 9;
	m.flags = once_in(seed, 2) ? 16 : 24;
	m.window = (uint16_t)pkt_rand(seed);
	if (p.opts_len >= 16) {
		m.opts = !plain && once_in(seed, 8) ? other : opt_ts;
		m.opts_len = sizeof(opt_ts);
	}
	if (once_in(seed, 2)) {
		m.payload = (const uint8_t *)"an answer";
		m.payload_len = 1 + pkt_rand(seed) % 9;
	}
	if (!plain && once_in(seed, 60))
		m.flags = once_in(seed, 2) ? 17 : 20;
	return shot_of(&m, SW_INSIDE);
}

static struct shot
client_segment(const struct conn *c, bool plain, uint64_t *seed)
{
	static const uint8_t odd[] = {17, 20, 4, 0x30, 0x90, 0xd0, 0, 1};
	uint8_t flags = once_in(seed, 2) ? 16 : 24;
	uint32_t ahead = 4 * (uint32_t)(pkt_rand(seed) % 4);

	if (!plain && once_in(seed, 20))
		flags = odd[pkt_rand(seed) % sizeof(odd)];
	if (!plain && once_in(seed, 10)) /* a guess, by its number */
		ahead += (uint32_t)pkt_rand(seed);
	return answer(&c->synack, ahead, flags);
}

static void
spoil(struct shot *s, uint64_t *seed)
{
	struct pkt_seen seen;

	if (once_in(seed, 8)) {
		s->data[pkt_rand(seed) % s->len] ^= (uint8_t)(1u << pkt_rand(seed) % 8);
		if (once_in(seed, 2) && pkt_read(s->data, s->len, &seen))
			pkt_fix(s->data, s->len);
		if (pkt_read(s->data, s->len, &seen) && (seen.flags & 0x16) == 2)
			s->data[12] ^= 0x40; /* no SYNs: test_syn_ways.c */
	}
	if (once_in(seed, 40))
		s->len = pkt_rand(seed) % (s->len + 1);
	if (once_in(seed, 8))
		s->room = (uint16_t)(pkt_rand(seed) % 32);
	s->csum = once_in(seed, 6) ? (uint8_t)(pkt_rand(seed) % 16) : 0;
}

static void
both(struct way w[2], const struct shot *shots, unsigned n, uint64_t seed)
{
	fire(&w[0], shots, n);
	fire(&w[1], shots, n);
	compare(&w[0], &w[1], n, seed);
}

static void
compare_order(const struct way w[2], unsigned n, uint64_t seed)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_msg(w[0].fate[i].order == w[1].fate[i].order,
			"seed %llu, packet %u: in place %u and %u", (unsigned long long)seed, i,
			w[0].fate[i].order, w[1].fate[i].order);
}

/* Opens n connections by those SYNs; the servers of the first n_served answer. */
static void
open_all(struct way w[2], struct conn *c, const struct pkt_make *syns, unsigned n,
	unsigned n_served, uint64_t *seed)
{
	struct shot shots[CONNS] = {0};

	for (unsigned i = 0; i < n; i++)
		shots[i] = shot_of(&syns[i], SW_OUTSIDE);
	both(w, shots, n, 0);
	for (unsigned i = 0; i < n; i++) {
		c[i].synack = w[0].fate[i];
		ck_assert(c[i].synack.sent);
		shots[i] = answer(&c[i].synack, 0, 16);
	}
	both(w, shots, n, 0);
	for (unsigned i = 0; i < n; i++) {
		c[i].to_server = w[0].fate[i];
		ck_assert(c[i].to_server.sent && c[i].to_server.side == SW_INSIDE);
		shots[i] = serve(&c[i].to_server, seed);
	}
	both(w, shots, n_served, 0);
}

static void
begin(struct way w[2], const struct rig_params *p)
{
	memset(w, 0, 2 * sizeof(*w));
	w[0].level = SW_SIMD_NONE;
	w[1].level = ways_level;
	for (unsigned i = 0; i < 2; i++)
		rig_init(&w[i].r, p);
}

/* The entry that stands there, or NULL. */
static struct sw_flow *
entry(const struct way *w, uint32_t i)
{
	const struct sw_flow_table *t = sw_engine_flows(w->r.e);
	const struct sw_flow_bucket *b = &sw_flow_ground(t)->buckets[i / SW_FLOW_BUCKET_SLOTS];

	return b->tag[i % SW_FLOW_BUCKET_SLOTS] != SW_FLOW_TAG_EMPTY ? sw_flow_at(t, i) : NULL;
}

static uint32_t
entries(const struct way *w)
{
	return sw_flow_buckets(sw_engine_flows(w->r.e)) * SW_FLOW_BUCKET_SLOTS;
}

/* The one that there is. */
static struct sw_flow *
only_flow(const struct way *w)
{
	uint32_t i = 0;

	ck_assert_uint_eq(sw_flow_count(sw_engine_flows(w->r.e)), 1);
	while (entry(w, i) == NULL)
		i++;
	return entry(w, i);
}

/* Both keep the same of each connection: its state, for how long, and what the server waits for. */
static void
compare_flows(const struct way w[2], uint64_t seed)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < entries(&w[0]); i++) {
		const struct sw_flow *a = entry(&w[0], i), *b = entry(&w[1], i);

		ck_assert_msg(a == NULL ? b == NULL : b != NULL && memcmp(a, b, sizeof(*a)) == 0,
			"seed %llu: entry %u is another one", (unsigned long long)seed, i);
		found += a != NULL;
	}
	ck_assert_uint_eq(found, sw_flow_count(sw_engine_flows(w[0].r.e)));
}

/* One of any connection. */
static struct shot
any_segment(const struct conn *conns, uint64_t *seed)
{
	const struct conn *c = &conns[pkt_rand(seed) % CONNS];
	struct shot s =
		once_in(seed, 2) ? client_segment(c, false, seed) : server_segment(c, false, seed);

	spoil(&s, seed);
	return s;
}

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
	unsigned calm = 0, disturbed = 0;

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
		const bool plain = k / SPAN % 2, was_calm = w[1].r.e->calm == SEG_CALM_BURSTS;
		struct shot shots[SW_BURST_MAX];

		for (unsigned i = 0; i < n; i++)
			shots[i] = plain ? plain_segment(conns, k / SPAN / 2 % 2, &s)
					 : any_segment(conns, &s);
		if (plain && n > 0 && once_in(&s, 20))
			shots[pkt_rand(&s) % n] = any_segment(conns, &s);
		both(w, shots, n, seed);
		compare_order(w, n, seed);
		compare_flows(w, seed);
		calm += was_calm;
		disturbed += was_calm && w[1].r.e->calm == 0;
	}
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_SPLICED_TO_SERVER), 10 * BURSTS);
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_SPLICED_TO_CLIENT), 10 * BURSTS);
	ck_assert_uint_gt(rig_stat(&w[1].r, SW_C_DROPPED), BURSTS / 4);
	ck_assert_uint_gt(calm, BURSTS / 8);
	ck_assert_uint_gt(disturbed, BURSTS / SPAN / 4);
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
	both(w, shot, 1, 0);
	compare_flows(w, 0);
	ck_assert(w[1].fate[0].sent);
	ck_assert_uint_eq(only_flow(&w[1])->state, state);
	/* It was taken for a plain segment of that flow, which has nothing to repair. */
	ck_assert_uint_eq(only_flow(&w[1])->flags & SW_FLOW_REPAIR, 0);
	ck_assert_uint_gt(w[1].r.e->calm, 0);
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
