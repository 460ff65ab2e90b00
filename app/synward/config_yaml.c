/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes to a document. A first pass over the events refuses what the document API would hide
 * (anchors, aliases, tags, a second document) or pay for (depth); the second one loads.
 */
#include <errno.h>
#include <string.h>

#include "config_int.h"

struct text {
	const unsigned char *s;
	size_t len;
};

/* Line and column, from 1, of a byte; columns count characters, as libyaml's do. */
static void
place_of(const struct text *t, size_t offset, size_t *line, size_t *col)
{
	*line = 1;
	*col = 1;
	for (size_t i = 0; i < offset && i < t->len; i++) {
		if (t->s[i] == '\n') {
			++*line;
			*col = 1;
		} else if ((t->s[i] & 0xc0) != 0x80) {
			++*col;
		}
	}
}

/* True where a mark (they count characters) stands on one of two colons. */
static bool
at_double_colon(const struct text *t, const yaml_mark_t *m)
{
	size_t i = 0, line = 0, col = 0;

	for (; i < t->len && (line < m->line || col < m->column); i++) {
		if (t->s[i] == '\n') {
			line++;
			col = 0;
		} else if (i + 1 == t->len || (t->s[i + 1] & 0xc0) != 0x80) {
			col++;
		}
	}
	return i < t->len && t->s[i] == ':' &&
	       ((i > 0 && t->s[i - 1] == ':') || (i + 1 < t->len && t->s[i + 1] == ':'));
}

static int
syntax_error(struct cfg *c, const struct text *t, const yaml_parser_t *p)
{
	const char *problem = p->problem != NULL ? p->problem : "not valid YAML";
	size_t line, col;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		place_of(t, p->problem_offset, &line, &col);
		cfg_error_mark(c, line, col, "yaml: %s (value %d); the file must be UTF-8 text",
			problem, p->problem_value);
		return -EINVAL;
	}
	line = p->problem_mark.line + 1;
	col = p->problem_mark.column + 1;
	if (at_double_colon(t, &p->problem_mark))
		cfg_error_mark(c, line, col,
			"yaml: %s; inside [ ] an IPv6 address that begins or ends with \"::\" "
			"needs quotes",
			problem);
	else if (p->context != NULL && p->context_mark.line != p->problem_mark.line)
		cfg_error_mark(c, line, col, "yaml: %s, %s that begins on line %zu", problem,
			p->context, p->context_mark.line + 1);
	else
		cfg_error_mark(c, line, col, "yaml: %s", problem);
	return -EINVAL;
}

static void
refuse(struct cfg *c, const yaml_mark_t *m, const char *what)
{
	cfg_error_mark(c, m->line + 1, m->column + 1, "yaml: %s", what);
}

static void
judge_node(struct cfg *c, const yaml_mark_t *m, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		refuse(c, m, "an anchor (&); write the value out where it is used");
	if (tag != NULL)
		refuse(c, m, "a tag (!); the type of a value follows from its key");
}

/* What the pass over the events keeps in mind. */
struct scan {
	unsigned depth, documents;
	bool done;
};

static void
judge_event(struct cfg *c, const yaml_event_t *e, struct scan *s)
{
	const yaml_mark_t *m = &e->start_mark;

	switch (e->type) {
	case YAML_STREAM_END_EVENT:
		s->done = true;
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (++s->documents > 1) {
			refuse(c, m, "a second document; a configuration is one document");
			s->done = true;
		}
		break;
	case YAML_ALIAS_EVENT:
		refuse(c, m, "an alias (*); write the value out");
		break;
	case YAML_SCALAR_EVENT:
		judge_node(c, m, e->data.scalar.anchor, e->data.scalar.tag);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (e->type == YAML_SEQUENCE_START_EVENT)
			judge_node(c, m, e->data.sequence_start.anchor, e->data.sequence_start.tag);
		else
			judge_node(c, m, e->data.mapping_start.anchor, e->data.mapping_start.tag);
		if (++s->depth > CFG_DEPTH_MAX) {
			refuse(c, m, "nested too deeply");
			s->done = true;
		}
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		s->depth--;
		break;
	default:
		break;
	}
}

static int
judge(struct cfg *c, const struct text *t)
{
	struct scan s = {0};
	yaml_parser_t parser;
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, t->s, t->len);
	while (rc == 0 && !s.done) {
		yaml_event_t e;

		if (!yaml_parser_parse(&parser, &e)) {
			rc = syntax_error(c, t, &parser);
			break;
		}
		judge_event(c, &e, &s);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	if (rc == 0 && c->errors == 0 && s.documents == 0)
		cfg_error_mark(c, 1, 1, "yaml: the file is empty; ports and services are required");
	return rc != 0 ? rc : c->errors > 0 ? -EINVAL : 0;
}

int
cfg_parse(struct cfg *c, const unsigned char *text, size_t len)
{
	struct text t = {text, len};
	yaml_parser_t parser;
	int rc = judge(c, &t);

	if (rc != 0)
		return rc;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, text, len);
	if (!yaml_parser_load(&parser, &c->doc))
		rc = syntax_error(c, &t, &parser);
	yaml_parser_delete(&parser);
	return rc;
}
