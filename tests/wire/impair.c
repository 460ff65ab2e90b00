/* SPDX-License-Identifier: BSD-3-Clause */
#include "impair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POOLED_ROOM \
	2048u /* packets up to this size share buffers; larger ones are freed at once \
	       */

/* What is drawn for a packet; a duplicate draws its own from DRAW_COPIES on. */
enum draw {
	DRAW_LOSS,
	DRAW_DUP,
	DRAW_CORRUPT,
	DRAW_BIT,
	DRAW_JITTER,
	DRAW_REORDER,
	DRAW_COPIES,
	DRAW_MAX = 2 * DRAW_COPIES
};

/* splitmix64's finisher: every input bit reaches every output bit. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* A number in [0, bound) for one question about packet number `pkt`. */
static uint64_t
draw(const struct impair *im, uint64_t pkt, unsigned what, uint64_t bound)
{
	uint64_t r = mix(mix(im->cfg.seed) ^ (pkt * DRAW_MAX + what));

	return (uint64_t)(((unsigned __int128)r * bound) >> 64);
}

static bool
chosen(const struct impair *im, uint64_t pkt, unsigned what, uint32_t ppm)
{
	return ppm != 0 && draw(im, pkt, what, IMPAIR_PPM) < ppm;
}

static bool
earlier(const struct impair_packet *a, const struct impair_packet *b)
{
	return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void
heap_insert(struct impair *im, struct impair_packet *pkt)
{
	size_t i = im->n++;

	while (i > 0 && earlier(pkt, im->heap[(i - 1) / 2])) {
		im->heap[i] = im->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	im->heap[i] = pkt;
}

static struct impair_packet *
heap_take(struct impair *im)
{
	struct impair_packet *top = im->heap[0], *last = im->heap[--im->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < im->n) {
		if (child + 1 < im->n && earlier(im->heap[child + 1], im->heap[child]))
			child++;
		if (!earlier(im->heap[child], last))
			break;
		im->heap[i] = im->heap[child];
		i = child;
	}
	im->heap[i] = last;
	return top;
}

static struct impair_packet *
packet_get(struct impair *im, uint32_t len)
{
	uint32_t room = len > POOLED_ROOM ? len : POOLED_ROOM;
	struct impair_packet *pkt = im->pool;

	if (room == POOLED_ROOM && pkt != NULL) {
		im->pool = pkt->next_free;
		return pkt;
	}
	pkt = malloc(sizeof(*pkt) + room);
	if (pkt != NULL)
		pkt->room = room;
	return pkt;
}

int
impair_init(struct impair *im, const struct impair_config *cfg, size_t max_packets)
{
	if (max_packets == 0 || cfg->loss_ppm > IMPAIR_PPM || cfg->dup_ppm > IMPAIR_PPM ||
		cfg->reorder_ppm > IMPAIR_PPM || cfg->corrupt_ppm > IMPAIR_PPM)
		return -EINVAL;
	memset(im, 0, sizeof(*im));
	im->cfg = *cfg;
	im->max = max_packets;
	im->heap = calloc(max_packets, sizeof(*im->heap));
	return im->heap == NULL ? -ENOMEM : 0;
}

void
impair_fini(struct impair *im)
{
	struct impair_packet *pkt;

	while (im->n > 0)
		free(im->heap[--im->n]);
	while ((pkt = im->pool) != NULL) {
		im->pool = pkt->next_free;
		free(pkt);
	}
	free(im->heap);
	im->heap = NULL;
}

static void
corrupt(struct impair *im, uint64_t number, unsigned base, struct impair_packet *pkt)
{
	uint64_t bit;

	if (pkt->len <= IMPAIR_HEADER_LEN ||
		!chosen(im, number, base + DRAW_CORRUPT, im->cfg.corrupt_ppm))
		return;
	bit = draw(im, number, base + DRAW_BIT, (uint64_t)(pkt->len - IMPAIR_HEADER_LEN) * 8);
	pkt->data[IMPAIR_HEADER_LEN + bit / 8] ^= (uint8_t)(1u << (bit % 8));
	im->count.corrupted++;
}

/* base is 0 for the packet itself and DRAW_COPIES for its duplicate. */
static int
enqueue(struct impair *im, uint64_t now_ns, const void *data, uint32_t len, unsigned base)
{
	uint64_t number = im->count.in - 1;
	struct impair_packet *pkt;

	if (im->n == im->max) {
		im->count.overflowed++;
		return 0;
	}
	pkt = packet_get(im, len);
	if (pkt == NULL) {
		im->count.overflowed++;
		return -ENOMEM;
	}
	memcpy(pkt->data, data, len);
	pkt->len = len;
	pkt->order = im->next_order++;
	pkt->due_ns = now_ns + im->cfg.delay_ns;
	if (im->cfg.jitter_ns != 0)
		pkt->due_ns += draw(im, number, base + DRAW_JITTER, im->cfg.jitter_ns);
	if (chosen(im, number, base + DRAW_REORDER, im->cfg.reorder_ppm)) {
		pkt->due_ns += im->cfg.reorder_ns;
		im->count.reordered++;
	}
	corrupt(im, number, base, pkt);
	heap_insert(im, pkt);
	return 0;
}

int
impair_push(struct impair *im, uint64_t now_ns, const void *data, uint32_t len)
{
	uint64_t number = im->count.in++;
	int rc;

	if (chosen(im, number, DRAW_LOSS, im->cfg.loss_ppm)) {
		im->count.lost++;
		return 0;
	}
	rc = enqueue(im, now_ns, data, len, 0);
	if (rc == 0 && chosen(im, number, DRAW_DUP, im->cfg.dup_ppm)) {
		im->count.duplicated++;
		rc = enqueue(im, now_ns, data, len, DRAW_COPIES);
	}
	return rc;
}

uint64_t
impair_next_ns(const struct impair *im)
{
	return im->n == 0 ? IMPAIR_NEVER_NS : im->heap[0]->due_ns;
}

struct impair_packet *
impair_pop(struct impair *im, uint64_t now_ns)
{
	if (im->n == 0 || im->heap[0]->due_ns > now_ns)
		return NULL;
	im->count.out++;
	return heap_take(im);
}

void
impair_release(struct impair *im, struct impair_packet *pkt)
{
	if (pkt->room != POOLED_ROOM) {
		free(pkt);
		return;
	}
	pkt->next_free = im->pool;
	im->pool = pkt;
}
