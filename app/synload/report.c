/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <inttypes.h>
#include <string.h>

/* "0.998", or "-" where there is nothing to divide by. */
static const char *
ratio(char buf[32], uint64_t a, uint64_t b)
{
	if (b == 0)
		snprintf(buf, 32, "-");
	else
		snprintf(buf, 32, "%.6f", (double)a / (double)b);
	return buf;
}

/* "14.80 Mpps", "312.5 kpps": two or three digits that say something. */
static const char *
rate(char buf[32], uint64_t n, double seconds)
{
	const double per_second = (double)n / seconds;

	if (!(seconds > 0))
		snprintf(buf, 32, "- ");
	else if (per_second >= 1e6)
		snprintf(buf, 32, "%.3f M", per_second / 1e6);
	else if (per_second >= 1e3)
		snprintf(buf, 32, "%.1f k", per_second / 1e3);
	else
		snprintf(buf, 32, "%.0f ", per_second);
	return buf;
}

static uint64_t
answered(const struct sw_flood_stats *f)
{
	return f->synack;
}

static uint64_t
failures(const struct sw_conn_stats *s)
{
	uint64_t n = 0;

	for (unsigned i = SW_CONN_FINE + 1; i < SW_CONN_FAULTS; i++)
		n += s->failed[i];
	return n;
}

void
sw_report_progress(FILE *out, const struct sw_load_args *args, double at,
	const struct sw_load_snapshot *a, const struct sw_load_snapshot *b, double seconds)
{
	const uint64_t tx = b->outside.tx_packets - a->outside.tx_packets;
	const uint64_t rx = b->outside.rx_packets - a->outside.rx_packets;
	const uint64_t full = b->outside.tx_full - a->outside.tx_full;
	const uint64_t ok = answered(&b->flood) - answered(&a->flood);
	const uint64_t syns = b->flood.tx[SW_CRAFT_SYN] - a->flood.tx[SW_CRAFT_SYN];
	char t[32], r[32], o[32], u[32], s[32];

	if (sw_report_has_connections(args)) {
		const uint64_t opened = b->client.opened - a->client.opened;
		const uint64_t done = b->client.finished - a->client.finished;
		const uint64_t failed = failures(&b->client) - failures(&a->client);

		fprintf(out,
			"%6.1f s  opened %s/s  finished %s/s  failed %s/s  in flight %" PRIu64 "\n",
			at, rate(t, opened, seconds), rate(r, done, seconds),
			rate(o, failed, seconds), b->in_flight);
	}
	if (sw_report_has_flood(args))
		fprintf(out,
			"%6.1f s  tx %spps  rx %spps  syn-ack %spps (%s a SYN)  ring full %s/s\n",
			at, rate(t, tx, seconds), rate(r, rx, seconds), rate(o, ok, seconds),
			ratio(s, ok, syns), rate(u, full, seconds));
	fflush(out);
}

static void
table_flood(FILE *out, const struct sw_load_report *r)
{
	const struct sw_flood_stats *f = &r->last.flood;
	char buf[32];

	fprintf(out, "flood, whole run\n");
	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++)
		if (f->tx[t] != 0)
			fprintf(out, "  sent %-18s %15" PRIu64 "\n", sw_craft_type_names[t],
				f->tx[t]);
	if (r->last.flood_skipped != 0)
		fprintf(out, "  NOT SENT in time        %15" PRIu64 "\n", r->last.flood_skipped);
	fprintf(out, "  SYN-ACKs                %15" PRIu64 "  %s a SYN\n", f->synack,
		ratio(buf, f->synack, f->tx[SW_CRAFT_SYN]));
	fprintf(out, "  RSTs                    %15" PRIu64 "\n", f->rst);
	fprintf(out, "  SYNs, reflected         %15" PRIu64 "\n", f->syn);
	fprintf(out, "  other TCP               %15" PRIu64 "\n", f->tcp);
	fprintf(out, "  not TCP                 %15" PRIu64 "\n", f->other);
	fprintf(out, "  SYN-ACKs checked        %15" PRIu64 "\n", f->checked);
	fprintf(out,
		"  of them right           %15" PRIu64 "  MSS %" PRIu64 "  wscale %" PRIu64
		"  SACK %" PRIu64 "  timestamps %" PRIu64 "\n",
		f->invalid[SW_REPLY_RIGHT], f->carried[SW_REPLY_MSS], f->carried[SW_REPLY_WSCALE],
		f->carried[SW_REPLY_SACK], f->carried[SW_REPLY_TS]);
	for (unsigned i = SW_REPLY_RIGHT + 1; i < SW_REPLY_FAULTS; i++)
		if (f->invalid[i] != 0)
			fprintf(out, "  INVALID %-15s %15" PRIu64 "\n", sw_reply_fault_names[i],
				f->invalid[i]);
}

