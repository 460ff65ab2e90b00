/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of synload: to which mode each belongs, and what it takes. */
#include <string.h>

#include "args_int.h"
#include "flood.h"
#include "values.h"

#define FLOODS	 (SW_LOAD_FLOOD | SW_LOAD_MIXED)
#define CONNECTS (SW_LOAD_CONNECT | SW_LOAD_MIXED)
#define ALL	 (SW_LOAD_FLOOD | SW_LOAD_CONNECT | SW_LOAD_MIXED)

/* Numbers that no machine reaches; they keep the arithmetic from running over. */
#define RATE_MAX       1000000000u
#define CONCURRENT_MAX 16000000u

static const char *
take_server(struct parse *p, const char *value)
{
	struct sw_load_route *r = &p->a->route;
	struct sw_load_server s;

	if (!p->servers_given)
		r->n_servers = 0;
	p->servers_given = true;
	if (!sw_value_server(value, &s))
		return "an address with or without a port, such as 198.51.100.10:80 or "
		       "[2001:db8::10]:80";
	if (r->n_servers == SW_LOAD_SERVERS_MAX)
		return "at most 16 servers";
	/* Answers could not be told apart. */
	for (unsigned i = 0; i < r->n_servers; i++)
		if (r->servers[i].port == s.port &&
			memcmp(&r->servers[i].addr, &s.addr, sizeof(s.addr)) == 0)
			return "each server once";
	r->servers[r->n_servers++] = s;
	return NULL;
}

static const char *
take_sources(struct parse *p, const char *value)
{
	struct sw_space s;

	if (!sw_value_prefix(value, &s))
		return "a prefix without host bits, such as 10.0.0.0/8 or fd00::/8";
	if (p->sources_given[s.v6])
		return "one prefix for IPv4 and one for IPv6";
	p->sources_given[s.v6] = true;
	p->a->route.space[s.v6] = s;
	return NULL;
}

static const char *
take_order(struct parse *p, const char *value)
{
	p->a->order = strcmp(value, "range") == 0 ? SW_SPACE_RANGE : SW_SPACE_RANDOM;
	return strcmp(value, "range") == 0 || strcmp(value, "random") == 0 ? NULL
									   : "random or range";
}

static const char *
take_src_mac(struct parse *p, const char *value)
{
	return sw_value_mac(value, p->a->route.l2.src) ? NULL : "a unicast MAC address";
}

static const char *
take_dst_mac(struct parse *p, const char *value)
{
	return sw_value_mac(value, p->a->route.l2.dst) ? NULL : "a unicast MAC address";
}

static const char *
take_vlan(struct parse *p, const char *value)
{
	uint64_t id;

	if (!sw_value_number(value, &id) || id < 1 || id > 4094)
		return "a VLAN from 1 to 4094";
	p->a->route.l2.vlan = (uint16_t)id;
	return NULL;
}

static const char *
take_type(struct parse *p, const char *value)
{
	memset(p->a->weights, 0, sizeof(p->a->weights));
	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++) {
		if (strcmp(value, "mix") == 0 || strcmp(value, sw_craft_type_names[t]) == 0) {
			p->a->weights[t] = 1;
			if (strcmp(value, "mix") != 0)
				return NULL;
		}
	}
	return p->a->weights[0] != 0 ? NULL : "syn, ack, synack, rst, fin or mix";
}

/* One of "syn=70,ack=20", len bytes. The type, whose weight is *weight; SW_CRAFT_TYPES: neither. */
static unsigned
read_weight(const char *text, size_t len, uint64_t *weight)
{
	const size_t name = strcspn(text, "=");
	char number[16];
	unsigned t = 0;

	while (t < SW_CRAFT_TYPES && (strlen(sw_craft_type_names[t]) != name ||
					     strncmp(text, sw_craft_type_names[t], name) != 0))
		t++;
	if (t == SW_CRAFT_TYPES || name >= len || len - name > sizeof(number))
		return SW_CRAFT_TYPES;
	memcpy(number, text + name + 1, len - name - 1);
	number[len - name - 1] = '\0';
	return sw_value_number(number, weight) && *weight <= 1000000 ? t : SW_CRAFT_TYPES;
}

static const char *
take_mix(struct parse *p, const char *value)
{
	static const char allowed[] =
		"types with weights up to 1000000, each type once, such as syn=70,ack=30";
	bool named[SW_CRAFT_TYPES] = {false};
	uint64_t sum = 0;

	memset(p->a->weights, 0, sizeof(p->a->weights));
	while (*value != '\0') {
		const size_t len = strcspn(value, ",");
		uint64_t weight;
		const unsigned t = read_weight(value, len, &weight);

		if (t == SW_CRAFT_TYPES || named[t])
			return allowed;
		named[t] = true;
		p->a->weights[t] = (unsigned)weight;
		sum += weight;
		value += len + (value[len] == ',');
	}
	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++)
		if (p->a->weights[t] != 0 && (uint64_t)p->a->weights[t] * SW_FLOOD_MIX < sum)
			return "weights of at least 1 in 256 of their sum, or 0";
	return sum > 0 ? NULL : allowed;
}

static const char *
take_options(struct parse *p, const char *value)
{
	for (unsigned o = 0; o < SW_CRAFT_OPTION_SETS; o++) {
		if (strcmp(value, sw_craft_option_names[o]) == 0) {
			p->a->options = o;
			return NULL;
		}
	}
	return "none, mss, linux, windows or mac";
}

