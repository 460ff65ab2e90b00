/* SPDX-License-Identifier: BSD-3-Clause */
/* rig.c - the engine, its buffers, what comes out of it, and its counters. */
#include "unit/rig.h"

#include <stdlib.h>
#include <string.h>

#include "unit/must.h"

/* The large blocks of the last rig, for the next one: a fuzzer makes thousands. */
static struct {
	struct sw_out *out;
	uint8_t (*buf)[RIG_HEADROOM + PKT_MAX];
	struct sent *sent;
} kept;

static struct sw_prefix
prefix(bool v6, const uint8_t *a, uint8_t len)
{
	struct sw_prefix p = {.v6 = v6, .prefix_len = len};

	memcpy(v6 ? p.addr.b : p.addr.b + 12, a, v6 ? 16 : 4);
	return p;
}

static void
build_policy(struct rig *r, const struct rig_params *p)
{
	struct sw_server_opts server = {
		.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true};
	static const uint8_t modes[] = {SW_MODE_PROXY, SW_MODE_RESPOND, SW_MODE_PASS, SW_MODE_DROP};
	struct sw_service svc[4] = {0};
	struct sw_rule rules[8];
	struct sw_source sources[2] = {
		{.src = prefix(false, (const uint8_t[]){203, 0, 113, 0}, 24)},
		{.src = prefix(false, (const uint8_t[]){203, 0, 114, 0}, 24), .deny = true},
	};
	struct sw_policy_error err;

	for (unsigned i = 0; i < 4; i++) {
		svc[i] = (struct sw_service){.mode = modes[i],
			.window = p->window ? p->window : 32768,
			.server = p->server ? *p->server : server,
			.learn = p->learn};
		svc[i].name[0] = (char)('a' + i);
		for (unsigned v6 = 0; v6 < 2; v6++) {
			const struct pkt_make m = rig_client(&(struct rig_conn){.v6 = v6});

			rules[2 * i + v6] =
				(struct sw_rule){.dst = prefix(v6, m.dst, v6 ? 128 : 32),
					.port_first = (uint16_t)(80 + i),
					.port_last = (uint16_t)(80 + i),
					.service = (uint16_t)i};
		}
	}
	struct sw_policy_spec spec = {.services = svc,
		.n_services = 4,
		.rules = rules,
		.n_rules = 8,
		.sources = sources,
		.n_sources = p->no_sources ? 0 : 2};
	size_t size = sw_whole_lines(sw_policy_size(&spec));

	r->policy_mem = aligned_alloc(64, size);
	MUST(sw_policy_build(r->policy_mem, size, &spec, &err) == 0);
}

void
rig_rekey(struct rig *r)
{
	sw_keys_derive(&r->keys, &r->master, r->now_ns / 1000000000, 64);
}

void
rig_init(struct rig *r, const struct rig_params *p)
{
	static const struct rig_params none;

	p = p ? p : &none;
	memset(r, 0, sizeof(*r));
	struct sw_engine_params ep = {.max_flows = p->flows ? p->flows : 1024,
		.max_pending = p->pending ? p->pending : 64,
		.max_held = p->held ? p->held : 256,
		.max_recent = p->recent,
		.hash_key = {0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
			0x082efa98ec4e6c89}}; /* digits of pi: the hash wants random words */
	size_t size = sw_whole_lines(sw_engine_size(&ep));

	r->mem = aligned_alloc(64, size);
	memset(r->mem, 0xa5, size); /* nothing may depend on zeroed memory */
	r->e = sw_engine_init(r->mem, size, &ep);
	MUST(r->e != NULL);
	build_policy(r, p);
	r->master = (struct sw_master){{{1, 2}, {3, 4}}};
	r->now_ns = 1000ull * 64 * 1000000000;
	rig_rekey(r);
	r->view = (struct sw_view){.policy = r->policy_mem,
		.keys = &r->keys,
		.timeouts = sw_timeouts_default,
		.budget = !p->no_budget};
	if (kept.out != NULL) {
		r->out = kept.out;
		r->buf = kept.buf;
		r->sent = kept.sent;
		kept.out = NULL;
	} else {
		r->out = calloc(1, sizeof(*r->out));
		r->buf = malloc(sizeof(*r->buf) * RIG_BUFS);
		r->sent = malloc(sizeof(*r->sent) * SW_OUT_MAX);
	}
}

static unsigned
buffer_get(struct rig *r)
{
	for (unsigned i = 0; i < RIG_BUFS; i++)
		if (!r->busy[i]) {
			r->busy[i] = true;
			r->n_busy++;
			return i;
		}
	MUST(!"out of buffers");
	return 0;
}

static void
buffer_put(struct rig *r, void *handle)
{
	unsigned i = (unsigned)(uintptr_t)handle - 1;

	MUST(i < RIG_BUFS && r->busy[i]);
	r->busy[i] = false;
	r->n_busy--;
}

static void
top_up(struct rig *r)
{
	struct sw_out *o = r->out;

	while (o->n_spare < (r->no_spares ? 0 : SW_SPARE_MAX)) {
		unsigned i = buffer_get(r);

		o->spare[o->n_spare++] = (struct sw_frame){.data = r->buf[i] + RIG_HEADROOM,
			.handle = (void *)(uintptr_t)(i + 1),
			.room = PKT_MAX,
			.headroom = RIG_HEADROOM};
	}
}

