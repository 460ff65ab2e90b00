/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ways.h - two engines that are fed the same bursts, one with vector code and one without: for the
 * tests that hold them against each other (test_syn_ways.c, test_seg_ways.c, test_pick_ways.c).
 */
#ifndef SW_TEST_WAYS_H
#define SW_TEST_WAYS_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/ways.h"
#include "unit/shots.h"

#define SPARE_ID 10000

/* Buffers: those of a burst, and of packets that are held until a server answers. */
#define SLOTS 1024

struct way {
	struct rig r;
	enum sw_simd level;
	uint8_t buf[SLOTS][RIG_HEADROOM + FRAME_ROOM];
	bool busy[SLOTS];
	int at[SLOTS]; /* place in the burst; -1: of an earlier one */
	uint8_t spare[SW_SPARE_MAX][RIG_HEADROOM + FRAME_ROOM];
	struct fate fate[SW_BURST_MAX];
	/* Sent in spare buffers, or after they were held: how many, and a sum in which order does
	 * not count. */
	unsigned others;
	uint64_t others_sum;
};

/* Of the engine with vector code. */
static enum sw_simd ways_level;

/* Its name is the test's argument. False: this CPU has not got it. */
static inline bool
ways_begin(int argc, char **argv)
{
	for (unsigned level = SW_SIMD_NONE + 1; argc == 2 && level < SW_SIMD_LEVELS; level++)
		if (strcmp(argv[1], sw_simd_name((enum sw_simd)level)) == 0)
			ways_level = (enum sw_simd)level;
	if (ways_level == SW_SIMD_NONE) {
		fprintf(stderr, "usage: %s avx2|avx512|avx512w\n", argv[0]);
		exit(2);
	}
	return sw_simd_set(ways_level) == ways_level;
}

/* Before each test: whatever one before it has left. */
static inline void
ways_set_level(void)
{
	sw_simd_set(ways_level);
}

/* What both compare is really that level's code, and the general way alone. */
START_TEST(each_level_has_its_code)
{
	ck_assert_ptr_nonnull(short_ways());
	ck_assert_int_eq(short_ways()->level, ways_level);
	sw_simd_set(SW_SIMD_NONE);
	ck_assert_ptr_null(short_ways());
}
END_TEST

static inline void
record(struct way *w, const struct sw_frame *f, unsigned side, unsigned order)
{
	uintptr_t id = (uintptr_t)f->handle;
	uint64_t sum = side;

	ck_assert_uint_eq(f->side, side);
	ck_assert_uint_eq(f->len, f->pkt_len);
	ck_assert_uint_le(f->len, FRAME_ROOM);
	if (id >= SPARE_ID || w->at[id - 1] < 0) {
		for (unsigned i = 0; i < f->len; i++)
			sum = sum * 31 + f->data[i];
		w->others++;
		w->others_sum += sum;
		if (id < SPARE_ID)
			w->busy[id - 1] = false;
		return;
	}
	struct fate *fate = &w->fate[w->at[id - 1]];

	ck_assert(w->busy[id - 1] && !fate->sent && !fate->freed);
	w->busy[id - 1] = false;
	*fate = (struct fate){
		.sent = true, .order = order, .side = side, .len = f->len, .room = f->room};
	memcpy(fate->data, f->data, f->len);
}

static inline void
collect(struct way *w)
{
	struct sw_out *out = w->r.out;

	for (unsigned side = 0; side < SW_SIDES; side++) {
		for (unsigned i = 0; i < out->n_tx[side]; i++)
			record(w, &out->tx[side][i], side, i);
		out->n_tx[side] = 0;
	}
	for (unsigned i = 0; i < out->n_free; i++) {
		uintptr_t id = (uintptr_t)out->free[i];

		if (id >= SPARE_ID)
			continue;
		ck_assert(w->busy[id - 1]);
		w->busy[id - 1] = false;
		if (w->at[id - 1] >= 0)
			w->fate[w->at[id - 1]].freed = true;
	}
	out->n_free = 0;
}

