/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow table under random operations beside a map that cannot be wrong: a pool of tuples, and
 * for each of them the entry that it has, or none.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/seq.h"
#include "flow/flow.h"
#include "flow/place.h"
#include "unit/pkt_make.h"

#define NOBODY UINT32_MAX

struct model {
	uint64_t seed, rnd;
	unsigned step;
	uint32_t now_ms;

	struct sw_flow_table *t;
	uint32_t max, pool;
	struct sw_tuple *tuples;     /* pool of them, all different */
	struct sw_flow_place *place; /* by tuple; found once */
	struct sw_flow **flow;	     /* by tuple: its entry, or NULL */
	uint32_t *deadline_ms;	     /* by tuple, where it has an entry */
	uint32_t entries;	     /* numbers that entries may have */
	uint32_t *owner;	     /* by entry number: its tuple, or NOBODY */
	uint32_t live;
	unsigned refused;      /* inserts refused below max */
	unsigned refused_soon; /* of those: below 90 % of it */
};

#define EXPECT(m, x)                                                                     \
	do {                                                                             \
		if (!(x))                                                                \
			ck_abort_msg("seed %llu, %u flows, step %u: %s",                 \
				(unsigned long long)(m)->seed, (m)->max, (m)->step, #x); \
	} while (0)

/*
 * Tuples come in fours that differ in one thing only: family, VLAN or port. The number of the four
 * stands in the server's address, so that no two are the same.
 */
static void
pool_tuple(struct sw_tuple *t, uint32_t i, uint64_t seed)
{
	uint64_t s = seed + i / 4;

	memset(t, 0, sizeof(*t));
	t->client.w_be[3] = (uint32_t)pkt_rand(&s);
	t->server.w_be[3] = i / 4;
	t->cport_be = (uint16_t)pkt_rand(&s);
	t->sport_be = RTE_BE16(443);
	if (i % 4 == 1)
		t->vlan_af = SW_TUPLE_IPV6;
	if (i % 4 == 2)
		t->vlan_af = 1;
	if (i % 4 == 3)
		t->cport_be ^= 1;
}

static void *
zalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	ck_assert_ptr_nonnull(p);
	return p;
}

static void
model_init(struct model *m, uint32_t max, uint32_t pool, uint64_t seed)
{
	size_t size = sw_flow_table_size(max);
	void *mem = aligned_alloc(SW_CACHE_LINE_BYTES, size);
	uint64_t key[4];

	memset(m, 0, sizeof(*m));
	m->seed = seed;
	m->rnd = seed;
	m->max = max;
	m->pool = pool;
	m->now_ms = 0u - 20000; /* wraps on the way */
	for (unsigned i = 0; i < 4; i++)
		key[i] = pkt_rand(&m->rnd);
	ck_assert_ptr_nonnull(mem);
	m->t = sw_flow_table_init(mem, size, max, key);
	EXPECT(m, m->t == mem);
	m->tuples = zalloc(pool, sizeof(*m->tuples));
	m->place = zalloc(pool, sizeof(*m->place));
	m->flow = zalloc(pool, sizeof(struct sw_flow *));
	m->deadline_ms = zalloc(pool, sizeof(uint32_t));
	m->entries = sw_flow_buckets(m->t) * SW_FLOW_BUCKET_SLOTS;
	m->owner = zalloc(m->entries, sizeof(uint32_t));
	memset(m->owner, 0xff, m->entries * sizeof(uint32_t));
	for (uint32_t i = 0; i < pool; i++) {
		pool_tuple(&m->tuples[i], i, seed);
		m->place[i] = sw_flow_place_of(sw_flow_ground(m->t), &m->tuples[i]);
	}
}

static void
model_free(struct model *m)
{
	free(m->t);
	free(m->tuples);
	free(m->flow);
	free(m->place);
	free(m->deadline_ms);
	free(m->owner);
}

/* What the engine keeps in an entry must be there whenever it is found again. */
static void
check_entry(const struct model *m, uint32_t who, struct sw_flow *f)
{
	EXPECT(m, f == m->flow[who]);
	if (f == NULL)
		return;
	EXPECT(m, sw_tuple_equal(&f->key, &m->tuples[who]));
	EXPECT(m, f->delta == who && f->ts_delta == ~who && f->aux == who * 3);
	EXPECT(m, f->deadline_ms == m->deadline_ms[who]);
	EXPECT(m, m->owner[sw_flow_index(m->t, f)] == who);
	EXPECT(m, sw_flow_at(m->t, sw_flow_index(m->t, f)) == f);
}

