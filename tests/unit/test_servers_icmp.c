/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about either end's packets, with a connection, half-open, and without one
 * (lib/handshake/other.c, lib/splice/icmp.c).
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

/* An error of a router about a packet; type and code by family, `word` the second 32 bits. */
struct error {
	uint8_t type[2], code[2];
	uint32_t word;
	size_t quote; /* bytes of TCP that are quoted; 0: all */
	size_t extra; /* bytes behind the quoted packet: extensions (RFC 4884) */
};

/* ICMP checksum at its place; for v6 over the pseudo-header too. */
static void
set_icmp_sum(uint8_t *frame, size_t len, bool v6)
{
	uint8_t *icmp = frame + 14 + (v6 ? 40 : 20);
	size_t n = len - (size_t)(icmp - frame);
	uint8_t ps[40] = {0};
	uint32_t start = 0;

	if (v6) {
		memcpy(ps, frame + 22, 32);
		ps[34] = (uint8_t)(n >> 8);
		ps[35] = (uint8_t)n;
		ps[39] = 58;
		start = 0xffffu - pkt_sum(0, ps, sizeof(ps));
	}
	icmp[2] = icmp[3] = 0;
	uint16_t sum = pkt_sum(start, icmp, n);

	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
}

static bool
icmp_sum_ok(const uint8_t *frame, size_t len, bool v6)
{
	uint8_t b[PKT_MAX];

	memcpy(b, frame, len);
	set_icmp_sum(b, len, v6);
	return memcmp(b, frame, len) == 0;
}

/* The error about m, as it goes to m's sender, into b. */
static size_t
make_error(uint8_t *b, const struct pkt_make *m, const struct error *e)
{
	uint8_t quoted[PKT_MAX], msg[PKT_MAX];
	size_t len = pkt_make(quoted, sizeof(quoted), m), hdr = m->v6 ? 40 : 20;
	size_t n = e->quote ? hdr + e->quote : len - 14;
	struct pkt_make out = {.v6 = m->v6, .proto = m->v6 ? 58 : 1, .payload = msg};

	memset(msg, 0, 8);
	msg[0] = e->type[m->v6];
	msg[1] = e->code[m->v6];
	for (unsigned i = 0; i < 4; i++)
		msg[4 + i] = (uint8_t)(e->word >> (24 - 8 * i));
	memcpy(msg + 8, quoted + 14, n);
	memset(msg + 8 + n, 0x20, e->extra);
	out.payload_len = 8 + n + e->extra;
	memcpy(out.src, m->dst, 16);
	out.src[m->v6 ? 15 : 3] = 0xfe; /* a router */
	memcpy(out.dst, m->src, 16);
	memcpy(out.src_mac, m->dst_mac, 6);
	memcpy(out.dst_mac, m->src_mac, 6);
	len = pkt_make(b, PKT_MAX, &out);
	set_icmp_sum(b, len, m->v6);
	return len;
}

static size_t
send_error(unsigned side, const struct pkt_make *m, const struct error *e, uint8_t *b)
{
	size_t len = make_error(b, m, e);

	rig_queue_raw(&r, side, b, len, 0);
	rig_run(&r);
	return len;
}

static const struct error port_unreachable = {{3, 1}, {3, 4}, 0, 8};
static const struct error too_big = {{3, 2}, {4, 0}, 1400};
static const struct error much_too_big = {{3, 2}, {4, 0}, 600}; /* RFC 8201, 4: the end judges */
static const struct error extended = {{11, 3}, {0, 0}, 0x00200000, .extra = 20};

/* Our SYN meets no server: the client is told at once, not after 15 s. */
START_TEST(server_cannot_be_reached)
{
	static const struct {
		const char *name;
		struct error e;
		bool ends;
	} cases[] = {
		{"network", {{3, 1}, {0, 0}, 0, 8}, true},
		{"host", {{3, 1}, {1, 3}, 0, 8}, true},
		{"forbidden", {{3, 1}, {13, 1}, 0, 20}, true},
		{"port", {{3, 1}, {3, 4}, 0, 0}, true},
		{"time exceeded", {{11, 3}, {0, 0}, 0, 8}, true},
		{"too big", {{3, 2}, {4, 0}, 1280, 8}, false},
	};

	for (unsigned i = 0; i < 2 * SW_ARRAY_LEN(cases); i++) {
		struct rig_conn c = i & 1 ? conn6 : conn4;
		bool ends = cases[i / 2].ends;
		struct pkt_make syn;
		uint8_t b[PKT_MAX];

		c.cport += (uint16_t)i;
		rig_to_state(&r, &c, SW_FLOW_SYN_SENT);
		syn = rig_client_syn(&c);
		uint64_t n = rig_stat(&r, SW_C_ICMP_UNREACHABLE);

		syn.seq++; /* about another SYN: a guess */
		send_error(SW_INSIDE, &syn, &cases[i / 2].e, b);
		ck_assert_msg(r.n_sent == 0, "%s", cases[i / 2].name);
		syn.seq--; /* from the wrong side: somebody outside who saw nothing of it */
		struct pkt_make back = rig_server(&c);

		back.seq = c.c;
		send_error(SW_OUTSIDE, &back, &cases[i / 2].e, b);
		ck_assert_msg(r.n_sent == 0, "%s", cases[i / 2].name);
		ck_assert(rig_flow(&r, &c) != NULL);
		send_error(SW_INSIDE, &syn, &cases[i / 2].e, b);
		ck_assert_msg(r.n_sent == ends, "%s", cases[i / 2].name);
		ck_assert_uint_eq(rig_stat(&r, SW_C_ICMP_UNREACHABLE), n + ends);
		ck_assert((rig_flow(&r, &c) == NULL) == ends);
		if (!ends)
			continue;
		const struct pkt_seen *s = &rig_only(&r, SW_OUTSIDE)->seen;

		ck_assert_uint_eq(s->flags, SW_TCP_RST | SW_TCP_ACK);
		ck_assert_uint_eq(s->seq, c.k + 1);
		ck_assert_uint_eq(s->ack, c.c + 1);
		ck_assert_uint_eq(s->dport, c.cport);
	}
}
END_TEST

