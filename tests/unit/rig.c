/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"

/* Not Check's own: the fuzzers use the rig, too. */
#define MUST(x)                                                                         \
	do {                                                                            \
		if (!(x)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* The large blocks of the last rig, for the next one: a fuzzer makes thousands. */
static struct {
	struct sw_out *out;
	uint8_t (*buf)[RIG_HEADROOM + PKT_MAX];
	struct sent *sent;
} kept;

static const uint8_t client4[4] = {192, 0, 2, 1}, server4[4] = {198, 51, 100, 2};
static const uint8_t client6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
static const uint8_t server6[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

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
		for (unsigned v6 = 0; v6 < 2; v6++)
			rules[2 * i + v6] = (struct sw_rule){
				.dst = v6 ? prefix(true, server6, 128) : prefix(false, server4, 32),
				.port_first = (uint16_t)(80 + i),
				.port_last = (uint16_t)(80 + i),
				.service = (uint16_t)i};
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

struct pkt_make
rig_client(const struct rig_conn *c)
{
	struct pkt_make m = {.v6 = c->v6,
		.sport = c->cport,
		.dport = c->sport ? c->sport : 80,
		.seq = c->c + 1,
		.ack = c->k + 1,
		.flags = SW_TCP_ACK,
		.window = 1000};

	memcpy(m.src, c->v6 ? client6 : client4, c->v6 ? 16 : 4);
	memcpy(m.dst, c->v6 ? server6 : server4, c->v6 ? 16 : 4);
	return m;
}

struct pkt_make
rig_server(const struct rig_conn *c)
{
	struct pkt_make m = rig_client(c);
	uint8_t a[16];

	memcpy(a, m.src, 16);
	memcpy(m.src, m.dst, 16);
	memcpy(m.dst, a, 16);
	m.dport = m.sport;
	m.sport = c->sport ? c->sport : 80;
	m.seq = c->s + 1;
	m.ack = c->c + 1;
	memcpy(m.src_mac, "\2\0\0\0\0\2", 6);
	memcpy(m.dst_mac, "\2\0\0\0\0\1", 6);
	return m;
}

uint32_t
rig_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

size_t
rig_ts(uint8_t *o, uint32_t tsval, uint32_t tsecr)
{
	memcpy(o, "\1\1\10\12", 4);
	put32(o + 4, tsval);
	put32(o + 8, tsecr);
	return 12;
}

const uint8_t *
rig_opt(const struct pkt_seen *s, uint8_t kind)
{
	for (size_t i = 0; i < s->opts_len && s->opts[i] != SW_OPT_EOL;) {
		const uint8_t *o = s->opts + i;

		if (o[0] == SW_OPT_NOP) {
			i++;
			continue;
		}
		MUST(i + 1 < s->opts_len && o[1] >= 2 && i + o[1] <= s->opts_len);
		if (o[0] == kind)
			return o;
		i += o[1];
	}
	return NULL;
}

void
rig_syn(struct rig *r, struct rig_conn *c)
{
	struct pkt_make m = rig_client(c);

	m.flags = SW_TCP_SYN | c->syn_flags;
	m.seq = c->c;
	m.ack = 0;
	m.opts = c->opts;
	m.opts_len = c->opts_len;
	rig_send(r, SW_OUTSIDE, &m);
	MUST(r->n_sent == 1);
	const struct sent *s = &r->sent[0];

	MUST(s->tcp && s->side == SW_OUTSIDE && s->seen.ip_ok && s->seen.tcp_ok);
	MUST((s->seen.flags & ~SW_TCP_ECE) == (SW_TCP_SYN | SW_TCP_ACK));
	MUST(s->seen.ack == c->c + 1);
	MUST(memcmp(s->data, "\2\0\0\0\0\1\2\0\0\0\0\2", 12) == 0);
	c->k = s->seen.seq;
	const uint8_t *ts = rig_opt(&s->seen, SW_OPT_TS);

	c->ts = ts != NULL;
	if (c->ts)
		c->ktsval = rig_get32(ts + 2);
}

static uint8_t
options_seen(const struct pkt_seen *s)
{
	const uint8_t ecn = SW_TCP_ECE | SW_TCP_CWR;

	return (uint8_t)((rig_opt(s, SW_OPT_MSS) ? RIG_MSS : 0) |
			 (rig_opt(s, SW_OPT_WSCALE) ? RIG_WS : 0) |
			 (rig_opt(s, SW_OPT_SACK_PERM) ? RIG_SACK : 0) |
			 (rig_opt(s, SW_OPT_TS) ? RIG_TS : 0) |
			 ((s->flags & ecn) == ecn ? RIG_ECN : 0));
}

void
rig_ack(struct rig *r, struct rig_conn *c)
{
	struct pkt_make m = rig_client(c);
	uint8_t o[12];

	if (c->ts) {
		m.opts = o;
		m.opts_len = rig_ts(o, c->ctsval, c->ktsval);
	}
	rig_send(r, SW_OUTSIDE, &m);
	MUST(r->n_sent == 1);
	const struct sent *s = &r->sent[0];

	MUST(s->tcp && s->side == SW_INSIDE && s->seen.tcp_ok);
	MUST((s->seen.flags & ~(SW_TCP_ECE | SW_TCP_CWR)) == SW_TCP_SYN);
	MUST(s->seen.seq == c->c);
	MUST(memcmp(s->data, "\2\0\0\0\0\2\2\0\0\0\0\1", 12) == 0);
	c->asked = options_seen(&s->seen);
}

struct pkt_make
rig_server_synack(const struct rig_conn *c, uint8_t *opts)
{
	struct pkt_make m = rig_server(c);
	unsigned has = c->asked & ~c->lacks, mss = c->smss ? c->smss : c->v6 ? 1440 : 1460;
	size_t n = 0;

	m.flags = SW_TCP_SYN | SW_TCP_ACK | (has & RIG_ECN ? SW_TCP_ECE : 0);
	m.seq = c->s;
	m.window = 65160;
	if (!(c->lacks & RIG_MSS)) { /* sent whether it was asked for or not */
		opts[n++] = SW_OPT_MSS;
		opts[n++] = SW_OPT_MSS_LEN;
		opts[n++] = (uint8_t)(mss >> 8);
		opts[n++] = (uint8_t)mss;
	}
	if (has & RIG_SACK) {
		opts[n++] = SW_OPT_SACK_PERM;
		opts[n++] = SW_OPT_SACK_PERM_LEN;
	}
	if (has & RIG_TS)
		n += rig_ts(opts + n, c->stsval, c->ctsval);
	if (has & RIG_WS) {
		opts[n++] = SW_OPT_WSCALE;
		opts[n++] = SW_OPT_WSCALE_LEN;
		opts[n++] = c->swscale ? c->swscale : 7;
	}
	m.opts = opts;
	m.opts_len = n;
	return m;
}

/* Something that goes to the server acknowledges its SYN-ACK. */
static void
check_acknowledges(const struct sent *s, const struct rig_conn *c)
{
	MUST(s->tcp && s->side == SW_INSIDE && s->seen.tcp_ok);
	MUST((s->seen.flags & SW_TCP_ACK) && s->seen.seq == c->c + 1 && s->seen.ack == c->s + 1);
}

void
rig_synack(struct rig *r, struct rig_conn *c)
{
	const uint64_t acks = rig_stat(r, SW_C_SERVER_ACK_SENT);
	uint8_t o[40];
	struct pkt_make m = rig_server_synack(c, o);
	const struct sent *cl = &r->sent[0], *sv = &r->sent[1];

	rig_send(r, SW_INSIDE, &m);
	MUST(r->n_sent >= 2);
	MUST(cl->tcp && cl->side == SW_OUTSIDE && cl->seen.tcp_ok);
	MUST(cl->seen.flags == SW_TCP_ACK && cl->seen.seq == c->k + 1 && cl->seen.ack == c->c + 1);
	check_acknowledges(sv, c);
	MUST(sv->seen.flags == SW_TCP_ACK && sv->seen.payload_len == 0);
	MUST(rig_stat(r, SW_C_SERVER_ACK_SENT) == acks + 1);
}

void
rig_synack_held(struct rig *r, struct rig_conn *c)
{
	const uint64_t acks = rig_stat(r, SW_C_SERVER_ACK_SENT);
	const uint64_t opened = rig_stat(r, SW_C_CLIENT_OPENED);
	uint8_t o[40];
	struct pkt_make m = rig_server_synack(c, o);

	rig_send(r, SW_INSIDE, &m);
	MUST(r->n_sent >= 1);
	check_acknowledges(&r->sent[0], c);
	MUST(r->sent[0].seen.payload_len > 0 || (r->sent[0].seen.flags & SW_TCP_FIN));
	for (unsigned i = 1; i < r->n_sent; i++)
		MUST(r->sent[i].side == SW_INSIDE);
	MUST(rig_stat(r, SW_C_SERVER_ACK_SENT) == acks);
	MUST(rig_stat(r, SW_C_CLIENT_OPENED) == opened);
}

void
rig_open(struct rig *r, struct rig_conn *c)
{
	rig_syn(r, c);
	rig_ack(r, c);
	rig_synack(r, c);
}

const struct sent *
rig_only(const struct rig *r, unsigned side)
{
	MUST(r->n_sent == 1);
	MUST(r->sent[0].side == side);
	MUST(!r->sent[0].tcp || (r->sent[0].seen.tcp_ok && r->sent[0].seen.ip_ok));
	return &r->sent[0];
}

struct sw_tuple
rig_tuple(const struct rig_conn *c)
{
	struct sw_tuple t = {.vlan_af = c->v6 ? SW_TUPLE_IPV6 : 0};
	struct pkt_make m = rig_client(c);

	memcpy(c->v6 ? t.client.b : t.client.b + 12, m.src, c->v6 ? 16 : 4);
	memcpy(c->v6 ? t.server.b : t.server.b + 12, m.dst, c->v6 ? 16 : 4);
	t.cport_be = rte_cpu_to_be_16(m.sport);
	t.sport_be = rte_cpu_to_be_16(m.dport);
	return t;
}

struct sw_flow *
rig_flow(struct rig *r, const struct rig_conn *c)
{
	const struct sw_tuple t = rig_tuple(c);

	return sw_flow_find(sw_engine_flows(r->e), &t);
}

static void
send_flags(struct rig *r, const struct rig_conn *c, unsigned side, uint8_t flags, uint32_t ack)
{
	struct pkt_make m = side == SW_OUTSIDE ? rig_client(c) : rig_server(c);

	m.flags = flags;
	m.ack += ack;
	rig_send(r, side, &m);
	rig_only(r, side == SW_OUTSIDE ? SW_INSIDE : SW_OUTSIDE);
}

void
rig_to_state(struct rig *r, struct rig_conn *c, unsigned state)
{
	const uint8_t fin = SW_TCP_FIN | SW_TCP_ACK;

	rig_syn(r, c);
	rig_ack(r, c);
	if (state != SW_FLOW_SYN_SENT)
		rig_synack(r, c);
	if (state == SW_FLOW_OPEN)
		send_flags(r, c, SW_OUTSIDE, SW_TCP_ACK, 0);
	if (state == SW_FLOW_FIN_CLIENT || state == SW_FLOW_FIN_BOTH)
		send_flags(r, c, SW_OUTSIDE, fin, 0);
	if (state == SW_FLOW_FIN_SERVER || state == SW_FLOW_FIN_BOTH)
		send_flags(r, c, SW_INSIDE, fin, state == SW_FLOW_FIN_BOTH);
	if (state == SW_FLOW_RST_CLIENT)
		send_flags(r, c, SW_OUTSIDE, SW_TCP_RST, 0);
	if (state == SW_FLOW_RST_SERVER)
		send_flags(r, c, SW_INSIDE, SW_TCP_RST | SW_TCP_ACK, 0);
	MUST(rig_flow(r, c)->state == state);
}
