/* SPDX-License-Identifier: BSD-3-Clause */
#include "values.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000u

/* Longest text of an address, a prefix or a server. */
#define TEXT_MAX 64

/*
 * Digits with at most nine decimals, times `unit`, into *out; *end: what follows them. False where
 * there are none, or too many.
 */
static bool
read_decimal(const char *text, uint64_t unit, uint64_t *out, const char **end)
{
	unsigned __int128 whole = 0, fraction = 0, scale = 1;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		whole = whole * 10 + (unsigned)(*p - '0');
		if (whole > UINT64_MAX)
			return false;
	}
	if (p == text)
		return false;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9' && scale < NS_PER_S; p++) {
			fraction = fraction * 10 + (unsigned)(*p - '0');
			scale *= 10;
		}
		if (scale == 1)
			return false;
	}
	/* A fraction of a thing that is counted is a mistake. */
	if (fraction * unit % scale != 0)
		return false;
	whole = whole * unit + fraction * unit / scale;
	if (whole > UINT64_MAX)
		return false;
	*out = (uint64_t)whole;
	*end = p;
	return true;
}

bool
sw_value_number(const char *text, uint64_t *out)
{
	uint64_t unit = 1, value;
	const size_t len = strlen(text);
	const char *end;

	if (len > 0 && text[len - 1] == 'k')
		unit = 1000;
	else if (len > 0 && text[len - 1] == 'M')
		unit = 1000000;
	else if (len > 0 && text[len - 1] == 'G')
		unit = 1000000000;
	if (!read_decimal(text, unit, &value, &end) || end != text + len - (unit > 1))
		return false;
	*out = value;
	return true;
}

bool
sw_value_seconds(const char *text, uint64_t *ns)
{
	uint64_t value;
	const char *end;

	if (!read_decimal(text, NS_PER_S, &value, &end) || *end != '\0')
		return false;
	*ns = value;
	return true;
}

bool
sw_value_mac(const char *text, uint8_t mac[6])
{
	unsigned b[6];
	int n = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		    &n) != 6 ||
		text[n] != '\0' || n != 17 || (b[0] & 1) != 0)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return true;
}

static bool
read_address(const char *text, union sw_addr *addr, bool *v6)
{
	union sw_addr a = {0};

	if (inet_pton(AF_INET6, text, &a) == 1) {
		*v6 = true;
	} else {
		a = (union sw_addr){0};
		if (inet_pton(AF_INET, text, &a.w_be[3]) != 1)
			return false;
		*v6 = false;
	}
	*addr = a;
	return true;
}

/* The text up to `stop`, a copy of its own; false where it is too long. */
static bool
copy_until(char copy[TEXT_MAX], const char *text, const char *stop)
{
	const size_t len = (size_t)(stop - text);

	if (len >= TEXT_MAX)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return true;
}

bool
sw_value_server(const char *text, struct sw_load_server *server)
{
	struct sw_load_server s = {.port = 80};
	const char *colon = strrchr(text, ':'), *end = text + strlen(text), *port = NULL;
	char copy[TEXT_MAX];
	uint64_t n;

	if (text[0] == '[') {
		text++;
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		if (end[1] == ':')
			port = end + 2;
	} else if (colon != NULL && strchr(text, ':') == colon) {
		end = colon;
		port = colon + 1;
	}
	if (!copy_until(copy, text, end) || !read_address(copy, &s.addr, &s.v6))
		return false;
	if (port != NULL) {
		if (!sw_value_number(port, &n) || n == 0 || n > UINT16_MAX)
			return false;
		s.port = (uint16_t)n;
	}
	*server = s;
	return true;
}

bool
sw_value_prefix(const char *text, struct sw_space *space)
{
	const char *slash = strchr(text, '/'), *end = text + strlen(text);
	struct sw_space s;
	union sw_addr addr;
	char copy[TEXT_MAX];
	uint64_t len;
	bool v6;

	if (!copy_until(copy, text, slash != NULL ? slash : end) || !read_address(copy, &addr, &v6))
		return false;
	len = v6 ? 128 : 32;
	if (slash != NULL && (!sw_value_number(slash + 1, &len) || len > (v6 ? 128 : 32)))
		return false;
	sw_space_init(&s, &addr, (unsigned)len, v6);
	if (memcmp(&s.prefix, &addr, sizeof(addr)) != 0)
		return false;
	*space = s;
	return true;
}
