/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries whose time is over are removed, however fast new ones come. */
#include <check.h>

#include "unit/rig.h"

START_TEST(expired)
{
	struct rig_conn c = {.cport = 40000, .c = 0xfffffff0, .s = 7000};
	struct rig r;

	rig_init(&r, NULL);
	rig_open(&r, &c);
	r.view.timeouts.state_ms[SW_FLOW_OPEN] = 5000;
	struct pkt_make m = rig_client(&c);

	rig_send(&r, SW_OUTSIDE, &m); /* takes the new timeout */
	rig_tick(&r, 4900);
	ck_assert_uint_eq(rig_flows(&r), 1);
	rig_tick(&r, 2000);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_EXPIRED), 1);
	rig_fini(&r);
}
END_TEST

/* A tick that comes a little early, or late, loses no time. */
START_TEST(ticks_between_milliseconds)
{
	static const uint64_t every_ns[] = {999000, 1000000, 1001000, 400000};

	for (unsigned i = 0; i < SW_ARRAY_LEN(every_ns); i++) {
		const uint64_t turn_ns = 1100000000;
		struct rig_conn c = {.cport = 40000, .c = 5, .s = 7000};
		struct rig r;

		rig_init(&r, &(struct rig_params){.flows = 1 << 20});
		rig_tick(&r, 10);
		rig_to_state(&r, &c, SW_FLOW_FIN_BOTH);
		r.now_ns += (uint64_t)r.view.timeouts.state_ms[SW_FLOW_FIN_BOTH] * 1000000;
		for (uint64_t t = 0; t < turn_ns; t += every_ns[i]) {
			r.now_ns += every_ns[i];
			sw_engine_tick(r.e, &r.view, r.now_ns, r.out);
		}
		ck_assert_msg(rig_flows(&r) == 0, "a tick every %llu ns",
			(unsigned long long)every_ns[i]);
		rig_fini(&r);
	}
}
END_TEST

/* Connections that come and go: 300 a millisecond, each kept for 5 ms, in 8,192 entries. */
START_TEST(keeps_pace)
{
	struct rig_conn c = {.c = 0xfffffff0, .s = 7000};
	struct rig r;
	unsigned most = 0;

	rig_init(&r, &(struct rig_params){.flows = 8192});
	r.view.timeouts.state_ms[SW_FLOW_FIN_BOTH] = 5;
	for (unsigned ms = 0; ms < 200; ms++) {
		for (unsigned i = 0; i < 300; i++) {
			c.cport = (uint16_t)(1024 + (300 * ms + i));
			rig_to_state(&r, &c, SW_FLOW_FIN_BOTH);
		}
		if (rig_flows(&r) > most)
			most = rig_flows(&r);
		rig_tick_each(&r, 1, 1);
	}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_TABLE_FULL), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_ESTABLISHED), 200 * 300);
	/* Those that are kept, and a quarter of the table whose time is over. */
	ck_assert_uint_le(most, 300 * 6 + 8192 / 4);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine ageing");
	TCase *c = tcase_create("engine ageing");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, expired);
	tcase_add_test(c, ticks_between_milliseconds);
	tcase_add_test(c, keeps_pace);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
