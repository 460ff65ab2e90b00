/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop of connections, and of a flood beside them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <rte_rcu_qsbr.h>

#include "log.h"
#include "pacer.h"
#include "run.h"
#include "spec.h"

/* New connections of one round: the answers to the last ones must be heard in between. */
#define OPEN_MAX 64

/* How often a full ring is tried again before a frame is lost to it: nobody may wait for ever. */
#define FULL_TRIES 64

/* Bursts that are taken in one turn: more than one may cause, or the rings would fill up. */
#define BURSTS_MAX 8

/* One end and its port. */
struct port_end {
	struct sw_end *end;
	struct sw_io *io;
	struct sw_out out;
	unsigned n_held; /* frames of out that the port has refused before */
	struct rte_mbuf *m[SW_OUT_MAX];
	void *memory; /* connections, and the ring of free ones */
	size_t memory_bytes;
};

struct run_connect {
	struct sw_run *run;
	struct sw_conn_spec spec;
	struct sw_payload payload;
	struct port_end client, server;
	struct sw_pacer pacer, flood_pacer;
	struct sw_flood *flood; /* NULL: none */
	struct sw_load_route route, flood_route;
	uint64_t most; /* connections at once */
};

static void
snapshot(const struct sw_run *r, struct sw_load_snapshot *s)
{
	const struct run_connect *l = r->mode;

	memset(s, 0, sizeof(*s));
	s->outside = r->outside->stats;
	s->outside.tx_lost = l->client.out.denied;
	s->client = l->client.end->stats;
	s->handshake = l->client.end->handshake;
	s->response = l->client.end->response;
	s->in_flight = l->client.end->in_flight;
	s->connect_skipped = l->pacer.skipped;
	s->flood_skipped = l->flood_pacer.skipped;
	if (r->inside != NULL) {
		s->inside = r->inside->stats;
		s->inside.tx_lost = l->server.out.denied;
		s->server = l->server.end->stats;
	}
	if (l->flood != NULL)
		s->flood = l->flood->stats;
}

static bool
drained(const struct sw_run *r)
{
	const struct run_connect *l = r->mode;

	if (r->phase == SW_PHASE_SETTLE)
		return !r->settles;
	return l->client.end->in_flight == 0 &&
	       (l->server.end == NULL || l->server.end->in_flight == 0);
}

/* What the port has not taken; nothing new is opened meanwhile, after the warm-up. */
static bool
waits(const struct sw_run *r)
{
	const struct run_connect *l = r->mode;

	return l->client.out.n > 0;
}

/* Buffers for the places of out that have none. */
static void
refill(struct port_end *p)
{
	const unsigned n = SW_OUT_MAX - p->out.room;

	if (n == 0 || rte_mempool_get_bulk(p->io->pool, (void **)(p->m + p->out.room), n) != 0)
		return;
	for (unsigned i = p->out.room; i < SW_OUT_MAX; i++)
		p->out.data[i] = sw_io_data(p->m[i]);
	p->out.room = SW_OUT_MAX;
}

static void
flush(struct port_end *p)
{
	struct sw_out *o = &p->out;
	unsigned held;
	uint16_t sent;

	if (o->n == 0)
		return;
	for (unsigned i = 0; i < o->n; i++)
		sw_io_set_len(p->m[i], o->len[i]);
	sent = rte_eth_tx_burst(p->io->port, 0, p->m, (uint16_t)o->n);
	p->io->stats.tx_packets += sent;
	held = p->n_held > sent ? p->n_held - sent : 0;
	o->n -= sent;
	p->io->stats.tx_full += o->n - held;
	p->n_held = o->n;
	o->room -= sent;
	memmove(p->m, p->m + sent, o->room * sizeof(p->m[0]));
	memmove(o->data, o->data + sent, o->room * sizeof(o->data[0]));
	memmove(o->len, o->len + sent, o->n * sizeof(o->len[0]));
	refill(p);
}

/* There is room for what one frame may cause. */
static void
more(void *arg)
{
	struct port_end *p = arg;

	for (unsigned i = 0; p->out.room - p->out.n < SW_CONN_FRAMES_MAX && i < FULL_TRIES; i++)
		flush(p);
}

