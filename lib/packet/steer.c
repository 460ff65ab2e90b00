/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/steer.h"

#include "packet/parse.h"
#include "packet/wire.h"

void
sw_steer_by_hash(struct sw_steer *s, unsigned n_workers, const uint64_t key[4])
{
	SW_ASSERT(n_workers - 1 < SW_STEER_WORKERS_MAX);
	memset(s, 0, sizeof(*s));
	memcpy(s->key, key, sizeof(s->key));
	s->n_workers = (uint16_t)n_workers;
}

/* The low half of the Toeplitz hash of one 16-bit word: the key from the place of each bit on. */
static uint16_t
toeplitz(unsigned word)
{
	uint32_t key = SW_STEER_RSS_WORD << 16 | SW_STEER_RSS_WORD, hash = 0;

	for (unsigned bit = 0; bit < 16; bit++) {
		if (word & 0x8000u >> bit)
			hash ^= key;
		key = key << 1 | key >> 31;
	}
	return (uint16_t)hash;
}

void
sw_steer_by_rss(struct sw_steer *s, unsigned n_workers, unsigned period)
{
	SW_ASSERT(n_workers - 1 < SW_STEER_WORKERS_MAX && period >= n_workers &&
		  period <= SW_STEER_RETA_MAX && (period & (period - 1)) == 0);
	memset(s, 0, sizeof(*s));
	s->by_rss = true;
	s->n_workers = (uint16_t)n_workers;
	s->reta_mask = (uint16_t)(period - 1);
	for (unsigned i = 0; i < 256; i++) {
		s->toeplitz[0][i] = toeplitz(i << 8);
		s->toeplitz[1][i] = toeplitz(i);
	}
	for (unsigned i = 0; i < period; i++)
		s->reta[i] = (uint8_t)sw_steer_reta_queue(i, period, n_workers);
}

/* words: XOR of all 16-bit words of the tuple, in four lanes, in wire order. */
sw_always_inline uint16_t
owner_by_rss(const struct sw_steer *s, uint64_t words)
{
	uint16_t word;

	words ^= words >> 32;
	word = rte_be_to_cpu_16((rte_be16_t)(words ^ words >> 16));
	return s->reta[(s->toeplitz[0][word >> 8] ^ s->toeplitz[1][word & 0xff]) & s->reta_mask];
}

sw_always_inline uint16_t
owner_of(const struct sw_steer *s, const struct sw_pkt *p)
{
	const struct sw_tuple *t = &p->tuple;

	if (p->kind != SW_PKT_TCP && p->kind != SW_PKT_FIRST && p->kind != SW_PKT_ICMP)
		return SW_STEER_STAY;
	if (s->by_rss)
		return owner_by_rss(s, t->client.q[0] ^ t->client.q[1] ^ t->server.q[0] ^
					       t->server.q[1] ^ t->cport_be ^ t->sport_be);
	return (uint16_t)((sw_tuple_hash(t, s->key) >> 32) * s->n_workers >> 32);
}

/*
 * The words of a plain TCP packet, which is nearly every one: no tag, no options, no extension
 * header, no fragment. False where the parser has to look. One that the parser would refuse gets an
 * owner too, where it is refused.
 */
sw_always_inline bool
plain_words(const struct sw_frame *f, uint64_t *words)
{
	const uint8_t *l3 = f->data + SW_ETH_BYTES;
	rte_be16_t type_be;

	if (f->len < SW_ETH_BYTES + SW_IP4_BYTES + 4)
		return false;
	type_be = sw_load16(f->data + 12);
	if (type_be == SW_ETHER_IP4_BE) {
		const struct sw_wire_ip4 *ip = (const struct sw_wire_ip4 *)l3;

		*words = sw_load64(l3 + offsetof(struct sw_wire_ip4, src_be)) ^
			 sw_load32(l3 + SW_IP4_BYTES);
		return ip->ver_ihl == 0x45 && ip->proto == SW_IPPROTO_TCP &&
		       !(ip->frag_be & SW_IP4_FRAG_MASK_BE);
	}
	if (type_be == SW_ETHER_IP6_BE && f->len >= SW_ETH_BYTES + SW_IP6_BYTES + 4) {
		const struct sw_wire_ip6 *ip = (const struct sw_wire_ip6 *)l3;
		const uint8_t *addrs = l3 + offsetof(struct sw_wire_ip6, src);

		*words = sw_load64(addrs) ^ sw_load64(addrs + 8) ^ sw_load64(addrs + 16) ^
			 sw_load64(addrs + 24) ^ sw_load32(l3 + SW_IP6_BYTES);
		return l3[0] >> 4 == 6 && ip->next == SW_IPPROTO_TCP;
	}
	return false;
}

void
sw_steer_burst(const struct sw_steer *s, struct sw_frame *frames, unsigned n, uint16_t owner[])
{
	struct sw_pkt pkts[SW_BURST_MAX];
	uint64_t words;

	SW_ASSERT(n <= SW_BURST_MAX);
	if (!s->by_rss) {
		sw_parse_burst(frames, pkts, n);
		for (unsigned i = 0; i < n; i++)
			owner[i] = owner_of(s, &pkts[i]);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (sw_likely(plain_words(&frames[i], &words))) {
			owner[i] = owner_by_rss(s, words);
		} else {
			sw_parse_burst(&frames[i], pkts, 1);
			owner[i] = owner_of(s, pkts);
		}
	}
}

bool
sw_steer_all_mine(const struct sw_steer *s, struct sw_frame *frames, unsigned n, unsigned self)
{
	uint16_t owner[SW_BURST_MAX];

	sw_steer_burst(s, frames, n, owner);
	for (unsigned i = 0; i < n; i++)
		if (owner[i] != self && owner[i] != SW_STEER_STAY)
			return false;
	return true;
}

void
sw_steer_sort(struct sw_steer_runs *r, const uint16_t owner[], unsigned n, unsigned self)
{
	uint8_t at[SW_BURST_MAX], first = 0;

	SW_ASSERT(n <= SW_BURST_MAX);
	r->n_runs = 0;
	r->n_kept = 0;
	for (unsigned i = 0; i < n; i++) {
		if (owner[i] == self || owner[i] == SW_STEER_STAY) {
			r->kept[r->n_kept++] = (uint8_t)i;
			continue;
		}
		if (r->slot[owner[i]] == 0) {
			r->run[r->n_runs++] = (struct sw_steer_run){.to = owner[i]};
			r->slot[owner[i]] = (uint8_t)r->n_runs;
		}
		r->run[r->slot[owner[i]] - 1].n++;
	}
	for (unsigned k = 0; k < r->n_runs; k++) {
		r->run[k].first = at[k] = first;
		first = (uint8_t)(first + r->run[k].n);
	}
	for (unsigned i = 0; r->n_runs != 0 && i < n; i++)
		if (owner[i] != self && owner[i] != SW_STEER_STAY)
			r->order[at[r->slot[owner[i]] - 1]++] = (uint8_t)i;
	for (unsigned k = 0; k < r->n_runs; k++)
		r->slot[r->run[k].to] = 0;
}
