/* SPDX-License-Identifier: BSD-3-Clause */
/* The sections that are not services: ports, lcores, sizes, cookie, timeouts, metrics. */
#include <string.h>

#include "config_int.h"

#define LCORE_MAX 1023
#define MTU_MIN	  1280 /* RFC 8200, 5 */
#define MTU_MAX	  9728 /* as jumbo frames go */

/* A burst, and what a ring of virtio holds at most. */
#define RX_DESCRIPTORS_MIN 64
#define RX_DESCRIPTORS_MAX 32768
#define PENDING_MIN	   16u
#define PENDING_MAX	   (4u << 20)
#define HELD_MIN	   16u
#define HELD_MAX	   (1u << 20)
#define RESEND_MAX	   (1u << 20)
#define TIMEOUT_MIN_MS	   100u
#define TIMEOUT_MAX_MS	   (24u * 3600 * 1000)

static void
read_port(struct cfg *c, const struct cfg_at *at, char out[SW_CONFIG_PORT_BYTES])
{
	const char *s =
		cfg_string(c, at, "the name of a DPDK device, like 0000:01:00.0 or net_tap0");

	if (s == NULL)
		return;
	if (strlen(s) >= SW_CONFIG_PORT_BYTES) {
		cfg_error(c, at, "is too long; a device name has at most %d characters",
			SW_CONFIG_PORT_BYTES - 1);
		return;
	}
	for (const char *p = s; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f || *p == ',') {
			char quoted[CFG_QUOTE_BYTES];

			cfg_error(c, at,
				"is \"%s\"; a device name has no blanks, commas or control "
				"characters (arguments belong to --vdev)",
				cfg_quote(at->node, quoted));
			return;
		}
	}
	strcpy(out, s);
}

static void
read_outside(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	read_port(c, at, c->out->outside);
}

static void
read_inside(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	read_port(c, at, c->out->inside);
	c->inside = at->node;
}

static void
read_mtu(struct cfg *c, const struct cfg_at *at, void *into)
{
	uint32_t n;

	(void)into;
	if (cfg_number(c, at, MTU_MIN, MTU_MAX, &n))
		c->out->mtu = (uint16_t)n;
}

static void
read_queues(struct cfg *c, const struct cfg_at *at, void *into)
{
	uint32_t n;

	(void)into;
	if (!cfg_number(c, at, 1, SW_CONFIG_LCORES_MAX, &n))
		return;
	c->out->queues = (uint16_t)n;
	c->queues = at->node;
}

static void
read_rx_descriptors(struct cfg *c, const struct cfg_at *at, void *into)
{
	uint32_t n;

	(void)into;
	if (cfg_number(c, at, RX_DESCRIPTORS_MIN, RX_DESCRIPTORS_MAX, &n))
		c->out->rx_descriptors = (uint16_t)n;
}

void
cfg_read_ports(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const struct cfg_key keys[] = {
		{"outside", read_outside, true},
		{"inside", read_inside, false},
		{"mtu", read_mtu, false},
		{"queues", read_queues, false},
		{"rx_descriptors", read_rx_descriptors, false},
	};

	(void)into;
	if (at->node->type == YAML_MAPPING_NODE)
		c->ports = at->node;
	cfg_mapping(c, at, keys, SW_ARRAY_LEN(keys), NULL);
	if (c->out->inside[0] != '\0' && strcmp(c->out->outside, c->out->inside) == 0) {
		struct cfg_at here = {.up = at, .key = "inside", .node = c->inside};

		cfg_error(c, &here, "is the same device as outside; they must differ");
	}
}

static void
read_lcore(struct cfg *c, const struct cfg_at *at, void *into)
{
	struct sw_config *out = c->out;
	uint32_t cpu;

	(void)into;
	if (!cfg_number(c, at, 0, LCORE_MAX, &cpu))
		return;
	for (unsigned i = 0; i < out->n_lcores; i++) {
		if (out->lcores[i] == cpu) {
			cfg_error(c, at, "CPU %u is listed twice; one worker runs on a CPU", cpu);
			return;
		}
	}
	if (out->n_lcores == SW_CONFIG_LCORES_MAX) {
		cfg_error(c, at, "is one CPU too many; at most %d are used", SW_CONFIG_LCORES_MAX);
		return;
	}
	out->lcores[out->n_lcores++] = cpu;
}

