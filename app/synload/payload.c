/* SPDX-License-Identifier: BSD-3-Clause */
#include "payload.h"

#include "packet/checksum.h"
#include "packet/wire.h"

void
sw_payload_init(struct sw_payload *p, uint64_t seed)
{
	struct sw_load_rand r = {.state = seed ^ 0xa5a5a5a5a5a5a5a5ull};

	for (uint32_t i = 0; i < SW_PAYLOAD_BLOCK; i += 8) {
		const uint64_t v = sw_load_rand64(&r);

		memcpy(p->pool + i, &v, 8);
	}
	memcpy(p->pool + SW_PAYLOAD_BLOCK, p->pool, SW_PAYLOAD_SEGMENT_MAX);
	p->sums[0] = 0;
	for (uint32_t i = 0; i < SW_PAYLOAD_POOL_BYTES / 2; i++)
		p->sums[i + 1] = p->sums[i] + sw_load16(p->pool + 2 * i);
}

/* One byte as the first of a 16-bit word in memory. */
static uint32_t
first_of_word(uint8_t byte)
{
	return rte_cpu_to_be_16((uint16_t)(byte << 8));
}

/*
 * Of n bytes of the pool from `at` on, which are behind `before` others. Words of the table begin
 * at even places of the pool; where those that are summed up do not, it is their sum with its bytes
 * swapped (RFC 1071, 2B).
 */
static uint64_t
sum_of(const struct sw_payload *p, uint32_t at, uint32_t n, uint32_t before)
{
	const uint32_t end = at + n;
	uint64_t sum = p->sums[end / 2] - p->sums[at / 2];

	if (end % 2)
		sum += first_of_word(p->pool[end - 1]);
	if (at % 2)
		sum -= first_of_word(p->pool[at - 1]);
	return (at + before) % 2 ? __builtin_bswap16(sw_csum_fold(sum)) : sum;
}

/* Where the byte at `off` stands in the pool; *n: how many follow it in one piece, at most *n. */
static uint32_t
piece(uint64_t id, uint32_t off, uint32_t *n)
{
	const uint64_t start = sw_load_mix(
		id ^ 0x9e3779b97f4a7c15ull, (off / SW_PAYLOAD_BLOCK) ^ 0xe7037ed1a0b428dbull);
	const uint32_t left = SW_PAYLOAD_BLOCK - off % SW_PAYLOAD_BLOCK;

	if (*n > left)
		*n = left;
	if (*n > SW_PAYLOAD_SEGMENT_MAX)
		*n = SW_PAYLOAD_SEGMENT_MAX;
	return (uint16_t)(start + off);
}

uint64_t
sw_payload_write(const struct sw_payload *p, uint64_t id, uint32_t off, uint8_t *out, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t done = 0; done < n;) {
		uint32_t len = n - done;
		const uint32_t at = piece(id, off + done, &len);

		memcpy(out + done, p->pool + at, len);
		sum += sum_of(p, at, len, done);
		done += len;
	}
	return sum;
}

bool
sw_payload_same(const struct sw_payload *p, uint64_t id, uint32_t off, const uint8_t *in,
	uint32_t n, uint64_t *sum)
{
	*sum = 0;
	for (uint32_t done = 0; done < n;) {
		uint32_t len = n - done;
		const uint32_t at = piece(id, off + done, &len);

		if (memcmp(in + done, p->pool + at, len) != 0)
			return false;
		*sum += sum_of(p, at, len, done);
		done += len;
	}
	return true;
}