static void
table_times(FILE *out, const char *name, const struct sw_hist *h)
{
	if (h->n == 0)
		fprintf(out, "  %-18s us p50 -  p90 -  p99 -  p99.9 -  max -  (0)\n", name);
	else
		fprintf(out, "  %-18s us p50 %u  p90 %u  p99 %u  p99.9 %u  max %u  (%" PRIu64 ")\n",
			name, sw_hist_percentile(h, 0.5), sw_hist_percentile(h, 0.9),
			sw_hist_percentile(h, 0.99), sw_hist_percentile(h, 0.999), h->max_us, h->n);
}

static void
table_end(FILE *out, const char *name, const struct sw_conn_stats *s, bool verifies)
{
	fprintf(out, "%s, whole run\n", name);
	fprintf(out, "  tried                   %15" PRIu64 "\n", s->tried);
	fprintf(out, "  opened                  %15" PRIu64 "\n", s->opened);
	fprintf(out, "  finished                %15" PRIu64 "\n", s->finished);
	for (unsigned i = SW_CONN_FINE + 1; i < SW_CONN_FAULTS; i++)
		if (s->failed[i] != 0)
			fprintf(out, "  FAILED %-16s %15" PRIu64 "\n", sw_conn_fault_names[i],
				s->failed[i]);
	fprintf(out, "  bytes received          %15" PRIu64 "\n", s->bytes_received);
	if (verifies)
		fprintf(out, "  bytes verified          %15" PRIu64 "\n", s->bytes_verified);
	fprintf(out, "  timers that expired     %15" PRIu64 "\n", s->retransmitted);
	fprintf(out, "  wrong checksums         %15" PRIu64 "\n", s->bad_checksum);
	fprintf(out, "  malformed               %15" PRIu64 "\n", s->malformed);
	fprintf(out, "  other MACs or tag       %15" PRIu64 "\n", s->bad_l2);
	fprintf(out, "  strays                  %15" PRIu64 "\n", s->stray);
}

static void
table_connections(FILE *out, const struct sw_load_report *r)
{
	const struct sw_conn_cohort *m = &r->last.client.measured;
	const uint64_t done = r->to.client.finished - r->from.client.finished;
	const uint64_t opened = r->to.client.opened - r->from.client.opened;
	char buf[32];

	fprintf(out, "  connections opened      %15" PRIu64 "  %s/s\n", opened,
		rate(buf, opened, r->seconds));
	fprintf(out, "  connections finished    %15" PRIu64 "  %s/s\n", done,
		rate(buf, done, r->seconds));
	fprintf(out,
		"  of those tried then: %" PRIu64 " tried, %" PRIu64 " opened, %" PRIu64
		" finished, %" PRIu64 " failed\n",
		m->tried, m->opened, m->finished, m->failed);
	if (r->last.connect_skipped != 0)
		fprintf(out, "  NOT OPENED in time      %15" PRIu64 "\n", r->last.connect_skipped);
	table_times(out, "handshake", &r->last.handshake);
	table_times(out, "response", &r->last.response);
	table_end(out, "clients", &r->last.client, r->args->http == NULL);
	if (sw_report_has_server(r->args))
		table_end(out, "server", &r->last.server, true);
}

/* Who was the limit: a ring that is never full waits for the generator. */
static void
table_full(FILE *out, const char *whose, const struct sw_load_io_stats *from,
	const struct sw_load_io_stats *to)
{
	const uint64_t full = to->tx_full - from->tx_full, lost = to->tx_lost - from->tx_lost;
	const uint64_t sent = to->tx_packets - from->tx_packets;
	char buf[32];

	fprintf(out, "  ring full%-15s%15" PRIu64 "  %s a packet\n", whose, full,
		ratio(buf, full, sent));
	if (lost != 0)
		fprintf(out, "  LOST to a full ring     %15" PRIu64 "\n", lost);
}

void
sw_report_table(FILE *out, const struct sw_load_report *r)
{
	const uint64_t tx = r->to.outside.tx_packets - r->from.outside.tx_packets;
	const uint64_t rx = r->to.outside.rx_packets - r->from.outside.rx_packets;
	const uint64_t ok = answered(&r->to.flood) - answered(&r->from.flood);
	char buf[32];

	fprintf(out, "measured for %.3f s\n", r->seconds);
	fprintf(out, "  sent                    %15" PRIu64 "  %spps\n", tx,
		rate(buf, tx, r->seconds));
	fprintf(out, "  received                %15" PRIu64 "  %spps\n", rx,
		rate(buf, rx, r->rx_seconds));
	if (sw_report_has_flood(r->args))
		fprintf(out, "  SYN-ACKs                %15" PRIu64 "  %spps\n", ok,
			rate(buf, ok, r->rx_seconds));
	table_full(out, "", &r->from.outside, &r->to.outside);
	if (sw_report_has_server(r->args))
		table_full(out, ", server", &r->from.inside, &r->to.inside);
	if (sw_report_has_connections(r->args))
		table_connections(out, r);
	if (sw_report_has_flood(r->args))
		table_flood(out, r);
	fflush(out);
}
