/* SPDX-License-Identifier: BSD-3-Clause */
/* One value each: from the text of a scalar to a checked number, duration, prefix. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config_int.h"

static bool
is_plain(const yaml_node_t *node)
{
	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

const char *
cfg_string(struct cfg *c, const struct cfg_at *at, const char *what)
{
	const char *s;

	if (at->node->type != YAML_SCALAR_NODE) {
		cfg_error(c, at, "is %s; must be %s",
			at->node->type == YAML_MAPPING_NODE ? "a mapping" : "a list", what);
		return NULL;
	}
	s = (const char *)at->node->data.scalar.value;
	if (strlen(s) != at->node->data.scalar.length) {
		cfg_error(c, at, "has a zero byte in it; must be %s", what);
		return NULL;
	}
	if (s[0] == '\0' ||
		(is_plain(at->node) && (strcmp(s, "~") == 0 || strcmp(s, "null") == 0))) {
		cfg_error(c, at, "has no value; must be %s", what);
		return NULL;
	}
	return s;
}

static bool
wrong(struct cfg *c, const struct cfg_at *at, const char *what)
{
	char quoted[CFG_QUOTE_BYTES];

	cfg_error(c, at, "is \"%s\"; must be %s", cfg_quote(at->node, quoted), what);
	return false;
}

bool
cfg_bool(struct cfg *c, const struct cfg_at *at, bool *out)
{
	static const char what[] = "true or false";
	const char *s = cfg_string(c, at, what);

	if (s == NULL)
		return false;
	if (!is_plain(at->node) || (strcmp(s, "true") != 0 && strcmp(s, "false") != 0))
		return wrong(c, at, what);
	*out = s[0] == 't';
	return true;
}

bool
cfg_digits(const char **s, uint64_t high, uint64_t *out)
{
	const char *p = *s;
	uint64_t n = 0;

	/* "010" is eight to some readers of YAML: no leading zeros. */
	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > high)
			return false;
	}
	*s = p;
	*out = n;
	return true;
}

bool
cfg_number(struct cfg *c, const struct cfg_at *at, uint32_t low, uint32_t high, uint32_t *out)
{
	char what[64];
	const char *s;
	uint64_t n;

	snprintf(what, sizeof(what), "a whole number from %u to %u", low, high);
	s = cfg_string(c, at, what);
	if (s == NULL)
		return false;
	if (!is_plain(at->node) || !cfg_digits(&s, high, &n) || *s != '\0' || n < low)
		return wrong(c, at, what);
	*out = (uint32_t)n;
	return true;
}

/* A number with an optional k or M. */
static bool
scaled(const char **s, unsigned k, uint64_t high, uint64_t *out)
{
	uint64_t n;

	if (!cfg_digits(s, high, &n))
		return false;
	if (**s == 'k' || **s == 'M') {
		n *= **s == 'k' ? k : (uint64_t)k * k;
		++*s;
	}
	*out = n;
	return n <= high;
}

bool
cfg_count(struct cfg *c, const struct cfg_at *at, uint32_t low, uint32_t high, uint32_t *out)
{
	char what[112];
	const char *s;
	uint64_t n;

	snprintf(what, sizeof(what), "a number from %u to %u (k is 1024, M is 1048576)", low, high);
	s = cfg_string(c, at, what);
	if (s == NULL)
		return false;
	if (!is_plain(at->node) || !scaled(&s, 1024, high, &n) || *s != '\0' || n < low)
		return wrong(c, at, what);
	*out = (uint32_t)n;
	return true;
}

bool
cfg_rate(struct cfg *c, const struct cfg_at *at, uint32_t *out)
{
	static const char what[] =
		"a rate like 20k/s, from 1/s to 1000M/s (k is 1000, M is 1000000)";
	const char *s = cfg_string(c, at, what);
	uint64_t n;

	if (s == NULL)
		return false;
	if (!scaled(&s, 1000, 1000000000, &n) || n == 0 || strcmp(s, "/s") != 0)
		return wrong(c, at, what);
	*out = (uint32_t)n;
	return true;
}

static const struct unit {
	const char *name;
	uint32_t ms;
} units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

/* In the largest unit that leaves nothing over. */
static const char *
duration_text(uint32_t ms, char buf[16])
{
	unsigned u = 0;

	while (ms % units[u].ms != 0)
		u++;
	snprintf(buf, 16, "%u%s", ms / units[u].ms, units[u].name);
	return buf;
}

/* "1h30m": parts from large to small, each unit once. */
static bool
duration_parse(const char *s, uint64_t *out)
{
	unsigned from = 0;

	*out = 0;
	do {
		uint64_t n;
		size_t len;

		if (!cfg_digits(&s, UINT32_MAX, &n))
			return false;
		len = strspn(s, "hms");
		while (from < SW_ARRAY_LEN(units) &&
			(strlen(units[from].name) != len || memcmp(units[from].name, s, len) != 0))
			from++;
		if (from == SW_ARRAY_LEN(units))
			return false;
		s += len;
		*out += n * units[from++].ms;
	} while (*s != '\0');
	return true;
}

bool
cfg_duration(
	struct cfg *c, const struct cfg_at *at, uint32_t low_ms, uint32_t high_ms, uint32_t *out_ms)
{
	char what[96], low[16], high[16];
	const char *s;
	uint64_t n;

