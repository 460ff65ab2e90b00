/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that end too early, in each of the ways in which they can. */
#include <check.h>

#include "packet/parse.h"
#include "parse_cases.h"
#include "parse_run.h"

/* Every frame length short of the whole: the reason is known exactly. */
START_TEST(truncated_frames)
{
	uint8_t buf[PKT_MAX];
	const size_t len = pkt_make(buf, sizeof(buf), &good[_i]);
	struct pkt_seen s;

	ck_assert(pkt_read(buf, len, &s));
	const size_t ip_hdr = s.v6 ? 40 : s.l4_off - s.l3_off;
	const size_t ip_end = (size_t)(s.payload - buf) + s.payload_len;

	for (size_t n = 0; n < len; n++) {
		struct run *r = parse(buf, n, 0, SW_OUTSIDE, 0);

		if (n >= ip_end)
			ck_assert_int_eq(r->p.kind, SW_PKT_TCP); /* only padding is gone */
		else
			ck_assert_msg(r->p.reason == (n < s.l3_off + ip_hdr ? SW_DROP_FRAME_SHORT
									    : SW_DROP_IP_LENGTH),
				"packet %d of %zu bytes: reason %d", _i, n, r->p.reason);
		done(r);
	}
}
END_TEST

/* The same where the rest of the packet is there, but in further segments. */
START_TEST(truncated_first_segment)
{
	uint8_t buf[PKT_MAX];
	const size_t len = pkt_make(buf, sizeof(buf), &good[_i]);
	struct pkt_seen s;

	ck_assert(pkt_read(buf, len, &s));
	for (size_t n = 0; n < len; n++) {
		struct run *r = parse(buf, n, len, SW_INSIDE, 0);
		const char *what = "first segment";

		if (n < s.l4_off) {
			ck_assert_int_eq(r->p.reason, SW_DROP_FRAME_SHORT);
		} else if (n < (size_t)(s.payload - buf)) {
			const bool ports = n >= s.l4_off + 4;

			ck_assert_int_eq(r->p.reason, SW_DROP_TCP_HEADER);
			check_tuple(&r->p,
				tuple_of(s.v6, s.src, s.dst, ports ? s.sport : 0,
					ports ? s.dport : 0, vlan_of(&s), SW_INSIDE),
				what);
		} else {
			ck_assert_int_eq(r->p.kind, SW_PKT_TCP);
			check_tcp(r, &s, buf, what);
			ck_assert(sw_pkt_tcp_csum_ok(&r->p)); /* not to be judged here */
		}
		done(r);
	}
}
END_TEST

static void
set_ip_len(uint8_t *buf, const struct pkt_seen *s, size_t end)
{
	uint8_t *at = buf + s->l3_off + (s->v6 ? 4 : 2);
	const size_t v = end - s->l3_off - (s->v6 ? 40 : 0);

	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
	if (!s->v6) {
		uint8_t *ip = buf + s->l3_off;

		ip[10] = ip[11] = 0;
		const uint16_t c = pkt_sum(0, ip, s->l4_off - s->l3_off);

		ip[10] = (uint8_t)(c >> 8);
		ip[11] = (uint8_t)c;
	}
}

/* The same where the IP length agrees with the cut, which an honest looking attacker sends. */
START_TEST(truncated_packets)
{
	uint8_t buf[PKT_MAX];
	size_t len = pkt_make(buf, sizeof(buf), &good[_i]);
	struct pkt_seen s;

	ck_assert(pkt_read(buf, len, &s));
	const size_t pay = (size_t)(s.payload - buf);
	const size_t start = s.l3_off + (s.v6 ? 40 : 20);

	len = pay + s.payload_len;
	for (size_t n = start; n < len; n++) {
		struct run *r;

		set_ip_len(buf, &s, n);
		r = parse(buf, n, 0, SW_OUTSIDE, 0);
		if (n < s.l4_off) {
			ck_assert_int_eq(
				r->p.reason, s.v6 ? SW_DROP_IP_LENGTH : SW_DROP_FRAME_SHORT);
		} else if (n < pay) {
			const bool ports = n >= s.l4_off + 4;

			ck_assert_int_eq(r->p.reason, SW_DROP_TCP_HEADER);
			check_tuple(&r->p,
				tuple_of(s.v6, s.src, s.dst, ports ? s.sport : 0,
					ports ? s.dport : 0, vlan_of(&s), SW_OUTSIDE),
				"cut");
		} else {
			ck_assert_int_eq(r->p.kind, SW_PKT_TCP);
			ck_assert_uint_eq(r->p.pay_len, n - pay);
		}
		done(r);
		/* All bytes are there, but the IP length leaves them out. */
		r = parse(buf, len, 0, SW_OUTSIDE, 0);
		ck_assert_int_eq(r->p.kind, n < pay ? SW_PKT_BAD : SW_PKT_TCP);
		if (n < pay)
			ck_assert_int_eq(
				r->p.reason, n < s.l4_off ? SW_DROP_IP_LENGTH : SW_DROP_TCP_HEADER);
		else
			ck_assert_uint_eq(r->p.pay_len, n - pay);
		done(r);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parse_cut");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, truncated_frames, 0, SW_ARRAY_LEN(good));
	tcase_add_loop_test(tc, truncated_first_segment, 0, SW_ARRAY_LEN(good));
	tcase_add_loop_test(tc, truncated_packets, 0, SW_ARRAY_LEN(good));
	suite_add_tcase(s, tc);
	return check_suite_run(s, CK_NOFORK);
}
