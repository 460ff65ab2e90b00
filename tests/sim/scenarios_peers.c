/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenarios_peers.c - whole connections between model peers, with chosen packets lost.
 */
#include <string.h>

#include "scenarios.h"

/* Which packet a script loses: the n-th (from 1) on that leg with these flags. */
struct loss {
	enum leg leg;
	uint8_t flags; /* of SYN, ACK, FIN, RST: exactly these */
	bool data;     /* with payload, or without */
	unsigned first, last;
	unsigned seen;
};

#define JUDGED (SEG_SYN | SEG_ACK | SEG_FIN | SEG_RST)

static bool
lose(void *ctx, enum leg leg, const struct seg *s, const struct conn *c)
{
	struct loss *l = ctx;

	(void)c;
	if (leg != l->leg || (s->flags & JUDGED) != l->flags || (s->pay_len > 0) != l->data)
		return false;
	l->seen++;
	return l->seen >= l->first && l->seen <= l->last;
}

struct play {
	struct world_cfg cfg;
	struct conn conn;
	struct world w;
};

static struct play play; /* too large for the stack */

static void
play_init(uint64_t up, uint64_t down)
{
	struct conn *c = &play.conn;

	memset(&play, 0, sizeof(play));
	plan_defaults(&play.cfg);
	c->path = seg_path_make(false, 1, 40000, RIG_PORT_PROXY, 0, 0);
	c->ccfg = plan_peer();
	c->scfg = plan_peer();
	c->ccfg.iss = 0xfffffff0u;
	c->scfg.iss = 0x80000000u;
	c->ccfg.tx_total = c->scfg.rx_total = up;
	c->scfg.tx_total = c->ccfg.rx_total = down;
	c->ccfg.tx_key = c->scfg.rx_key = 11;
	c->scfg.tx_key = c->ccfg.rx_key = 22;
	c->scfg.close = CLOSE_AFTER_PEER;
	c->scfg.early_window = play.cfg.rig.window;
	c->scfg.ts_slack_ms = 20000;
	c->ccfg.in_order = c->scfg.in_order = true;
}

static void
play_run(struct loss *l)
{
	sim_fail_clear();
	world_init(&play.w, &play.cfg, &play.conn, 1);
	if (l != NULL) {
		play.w.filter = lose;
		play.w.filter_ctx = l;
	}
	world_run(&play.w, SIM_NEVER);
	ck_assert_msg(!sim_failed(), "%s", sim_failure());
}

static void
play_end(void)
{
	world_expire(&play.w);
	world_fini(&play.w);
	ck_assert_msg(!sim_failed(), "%s", sim_failure());
}

/* Both ends have everything and have closed. */
static void
assert_served(void)
{
	const struct tcp_peer *cl = play.conn.client, *sv = conn_server(&play.conn);

	ck_assert_ptr_nonnull(sv);
	ck_assert_uint_eq(peer_rx(cl), cl->cfg.rx_total);
	ck_assert_uint_eq(peer_rx(sv), sv->cfg.rx_total);
	ck_assert(cl->fin_rcvd && cl->fin_acked && sv->fin_rcvd && sv->fin_acked);
	ck_assert_uint_eq(play.conn.n_servers, 1);
}

/* What is lost, and what of the front end's own doing that costs. */
static const struct {
	struct loss loss;
	uint64_t up, down;
	uint64_t syn_again, cookies; /* SYNs sent to the server again, cookies accepted */
	bool client_again;	     /* the client has to repeat something */
} lost[] = {
	/* nothing */
	{{LEG_C_F, 0, false, 0, 0, 0}, 1000, 5000, 0, 1, false},
	/* SYN of the client; SYN-ACK to it */
	{{LEG_C_F, SEG_SYN, false, 1, 1, 0}, 1000, 5000, 0, 1, true},
	{{LEG_F_C, SEG_SYN | SEG_ACK, false, 1, 1, 0}, 1000, 5000, 0, 1, true},
	/* handshake ACK of the client: its first data opens instead */
	{{LEG_C_F, SEG_ACK, false, 1, 1, 0}, 1000, 5000, 0, 1, false},
	/* the ACK and the first data: the data again */
	{{LEG_C_F, SEG_ACK, true, 1, 1, 0}, 20000, 5000, 0, 1, true},
	/* SYN to the server, twice */
	{{LEG_F_S, SEG_SYN, false, 1, 1, 0}, 1000, 5000, 1, 1, true},
	{{LEG_F_S, SEG_SYN, false, 1, 2, 0}, 1000, 5000, 2, 1, true},
	/* SYN-ACK of the server: its own timer or the front end's, both of one second */
	{{LEG_S_F, SEG_SYN | SEG_ACK, false, 1, 1, 0}, 0, 5000, 1, 1, false},
	/* the front end's ACK to the server: data follows, or SYN-ACK again */
	{{LEG_F_S, SEG_ACK, false, 1, 1, 0}, 1000, 5000, 0, 1, false},
	{{LEG_F_S, SEG_ACK, false, 1, 1, 0}, 0, 5000, 0, 1, false},
	/* the ACK that opens the client's window */
	{{LEG_F_C, SEG_ACK, false, 1, 1, 0}, 100000, 5000, 0, 1, false},
};