static inline unsigned
free_slot(struct way *w, unsigned from)
{
	while (w->busy[from])
		from++;
	ck_assert_uint_lt(from, SLOTS);
	return from;
}

static inline struct sw_frame
frame_of(const struct shot *s, uint8_t *data)
{
	return (struct sw_frame){.data = data,
		.len = (uint32_t)s->len,
		.pkt_len = (uint32_t)s->len,
		.room = s->room,
		.side = s->side,
		.csum = s->csum,
		.headroom = RIG_HEADROOM};
}

static inline void
fire(struct way *w, const struct shot *shots, unsigned n)
{
	struct sw_frame frames[SW_BURST_MAX];
	struct sw_out *out = w->r.out;
	unsigned slot = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		w->at[i] = -1;
	for (unsigned i = 0; i < n; i++) {
		slot = free_slot(w, slot);
		uint8_t *data = w->buf[slot] + RIG_HEADROOM;

		w->busy[slot] = true;
		w->at[slot] = (int)i;
		memcpy(data, shots[i].data, FRAME_ROOM);
		frames[i] = frame_of(&shots[i], data);
		frames[i].handle = (void *)(uintptr_t)(slot + 1);
	}
	for (out->n_spare = 0; out->n_spare < SW_SPARE_MAX; out->n_spare++)
		out->spare[out->n_spare] =
			(struct sw_frame){.data = w->spare[out->n_spare] + RIG_HEADROOM,
				.handle = (void *)(uintptr_t)(SPARE_ID + out->n_spare),
				.room = FRAME_ROOM,
				.headroom = RIG_HEADROOM};
	memset(w->fate, 0, sizeof(w->fate));
	sw_simd_set(w->level);
	sw_engine_burst(w->r.e, &w->r.view, w->r.now_ns, frames, n, out);
	collect(w);
	w->r.now_ns += 100000;
}

static inline void
compare(const struct way *a, const struct way *b, unsigned n, uint64_t seed)
{
	for (unsigned i = 0; i < n; i++) {
		const struct fate *x = &a->fate[i], *y = &b->fate[i];

		ck_assert_msg(x->sent == y->sent && x->freed == y->freed,
			"seed %llu, packet %u: sent %d and %d, freed %d and %d",
			(unsigned long long)seed, i, x->sent, y->sent, x->freed, y->freed);
		ck_assert_msg(!x->sent || (x->side == y->side && x->len == y->len &&
						  memcmp(x->data, y->data, x->len) == 0),
			"seed %llu, packet %u: other bytes, of %u and %u", (unsigned long long)seed,
			i, x->len, y->len);
		ck_assert_msg(!x->sent || x->room == y->room, "seed %llu, packet %u: room %u, %u",
			(unsigned long long)seed, i, x->room, y->room);
	}
	for (unsigned c = 0; c < SW_C_MAX; c++)
		ck_assert_msg(rig_stat(&a->r, c) == rig_stat(&b->r, c), "seed %llu: %s %llu, %llu",
			(unsigned long long)seed, sw_counter_info[c].name,
			(unsigned long long)rig_stat(&a->r, c),
			(unsigned long long)rig_stat(&b->r, c));
	ck_assert_int_eq(memcmp(sw_engine_service_stats(a->r.e), sw_engine_service_stats(b->r.e),
				 4 * sizeof(struct sw_service_stats)),
		0);
	ck_assert_uint_eq(a->others, b->others);
	ck_assert_uint_eq(a->others_sum, b->others_sum);
	ck_assert_uint_eq(rig_flows(&a->r), rig_flows(&b->r));
}

static inline void
end(struct way *w)
{
	sw_simd_set(ways_level);
	sw_engine_drain(w->r.e, w->r.out);
	w->r.out->n_free = w->r.out->n_spare = 0;
	rig_fini(&w->r);
}

#endif
