/* SPDX-License-Identifier: BSD-3-Clause */
/* The measured time in pieces (windows.h). */
#include "load_run_rig.h"

/* Of the pieces together; each is as long as they say. */
static struct sw_window
sum_of_windows(void)
{
	const struct sw_windows *w = &r.report.windows;
	struct sw_window sum = {0};

	for (unsigned i = 0; i < w->n; i++) {
		ck_assert_uint_ge(w->w[i].ns, w->length_ns);
		ck_assert_uint_le(w->w[i].ns, w->length_ns + w->length_ns / 8);
		sum = sw_window_sum(&sum, &w->w[i]);
	}
	return sum;
}

/* The measured time in pieces, without the warm-up: 3 packets a millisecond, then 6. */
START_TEST(windows)
{
	const struct sw_windows *w = &r.report.windows;
	struct sw_window sum;

	begin(&(struct sw_load_args){
		.mode = SW_LOAD_CONNECT, .seconds_ns = 2 * SECOND, .warmup_ns = SECOND});
	none_open = true;
	counted.outside.rx_packets = 77;
	pass(SECOND + 5 * MS);
	for (unsigned i = 0; i < 2100 && r.phase != SW_PHASE_DONE; i++) {
		pass(MS);
		counted.outside.rx_packets += i < 1000 ? 3 : 6;
		counted.inside.rx_packets += 2;
		counted.flood.synack += 4;
		counted.client.finished++;
	}
	ck_assert_uint_ge(w->n, 18);
	ck_assert_uint_le(w->n, 20);
	ck_assert_double_eq_tol((double)w->w[1].rx / (double)w->w[1].ns, 3.0 / MS, 0.1 / MS);
	ck_assert_double_eq_tol(
		(double)w->w[w->n - 1].rx / (double)w->w[w->n - 1].ns, 6.0 / MS, 0.1 / MS);
	sum = sum_of_windows();
	ck_assert_uint_gt(sum.ns, 1850 * MS);
	ck_assert_uint_eq(sum.rx, w->last.rx - 77);
	ck_assert_uint_eq(sum.inside, 2 * sum.done);
	ck_assert_uint_eq(sum.synack, 4 * sum.done);
}
END_TEST

/* However long it goes on, the pieces have room, and none of it is missing. */
START_TEST(windows_of_a_long_run)
{
	const struct sw_windows *w = &r.report.windows;

	begin(&(struct sw_load_args){.mode = SW_LOAD_FLOOD, .seconds_ns = 210 * SECOND});
	for (unsigned i = 0; i < 205000; i++) {
		if (now >= r.next_event_ns)
			sw_run_event(&r, now);
		now += MS;
		counted.outside.rx_packets++;
	}
	ck_assert_uint_ge(w->length_ns, 4ull * SW_WINDOW_NS);
	ck_assert_uint_ge(w->n, SW_WINDOWS_MAX / 2);
	ck_assert_uint_lt(w->n, SW_WINDOWS_MAX);
	ck_assert_uint_eq(sum_of_windows().rx, w->last.rx);
	ck_assert_uint_gt(w->last.rx, 204000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_windows");
	TCase *t = tcase_create("all");

	tcase_add_test(t, windows);
	tcase_add_test(t, windows_of_a_long_run);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
