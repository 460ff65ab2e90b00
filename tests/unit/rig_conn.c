/* SPDX-License-Identifier: BSD-3-Clause */
/* rig_conn.c - connections through the rig: the packets of both ends, and whole handshakes. */
#include <string.h>

#include "packet/options.h"
#include "packet/parse.h"
#include "unit/must.h"
#include "unit/rig.h"

static const uint8_t client4[4] = {192, 0, 2, 1}, server4[4] = {198, 51, 100, 2};
static const uint8_t client6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
static const uint8_t server6[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

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

struct pkt_make
rig_client_syn(const struct rig_conn *c)
{
	struct pkt_make m = rig_client(c);

	m.flags = SW_TCP_SYN;
	m.seq = c->c;
	m.ack = 0;
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
	struct pkt_make m = rig_client_syn(c);

	m.flags |= c->syn_flags;
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
