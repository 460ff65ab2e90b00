/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "cookie/keys.h"

void
sw_wipe(void *p, size_t len)
{
	memset(p, 0, len);
	/* The compiler must assume that this reads *p, so the stores above cannot be dropped. */
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

static void
slot_derive(struct sw_key_slot *slot, const struct sw_master *master, uint64_t epoch)
{
	uint64_t word[3];

	for (uint64_t i = 0; i < SW_ARRAY_LEN(word); i++) {
		const uint64_t msg[2] = {epoch, i};

		word[i] = sw_siphash(&master->k[0], msg, sizeof(msg)) ^
			  sw_siphash(&master->k[1], msg, sizeof(msg));
	}
	slot->k1.k0 = word[0];
	slot->k1.k1 = word[1];
	slot->k2 = (uint32_t)word[2];
	slot->epoch = epoch;
	sw_wipe(word, sizeof(word));
}

/* Seconds of an epoch before its other slot changes over; the odd second belongs to this half. */
static uint32_t
first_half_s(uint32_t epoch_s)
{
	return (epoch_s + 1) / 2;
}

void
sw_keys_derive(
	struct sw_keys *keys, const struct sw_master *master, uint64_t now_s, uint32_t epoch_s)
{
	uint64_t epoch = now_s / epoch_s;
	uint32_t into_s = (uint32_t)(now_s % epoch_s);
	/*
	 * Before epoch 0 stands epoch 2^64 - 1: a key like any other, and odd as its slot must be.
	 */
	uint64_t other = into_s < first_half_s(epoch_s) ? epoch - 1 : epoch + 1;

	SW_ASSERT(epoch_s >= SW_EPOCH_MIN_S && epoch_s <= SW_EPOCH_MAX_S);
	keys->parity = epoch & 1;
	slot_derive(&keys->slot[epoch & 1], master, epoch);
	slot_derive(&keys->slot[other & 1], master, other);
}

uint32_t
sw_keys_next_change(uint64_t now_s, uint32_t epoch_s)
{
	uint32_t into_s = (uint32_t)(now_s % epoch_s);
	uint32_t half_s = first_half_s(epoch_s);

	return into_s < half_s ? half_s - into_s : epoch_s - into_s;
}
