/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vlan.h - puts VLAN tags on frames and takes them off again.
 *
 * Threads: pure functions. Memory: in place; a push moves the frame's start to the front, so that
 * WIRE_HEADROOM bytes must lie free before it.
 */
#ifndef SW_TESTS_VLAN_H
#define SW_TESTS_VLAN_H

#include <stdbool.h>
#include <stdint.h>

#define VLAN_TAG_LEN  4u
#define VLAN_TAGS_MAX 2u
#define WIRE_HEADROOM 16u /* two tags of ours and one that the kernel had taken off */

struct vlan_tag {
	uint16_t tpid; /* host order: 0x8100 or 0x88a8 */
	uint16_t tci;
};

struct vlan_stack {
	struct vlan_tag tag[VLAN_TAGS_MAX]; /* outermost first */
	unsigned n;
};

/* Puts one tag behind the addresses; *len >= 12. Returns the frame's new start. */
uint8_t *vlan_push(uint8_t *frame, uint32_t *len, struct vlan_tag tag);

uint8_t *vlan_push_stack(uint8_t *frame, uint32_t *len, const struct vlan_stack *stack);

/*
 * Takes the stack's tags off. Returns the frame's new start, or NULL where the frame does not carry
 * exactly these VLAN ids in this order (it is then unchanged).
 */
uint8_t *vlan_pop_stack(uint8_t *frame, uint32_t *len, const struct vlan_stack *stack);

#endif
