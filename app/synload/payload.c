/* SPDX-License-Identifier: BSD-3-Clause */
#include "payload.h"

void
sw_payload_init(struct sw_payload *p, uint64_t seed)
{
	struct sw_load_rand r = {.state = seed ^ 0xa5a5a5a5a5a5a5a5ull};

	for (uint32_t i = 0; i < SW_PAYLOAD_BLOCK; i += 8) {
		const uint64_t v = sw_load_rand64(&r);

		memcpy(p->pool + i, &v, 8);
	}
	memcpy(p->pool + SW_PAYLOAD_BLOCK, p->pool, SW_PAYLOAD_SEGMENT_MAX);
}

/* Where the byte at `off` stands, and how many follow it there in one piece, at most n. */
static const uint8_t *
piece(const struct sw_payload *p, uint64_t id, uint32_t off, uint32_t *n)
{
	const uint64_t start = sw_mum(
		id ^ 0x9e3779b97f4a7c15ull, (off / SW_PAYLOAD_BLOCK) ^ 0xe7037ed1a0b428dbull);
	const uint32_t left = SW_PAYLOAD_BLOCK - off % SW_PAYLOAD_BLOCK;

	if (*n > left)
		*n = left;
	if (*n > SW_PAYLOAD_SEGMENT_MAX)
		*n = SW_PAYLOAD_SEGMENT_MAX;
	return p->pool + (uint16_t)(start + off);
}

void
sw_payload_write(const struct sw_payload *p, uint64_t id, uint32_t off, uint8_t *out, uint32_t n)
{
	while (n > 0) {
		uint32_t len = n;
		const uint8_t *from = piece(p, id, off, &len);

		memcpy(out, from, len);
		out += len;
		off += len;
		n -= len;
	}
}

bool
sw_payload_same(
	const struct sw_payload *p, uint64_t id, uint32_t off, const uint8_t *in, uint32_t n)
{
	while (n > 0) {
		uint32_t len = n;
		const uint8_t *want = piece(p, id, off, &len);

		if (memcmp(in, want, len) != 0)
			return false;
		in += len;
		off += len;
		n -= len;
	}
	return true;
}
