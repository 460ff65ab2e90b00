/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a worker waits for a ring that is full. */
#include <check.h>

#include "room.h"

#define MOST_TSC 260000
#define STEP_TSC 100

/* One burst's packets, offered in steps from *tsc on, and none is taken: the cycles waited. */
static uint64_t
refused(struct sw_room *room, uint64_t *tsc)
{
	const uint64_t began = *tsc;
	bool waits = false;

	while ((waits = sw_room_wait(room, waits, *tsc)))
		*tsc += STEP_TSC;
	return *tsc - began;
}

/* One pause of the reader now and then is waited for, whole. */
START_TEST(a_pause)
{
	struct sw_room room = {.most_tsc = MOST_TSC, .left_tsc = MOST_TSC};
	uint64_t tsc = UINT64_MAX - MOST_TSC / 2; /* the counter may wrap */

	room.seen_tsc = tsc;
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(refused(&room, &tsc), MOST_TSC);
		tsc += (uint64_t)MOST_TSC * SW_ROOM_SHARE;
	}
}
END_TEST

/* A ring that nobody reads, bursts of so many cycles one behind the other: a share of the time. */
START_TEST(a_share_of_the_time)
{
	static const uint64_t bursts[] = {1, 200, 5000, 100000, 1000000};

	for (unsigned i = 0; i < SW_ARRAY_LEN(bursts); i++) {
		struct sw_room room = {.most_tsc = MOST_TSC, .left_tsc = MOST_TSC};
		uint64_t tsc = 1, waited = 0;

		for (unsigned n = 0; n < 10000; n++) {
			tsc += bursts[i];
			waited += refused(&room, &tsc);
		}
		ck_assert_uint_le(waited, tsc / SW_ROOM_SHARE + MOST_TSC + STEP_TSC);
		if (bursts[i] >= SW_ROOM_SHARE)
			ck_assert_uint_ge(waited, tsc / (SW_ROOM_SHARE + 4));
	}
}
END_TEST

/* The CPU was taken away in between: that is not more than it had. */
START_TEST(away_while_it_waits)
{
	struct sw_room room = {.most_tsc = MOST_TSC, .left_tsc = MOST_TSC, .seen_tsc = 1};

	ck_assert(sw_room_wait(&room, false, 2));
	ck_assert(!sw_room_wait(&room, true, 2 + 1000ull * MOST_TSC));
	ck_assert_int_eq(room.left_tsc, -MOST_TSC);
	ck_assert(sw_room_wait(&room, false, 2 + 1020ull * MOST_TSC));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("room");
	TCase *tc = tcase_create("room");

	tcase_add_test(tc, a_pause);
	tcase_add_test(tc, a_share_of_the_time);
	tcase_add_test(tc, away_while_it_waits);
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_FORK_GETENV);
}
