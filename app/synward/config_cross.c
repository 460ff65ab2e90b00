/* SPDX-License-Identifier: BSD-3-Clause */
/* What several keys must agree on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_int.h"

#define OVERLAPS_MAX	64 /* lines about overlaps; a copied file would give one for each address */
#define BUILDS_MAX	256 /* each finds one pair of rules */
#define PENDING_DEFAULT (16u << 10)

static void
check_sizes(struct cfg *c, const struct cfg_at *root)
{
	struct sw_config *out = c->out;
	struct cfg_at at = {.up = root, .key = "pending", .node = c->pending};

	if (c->pending == NULL)
		out->pending = out->flows < PENDING_DEFAULT ? out->flows : PENDING_DEFAULT;
	else if (out->pending > out->flows)
		cfg_error(c, &at,
			"%u is more than flows, %u; a connection that waits has a flow as well",
			out->pending, out->flows);
}

/* A queue is polled by one worker; without a list, the EAL arguments may say how many there are. */
static void
check_queues(struct cfg *c, const struct cfg_at *root)
{
	struct cfg_at ports = {.up = root, .key = "ports", .node = c->ports};
	struct cfg_at at = {.up = &ports, .key = "queues", .node = c->queues};
	unsigned n = c->out->n_lcores;

	if (c->queues != NULL && n != 0 && c->out->queues > n)
		cfg_error(c, &at,
			"%u is more than the %u worker%s of lcores; a queue has a worker of its "
			"own",
			c->out->queues, n, n == 1 ? "" : "s");
}

/* Without an inside port nothing can be sent on to a server. */
static void
check_ports(struct cfg *c, const struct cfg_at *root)
{
	struct cfg_at ports = {.up = root, .key = "ports", .node = c->ports};
	struct cfg_at at = {.up = &ports, .key = "inside", .node = c->ports};

	if (c->ports == NULL || c->inside != NULL)
		return;
	for (uint32_t i = 0; i < c->out->n_services; i++) {
		const struct sw_service *s = &c->out->services[i];

		if (s->mode == SW_MODE_RESPOND || s->mode == SW_MODE_DROP)
			continue;
		cfg_error(c, &at,
			"missing; it is required unless every service is respond or drop, and "
			"services[%u] on line %u is %s",
			c->service_origins[i].index, cfg_line(c->service_origins[i].node),
			s->mode == SW_MODE_PASS ? "pass" : "proxy");
		return;
	}
}

static int
compare_sources(const void *a, const void *b, void *of)
{
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct sw_prefix *x = &((const struct sw_source *)of)[i].src;
	const struct sw_prefix *y = &((const struct sw_source *)of)[k].src;
	int d = memcmp(x->addr.b, y->addr.b, sizeof(x->addr.b));

	if (d == 0)
		d = x->v6 - y->v6;
	if (d == 0)
		d = x->prefix_len - y->prefix_len;
	return d != 0 ? d : i < k ? -1 : 1;
}

static bool
same_prefix(const struct sw_prefix *a, const struct sw_prefix *b)
{
	return a->v6 == b->v6 && a->prefix_len == b->prefix_len &&
	       memcmp(a->addr.b, b->addr.b, sizeof(a->addr.b)) == 0;
}

/* One prefix both allowed and denied: said at the place that comes later in the file. */
static void
check_sources(struct cfg *c, const struct cfg_at *root)
{
	const struct sw_source *src = c->out->sources;
	uint32_t n = c->out->n_sources, *order;

	if (n == 0)
		return;
	order = malloc(n * sizeof(*order));
	if (order == NULL) {
		c->no_memory = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare_sources, c->out->sources);
	for (uint32_t i = 0, first = 0; i < n; i++) {
		const struct sw_source *a = &src[order[first]], *b = &src[order[i]];
		struct cfg_at list = {.up = root, .key = b->deny ? "deny" : "allow"};
		struct cfg_at at = {.up = &list,
			.index = c->source_origins[order[i]].index,
			.node = c->source_origins[order[i]].node};

		if (!same_prefix(&a->src, &b->src))
			first = i;
		else if (a->deny != b->deny)
			cfg_error(c, &at,
				"is on the %s list too, on line %u; must be on one of them",
				a->deny ? "deny" : "allow",
				cfg_line(c->source_origins[order[first]].node));
	}
	free(order);
}

