/* SPDX-License-Identifier: BSD-3-Clause */
/* budget.h - an epoch accepts no more cookies than it has issued. Private to handshake/. */
#ifndef SW_HANDSHAKE_BUDGET_H
#define SW_HANDSHAKE_BUDGET_H

#include <string.h>

#include "base/base.h"
#include "cookie/cookie.h"

/*
 * Cookies issued and accepted with the key of one slot. A cookie that comes back again after its
 * flow has gone was counted when it came first and is not counted again, else one client could
 * spend what others were issued by replaying its own. Which ones came is kept as one bit each, by
 * bits of the MAC that are not in the cookie; where two share a bit the second one is not counted,
 * which only errs on the open side (half of the bits are set after 700,000 cookies in an epoch).
 */
#define SEEN_BITS (1u << 20)
struct budget {
	uint64_t epoch;
	uint64_t issued;
	uint64_t accepted;
	uint64_t seen[SEEN_BITS / 64];
};

static inline void
budget_reset(struct budget *bu, uint64_t epoch)
{
	memset(bu, 0, sizeof(*bu));
	bu->epoch = epoch;
}

/*
 * Bits that neither the ISN nor the TSval shows as they are (cookie/format.h): below 16, and 32-35.
 * Who knows k2 can narrow the former down for cookies of his own, which gets him nothing: where two
 * of his share a bit, one of them spends nothing, but both were issued.
 */
static_assert(SEEN_BITS == 1u << 20, "16 and 4 bits");

static inline uint32_t
budget_seen_bit(const struct sw_cookie_state *c)
{
	return (uint32_t)((c->mac & 0xffff) | (c->mac >> 16 & 0xf0000));
}

/* Sends for what budget_spend() looks at. */
static inline void
budget_fetch(const struct budget *bu, const struct sw_cookie_state *c)
{
	sw_fetch(&bu->seen[budget_seen_bit(c) / 64]);
}

/* Counts a right cookie, of bu's slot; false: it is one too many. */
static inline bool
budget_spend(struct budget *bu, const struct sw_cookie_state *c)
{
	const uint32_t bit = budget_seen_bit(c);
	const uint64_t mask = 1ull << (bit % 64);

	if (bu->epoch != c->epoch)
		return false; /* none was issued here with this key */
	if (bu->seen[bit / 64] & mask)
		return true;
	if (bu->accepted >= bu->issued)
		return false;
	bu->seen[bit / 64] |= mask;
	bu->accepted++;
	return true;
}

#endif
