/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "pace.h"

#define TIMEOUT_MAX_NS (8 * SIM_SEC) /* of the model peers, and of the front end's SYN */

void
pace_begin(struct pace *p, uint64_t now, uint64_t timeout_ns)
{
	memset(p, 0, sizeof(*p));
	p->timeout_ns = timeout_ns > SIM_SEC ? timeout_ns : SIM_SEC; /* of a SYN */
	p->start_ns = p->last_ns = now;
	p->begun = true;
}

void
pace_lost(struct pace *p, uint64_t now)
{
	if (p->begun && !p->over)
		p->lost_ns[p->n_lost++ % PACE_LOST_MAX] = now;
}

/* Packets lost since then. */
static unsigned
lost_since(const struct pace *p, uint64_t since)
{
	unsigned kept = p->n_lost < PACE_LOST_MAX ? p->n_lost : PACE_LOST_MAX, n = 0;

	for (unsigned i = 0; i < kept; i++)
		n += p->lost_ns[i] >= since;
	return n;
}

/* The timeout of a sender behind so many. */
static uint64_t
timeout_after(const struct pace *p, unsigned tries)
{
	uint64_t t = p->timeout_ns;

	while (tries-- > 0 && t < TIMEOUT_MAX_NS)
		t *= 2;
	return t < TIMEOUT_MAX_NS ? t : TIMEOUT_MAX_NS;
}

static uint64_t
explained(const struct pace *p, unsigned lost)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < lost; i++)
		sum += timeout_after(p, p->tries + i);
	return sum;
}

void
pace_look(struct pace *p, uint64_t now, uint64_t mark, unsigned tries, bool over)
{
	uint64_t gap, since, enough, timer;
	unsigned lost;

	if (!p->begun || p->over || (mark == p->mark && !over))
		return;
	gap = now - p->last_ns;
	if (gap > p->stall_ns) {
		/* What is lost is sent again when the timer that runs then is over. */
		timer = timeout_after(p, p->tries);
		since = p->last_ns > timer ? p->last_ns - timer : 0;
		lost = lost_since(p, since);
		enough = explained(p, lost);
		if (gap > enough && gap - enough > p->stall_ns) {
			p->stall_ns = gap - enough;
			p->stall_from_ns = p->last_ns;
			p->stall_lost = lost;
		}
	}
	p->mark = mark;
	p->tries = tries;
	p->last_ns = now;
	p->over = over;
}
