/* SPDX-License-Identifier: BSD-3-Clause */
/* services: who is protected and how; one rule for each address and each range of ports. */
#include <stdlib.h>
#include <string.h>

#include "config_int.h"

#define HOLD_MIN_MS	 1000u
#define HOLD_MAX_MS	 (3600u * 1000)
#define AUTO_ON_DEFAULT	 20000
#define AUTO_OFF_DEFAULT 10000

enum when { WHEN_ALWAYS, WHEN_NEVER, WHEN_AUTO };

struct port_range {
	uint16_t first, last;
};

struct address {
	struct sw_prefix prefix;
	struct cfg_origin origin;
};

/* A service while it is read. */
struct draft {
	struct sw_service s;
	struct address *addresses;
	struct port_range *ports;
	uint32_t n_addresses, n_ports;
	uint32_t on, off;
	int when;
	const yaml_node_t *when_node, *auto_node, *off_node;
};

static void
read_name(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const char what[] = "1 to 31 letters, digits, '_', '.' or '-'";
	const char *s = cfg_string(c, at, what);
	struct draft *d = into;
	char quoted[CFG_QUOTE_BYTES];
	size_t len;

	if (s == NULL)
		return;
	len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
	if (s[len] != '\0' || len >= SW_SERVICE_NAME_BYTES) {
		cfg_error(c, at, "is \"%s\"; must be %s", cfg_quote(at->node, quoted), what);
		return;
	}
	for (uint32_t i = 0; i < c->out->n_services; i++) {
		if (strcmp(c->out->services[i].name, s) == 0) {
			cfg_error(c, at,
				"\"%s\" is the name of the service on line %u; each needs its own",
				s, cfg_line(c->service_origins[i].node));
			return;
		}
	}
	strcpy(d->s.name, s);
}

static void
read_address(struct cfg *c, const struct cfg_at *at, void *into)
{
	struct draft *d = into;
	struct address a = {.origin = {at->node, at->index}};

	if (cfg_prefix(c, at, &a.prefix) && cfg_room(c, d->addresses, d->n_addresses))
		d->addresses[d->n_addresses++] = a;
}

static bool
empty_list(struct cfg *c, const struct cfg_at *at)
{
	const yaml_node_t *n = at->node;

	if (n->type != YAML_SEQUENCE_NODE ||
		n->data.sequence.items.start < n->data.sequence.items.top)
		return false;
	cfg_error(c, at, "is an empty list; at least one element is required");
	return true;
}

static void
read_addresses(struct cfg *c, const struct cfg_at *at, void *into)
{
	if (!empty_list(c, at))
		cfg_list(c, at, "IPv4 and IPv6 addresses and prefixes", read_address, into);
}

static void
read_port_range(struct cfg *c, const struct cfg_at *at, void *into)
{
	struct draft *d = into;
	struct port_range r;

	if (cfg_ports(c, at, &r.first, &r.last) && cfg_room(c, d->ports, d->n_ports))
		d->ports[d->n_ports++] = r;
}

static void
read_port_ranges(struct cfg *c, const struct cfg_at *at, void *into)
{
	if (!empty_list(c, at))
		cfg_list(c, at, "ports and port ranges", read_port_range, into);
}

static void
read_mode(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const char *const words[] = {
		[SW_MODE_PROXY] = "proxy",
		[SW_MODE_RESPOND] = "respond",
		[SW_MODE_PASS] = "pass",
		[SW_MODE_DROP] = "drop",
	};
	struct draft *d = into;
	int mode;

	static_assert(SW_ARRAY_LEN(words) == SW_MODE_MAX, "a word for each mode");
	if (cfg_is(at->node, "reset")) {
		cfg_error(c, at,
			"reset is not in this version; must be proxy, respond, pass or drop");
		mode = -1;
	} else {
		mode = cfg_word(c, at, words, SW_ARRAY_LEN(words));
	}
	/* respond asks nothing of the ports: no second error follows from this one. */
	d->s.mode = (uint8_t)(mode >= 0 ? mode : SW_MODE_RESPOND);
}

static void
read_when(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const char *const words[] = {
		[WHEN_ALWAYS] = "always",
		[WHEN_NEVER] = "never",
		[WHEN_AUTO] = "auto",
	};
	struct draft *d = into;

	d->when = cfg_word(c, at, words, SW_ARRAY_LEN(words));
	d->when_node = at->node;
}

static void
read_on(struct cfg *c, const struct cfg_at *at, void *into)
{
	cfg_rate(c, at, &((struct draft *)into)->on);
}

static void
read_off(struct cfg *c, const struct cfg_at *at, void *into)
{
	struct draft *d = into;

	if (cfg_rate(c, at, &d->off))
		d->off_node = at->node;
}

