/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine refuses, passes, bounds and answers, one case each with its counter. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flow/place.h"
#include "packet/options.h"
#include "packet/parse.h"
#include "unit/rig_each.h"

START_TEST(modes_and_sources)
{
	static const struct {
		uint16_t port;
		uint8_t src[4];
		int side; /* where the SYN comes out; -1: dropped */
		unsigned counter;
	} cases[] = {
		{80, {192, 0, 2, 1}, SW_OUTSIDE, SW_C_SYNACK_SENT},
		{81, {192, 0, 2, 1}, SW_OUTSIDE, SW_C_SYNACK_SENT},
		{82, {192, 0, 2, 1}, SW_INSIDE, SW_C_PASSED},
		{83, {192, 0, 2, 1}, -1, SW_C_DROP_BASE + SW_DROP_SERVICE_DROP},
		{84, {192, 0, 2, 1}, SW_INSIDE, SW_C_BRIDGED},
		{80, {203, 0, 113, 9}, SW_INSIDE, SW_C_PASSED},
		{80, {203, 0, 114, 9}, -1, SW_C_DROP_BASE + SW_DROP_DENIED},
		{84, {203, 0, 114, 9}, SW_INSIDE, SW_C_BRIDGED},
		{80, {224, 0, 0, 1}, -1, SW_C_DROP_BASE + SW_DROP_BAD_SOURCE},
		{80, {255, 255, 255, 255}, -1, SW_C_DROP_BASE + SW_DROP_BAD_SOURCE},
		{80, {127, 0, 0, 1}, -1, SW_C_DROP_BASE + SW_DROP_BAD_SOURCE},
		{80, {0, 0, 0, 0}, -1, SW_C_DROP_BASE + SW_DROP_BAD_SOURCE},
		{80, {198, 51, 100, 2}, -1, SW_C_DROP_BASE + SW_DROP_BAD_SOURCE},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = conn4;

		c.sport = cases[i].port;
		struct pkt_make m = rig_client_syn(&c);

		memcpy(m.src, cases[i].src, 4);
		uint64_t before = rig_stat(&r, cases[i].counter);

		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_msg(rig_stat(&r, cases[i].counter) == before + 1, "case %u", i);
		ck_assert_msg(r.n_sent == (cases[i].side >= 0), "case %u", i);
		if (cases[i].side >= 0)
			ck_assert_msg((int)r.sent[0].side == cases[i].side, "case %u", i);
	}
	ck_assert_uint_eq(rig_flows(&r), 0);
}
END_TEST

START_TEST(multicast_frame_gets_no_cookie)
{
	struct pkt_make m = rig_client_syn(&conn4);

	memcpy(m.dst_mac, "\xff\xff\xff\xff\xff\xff", 6);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_BAD_SOURCE), 1);
}
END_TEST

/* A changed byte in the SYN, the port silent about checksums or not. */
START_TEST(bad_checksum_gets_no_cookie)
{
	uint8_t b[PKT_MAX];
	struct pkt_make m = rig_client_syn(&conn4);
	size_t len = pkt_make(b, sizeof(b), &m);

	b[len - 1] ^= 1; /* urgent pointer */
	rig_queue_raw(&r, SW_OUTSIDE, b, len, 0);
	rig_run(&r);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_TCP_CHECKSUM), 1);
	b[len - 1] ^= 1;
	rig_queue_raw(&r, SW_OUTSIDE, b, len, SW_CSUM_L4_BAD);
	rig_run(&r);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_TCP_CHECKSUM), 2);
	rig_queue_raw(&r, SW_OUTSIDE, b, len, 0);
	rig_run(&r);
	ck_assert_uint_eq(r.n_sent, 1);
}
END_TEST

