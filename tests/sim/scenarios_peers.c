/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenarios_peers.c - whole connections between model peers, with chosen packets lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	uint64_t acks, opened;	     /* ACKs of its own to the server, and to the client */
	bool client_again;	     /* the client has to repeat something */
	/* What is special about the ends. */
	bool server_first;    /* the client says nothing before the server, and closes after it */
	uint16_t server_mss;  /* less than was promised */
	uint32_t client_cwnd; /* segments at once: the window is filled */
} lost[] = {
	/* nothing */
	{{LEG_C_F, 0, false, 0, 0, 0}, 1000, 5000, 0, 1, 0, 0, false},
	/* SYN of the client; SYN-ACK to it */
	{{LEG_C_F, SEG_SYN, false, 1, 1, 0}, 1000, 5000, 0, 1, 0, 0, true},
	{{LEG_F_C, SEG_SYN | SEG_ACK, false, 1, 1, 0}, 1000, 5000, 0, 1, 0, 0, true},
	/* handshake ACK of the client: its first data opens instead */
	{{LEG_C_F, SEG_ACK, false, 1, 1, 0}, 1000, 5000, 0, 1, 0, 0, false},
	/* the first data: what is held begins with a gap */
	{{LEG_C_F, SEG_ACK, true, 1, 1, 0}, 20000, 5000, 0, 1, 1, 1, true},
	/* SYN to the server, twice */
	{{LEG_F_S, SEG_SYN, false, 1, 1, 0}, 1000, 5000, 1, 1, 1, 1, true},
	{{LEG_F_S, SEG_SYN, false, 1, 2, 0}, 1000, 5000, 2, 1, 1, 1, true},
	/* SYN-ACK of the server: its own timer or the front end's, both of one second */
	{{LEG_S_F, SEG_SYN | SEG_ACK, false, 1, 1, 0}, 0, 5000, 1, 1, 2, 1, false},
	/* the front end's ACK to the server: data follows, or SYN-ACK again */
	{{LEG_F_S, SEG_ACK, false, 1, 1, 0}, 1000, 5000, 0, 1, 1, 1, false, .server_mss = 1000},
	{{LEG_F_S, SEG_ACK, false, 1, 1, 0}, 0, 5000, 0, 1, 2, 1, false, .server_first = true},
	/* held data that acknowledges the SYN-ACK: the client's timer is the shorter one */
	{{LEG_F_S, SEG_ACK, true, 1, 1, 0}, 1000, 5000, 0, 1, 0, 0, true},
	/* the ACK that opens the client's window */
	{{LEG_F_C, SEG_ACK, false, 1, 1, 0}, 100000, 5000, 0, 1, 0, 1, false, .client_cwnd = 40},
};

/* The first ACK without data on a leg is the front end's own, where it makes one: acks, opened. */
START_TEST(one_packet_is_lost)
{
	struct loss l = lost[_i].loss;
	uint64_t again;

	play_init(lost[_i].up, lost[_i].down);
	if (lost[_i].server_first) {
		play.conn.ccfg.close = CLOSE_AFTER_PEER;
		play.conn.scfg.close = CLOSE_WHEN_SENT;
	}
	if (lost[_i].server_mss)
		play.conn.scfg.mss = lost[_i].server_mss;
	if (lost[_i].client_cwnd)
		play.conn.ccfg.cwnd = lost[_i].client_cwnd;
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
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_SERVER_ACK_SENT), lost[_i].acks);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_CLIENT_OPENED), lost[_i].opened);
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

/* Two hours without a packet, timers of the front end of a little more, no keepalives. */
START_TEST(idle_for_hours)
{
	uint64_t hours = 2 * 3600 * SIM_SEC;

	play_init(3000, 2000);
	play.conn.ccfg.write_chunk = 1500;
	play.conn.ccfg.write_every_ns = hours;
	play.conn.ccfg.keepalive_ns = play.conn.scfg.keepalive_ns = 3 * hours;
	play.conn.scfg.ts_slack_ms = 10000;
	play.cfg.limit_ns = 5 * hours;
	play.cfg.rig.timeouts.state_ms[SW_FLOW_OPEN] = (uint32_t)(hours / SIM_MS) + 60000;
	play.cfg.rig.timeouts.state_ms[SW_FLOW_QUIET] = (uint32_t)(hours / SIM_MS) + 60000;
	play_run(NULL);
	assert_served();
	ck_assert_uint_gt(play.w.now - play.cfg.epoch_ns, 2 * hours);
	ck_assert_uint_eq(play.conn.client->n_retransmitted, 0);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_FLOW_EXPIRED), 0);
	play_end();
}
END_TEST

/* A machine that starts anew and takes the same port again at once; its server is still there. */
START_TEST(rebooted_client_on_a_live_tuple)
{
	static struct conn conns[2];

	play_init(1000, 100000);
	conns[0] = conns[1] = play.conn;
	conns[0].scfg.write_chunk = 1000;
	conns[0].scfg.write_every_ns = SIM_SEC;
	conns[0].ccfg.abort_ns = 3 * SIM_SEC;
	conns[0].ccfg.vanish = true;
	conns[1].ccfg.iss = 0x12345678; /* not beyond the old one */
	conns[1].scfg.iss = 0x90000000;
	conns[1].after = &conns[0];
	sim_fail_clear();
	world_init(&play.w, &play.cfg, conns, 2);
	world_run(&play.w, SIM_NEVER);
	ck_assert_msg(!sim_failed(), "%s", sim_failure());
	ck_assert_int_eq(conns[0].client->end, END_ABORTED);
	ck_assert_int_eq(conn_server(&conns[0])->end, END_RESET);
	ck_assert_uint_eq(peer_rx(conns[1].client), 100000);
	ck_assert_uint_eq(peer_rx(conn_server(&conns[1])), 1000);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_LIVE_SYN_PASSED), 1);
	play_end();
}
END_TEST