void
rig_take_spares(struct rig *r)
{
	struct sw_out *o = r->out;

	r->no_spares = true;
	while (o->n_spare > 0)
		buffer_put(r, o->spare[--o->n_spare].handle);
}

static void
collect(struct rig *r)
{
	struct sw_out *o = r->out;

	r->n_sent = 0;
	for (unsigned side = 0; side < SW_SIDES; side++) {
		for (unsigned i = 0; i < o->n_tx[side]; i++) {
			const struct sw_frame *f = &o->tx[side][i];
			struct sent *s = &r->sent[r->n_sent++];

			MUST(f->side == side);
			memcpy(s->data, f->data, f->len);
			s->len = f->len;
			s->side = side;
			s->tcp = pkt_read(s->data, s->len, &s->seen);
			buffer_put(r, f->handle);
		}
		o->n_tx[side] = 0;
	}
	for (unsigned i = 0; i < o->n_free; i++)
		buffer_put(r, o->free[i]);
	o->n_free = 0;
}

void
rig_queue_raw(struct rig *r, unsigned side, const uint8_t *data, size_t len, uint8_t csum)
{
	unsigned i = buffer_get(r);

	memcpy(r->buf[i] + RIG_HEADROOM, data, len);
	r->queue[r->n_queue++] = (struct sw_frame){.data = r->buf[i] + RIG_HEADROOM,
		.len = (uint32_t)len,
		.handle = (void *)(uintptr_t)(i + 1),
		.pkt_len = (uint32_t)len,
		.room = (uint16_t)(PKT_MAX - len),
		.headroom = RIG_HEADROOM,
		.side = (uint8_t)side,
		.csum = csum};
}

void
rig_queue(struct rig *r, unsigned side, const struct pkt_make *m)
{
	uint8_t b[PKT_MAX];
	size_t len = pkt_make(b, sizeof(b), m);

	rig_queue_raw(r, side, b, len, 0);
}

void
rig_run(struct rig *r)
{
	top_up(r);
	sw_engine_burst(r->e, &r->view, r->now_ns, r->queue, r->n_queue, r->out);
	r->n_queue = 0;
	collect(r);
	rig_check_conservation(r);
}

void
rig_send(struct rig *r, unsigned side, const struct pkt_make *m)
{
	rig_queue(r, side, m);
	rig_run(r);
}

void
rig_tick(struct rig *r, uint64_t ms)
{
	rig_tick_each(r, ms, 10);
}

void
rig_tick_each(struct rig *r, uint64_t ms, uint64_t step)
{
	for (uint64_t t = 0; t < ms; t += step) {
		top_up(r);
		r->now_ns += step * 1000000;
		sw_engine_tick(r->e, &r->view, r->now_ns, r->out);
		collect(r);
	}
	rig_check_conservation(r);
}

uint64_t
rig_stat(const struct rig *r, unsigned counter)
{
	uint64_t sum[SW_C_MAX] = {0};

	sw_stats_read(sw_engine_stats(r->e), sum);
	return sum[counter];
}

uint64_t
rig_drop(const struct rig *r, enum sw_drop reason)
{
	return rig_stat(r, SW_C_DROP_BASE + reason);
}

uint32_t
rig_flows(const struct rig *r)
{
	return sw_engine_gauges(r->e).flows;
}

void
rig_check_conservation(const struct rig *r)
{
	uint64_t in =
		rig_stat(r, SW_C_RX_OUTSIDE) + rig_stat(r, SW_C_RX_INSIDE) + rig_stat(r, SW_C_MADE);
	uint64_t out = rig_stat(r, SW_C_TX_OUTSIDE) + rig_stat(r, SW_C_TX_INSIDE) +
		       rig_stat(r, SW_C_DROPPED) + rig_stat(r, SW_C_RESPOND_ACCEPTED) +
		       rig_stat(r, SW_C_SYNACK_CONSUMED) + rig_stat(r, SW_C_HELD_DISCARDED) +
		       sw_engine_gauges(r->e).held;
	uint64_t drops = 0;

	for (unsigned i = SW_C_DROP_BASE + 1; i < SW_C_MAX; i++)
		drops += rig_stat(r, i);
	MUST(in == out);
	MUST(drops == rig_stat(r, SW_C_DROPPED));
	MUST(r->n_busy == r->out->n_spare + sw_engine_gauges(r->e).held);
}

void
rig_fini(struct rig *r)
{
	bool done;

	do {
		done = sw_engine_drain(r->e, r->out);
		collect(r);
	} while (!done);
	for (; r->out->n_spare > 0; r->out->n_spare--)
		buffer_put(r, r->out->spare[r->out->n_spare - 1].handle);
	MUST(r->n_busy == 0);
	if (kept.out == NULL) {
		kept.out = r->out;
		kept.buf = r->buf;
		kept.sent = r->sent;
	} else {
		free(r->out);
		free(r->sent);
		free(r->buf);
	}
	free(r->mem);
	free(r->policy_mem);
}