static const char *
take_rate(struct parse *p, const char *value)
{
	uint64_t *rate = p->a->mode == SW_LOAD_FLOOD ? &p->a->flood_rate : &p->a->connect_rate;

	return sw_value_number(value, rate) && *rate >= 1 && *rate <= RATE_MAX
		       ? NULL
		       : "a number a second from 1 to 1G, such as 100k";
}

static const char *
take_side(struct parse *p, const char *value)
{
	p->a->side_inside = strcmp(value, "inside") == 0;
	return p->a->side_inside || strcmp(value, "outside") == 0 ? NULL : "outside or inside";
}

static const char *
take_close(struct parse *p, const char *value)
{
	p->a->close_server = strcmp(value, "server") == 0;
	return p->a->close_server || strcmp(value, "client") == 0 ? NULL : "client or server";
}

static const char *
take_http(struct parse *p, const char *value)
{
	const size_t len = strlen(value);

	p->a->http = value;
	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] == 0x7f)
			return "a path without blanks";
	return value[0] == '/' && len <= 512 ? NULL : "a path that starts with /";
}

#define FIELD(name) offsetof(struct sw_load_args, name)

const struct def sw_load_defs[] = {
	{"outside", ALL, DEF_TEXT, NULL, FIELD(outside), 0, 0},
	{"inside", ALL, DEF_TEXT, NULL, FIELD(inside), 0, 0},
	{"json", ALL, DEF_TEXT, NULL, FIELD(json), 0, 0},
	{"seconds", ALL, DEF_SECONDS, NULL, FIELD(seconds_ns), 1000000, 86400000000000},
	{"warmup", ALL, DEF_SECONDS, NULL, FIELD(warmup_ns), 0, 3600000000000},
	{"seed", ALL, DEF_NUMBER, NULL, FIELD(seed), 0, UINT64_MAX},
	{"quiet", ALL, DEF_FLAG, NULL, FIELD(quiet), 0, 0},
	{"fifo-buffers", ALL, DEF_FLAG, NULL, FIELD(fifo_buffers), 0, 0},
	{"server", ALL, DEF_FUNCTION, take_server, 0, 0, 0},
	{"sources", ALL, DEF_FUNCTION, take_sources, 0, 0, 0},
	{"source-order", ALL, DEF_FUNCTION, take_order, 0, 0, 0},
	{"src-mac", ALL, DEF_FUNCTION, take_src_mac, 0, 0, 0},
	{"dst-mac", ALL, DEF_FUNCTION, take_dst_mac, 0, 0, 0},
	{"vlan", ALL, DEF_FUNCTION, take_vlan, 0, 0, 0},
	{"options", ALL, DEF_FUNCTION, take_options, 0, 0, 0},
	{"rate", ALL, DEF_FUNCTION, take_rate, 0, 0, 0},
	{"type", SW_LOAD_FLOOD, DEF_FUNCTION, take_type, 0, 0, 0},
	{"flood-type", SW_LOAD_MIXED, DEF_FUNCTION, take_type, 0, 0, 0},
	{"flood-rate", SW_LOAD_MIXED, DEF_NUMBER, NULL, FIELD(flood_rate), 1, RATE_MAX},
	{"mix", FLOODS, DEF_FUNCTION, take_mix, 0, 0, 0},
	{"sample", FLOODS, DEF_NUMBER, NULL, FIELD(sample), 0, UINT32_MAX},
	{"count", SW_LOAD_FLOOD, DEF_NUMBER, NULL, FIELD(count), 1, UINT64_MAX / 2},
	{"side", SW_LOAD_FLOOD, DEF_FUNCTION, take_side, 0, 0, 0},
	{"concurrent", CONNECTS, DEF_NUMBER, NULL, FIELD(concurrent), 1, CONCURRENT_MAX},
	{"total", CONNECTS, DEF_NUMBER, NULL, FIELD(total), 1, UINT64_MAX / 2},
	{"request", CONNECTS, DEF_NUMBER, NULL, FIELD(request_bytes), 1, STREAM_MAX},
	{"response", CONNECTS, DEF_NUMBER, NULL, FIELD(response_bytes), 1, STREAM_MAX},
	{"keep-alive", CONNECTS, DEF_NUMBER, NULL, FIELD(keep_alive), 1, UINT16_MAX},
	{"hold", CONNECTS, DEF_SECONDS, NULL, FIELD(hold_ns), 0, 86400000000000},
	{"http", CONNECTS, DEF_FUNCTION, take_http, 0, 0, 0},
	{"timeout", CONNECTS, DEF_NUMBER, NULL, FIELD(timeout_ms), 1, 3600000},
	{"rto", CONNECTS, DEF_NUMBER, NULL, FIELD(rto_ms), 1, 60000},
	{"close", CONNECTS, DEF_FUNCTION, take_close, 0, 0, 0},
};

const unsigned sw_load_n_defs = SW_ARRAY_LEN(sw_load_defs);

bool
sw_load_is_given(const struct parse *p, const char *name)
{
	unsigned i = 0;

	while (i < sw_load_n_defs && strcmp(sw_load_defs[i].name, name) != 0)
		i++;
	return i < sw_load_n_defs && (p->given >> i & 1);
}
