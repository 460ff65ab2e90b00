/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots and numbers, and the way of a frame to its connection. */
#include "conn_int.h"
#include "packet/wire.h"

const char *const sw_conn_fault_names[SW_CONN_FAULTS] = {
	[SW_CONN_TIMEOUT_SYN] = "timeout_syn",
	[SW_CONN_TIMEOUT_DATA] = "timeout_data",
	[SW_CONN_TIMEOUT_CLOSE] = "timeout_close",
	[SW_CONN_REFUSED] = "refused",
	[SW_CONN_RESET] = "reset",
	[SW_CONN_BAD_SYNACK] = "bad_synack",
	[SW_CONN_BAD_SEQUENCE] = "bad_sequence",
	[SW_CONN_BAD_PAYLOAD] = "bad_payload",
	[SW_CONN_BAD_STATUS] = "bad_status",
	[SW_CONN_EARLY_FIN] = "early_fin",
	[SW_CONN_UNFINISHED] = "unfinished",
};

/* Of every server the same share; the smallest space decides. */
static uint64_t
count_numbers(const struct sw_load_route *r)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < r->n_servers; i++) {
		const uint64_t n = sw_space_size(&r->space[r->servers[i].v6]);

		if (n < least)
			least = n;
	}
	return least * r->n_servers;
}

uint32_t
sw_end_slots(const struct sw_load_route *route, uint64_t at_once)
{
	const uint64_t numbers = count_numbers(route);
	uint64_t n = 64;

	while (n < at_once)
		n *= 2;
	return n <= numbers && n <= UINT32_MAX / 2 ? (uint32_t)n : 0;
}

void
sw_end_init(struct sw_end *e, const struct sw_conn_spec *spec, struct sw_out *out,
	struct sw_conn *conns, uint32_t *free_ring, uint32_t n_slots)
{
	const struct sw_load_route *r = spec->route;

	memset(e, 0, sizeof(*e));
	e->spec = spec;
	e->out = out;
	e->is_server = free_ring == NULL;
	e->measuring = true;
	e->key = r->key;
	e->conns = conns;
	e->free_ring = free_ring;
	e->n_slots = n_slots;
	e->n_numbers = count_numbers(r);
	memcpy(e->peer_macs, e->is_server ? r->l2.dst : r->l2.src, 6);
	memcpy(e->peer_macs + 6, e->is_server ? r->l2.src : r->l2.dst, 6);
	for (unsigned i = 0; i < r->n_servers; i++)
		sw_craft_init(&e->syn[i], &r->l2, &r->servers[i], SW_CRAFT_SYN, spec->options);
	for (uint32_t i = 0; i < n_slots && free_ring != NULL; i++) {
		free_ring[i] = i;
		conns[i].number = i;
		e->n_free++;
	}
}

static void
make_id(struct conn_ctx *x)
{
	const struct sw_tuple *t = &x->tuple;

	x->id = sw_load_secret(t->client.q[1], t->client.q[0],
		(uint32_t)rte_be_to_cpu_16(t->cport_be) << 16 | rte_be_to_cpu_16(t->sport_be),
		x->e->spec->route->key);
}

void
sw_conn_name(struct conn_ctx *x, uint64_t number)
{
	const struct sw_load_route *r = x->e->spec->route;
	const struct sw_load_server *s;
	uint16_t port;

	x->server = (unsigned)(number % r->n_servers);
	s = &r->servers[x->server];
	sw_space_at(&r->space[s->v6], number / r->n_servers, &x->tuple.client, &port);
	x->tuple.server = s->addr;
	x->tuple.cport_be = rte_cpu_to_be_16(port);
	x->tuple.sport_be = rte_cpu_to_be_16(s->port);
	x->tuple.vlan_af = r->l2.vlan | (s->v6 ? SW_TUPLE_IPV6 : 0);
	make_id(x);
}

/* The number of a packet's connection, and x->server; UINT64_MAX: none of ours. */
static uint64_t
find_number(struct conn_ctx *x, const struct sw_tuple *t)
{
	const struct sw_load_route *r = x->e->spec->route;
	const bool v6 = sw_tuple_is_v6(t);

	for (unsigned i = 0; i < r->n_servers; i++) {
		const struct sw_load_server *s = &r->servers[i];
		uint64_t n;

		if (s->v6 != v6 || s->port != rte_be_to_cpu_16(t->sport_be) ||
			memcmp(&s->addr, &t->server, sizeof(s->addr)) != 0)
			continue;
		n = sw_space_number(&r->space[v6], &t->client, rte_be_to_cpu_16(t->cport_be));
		if (n == UINT64_MAX)
			return n;
		x->server = i;
		return n * r->n_servers + i;
	}
	return UINT64_MAX;
}

