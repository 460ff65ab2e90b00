/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds the snapshot: judges the spec, lays out the memory, gives each prefix its run of port
 * ranges and refuses rules that overlap.
 */
#include <errno.h>
#include <string.h>

#include "policy/policy_int.h"

#define ENTRIES_MAX (1u << 30) /* interval numbers, twice as many, fit in 32 bits */

struct layout {
	size_t services, ranges, runs, keys[4], values[4], scratch, total;
};

static size_t
place(size_t *at, size_t n, size_t each)
{
	size_t here = *at;

	*at += sw_whole_lines(n * each);
	return here;
}

/* A prefix opens one interval and closes into another. */
static size_t
intervals(size_t prefixes)
{
	return 2 * prefixes + 1;
}

static struct layout
plan(const struct sw_policy_spec *spec)
{
	size_t n[4] = {0}, most = spec->n_rules > spec->n_sources ? spec->n_rules : spec->n_sources;
	size_t at = sizeof(struct sw_policy);
	struct layout l;

	for (uint32_t i = 0; i < spec->n_rules; i++)
		n[spec->rules[i].dst.v6]++;
	for (uint32_t i = 0; i < spec->n_sources; i++)
		n[FAMILIES + spec->sources[i].src.v6]++;
	l.services = place(&at, spec->n_services, sizeof(struct sw_service));
	l.ranges = place(&at, spec->n_rules, sizeof(struct port_range));
	l.runs = place(&at, (size_t)spec->n_rules + 1, sizeof(struct run));
	for (unsigned t = 0; t < 4; t++) {
		l.keys[t] =
			place(&at, intervals(n[t]), t & 1 ? sizeof(addr_num) : sizeof(uint32_t));
		l.values[t] = place(&at, intervals(n[t]), sizeof(uint32_t));
	}
	l.scratch = place(&at, most, sizeof(struct item));
	l.total = at;
	return l;
}

size_t
sw_policy_size(const struct sw_policy_spec *spec)
{
	return plan(spec).total;
}

/* First range of the run that ends at `port` or behind it; run->n where there is none. */
static uint32_t
range_from(const struct port_range *r, uint32_t n, uint16_t port)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t mid = (low + n) / 2;

		if (r[mid].last < port)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

/* What stands in the way of `it` in a run: another service on one of its ports. */
static const struct port_range *
run_conflict(const struct sw_policy *p, const struct run *run, const struct item *it)
{
	const struct port_range *r = &p->ranges[run->first];

	for (uint32_t i = range_from(r, run->n, it->first); i < run->n; i++) {
		if (r[i].first > it->last)
			break;
		if (r[i].service != it->value)
			return &r[i];
	}
	return NULL;
}

/*
 * Names the two rules. A range may stand for several rules of its service, on this prefix or (a run
 * does not say) on a wider one: one of them covers a port that the item has too.
 */
static int
conflict(const struct item *items, uint32_t n, const struct item *it, const struct port_range *r,
	struct sw_policy_error *err)
{
	uint16_t port = it->first > r->first ? it->first : r->first;

	for (uint32_t i = 0; i < n; i++) {
		const struct item *o = &items[i];

		if (o->value != r->service || o->v6 != it->v6 || o->len > it->len ||
			o->start > it->start || sw_policy_item_last(o) < it->start ||
			o->first > port || o->last < port)
			continue;
		err->rule_a = o->index < it->index ? o->index : it->index;
		err->rule_b = o->index < it->index ? it->index : o->index;
		break;
	}
	return -EEXIST;
}

/*
 * Makes the next run of the items of one prefix, against those of the wider prefixes that are open.
 */
static int
add_run(struct sw_policy *p, const struct sweep *s, const struct item *items, uint32_t n_items,
	const struct item *mine, uint32_t n_mine, struct sw_policy_error *err)
{
	struct run *run = &p->runs[p->n_runs];
	struct port_range *r = &p->ranges[p->n_ranges];

	*run = (struct run){.first = p->n_ranges, .parent = sw_policy_sweep_innermost(s)};
	run->covered = p->runs[run->parent].covered;
	for (uint32_t i = 0; i < n_mine; i++) {
		const struct item *it = &mine[i];
		const struct port_range *other = NULL;

		for (unsigned d = 0; other == NULL && d < s->depth; d++)
			other = run_conflict(p, &p->runs[s->open[d].value], it);
		if (other == NULL && run->n > 0 && r[run->n - 1].last >= it->first &&
			r[run->n - 1].service != it->value)
			other = &r[run->n - 1];
		if (other != NULL)
			return conflict(items, n_items, it, other, err);
		run->covered |= p->services[it->value].mode != SW_MODE_PASS;
		if (run->n > 0 && r[run->n - 1].last >= it->first) {
			if (it->last > r[run->n - 1].last)
				r[run->n - 1].last = it->last;
			continue;
		}
		r[run->n++] = (struct port_range){it->first, it->last, it->value};
	}
	p->n_ranges += run->n;
	p->n_runs++;
	return 0;
}

