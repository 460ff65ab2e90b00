/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * late.c - to be preloaded: what a socket says comes late to EAL's interrupt thread, and memory is
 * given back slowly, as on a machine whose CPUs have other things to do. A handler of net_memif
 * then begins before its port is closed, and goes on behind that (app/synward/park.h).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LATE_NS 40000000
#define FREE_NS 1000000

void rte_free(void *p);

static unsigned n_late, n_slow;

/* A test that it is to change can see that it did. */
__attribute__((destructor)) static void
say(void)
{
	fprintf(stderr, "late: %u interrupts, %u pieces of memory\n", n_late, n_slow);
}

static void
wait_ns(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t (*next)(int, struct msghdr *, int) = dlsym(RTLD_NEXT, "recvmsg");
	ssize_t n = next(fd, msg, flags);
	char name[16] = "";

	pthread_getname_np(pthread_self(), name, sizeof(name));
	if (strcmp(name, "eal-intr-thread") == 0) {
		__atomic_add_fetch(&n_late, 1, __ATOMIC_RELAXED);
		wait_ns(LATE_NS);
	}
	return n;
}

void
rte_free(void *p)
{
	void (*next)(void *) = dlsym(RTLD_NEXT, "rte_free");

	if (p != NULL) {
		__atomic_add_fetch(&n_slow, 1, __ATOMIC_RELAXED);
		wait_ns(FREE_NS);
	}
	next(p);
}
