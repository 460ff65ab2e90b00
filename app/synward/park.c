/* SPDX-License-Identifier: BSD-3-Clause */
#define ALLOW_EXPERIMENTAL_API /* DPDK 22.11 has no other way to make an interrupt's handle */
#include "park.h"

#include <errno.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_interrupts.h>

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
	int fd, rc;

	if (done)
		return 0;
	fd = eventfd(1, EFD_CLOEXEC);
	handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (fd < 0 || handle == NULL || sem_init(&parked, 0, 0) != 0) {
		rc = -ENOMEM;
		goto fail;
	}
	rte_intr_fd_set(handle, fd);
	rte_intr_type_set(handle, RTE_INTR_HANDLE_EXT);
	rc = rte_intr_callback_register(handle, park, NULL);
	if (rc != 0)
		goto fail;
	while (sem_wait(&parked) != 0 && errno == EINTR)
		;
	done = true;
	return 0;

fail:
	rte_intr_instance_free(handle);
	if (fd >= 0)
		close(fd);
	return rc;
}
