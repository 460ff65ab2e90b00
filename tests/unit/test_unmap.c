/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that a driver unmaps while a worker is inside a burst: the worker keeps it to the burst's
 * end. Without the guard these tests end with a segmentation fault.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <rte_rcu_qsbr.h>

#include "unmap.h"

#define BYTES  65536
#define READS  20000000 /* some ten milliseconds: munmap() takes microseconds */
#define ONLINE 0
#define PEERS  20

static struct rte_rcu_qsbr *qsbr;

/* What driver and worker share. */
static struct {
	volatile uint8_t *memory;
	int connected;
	int in_burst;
	int stop;
	uint64_t bursts;
} port;

static void
setup(void)
{
	const size_t size = rte_rcu_qsbr_get_memsize(2);

	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));
	ck_assert_ptr_nonnull(qsbr);
	ck_assert_int_eq(rte_rcu_qsbr_init(qsbr, 2), 0);
	ck_assert_int_eq(rte_rcu_qsbr_thread_register(qsbr, ONLINE), 0);
	sw_unmap_guard(qsbr);
}

static void
teardown(void)
{
	sw_unmap_guard(NULL);
	free(qsbr);
}

/* As a poll-mode driver receives: looks whether there is a peer, then reads its rings. */
static void
burst(void)
{
	if (!__atomic_load_n(&port.connected, __ATOMIC_ACQUIRE))
		return;
	__atomic_store_n(&port.in_burst, 1, __ATOMIC_RELEASE);
	/* Until the driver says that the peer has gone, and on: it unmaps in the middle of this. */
	for (unsigned i = 0; __atomic_load_n(&port.connected, __ATOMIC_RELAXED); i++)
		(void)port.memory[i % BYTES];
	for (unsigned i = 0; i < READS; i++)
		(void)port.memory[i % BYTES];
	__atomic_store_n(&port.in_burst, 0, __ATOMIC_RELEASE);
	port.bursts++;
}

static void *
worker(void *arg)
{
	(void)arg;
	rte_rcu_qsbr_thread_online(qsbr, ONLINE);
	while (!__atomic_load_n(&port.stop, __ATOMIC_RELAXED)) {
		burst();
		rte_rcu_qsbr_quiescent(qsbr, ONLINE);
	}
	rte_rcu_qsbr_thread_offline(qsbr, ONLINE);
	return NULL;
}

static void
connect_peer(void)
{
	void *memory =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	port.memory = memory;
	__atomic_store_n(&port.connected, 1, __ATOMIC_RELEASE);
}

/* In the middle of a burst, as a driver does it on the interrupt thread. */
static void
disconnect_peer(void)
{
	while (!__atomic_load_n(&port.in_burst, __ATOMIC_ACQUIRE))
		;
	__atomic_store_n(&port.connected, 0, __ATOMIC_RELEASE);
	ck_assert_int_eq(munmap((void *)port.memory, BYTES), 0);
}

START_TEST(burst_keeps_its_memory)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, worker, NULL), 0);
	for (unsigned i = 0; i < PEERS; i++) {
		connect_peer();
		disconnect_peer();
	}
	__atomic_store_n(&port.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(port.bursts, PEERS);
}
END_TEST

/*
 * Who is offline (a worker that has ended) is not waited for, nor is anybody once the guard is off.
 */
START_TEST(waits_for_nobody)
{
	connect_peer();
	ck_assert_int_eq(munmap((void *)port.memory, BYTES), 0);
	rte_rcu_qsbr_thread_online(qsbr, ONLINE); /* and never quiescent */
	sw_unmap_guard(NULL);
	connect_peer();
	ck_assert_int_eq(munmap((void *)port.memory, BYTES), 0);
	ck_assert_int_eq(munmap((void *)1, BYTES), -1); /* errors are the kernel's */
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("unmap");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, burst_keeps_its_memory);
	tcase_add_test(t, waits_for_nobody);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
