/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * values.h - reads the values of options: numbers with a suffix, times, addresses.
 *
 * All of them take the whole text or nothing: true, or false with *out as it was.
 *
 * Threads: pure.
 */
#ifndef SW_LOAD_VALUES_H
#define SW_LOAD_VALUES_H

#include "load.h"
#include "space.h"

/* "1500", "100k", "2M", "1.5M": k, M and G are 10^3, 10^6 and 10^9; the result is whole. */
bool sw_value_number(const char *text, uint64_t *out);

/* Seconds, with decimals, as nanoseconds. */
bool sw_value_seconds(const char *text, uint64_t *ns);

/* "02:00:00:00:00:01"; a multicast address is refused. */
bool sw_value_mac(const char *text, uint8_t mac[6]);

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80"; port 80 where none is given. */
bool sw_value_server(const char *text, struct sw_load_server *server);

/* "10.0.0.0/8", "fd00::/8"; an address alone is a prefix of its whole length. Host bits are 0. */
bool sw_value_prefix(const char *text, struct sw_space *space);

#endif