/* Who opens it: the server alone, or both at one time; nothing of it is translated. */
START_TEST(server_opens)
{
	play_init(20000, 30000);
	play.conn.opener = (enum opener)_i;
	play.conn.ccfg.in_order = play.conn.scfg.in_order = false;
	play.conn.ccfg.ts_slack_ms = 1000;
	play_run(NULL);
	assert_served();
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_FLOW_FROM_SERVER), 1);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_COOKIE_ACCEPTED), 0);
	ck_assert_uint_eq(play.conn.client->irs, conn_server(&play.conn)->iss);
	play_end();
}
END_TEST

/* A lost handshake ACK where the server is to speak first: the SYN-ACK comes again. */
START_TEST(server_speaks_first_after_a_lost_ack)
{
	struct loss l = {LEG_C_F, SEG_ACK, false, 1, 2, 0};

	play_init(0, 5000);
	play.conn.scfg.close = CLOSE_WHEN_SENT;
	play.conn.ccfg.close = CLOSE_AFTER_PEER;
	play_run(&l);
	assert_served();
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_SYNACK_RETRANSMITTED), 2);
	/* After 1 and 2 s more. */
	ck_assert_uint_le(conn_server(&play.conn)->established_ns - play.cfg.epoch_ns,
		3 * SIM_SEC + 300 * SIM_MS);
	play_end();
}
END_TEST

/* What was written for tcpdump is what went over the wires, in order. */
START_TEST(pcap_round_trip)
{
	char path[] = "/tmp/synward-sim-XXXXXX";
	uint8_t head[24], row[16], frame[RIG_FRAME_MAX];
	uint32_t magic, sec, last = 0, len;
	struct trace trace = {0};
	struct seg_path got;
	size_t rows = 0, inner = 0;
	struct seg s;
	FILE *f;

	play_init(5000, 5000);
	sim_fail_clear();
	world_init(&play.w, &play.cfg, &play.conn, 1);
	play.w.trace = &trace;
	world_run(&play.w, SIM_NEVER);
	for (size_t i = 0; i < trace.n; i++)
		inner += trace.row[i].leg >= LEG_F_S;
	close(mkstemp(path));
	ck_assert(trace_write_pcap(&trace, path, true));
	f = fopen(path, "rb");
	ck_assert_uint_eq(fread(head, sizeof(head), 1, f), 1);
	memcpy(&magic, head, 4);
	ck_assert_uint_eq(magic, 0xa1b2c3d4u);
	while (fread(row, sizeof(row), 1, f) == 1) {
		memcpy(&sec, row, 4);
		memcpy(&len, row + 8, 4);
		ck_assert_uint_ge(sec, last);
		ck_assert_uint_le(len, sizeof(frame));
		ck_assert_uint_eq(fread(frame, len, 1, f), 1);
		ck_assert_ptr_null(seg_parse(frame, len, &got, &s));
		if (rows++ == 0)
			ck_assert_uint_eq(s.flags, SEG_SYN);
		last = sec;
	}
	ck_assert_uint_gt(inner, 6);
	ck_assert_uint_eq(rows, inner);
	fclose(f);
	unlink(path);
	trace_fini(&trace);
	play_end();
}
END_TEST

/*
 * A server without timestamps so far away that it repeats its SYN-ACK before our RST can have
 * come: that RST was not lost. Where our own timer sends a SYN between the RST and that repetition,
 * it is taken for lost all the same: with a round trip of one second to the server, which is our
 * first timer, and with two seconds or more, where our second one runs (3 s) before the repetition
 * is there. Those are not in here.
 */
START_TEST(reset_on_its_way_is_not_lost)
{
	static const unsigned one_way_ms[] = {450, 550, 600, 650, 700, 750, 800, 850, 900, 950};

	play_init(1000, 5000);
	play.conn.scfg.ts = false;
	play.cfg.link[LEG_F_S].delay_ns = play.cfg.link[LEG_S_F].delay_ns = one_way_ms[_i] * SIM_MS;
	play_run(NULL);
	ck_assert_uint_eq(peer_rx(play.conn.client), 5000);
	ck_assert_uint_eq(peer_rx(conn_server(&play.conn)), 1000);
	ck_assert_uint_eq(rig_count(&play.w.rig, SW_C_SERVER_RST_SENT), 1);
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
	tcase_add_test(t, idle_for_hours);
	tcase_add_test(t, rebooted_client_on_a_live_tuple);
	tcase_add_loop_test(t, server_opens, OPENS_SERVER, OPENS_BOTH + 1);
	tcase_add_test(t, server_speaks_first_after_a_lost_ack);
	tcase_add_test(t, pcap_round_trip);
	tcase_add_loop_test(t, reset_on_its_way_is_not_lost, 0, 10);
	suite_add_tcase(s, t);
	return s;
}