bool
sw_end_open(struct sw_end *e)
{
	struct conn_ctx x = {.e = e};
	struct sw_conn *c;

	if (e->n_free == 0 || e->out->n >= e->out->room)
		return false;
	c = x.c = &e->conns[e->free_ring[e->free_head]];
	__builtin_prefetch(&e->conns[e->free_ring[(e->free_head + 8) & (e->n_slots - 1)]], 1);
	e->free_head = (e->free_head + 1) & (e->n_slots - 1);
	e->n_free--;
	sw_conn_name(&x, c->number);
	c->state = SW_CONN_SYN_SENT;
	c->flags = c->tries = 0;
	c->rounds = 0;
	/* RFC 6528: a function of the tuple, and a clock of 4 us. */
	c->iss = (uint32_t)x.id + (uint32_t)((e->spec->start_us + e->now_us) / 4);
	c->snd_una = c->iss;
	c->snd_nxt = c->snd_max = c->iss + 1;
	begin_stage(&x);
	c->measured = c->stage_measured;
	e->stats.measured.tried += c->measured;
	e->stats.tried++;
	e->in_flight++;
	sw_conn_send_syn(&x);
	sw_conn_arm(&x);
	sw_conn_hang(e, c);
	return true;
}

void
sw_conn_end(struct conn_ctx *x, enum sw_conn_fault fault)
{
	struct sw_end *e = x->e;
	struct sw_conn *c = x->c;

	if (fault == SW_CONN_FINE) {
		e->stats.finished++;
		e->stats.measured.finished += c->measured;
	} else {
		e->stats.failed[fault]++;
		e->stats.measured.failed += c->measured;
	}
	sw_conn_unhang(e, c);
	c->state = SW_CONN_FREE;
	e->in_flight--;
	if (e->is_server)
		return;
	c->number += e->n_slots;
	if (c->number >= e->n_numbers)
		c->number = (uint64_t)(c - e->conns);
	e->free_ring[(e->free_head + e->n_free) & (e->n_slots - 1)] = (uint32_t)(c - e->conns);
	e->n_free++;
}

void
sw_end_give_up(struct sw_end *e)
{
	for (uint32_t i = 0; i < e->n_slots; i++) {
		struct conn_ctx x = {.e = e, .c = &e->conns[i]};

		if (x.c->state != SW_CONN_FREE)
			sw_conn_end(&x, SW_CONN_UNFINISHED);
	}
}

/* The TSval of a segment. */
static bool
read_tsval(const struct sw_pkt *p, uint32_t *tsval)
{
	struct sw_tcp_opts o;

	if (sw_opts_are_ts(p)) {
		*tsval = rte_be_to_cpu_32(sw_load32(sw_pkt_tcp(p) + SW_TCP_BYTES + 4));
		return true;
	}
	if (sw_opts_read(p, &o) != 0 || !o.ts)
		return false;
	*tsval = o.tsval;
	return true;
}

static void
take_timestamp(struct sw_conn *c, const struct sw_pkt *p)
{
	uint32_t tsval;

	/* RFC 7323, 4.3: not of a segment behind a gap. */
	if ((c->flags & CONN_TS) && !sw_seq_before(c->rcv_nxt, p->seq) && read_tsval(p, &tsval) &&
		!sw_seq_before(tsval, c->ts_recent))
		c->ts_recent = tsval;
}

/* A segment of a connection that has been opened, or is by this one. */
static void
opened(struct conn_ctx *x, const struct sw_pkt *p)
{
	struct sw_conn *c = x->c;

	if (p->tcp_flags & SW_TCP_RST) {
		if (p->seq - c->rcv_nxt < 65536)
			sw_conn_end(x, SW_CONN_RESET);
		return;
	}
	if (!(p->tcp_flags & SW_TCP_ACK)) {
		x->e->stats.stray++;
		return;
	}
	if (c->state == SW_CONN_SYN_RCVD && p->ack != c->snd_max) {
		x->e->stats.stray++;
		return;
	}
	if (!sw_conn_acked(x, p)) {
		sw_conn_reset(x);
		sw_conn_end(x, SW_CONN_BAD_SEQUENCE);
		return;
	}
	if (c->state == SW_CONN_SYN_RCVD) {
		c->state = SW_CONN_OPEN;
		x->e->stats.opened++;
		begin_stage(x);
	}
	take_timestamp(c, p);
	if (!sw_conn_take(x, p))
		return;
	if (x->e->spec->hold_us != 0)
		sw_conn_hold(x);
	sw_conn_output(x);
	if (sw_conn_is_done(x))
		sw_conn_end(x, SW_CONN_FINE);
	else
		sw_conn_rearm(x);
}