static void
read_hold(struct cfg *c, const struct cfg_at *at, void *into)
{
	uint32_t ms;

	(void)into;
	cfg_duration(c, at, HOLD_MIN_MS, HOLD_MAX_MS, &ms);
}

static void
read_auto(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const struct cfg_key keys[] = {
		{"on", read_on, false},
		{"off", read_off, false},
		{"hold", read_hold, false},
	};
	struct draft *d = into;

	d->auto_node = at->node;
	if (cfg_mapping(c, at, keys, SW_ARRAY_LEN(keys), into) && d->off >= d->on) {
		struct cfg_at here = {.up = at,
			.key = "off",
			.node = d->off_node != NULL ? d->off_node : at->node};

		cfg_error(c, &here, "%u/s is not below the rate of on, %u/s; must be below it",
			d->off, d->on);
	}
}

static void
read_server(struct cfg *c, const struct cfg_at *at, void *into)
{
	cfg_server(c, at, &((struct draft *)into)->s);
}

static void
read_window(struct cfg *c, const struct cfg_at *at, void *into)
{
	cfg_window(c, at, &((struct draft *)into)->s.window);
}

static void
judge_when(struct cfg *c, const struct cfg_at *at, struct draft *d)
{
	struct cfg_at here = {.up = at, .key = "when", .node = d->when_node};

	if (d->auto_node != NULL && d->when != WHEN_AUTO) {
		here.key = "auto";
		here.node = d->auto_node;
		cfg_error(c, &here, "is only for when: auto");
	} else if (d->when == WHEN_AUTO) {
		cfg_warn(c, &here, "auto is not in this version; taken as always");
	} else if (d->when == WHEN_NEVER) {
		d->s.mode = SW_MODE_PASS;
	}
}

/* Every address with every range of ports. */
static void
add_rules(struct cfg *c, const struct cfg_at *at, const struct draft *d, uint16_t service)
{
	struct sw_config *out = c->out;

	if ((uint64_t)d->n_addresses * d->n_ports > CFG_RULES_MAX - out->n_rules) {
		cfg_error(c, at,
			"its %u addresses times %u port ranges, with the services before it, are "
			"more "
			"than %u rules; use wider prefixes or ranges",
			d->n_addresses, d->n_ports, CFG_RULES_MAX);
		return;
	}
	for (uint32_t a = 0; a < d->n_addresses; a++) {
		for (uint32_t p = 0; p < d->n_ports; p++) {
			if (!cfg_room(c, out->rules, out->n_rules) ||
				!cfg_room(c, c->origins, out->n_rules))
				return;
			c->origins[out->n_rules] = d->addresses[a].origin;
			out->rules[out->n_rules++] = (struct sw_rule){
				.dst = d->addresses[a].prefix,
				.port_first = d->ports[p].first,
				.port_last = d->ports[p].last,
				.service = service,
			};
		}
	}
}

/* A service with an error in it is kept as far as it goes: what clashes with it is still found. */
static void
read_service(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const struct cfg_key keys[] = {
		{"name", read_name, true},
		{"addresses", read_addresses, true},
		{"ports", read_port_ranges, true},
		{"mode", read_mode, false},
		{"when", read_when, false},
		{"auto", read_auto, false},
		{"server", read_server, false},
		{"window", read_window, false},
	};
	struct sw_config *out = c->out;
	struct draft d = {.on = AUTO_ON_DEFAULT, .off = AUTO_OFF_DEFAULT};

	(void)into;
	if (at->index >= SW_SERVICES_MAX) {
		if (at->index == SW_SERVICES_MAX)
			cfg_error(c, at, "is one service too many; at most %d are allowed",
				SW_SERVICES_MAX);
		return;
	}
	d.s.mode = SW_MODE_PROXY;
	d.s.server = cfg_server_default;
	d.s.learn = true;
	d.s.window = SW_CONFIG_WINDOW_DEFAULT;
	cfg_mapping(c, at, keys, SW_ARRAY_LEN(keys), &d);
	judge_when(c, at, &d);
	if (cfg_room(c, out->services, out->n_services) &&
		cfg_room(c, c->service_origins, out->n_services)) {
		c->service_origins[out->n_services] = (struct cfg_origin){at->node, at->index};
		out->services[out->n_services] = d.s;
		add_rules(c, at, &d, (uint16_t)out->n_services++);
	}
	free(d.addresses);
	free(d.ports);
}

void
cfg_read_services(struct cfg *c, const struct cfg_at *at, void *into)
{
	if (!empty_list(c, at))
		cfg_list(c, at, "services, each a mapping", read_service, into);
}
