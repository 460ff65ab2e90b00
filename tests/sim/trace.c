/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define CONNS_MAX	64
#define PCAP_MAGIC	0xa1b2c3d4u
#define PCAP_SNAPLEN	65535
#define PCAP_ETHERNET	1
#define PCAP_HEADER	24
#define PCAP_ROW_HEADER 16

void
trace_add(struct trace *t, const struct trace_row *row)
{
	uint8_t *copy = malloc(row->len);

	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 1024;
		t->row = realloc(t->row, t->cap * sizeof(*t->row));
	}
	memcpy(copy, row->frame, row->len);
	t->row[t->n] = *row;
	t->row[t->n++].frame = copy;
}

/* By time; those of one time stay in the order in which they were added. */
static void
sort(struct trace *t)
{
	for (size_t i = 1; i < t->n; i++) { /* nearly sorted */
		struct trace_row r = t->row[i];
		size_t k = i;

		for (; k > 0 && t->row[k - 1].at > r.at; k--)
			t->row[k] = t->row[k - 1];
		t->row[k] = r;
	}
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
	static const char *const name[] = {"C>F", "F>C", "F>S", "S>F"};
	bool inner = r->leg >= 2, from_client = r->leg == 0 || r->leg == 2;
	uint64_t t = r->at - epoch;
	const char *wrong;
	struct seg_path path;
	struct seg s;

	fprintf(f, "%4lu.%06lu %s ", t / SIM_SEC, t % SIM_SEC / SIM_US, name[r->leg]);
	wrong = seg_parse(r->frame, r->len, &path, &s);
	if (wrong != NULL) {
		fprintf(f, "%s, length %u", wrong, r->len);
	} else {
		if (s.flags & SEG_SYN && !r->forged) {
			if (from_client)
				b->client[inner] = s.seq;
			else
				b->server[inner] = s.seq;
		}
		seg_print(f, &path, &s, from_client ? b->client[inner] : b->server[inner],
			from_client ? b->server[inner] : b->client[inner]);
	}
	if (r->conn != TRACE_NO_CONN)
		fprintf(f, "  [conn %u", r->conn);
	else
		fprintf(f, "  [");
	if (r->lost)
		fprintf(f, " LOST");
	else
		fprintf(f, " +%.3f ms", (double)(r->arrives - r->at) / SIM_MS);
	fprintf(f, "%s%s%s]\n", r->dup ? " TWICE" : "", r->corrupt ? " CORRUPT" : "",
		r->forged ? " FORGED" : "");
}

static bool
wanted(const struct trace_row *r, uint64_t conns)
{
	return conns == TRACE_ALL || (r->conn < 64 && conns >> r->conn & 1);
}

void
trace_print(struct trace *t, FILE *f, uint64_t conns, uint64_t epoch, size_t max)
{
	struct bases bases[CONNS_MAX];
	size_t rows = 0, nth = 0;
	FILE *null = fopen("/dev/null", "w");

	sort(t);
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

static void
put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v)); /* in the writer's own order, told by the magic number */
}

bool
trace_write_pcap(struct trace *t, const char *path, bool inside)
{
	static const uint16_t version[] = {2, 4};
	uint8_t head[PCAP_HEADER] = {0}, row[PCAP_ROW_HEADER];
	FILE *f = fopen(path, "wb");
	bool good;

	if (f == NULL)
		return false;
	sort(t);
	put32(head, PCAP_MAGIC);
	memcpy(head + 4, &version, sizeof(version));
	put32(head + 16, PCAP_SNAPLEN);
	put32(head + 20, PCAP_ETHERNET);
	good = fwrite(head, sizeof(head), 1, f) == 1;
	for (size_t i = 0; good && i < t->n; i++) {
		const struct trace_row *r = &t->row[i];

		if (inside != (r->leg >= 2))
			continue;
		put32(row, (uint32_t)(r->at / SIM_SEC));
		put32(row + 4, (uint32_t)(r->at % SIM_SEC / SIM_US));
		put32(row + 8, r->len);
		put32(row + 12, r->len);
		good = fwrite(row, sizeof(row), 1, f) == 1 && fwrite(r->frame, r->len, 1, f) == 1;
	}
	return fclose(f) == 0 && good;
}

void
trace_fini(struct trace *t)
{
	for (size_t i = 0; i < t->n; i++)
		free((void *)(uintptr_t)t->row[i].frame);
	free(t->row);
	*t = (struct trace){0};
}