/* Server: a SYN for a slot in whatever state. */
static void
take_syn(struct conn_ctx *x, const struct sw_pkt *p, uint64_t number)
{
	struct sw_conn *c = x->c;

	if (c->state != SW_CONN_FREE && c->number == number && c->irs == p->seq) {
		if (c->state == SW_CONN_SYN_RCVD)
			sw_conn_send_synack(x);
		return;
	}
	if (c->state == SW_CONN_OPEN && !(c->flags & CONN_CLOSING)) {
		x->e->stats.stray++;
		return;
	}
	/* Its client has gone on to another number: it had all that it wanted. */
	if (c->state == SW_CONN_OPEN) {
		x->e->stats.replaced++;
		sw_conn_end(x, SW_CONN_FINE);
	} else if (c->state == SW_CONN_SYN_RCVD) {
		sw_conn_end(x, SW_CONN_TIMEOUT_SYN);
	}
	c->number = number;
	sw_conn_accept(x, p);
}

static void
take_packet(struct sw_end *e, const struct sw_pkt *p, uint64_t number, unsigned server)
{
	struct conn_ctx x = {.e = e, .tuple = p->tuple, .server = server};

	x.c = &e->conns[number & (e->n_slots - 1)];
	make_id(&x);
	if (!sw_conn_csum_ok(&x, p))
		e->stats.bad_checksum++;
	else if (e->is_server &&
		 (p->tcp_flags & (SW_TCP_SYN | SW_TCP_ACK | SW_TCP_RST)) == SW_TCP_SYN)
		take_syn(&x, p, number);
	else if (x.c->state == SW_CONN_FREE || x.c->number != number)
		sw_conn_stray(&x, p);
	else if (x.c->state == SW_CONN_SYN_SENT)
		sw_conn_syn_sent(&x, p);
	else
		opened(&x, p);
}

/* Layer 2 of a packet is what its other end has sent: whoever is in between changes none of it. */
static bool
l2_is_right(const struct sw_end *e, const struct sw_pkt *p)
{
	const uint16_t vlan = e->spec->route->l2.vlan;

	return memcmp(p->f->data, e->peer_macs, sizeof(e->peer_macs)) == 0 &&
	       p->l3_off == SW_ETH_BYTES + (vlan != 0 ? SW_VLAN_BYTES : 0) &&
	       (p->tuple.vlan_af & ~SW_TUPLE_IPV6) == vlan;
}

void
sw_end_input(
	struct sw_end *e, struct sw_frame *frames, unsigned n, void (*more)(void *arg), void *arg)
{
	struct sw_pkt pkts[SW_BURST_MAX];
	uint64_t numbers[SW_BURST_MAX];
	unsigned servers[SW_BURST_MAX];

	SW_ASSERT(n <= SW_BURST_MAX);
	for (unsigned i = 0; i < n; i++)
		frames[i].side = e->is_server ? SW_OUTSIDE : SW_INSIDE;
	sw_parse_burst(frames, pkts, n);
	for (unsigned i = 0; i < n; i++) {
		struct conn_ctx x = {.e = e};

		e->stats.malformed += pkts[i].kind == SW_PKT_BAD;
		numbers[i] =
			pkts[i].kind == SW_PKT_TCP ? find_number(&x, &pkts[i].tuple) : UINT64_MAX;
		e->stats.bad_l2 += numbers[i] != UINT64_MAX && !l2_is_right(e, &pkts[i]);
		servers[i] = x.server;
		__builtin_prefetch(&e->conns[numbers[i] & (e->n_slots - 1)], 1);
	}
	for (unsigned i = 0; i < n; i++) {
		if (numbers[i] == UINT64_MAX) {
			e->stats.stray += pkts[i].kind != SW_PKT_BAD;
			continue;
		}
		more(arg);
		take_packet(e, &pkts[i], numbers[i], servers[i]);
	}
}
