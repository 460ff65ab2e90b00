/* SPDX-License-Identifier: BSD-3-Clause */
/* siphash_int.h - the kernels of sw_siphash_burst(). Private to cookie/. */
#ifndef SW_COOKIE_SIPHASH_INT_H
#define SW_COOKIE_SIPHASH_INT_H

#include "cookie/siphash.h"

/* As sw_siphash_burst(). */
void sw_siphash_burst_scalar(const struct sw_sipkey *const key[], const uint64_t *msg,
	unsigned stride, unsigned words, uint64_t *out, unsigned n);
void sw_siphash_burst_avx2(const struct sw_sipkey *const key[], const uint64_t *msg,
	unsigned stride, unsigned words, uint64_t *out, unsigned n);
void sw_siphash_burst_avx512(const struct sw_sipkey *const key[], const uint64_t *msg,
	unsigned stride, unsigned words, uint64_t *out, unsigned n);
void sw_siphash_burst_avx512w(const struct sw_sipkey *const key[], const uint64_t *msg,
	unsigned stride, unsigned words, uint64_t *out, unsigned n);

#endif