/*
 * An error about a segment of an open connection is translated back to what its sender sent, with
 * all checksums; one end's way is the other's mirror image. RFC 5927, 4: the sender judges it.
 */
START_TEST(errors_are_translated)
{
	static const struct error *const errors[] = {
		&port_unreachable, &too_big, &much_too_big, &extended};

	for (unsigned i = 0; i < 16; i++) {
		struct rig_conn c = i & 1 ? conn6 : conn4;
		const struct error *e = errors[i >> 1 & 3];
		bool to_server = i & 8;
		struct pkt_make as_sent, as_seen;
		uint8_t b[PKT_MAX], want[PKT_MAX];

		c.cport += (uint16_t)(10 * i);
		rig_to_state(&r, &c, SW_FLOW_OPEN);
		as_sent = to_server ? rig_server(&c) : rig_client(&c);
		as_sent.payload = data;
		as_sent.payload_len = 40;
		rig_send(&r, to_server, &as_sent); /* what the router sees of it */
		const struct pkt_seen *s = &rig_only(&r, !to_server)->seen;

		as_seen = as_sent;
		as_seen.seq = s->seq;
		as_seen.ack = s->ack;
		size_t len = send_error(!to_server, &as_seen, e, b);

		make_error(want, &as_sent, e);
		ck_assert_msg(r.n_sent == 1, "round %u", i);
		ck_assert_uint_eq(r.sent[0].side, to_server ? SW_INSIDE : SW_OUTSIDE);
		ck_assert_uint_eq(r.sent[0].len, len);
		ck_assert_msg(icmp_sum_ok(r.sent[0].data, len, c.v6), "round %u", i);
		ck_assert_msg(memcmp(r.sent[0].data, want, len) == 0, "round %u", i);
		ck_assert_uint_eq(rig_flow(&r, &c)->state, SW_FLOW_OPEN);
	}
	ck_assert_uint_eq(rig_stat(&r, SW_C_ICMP_TRANSLATED), 16);
}
END_TEST

/* RFC 5382, REQ-10: no ICMP error ends a connection here, whatever its state. */
START_TEST(errors_end_nothing)
{
	for (unsigned st = SW_FLOW_QUIET; st < SW_FLOW_STATE_MAX; st++) {
		struct rig_conn c = conn4;
		struct pkt_make m;
		uint8_t b[PKT_MAX];

		c.cport += (uint16_t)st;
		rig_to_state(&r, &c, st);
		uint32_t deadline = rig_flow(&r, &c)->deadline_ms;

		m = rig_client(&c);
		send_error(SW_INSIDE, &m, &port_unreachable, b);
		ck_assert_uint_eq(r.n_sent, 1);
		ck_assert_uint_eq(rig_flow(&r, &c)->state, st);
		ck_assert_uint_eq(rig_flow(&r, &c)->deadline_ms, deadline);
	}
}
END_TEST

/* An error goes to the sender of what it quotes (RFC 792; RFC 4443, 3), else it is made up. */
START_TEST(error_for_another)
{
	struct rig_conn c = conn4;
	struct pkt_make m;
	uint8_t b[PKT_MAX];

	rig_to_state(&r, &c, SW_FLOW_OPEN);
	m = rig_client(&c);
	size_t len = make_error(b, &m, &port_unreachable);

	b[14 + 19] ^= 1; /* destination */
	b[14 + 10] = b[14 + 11] = 0;
	uint16_t sum = pkt_sum(0, b + 14, 20);

	b[14 + 10] = (uint8_t)(sum >> 8);
	b[14 + 11] = (uint8_t)sum;
	rig_queue_raw(&r, SW_INSIDE, b, len, 0);
	rig_run(&r);
	ck_assert_uint_eq(r.n_sent, 0);
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_ICMP_BAD), 1);
}
END_TEST

/* About a protected service, but of no connection: policy. About anything else: bridged. */
START_TEST(errors_without_a_connection)
{
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < 8; i++) {
			struct rig_conn c = i & 1 ? conn6 : conn4;
			unsigned side = i >> 1 & 1;
			bool ours = i < 4;
			struct pkt_make m;
			uint8_t b[PKT_MAX];

			c.sport = ours ? 80 : 84;
			m = side == SW_INSIDE ? rig_client(&c) : rig_server(&c);
			r.view.pass_icmp = pass;
			uint64_t drops = rig_drop(&r, SW_DROP_ICMP_NO_FLOW);
			size_t len = send_error(side, &m, &too_big, b);
			bool passes = pass || !ours;

			ck_assert_uint_eq(r.n_sent, passes);
			ck_assert_uint_eq(rig_drop(&r, SW_DROP_ICMP_NO_FLOW), drops + !passes);
			if (passes)
				ck_assert(r.sent[0].side != side && r.sent[0].len == len &&
					  memcmp(r.sent[0].data, b, len) == 0);
		}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("servers icmp");
	TCase *c = tcase_create("servers icmp");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, server_cannot_be_reached);
	tcase_add_test(c, errors_are_translated);
	tcase_add_test(c, errors_end_nothing);
	tcase_add_test(c, error_for_another);
	tcase_add_test(c, errors_without_a_connection);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
