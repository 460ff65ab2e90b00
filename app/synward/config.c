/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_int.h"

#define FLOWS_DEFAULT  (1u << 20)
#define HELD_DEFAULT   (8u << 10)
#define RESEND_DEFAULT (4u << 10)

static void
set_defaults(struct sw_config *cfg)
{
	*cfg = (struct sw_config){
		.flows = FLOWS_DEFAULT,
		.held = HELD_DEFAULT,
		.resend = RESEND_DEFAULT,
		.epoch_s = SW_EPOCH_DEFAULT_S,
		.budget = true,
		.timeouts = sw_timeouts_default,
	};
}

static void
read_source(struct cfg *c, const struct cfg_at *at, void *into)
{
	struct sw_config *out = c->out;
	struct sw_source s = {.deny = *(const bool *)into};

	if (!cfg_prefix(c, at, &s.src))
		return;
	if (out->n_sources == CFG_SOURCES_MAX) {
		cfg_error(c, at, "is one prefix too many; allow and deny have at most %u together",
			CFG_SOURCES_MAX);
		return;
	}
	if (!cfg_room(c, out->sources, out->n_sources) ||
		!cfg_room(c, c->source_origins, out->n_sources))
		return;
	c->source_origins[out->n_sources] = (struct cfg_origin){at->node, at->index};
	out->sources[out->n_sources++] = s;
}

void
cfg_read_allow(struct cfg *c, const struct cfg_at *at, void *into)
{
	bool deny = false;

	(void)into;
	cfg_list(c, at, "IPv4 and IPv6 addresses and prefixes", read_source, &deny);
}

void
cfg_read_deny(struct cfg *c, const struct cfg_at *at, void *into)
{
	bool deny = true;

	(void)into;
	cfg_list(c, at, "IPv4 and IPv6 addresses and prefixes", read_source, &deny);
}

static void
read_document(struct cfg *c)
{
	static const struct cfg_key keys[] = {
		{"ports", cfg_read_ports, true},
		{"lcores", cfg_read_lcores, false},
		{"idle", cfg_read_idle, false},
		{"flows", cfg_read_flows, false},
		{"pending", cfg_read_pending, false},
		{"held", cfg_read_held, false},
		{"resend", cfg_read_resend, false},
		{"fragments", cfg_read_fragments, false},
		{"icmp", cfg_read_icmp, false},
		{"cookie", cfg_read_cookie, false},
		{"timeouts", cfg_read_timeouts, false},
		{"services", cfg_read_services, true},
		{"allow", cfg_read_allow, false},
		{"deny", cfg_read_deny, false},
		{"metrics", cfg_read_metrics, false},
	};
	struct cfg_at root = {.node = yaml_document_get_root_node(&c->doc)};

	cfg_mapping(c, &root, keys, SW_ARRAY_LEN(keys), NULL);
	/*
	 * Who shares a secret is to accept cookies that others issued, or that it issued before it
	 * was started again: more than it can count.
	 */
	if (c->out->has_secret && !c->budget_given)
		c->out->budget = false;
	if (!c->quiet_given)
		c->out->timeouts.state_ms[SW_FLOW_QUIET] = c->out->timeouts.state_ms[SW_FLOW_OPEN];
	if (root.node->type == YAML_MAPPING_NODE)
		cfg_cross_check(c, &root);
}

/* The whole file in *text; at most one byte more than may be, so that too long is seen. */
static int
read_file(const char *path, unsigned char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = 0;
	int rc = 0;

	if (fd < 0)
		return -errno;
	*len = 0;
	*text = malloc(CFG_FILE_MAX_BYTES + 1);
	if (*text == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (*len <= CFG_FILE_MAX_BYTES &&
		(n = read(fd, *text + *len, CFG_FILE_MAX_BYTES + 1 - *len)) > 0)
		*len += (size_t)n;
	if (n < 0) {
		rc = -errno;
		free(*text);
	}
	close(fd);
	return rc;
}

int
sw_config_load(const char *path, struct sw_config *cfg, FILE *err)
{
	struct cfg c = {.path = path, .err = err, .out = cfg};
	unsigned char *text = NULL;
	size_t len = 0;
	int rc;

	set_defaults(cfg);
	rc = read_file(path, &text, &len);
	if (rc != 0) {
		fprintf(err, "%s: cannot be read: %s\n", path, strerror(-rc));
		return rc;
	}
	if (len > CFG_FILE_MAX_BYTES) {
		cfg_error_mark(&c, 1, 1, "yaml: the file is too long; at most %u bytes are read",
			CFG_FILE_MAX_BYTES);
		rc = -EINVAL;
	} else {
		rc = cfg_parse(&c, text, len);
	}
	free(text);
	if (rc == 0) {
		read_document(&c);
		yaml_document_delete(&c.doc);
	}
	free(c.service_origins);
	free(c.origins);
	free(c.source_origins);
	if (c.no_memory || rc == -ENOMEM) {
		fprintf(err, "%s: out of memory\n", path);
		rc = -ENOMEM;
	} else if (c.errors > 0) {
		rc = -EINVAL;
	}
	if (rc != 0)
		sw_config_free(cfg);
	return rc;
}

struct sw_policy_spec
sw_config_policy_spec(const struct sw_config *cfg)
{
	return (struct sw_policy_spec){
		.services = cfg->services,
		.rules = cfg->rules,
		.sources = cfg->sources,
		.n_services = cfg->n_services,
		.n_rules = cfg->n_rules,
		.n_sources = cfg->n_sources,
	};
}

void
sw_config_free(struct sw_config *cfg)
{
	free(cfg->services);
	free(cfg->rules);
	free(cfg->sources);
	sw_wipe(cfg, sizeof(*cfg)); /* the secret; and no pointer is left to free twice */
}
