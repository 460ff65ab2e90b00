/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * services[].server and .window:
 * what the servers are taken to offer, and what a client may send early.
 */
#include "config_int.h"
#include "packet/options.h"

#define MSS_MIN	       48 /* RFC 9293 has every host take 536 (3.7.1), but smaller ones are seen */
#define MSS_MAX	       65495 /* the largest IPv4 packet without its two headers */
#define MSS4_DEFAULT   1460
#define MSS6_DEFAULT   1440
#define WSCALE_DEFAULT 7
#define WINDOW_MIN     1024

struct draft {
	struct sw_server_opts *opts;
	bool *learn;
	const yaml_node_t *mss, *mss_family;
};

const struct sw_server_opts cfg_server_default = {
	.mss4 = MSS4_DEFAULT,
	.mss6 = MSS6_DEFAULT,
	.wscale = WSCALE_DEFAULT,
	.sack = true,
	.ts = true,
	.ecn = true,
};

static void
read_mss(struct cfg *c, const struct cfg_at *at, void *into)
{
	struct draft *d = into;
	uint32_t n;

	d->mss = at->node;
	if (cfg_number(c, at, MSS_MIN, MSS_MAX, &n))
		d->opts->mss4 = d->opts->mss6 = (uint16_t)n;
}

static void
read_mss_family(struct cfg *c, const struct cfg_at *at, void *into)
{
	struct draft *d = into;
	bool v6 = at->key[3] == '6';
	uint32_t n;

	d->mss_family = at->node;
	if (cfg_number(c, at, MSS_MIN, MSS_MAX, &n))
		*(v6 ? &d->opts->mss6 : &d->opts->mss4) = (uint16_t)n;
}

static void
read_wscale(struct cfg *c, const struct cfg_at *at, void *into)
{
	struct draft *d = into;
	uint32_t n;

	if (cfg_is(at->node, "none"))
		d->opts->wscale = SW_WSCALE_NONE;
	else if (cfg_number(c, at, 0, 14, &n))
		d->opts->wscale = (uint8_t)n;
}

static void
read_sack(struct cfg *c, const struct cfg_at *at, void *into)
{
	cfg_bool(c, at, &((struct draft *)into)->opts->sack);
}

static void
read_timestamps(struct cfg *c, const struct cfg_at *at, void *into)
{
	cfg_bool(c, at, &((struct draft *)into)->opts->ts);
}

static void
read_ecn(struct cfg *c, const struct cfg_at *at, void *into)
{
	cfg_bool(c, at, &((struct draft *)into)->opts->ecn);
}

static void
read_learn(struct cfg *c, const struct cfg_at *at, void *into)
{
	cfg_bool(c, at, ((struct draft *)into)->learn);
}

void
cfg_server(struct cfg *c, const struct cfg_at *at, struct sw_service *s)
{
	static const struct cfg_key keys[] = {
		{"mss", read_mss, false},
		{"mss4", read_mss_family, false},
		{"mss6", read_mss_family, false},
		{"wscale", read_wscale, false},
		{"sack", read_sack, false},
		{"timestamps", read_timestamps, false},
		{"ecn", read_ecn, false},
		{"learn", read_learn, false},
	};
	struct draft d = {.opts = &s->server, .learn = &s->learn};

	cfg_mapping(c, at, keys, SW_ARRAY_LEN(keys), &d);
	if (d.mss != NULL && d.mss_family != NULL) {
		struct cfg_at here = {.up = at, .key = "mss", .node = d.mss};

		cfg_error(c, &here, "is for both families; give either mss, or mss4 and mss6");
	}
}

void
cfg_window(struct cfg *c, const struct cfg_at *at, uint16_t *window)
{
	uint32_t n;

	if (cfg_count(c, at, WINDOW_MIN, UINT16_MAX, &n))
		*window = (uint16_t)n;
}
