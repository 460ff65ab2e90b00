/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.h - Check as it is, but for the note that each assertion that holds leaves in a file: where
 * the last one was, for a test that crashes. That is a write for each, and loops here assert
 * millions of times. Where a test crashes, a sanitizer or the core says more.
 */
#ifndef SW_TEST_CHECK_H
#define SW_TEST_CHECK_H

#include_next <check.h>
#include <stdlib.h>

#define _mark_point(file, line) ((void)0)

#define CHECK_SKIPPED 77 /* meson's exit status for it */

/*
 * Runs the suite and frees it; what main() returns. fork: CK_NOFORK, or CK_FORK_GETENV: each test
 * in a process of its own, unless the environment says CK_FORK=no.
 */
static inline int
check_suite_run(Suite *suite, enum fork_status fork)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_fork_status(runner, fork);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
