/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.h - the two key slots of the cookie and the epochs that fill them.
 *
 * Time is cut into epochs. Epoch e signs with the key in slot e & 1. In the first half of epoch e
 * the other slot holds the key of e - 1 (its cookies are still good), in the second half that of
 * e + 1 (a cluster member whose clock runs ahead may use it already). So a cookie lives 0.5 to 1.5
 * epochs, and clocks may differ by half an epoch.
 *
 *   epoch      |      e (signs: slot 0)    |     e+1 (signs: slot 1)   |
 *   slot 0     |      key e ...            |   key e     |  key e+2    |
 *   slot 1     |   key e-1   |  key e+1    |      key e+1 ...          |
 *
 * Keys are derived: word i of the key of epoch e is
 *
 *   SipHash(master[0], e || i) ^ SipHash(master[1], e || i)
 *
 * each over 16 bytes: words 0 and 1 are k1, the low half of word 2 is k2. Front ends with one
 * master secret accept each other's cookies.
 *
 * Threads: a key set is immutable once a lcore can see it. The control thread derives a new one
 *          (sw_keys_derive) into other memory, publishes the pointer, and wipes the old one after a
 *          grace period.
 * Memory:  the caller's. sw_wipe() is not optimised away.
 */
#ifndef SW_COOKIE_KEYS_H
#define SW_COOKIE_KEYS_H

#include "base/base.h"
#include "cookie/siphash.h"

#define SW_EPOCH_MIN_S	   16
#define SW_EPOCH_MAX_S	   240
#define SW_EPOCH_DEFAULT_S 64

struct sw_key_slot {
	struct sw_sipkey k1; /* MAC of the ISN */
	uint32_t k2;	     /* factor in the MAC of the timestamp */
	uint64_t epoch;	     /* whose key this is; its low bit is the slot's index */
};

struct sw_keys {
	struct sw_key_slot slot[2];
	uint8_t parity; /* slot that signs now */
};

/* The master secret; 256 bits. */
struct sw_master {
	struct sw_sipkey k[2];
};

/* Overwrites len bytes with zeros, for secrets. */
void sw_wipe(void *p, size_t len);

/*
 * Fills *keys as of time now_s (seconds; wall clock where the secret is shared, any steady clock
 * where not) for epochs of epoch_s seconds (SW_EPOCH_MIN_S..SW_EPOCH_MAX_S).
 */
void sw_keys_derive(
	struct sw_keys *keys, const struct sw_master *master, uint64_t now_s, uint32_t epoch_s);

/* Seconds from now_s until sw_keys_derive() would give another result: 1..epoch_s. */
uint32_t sw_keys_next_change(uint64_t now_s, uint32_t epoch_s);

#endif
