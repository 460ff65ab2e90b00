/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seq.h - arithmetic on numbers mod 2^32: TCP sequence numbers (RFC 9293, 3.4), TCP timestamps
 * (RFC 7323, 5.2) and the 32-bit millisecond clock of flow deadlines. "Before" means
 * less than 2^31 behind.
 */
#ifndef SW_BASE_SEQ_H
#define SW_BASE_SEQ_H

#include "base/base.h"

sw_always_inline bool
sw_seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

sw_always_inline bool
sw_seq_before_eq(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

#endif