	snprintf(what, sizeof(what), "a duration from %s to %s (units ms, s, m, h)",
		duration_text(low_ms, low), duration_text(high_ms, high));
	s = cfg_string(c, at, what);
	if (s == NULL)
		return false;
	if (!duration_parse(s, &n) || n < low_ms || n > high_ms)
		return wrong(c, at, what);
	*out_ms = (uint32_t)n;
	return true;
}

bool
cfg_ports(struct cfg *c, const struct cfg_at *at, uint16_t *first, uint16_t *last)
{
	static const char what[] = "a port or a range FIRST-LAST, 1 to 65535";
	const char *s = cfg_string(c, at, what);
	uint64_t a, b;

	if (s == NULL)
		return false;
	if (!is_plain(at->node) || !cfg_digits(&s, UINT16_MAX, &a) || a == 0)
		return wrong(c, at, what);
	b = a;
	if (*s == '-') {
		s++;
		if (!cfg_digits(&s, UINT16_MAX, &b))
			return wrong(c, at, what);
	}
	if (*s != '\0')
		return wrong(c, at, what);
	if (b < a)
		return wrong(c, at, "a range whose last port is not below its first");
	*first = (uint16_t)a;
	*last = (uint16_t)b;
	return true;
}

/* Clears the bits behind the prefix; true where one was set. */
static bool
clear_host_bits(struct sw_prefix *p)
{
	bool set = false;
	unsigned from = (p->v6 ? 0 : 96) + p->prefix_len;

	for (unsigned i = from; i < 128; i++) {
		uint8_t mask = (uint8_t)(0x80 >> i % 8);

		set |= (p->addr.b[i / 8] & mask) != 0;
		p->addr.b[i / 8] &= (uint8_t)~mask;
	}
	return set;
}

/* ADDRESS[/LENGTH], without a judgement on the bits behind the length. */
static bool
prefix_parse(const char *s, struct sw_prefix *p)
{
	const char *slash = strchr(s, '/');
	size_t len = slash != NULL ? (size_t)(slash - s) : strlen(s);
	char addr[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (len >= sizeof(addr))
		return false;
	memcpy(addr, s, len);
	addr[len] = '\0';
	memset(p, 0, sizeof(*p));
	p->v6 = strchr(addr, ':') != NULL;
	if (inet_pton(p->v6 ? AF_INET6 : AF_INET, addr, p->v6 ? p->addr.b : &p->addr.b[12]) != 1)
		return false;
	bits = p->v6 ? 128 : 32;
	if (slash != NULL) {
		s = slash + 1;
		if (!cfg_digits(&s, bits, &bits) || *s != '\0')
			return false;
	}
	p->prefix_len = (uint8_t)bits;
	return true;
}

bool
cfg_prefix(struct cfg *c, const struct cfg_at *at, struct sw_prefix *out)
{
	static const char what[] =
		"an IPv4 or IPv6 address or prefix, like 192.0.2.10 or 2001:db8::/32";
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const char *s = cfg_string(c, at, what);
	char text[INET6_ADDRSTRLEN], quoted[CFG_QUOTE_BYTES];

	if (s == NULL)
		return false;
	if (!prefix_parse(s, out))
		return wrong(c, at, what);
	if (clear_host_bits(out)) {
		inet_ntop(out->v6 ? AF_INET6 : AF_INET, out->v6 ? out->addr.b : &out->addr.b[12],
			text, sizeof(text));
		cfg_error(c, at,
			"is \"%s\", which has bits set behind the prefix; the prefix is %s/%u",
			cfg_quote(at->node, quoted), text, out->prefix_len);
		return false;
	}
	if (out->v6 && out->prefix_len >= 96 && memcmp(out->addr.b, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, &out->addr.b[12], text, sizeof(text));
		cfg_error(c, at,
			"is an IPv4 address in IPv6 notation, which no packet carries; write %s/%u",
			text, out->prefix_len - 96);
		return false;
	}
	return true;
}

bool
cfg_listen(struct cfg *c, const struct cfg_at *at)
{
	static const char what[] = "ADDRESS:PORT, like 127.0.0.1:9110 or [::1]:9110";
	const char *s = cfg_string(c, at, what), *colon, *start, *end;
	char addr[INET6_ADDRSTRLEN];
	uint8_t ignored[16];
	uint64_t port;
	bool v6;

	if (s == NULL)
		return false;
	v6 = s[0] == '[';
	start = v6 ? s + 1 : s;
	colon = strrchr(s, ':');
	if (colon == NULL)
		return wrong(c, at, what);
	end = colon;
	if (v6 && (end == start || *--end != ']'))
		return wrong(c, at, what);
	if ((size_t)(end - start) >= sizeof(addr))
		return wrong(c, at, what);
	memcpy(addr, start, (size_t)(end - start));
	addr[end - start] = '\0';
	s = colon + 1;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, addr, ignored) != 1 ||
		!cfg_digits(&s, UINT16_MAX, &port) || port == 0 || *s != '\0')
		return wrong(c, at, what);
	return true;
}

int
cfg_word(struct cfg *c, const struct cfg_at *at, const char *const words[], unsigned n)
{
	char what[128];
	size_t len = 0;
	const char *s;

	what[0] = '\0';
	for (unsigned i = 0; i < n && len < sizeof(what); i++)
		len += (size_t)snprintf(what + len, sizeof(what) - len, "%s%s",
			i == 0	    ? ""
			: i + 1 < n ? ", "
				    : " or ",
			words[i]);
	s = cfg_string(c, at, what);
	if (s == NULL)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(s, words[i]) == 0)
			return (int)i;
	}
	wrong(c, at, what);
	return -1;
}
