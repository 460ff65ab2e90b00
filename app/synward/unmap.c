/* SPDX-License-Identifier: BSD-3-Clause */
#include "unmap.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_lcore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rte_rcu_qsbr *guarded; /* under lock */

void
sw_unmap_guard(struct rte_rcu_qsbr *qsbr)
{
	pthread_mutex_lock(&lock);
	guarded = qsbr;
	pthread_mutex_unlock(&lock);
}

/* Exported (meson.build), so that it is the drivers' munmap() too: they are loaded at run time. */
int
munmap(void *addr, size_t len)
{
	if (rte_lcore_id() == LCORE_ID_ANY) {
		pthread_mutex_lock(&lock);
		if (guarded != NULL)
			rte_rcu_qsbr_synchronize(guarded, RTE_QSBR_THRID_INVALID);
		pthread_mutex_unlock(&lock);
	}
	return (int)syscall(SYS_munmap, addr, len);
}
