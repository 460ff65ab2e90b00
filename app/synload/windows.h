/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * windows.h - the measured time in pieces: what came in each. A median of runs says how fast it
 * was on the whole; on a machine that is shared, the pieces say how fast it is undisturbed.
 *
 * Memory: a fixed number of pieces. When all are used, each two become one, and pieces are twice
 * as long from then on.
 *
 * Threads: one. Time is passed in.
 */
#ifndef SW_LOAD_WINDOWS_H
#define SW_LOAD_WINDOWS_H

#include <stdint.h>

#define SW_WINDOWS_MAX 512 /* even */
#define SW_WINDOW_NS   100000000u

/* What a piece counts: of the run so far at sw_windows_take(), of itself in sw_windows.w[]. */
struct sw_window {
	uint64_t ns;	 /* time */
	uint64_t rx;	 /* packets that the outside port received */
	uint64_t inside; /* and the inside port */
	uint64_t synack; /* to the flood */
	uint64_t done;	 /* connections that ended well */
};

struct sw_windows {
	uint64_t length_ns; /* none is shorter */
	unsigned n;
	struct sw_window last; /* when the last piece ended */
	struct sw_window w[SW_WINDOWS_MAX];
};

/* The first piece begins. */
static inline void
sw_windows_start(struct sw_windows *s, const struct sw_window *now)
{
	s->length_ns = SW_WINDOW_NS;
	s->n = 0;
	s->last = *now;
}

static inline struct sw_window
sw_window_sum(const struct sw_window *a, const struct sw_window *b)
{
	return (struct sw_window){a->ns + b->ns, a->rx + b->rx, a->inside + b->inside,
		a->synack + b->synack, a->done + b->done};
}

/* A piece ends here; the next one begins. */
static inline void
sw_windows_take(struct sw_windows *s, const struct sw_window *now)
{
	const struct sw_window *l = &s->last;

	s->w[s->n++] = (struct sw_window){now->ns - l->ns, now->rx - l->rx, now->inside - l->inside,
		now->synack - l->synack, now->done - l->done};
	s->last = *now;
	if (s->n == SW_WINDOWS_MAX) {
		for (unsigned i = 0; i < SW_WINDOWS_MAX / 2; i++)
			s->w[i] = sw_window_sum(&s->w[2 * i], &s->w[2 * i + 1]);
		s->n = SW_WINDOWS_MAX / 2;
		s->length_ns *= 2;
	}
}

/* When the piece that has begun is long enough. */
static inline uint64_t
sw_windows_end_ns(const struct sw_windows *s)
{
	return s->last.ns + s->length_ns;
}

#endif
