/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define CONNS_MAX 64

void
trace_add(struct trace *t, const struct trace_row *row)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 1024;
		t->row = realloc(t->row, t->cap * sizeof(*t->row));
	}
	t->row[t->n] = *row;
	t->row[t->n++].seg.pay = NULL;
}

/*
 * Initial sequence numbers as last seen, by leg pair and direction: zero points for relative
 * ones.
 */
struct bases {
	uint32_t client[2], server[2]; /* [outer, inner] */
};

static void
print_row(const struct trace_row *r, FILE *f, struct bases *b, uint64_t epoch)
{
	static const char *const name[] = {"C > F", "F > C", "F > S", "S > F"};
	bool inner = r->leg >= 2, from_client = r->leg == 0 || r->leg == 2;
	uint64_t t = r->at - epoch;

	if (r->seg.flags & SEG_SYN) {
		if (from_client)
			b->client[inner] = r->seg.seq;
		else
			b->server[inner] = r->seg.seq;
	}
	fprintf(f, "%4lu.%06lu conn %u  %s  ", t / SIM_SEC, t % SIM_SEC / SIM_US, r->conn,
		name[r->leg]);
	seg_print(f, &r->seg, from_client ? b->client[inner] : b->server[inner],
		from_client ? b->server[inner] : b->client[inner]);
	if (r->lost)
		fprintf(f, "  LOST");
	else
		fprintf(f, "  +%.3f ms", (double)(r->arrives - r->at) / SIM_MS);
	fprintf(f, "%s%s\n", r->dup ? " TWICE" : "", r->corrupt ? " CORRUPT" : "");
}

static bool
wanted(const struct trace_row *r, uint64_t conns)
{
	return conns == TRACE_ALL || (r->conn < 64 && conns >> r->conn & 1);
}

void
trace_print(const struct trace *t, FILE *f, uint64_t conns, uint64_t epoch, size_t max)
{
	struct bases bases[CONNS_MAX];
	size_t rows = 0, nth = 0;
	FILE *null = fopen("/dev/null", "w");

	memset(bases, 0, sizeof(bases));
	for (size_t i = 0; i < t->n; i++)
		rows += wanted(&t->row[i], conns);
	for (size_t i = 0; i < t->n; i++) {
		const struct trace_row *r = &t->row[i];
		bool shown;

		if (!wanted(r, conns))
			continue;
		shown = nth < max / 2 || nth + max / 2 >= rows;
		if (!shown && nth == max / 2)
			fprintf(f, "  (%zu rows left out)\n", rows - max / 2 * 2);
		print_row(r, shown ? f : null, &bases[r->conn % CONNS_MAX], epoch);
		nth++;
	}
	fclose(null);
}

void
trace_fini(struct trace *t)
{
	free(t->row);
	*t = (struct trace){0};
}