START_TEST(packets_without_a_flow)
{
	static const struct {
		uint8_t flags, side;
		enum sw_drop reason;
	} cases[] = {
		{SW_TCP_ACK, SW_OUTSIDE, SW_DROP_COOKIE_BAD},
		{SW_TCP_ACK | SW_TCP_PSH, SW_OUTSIDE, SW_DROP_COOKIE_BAD},
		{SW_TCP_ACK | SW_TCP_FIN, SW_OUTSIDE, SW_DROP_COOKIE_BAD},
		{SW_TCP_RST, SW_OUTSIDE, SW_DROP_RST_NO_FLOW},
		{SW_TCP_RST | SW_TCP_ACK, SW_OUTSIDE, SW_DROP_RST_NO_FLOW},
		{SW_TCP_SYN | SW_TCP_ACK, SW_OUTSIDE, SW_DROP_SYNACK_FROM_CLIENT},
		{SW_TCP_SYN | SW_TCP_FIN, SW_OUTSIDE, SW_DROP_TCP_FLAGS},
		{0, SW_OUTSIDE, SW_DROP_TCP_FLAGS},
		{SW_TCP_ACK, SW_INSIDE, SW_DROP_SERVER_NO_FLOW},
		{SW_TCP_SYN | SW_TCP_ACK, SW_INSIDE, SW_DROP_SERVER_NO_FLOW},
		{SW_TCP_RST, SW_INSIDE, SW_DROP_SERVER_NO_FLOW},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct pkt_make m =
			cases[i].side == SW_OUTSIDE ? rig_client(&conn4) : rig_server(&conn4);
		uint64_t before = rig_drop(&r, cases[i].reason);

		m.flags = cases[i].flags;
		rig_send(&r, cases[i].side, &m);
		ck_assert_msg(r.n_sent == 0, "case %u", i);
		ck_assert_msg(rig_drop(&r, cases[i].reason) == before + 1, "case %u", i);
	}
}
END_TEST

/* What is not for a protected service passes as it is, however odd it looks. */
START_TEST(bridging_changes_nothing)
{
	struct rig_conn c = conn4;
	uint8_t b[PKT_MAX];

	c.sport = 9999;
	for (unsigned flags = 0; flags < 256; flags++) {
		for (unsigned side = 0; side < SW_SIDES; side++) {
			struct pkt_make m = side == SW_OUTSIDE ? rig_client(&c) : rig_server(&c);

			m.flags = (uint8_t)flags;
			m.n_vlan = flags % 3;
			m.pad_to = flags % 5 ? 0 : 90;
			size_t len = pkt_make(b, sizeof(b), &m);

			rig_queue_raw(&r, side, b, len, 0);
			rig_run(&r);
			ck_assert_uint_eq(r.n_sent, 1);
			ck_assert_uint_eq(r.sent[0].side, side ^ 1);
			ck_assert(r.sent[0].len == len && memcmp(r.sent[0].data, b, len) == 0);
		}
	}
	uint8_t arp[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1};

	rig_queue_raw(&r, SW_INSIDE, arp, sizeof(arp), 0);
	rig_run(&r);
	ck_assert(r.n_sent == 1 && r.sent[0].side == SW_OUTSIDE &&
		  memcmp(r.sent[0].data, arp, sizeof(arp)) == 0);
}
END_TEST

/* A tag is no way around the protection, and stays on the answer. */
START_TEST(tagged_syn_is_challenged)
{
	for (unsigned tags = 1; tags <= 2; tags++) {
		struct pkt_make m = rig_client_syn(&conn4);

		m.n_vlan = tags;
		m.vlan_tci[0] = 0x6000 | 100;
		m.vlan_tci[1] = 200;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 1);
		ck_assert_uint_eq(r.sent[0].side, SW_OUTSIDE);
		ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_SYN | SW_TCP_ACK);
		ck_assert_uint_eq(r.sent[0].seen.n_vlan, tags);
		ck_assert_uint_eq(r.sent[0].seen.vlan_tci[0], 0x6000 | 100);
		/* The same ACK in another VLAN opens nothing. */
		struct pkt_make a = rig_client(&conn4);

		a.ack = r.sent[0].seen.seq + 1;
		a.n_vlan = tags;
		a.vlan_tci[0] = 101;
		a.vlan_tci[1] = 200;
		rig_send(&r, SW_OUTSIDE, &a);
		ck_assert_uint_eq(r.n_sent, 0);
		a.vlan_tci[0] = 100;
		rig_send(&r, SW_OUTSIDE, &a);
		ck_assert_uint_eq(r.n_sent, 1);
		ck_assert_uint_eq(r.sent[0].seen.n_vlan, tags);
	}
	struct pkt_make m = rig_client_syn(&conn4);

	m.n_vlan = 3;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_VLAN_DEPTH), 1);
}
END_TEST

