/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

volatile int sw_run_stop_signal;
volatile int sw_run_continued;

static void
plan_event(struct sw_run *r, uint64_t now)
{
	r->next_event_ns = now + 10000000; /* signals and quiet are looked at this often */
	if (r->next_event_ns > r->second_ns + NS_PER_S)
		r->next_event_ns = r->second_ns + NS_PER_S;
	if (r->phase == SW_PHASE_MEASURE &&
		r->next_event_ns > sw_windows_end_ns(&r->report.windows))
		r->next_event_ns = sw_windows_end_ns(&r->report.windows);
	if (r->next_event_ns > r->phase_end_ns)
		r->next_event_ns = r->phase_end_ns;
}

static struct sw_window
window_at(const struct sw_load_snapshot *s, uint64_t now)
{
	return (struct sw_window){.ns = now,
		.rx = s->outside.rx_packets,
		.inside = s->inside.rx_packets,
		.synack = s->flood.synack,
		.done = s->client.finished};
}

static void
end_window(struct sw_run *r, uint64_t now)
{
	struct sw_load_snapshot s;
	struct sw_window at;

	r->snapshot(r, &s);
	at = window_at(&s, now);
	sw_windows_take(&r->report.windows, &at);
}

/* Measuring begins. */
static void
begin_measuring(struct sw_run *r, uint64_t now)
{
	const struct sw_window first = window_at(&r->report.from, now);

	r->from_ns = now;
	sw_windows_start(&r->report.windows, &first);
}

/* It ends by a number, not by a time, and all of it is measured. */
static bool
counts(const struct sw_run *r)
{
	return r->args->count != 0 || r->args->total != 0;
}

void
sw_run_start(struct sw_run *r, uint64_t now)
{
	const bool counts_all = counts(r);

	r->report.args = r->args;
	r->start_ns = r->second_ns = r->last_rx_ns = now;
	r->phase = counts_all || r->args->warmup_ns == 0 ? SW_PHASE_MEASURE : SW_PHASE_WARM;
	r->phase_end_ns = counts_all ? UINT64_MAX
				     : now + (r->phase == SW_PHASE_WARM ? r->args->warmup_ns
									: r->args->seconds_ns);
	r->snapshot(r, &r->second);
	r->report.from = r->second;
	begin_measuring(r, now); /* until it is done anew, behind the warm-up */
	plan_event(r, now);
}

static void
each_second(struct sw_run *r, uint64_t now)
{
	struct sw_load_snapshot s;

	r->snapshot(r, &s);
	if (!r->args->quiet)
		sw_report_progress(stdout, r->args, (double)(now - r->start_ns) / 1e9, &r->second,
			&s, (double)(now - r->second_ns) / 1e9);
	r->idle_s = counts(r) && r->phase == SW_PHASE_MEASURE && r->waits(r) &&
				    s.outside.tx_packets == r->second.outside.tx_packets
			    ? r->idle_s + 1
			    : 0;
	r->second = s;
	r->second_ns = now;
	if (sw_run_is_stuck(r))
		r->phase = SW_PHASE_DONE;
}

static void
end_measuring(struct sw_run *r, uint64_t now)
{
	r->snapshot(r, &r->report.to);
	r->report.seconds = r->report.rx_seconds = (double)(now - r->from_ns) / 1e9;
}

/*
 * All of --count has been sent in `seconds`, and the answers count that came after it: their time
 * goes on to the last of them. That in which nothing came any more is no time of either.
 */
static void
end_answers(struct sw_run *r)
{
	const double last = (double)(r->last_rx_ns - r->from_ns) / 1e9;

	r->snapshot(r, &r->report.to);
	if (last > r->report.rx_seconds)
		r->report.rx_seconds = last;
}

static bool
is_quiet(const struct sw_run *r, uint64_t now)
{
	if (r->drained(r))
		return true;
	return r->phase == SW_PHASE_SETTLE && now - r->last_rx_ns >= SW_RUN_QUIET_NS &&
	       now - (r->phase_end_ns - SW_RUN_SETTLE_NS) >= SW_RUN_QUIET_NS;
}

static void
next_phase(struct sw_run *r, uint64_t now)
{
	switch (r->phase) {
	case SW_PHASE_WARM:
		r->snapshot(r, &r->report.from);
		begin_measuring(r, now);
		r->phase = SW_PHASE_MEASURE;
		r->phase_end_ns = now + r->args->seconds_ns;
		break;
	case SW_PHASE_MEASURE:
		end_measuring(r, now);
		r->stop = true;
		r->phase = SW_PHASE_DRAIN;
		r->phase_end_ns = now + r->drain_ns;
		break;
	case SW_PHASE_DRAIN:
		r->phase = SW_PHASE_SETTLE;
		r->phase_end_ns = r->settles ? now + SW_RUN_SETTLE_NS : now;
		break;
	default:
		if (r->args->count != 0)
			end_answers(r);
		r->snapshot(r, &r->report.last);
		r->phase = SW_PHASE_DONE;
	}
}

void
sw_run_event(struct sw_run *r, uint64_t now)
{
	if (now >= r->second_ns + NS_PER_S)
		each_second(r, now);
	if (r->phase == SW_PHASE_MEASURE && now >= sw_windows_end_ns(&r->report.windows))
		end_window(r, now);
	if (sw_run_stop_signal && r->phase == SW_PHASE_WARM)
		next_phase(r, now);
	if (now >= r->phase_end_ns || (r->phase >= SW_PHASE_DRAIN && is_quiet(r, now)) ||
		(r->phase == SW_PHASE_MEASURE && (r->stop || sw_run_stop_signal)) ||
		(r->phase == SW_PHASE_DRAIN && sw_run_stop_signal)) /* nor is a flood to go on */
		next_phase(r, now);
	plan_event(r, now);
}
