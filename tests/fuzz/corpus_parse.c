/* SPDX-License-Identifier: BSD-3-Clause */
/* corpus_parse.c - writes the seed corpus of fuzz_parse: corpus_parse DIRECTORY (see README.md). */
#include <stdio.h>
#include <stdlib.h>

#include "unit/parse_cases.h"

static int
write_seed(const char *dir, const char *kind, size_t n, uint8_t control, const struct pkt_make *m)
{
	uint8_t buf[1 + PKT_MAX] = {control};
	const size_t len = 1 + pkt_make(buf + 1, PKT_MAX, m);
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
