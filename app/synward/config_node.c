/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that name their place, and the walk over mappings and lists. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config_int.h"

unsigned
cfg_line(const yaml_node_t *node)
{
	return (unsigned)node->start_mark.line + 1;
}

static void
print_path(FILE *f, const struct cfg_at *at)
{
	if (at->up == NULL) {
		if (at->key == NULL)
			fputs("(top level)", f);
		return;
	}
	if (at->up->up != NULL)
		print_path(f, at->up);
	if (at->key == NULL)
		fprintf(f, "[%u]", at->index);
	else
		fprintf(f, "%s%s", at->up->up != NULL ? "." : "", at->key);
}

static void
message(struct cfg *c, const struct cfg_at *at, const char *kind, const char *fmt, va_list ap)
{
	const yaml_mark_t *m = &at->node->start_mark;

	fprintf(c->err, "%s:%zu:%zu: ", c->path, m->line + 1, m->column + 1);
	print_path(c->err, at);
	fprintf(c->err, ": %s", kind);
	vfprintf(c->err, fmt, ap);
	fputc('\n', c->err);
}

void
cfg_error(struct cfg *c, const struct cfg_at *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(c, at, "", fmt, ap);
	va_end(ap);
	c->errors++;
}

void
cfg_warn(struct cfg *c, const struct cfg_at *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(c, at, "warning: ", fmt, ap);
	va_end(ap);
}

void
cfg_error_mark(struct cfg *c, size_t line, size_t col, const char *fmt, ...)
{
	va_list ap;

	fprintf(c->err, "%s:%zu:%zu: ", c->path, line, col);
	va_start(ap, fmt);
	vfprintf(c->err, fmt, ap);
	va_end(ap);
	fputc('\n', c->err);
	c->errors++;
}

const char *
cfg_quote(const yaml_node_t *node, char buf[CFG_QUOTE_BYTES])
{
	const unsigned char *s = node->data.scalar.value;
	size_t len = node->data.scalar.length, n = 0;

	for (size_t i = 0; i < len; i++) {
		if (n + 4 >= CFG_QUOTE_BYTES) {
			memcpy(&buf[n], "...", 3);
			n += 3;
			break;
		}
		/* No control bytes and no half characters on the operator's terminal. */
		buf[n++] = s[i] >= 0x20 && s[i] < 0x7f ? (char)s[i] : '?';
	}
	buf[n] = '\0';
	return buf;
}

bool
cfg_is(const yaml_node_t *node, const char *word)
{
	size_t len = strlen(word);

	return node->type == YAML_SCALAR_NODE && node->data.scalar.length == len &&
	       memcmp(node->data.scalar.value, word, len) == 0;
}

static const char *
kind_name(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping";
	default:
		return node->data.scalar.length == 0 ? "nothing" : "a single value";
	}
}

/* "a, b, c" of the table's keys. */
static void
key_names(const struct cfg_key *keys, unsigned n_keys, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < n_keys && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i > 0 ? ", " : "", keys[i].name);
}

static unsigned
find_key(const yaml_node_t *node, const struct cfg_key *keys, unsigned n_keys)
{
	unsigned i;

	for (i = 0; i < n_keys; i++) {
		if (cfg_is(node, keys[i].name))
			break;
	}
	return i;
}

static void
unknown_key(struct cfg *c, const struct cfg_at *at, const yaml_node_t *node,
	const struct cfg_key *keys, unsigned n_keys)
{
	char quoted[CFG_QUOTE_BYTES] = "?", names[512];
	struct cfg_at here = {.up = at, .key = quoted, .node = node};

	if (node->type == YAML_SCALAR_NODE)
		cfg_quote(node, quoted);
	key_names(keys, n_keys, names, sizeof(names));
	cfg_error(c, &here, "unknown key; allowed: %s", names);
}

bool
cfg_mapping(struct cfg *c, const struct cfg_at *at, const struct cfg_key *keys, unsigned n_keys,
	void *into)
{
	const yaml_node_t *seen[32] = {NULL};
	unsigned before = c->errors;

	if (at->node->type != YAML_MAPPING_NODE) {
		char names[512];

		key_names(keys, n_keys, names, sizeof(names));
		cfg_error(c, at, "is %s; must be a mapping with the keys %s", kind_name(at->node),
			names);
		return false;
	}
	for (const yaml_node_pair_t *p = at->node->data.mapping.pairs.start;
		p < at->node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(&c->doc, p->key);
		unsigned i = find_key(key, keys, n_keys);
		struct cfg_at here = {
			.up = at, .key = i < n_keys ? keys[i].name : NULL, .node = key};

		if (i == n_keys) {
			unknown_key(c, at, key, keys, n_keys);
		} else if (seen[i] != NULL) {
			cfg_error(c, &here, "repeated; first on line %u", cfg_line(seen[i]));
		} else {
			seen[i] = key;
			here.node = yaml_document_get_node(&c->doc, p->value);
			keys[i].read(c, &here, into);
		}
	}
	for (unsigned i = 0; i < n_keys; i++) {
		struct cfg_at here = {.up = at, .key = keys[i].name, .node = at->node};

		if (keys[i].required && seen[i] == NULL)
			cfg_error(c, &here, "missing; it is required");
	}
	return c->errors == before;
}

bool
cfg_list(struct cfg *c, const struct cfg_at *at, const char *of_what,
	void (*read)(struct cfg *c, const struct cfg_at *at, void *into), void *into)
{
	unsigned before = c->errors, n = 0;

	if (at->node->type != YAML_SEQUENCE_NODE) {
		cfg_error(c, at, "is %s; must be a list of %s", kind_name(at->node), of_what);
		return false;
	}
	for (const yaml_node_item_t *i = at->node->data.sequence.items.start;
		i < at->node->data.sequence.items.top; i++) {
		struct cfg_at here = {
			.up = at, .index = n++, .node = yaml_document_get_node(&c->doc, *i)};

		read(c, &here, into);
	}
	return c->errors == before;
}

void *
cfg_grow(struct cfg *c, void *array, uint32_t n, size_t each)
{
	void *more;

	/* Doubles when n reaches a power of two: no field for the room. */
	if (n != 0 && (n & (n - 1)) != 0)
		return array;
	more = realloc(array, (n == 0 ? 1 : (size_t)n * 2) * each);
	if (more == NULL)
		c->no_memory = true;
	return more;
}