static void
op_insert(struct model *m, uint32_t who)
{
	static const uint8_t zero[sizeof(struct sw_flow) - sizeof(struct sw_tuple)];
	struct sw_flow *f;

	if (m->flow[who] != NULL)
		return;
	if (m->step % 2) { /* by its place, with or without the entry sent for */
		if (m->step % 4 == 1)
			sw_flow_fetch_free(m->t, &m->place[who]);
		f = sw_flow_insert_at(m->t, &m->place[who], &m->tuples[who]);
	} else {
		f = sw_flow_insert(m->t, &m->tuples[who]);
	}
	if (f == NULL) {
		m->refused += m->live < m->max;
		m->refused_soon += m->live < m->max - m->max / 10;
		return;
	}
	EXPECT(m, m->live < m->max);
	EXPECT(m, sw_flow_index(m->t, f) < m->entries);
	EXPECT(m, m->owner[sw_flow_index(m->t, f)] == NOBODY);
	EXPECT(m, memcmp((uint8_t *)f + sizeof(struct sw_tuple), zero, sizeof(zero)) == 0);
	f->delta = who;
	f->ts_delta = ~who;
	f->aux = who * 3;
	f->state = f->wscale_client = f->wscale_server = f->wscale_promised = 0xf;
	f->flags = f->mss_units = 0xff;
	f->server_isn = f->window = 0xffff;
	f->deadline_ms = m->deadline_ms[who] = m->now_ms + (uint32_t)(pkt_rand(&m->rnd) % 5000);
	m->flow[who] = f;
	m->owner[sw_flow_index(m->t, f)] = who;
	m->live++;
}

static void
op_remove(struct model *m, uint32_t who)
{
	struct sw_flow *f = m->flow[who];

	if (f == NULL)
		return;
	check_entry(m, who, f);
	m->owner[sw_flow_index(m->t, f)] = NOBODY;
	m->flow[who] = NULL;
	m->live--;
	sw_flow_remove(m->t, f);
}

/* A burst of any length, of tuples in the table, absent ones, repeated ones and none at all. */
static void
op_lookup(struct model *m)
{
	const struct sw_tuple *tuples[SW_BURST_MAX] = {NULL};
	struct sw_tuple copy[SW_BURST_MAX];
	struct sw_flow *flows[SW_BURST_MAX + 1];
	uint32_t who[SW_BURST_MAX];
	unsigned n = pkt_rand(&m->rnd) % (SW_BURST_MAX + 1);
	struct sw_flow *guard = (struct sw_flow *)m->t;

	for (unsigned i = 0; i < n; i++) {
		who[i] = (uint32_t)(pkt_rand(&m->rnd) % m->pool);
		copy[i] = m->tuples[who[i]];
		tuples[i] = &copy[i];
		if (pkt_rand(&m->rnd) % 8 == 0) {
			tuples[i] = NULL;
			who[i] = NOBODY;
		} else if (pkt_rand(&m->rnd) % 8 == 0) {
			copy[i].sport_be ^= RTE_BE16(0x8000); /* in no pool */
			who[i] = NOBODY;
		}
		flows[i] = guard;
	}
	flows[n] = guard;
	sw_flow_lookup_burst(m->t, tuples, flows, n);
	EXPECT(m, flows[n] == guard);
	for (unsigned i = 0; i < n; i++) {
		if (who[i] == NOBODY)
			EXPECT(m, flows[i] == NULL);
		else
			check_entry(m, who[i], flows[i]);
	}
}

