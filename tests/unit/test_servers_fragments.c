/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments and IP options of what comes for a protected service: none is a way around the
 * handshake (lib/handshake/other.c, lib/packet/ext.c).
 */
#include <check.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "splice/splice.h"
#include "unit/rig.h"

static struct rig r;
static uint8_t data[1200];

static const struct rig_conn conn4 = {.cport = 40000, .c = 0xfffffff0, .s = 7000};
static const struct rig_conn conn6 = {.v6 = true, .cport = 40001, .c = 5, .s = 0xffffffff};

static void
setup(void)
{
	rig_init(&r, NULL);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 5);
}

static void
teardown(void)
{
	rig_fini(&r);
}

/* An IPv4 fragment of a segment of c: bytes [from, to) of what follows the IP header. */
static void
send_fragment(unsigned side, const struct pkt_make *m, unsigned from, unsigned to, bool more)
{
	uint8_t whole[PKT_MAX], b[PKT_MAX];
	struct pkt_make f = *m;

	pkt_make(whole, sizeof(whole), m);
	f.proto = 6;
	f.frag = (uint16_t)((more ? 0x2000 : 0) | from / 8);
	f.opts_len = 0;
	size_t len = 14 + 20 + (to - from);

	f.payload_len = 0;
	pkt_make(b, sizeof(b), &f);
	memcpy(b + 34, whole + 34 + from, to - from);
	b[16] = (uint8_t)((len - 14) >> 8);
	b[17] = (uint8_t)(len - 14);
	b[24] = b[25] = 0;
	uint16_t sum = pkt_sum(0, b + 14, 20);

	b[24] = (uint8_t)(sum >> 8);
	b[25] = (uint8_t)sum;
	rig_queue_raw(&r, side, b, len, 0);
	rig_run(&r);
}

/* Puts the fragments that came out back together; true where it is the segment `want`. */
static bool
fragment_is(const struct pkt_make *want, unsigned from, unsigned to)
{
	uint8_t whole[PKT_MAX];

	pkt_make(whole, sizeof(whole), want);
	return r.n_sent == 1 && r.sent[0].len == 34 + to - from &&
	       memcmp(r.sent[0].data + 34, whole + 34 + from, to - from) == 0;
}

/* A fragmented segment of an open connection passes translated, where the policy lets it. */
START_TEST(fragments_of_a_connection)
{
	for (unsigned i = 0; i < 4; i++) {
		struct rig_conn c = conn4;
		unsigned side = i & 1;
		struct pkt_make m, want;

		c.cport += (uint16_t)i;
		rig_to_state(&r, &c, SW_FLOW_OPEN);
		m = side == SW_OUTSIDE ? rig_client(&c) : rig_server(&c);
		m.payload = data;
		m.payload_len = sizeof(data);
		want = m;
		want.seq = side == SW_OUTSIDE ? m.seq : c.k + 1;
		want.ack = side == SW_OUTSIDE ? c.s + 1 : m.ack;
		r.view.pass_fragments = i & 2;
		uint64_t drops = rig_drop(&r, SW_DROP_FRAGMENT);
		uint64_t passed = rig_stat(&r, SW_C_FRAGMENT_PASSED);

		send_fragment(side, &m, 0, 800, true);
		ck_assert_msg(fragment_is(&want, 0, 800) == !!(i & 2), "round %u", i);
		send_fragment(side, &m, 800, 1220, false);
		ck_assert_msg(fragment_is(&want, 800, 1220) == !!(i & 2), "round %u", i);
		ck_assert_uint_eq(rig_drop(&r, SW_DROP_FRAGMENT), drops + (i & 2 ? 0 : 2));
		ck_assert_uint_eq(rig_stat(&r, SW_C_FRAGMENT_PASSED), passed + (i & 2 ? 2 : 0));
	}
}
END_TEST

