/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS   1e6
#define MS_MAX	    60000.0
#define PERCENT_MAX 100.0
#define PPM_PER_PCT 1e4
#define VLAN_ID_MIN 1ul
#define VLAN_ID_MAX 4094ul
#define PAD_MAX	    1514u
#define TPID_CTAG   0x8100
#define TPID_STAG   0x88a8

/* The second direction's seed, so that both directions do not lose the same packet numbers. */
#define SEED_BA 0x5bd1e995a5a5a5a5u

#define REORDER_DEFAULT_NS 5000000u

static const char usage[] =
	"usage: wire --a [NETNS/]IF --b [NETNS/]IF [options]\n"
	"Joins two interfaces. Options, for both directions, or with ab- or ba- before the name "
	"for one:\n"
	"  --delay-ms N     every packet takes N ms\n"
	"  --jitter-ms N    and up to N ms more, at random: reorders\n"
	"  --loss P         P percent are lost\n"
	"  --dup P          P percent arrive twice\n"
	"  --reorder P      P percent take --reorder-ms longer than the others\n"
	"  --reorder-ms N   default 5\n"
	"  --corrupt P      P percent have one bit flipped behind the Ethernet header\n"
	"  --seed N         decisions follow from it and the packet's number; default 1\n"
	"Tags, put on towards b and taken off towards a:\n"
	"  --vlan ID        802.1Q\n"
	"  --qinq OUT.IN    802.1ad with 802.1Q inside\n"
	"  --pad N          shorter frames get N bytes, as on Ethernet (60), with junk behind the "
	"packet\n"
	"Prints 'wire: ready'; ends on SIGINT or SIGTERM with its counters, status 1 after an "
	"error.\n";

enum kind { KIND_MS, KIND_PERCENT, KIND_NUMBER };

static const struct option_row {
	const char *name;
	enum kind kind;
	size_t offset;
} rows[] = {
	{"delay-ms", KIND_MS, offsetof(struct impair_config, delay_ns)},
	{"jitter-ms", KIND_MS, offsetof(struct impair_config, jitter_ns)},
	{"reorder-ms", KIND_MS, offsetof(struct impair_config, reorder_ns)},
	{"loss", KIND_PERCENT, offsetof(struct impair_config, loss_ppm)},
	{"dup", KIND_PERCENT, offsetof(struct impair_config, dup_ppm)},
	{"reorder", KIND_PERCENT, offsetof(struct impair_config, reorder_ppm)},
	{"corrupt", KIND_PERCENT, offsetof(struct impair_config, corrupt_ppm)},
	{"seed", KIND_NUMBER, offsetof(struct impair_config, seed)},
};

static int
read_double(const char *text, double max, double *value)
{
	char *end;

	errno = 0;
	*value = strtod(text, &end);
	if (end == text || *end != '\0' || errno != 0 || !isfinite(*value) || *value < 0 ||
		*value > max)
		return -EINVAL;
	return 0;
}

static int
read_number(const char *text, const char *ends, uint64_t *value, const char **rest)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno != 0 || strchr(ends, *end) == NULL)
		return -EINVAL;
	if (rest != NULL)
		*rest = end;
	return 0;
}

static int
set_field(struct impair_config *cfg, const struct option_row *row, const char *text)
{
	char *field = (char *)cfg + row->offset;
	uint64_t number = 0;
	double real = 0;
	int rc;

	if (row->kind == KIND_NUMBER) {
		rc = read_number(text, "", &number, NULL);
		memcpy(field, &number, sizeof(number));
	} else if (row->kind == KIND_MS) {
		rc = read_double(text, MS_MAX, &real);
		number = rc == 0 ? (uint64_t)(real * NS_PER_MS) : 0;
		memcpy(field, &number, sizeof(number));
	} else {
		uint32_t ppm;

		rc = read_double(text, PERCENT_MAX, &real);
		ppm = rc == 0 ? (uint32_t)(real * PPM_PER_PCT + 0.5) : 0;
		memcpy(field, &ppm, sizeof(ppm));
	}
	return rc;
}

