/* SPDX-License-Identifier: BSD-3-Clause */
#include "vlan.h"

#include <stddef.h>
#include <string.h>

#define ADDRS_LEN    12u
#define VLAN_ID_MASK 0x0fffu

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint8_t *
vlan_push(uint8_t *frame, uint32_t *len, struct vlan_tag tag)
{
	uint8_t *start = frame - VLAN_TAG_LEN;

	memmove(start, frame, ADDRS_LEN);
	put16(start + ADDRS_LEN, tag.tpid);
	put16(start + ADDRS_LEN + 2, tag.tci);
	*len += VLAN_TAG_LEN;
	return start;
}

uint8_t *
vlan_push_stack(uint8_t *frame, uint32_t *len, const struct vlan_stack *stack)
{
	for (unsigned i = stack->n; i > 0; i--)
		frame = vlan_push(frame, len, stack->tag[i - 1]);
	return frame;
}

uint8_t *
vlan_pop_stack(uint8_t *frame, uint32_t *len, const struct vlan_stack *stack)
{
	uint32_t cut = stack->n * VLAN_TAG_LEN;

	/* The type behind the last tag must be there too. */
	if (*len < ADDRS_LEN + cut + 2)
		return NULL;
	for (unsigned i = 0; i < stack->n; i++) {
		const uint8_t *p = frame + ADDRS_LEN + i * VLAN_TAG_LEN;

		if (get16(p) != stack->tag[i].tpid ||
			(get16(p + 2) & VLAN_ID_MASK) != (stack->tag[i].tci & VLAN_ID_MASK))
			return NULL;
	}
	memmove(frame + cut, frame, ADDRS_LEN);
	*len -= cut;
	return frame + cut;
}