static void
op_age(struct model *m)
{
	struct sw_flow *expired[32];
	unsigned max = pkt_rand(&m->rnd) % (SW_ARRAY_LEN(expired) + 1);
	unsigned n = sw_flow_age(m->t, m->now_ms, (uint32_t)(pkt_rand(&m->rnd) % 40), expired, max);
	uint32_t who[32];

	EXPECT(m, n <= max);
	for (unsigned i = 0; i < n; i++) {
		who[i] = m->owner[sw_flow_index(m->t, expired[i])];
		EXPECT(m, who[i] != NOBODY);
		check_entry(m, who[i], expired[i]);
		EXPECT(m, sw_seq_before(m->deadline_ms[who[i]], m->now_ms));
		for (unsigned j = 0; j < i; j++)
			EXPECT(m, expired[j] != expired[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		if (pkt_rand(&m->rnd) % 4 != 0)
			op_remove(m, who[i]);
		else
			expired[i]->deadline_ms = m->deadline_ms[who[i]] = m->now_ms + 3000;
	}
}

/* Tags stand where entries are, and the bytes that stand for the buckets say how many. */
static void
check_fill(struct model *m)
{
	const struct sw_flow_ground *g = sw_flow_ground(m->t);

	for (uint32_t b = 0; b < g->n_buckets; b++) {
		unsigned taken = 0;

		for (unsigned s = 0; s < SW_FLOW_BUCKET_SLOTS; s++) {
			const bool is = g->buckets[b].tag[s] != SW_FLOW_TAG_EMPTY;

			EXPECT(m, is == (m->owner[b * SW_FLOW_BUCKET_SLOTS + s] != NOBODY));
			taken += is;
		}
		EXPECT(m, taken == g->fill[b]);
	}
}

static void
check_all(struct model *m)
{
	uint32_t live = 0;

	check_fill(m);

	for (uint32_t i = 0; i < m->pool; i++) {
		check_entry(m, i, sw_flow_find(m->t, &m->tuples[i]));
		check_entry(m, i, sw_flow_find_at(m->t, &m->place[i], &m->tuples[i]));
		live += m->flow[i] != NULL;
	}
	EXPECT(m, live == m->live && sw_flow_count(m->t) == live);
}

/*
 * The mixture swings between filling and emptying, so that the table is both full and near empty.
 */
static void
run(uint32_t max, uint32_t pool, uint64_t seed, unsigned steps)
{
	unsigned period = 4 * max + 1000, fulls = 0;
	struct model m;

	model_init(&m, max, pool, seed);
	for (m.step = 0; m.step < steps; m.step++) {
		bool filling = m.step / period % 2 == 0;
		uint32_t who = (uint32_t)(pkt_rand(&m.rnd) % pool);
		unsigned dice = pkt_rand(&m.rnd) % 16;

		m.now_ms += pkt_rand(&m.rnd) % 64 == 0;
		if (dice < (filling ? 12 : 4))
			op_insert(&m, who);
		else if (dice < 13)
			op_remove(&m, filling ? (uint32_t)(pkt_rand(&m.rnd) % pool) : who);
		else if (dice < 14)
			check_entry(&m, who, sw_flow_find(m.t, &m.tuples[who]));
		else if (dice < 15 || m.step % 8 != 0)
			op_lookup(&m);
		else
			op_age(&m);
		EXPECT(&m, sw_flow_count(m.t) == m.live);
		fulls += m.live == max;
	}
	check_all(&m);
	EXPECT(&m, fulls > 0);
	/*
	 * Ageing empties buckets in their order, so those that it has not come to for long are
	 * fuller than the rest: in a table that is nearly full, both of a tuple's may have no slot.
	 */
	EXPECT(&m, m.refused_soon == 0 && m.refused <= max / 2500);
	for (uint32_t i = 0; i < pool; i++)
		op_remove(&m, i);
	check_all(&m);
	EXPECT(&m, sw_flow_count(m.t) == 0);
	model_free(&m);
}

START_TEST(small_tables)
{
	static const uint32_t max[] = {1, 2, 7, 8, 9, 64, 333, 1000};

	for (unsigned i = 0; i < SW_ARRAY_LEN(max); i++) {
		for (uint64_t seed = 1; seed <= 4; seed++)
			run(max[i], max[i] * 3 + 4, seed, 60000);
	}
}
END_TEST

START_TEST(large_table)
{
	for (uint64_t seed = 1; seed <= 2; seed++)
		run(100000, 160000, seed, 1000000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flow_model");
	TCase *tc = tcase_create("flow_model");

	tcase_add_test(tc, small_tables);
	tcase_add_test(tc, large_table);
	suite_add_tcase(suite, tc);
	return check_suite_run(suite, CK_NOFORK);
}
