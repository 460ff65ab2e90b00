/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst with vectors: a message in each lane of a row. Of a few that are left over a whole row
 * is made, for one pass takes no longer than three by the scalar code; one and two go there.
 */
#include <string.h>

#include "base/simd.h"
#include "cookie/siphash_int.h"
#include "cookie/siphash_rows.h"

#define HALF (ROW_LANES / 2) /* messages whose 64-bit words a row has */

/* The keys of half of the messages; of a burst of SYNs they are all the same one. */
struct half_keys {
	sw_row k0, k1;
};

sw_always_inline struct half_keys
keys_of(const struct sw_sipkey *const key[])
{
	uint64_t k0[HALF], k1[HALF];
	bool same = true;

	for (unsigned i = 1; i < HALF; i++)
		same = same && key[i] == key[0];
	if (sw_likely(same))
		return (struct half_keys){row_set1_64(key[0]->k0), row_set1_64(key[0]->k1)};
	for (unsigned i = 0; i < HALF; i++) {
		k0[i] = key[i]->k0;
		k1[i] = key[i]->k1;
	}
	return (struct half_keys){row_load_any(k0), row_load_any(k1)};
}

sw_always_inline unsigned
burst(const struct sw_sipkey *const key[], const uint64_t *msg, unsigned stride, unsigned words,
	uint64_t *out, unsigned n)
{
	unsigned i = 0;

	for (; i + ROW_LANES <= n; i += ROW_LANES) {
		const struct half_keys ka = keys_of(key + i), kb = keys_of(key + i + HALF);
		struct sip_half a = sip_init(ka.k0, ka.k1), b = sip_init(kb.k0, kb.k1);

		for (unsigned w = 0; w <= words; w++) {
			const uint64_t *m = &msg[(size_t)w * stride + i];

			sip_word(&a, &b, row_load_any(m), row_load_any(m + HALF));
		}
		sip_final(&a, &b);
		row_store_any(&out[i], sip_fold(&a));
		row_store_any(&out[i + HALF], sip_fold(&b));
	}
	return i;
}

/* From so many on, and up to so many words: as many as the longest message of a cookie has. */
#define PAD_MIN	      3
#define PAD_WORDS_MAX 5

/* n < ROW_LANES messages, the last one repeated. */
static sw_noinline void
padded(const struct sw_sipkey *const key[], const uint64_t *msg, unsigned stride, unsigned words,
	uint64_t *out, unsigned n)
{
	const struct sw_sipkey *keys[ROW_LANES];
	uint64_t m[(PAD_WORDS_MAX + 1) * ROW_LANES], macs[ROW_LANES];

	for (unsigned i = 0; i < ROW_LANES; i++) {
		const unsigned from = i < n ? i : n - 1;

		keys[i] = key[from];
		for (unsigned w = 0; w <= words; w++)
			m[w * ROW_LANES + i] = msg[(size_t)w * stride + from];
	}
	burst(keys, m, ROW_LANES, words, macs, ROW_LANES);
	memcpy(out, macs, n * sizeof(*out));
}

void
SW_SIMD_FN(sw_siphash_burst)(const struct sw_sipkey *const key[], const uint64_t *msg,
	unsigned stride, unsigned words, uint64_t *out, unsigned n)
{
	unsigned done;

	switch (words) {
	case 2:
		done = burst(key, msg, stride, 2, out, n);
		break;
	case 5:
		done = burst(key, msg, stride, 5, out, n);
		break;
	default:
		done = burst(key, msg, stride, words, out, n);
		break;
	}
	if (n - done >= PAD_MIN && words <= PAD_WORDS_MAX)
		padded(key + done, msg + done, stride, words, out + done, n - done);
	else if (done < n)
		sw_siphash_burst_scalar(
			key + done, msg + done, stride, words, out + done, n - done);
}
