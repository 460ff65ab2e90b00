/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenarios - scripts for the engine: what a seed of the simulator may or may not meet, spelled
 * out.
 */
#include <stdlib.h>

#include "scenarios.h"

int
main(void)
{
	SRunner *r = srunner_create(suite_cookies());
	int failed;

	srunner_add_suite(r, suite_flows());
	srunner_add_suite(r, suite_peers());
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