/* Takes what came in on an end's port; what is the flood's is sorted out. */
static unsigned
receive(struct run_connect *l, struct port_end *p, uint64_t now)
{
	struct rte_mbuf *m[SW_IO_BURST];
	struct sw_frame frames[SW_IO_BURST];
	const unsigned n = rte_eth_rx_burst(p->io->port, 0, m, SW_IO_BURST);
	unsigned n_frames = 0;

	for (unsigned i = 0; i < n; i++) {
		uint8_t *data = rte_pktmbuf_mtod(m[i], uint8_t *);

		if (l->flood != NULL && !p->end->is_server && sw_flood_owns(data, m[i]->data_len)) {
			sw_flood_input(l->flood, data, m[i]->data_len);
			continue;
		}
		frames[n_frames++] = (struct sw_frame){
			.data = data, .len = m[i]->data_len, .pkt_len = m[i]->data_len};
	}
	if (n_frames > 0)
		sw_end_input(p->end, frames, n_frames, more, p);
	if (n > 0)
		rte_pktmbuf_free_bulk(m, n);
	p->io->stats.rx_packets += n;
	if (n > 0 && !p->end->is_server)
		l->run->last_rx_ns = now;
	return n;
}

static void
open_some(struct run_connect *l, uint64_t now)
{
	const struct sw_load_args *a = l->run->args;
	struct sw_end *e = l->client.end;
	uint64_t n = OPEN_MAX;

	/*
	 * The port is busy: those that are open come first. But not in the warm-up, which is there
	 * to open them: where nothing is lost, those that are open may keep it busy for good.
	 */
	if (l->client.out.n > 0 && l->run->phase != SW_PHASE_WARM)
		return;
	if (a->connect_rate != 0)
		n = sw_pacer_due(&l->pacer, now, OPEN_MAX);
	if (a->total != 0 && n > a->total - e->stats.tried)
		n = a->total - e->stats.tried;
	for (uint64_t i = 0; i < n && e->in_flight < l->most; i++) {
		more(&l->client);
		if (l->client.out.room - l->client.out.n < SW_CONN_FRAMES_MAX || !sw_end_open(e))
			return;
		sw_pacer_sent(&l->pacer, 1);
	}
	if (a->total != 0 && e->stats.tried == a->total && e->in_flight == 0)
		sw_run_stop(l->run);
}

static void
send_flood(struct run_connect *l, uint64_t now)
{
	struct sw_io *io = l->client.io;
	unsigned n;

	if (!sw_io_flush(io))
		return;
	n = (unsigned)sw_pacer_due(&l->flood_pacer, now, SW_IO_BURST);
	if (n > 0)
		sw_pacer_sent(&l->flood_pacer, sw_run_flood_burst(io, l->flood, n));
}

static void
turn(struct run_connect *l, struct port_end *p, uint64_t now)
{
	p->end->now_us = (now - l->run->start_ns) / 1000;
	p->end->measuring = l->run->phase == SW_PHASE_MEASURE;
	for (unsigned i = 0; i < BURSTS_MAX && receive(l, p, now) == SW_IO_BURST;)
		i++;
	sw_end_timers(p->end, more, p);
	flush(p);
}

/* The flood is over. Who is still open has failed under it, and must not end in its absence. */
static void
settle(struct run_connect *l, uint64_t now)
{
	if (l->client.end->in_flight > 0)
		sw_end_give_up(l->client.end);
	receive(l, &l->client, now);
	flush(&l->client);
	sw_io_flush(l->client.io);
}

static void
loop(struct run_connect *l)
{
	struct sw_run *r = l->run;

	while (r->phase != SW_PHASE_DONE) {
		const uint64_t now = sw_run_now(r);

		/* What the last round has read may be unmapped. */
		rte_rcu_qsbr_quiescent(r->qsbr, 0);
		if (unlikely(now >= r->next_event_ns))
			sw_run_event(r, now);
		if (r->phase >= SW_PHASE_SETTLE) {
			settle(l, now);
			continue;
		}
		turn(l, &l->client, now);
		if (l->server.end != NULL)
			turn(l, &l->server, now);
		if (!r->stop)
			open_some(l, now);
		flush(&l->client);
		if (l->flood != NULL)
			send_flood(l, now);
	}
}

