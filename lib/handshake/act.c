/* SPDX-License-Identifier: BSD-3-Clause */
/* act.c - what is done with one packet: by policy, by its flow, by its flags (act.h). */
#include "handshake/act.h"

bool
admit(struct burst *b, struct item *it)
{
	const struct sw_policy *policy = b->view->policy;
	const struct sw_pkt *p = it->p;

	if (it->service == SW_POLICY_NO_SERVICE) {
		/* A TCP header too short for its ports may be for any port of the server. */
		if (p->kind == SW_PKT_BAD && p->tuple.cport_be == 0 && p->tuple.sport_be == 0 &&
			sw_policy_covers_address(policy, &p->tuple))
			drop(b, p->f, p->reason);
		else
			bridge(b, p->f, SW_C_BRIDGED);
		return false;
	}
	enum sw_source_verdict source = sw_policy_source(policy, &p->tuple);
	uint8_t mode = sw_policy_service(policy, it->service)->mode;

	if (source == SW_SOURCE_DENY) {
		drop_item(b, it, SW_DROP_DENIED);
	} else if (mode == SW_MODE_DROP) {
		drop_item(b, it, SW_DROP_SERVICE_DROP);
	} else if (mode == SW_MODE_PASS || source == SW_SOURCE_ALLOW) {
		service_count(&service_stats(b, it->service)->passed);
		bridge(b, p->f, SW_C_PASSED);
	} else if (p->kind == SW_PKT_BAD) {
		drop_item(b, it, p->reason);
	} else {
		return true;
	}
	return false;
}

/* Which way a packet of a protected service goes; SYNs and ACKs wait for their burst of cookies. */
enum path { PATH_DONE, PATH_SYN, PATH_ACK, PATH_RST };

static enum path
client_without_flow(struct burst *b, const struct item *it)
{
	uint8_t flags = it->p->tcp_flags;

	if (flags & SW_TCP_SYN) {
		if (!(flags & SW_TCP_ACK))
			return PATH_SYN;
		drop_item(b, it, SW_DROP_SYNACK_FROM_CLIENT);
	} else if (flags & SW_TCP_RST) {
		return PATH_RST;
	} else {
		return PATH_ACK;
	}
	return PATH_DONE;
}

/*
 * Only where the server asked for it with a SYN of its own: what opens the entry must answer that.
 */
static void
synack_of_client(struct burst *b, const struct item *it)
{
	if (!(it->f->flags & SW_FLOW_FROM_SERVER) || it->p->ack != it->f->ts_delta ||
		!sw_pkt_tcp_csum_ok(it->p)) {
		drop_item(b, it, SW_DROP_SYNACK_FROM_CLIENT);
		return;
	}
	it->f->flags &= (uint8_t)~SW_FLOW_REOPEN;
	spliced_client(b, it);
}

/* Half-open, and the packet acknowledges another SYN-ACK than the one that opened the flow. */
static bool
is_other_handshake(const struct sw_engine *e, const struct item *it)
{
	return it->f->state == SW_FLOW_SYN_SENT && flow_pending(e, it->f)->isn + 1 != it->p->ack;
}

static enum path
client_packet(struct burst *b, const struct item *it)
{
	const struct sw_flow *f = it->f;
	uint8_t flags = it->p->tcp_flags;

	if (f == NULL)
		return client_without_flow(b, it);
	if (flags & SW_TCP_SYN) {
		if (flags & SW_TCP_ACK) {
			synack_of_client(b, it);
			return PATH_DONE;
		}
		if (f->state == SW_FLOW_SYN_SENT
				? flow_pending(b->e, f)->client_isn != it->p->seq
				: sw_flow_reusable(f) || (f->flags & SW_FLOW_REOPEN))
			return PATH_SYN;
	} else if (flags & SW_TCP_RST) {
		if (f->flags & SW_FLOW_REOPEN)
			recent_reset(b, it->p);
	} else if ((f->flags & SW_FLOW_REOPEN) || is_other_handshake(b->e, it)) {
		return PATH_ACK;
	}
	if (f->state == SW_FLOW_SYN_SENT)
		halfopen_client(b, it);
	else
		spliced_client(b, it);
	return PATH_DONE;
}

/*
 * Of one that was put off: judged anew where flows have been made or removed since, or its own may
 * have changed its state. A SYN that got a cookie on a flow that was closing and is live by now
 * would leave no mark there, and the cookie could not come back.
 */
static enum path
late_path(struct burst *b, const struct item *it)
{
	if (sw_unlikely(b->stale || it->f != NULL))
		return client_packet(b, it);
	return it->p->tcp_flags & SW_TCP_RST ? PATH_RST : PATH_SYN;
}

static void
server_packet(struct burst *b, const struct item *it)
{
	bool syn = (it->p->tcp_flags & (SW_TCP_SYN | SW_TCP_ACK)) == SW_TCP_SYN;

	if (it->f != NULL && it->f->state == SW_FLOW_SYN_SENT)
		halfopen_server(b, it);
	else if (sw_unlikely(syn) && (it->f == NULL || sw_flow_reusable(it->f)))
		open_from_server(b, it);
	else if (it->f == NULL)
		drop_item(b, it, SW_DROP_SERVER_NO_FLOW);
	else
		spliced_server(b, it);
}

static void
look_again(struct burst *b, struct item *items, unsigned n)
{
	for (unsigned i = 0; b->stale && i < n; i++)
		items[i].f = sw_flow_find_at(b->e->flows, items[i].place, &items[i].p->tuple);
}

void
act_one(struct burst *b, struct item *it, struct put_off *o)
{
	look_again(b, it, 1);
	if (it->p->f->side == SW_INSIDE) {
		server_packet(b, it);
		return;
	}
	switch (client_packet(b, it)) {
	case PATH_SYN:
	case PATH_RST:
		o->late[o->n_late++] = *it;
		break;
	case PATH_ACK:
		o->acks[o->n_acks++] = *it;
		break;
	case PATH_DONE:
		break;
	}
}

void
act_late(struct burst *b, struct put_off *o)
{
	struct item syns[SW_BURST_MAX];
	unsigned n_syns = 0;

	look_again(b, o->acks, o->n_acks);
	accept_acks(b, &o->cookies, o->acks, o->n_acks);
	/*
	 * An RST or a SYN may be for what an ACK of this burst has just opened. An ACK never
	 * answers a SYN of its own burst, so none is taken too early.
	 */
	for (unsigned i = 0; i < o->n_late; i++) {
		look_again(b, &o->late[i], 1);
		switch (late_path(b, &o->late[i])) {
		case PATH_SYN:
			syns[n_syns++] = o->late[i];
			break;
		case PATH_RST:
			recent_reset(b, o->late[i].p);
			drop_item(b, &o->late[i], SW_DROP_RST_NO_FLOW);
			break;
		default:
			break;
		}
	}
	look_again(b, syns, n_syns);
	answer_syns(b, syns, n_syns);
}
