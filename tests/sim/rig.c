/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define TICK_NS (10 * SIM_MS)

static struct sw_rule
make_rule(bool v6, uint16_t port, uint16_t service)
{
	struct seg_path path = seg_path_make(v6, 1, 1, port, 0, 0);
	struct sw_rule r = {.port_first = port, .port_last = port, .service = service};

	memcpy(&r.dst.addr.b[v6 ? 0 : 12], path.end[SERVER].addr, v6 ? 16 : 4);
	r.dst.prefix_len = v6 ? 120 : 24; /* all machines of the service */
	r.dst.v6 = v6;
	return r;
}

static void
make_policy(struct rig *r)
{
	static const uint8_t mode[] = {SW_MODE_PROXY, SW_MODE_RESPOND, SW_MODE_PASS, SW_MODE_DROP};
	struct sw_service services[4];
	struct sw_rule rules[8];
	struct sw_policy_spec spec = {
		.services = services, .rules = rules, .n_services = 4, .n_rules = 8};
	struct sw_policy_error err;
	size_t size;

	memset(services, 0, sizeof(services));
	for (uint16_t i = 0; i < 4; i++) {
		services[i].name[0] = (char)('a' + i);
		services[i].mode = mode[i];
		services[i].server = r->cfg.server;
		services[i].window = r->cfg.window;
		services[i].learn = r->cfg.learn;
		rules[2 * i] = make_rule(false, (uint16_t)(RIG_PORT_PROXY + i), i);
		rules[2 * i + 1] = make_rule(true, (uint16_t)(RIG_PORT_PROXY + i), i);
	}
	size = sw_policy_size(&spec);
	r->policy_mem = aligned_alloc(SW_CACHE_LINE_BYTES, sw_whole_lines(size));
	if (sw_policy_build(r->policy_mem, size, &spec, &err) != 0)
		sim_fail("rig: policy does not build");
}

static void
renew_keys(struct rig *r, uint64_t now)
{
	uint64_t s = now / SIM_SEC;

	if (s < r->keys_until_s)
		return;
	sw_keys_derive(&r->keys, &r->master, s, r->cfg.epoch_s);
	r->keys_until_s = s + sw_keys_next_change(s, r->cfg.epoch_s);
}

void
rig_init(struct rig *r, const struct rig_cfg *cfg, uint64_t now)
{
	struct rng rng = {.s = cfg->secret};
	struct sw_engine_params params = {.max_flows = cfg->max_flows,
		.max_pending = cfg->max_pending,
		.max_held = cfg->max_held,
		.max_recent = cfg->max_recent};
	size_t size = sw_engine_size(&params);

	memset(r, 0, sizeof(*r));
	r->cfg = *cfg;
	for (unsigned i = 0; i < 4; i++)
		params.hash_key[i] = rng_next(&rng);
	for (unsigned i = 0; i < 2; i++) {
		r->master.k[i].k0 = rng_next(&rng);
		r->master.k[i].k1 = rng_next(&rng);
	}
	r->engine_mem = aligned_alloc(SW_CACHE_LINE_BYTES, sw_whole_lines(size));
	r->engine = sw_engine_init(r->engine_mem, size, &params);
	if (r->engine == NULL) {
		sim_fail("rig: engine does not start in %zu bytes", size);
		abort();
	}
	make_policy(r);
	r->out = calloc(1, sizeof(*r->out));
	r->view = (struct sw_view){.policy = r->policy_mem,
		.keys = &r->keys,
		.timeouts = cfg->timeouts,
		.budget = cfg->budget,
		.shared = cfg->shared,
		.pass_icmp = cfg->pass_icmp,
		.pass_fragments = cfg->pass_fragments};
	renew_keys(r, now);
}

struct rig_buf *
rig_buf_get(struct rig *r, const uint8_t *data, uint32_t len, uint32_t room)
{
	struct rig_buf *b = r->free;
	uint32_t size = r->cfg.headroom + len + room;

	if (b != NULL) {
		r->free = b->next;
	} else {
		b = calloc(1, sizeof(*b));
		b->next_all = r->all;
		r->all = b;
	}
	/* Exactly so long, so that a sanitizer sees a read or write beside it. */
	if (b->size != size) {
		free(b->block);
		b->block = malloc(size);
		b->size = size;
	}
	b->mem = b->block + r->cfg.headroom;
	b->len = len;
	b->where = RIG_OUT;
	b->corrupt = b->split = b->made = b->forged = false;
	if (data != NULL)
		memcpy(b->mem, data, len);
	return b;
}

void
rig_buf_put(struct rig *r, struct rig_buf *b)
{
	if (b->where != RIG_OUT)
		sim_fail("rig: buffer is given back twice");
	b->where = RIG_FREE;
	b->next = r->free;
	r->free = b;
}

