/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config_int.h - what the files of the configuration reader share. Private to config*.c.
 *
 *   config.c          file in, struct sw_config out; the table of top-level keys
 *   config_yaml.c     bytes to a document: syntax, anchors, tags, depth
 *   config_node.c     messages with places; mappings and lists
 *   config_scalar.c   one value: number, count, duration, rate, boolean, prefix, listen address
 *   config_section.c  ports, lcores, sizes, cookie, timeouts, metrics
 *   config_service.c  services and their rules
 *   config_server.c   what the servers of a service offer
 *   config_secret.c   the secret file
 *   config_cross.c    what several keys must agree on: overlaps, sources, ports and modes
 *
 * A reader gets a place (struct cfg_at) and says what is wrong there; it returns whether the value
 * is usable. Reading goes on behind every error, so that one run shows them all.
 */
#ifndef SW_APP_CONFIG_INT_H
#define SW_APP_CONFIG_INT_H

#include <yaml.h>

#include "config.h"

#define CFG_FILE_MAX_BYTES (1u << 20)
#define CFG_DEPTH_MAX	   16
#define CFG_RULES_MAX	   65536u /* addresses times port ranges, over all services */
#define CFG_SOURCES_MAX	   65536u /* allow and deny together */
#define CFG_QUOTE_BYTES	   80

/* A node and the way to it: "services[2].ports[0]". */
struct cfg_at {
	const struct cfg_at *up; /* NULL at the root */
	const char *key;	 /* NULL: an element of a list */
	unsigned index;
	const yaml_node_t *node;
};

/* Where an element came from: its node and its index in the list of the file. */
struct cfg_origin {
	const yaml_node_t *node;
	unsigned index;
};

struct cfg {
	const char *path;
	FILE *err;
	yaml_document_t doc;
	struct sw_config *out;
	unsigned errors;
	bool no_memory;
	bool budget_given, quiet_given;
	struct cfg_origin *service_origins; /* of out->services[] */
	struct cfg_origin *origins;	    /* of out->rules[]: the address */
	struct cfg_origin *source_origins;  /* of out->sources[] */
	const yaml_node_t *ports, *inside, *queues, *pending;
};

/* One key of a mapping. */
struct cfg_key {
	const char *name;
	void (*read)(struct cfg *c, const struct cfg_at *at, void *into);
	bool required;
};

/* config_yaml.c: 0 with c->doc loaded, -EINVAL after a message, -ENOMEM. */
int cfg_parse(struct cfg *c, const unsigned char *text, size_t len);

/* config_node.c */
void cfg_error(struct cfg *c, const struct cfg_at *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void cfg_warn(struct cfg *c, const struct cfg_at *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* An error without a node; line and column count from 1. */
void cfg_error_mark(struct cfg *c, size_t line, size_t col, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
unsigned cfg_line(const yaml_node_t *node);
bool cfg_is(const yaml_node_t *node, const char *word);

/* The scalar's text made printable and cut to fit; `buf` is returned. */
const char *cfg_quote(const yaml_node_t *node, char buf[CFG_QUOTE_BYTES]);

/*
 * Reads each key of a mapping by the table (at most 32 keys),
 * refuses unknown, repeated and missing ones.
 */
bool cfg_mapping(struct cfg *c, const struct cfg_at *at, const struct cfg_key *keys,
	unsigned n_keys, void *into);
/* Calls read() for each element of a list. */
bool cfg_list(struct cfg *c, const struct cfg_at *at, const char *of_what,
	void (*read)(struct cfg *c, const struct cfg_at *at, void *into), void *into);

/*
 * Memory for one more element behind n; NULL (and c->no_memory) without, `array` is then as it was.
 */
void *cfg_grow(struct cfg *c, void *array, uint32_t n, size_t each);

/* The same, into the array's own pointer; false without memory. */
#define cfg_room(c, array, n)                                          \
	({                                                             \
		void *more_ = cfg_grow(c, array, n, sizeof(*(array))); \
		if (more_ != NULL)                                     \
			(array) = more_;                               \
		more_ != NULL;                                         \
	})

/* config_scalar.c: true with the value, false after a message. */
const char *cfg_string(struct cfg *c, const struct cfg_at *at, const char *what);
bool cfg_bool(struct cfg *c, const struct cfg_at *at, bool *out);
bool cfg_number(struct cfg *c, const struct cfg_at *at, uint32_t low, uint32_t high, uint32_t *out);
/* A table size or a number of bytes: k is 1024, M is 1024 * 1024. */
bool cfg_count(struct cfg *c, const struct cfg_at *at, uint32_t low, uint32_t high, uint32_t *out);
bool cfg_duration(struct cfg *c, const struct cfg_at *at, uint32_t low_ms, uint32_t high_ms,
	uint32_t *out_ms);
/* Packets a second: k is 1000, M is 1000 * 1000. */
bool cfg_rate(struct cfg *c, const struct cfg_at *at, uint32_t *out);
bool cfg_ports(struct cfg *c, const struct cfg_at *at, uint16_t *first, uint16_t *last);
bool cfg_prefix(struct cfg *c, const struct cfg_at *at, struct sw_prefix *out);
bool cfg_listen(struct cfg *c, const struct cfg_at *at);
/* Index of the scalar in words[], or -1 after a message. */
int cfg_word(struct cfg *c, const struct cfg_at *at, const char *const words[], unsigned n);
/* Digits at *s, moved behind them; false for none or where the number passes `high`. */
bool cfg_digits(const char **s, uint64_t high, uint64_t *out);

/* Readers of keys. */
void cfg_read_ports(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_lcores(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_idle(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_flows(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_pending(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_held(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_resend(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_fragments(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_icmp(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_cookie(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_timeouts(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_metrics(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_services(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_allow(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_deny(struct cfg *c, const struct cfg_at *at, void *into);
void cfg_read_secret(struct cfg *c, const struct cfg_at *at, void *into);

/* config_server.c */
extern const struct sw_server_opts cfg_server_default;
void cfg_server(struct cfg *c, const struct cfg_at *at, struct sw_service *s);
void cfg_window(struct cfg *c, const struct cfg_at *at, uint16_t *window);

/* config_cross.c */
void cfg_cross_check(struct cfg *c, const struct cfg_at *root);

#endif