START_TEST(one_packet_is_lost)
{
	struct loss l = lost[_i].loss;
	uint64_t again;

	play_init(lost[_i].up, lost[_i].down);
	play_run(&l);
	assert_served();
	if (l.last != 0)
		ck_assert_uint_ge(l.seen, l.last);
	again = rig_count(&play.w.rig, SW_C_SERVER_SYN_RETRANSMITTED);
	ck_assert_uint_le(again, lost[_i].syn_again);
	if (l.leg == LEG_F_S && l.flags == SEG_SYN)
		ck_assert_uint_eq(again, lost[_i].syn_again);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_COOKIE_ACCEPTED), lost[_i].cookies);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_FLOW_CREATED), 1);
	ck_assert_int_eq(play.conn.client->n_retransmitted > 0, lost[_i].client_again);
	play_end();
}
END_TEST

/* Sent at once after connect(), answered without waiting for any timer. */
START_TEST(early_data_waits_for_no_timer)
{
	static const uint64_t up[] = {1, 1460, 20000, 32768};
	uint64_t rtt = 20 * SIM_MS;

	play_init(up[_i], 300);
	play.conn.ccfg.cwnd = 40;
	play_run(NULL);
	assert_served();
	ck_assert_uint_eq(play.conn.client->n_retransmitted, 0);
	ck_assert_uint_eq(conn_server(&play.conn)->n_retransmitted, 0);
	ck_assert_uint_gt(rig_count(&play.w.rig, SW_C_HELD), 0);
	ck_assert_uint_eq(
		rig_count(&play.w.rig, SW_C_HELD), rig_count(&play.w.rig, SW_C_HELD_RELEASED));
	/* Server established one path after the client's ACK has come: within two round trips. */
	ck_assert_uint_le(conn_server(&play.conn)->established_ns - play.cfg.epoch_ns, 2 * rtt);
	play_end();
}
END_TEST

START_TEST(refused_client_learns_at_once)
{
	play_init(500, 0);
	play.conn.server_kind = SERVER_REFUSES;
	play_run(NULL);
	ck_assert_int_eq(play.conn.client->end, END_RESET);
	ck_assert_uint_eq(play.conn.client->n_retransmitted, 0);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_SERVER_REFUSED), 1);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_FLOW_FAILED), 1);
	ck_assert_uint_eq(rig_gauges(&play.w.rig).flows, 0);
	play_end();
}
END_TEST

START_TEST(silent_server_ends_in_a_reset)
{
	play_init(500, 0);
	play.conn.server_kind = SERVER_SILENT;
	play_run(NULL);
	ck_assert_int_eq(play.conn.client->end, END_RESET);
	ck_assert_uint_eq(play.conn.syns_at_server, 1 + SW_SERVER_SYN_TRIES);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_SERVER_TIMED_OUT), 1);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_HELD_DISCARDED), 1);
	play_end();
}
END_TEST

/* No packet of the front end's own is possible but in the buffers that came in. */
START_TEST(one_spare_buffer_is_enough)
{
	play_init(30000, 30000);
	play.cfg.rig.spares = 1;
	play_run(NULL);
	assert_served();
	play_end();
}
END_TEST

START_TEST(half_close_keeps_flowing)
{
	play_init(0, 100000);
	play.conn.ccfg.close = CLOSE_WHEN_SENT; /* FIN with the handshake */
	play.conn.scfg.close = CLOSE_WHEN_SENT;
	play.conn.scfg.write_chunk = 10000;
	play.conn.scfg.write_every_ns = 12 * SIM_SEC; /* two minutes in all */
	play_run(NULL);
	assert_served();
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_FLOW_EXPIRED), 0);
	play_end();
}
END_TEST

Suite *
suite_peers(void)
{
	Suite *s = suite_create("peers");
	TCase *t = tcase_create("connections");

	tcase_set_timeout(t, 0);
	tcase_add_loop_test(t, one_packet_is_lost, 0, (int)SW_ARRAY_LEN(lost));
	tcase_add_loop_test(t, early_data_waits_for_no_timer, 0, 4);
	tcase_add_test(t, refused_client_learns_at_once);
	tcase_add_test(t, silent_server_ends_in_a_reset);
	tcase_add_test(t, one_spare_buffer_is_enough);
	tcase_add_test(t, half_close_keeps_flowing);
	suite_add_tcase(s, t);
	return s;
}