static void
top_up(struct rig *r)
{
	struct sw_out *o = r->out;

	while (o->n_spare < r->cfg.spares) {
		struct rig_buf *b = rig_buf_get(r, NULL, 0, r->cfg.spare_room);

		b->where = RIG_SPARE;
		o->spare[o->n_spare++] = (struct sw_frame){.data = b->mem,
			.handle = b,
			.room = (uint16_t)r->cfg.spare_room,
			.headroom = (uint16_t)r->cfg.headroom};
	}
}

static void
check_tx(struct rig *r, int side, const struct sw_frame *f, struct rig_buf *b)
{
	struct seg_path path;
	struct seg seg;
	const char *wrong;

	if (f->data < b->block || f->data + f->pkt_len > b->block + b->size ||
		f->len > f->pkt_len) {
		sim_fail("rig: packet of %u/%u bytes runs out of its buffer of %u", f->len,
			f->pkt_len, b->size);
		return;
	}
	if (f->headroom != f->data - b->block)
		sim_fail("rig: packet says %u bytes of headroom, has %td", f->headroom,
			f->data - b->block);
	if (f->len != f->pkt_len && !b->split)
		sim_fail("rig: packet came in one piece and leaves in two");
	b->mem = f->data;
	b->len = f->pkt_len;
	if (f->side != side)
		sim_fail("rig: packet in the list of side %d says side %u", side, f->side);
	wrong = seg_parse(b->mem, b->len, &path, &seg);
	if (wrong != NULL && !b->corrupt && strcmp(wrong, "not tcp") != 0)
		sim_fail("rig: packet to side %d: %s", side, wrong);
	if (wrong == NULL && b->corrupt)
		sim_fail("rig: corrupted packet leaves to side %d with right checksums", side);
	r->sent[side]++;
}

/* A handle that the engine gives up. */
static struct rig_buf *
take_back(struct rig *r, void *handle, const char *how)
{
	struct rig_buf *b = handle;

	if (b == NULL || b->where != RIG_ENGINE) {
		sim_fail("rig: %s of a buffer that the engine does not have", how);
		return NULL;
	}
	b->where = RIG_OUT;
	r->in_engine--;
	return b;
}

static void
check_books(struct rig *r)
{
	struct sw_engine_gauges g = sw_engine_gauges(r->engine);
	uint64_t c[SW_C_MAX] = {0}, reasons = 0, in, out;

	sw_stats_read(sw_engine_stats(r->engine), c);
	for (unsigned i = 1; i < SW_DROP_MAX; i++)
		reasons += c[SW_C_DROP_BASE + i];
	if (r->in_engine != g.held)
		sim_fail("rig: engine has %u buffers, says that it holds %u", r->in_engine, g.held);
	if (c[SW_C_RX_OUTSIDE] != r->given[SW_OUTSIDE] || c[SW_C_RX_INSIDE] != r->given[SW_INSIDE])
		sim_fail("rig: rx counters are wrong");
	if (c[SW_C_TX_OUTSIDE] != r->sent[SW_OUTSIDE] || c[SW_C_TX_INSIDE] != r->sent[SW_INSIDE])
		sim_fail("rig: tx counters are wrong: %lu/%lu outside, %lu/%lu inside",
			c[SW_C_TX_OUTSIDE], r->sent[SW_OUTSIDE], c[SW_C_TX_INSIDE],
			r->sent[SW_INSIDE]);
	in = c[SW_C_RX_OUTSIDE] + c[SW_C_RX_INSIDE] + c[SW_C_MADE];
	out = c[SW_C_TX_OUTSIDE] + c[SW_C_TX_INSIDE] + c[SW_C_DROPPED] + c[SW_C_RESPOND_ACCEPTED] +
	      c[SW_C_SYNACK_CONSUMED] + c[SW_C_HELD_DISCARDED] + g.held;
	if (in != out)
		sim_fail("rig: %lu packets came or were made, %lu are accounted for", in, out);
	if (c[SW_C_HELD] != c[SW_C_HELD_RELEASED] + c[SW_C_HELD_DISCARDED] + g.held)
		sim_fail("rig: %lu held, %lu released, %lu discarded, now %u", c[SW_C_HELD],
			c[SW_C_HELD_RELEASED], c[SW_C_HELD_DISCARDED], g.held);
	if (reasons != c[SW_C_DROPPED])
		sim_fail("rig: %lu dropped, the reasons say %lu", c[SW_C_DROPPED], reasons);
	if (g.flows > r->cfg.max_flows || g.pending > r->cfg.max_pending ||
		g.held > r->cfg.max_held)
		sim_fail("rig: more than there may be: flows %u pending %u held %u", g.flows,
			g.pending, g.held);
}

