/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The secret file: 64 hex digits and perhaps a newline, for nobody else's eyes. Its contents never
 * reach a message, and the buffers are wiped.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_int.h"

#define SECRET_DIGITS 64

/* Relative to the directory of the configuration file. False where it is too long. */
static bool
secret_path(const struct cfg *c, const char *name, char out[PATH_MAX])
{
	const char *slash = strrchr(c->path, '/');
	int n;

	if (name[0] == '/' || slash == NULL)
		n = snprintf(out, PATH_MAX, "%s", name);
	else
		n = snprintf(out, PATH_MAX, "%.*s/%s", (int)(slash - c->path), c->path, name);
	return n < PATH_MAX;
}

static int
hex_value(char d)
{
	if (d >= '0' && d <= '9')
		return d - '0';
	if (d >= 'a' && d <= 'f')
		return d - 'a' + 10;
	if (d >= 'A' && d <= 'F')
		return d - 'A' + 10;
	return -1;
}

/* Little-endian words, in the order k[0].k0, k[0].k1, k[1].k0, k[1].k1. */
static bool
secret_parse(const char *s, struct sw_master *m)
{
	uint64_t w[4] = {0};
	bool ok = true;

	for (unsigned i = 0; ok && i < SECRET_DIGITS; i++) {
		int v = hex_value(s[i]);
		unsigned byte = i / 2;

		ok = v >= 0;
		if (ok)
			w[byte / 8] |= (uint64_t)v << (byte % 8 * 8 + (i % 2 == 0 ? 4 : 0));
	}
	if (ok) {
		m->k[0] = (struct sw_sipkey){w[0], w[1]};
		m->k[1] = (struct sw_sipkey){w[2], w[3]};
	}
	sw_wipe(w, sizeof(w));
	return ok;
}

static bool
all_hex(const char *s)
{
	size_t n = 0;

	while (hex_value(s[n]) >= 0)
		n++;
	return s[n] == '\0' && n >= SECRET_DIGITS / 2;
}

static bool
permitted(struct cfg *c, const struct cfg_at *at, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		cfg_error(c, at, "cannot be examined: %s", strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		cfg_error(c, at, "is not a regular file; must be one");
		return false;
	}
	if ((st.st_mode & 077) != 0) {
		cfg_error(c, at, "has mode %04o; group and others must have no access (chmod 600)",
			(unsigned)st.st_mode & 07777);
		return false;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		cfg_error(c, at,
			"belongs to user %u; must belong to root or to the user that runs "
			"synward",
			(unsigned)st.st_uid);
		return false;
	}
	return true;
}

void
cfg_read_secret(struct cfg *c, const struct cfg_at *at, void *into)
{
	char path[PATH_MAX], text[SECRET_DIGITS + 2];
	const char *name = cfg_string(c, at, "the path of a file that holds the secret");
	ssize_t n = 0;
	size_t len = 0;
	int fd;

	(void)into;
	if (name == NULL)
		return;
	if (all_hex(name)) {
		cfg_error(c, at,
			"looks like the secret itself; must be the path of a file that holds it");
		return;
	}
	if (!secret_path(c, name, path)) {
		cfg_error(c, at, "is too long for a path");
		return;
	}
	/* Without O_NONBLOCK a FIFO would keep us waiting here. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		char quoted[CFG_QUOTE_BYTES];

		cfg_error(c, at, "\"%s\" cannot be opened: %s", cfg_quote(at->node, quoted),
			strerror(errno));
		return;
	}
	if (permitted(c, at, fd)) {
		while (len < sizeof(text) && (n = read(fd, text + len, sizeof(text) - len)) > 0)
			len += (size_t)n;
		if (n < 0)
			cfg_error(c, at, "cannot be read: %s", strerror(errno));
		else if ((len != SECRET_DIGITS &&
				 !(len == SECRET_DIGITS + 1 && text[len - 1] == '\n')) ||
			 !secret_parse(text, &c->out->master))
			cfg_error(c, at,
				"must hold exactly %d hex digits and at most one newline "
				"(openssl rand -hex 32 makes them)",
				SECRET_DIGITS);
		else
			c->out->has_secret = true;
		sw_wipe(text, sizeof(text));
	}
	close(fd);
}