/* name without its leading "--". Returns 1 where no such impairment exists. */
static int
read_impairment(struct wire_args *args, const char *name, const char *text)
{
	bool ab = true, ba = true;

	if (strncmp(name, "ab-", 3) == 0 || strncmp(name, "ba-", 3) == 0) {
		ab = name[0] == 'a';
		ba = !ab;
		name += 3;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rc = 0;

		if (strcmp(name, rows[i].name) != 0)
			continue;
		if (ab)
			rc = set_field(&args->dir[WIRE_AB], &rows[i], text);
		if (ba && rc == 0)
			rc = set_field(&args->dir[WIRE_BA], &rows[i], text);
		return rc;
	}
	return 1;
}

static int
add_tag(struct wire_args *args, uint16_t tpid, uint64_t id)
{
	if (id < VLAN_ID_MIN || id > VLAN_ID_MAX || args->tags.n == VLAN_TAGS_MAX)
		return -EINVAL;
	args->tags.tag[args->tags.n++] = (struct vlan_tag){tpid, (uint16_t)id};
	return 0;
}

static int
read_tags(struct wire_args *args, bool qinq, const char *text)
{
	const char *rest = text;
	uint64_t id;
	int rc;

	if (args->tags.n != 0)
		return -EINVAL;
	if (qinq) {
		rc = read_number(text, ".", &id, &rest);
		if (rc != 0 || *rest != '.' || (rc = add_tag(args, TPID_STAG, id)) != 0)
			return -EINVAL;
		rest++;
	}
	rc = read_number(rest, "", &id, NULL);
	return rc != 0 ? rc : add_tag(args, TPID_CTAG, id);
}

static int
read_pad(struct wire_args *args, const char *text)
{
	uint64_t bytes;
	int rc = read_number(text, "", &bytes, NULL);

	if (rc != 0 || bytes > PAD_MAX)
		return -EINVAL;
	args->pad = (uint32_t)bytes;
	return 0;
}

static int
read_option(struct wire_args *args, const char *name, const char *text)
{
	if (strcmp(name, "a") == 0 || strcmp(name, "b") == 0) {
		args->port[name[0] - 'a'] = text;
		return 0;
	}
	if (strcmp(name, "vlan") == 0 || strcmp(name, "qinq") == 0)
		return read_tags(args, name[0] == 'q', text);
	if (strcmp(name, "pad") == 0)
		return read_pad(args, text);
	return read_impairment(args, name, text);
}

int
wire_args_read(struct wire_args *args, int argc, char **argv)
{
	memset(args, 0, sizeof(*args));
	for (unsigned d = 0; d < WIRE_DIRS; d++) {
		args->dir[d].seed = 1;
		args->dir[d].reorder_ns = REORDER_DEFAULT_NS;
	}
	for (int i = 1; i < argc; i += 2) {
		const char *text = i + 1 < argc ? argv[i + 1] : NULL;
		int rc;

		if (strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return 1;
		}
		if (strncmp(argv[i], "--", 2) != 0 || text == NULL)
			rc = 1;
		else
			rc = read_option(args, argv[i] + 2, text);
		if (rc > 0) {
			fprintf(stderr,
				"wire: %s: no such option, or its value is missing; "
				"try wire --help\n",
				argv[i]);
			return -EINVAL;
		}
		if (rc < 0) {
			fprintf(stderr, "wire: %s: '%s' is not a value for it; try wire --help\n",
				argv[i], text);
			return -EINVAL;
		}
	}
	if (args->port[0] == NULL || args->port[1] == NULL) {
		fputs("wire: --a and --b are needed; try wire --help\n", stderr);
		return -EINVAL;
	}
	args->dir[WIRE_BA].seed ^= SEED_BA;
	return 0;
}