/* Takes out what a call left in *out. n_spare: how many spares there were before. */
static void
harvest(struct rig *r, void *const spares[], uint32_t n_spare)
{
	struct sw_out *o = r->out;
	uint32_t n;

	if (o->n_spare > n_spare)
		sim_fail("rig: more spares than before");
	for (uint32_t i = 0; i < n_spare; i++) {
		struct rig_buf *b = spares[i];

		if (i < o->n_spare && o->spare[i].handle != b)
			sim_fail("rig: spares are not taken from the end");
		if (i >= o->n_spare) {
			b->where = RIG_ENGINE;
			b->made = true;
			r->in_engine++;
		}
	}
	for (int side = 0; side < SW_SIDES; side++) {
		n = o->n_tx[side];
		o->n_tx[side] = 0;
		for (uint32_t i = 0; i < n; i++) {
			struct rig_buf *b = take_back(r, o->tx[side][i].handle, "tx");

			if (b == NULL)
				continue;
			check_tx(r, side, &o->tx[side][i], b);
			r->sink(r->owner, side, b);
		}
	}
	for (uint32_t i = 0; i < o->n_free; i++) {
		struct rig_buf *b = take_back(r, o->free[i], "free");

		if (b != NULL)
			rig_buf_put(r, b);
	}
	o->n_free = 0;
	check_books(r);
}

void
rig_burst(struct rig *r, uint64_t now, struct rig_buf *const bufs[], const uint8_t sides[],
	unsigned n, uint8_t csum)
{
	struct sw_frame frames[SW_BURST_MAX];
	void *spares[SW_SPARE_MAX];
	uint32_t n_spare;

	renew_keys(r, now);
	top_up(r);
	n_spare = r->out->n_spare;
	for (uint32_t i = 0; i < n_spare; i++)
		spares[i] = r->out->spare[i].handle;
	for (unsigned i = 0; i < n; i++) {
		struct rig_buf *b = bufs[i];
		uint32_t piece = b->split ? SEG_HEADERS_MAX : b->len;

		frames[i] = (struct sw_frame){.data = b->mem,
			.handle = b,
			.len = piece,
			.pkt_len = b->len,
			.room = (uint16_t)(b->split ? 0 : b->block + b->size - b->mem - b->len),
			.headroom = (uint16_t)(b->mem - b->block),
			.side = sides[i],
			.csum = b->corrupt ? 0 : csum};
		b->where = RIG_ENGINE;
		r->in_engine++;
		r->given[sides[i]]++;
	}
	sw_engine_burst(r->engine, &r->view, now, frames, n, r->out);
	harvest(r, spares, n_spare);
}

void
rig_tick(struct rig *r, uint64_t now)
{
	void *spares[SW_SPARE_MAX];
	uint32_t n_spare;

	renew_keys(r, now);
	top_up(r);
	n_spare = r->out->n_spare;
	for (uint32_t i = 0; i < n_spare; i++)
		spares[i] = r->out->spare[i].handle;
	sw_engine_tick(r->engine, &r->view, now, r->out);
	harvest(r, spares, n_spare);
}

void
rig_tick_turns(struct rig *r, uint64_t *now, unsigned turns)
{
	for (unsigned i = 0; i < turns * 101; i++, *now += TICK_NS)
		rig_tick(r, *now);
}

void
rig_feed(struct rig *r, uint64_t now, const struct seg_path *path, int from, const struct seg *s)
{
	uint8_t data[RIG_FRAME_MAX];
	uint8_t side = from == CLIENT ? SW_OUTSIDE : SW_INSIDE;
	size_t len = seg_build(data, sizeof(data), path, from, s);
	struct rig_buf *b = rig_buf_get(r, data, (uint32_t)len, 64);

	rig_burst(r, now, &b, &side, 1, 0);
}

uint64_t
rig_count(const struct rig *r, enum sw_counter c)
{
	uint64_t sum[SW_C_MAX] = {0};

	sw_stats_read(sw_engine_stats(r->engine), sum);
	return sum[c];
}

uint64_t
rig_drops(const struct rig *r, enum sw_drop reason)
{
	return rig_count(r, (enum sw_counter)(SW_C_DROP_BASE + reason));
}

struct sw_engine_gauges
rig_gauges(const struct rig *r)
{
	return sw_engine_gauges(r->engine);
}

void
rig_fini(struct rig *r)
{
	bool empty;
	unsigned calls = 0;

	do {
		empty = sw_engine_drain(r->engine, r->out);
		for (uint32_t i = 0; i < r->out->n_free; i++) {
			struct rig_buf *b = take_back(r, r->out->free[i], "drain");

			if (b != NULL)
				rig_buf_put(r, b);
		}
		r->out->n_free = 0;
	} while (!empty && ++calls < 10000);
	if (!empty || r->in_engine != 0)
		sim_fail("rig: %u buffers did not come back at the end", r->in_engine);
	for (struct rig_buf *b = r->all, *next; b != NULL; b = next) {
		next = b->next_all;
		free(b->block);
		free(b);
	}
	free(r->out);
	free(r->engine_mem);
	free(r->policy_mem);
}