/* Malformed TCP headers for the server's address, and for another one. */
START_TEST(short_tcp_header)
{
	uint8_t b[PKT_MAX];

	for (unsigned keep = 0; keep < 20; keep++) {
		for (unsigned ours = 0; ours < 2; ours++) {
			struct pkt_make m = rig_client_syn(&conn4);
			uint64_t before = rig_drop(&r, SW_DROP_TCP_HEADER);

			m.dst[3] = ours ? m.dst[3] : 99;
			m.proto = 6;
			size_t len = pkt_make(b, sizeof(b), &m) - 20 + keep;

			b[14 + 3] = (uint8_t)(20 + keep); /* IP total length */
			b[14 + 10] = b[14 + 11] = 0;
			uint16_t sum = pkt_sum(0, b + 14, 20);

			b[14 + 10] = (uint8_t)(sum >> 8);
			b[14 + 11] = (uint8_t)sum;
			rig_queue_raw(&r, SW_OUTSIDE, b, len, 0);
			rig_run(&r);
			ck_assert_msg(r.n_sent == !ours, "%u bytes of TCP", keep);
			ck_assert_uint_eq(rig_drop(&r, SW_DROP_TCP_HEADER), before + ours);
		}
	}
}
END_TEST

START_TEST(fragments)
{
	struct pkt_make m = rig_client_syn(&conn4);

	m.frag = 0x2000; /* first fragment */
	rig_send(&r, SW_OUTSIDE, &m);
	m.frag = 3;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_FRAGMENT), 2);
	m.proto = 17; /* UDP */
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 1);
	ck_assert_uint_eq(r.sent[0].side, SW_INSIDE);
	m.proto = 0;
	m.dst[3] = 77; /* not a protected address */
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 1);
	ck_assert_uint_eq(r.sent[0].side, SW_INSIDE);
}
END_TEST

START_TEST(respond_mode)
{
	struct rig_conn c = conn4;
	struct pkt_make m;

	c.sport = 81;
	rig_syn(&r, &c);
	m = rig_client(&c);
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_RESPOND_ACCEPTED), 1);
	m.flags = SW_TCP_FIN | SW_TCP_ACK;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.n_sent, 1);
	ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_FIN | SW_TCP_ACK);
	ck_assert_uint_eq(r.sent[0].seen.seq, c.k + 1);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.c + 2);
	ck_assert_uint_eq(r.sent[0].side, SW_OUTSIDE);
	m.flags = SW_TCP_ACK;
	m.payload = (const uint8_t *)"abc";
	m.payload_len = 3;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(r.sent[0].seen.flags, SW_TCP_RST | SW_TCP_ACK);
	ck_assert_uint_eq(r.sent[0].seen.ack, c.c + 4);
	m.ack++;
	rig_send(&r, SW_OUTSIDE, &m);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_COOKIE_BAD), 1);
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_TX_INSIDE), 0);
}
END_TEST

START_TEST(table_full_refuses_the_new)
{
	struct rig small;
	struct rig_params p = {.flows = 64, .pending = 256};
	unsigned opened = 0;

	rig_init(&small, &p);
	for (unsigned i = 0; i < 100; i++) {
		struct rig_conn c = conn4;

		c.cport = (uint16_t)(1000 + i);
		rig_syn(&small, &c);
		struct pkt_make m = rig_client(&c);

		rig_send(&small, SW_OUTSIDE, &m);
		opened += small.n_sent;
	}
	ck_assert_uint_eq(opened, rig_flows(&small));
	ck_assert_uint_le(opened, 64);
	ck_assert_uint_ge(opened, 56);
	ck_assert_uint_eq(rig_drop(&small, SW_DROP_TABLE_FULL), 100 - opened);
	rig_fini(&small);
}
END_TEST

