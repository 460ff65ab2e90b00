/* SPDX-License-Identifier: BSD-3-Clause */
/* The phases of a run, and which time its rates go by; on a clock of the test's own. */
#include "load_run_rig.h"

/* Whether a duration of the report is so many ms, to a few turns. */
static void
assert_ms(double seconds, double ms)
{
	ck_assert_double_eq_tol(seconds * 1000, ms, 0.01);
}

/* 1,000 packets in 20 ms and no answer: 50,000 a second, however long one waited. */
START_TEST(count_without_answers)
{
	begin(&(struct sw_load_args){.mode = SW_LOAD_FLOOD, .count = 1000});
	r.settles = true;
	r.drain_ns = 0;
	ck_assert_int_eq(r.phase, SW_PHASE_MEASURE);
	pass(20 * MS);
	counted.outside.tx_packets = 1000;
	sw_run_stop(&r);
	pass_until_done();
	assert_ms(r.report.seconds, 20);
	assert_ms(r.report.rx_seconds, 20);
	ck_assert_uint_eq(r.report.to.outside.tx_packets, 1000);
	ck_assert_uint_ge(now - START_NS, 20 * MS + SW_RUN_QUIET_NS);
	ck_assert_uint_le(now - START_NS, 50 * MS + SW_RUN_QUIET_NS);
}
END_TEST

/* Answers that come late are counted, and their time goes on to the last one. */
START_TEST(count_with_answers)
{
	begin(&(struct sw_load_args){.mode = SW_LOAD_FLOOD, .count = 1000});
	r.settles = true;
	r.drain_ns = 0;
	pass(20 * MS);
	counted.outside.tx_packets = 1000;
	counted.outside.rx_packets = 900;
	r.last_rx_ns = now;
	sw_run_stop(&r);
	pass(30 * MS);
	ck_assert_int_eq(r.phase, SW_PHASE_SETTLE);
	counted.outside.rx_packets = 999;
	r.last_rx_ns = now;
	pass_until_done();
	assert_ms(r.report.seconds, 20);
	assert_ms(r.report.rx_seconds, 50);
	ck_assert_uint_eq(r.report.to.outside.rx_packets, 999);
	ck_assert_uint_eq(r.report.last.outside.rx_packets, 999);

	/* Nobody waits for more than there can be. */
	begin(&a);
	r.settles = true;
	r.drain_ns = 0;
	sw_run_stop(&r);
	all_answered = true;
	pass_until_done();
	ck_assert_uint_le(now - START_NS, 50 * MS);
}
END_TEST

/* A trickle that never ends does not hold a run for ever. */
START_TEST(never_quiet)
{
	begin(&(struct sw_load_args){.mode = SW_LOAD_FLOOD, .seconds_ns = SECOND});
	r.settles = true;
	r.drain_ns = 0;
	while (r.phase != SW_PHASE_DONE && now < 10 * SECOND) {
		r.last_rx_ns = now;
		pass(MS);
	}
	ck_assert_int_eq(r.phase, SW_PHASE_DONE);
	ck_assert_uint_ge(now, SECOND + SW_RUN_SETTLE_NS);
	ck_assert_uint_le(now, SECOND + SW_RUN_SETTLE_NS + 100 * MS);
	assert_ms(r.report.seconds, 1000);
	assert_ms(r.report.rx_seconds, 1000);
}
END_TEST

/* Connections: warm-up, measured time, and a drain that lasts as long as any is open. */
START_TEST(phases)
{
	begin(&(struct sw_load_args){
		.mode = SW_LOAD_MIXED, .seconds_ns = 2 * SECOND, .warmup_ns = SECOND});
	r.settles = true;
	ck_assert_int_eq(r.phase, SW_PHASE_WARM);
	counted.client.finished = 10;
	pass(SECOND + 20 * MS);
	ck_assert_int_eq(r.phase, SW_PHASE_MEASURE);
	ck_assert(!r.stop);
	counted.client.finished = 30;
	pass(2 * SECOND);
	ck_assert_int_eq(r.phase, SW_PHASE_DRAIN);
	ck_assert(r.stop);
	counted.client.finished = 35;
	/* Quiet is no end: somebody waits for a timer. */
	pass(2 * SECOND);
	ck_assert_int_eq(r.phase, SW_PHASE_DRAIN);
	none_open = true;
	pass(20 * MS);
	ck_assert_int_eq(r.phase, SW_PHASE_SETTLE);
	pass_until_done();
	assert_ms(r.report.seconds, 2000);
	ck_assert_uint_eq(r.report.from.client.finished, 10);
	ck_assert_uint_eq(r.report.to.client.finished, 30);
	ck_assert_uint_eq(r.report.last.client.finished, 35);
}
END_TEST

/* The drain has an end of its own; without a flood there is nothing to settle. */
START_TEST(drain_times_out)
{
	begin(&(struct sw_load_args){.mode = SW_LOAD_CONNECT, .seconds_ns = SECOND});
	pass(SECOND + 20 * MS);
	ck_assert_int_eq(r.phase, SW_PHASE_DRAIN);
	pass(2900 * MS);
	ck_assert_int_eq(r.phase, SW_PHASE_DRAIN);
	pass(200 * MS);
	ck_assert_int_eq(r.phase, SW_PHASE_DONE);
}
END_TEST

/* A number of connections: the time is that until the last of them has ended. */
START_TEST(total)
{
	begin(&(struct sw_load_args){.mode = SW_LOAD_CONNECT, .total = 500});
	pass(123 * MS);
	counted.client.finished = 500;
	sw_run_stop(&r);
	none_open = true;
	pass_until_done();
	assert_ms(r.report.seconds, 123);
	assert_ms(r.report.rx_seconds, 123);
	ck_assert_uint_eq(r.report.to.client.finished, 500);
}
END_TEST

