/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_engine.c - a sequence of packets and pauses through the whole engine.
 *
 * The input is read as a program of small steps. Steps that know the connection's numbers take the
 * fuzzer past the cookie, which it could not guess; raw frames and changed bytes do the rest. After
 * each step the counters must add up and every buffer be accounted for (rig_check_conservation),
 * and what comes out must be readable, with right checksums where it was made by the engine itself.
 * The last byte chooses the settings too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "packet/options.h"
#include "packet/parse.h"
#include "unit/rig.h"

enum step {
	STEP_SYN,    /* of connection i, with options from the input */
	STEP_ACK,    /* with the cookie of its last SYN-ACK */
	STEP_CLIENT, /* segment of the client: flags, offsets and payload from the input */
	STEP_SYNACK, /* of the server, with options from the input */
	STEP_SERVER, /* segment of the server */
	STEP_TIME,   /* lets time pass, with new keys */
	STEP_RAW,    /* any frame */
	STEP_ICMP,   /* ICMP error about the packet that was sent last */
	STEP_RUN,    /* ends the burst */
	STEP_MAX
};

#define CONNS 3

struct input {
	const uint8_t *p, *end;
};

static uint8_t
take(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static size_t
take_bytes(struct input *in, size_t max, const uint8_t **bytes)
{
	size_t n = take(in) % (max + 1);

	if (n > (size_t)(in->end - in->p))
		n = (size_t)(in->end - in->p);
	*bytes = in->p;
	in->p += n;
	return n;
}

struct world {
	struct rig r;
	struct rig_conn conn[CONNS];
	uint8_t last[PKT_MAX]; /* packet that was sent last, */
	uint32_t last_len;
	unsigned last_side;
	bool spoiled; /* a packet with a wrong checksum went in, at any time: it may be held */
};

static void
run(struct world *w)
{
	rig_run(&w->r);
	for (unsigned i = 0; i < w->r.n_sent; i++) {
		const struct sent *s = &w->r.sent[i];
		struct rig_conn *c;

		memcpy(w->last, s->data, s->len);
		w->last_len = s->len;
		w->last_side = s->side;
		if (s->tcp && !w->spoiled && !(s->seen.tcp_ok && s->seen.ip_ok))
			abort(); /* sound packets went in, an unsound one came out */
		if (!s->tcp || s->side != SW_OUTSIDE ||
			(s->seen.flags & (SW_TCP_SYN | SW_TCP_ACK)) != (SW_TCP_SYN | SW_TCP_ACK))
			continue;
		if (s->seen.dport < 1000 || s->seen.dport >= 1000 + CONNS || s->seen.sport != 80)
			continue;
		c = &w->conn[s->seen.dport - 1000];
		if (s->seen.ack == c->c + 1)
			c->k = s->seen.seq;
	}
}

/* Queues m, one byte of it changed where the input says so. */
static void
queue(struct world *w, struct input *in, unsigned side, const struct pkt_make *m)
{
	uint8_t b[PKT_MAX];
	size_t len = pkt_make(b, sizeof(b), m);
	uint8_t how = take(in);

	if (how & 1) {
		w->spoiled = true;
		size_t at = (take(in) << 8 | take(in)) % len;
		struct pkt_seen seen;

		b[at] ^= take(in);
		if ((how & 2) && pkt_read(b, len, &seen))
			pkt_fix(b, len);
	}
	if (how & 4)
		len -= take(in) % len;
	if (w->r.n_queue == SW_BURST_MAX)
		run(w);
	rig_queue_raw(&w->r, side, b, len, how >> 4 & (SW_CSUM_IP_GOOD | SW_CSUM_L4_GOOD));
}

static void
segment(struct world *w, struct input *in, unsigned side, struct rig_conn *c, enum step what)
{
	struct pkt_make m = side == SW_OUTSIDE ? rig_client(c) : rig_server(c);

	if (what == STEP_SYN) {
		m.flags = SW_TCP_SYN | (take(in) & (SW_TCP_ECE | SW_TCP_CWR));
		m.seq = c->c = c->c + (take(in) & 1) * 4096;
	} else if (what == STEP_SYNACK) {
		m.flags = SW_TCP_SYN | SW_TCP_ACK;
		m.seq = c->s;
	} else if (what != STEP_ACK) {
		m.flags = take(in);
		m.seq += (uint32_t)(int8_t)take(in) * 64;
		m.ack += (uint32_t)(int8_t)take(in) * 64;
		m.payload_len = take_bytes(in, 200, &m.payload);
	}
	m.opts_len = take_bytes(in, 40, &m.opts);
	queue(w, in, side, &m);
}

/* Where the packet went, a router says that it could not go on. IPv4 and IPv6, without tags. */
static void
icmp_error(struct world *w, struct input *in)
{
	bool v6 = w->last_len > 14 && w->last[12] == 0x86;
	size_t ip = v6 ? 40 : 20, head = 14 + ip + 8;
	size_t quote = take(in) % 120, len = head + quote;
	uint8_t b[PKT_MAX] = {0};

	if (w->last_len < 14 + ip || (!v6 && w->last[12] != 8))
		return;
	if (quote > w->last_len - 14)
		len = head + w->last_len - 14;
	memcpy(b, w->last + 6, 6);
	memcpy(b + 6, w->last, 6);
	memcpy(b + 12, w->last + 12, 2 + ip);
	memcpy(b + head, w->last + 14, len - head);
	if (v6) {
		b[14 + 4] = 0;
		b[14 + 5] = (uint8_t)(len - 54);
		b[14 + 6] = 58;
		memcpy(b + 14 + 8, w->last + 14 + 24, 16);
		memcpy(b + 14 + 24, w->last + 14 + 8, 16);
	} else {
		b[14 + 2] = 0;
		b[14 + 3] = (uint8_t)(len - 14);
		b[14 + 9] = 1;
		memcpy(b + 14 + 12, w->last + 14 + 16, 4);
		memcpy(b + 14 + 16, w->last + 14 + 12, 4);
	}
	b[14 + ip] = take(in) % 16;
	b[14 + ip + 1] = take(in) % 8;
	if (w->r.n_queue == SW_BURST_MAX)
		run(w);
	rig_queue_raw(&w->r, w->last_side, b, len, 0);
}

static void
step(struct world *w, struct input *in)
{
	uint8_t op = take(in);
	enum step what = op % STEP_MAX;
	struct rig_conn *c = &w->conn[(op >> 4) % CONNS];
	const uint8_t *raw;
	size_t n;

	switch (what) {
	case STEP_SYN:
	case STEP_ACK:
	case STEP_CLIENT:
		segment(w, in, SW_OUTSIDE, c, what);
		break;
	case STEP_SYNACK:
	case STEP_SERVER:
		segment(w, in, SW_INSIDE, c, what);
		break;
	case STEP_TIME:
		run(w);
		w->r.now_ns += (uint64_t)take(in) * 100000000;
		rig_tick(&w->r, 10 * (1 + take(in) % 4));
		rig_rekey(&w->r);
		break;
	case STEP_RAW:
		w->spoiled = true;
		n = take_bytes(in, 255, &raw);
		if (w->r.n_queue == SW_BURST_MAX)
			run(w);
		if (n > 0)
			rig_queue_raw(&w->r, op >> 7, raw, n, 0);
		break;
	case STEP_ICMP:
		icmp_error(w, in);
		break;
	default:
		run(w);
	}
	if (op & 8)
		run(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	static struct world w;
	uint8_t settings = size > 0 ? data[size - 1] : 0;
	struct rig_params small = {.flows = 64,
		.pending = 4,
		.held = 8,
		.recent = settings & 1 ? 8 : 0,
		.learn = settings & 2};

	/* Each level of vector instructions that this CPU has; 0 is the highest. */
	sw_simd_set((enum sw_simd)(sw_simd_most() - (settings >> 4 & 3) % (sw_simd_most() + 1)));
	rig_init(&w.r, &small);
	w.r.view.pass_fragments = settings & 4;
	w.r.view.pass_icmp = settings & 8;
	w.spoiled = false;
	w.last_len = 0;
	for (unsigned i = 0; i < CONNS; i++)
		w.conn[i] = (struct rig_conn){.v6 = i == 2,
			.cport = (uint16_t)(1000 + i),
			.c = i * 0x7fffffff,
			.s = 0u - i};
	while (in.p < in.end)
		step(&w, &in);
	run(&w);
	rig_fini(&w.r);
	return 0;
}
