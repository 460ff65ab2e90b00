/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "report_int.h"

static const char *
mode_name(enum sw_load_mode mode)
{
	return mode == SW_LOAD_FLOOD ? "flood" : mode == SW_LOAD_CONNECT ? "connect" : "mixed";
}

static void
put_full(json_t *o, const struct sw_load_io_stats *from, const struct sw_load_io_stats *to)
{
	put_int(o, "tx_full", to->tx_full - from->tx_full);
	put_ratio(o, "tx_full_share", (double)(to->tx_full - from->tx_full),
		(double)(to->tx_packets - from->tx_packets));
	put_int(o, "tx_lost", to->tx_lost - from->tx_lost);
}

static json_t *
invalid_json(const struct sw_flood_stats *f)
{
	json_t *o = json_object();
	uint64_t total = 0;

	for (unsigned i = SW_REPLY_RIGHT + 1; i < SW_REPLY_FAULTS; i++) {
		put_int(o, sw_reply_fault_names[i], f->invalid[i]);
		total += f->invalid[i];
	}
	put_int(o, "total", total);
	put_int(o, "checked", f->checked);
	return o;
}

static json_t *
replies_json(const struct sw_flood_stats *f)
{
	json_t *o = json_object();

	put_int(o, "checked", f->checked);
	put_int(o, "right", f->invalid[SW_REPLY_RIGHT]);
	for (unsigned i = 0; i < SW_REPLY_OPTIONS_MAX; i++)
		put_int(o, sw_reply_option_names[i], f->carried[i]);
	return o;
}

static json_t *
total_json(const struct sw_load_snapshot *s, bool flood)
{
	json_t *o = json_object(), *sent = json_object();

	put_int(o, "tx_packets", s->outside.tx_packets);
	put_int(o, "rx_packets", s->outside.rx_packets);
	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++)
		put_int(sent, sw_craft_type_names[t], s->flood.tx[t]);
	put_if(o, "flood_sent", flood, sent);
	put_int_if(o, "synack", flood, s->flood.synack);
	put_int_if(o, "rst", flood, s->flood.rst);
	put_int_if(o, "syn", flood, s->flood.syn);
	put_int_if(o, "other_tcp", flood, s->flood.tcp);
	put_int_if(o, "not_tcp", flood, s->flood.other);
	return o;
}

static json_t *
end_json(const struct sw_conn_stats *s, bool verifies)
{
	json_t *o = json_object(), *failed = json_object();
	uint64_t total = 0;

	put_int(o, "tried", s->tried);
	put_int(o, "opened", s->opened);
	put_int(o, "finished", s->finished);
	for (unsigned i = SW_CONN_FINE + 1; i < SW_CONN_FAULTS; i++) {
		put_int(failed, sw_conn_fault_names[i], s->failed[i]);
		total += s->failed[i];
	}
	put_int(failed, "total", total);
	json_object_set_new(o, "failed", failed);
	put_int(o, "bytes_received", s->bytes_received);
	put_int_if(o, "bytes_verified", verifies, s->bytes_verified);
	put_int(o, "timers_expired", s->retransmitted);
	put_int(o, "bad_checksum", s->bad_checksum);
	put_int(o, "malformed", s->malformed);
	put_int(o, "bad_l2", s->bad_l2);
	put_int(o, "stray", s->stray);
	return o;
}

static json_t *
times_json(const struct sw_hist *h)
{
	const bool any = h->n > 0;
	json_t *o = json_object();

	put_int(o, "n", h->n);
	put_ratio(o, "mean", (double)h->sum_us, (double)h->n);
	put_int_if(o, "p50", any, sw_hist_percentile(h, 0.5));
	put_int_if(o, "p90", any, sw_hist_percentile(h, 0.9));
	put_int_if(o, "p99", any, sw_hist_percentile(h, 0.99));
	put_int_if(o, "p999", any, sw_hist_percentile(h, 0.999));
	put_int_if(o, "max", any, h->max_us);
	return o;
}

static json_t *
measured_json(const struct sw_conn_cohort *m)
{
	json_t *o = json_object();

	put_int(o, "tried", m->tried);
	put_int(o, "opened", m->opened);
	put_int(o, "finished", m->finished);
	put_int(o, "failed", m->failed);
	return o;
}

static void
put_connections(json_t *o, const struct sw_load_report *r)
{
	const struct sw_conn_stats *from = &r->from.client, *to = &r->to.client;
	const bool has = sw_report_has_connections(r->args), verifies = r->args->http == NULL;
	json_t *c = end_json(&r->last.client, verifies);

	put_int(c, "open", r->to.in_flight);
	put_ratio(c, "tried_per_second", (double)(to->tried - from->tried), r->seconds);
	put_ratio(c, "opened_per_second", (double)(to->opened - from->opened), r->seconds);
	put_ratio(c, "per_second", (double)(to->finished - from->finished), r->seconds);
	put_int(c, "skipped", r->last.connect_skipped);
	json_object_set_new(c, "measured", measured_json(&r->last.client.measured));
	put_if(o, "connections", has, c);
	put_if(o, "server", sw_report_has_server(r->args), end_json(&r->last.server, true));
	put_if(o, "handshake_us", has, times_json(&r->last.handshake));
	put_if(o, "response_us", has, times_json(&r->last.response));
	put_int_if(o, "bytes_verified", has && verifies,
		r->last.client.bytes_verified + r->last.server.bytes_verified);
}