/* A signal ends whatever goes on, and what was measured until then is reported. */
/* A port that takes nothing any more ends what would never end; a slow one does not. */
START_TEST(stuck)
{
	begin(&(struct sw_load_args){.mode = SW_LOAD_FLOOD, .count = 1000});
	something_waits = true;
	for (int i = 0; i < 30; i++) {
		pass(SECOND);
		counted.outside.tx_packets++;
	}
	pass((SW_RUN_STUCK_S - 1) * SECOND);
	something_waits = false;
	pass(20 * SECOND);
	ck_assert_int_eq(r.phase, SW_PHASE_MEASURE);
	ck_assert(!sw_run_is_stuck(&r));
	something_waits = true;
	pass((SW_RUN_STUCK_S + 1) * SECOND);
	ck_assert_int_eq(r.phase, SW_PHASE_DONE);
	ck_assert(sw_run_is_stuck(&r));

	/* One that ends by itself goes on to its end. */
	begin(&(struct sw_load_args){.mode = SW_LOAD_FLOOD, .seconds_ns = 15 * SECOND});
	something_waits = true;
	none_open = all_answered = true;
	pass(14 * SECOND);
	ck_assert_int_eq(r.phase, SW_PHASE_MEASURE);
	pass_until_done();
	ck_assert(!sw_run_is_stuck(&r));
}
END_TEST

START_TEST(signalled)
{
	begin(&(struct sw_load_args){
		.mode = SW_LOAD_CONNECT, .seconds_ns = 600 * SECOND, .warmup_ns = SECOND});
	none_open = true;
	pass(1500 * MS);
	sw_run_stop_signal = 2;
	pass_until_done();
	ck_assert_double_eq_tol(r.report.seconds, 0.5, 0.011);

	begin(&(struct sw_load_args){
		.mode = SW_LOAD_CONNECT, .seconds_ns = 600 * SECOND, .warmup_ns = SECOND});
	none_open = true;
	pass(500 * MS);
	sw_run_stop_signal = 2;
	pass_until_done();
	ck_assert_double_eq(r.report.seconds, 0);
}
END_TEST

/*
 * A clock that goes on by a microsecond a look; the process is stopped before look number
 * `stop_at`.
 */
static uint64_t raw_ns, stop_ns;
static unsigned looks, stop_at;

static uint64_t
raw_clock(const struct sw_run *run)
{
	(void)run;
	if (looks++ == stop_at) {
		raw_ns += stop_ns;
		sw_run_continued = 1;
	}
	return raw_ns += 1000;
}

/* Before each look, the second ones that follow a stop too: its time is left out, once. */
START_TEST(stopped)
{
	for (stop_at = 0; stop_at < 6; stop_at++) {
		uint64_t last = 0, first = 0;

		memset(&r, 0, sizeof(r));
		raw_ns = SECOND;
		stop_ns = 3 * SECOND;
		looks = 0;
		sw_run_continued = 0;
		for (unsigned i = 0; i < 8; i++) {
			const uint64_t t = sw_run_time(&r, raw_clock);

			first = i == 0 ? t : first;
			ck_assert_uint_ge(t, last);
			last = t;
		}
		ck_assert_uint_le(last - first, 9000);
		ck_assert_uint_eq(sw_run_continued, 0);
		if (stop_at > 0)
			ck_assert_uint_ge(r.stopped_ns, stop_ns);
	}
}
END_TEST

/*
 * The stop is behind the first look and before the flag is looked at: by the first look no time has
 * passed.
 */
static uint64_t
raw_then_stopped(const struct sw_run *run)
{
	const uint64_t t = raw_ns += 1000;

	(void)run;
	if (looks++ == stop_at) {
		raw_ns += stop_ns;
		sw_run_continued = 1;
	}
	return t;
}

START_TEST(stopped_behind_a_look)
{
	uint64_t first;

	memset(&r, 0, sizeof(r));
	raw_ns = SECOND;
	stop_ns = 3 * SECOND;
	looks = 0;
	stop_at = 2;
	sw_run_continued = 0;
	first = sw_run_time(&r, raw_then_stopped);
	for (unsigned i = 0; i < 8; i++)
		sw_run_time(&r, raw_then_stopped);
	ck_assert_uint_le(r.now_ns - first, 9000);
}
END_TEST

/* SIGCONT without a stop, many times: what is lost is the time between two looks. */
START_TEST(continued_only)
{
	uint64_t first;

	memset(&r, 0, sizeof(r));
	raw_ns = SECOND;
	stop_ns = 0;
	first = sw_run_time(&r, raw_clock);
	for (unsigned i = 0; i < 100; i++) {
		sw_run_continued = i % 2;
		sw_run_time(&r, raw_clock);
	}
	ck_assert_uint_eq(r.now_ns - first, 50000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load_run");
	TCase *t = tcase_create("all");

	tcase_add_test(t, count_without_answers);
	tcase_add_test(t, count_with_answers);
	tcase_add_test(t, never_quiet);
	tcase_add_test(t, phases);
	tcase_add_test(t, drain_times_out);
	tcase_add_test(t, total);
	tcase_add_test(t, stuck);
	tcase_add_test(t, signalled);
	tcase_add_test(t, stopped);
	tcase_add_test(t, stopped_behind_a_look);
	tcase_add_test(t, continued_only);
	suite_add_tcase(s, t);
	return check_suite_run(s, CK_FORK_GETENV);
}
