/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * siphash.h - SipHash-2-4 (Aumasson, Bernstein, 2012), 64-bit output: the MAC of every cookie.
 *
 * sw_siphash() takes any message. sw_siphash_burst() takes many messages of one length
 * under one or several keys, the shape of a burst of SYNs: eight or sixteen at a time where the
 * CPU has AVX2 or AVX-512 (base/simd.h), else two.
 *
 * Byte order of messages and keys: little-endian words, as published; words given as uint64_t are
 * in host order and the host is little-endian (asserted at build time).
 *
 * Threads: pure.
 * Memory:  the caller's.
 */
#ifndef SW_COOKIE_SIPHASH_H
#define SW_COOKIE_SIPHASH_H

#include "base/base.h"

struct sw_sipkey {
	uint64_t k0, k1;
};

/* SipHash-2-4 of len bytes. */
uint64_t sw_siphash(const struct sw_sipkey *key, const void *msg, size_t len);

/*
 * MACs of n messages (n <= SW_BURST_MAX) of `words` whole 64-bit words and one last block each.
 *
 * msg:  msg[w * stride + i] is word w of message i (structure of arrays: SIMD loads are
 *       contiguous). Word `words` is the last block: up to 7 bytes of tail and the message length
 *       in the top byte.
 * key:  key[i] is the key of message i.
 * out:  out[i] is the MAC of message i.
 */
void sw_siphash_burst(const struct sw_sipkey *const key[], const uint64_t *msg, unsigned stride,
	unsigned words, uint64_t *out, unsigned n);

#endif