static int
make_end(struct run_connect *l, struct port_end *p, struct sw_io *io, bool is_server)
{
	const uint32_t n_slots = sw_end_slots(&l->route, l->most);
	uint32_t *free_ring = NULL;

	if (n_slots == 0) {
		sw_log_error("--sources has too few addresses and ports for %llu connections at "
			     "once: name a shorter prefix, or fewer with --concurrent",
			(unsigned long long)l->most);
		return -EINVAL;
	}
	p->io = io;
	p->end = aligned_alloc(alignof(struct sw_end), sizeof(struct sw_end));
	p->memory_bytes = n_slots * (sizeof(struct sw_conn) + sizeof(uint32_t));
	p->memory = mmap(
		NULL, p->memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->end == NULL || p->memory == MAP_FAILED) {
		sw_log_error(
			"no memory for %u connections (%zu MiB)", n_slots, p->memory_bytes >> 20);
		return -ENOMEM;
	}
	/* Fewer misses of the TLB; without them it only takes longer. */
	madvise(p->memory, p->memory_bytes, MADV_HUGEPAGE);
	if (!is_server)
		free_ring = (uint32_t *)((struct sw_conn *)p->memory + n_slots);
	sw_end_init(p->end, &l->spec, &p->out, p->memory, free_ring, n_slots);
	refill(p);
	return 0;
}

static void
free_end(struct port_end *p)
{
	if (p->io != NULL)
		rte_pktmbuf_free_bulk(p->m, p->out.room);
	if (p->memory != NULL && p->memory != MAP_FAILED)
		munmap(p->memory, p->memory_bytes);
	free(p->end);
	*p = (struct port_end){0};
}

/* The flood of a mixed run: the upper half of the ports, that of the connections is the lower. */
static int
make_flood(struct run_connect *l)
{
	const struct sw_load_args *a = l->run->args;
	struct sw_flood_spec spec = {
		.route = &l->flood_route,
		.options = a->options,
		.sample = (uint32_t)a->sample,
		.seed = a->seed,
	};

	l->flood = aligned_alloc(alignof(struct sw_flood), sizeof(struct sw_flood));
	if (l->flood == NULL) {
		sw_log_error("no memory for the flood");
		return -ENOMEM;
	}
	memcpy(spec.weights, a->weights, sizeof(spec.weights));
	l->flood_route = a->route;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		sw_space_set_ports(&l->route.space[v6], 1024, SW_FLOOD_PORT_MIN - 1024);
		sw_space_set_ports(
			&l->flood_route.space[v6], SW_FLOOD_PORT_MIN, 65536 - SW_FLOOD_PORT_MIN);
	}
	sw_flood_init(l->flood, &spec);
	return 0;
}

int
sw_run_connect(struct sw_run *r)
{
	struct run_connect *l = calloc(1, sizeof(*l));
	const struct sw_load_args *a = r->args;
	int rc = 0;

	if (l == NULL)
		return -ENOMEM;
	l->run = r;
	l->route = a->route;
	l->most = sw_conn_most(a);
	sw_payload_init(&l->payload, a->seed);
	sw_conn_spec_make(&l->spec, a, &l->route, &l->payload);
	if (a->mode == SW_LOAD_MIXED)
		rc = make_flood(l);
	if (rc == 0)
		rc = make_end(l, &l->client, r->outside, false);
	if (rc == 0 && r->inside != NULL)
		rc = make_end(l, &l->server, r->inside, true);
	if (rc == 0) {
		r->mode = l;
		r->snapshot = snapshot;
		r->drained = drained;
		r->waits = waits;
		/* Each stage may take its time. */
		r->drain_ns = a->hold_ns + 3 * a->timeout_ms * 1000000 + 1000000000;
		r->settles = l->flood != NULL;
		sw_run_start(r, sw_run_now(r));
		l->spec.start_us = r->start_ns / 1000;
		sw_pacer_start(&l->pacer, a->connect_rate, r->start_ns);
		sw_pacer_start(&l->flood_pacer, a->flood_rate, r->start_ns);
		loop(l);
		sw_end_give_up(l->client.end);
		if (l->server.end != NULL)
			sw_end_give_up(l->server.end);
		snapshot(r, &r->report.last);
	}
	free_end(&l->client);
	free_end(&l->server);
	free(l->flood);
	free(l);
	return rc;
}