void
cfg_read_lcores(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const char what[] = "auto or a list of CPU numbers";
	const yaml_node_t *n = at->node;

	if (n->type != YAML_SEQUENCE_NODE) {
		char quoted[CFG_QUOTE_BYTES];

		if (!cfg_is(n, "auto") && cfg_string(c, at, what) != NULL)
			cfg_error(c, at, "is \"%s\"; must be %s", cfg_quote(n, quoted), what);
		return;
	}
	if (n->data.sequence.items.start == n->data.sequence.items.top) {
		cfg_error(c, at, "is an empty list; must be %s", what);
		return;
	}
	cfg_list(c, at, "CPU numbers", read_lcore, into);
}

void
cfg_read_flows(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	cfg_count(c, at, SW_CONFIG_FLOWS_MIN, SW_CONFIG_FLOWS_MAX, &c->out->flows);
}

void
cfg_read_pending(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	if (cfg_count(c, at, PENDING_MIN, PENDING_MAX, &c->out->pending))
		c->pending = at->node;
}

void
cfg_read_held(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	cfg_count(c, at, HELD_MIN, HELD_MAX, &c->out->held);
}

void
cfg_read_resend(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	cfg_count(c, at, 0, RESEND_MAX, &c->out->resend);
}

static void
drop_or_pass(struct cfg *c, const struct cfg_at *at, bool *pass)
{
	static const char *const words[] = {"drop", "pass"};

	*pass = cfg_word(c, at, words, SW_ARRAY_LEN(words)) == 1;
}

void
cfg_read_fragments(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	drop_or_pass(c, at, &c->out->pass_fragments);
}

void
cfg_read_icmp(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	drop_or_pass(c, at, &c->out->pass_icmp);
}

void
cfg_read_idle(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const char *const words[] = {"poll", "sleep"};

	(void)into;
	c->out->idle_sleeps = cfg_word(c, at, words, SW_ARRAY_LEN(words)) == 1;
}

static void
read_epoch(struct cfg *c, const struct cfg_at *at, void *into)
{
	uint32_t ms;

	(void)into;
	if (!cfg_duration(c, at, SW_EPOCH_MIN_S * 1000, SW_EPOCH_MAX_S * 1000, &ms))
		return;
	if (ms % 1000 != 0)
		cfg_error(c, at, "is not a whole number of seconds");
	c->out->epoch_s = ms / 1000;
}

static void
read_budget(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	c->budget_given = true;
	cfg_bool(c, at, &c->out->budget);
}

void
cfg_read_cookie(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const struct cfg_key keys[] = {
		{"epoch", read_epoch, false},
		{"secret_file", cfg_read_secret, false},
		{"budget", read_budget, false},
	};

	cfg_mapping(c, at, keys, SW_ARRAY_LEN(keys), into);
}

static bool
timeout(struct cfg *c, const struct cfg_at *at, uint32_t *ms)
{
	return cfg_duration(c, at, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS, ms);
}

static void
read_established(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	timeout(c, at, &c->out->timeouts.state_ms[SW_FLOW_OPEN]);
}

static void
read_quiet(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	c->quiet_given = timeout(c, at, &c->out->timeouts.state_ms[SW_FLOW_QUIET]);
}

static void
read_closing(struct cfg *c, const struct cfg_at *at, void *into)
{
	uint32_t *ms = c->out->timeouts.state_ms;

	(void)into;
	if (timeout(c, at, &ms[SW_FLOW_FIN_CLIENT]))
		ms[SW_FLOW_FIN_SERVER] = ms[SW_FLOW_FIN_CLIENT];
}

static void
read_closed(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	timeout(c, at, &c->out->timeouts.state_ms[SW_FLOW_FIN_BOTH]);
}

static void
read_reset(struct cfg *c, const struct cfg_at *at, void *into)
{
	uint32_t *ms = c->out->timeouts.state_ms;

	(void)into;
	if (timeout(c, at, &ms[SW_FLOW_RST_CLIENT]))
		ms[SW_FLOW_RST_SERVER] = ms[SW_FLOW_RST_CLIENT];
}

void
cfg_read_timeouts(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const struct cfg_key keys[] = {
		{"established", read_established, false},
		{"quiet", read_quiet, false},
		{"closing", read_closing, false},
		{"closed", read_closed, false},
		{"reset", read_reset, false},
	};

	cfg_mapping(c, at, keys, SW_ARRAY_LEN(keys), into);
}

static void
read_listen(struct cfg *c, const struct cfg_at *at, void *into)
{
	(void)into;
	cfg_listen(c, at);
}

void
cfg_read_metrics(struct cfg *c, const struct cfg_at *at, void *into)
{
	static const struct cfg_key keys[] = {{"listen", read_listen, true}};

	if (cfg_mapping(c, at, keys, SW_ARRAY_LEN(keys), into))
		cfg_warn(c, at,
			"this version does not serve metrics over HTTP; the same counters are at "
			"/synward/stats on the DPDK telemetry socket");
}
