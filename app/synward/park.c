/* SPDX-License-Identifier: BSD-3-Clause */
#define ALLOW_EXPERIMENTAL_API /* DPDK 22.11 has no other way to make an interrupt's handle */
#include "park.h"

#include <errno.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_interrupts.h>

/* For a handler that is at work; one that hangs is not waited for. */
#define WAIT_S 5

static sem_t parked;

/* Callbacks run without a lock of EAL's, so others may still be unregistered. */
static void
park(__rte_unused void *arg)
{
	sem_post(&parked);
	for (;;)
		pause();
}

/*
 * Not an alarm: rte_eal_cleanup() waits for a callback of that. Nor is what is registered here ever
 * given back, for the same reason.
 */
int
sw_park_interrupts(void)
{
	static bool done;
	struct rte_intr_handle *handle;
	struct timespec until;
	int fd, rc;

	if (done)
		return 0;
	fd = eventfd(1, EFD_CLOEXEC);
	if (fd < 0 || sem_init(&parked, 0, 0) != 0)
		return -errno;
	handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (handle == NULL)
		return -ENOMEM;
	rte_intr_fd_set(handle, fd);
	rte_intr_type_set(handle, RTE_INTR_HANDLE_EXT);
	rc = rte_intr_callback_register(handle, park, NULL); /* has a copy of it */
	rte_intr_instance_free(handle);
	if (rc != 0)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	while (sem_clockwait(&parked, CLOCK_MONOTONIC, &until) != 0)
		if (errno != EINTR)
			return -errno;
	done = true;
	return 0;
}