/* With pass, too, no fragment is a way around the handshake (RFC 1858, RFC 3128). */
START_TEST(fragments_that_never_pass)
{
	static const struct {
		const char *name;
		unsigned from, to;
		uint8_t flags;
		bool flow, passes;
	} cases[] = {
		{"first, no connection", 0, 800, SW_TCP_ACK, false, false},
		{"first, SYN, no connection", 0, 800, SW_TCP_SYN, false, false},
		{"first, SYN, connection", 0, 800, SW_TCP_SYN, true, false},
		{"first, header cut at its flags", 0, 8, SW_TCP_ACK, true, false},
		{"over the flags", 8, 808, SW_TCP_ACK, true, false},
		{"over the options", 56, 808, SW_TCP_ACK, true, false},
		{"behind the longest header", 64, 808, SW_TCP_ACK, true, true},
		{"behind it, no connection", 64, 808, SW_TCP_ACK, false, true},
	};

	r.view.pass_fragments = true;
	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = conn4;
		struct pkt_make m;

		c.cport += (uint16_t)i;
		if (cases[i].flow)
			rig_to_state(&r, &c, SW_FLOW_OPEN);
		m = rig_client(&c);
		m.flags = cases[i].flags;
		m.payload = data;
		m.payload_len = sizeof(data);
		uint64_t drops = rig_stat(&r, SW_C_DROPPED);

		send_fragment(SW_OUTSIDE, &m, cases[i].from, cases[i].to, true);
		ck_assert_msg(r.n_sent == cases[i].passes, "%s", cases[i].name);
		ck_assert_msg(rig_stat(&r, SW_C_DROPPED) == drops + !cases[i].passes, "%s",
			cases[i].name);
	}
}
END_TEST

/* RFC 6946: an IPv6 packet whole in one "fragment" is a packet: its SYN is challenged. */
START_TEST(atomic_fragment)
{
	static const uint8_t ext[8] = {6, 0, 0, 0, 1, 2, 3, 4};
	struct rig_conn c = conn6;
	struct pkt_make m = rig_client_syn(&c);

	m.ext = ext;
	m.ext_len = sizeof(ext);
	m.ext_first = 44;
	rig_send(&r, SW_OUTSIDE, &m);
	const struct pkt_seen *s = &rig_only(&r, SW_OUTSIDE)->seen;

	ck_assert_uint_eq(s->flags, SW_TCP_SYN | SW_TCP_ACK);
	ck_assert_uint_eq(s->ack, c.c + 1);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_FRAGMENT), 0);
}
END_TEST

/* RFC 7126, 4.3, 4.4: with hops left the packet is for another address than it says. */
START_TEST(source_routes)
{
	static const struct {
		const char *name;
		uint8_t opt[8];
		bool answered;
	} cases[] = {
		{"loose, a hop left", {131, 7, 4, 10, 0, 0, 1, 0}, false},
		{"strict, a hop left", {137, 7, 4, 10, 0, 0, 1, 0}, false},
		{"loose, behind a NOP", {1, 131, 7, 4, 10, 0, 0, 1}, false},
		{"loose, at its end", {131, 7, 8, 10, 0, 0, 1, 0}, true},
		{"record route", {7, 7, 4, 0, 0, 0, 0, 0}, true},
		{"router alert", {148, 4, 0, 0, 0, 0, 0, 0}, true},
		{"behind the end of the list", {0, 131, 7, 4, 10, 0, 0, 1}, true},
	};
	uint64_t drops = 0;

	for (unsigned i = 0; i < SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = conn4;
		struct pkt_make m;

		c.cport += (uint16_t)i;
		m = rig_client_syn(&c);
		m.ip_opts = cases[i].opt;
		m.ip_opts_len = 8;
		rig_send(&r, SW_OUTSIDE, &m);
		drops += !cases[i].answered;
		ck_assert_msg(r.n_sent == cases[i].answered, "%s", cases[i].name);
		ck_assert_msg(rig_drop(&r, SW_DROP_SOURCE_ROUTE) == drops, "%s", cases[i].name);
		if (cases[i].answered) /* F's own has none */
			ck_assert_uint_eq(r.sent[0].seen.l4_off - r.sent[0].seen.l3_off, 20);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("servers fragments");
	TCase *c = tcase_create("servers fragments");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, fragments_of_a_connection);
	tcase_add_test(c, fragments_that_never_pass);
	tcase_add_test(c, atomic_fragment);
	tcase_add_test(c, source_routes);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
