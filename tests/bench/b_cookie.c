/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * b_cookie.c - the MAC, and the cookie made of it.
 *
 *   mac/KERNEL/MESSAGE/BURST   v4: 2 words and the last block, v6: 5
 *   cookie/issue/...           sw_cookie_issue_burst()
 *   cookie/verify/...          sw_cookie_verify_burst() of right and of random cookies
 *
 * Messages, keys' order and cookies are new in each round.
 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/pkts.h"
#include "base/simd.h"
#include "cookie/cookie.h"

struct mac {
	unsigned words, n;
	uint64_t seed;
	struct sw_sipkey key_one;
	const struct sw_sipkey *key[SW_BURST_MAX];
	uint64_t msg[(SW_COOKIE_V6_WORDS + 1) * SW_BURST_MAX];
	uint64_t out[SW_BURST_MAX];
	uint64_t wrong;
};

static void
mac_prepare(void *ctx)
{
	struct mac *m = ctx;

	for (unsigned i = 0; i < m->n; i++) {
		uint64_t tail = bench_rand(&m->seed) & 0xffffffff;

		for (unsigned w = 0; w < m->words; w++)
			m->msg[w * SW_BURST_MAX + i] = bench_rand(&m->seed);
		m->msg[m->words * SW_BURST_MAX + i] =
			tail | (uint64_t)(m->words * 8 + SW_COOKIE_TAIL_BYTES) << 56;
		m->key[i] = &m->key_one; /* as for a burst of SYNs */
	}
}

static void
mac_run(void *ctx)
{
	struct mac *m = ctx;

	sw_siphash_burst(m->key, m->msg, SW_BURST_MAX, m->words, m->out, m->n);
}

/* One of the burst against the plain function, by its number in turn. */
static void
mac_done(void *ctx)
{
	struct mac *m = ctx;
	unsigned i = (unsigned)m->seed % m->n;
	uint64_t msg[SW_COOKIE_V6_WORDS + 1];

	for (unsigned w = 0; w <= m->words; w++)
		msg[w] = m->msg[w * SW_BURST_MAX + i];
	m->wrong += m->out[i] != sw_siphash(m->key[i], msg, m->words * 8 + SW_COOKIE_TAIL_BYTES);
}

static void
bench_macs(struct bench *b, const char *kernel)
{
	static const struct {
		const char *name;
		unsigned words;
	} messages[] = {{"v4", SW_COOKIE_V4_WORDS}, {"v6", SW_COOKIE_V6_WORDS}};
	static const unsigned bursts[] = {32, 64};
	char name[BENCH_NAME_BYTES];

	for (unsigned i = 0; i < SW_ARRAY_LEN(messages) * SW_ARRAY_LEN(bursts); i++) {
		struct mac m = {
			.words = messages[i / 2].words, .n = bursts[i % 2], .key_one = {1, 2}};

		snprintf(name, sizeof(name), "mac/%s/%s/%u", kernel, messages[i / 2].name, m.n);
		if (!bench_wants(b, name))
			continue;
		bench_measure(b, &(struct bench_case){.name = name,
					 .unit = "MAC",
					 .burst = m.n,
					 .ctx = &m,
					 .prepare = mac_prepare,
					 .run = mac_run,
					 .done = mac_done});
		bench_check(
			b, m.wrong == 0, "%s: %lu MACs were wrong", name, (unsigned long)m.wrong);
	}
}

#define BURST 32

struct cookie {
	struct bench_shape shape;
	bool good;
	struct sw_keys keys;
	uint64_t seed, now_s;
	struct sw_tuple tuple[BURST];
	struct sw_cookie_in in[BURST];
	struct sw_cookie_out out[BURST];
	struct sw_cookie_ack ack[BURST];
	struct sw_cookie_state state[BURST];
	uint64_t n, valid;
};

static void
issue_prepare(void *ctx)
{
	struct cookie *c = ctx;

	for (unsigned i = 0; i < BURST; i++) {
		uint64_t rand = bench_rand(&c->seed);

		c->tuple[i] = bench_tuple(&c->shape, rand);
		c->in[i] = (struct sw_cookie_in){.tuple = &c->tuple[i],
			.client_isn = (uint32_t)bench_hash(rand),
			.mss = 1460,
			.wscale = 7,
			.sack = true,
			.ts = true};
	}
}

static void
issue_run(void *ctx)
{
	struct cookie *c = ctx;

	sw_cookie_issue_burst(&c->keys, c->now_s, c->in, c->out, BURST);
}

static void
verify_prepare(void *ctx)
{
	struct cookie *c = ctx;

	issue_prepare(c);
	issue_run(c);
	for (unsigned i = 0; i < BURST; i++)
		c->ack[i] = (struct sw_cookie_ack){.tuple = &c->tuple[i],
			.client_isn = c->in[i].client_isn,
			.isn = c->good ? c->out[i].isn : (uint32_t)bench_rand(&c->seed)};
}

static void
verify_run(void *ctx)
{
	struct cookie *c = ctx;

	sw_cookie_verify_burst(&c->keys, c->ack, c->state, BURST);
}

static void
verify_done(void *ctx)
{
	struct cookie *c = ctx;

	for (unsigned i = 0; i < BURST; i++)
		c->valid += c->state[i].valid;
	c->n += BURST;
}

/* That what was issued is good. */
static void
issue_done(void *ctx)
{
	struct cookie *c = ctx;

	for (unsigned i = 0; i < BURST; i++)
		c->ack[i] = (struct sw_cookie_ack){.tuple = &c->tuple[i],
			.client_isn = c->in[i].client_isn,
			.isn = c->out[i].isn};
	verify_run(c);
	verify_done(c);
}

static void
cookie_case(struct bench *b, struct cookie *c, bool verify)
{
	char name[BENCH_NAME_BYTES];

	snprintf(name, sizeof(name), "cookie/%s/%s%s", verify ? "verify" : "issue",
		c->shape.v6 ? "v6" : "v4",
		!verify	  ? ""
		: c->good ? "/good"
			  : "/bad");
	if (!bench_wants(b, name))
		return;
	sw_keys_derive(&c->keys, &(struct sw_master){{{1, 2}, {3, 4}}}, c->now_s, 64);
	bench_measure(b, &(struct bench_case){.name = name,
				 .unit = "cookie",
				 .burst = BURST,
				 .ctx = c,
				 .prepare = verify ? verify_prepare : issue_prepare,
				 .run = verify ? verify_run : issue_run,
				 .done = verify ? verify_done : issue_done});
	/* One forgery in 2^24 passes. */
	bench_check(b, c->good ? c->valid == c->n : c->valid <= 2 + c->n / 1000000,
		"%s: of %lu cookies, %lu were valid", name, (unsigned long)c->n,
		(unsigned long)c->valid);
}

void
bench_cookie(struct bench *b)
{
	for (unsigned level = SW_SIMD_NONE; level <= (unsigned)sw_simd_most(); level++)
		bench_macs(b, sw_simd_name(sw_simd_set((enum sw_simd)level)));
	sw_simd_set(sw_simd_best());
	for (unsigned i = 0; i < 6; i++) {
		struct cookie c = {.shape = {.v6 = i & 1}, .good = i < 4, .now_s = 64000};

		cookie_case(b, &c, i >= 2);
	}
}