/* The same where there is room, but not in the two buckets of this tuple. */
START_TEST(full_buckets_refuse_the_new)
{
	enum { FLOWS = 81, BOTH = 2 * SW_FLOW_BUCKET_SLOTS };
	struct rig small;
	struct rig_params p = {.flows = FLOWS, .pending = 256};
	struct rig_conn c = conn4;
	unsigned tried = 0;

	rig_init(&small, &p);
	for (c.cport = 1; tried <= BOTH; c.cport++) {
		const struct sw_tuple t = rig_tuple(&c);
		const struct sw_flow_place at =
			sw_flow_place_of(sw_flow_ground(sw_engine_flows(small.e)), &t);

		if (at.b[0] > 1 || at.b[1] > 1) /* of three */
			continue;
		rig_syn(&small, &c);
		struct pkt_make m = rig_client(&c);

		rig_send(&small, SW_OUTSIDE, &m);
		ck_assert_uint_eq(small.n_sent, tried < BOTH);
		tried++;
	}
	ck_assert_uint_eq(rig_flows(&small), BOTH);
	ck_assert_uint_eq(rig_drop(&small, SW_DROP_TABLE_FULL), 1);
	rig_fini(&small);
}
END_TEST

START_TEST(pending_full_refuses_the_new)
{
	for (unsigned i = 0; i < 70; i++) {
		struct rig_conn c = conn4;

		c.cport = (uint16_t)(1000 + i);
		rig_syn(&r, &c);
		struct pkt_make m = rig_client(&c);

		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(r.n_sent, i < 64);
	}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_PENDING_FULL), 6);
	ck_assert_uint_eq(rig_flows(&r), 64);
	rig_tick(&r, 16000); /* all of them are given up, and the places are free again */
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(sw_engine_gauges(r.e).pending, 0);
	struct rig_conn c = conn4;

	rig_open(&r, &c);
}
END_TEST

/*
 * No spare buffer: the SYN that data would have needed one for is sent by the timer,
 * the data is kept.
 */
START_TEST(without_spares_nothing_is_lost)
{
	struct rig_conn c = conn4;
	struct pkt_make m;
	struct sw_frame f;
	uint8_t b[PKT_MAX];

	rig_syn(&r, &c);
	m = rig_client(&c);
	m.payload = (const uint8_t *)"GET /";
	m.payload_len = 5;
	size_t len = pkt_make(b, sizeof(b), &m);
	struct sw_out *none = calloc(1, sizeof(*none));

	f = (struct sw_frame){.data = b,
		.len = (uint32_t)len,
		.pkt_len = (uint32_t)len,
		.room = (uint16_t)(sizeof(b) - len),
		.side = SW_OUTSIDE,
		.handle = b};
	sw_engine_burst(r.e, &r.view, r.now_ns, &f, 1, none);
	ck_assert_uint_eq(none->n_tx[SW_INSIDE], 0);
	ck_assert_uint_eq(none->n_free, 0);
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 1);
	/* One second later. */
	none->n_spare = 0;
	r.now_ns += 1000000000;
	sw_engine_tick(r.e, &r.view, r.now_ns, none); /* still none: tried again by the next tick */
	ck_assert_uint_eq(none->n_tx[SW_INSIDE], 0);
	uint8_t spare[PKT_MAX];

	none->spare[none->n_spare++] = (struct sw_frame){.data = spare, .room = sizeof(spare)};
	r.now_ns += 10000000;
	sw_engine_tick(r.e, &r.view, r.now_ns, none);
	ck_assert_uint_eq(none->n_tx[SW_INSIDE], 1);
	ck_assert(sw_engine_drain(r.e, none));
	ck_assert_ptr_eq(none->free[none->n_free - 1], b);
	free(none);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine policy");
	TCase *c = tcase_create("engine policy");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, modes_and_sources);
	tcase_add_test(c, multicast_frame_gets_no_cookie);
	tcase_add_test(c, bad_checksum_gets_no_cookie);
	tcase_add_test(c, packets_without_a_flow);
	tcase_add_test(c, bridging_changes_nothing);
	tcase_add_test(c, tagged_syn_is_challenged);
	tcase_add_test(c, short_tcp_header);
	tcase_add_test(c, fragments);
	tcase_add_test(c, respond_mode);
	tcase_add_test(c, table_full_refuses_the_new);
	tcase_add_test(c, full_buckets_refuse_the_new);
	tcase_add_test(c, pending_full_refuses_the_new);
	tcase_add_test(c, without_spares_nothing_is_lost);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_FORK_GETENV);
}
