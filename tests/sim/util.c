/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

static char failure[1024];

void
sim_fail(const char *fmt, ...)
{
	va_list ap;

	if (failure[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(failure, sizeof(failure), fmt, ap);
	va_end(ap);
}

bool
sim_failed(void)
{
	return failure[0] != '\0';
}

const char *
sim_failure(void)
{
	return failure;
}

void
sim_fail_within(const char *where)
{
	size_t n = strlen(where) + 2, len = strlen(failure);

	if (len == 0 || n + len >= sizeof(failure))
		return;
	memmove(failure + n, failure, len + 1);
	memcpy(failure, where, n - 2);
	memcpy(failure + n - 2, ": ", 2);
}

void
sim_fail_clear(void)
{
	failure[0] = '\0';
}

static uint64_t
stream_word(uint64_t key, uint64_t word)
{
	return sim_mix(key + word * 0x9e3779b97f4a7c15ull);
}

void
stream_fill(uint64_t key, uint64_t off, uint8_t *dst, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++, off++) {
		if (i == 0 || off % 8 == 0)
			w = stream_word(key, off / 8);
		dst[i] = (uint8_t)(w >> off % 8 * 8);
	}
}

bool
stream_check(uint64_t key, uint64_t off, const uint8_t *src, size_t n)
{
	uint64_t w = 0;
	uint8_t diff = 0;

	for (size_t i = 0; i < n; i++, off++) {
		if (i == 0 || off % 8 == 0)
			w = stream_word(key, off / 8);
		diff |= src[i] ^ (uint8_t)(w >> off % 8 * 8);
	}
	return diff == 0;
}

bool
ranges_add(struct ranges *s, uint64_t low, uint64_t high)
{
	unsigned a = 0, b;

	while (a < s->n && s->r[a].high < low)
		a++;
	for (b = a; b < s->n && s->r[b].low <= high; b++) {
		if (s->r[b].low < low)
			low = s->r[b].low;
		if (s->r[b].high > high)
			high = s->r[b].high;
	}
	/* [a, b) melt into one. */
	if (a == b && s->n == RANGES_MAX)
		return false;
	memmove(&s->r[a + 1], &s->r[b], (s->n - b) * sizeof(s->r[0]));
	s->n = s->n - (b - a) + 1;
	s->r[a].low = low;
	s->r[a].high = high;
	return true;
}

void
ranges_trim(struct ranges *s, uint64_t low)
{
	unsigned k = 0;

	while (k < s->n && s->r[k].high <= low)
		k++;
	memmove(&s->r[0], &s->r[k], (s->n - k) * sizeof(s->r[0]));
	s->n -= k;
	if (s->n > 0 && s->r[0].low < low)
		s->r[0].low = low;
}
