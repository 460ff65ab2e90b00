/* SPDX-License-Identifier: BSD-3-Clause */
/* What is counted for each service. */
#include <check.h>
#include <string.h>

#include "packet/parse.h"
#include "unit/rig.h"

static struct rig r;
static struct sw_service_stats want[SW_SERVICES_MAX];
static const struct rig_conn conn4 = {.cport = 40000, .c = 100, .s = 7000};

static void
teardown(void)
{
	rig_fini(&r);
}

static void
setup(void)
{
	rig_init(&r, NULL);
	memset(want, 0, sizeof(want));
}

/* Every field of every service, those that must not move included. */
static void
check_services(const char *after)
{
	const struct sw_service_stats *got = sw_engine_service_stats(r.e);

	for (unsigned i = 0; i < SW_SERVICES_MAX; i++) {
		const uint64_t *g = &got[i].syn_received, *w = &want[i].syn_received;

		for (unsigned k = 0; k < sizeof(*got) / sizeof(*g); k++)
			ck_assert_msg(g[k] == w[k], "%s: service %u, field %u: %llu, not %llu",
				after, i, k, (unsigned long long)g[k], (unsigned long long)w[k]);
	}
}

START_TEST(service_counters_of_a_handshake)
{
	struct sw_service_stats *proxy = &want[0];
	struct rig_conn c = conn4;
	struct pkt_make m;

	check_services("start");
	rig_syn(&r, &c);
	proxy->syn_received++;
	proxy->synack_sent++;
	check_services("SYN");
	rig_ack(&r, &c);
	proxy->cookie_accepted++;
	check_services("cookie");
	rig_synack(&r, &c);
	proxy->established++;
	check_services("handshake");

	c.cport++; /* no flow, and no cookie of ours */
	c.k++;
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	proxy->cookie_refused++;
	proxy->dropped++;
	check_services("refused cookie");
	m.flags = SW_TCP_RST;
	rig_send(&r, SW_OUTSIDE, &m);
	proxy->dropped++;
	check_services("drop");
	m = rig_client_syn(&c);
	memcpy(m.src, (const uint8_t[]){203, 0, 113, 9}, 4);
	rig_send(&r, SW_OUTSIDE, &m);
	proxy->passed++;
	check_services("allowed source");
}
END_TEST

START_TEST(service_counters_of_failures)
{
	struct sw_service_stats *proxy = &want[0];
	struct rig_conn c = conn4;
	struct pkt_make m;

	rig_syn(&r, &c);
	rig_ack(&r, &c);
	m = rig_server(&c);
	m.flags = SW_TCP_RST | SW_TCP_ACK;
	m.seq = 0;
	rig_send(&r, SW_INSIDE, &m);
	proxy->syn_received++;
	proxy->synack_sent++;
	proxy->cookie_accepted++;
	proxy->failed++;
	check_services("server refuses");
	c.cport++;
	rig_syn(&r, &c);
	rig_ack(&r, &c);
	proxy->syn_received++;
	proxy->synack_sent++;
	proxy->cookie_accepted++;
	rig_tick(&r, 14900);
	check_services("server is silent");
	rig_tick(&r, 200);
	proxy->failed++;
	check_services("given up");
}
END_TEST

START_TEST(service_counters_of_other_modes)
{
	struct sw_service_stats *resp = &want[1], *pass = &want[2], *deny = &want[3];
	struct rig_conn c = conn4;
	struct pkt_make m;

	c.sport = 81;
	rig_syn(&r, &c);
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	resp->syn_received++;
	resp->synack_sent++;
	resp->cookie_accepted++;
	check_services("respond");
	c.sport = 82;
	m = rig_client_syn(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	m = rig_server(&c);
	rig_send(&r, SW_INSIDE, &m);
	pass->passed += 2;
	check_services("pass");
	c.sport = 83;
	m = rig_client_syn(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	deny->dropped++;
	check_services("mode drop");
	c.sport = 84;
	m = rig_client_syn(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	check_services("bridged");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("service counters");
	TCase *c = tcase_create("service counters");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, service_counters_of_a_handshake);
	tcase_add_test(c, service_counters_of_failures);
	tcase_add_test(c, service_counters_of_other_modes);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
