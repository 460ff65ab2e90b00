/* SPDX-License-Identifier: BSD-3-Clause */
/* must.h - what must hold in every build. Not assert(), nor Check's own: fuzzers use it, too. */
#ifndef SW_TEST_MUST_H
#define SW_TEST_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(x)                                                                         \
	do {                                                                            \
		if (!(x)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); \
			abort();                                                        \
		}                                                                       \
	} while (0)

#endif