/* Of the inside port, and of the flood alone, in the time that is measured. */
static void
put_more_rates(json_t *o, const struct sw_load_report *r)
{
	const struct sw_load_io_stats *from = &r->from.inside, *to = &r->to.inside;
	json_t *inside = json_object(), *flood = json_object();
	uint64_t sent = 0;

	put_int(inside, "tx_packets", to->tx_packets - from->tx_packets);
	put_ratio(inside, "tx_pps", (double)(to->tx_packets - from->tx_packets), r->seconds);
	put_int(inside, "rx_packets", to->rx_packets - from->rx_packets);
	put_ratio(inside, "rx_pps", (double)(to->rx_packets - from->rx_packets), r->rx_seconds);
	put_full(inside, from, to);
	put_if(o, "inside", sw_report_has_server(r->args), inside);
	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++)
		sent += r->to.flood.tx[t] - r->from.flood.tx[t];
	put_int(flood, "tx_packets", sent);
	put_ratio(flood, "tx_pps", (double)sent, r->seconds);
	put_int(flood, "skipped", r->to.flood_skipped - r->from.flood_skipped);
	put_if(o, "flood", sw_report_has_flood(r->args), flood);
}

/* Rates of each piece of the measured time, but of one that was cut off at its end. */
static json_t *
windows_json(const struct sw_load_report *r)
{
	const bool flood = sw_report_has_flood(r->args), conns = sw_report_has_connections(r->args);
	json_t *o = json_object(), *seconds = json_array(), *rx = json_array();
	json_t *inside = json_array(), *synack = json_array(), *done = json_array();

	for (unsigned i = 0; i < r->windows.n; i++) {
		const struct sw_window *w = &r->windows.w[i];
		const double s = (double)w->ns / 1e9;

		json_array_append_new(seconds, json_real(s));
		json_array_append_new(rx, json_real((double)w->rx / s));
		json_array_append_new(inside, json_real((double)w->inside / s));
		json_array_append_new(synack, json_real((double)w->synack / s));
		json_array_append_new(done, json_real((double)w->done / s));
	}
	json_object_set_new(o, "seconds", seconds);
	json_object_set_new(o, "rx_pps", rx);
	put_if(o, "inside_rx_pps", sw_report_has_server(r->args), inside);
	put_if(o, "answered_pps", flood, synack);
	put_if(o, "per_second", conns, done);
	return o;
}

static void
put_rates(json_t *o, const struct sw_load_report *r)
{
	const uint64_t tx = r->to.outside.tx_packets - r->from.outside.tx_packets;
	const uint64_t rx = r->to.outside.rx_packets - r->from.outside.rx_packets;
	const uint64_t synack = r->to.flood.synack - r->from.flood.synack;
	const bool flood = sw_report_has_flood(r->args);

	put_int(o, "tx_packets", tx);
	put_ratio(o, "tx_pps", (double)tx, r->seconds);
	put_ratio(o, "tx_mpps", (double)tx / 1e6, r->seconds);
	put_int(o, "rx_packets", rx);
	put_ratio(o, "rx_pps", (double)rx, r->rx_seconds);
	put_ratio(o, "rx_mpps", (double)rx / 1e6, r->rx_seconds);
	put_int_if(o, "answered_packets", flood, synack);
	put_ratio(o, "answered_pps", (double)synack, flood ? r->rx_seconds : 0);
	put_ratio(o, "synack_per_syn", (double)r->last.flood.synack,
		(double)r->last.flood.tx[SW_CRAFT_SYN]);
	put_full(o, &r->from.outside, &r->to.outside);
	put_more_rates(o, r);
}

int
sw_report_json(const char *path, const struct sw_load_report *r)
{
	const bool flood = sw_report_has_flood(r->args);
	json_t *o = json_object();
	FILE *f;
	int rc = 0;

	json_object_set_new(o, "mode", json_string(mode_name(r->args->mode)));
	json_object_set_new(o, "version", json_string(SW_VERSION));
	json_object_set_new(o, "seconds", json_real(r->seconds));
	json_object_set_new(o, "rx_seconds", json_real(r->rx_seconds));
	put_int(o, "seed", r->args->seed);
	json_object_set_new(o, "asked", sw_report_asked(r->args));
	put_rates(o, r);
	put_if(o, "invalid", flood, invalid_json(&r->last.flood));
	put_if(o, "replies", flood, replies_json(&r->last.flood));
	put_connections(o, r);
	json_object_set_new(o, "windows", windows_json(r));
	json_object_set_new(o, "total", total_json(&r->last, flood));

	f = fopen(path, "we");
	if (f == NULL) {
		rc = -errno;
	} else {
		if (json_dumpf(o, f, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0 ||
			fputc('\n', f) == EOF)
			rc = -EIO;
		if (fclose(f) != 0 && rc == 0)
			rc = -errno;
	}
	json_decref(o);
	return rc;
}