/* The rules that are still in the running, and what was said already. */
struct overlaps {
	struct sw_rule *rules;
	uint32_t *numbers; /* of rules[]: index into the configuration's rules */
	uint32_t n_rules;
	struct {
		const yaml_node_t *address;
		uint16_t service;
	} said[OVERLAPS_MAX];
	unsigned n_said;
};

static void
say_overlap(struct cfg *c, const struct cfg_at *root, struct overlaps *o, uint32_t a, uint32_t b)
{
	const struct sw_rule *ra = &c->out->rules[a], *rb = &c->out->rules[b];
	const struct cfg_origin *sa = &c->service_origins[ra->service];
	const struct cfg_origin *sb = &c->service_origins[rb->service];
	struct cfg_at services = {.up = root, .key = "services"};
	struct cfg_at service = {.up = &services, .index = sb->index};
	struct cfg_at addresses = {.up = &service, .key = "addresses"};
	struct cfg_at at = {
		.up = &addresses, .index = c->origins[b].index, .node = c->origins[b].node};
	uint16_t first = ra->port_first > rb->port_first ? ra->port_first : rb->port_first;
	uint16_t last = ra->port_last < rb->port_last ? ra->port_last : rb->port_last;
	char ports[16];

	for (unsigned i = 0; i < o->n_said; i++) {
		if (o->said[i].address == at.node && o->said[i].service == ra->service)
			return;
	}
	o->said[o->n_said].address = at.node;
	o->said[o->n_said++].service = ra->service;
	if (first == last)
		snprintf(ports, sizeof(ports), " %u", first);
	else
		snprintf(ports, sizeof(ports), "s %u-%u", first, last);
	cfg_error(c, &at,
		"overlaps service \"%s\" on line %u at port%s; an address and port may belong to "
		"one "
		"service only",
		c->out->services[ra->service].name, cfg_line(sa->node), ports);
}

/*
 * The builder names one pair of rules that overlap; the later one is taken out, and it is asked
 * again. Returns false at the limits: more may overlap.
 */
static bool
find_overlaps(struct cfg *c, const struct cfg_at *root, struct overlaps *o, void *mem, size_t size)
{
	struct sw_policy_spec spec = sw_config_policy_spec(c->out);

	for (unsigned builds = 0; builds < BUILDS_MAX && o->n_said < OVERLAPS_MAX; builds++) {
		struct sw_policy_error e;
		int rc;

		spec.rules = o->rules;
		spec.n_rules = o->n_rules;
		rc = sw_policy_build(mem, size, &spec, &e);
		if (rc == 0)
			return true;
		if (rc != -EEXIST) {
			cfg_error(c, root, "the services cannot be used: %s", strerror(-rc));
			return true;
		}
		say_overlap(c, root, o, o->numbers[e.rule_a], o->numbers[e.rule_b]);
		o->n_rules--;
		memmove(&o->rules[e.rule_b], &o->rules[e.rule_b + 1],
			(o->n_rules - e.rule_b) * sizeof(*o->rules));
		memmove(&o->numbers[e.rule_b], &o->numbers[e.rule_b + 1],
			(o->n_rules - e.rule_b) * sizeof(*o->numbers));
	}
	return false;
}

static void
check_overlaps(struct cfg *c, const struct cfg_at *root)
{
	struct sw_policy_spec spec = sw_config_policy_spec(c->out);
	size_t size = sw_policy_size(&spec);
	struct overlaps o = {.n_rules = spec.n_rules};
	void *mem = aligned_alloc(SW_CACHE_LINE_BYTES, size);

	o.rules = malloc(((size_t)o.n_rules + 1) * sizeof(*o.rules));
	o.numbers = malloc(((size_t)o.n_rules + 1) * sizeof(*o.numbers));
	if (mem == NULL || o.rules == NULL || o.numbers == NULL) {
		c->no_memory = true;
	} else {
		for (uint32_t i = 0; i < o.n_rules; i++) {
			o.rules[i] = c->out->rules[i];
			o.numbers[i] = i;
		}
		if (!find_overlaps(c, root, &o, mem, size))
			cfg_error(c, root,
				"more services may overlap; only the first %u places are listed",
				o.n_said);
	}
	free(mem);
	free(o.rules);
	free(o.numbers);
}

void
cfg_cross_check(struct cfg *c, const struct cfg_at *root)
{
	check_sizes(c, root);
	check_queues(c, root);
	check_ports(c, root);
	check_sources(c, root);
	check_overlaps(c, root);
}
