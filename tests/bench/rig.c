/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/rig.h"

#include <stdlib.h>

#include "bench/pkts.h"

#define NS_PER_S 1000000000ull
#define START_S	 64000 /* where an epoch begins */

static const struct sw_server_opts server_default = {
	.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true, .ecn = true};

/* One service: the server of bench_tuple(), in both families. */
static bool
make_policy(struct bench_rig *r, uint8_t mode)
{
	struct sw_service service = {.name = "bench",
		.mode = mode,
		.server = server_default,
		.learn = true,
		.window = 32768};
	struct sw_rule rules[2];
	struct sw_policy_spec spec = {
		.services = &service, .rules = rules, .n_services = 1, .n_rules = 2};
	struct sw_policy_error err;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct sw_tuple t = bench_tuple(&(struct bench_shape){.v6 = v6}, 0);

		rules[v6] = (struct sw_rule){
			.dst = {.addr = t.server, .prefix_len = v6 ? 128 : 32, .v6 = v6},
			.port_first = BENCH_SERVER_PORT,
			.port_last = BENCH_SERVER_PORT};
	}
	r->policy_mem = bench_mem_get(sw_policy_size(&spec));
	return r->policy_mem.p != NULL &&
	       sw_policy_build(r->policy_mem.p, r->policy_mem.size, &spec, &err) == 0;
}

static void
renew_keys(struct bench_rig *r)
{
	uint64_t now_s = r->now_ns / NS_PER_S;

	if (now_s < r->keys_until_s)
		return;
	sw_keys_derive(&r->keys, &r->master, now_s, SW_EPOCH_DEFAULT_S);
	r->keys_until_s = now_s + sw_keys_next_change(now_s, SW_EPOCH_DEFAULT_S);
}

static void
empty_out(struct bench_rig *r)
{
	struct sw_out *o = r->out;

	o->n_tx[SW_OUTSIDE] = o->n_tx[SW_INSIDE] = o->n_free = 0;
	for (; o->n_spare < SW_SPARE_MAX; o->n_spare++) {
		uint8_t *data = bench_rig_buf(r, SW_BURST_MAX + o->n_spare);

		o->spare[o->n_spare] = (struct sw_frame){.data = data,
			.handle = data,
			.room = BENCH_BUF_BYTES - BENCH_BUF_HEADROOM,
			.headroom = BENCH_BUF_HEADROOM};
	}
}

static void
tick(struct bench_rig *r)
{
	sw_engine_tick(r->e, &r->view, r->now_ns, r->out);
	empty_out(r);
	r->ticked_ns = r->now_ns;
}

bool
bench_rig_init(struct bench_rig *r, const struct bench_rig_cfg *cfg)
{
	struct sw_engine_params params = {
		.max_flows = cfg->max_flows != 0 ? cfg->max_flows : BENCH_FLOWS,
		.max_pending = BENCH_PENDING,
		.max_held = BENCH_HELD,
		.max_recent = BENCH_RECENT,
	};
	uint64_t seed = 4; /* any: the same keys and hash in each run */

	memset(r, 0, sizeof(*r));
	for (unsigned i = 0; i < SW_ARRAY_LEN(params.hash_key); i++)
		params.hash_key[i] = bench_rand(&seed);
	for (unsigned i = 0; i < SW_ARRAY_LEN(r->master.k); i++) {
		r->master.k[i].k0 = bench_rand(&seed);
		r->master.k[i].k1 = bench_rand(&seed);
	}
	r->now_ns = START_S * NS_PER_S;
	r->view =
		(struct sw_view){.keys = &r->keys, .timeouts = sw_timeouts_default, .budget = true};
	r->engine_bytes = sw_engine_size(&params);
	r->engine_mem = bench_mem_get(r->engine_bytes);
	r->buf_mem = bench_mem_get((size_t)BENCH_BUFS * BENCH_BUF_BYTES + sizeof(*r->out));
	if (r->engine_mem.p == NULL || r->buf_mem.p == NULL || !make_policy(r, cfg->mode)) {
		bench_rig_fini(r);
		return false;
	}
	r->bufs = r->buf_mem.p;
	r->out = (void *)(r->bufs + (size_t)BENCH_BUFS * BENCH_BUF_BYTES);
	r->view.policy = r->policy_mem.p;
	r->e = sw_engine_init(r->engine_mem.p, r->engine_mem.size, &params);
	renew_keys(r);
	empty_out(r);
	tick(r);
	return true;
}

void
bench_rig_fini(struct bench_rig *r)
{
	bench_mem_put(&r->engine_mem);
	bench_mem_put(&r->policy_mem);
	bench_mem_put(&r->buf_mem);
}

void
bench_rig_next(struct bench_rig *r)
{
	empty_out(r);
	r->fed += r->n;
	r->n = 0;
	r->now_ns += BENCH_ROUND_NS;
	if (r->now_ns - r->ticked_ns < BENCH_TICK_NS)
		return;
	renew_keys(r);
	tick(r);
}

uint64_t
bench_rig_count(const struct bench_rig *r, unsigned counter)
{
	return sw_engine_stats(r->e)->c[counter];
}