static int
build_rules(struct sw_policy *p, const struct sw_policy_spec *spec, struct item *items,
	struct sw_policy_error *err)
{
	uint32_t n = spec->n_rules, i = 0;

	for (uint32_t k = 0; k < n; k++) {
		const struct sw_rule *r = &spec->rules[k];

		items[k] = sw_policy_item_make(&r->dst, k);
		items[k].first = r->port_first;
		items[k].last = r->port_last;
		items[k].value = r->service;
	}
	sw_policy_item_sort(items, n);
	p->runs[RUN_NONE] = (struct run){.parent = RUN_NONE};
	p->n_runs = 1;
	for (unsigned f = 0; f < FAMILIES; f++) {
		struct sweep s;

		sw_policy_sweep_begin(&s, &p->dst[f], f);
		while (i < n && items[i].v6 == f) {
			uint32_t same = 1;
			int rc;

			while (i + same < n &&
				sw_policy_item_same_prefix(&items[i], &items[i + same]))
				same++;
			sw_policy_sweep_to(&s, items[i].start);
			rc = add_run(p, &s, items, n, &items[i], same, err);
			if (rc != 0)
				return rc;
			sw_policy_sweep_open(&s, &items[i], p->n_runs - 1);
			i += same;
		}
		sw_policy_sweep_end(&s);
	}
	return 0;
}

static void
build_sources(struct sw_policy *p, const struct sw_policy_spec *spec, struct item *items)
{
	uint32_t n = spec->n_sources, i = 0;

	for (uint32_t k = 0; k < n; k++) {
		items[k] = sw_policy_item_make(&spec->sources[k].src, k);
		items[k].value = spec->sources[k].deny ? SW_SOURCE_DENY : SW_SOURCE_ALLOW;
	}
	sw_policy_item_sort(items, n);
	for (unsigned f = 0; f < FAMILIES; f++) {
		struct sweep s;

		sw_policy_sweep_begin(&s, &p->src[f], f);
		while (i < n && items[i].v6 == f) {
			const struct item *it = &items[i];
			uint16_t verdict = it->value;

			while (++i < n && sw_policy_item_same_prefix(it, &items[i])) {
				if (items[i].value == SW_SOURCE_DENY)
					verdict = SW_SOURCE_DENY;
			}
			sw_policy_sweep_to(&s, it->start);
			sw_policy_sweep_open(&s, it, verdict);
		}
		sw_policy_sweep_end(&s);
	}
	p->any_source = n > 0;
}

static bool
prefix_valid(const struct sw_prefix *p)
{
	return p->prefix_len <= (p->v6 ? 128 : 32);
}

static bool
spec_valid(const struct sw_policy_spec *spec)
{
	if (spec->n_services > SW_SERVICES_MAX || spec->n_rules > ENTRIES_MAX ||
		spec->n_sources > ENTRIES_MAX)
		return false;
	for (uint32_t i = 0; i < spec->n_services; i++) {
		const struct sw_service *s = &spec->services[i];

		if (s->mode >= SW_MODE_MAX || memchr(s->name, 0, sizeof(s->name)) == NULL)
			return false;
	}
	for (uint32_t i = 0; i < spec->n_rules; i++) {
		const struct sw_rule *r = &spec->rules[i];

		if (!prefix_valid(&r->dst) || r->port_first > r->port_last ||
			r->service >= spec->n_services)
			return false;
	}
	for (uint32_t i = 0; i < spec->n_sources; i++) {
		if (!prefix_valid(&spec->sources[i].src))
			return false;
	}
	return true;
}

int
sw_policy_build(
	void *mem, size_t size, const struct sw_policy_spec *spec, struct sw_policy_error *err)
{
	struct layout l;
	uint8_t *base = mem;
	struct sw_policy *p = mem;
	struct item *items;
	int rc;

	SW_ASSERT((uintptr_t)mem % SW_CACHE_LINE_BYTES == 0);
	if (!spec_valid(spec))
		return -EINVAL;
	l = plan(spec);
	if (size < l.total)
		return -ENOSPC;
	*p = (struct sw_policy){.n_services = spec->n_services};
	p->services = (struct sw_service *)(base + l.services);
	p->ranges = (struct port_range *)(base + l.ranges);
	p->runs = (struct run *)(base + l.runs);
	items = (struct item *)(base + l.scratch);
	for (unsigned t = 0; t < 4; t++) {
		struct table *table = t < FAMILIES ? &p->dst[t] : &p->src[t - FAMILIES];

		table->keys = base + l.keys[t];
		table->values = (uint32_t *)(base + l.values[t]);
	}
	if (spec->n_services > 0)
		memcpy(p->services, spec->services, spec->n_services * sizeof(*p->services));
	rc = build_rules(p, spec, items, err);
	if (rc == 0)
		build_sources(p, spec, items);
	return rc;
}
