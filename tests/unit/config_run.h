/* SPDX-License-Identifier: BSD-3-Clause */
/* config_run.h - loads a configuration and keeps what it says: for the tests of the reader. */
#ifndef SW_TESTS_CONFIG_RUN_H
#define SW_TESTS_CONFIG_RUN_H

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

struct run {
	int rc;
	char *said; /* all lines; free() */
	struct sw_config cfg;
};

static inline struct run
run_load(const char *path)
{
	struct run r = {0};
	size_t size;
	FILE *f = open_memstream(&r.said, &size);

	memset(&r.cfg, 0xa5, sizeof(r.cfg)); /* what is not set would show */
	r.rc = sw_config_load(path, &r.cfg, f);
	fclose(f);
	return r;
}

static inline void
run_end(struct run *r)
{
	if (r->rc == 0)
		sw_config_free(&r->cfg);
	free(r->said);
}

static inline unsigned
run_lines(const struct run *r)
{
	unsigned n = 0;

	for (const char *p = r->said; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

/* True where every line reads PATH:LINE:COL: text, and there is no other text. */
static inline bool
run_form(const struct run *r, const char *path)
{
	for (const char *p = r->said; *p != '\0';) {
		size_t len = strlen(path);

		if (strncmp(p, path, len) != 0)
			return false;
		p += len;
		for (int i = 0; i < 2; i++) {
			if (*p++ != ':' || *p == '0' || !isdigit((unsigned char)*p))
				return false;
			while (isdigit((unsigned char)*p))
				p++;
		}
		if (strncmp(p, ": ", 2) != 0)
			return false;
		for (; *p != '\n'; p++) {
			if (*p == '\0' || iscntrl((unsigned char)*p))
				return false;
		}
		p++;
	}
	return true;
}

/*
 * Writes a file whole.
 * A new one: truncating an old one makes some file systems wait for the disk.
 */
static inline void
run_write(const char *path, const void *text, size_t len)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	if (f == NULL || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		ck_abort_msg("cannot write %s", path);
}

/* Reads a file whole, NUL-terminated; free(). */
static inline char *
run_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;

	ck_assert_msg(f != NULL, "cannot read %s", path);
	*len = 0;
	for (size_t n = 1; n > 0; *len += n) {
		text = realloc(text, *len + 4097);
		n = fread(text + *len, 1, 4096, f);
	}
	text[*len] = '\0';
	fclose(f);
	return text;
}

#endif
