/* SPDX-License-Identifier: BSD-3-Clause */
/* corpus_parse.c - writes the seed corpus of fuzz_parse: corpus_parse DIRECTORY (see README.md). */
#include <stdio.h>
#include <stdlib.h>

#include "unit/parse_cases.h"
#include "unit/pkt_icmp.h"

/* buf: control byte and packet, len bytes in all. */
static int
write_file(const char *dir, const char *kind, size_t n, const uint8_t *buf, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s-%02zu", dir, kind, n);
	f = fopen(path, "wb");
	if (!f || fwrite(buf, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		return -1;
	}
	return 0;
}

static int
write_seed(const char *dir, const char *kind, size_t n, uint8_t control, const struct pkt_make *m)
{
	uint8_t buf[1 + PKT_MAX] = {control};

	return write_file(dir, kind, n, buf, 1 + pkt_make(buf + 1, PKT_MAX, m));
}

/* The packet m, quoted in an error of its family that goes to its sender. */
static int
write_error(const char *dir, size_t n, uint8_t control, const struct pkt_make *m)
{
	static const uint16_t types4[] = {0x303, 0x304, 0xb00}, types6[] = {0x104, 0x200, 0x301};
	struct pkt_make outer = {.v6 = m->v6, .src = {9, 9}, .n_vlan = n % 3};
	uint8_t quoted[PKT_MAX], buf[1 + PKT_MAX] = {control};
	const size_t l2 = 14 + 4 * m->n_vlan, len = pkt_make(quoted, sizeof(quoted), m);

	memcpy(outer.dst, m->src, sizeof(outer.dst));
	return write_file(dir, "icmp", n, buf,
		1 + pkt_make_icmp(buf + 1, &outer, (m->v6 ? types6 : types4)[n % 3], 1400,
			    quoted + l2, len - l2));
}

int
main(int argc, char **argv)
{
	size_t n_odd = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: corpus_parse DIRECTORY\n");
		return 2;
	}
	/* Each sound shape, from both sides in turn, every second one with room for an answer. */
	for (size_t i = 0; i < SW_ARRAY_LEN(good); i++) {
		const uint8_t control = (uint8_t)((i & 1) | (i & 2 ? 0x40 : 0));

		if (write_seed(argv[1], "tcp", i, control, &good[i]) != 0)
			return 1;
	}
	for (size_t i = 0; i < SW_ARRAY_LEN(first); i++) {
		if (write_seed(argv[1], "first", i, i & 1, &first[i]) != 0)
			return 1;
	}
	/* Each sound shape as it is quoted, to the server and to the client in turn. */
	for (size_t i = 0; i < SW_ARRAY_LEN(good); i++) {
		if (write_error(argv[1], i, (uint8_t)((i >> 1 & 1) | (i & 4 ? 0x80 : 0)),
			    &good[i]) != 0)
			return 1;
	}
	/*
	 * Of the odd ones those that are odd as made, one in three: the fuzzer turns bytes itself.
	 */
	for (size_t i = 0; i < SW_ARRAY_LEN(odd); i++) {
		if (odd[i].at >= 0 || n_odd++ % 3 != 0)
			continue;
		if (write_seed(argv[1], "odd", i, 0, &odd[i].m) != 0)
			return 1;
	}
	return 0;
}
