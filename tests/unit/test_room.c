/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a worker waits for a ring that is full. */
#include <check.h>

#include "room.h"

#define WAIT_TSC 260000

/* One burst's packets, offered every 100 cycles from *tsc on; nothing is taken. Returns the cycles. */
static uint64_t
refused(struct sw_room *room, uint64_t *since, uint64_t *tsc)
{
	const uint64_t began = *tsc;

	while (sw_room_wait(room, since, *tsc))
		*tsc += 100;
	return *tsc - began;
}

START_TEST(waits_so_long_and_once)
{
	struct sw_room room = {.wait_tsc = WAIT_TSC};
	uint64_t tsc = UINT64_MAX - WAIT_TSC / 2; /* the counter may wrap */
	uint64_t since = 0;

	ck_assert_uint_eq(refused(&room, &since, &tsc), WAIT_TSC);
	for (unsigned burst = 0; burst < 10; burst++) {
		since = 0;
		tsc += 1000000;
		ck_assert_uint_eq(refused(&room, &since, &tsc), 0);
	}
	sw_room_taken(&room);
	since = 0;
	ck_assert_uint_eq(refused(&room, &since, &tsc), WAIT_TSC);
}
END_TEST

/* A ring that takes one now and then: so long in all, not for each. */
START_TEST(waits_so_long_in_all)
{
	struct sw_room room = {.wait_tsc = WAIT_TSC};
	uint64_t tsc = 1, since = 0;
	unsigned taken = 0;

	while (sw_room_wait(&room, &since, tsc)) {
		tsc += WAIT_TSC / 10;
		sw_room_taken(&room);
		taken++;
	}
	ck_assert_uint_eq(taken, 10);
	sw_room_taken(&room); /* the next burst finds a ring that moves */
	since = 0;
	ck_assert(sw_room_wait(&room, &since, tsc));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("room");
	TCase *tc = tcase_create("room");

	tcase_add_test(tc, waits_so_long_and_once);
	tcase_add_test(tc, waits_so_long_in_all);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_FORK_GETENV);
}
