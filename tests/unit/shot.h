/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shot.h - a random segment with every kind of header, and a frame for it, for the tests of
 * splice/repair.h. Packets lie in heap blocks of exactly their size and headroom, so that a
 * sanitizer sees each byte before and behind.
 */
#ifndef SW_TEST_SHOT_H
#define SW_TEST_SHOT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "packet/parse.h"
#include "unit/pkt_make.h"

/* A packet under test; `block` is [headroom][first piece] and nothing else. */
struct shot {
	uint8_t *block;
	uint8_t *before; /* copy of the first piece as it was */
	uint8_t *rest;	 /* further segments */
	uint32_t rest_len;
	struct sw_frame frame, frame_before;
	struct sw_pkt pkt, pkt_before;
};

/* cut: payload bytes that stay in the first piece; SIZE_MAX: all. */
static inline void
shoot(struct shot *s, const uint8_t *packet, size_t len, unsigned headroom, size_t cut)
{
	struct sw_frame whole = {.data = pkt_dup(packet, len),
		.len = (uint32_t)len,
		.pkt_len = (uint32_t)len,
		.side = SW_OUTSIDE};
	size_t first = len;

	sw_parse_burst(&whole, &s->pkt, 1);
	ck_assert_uint_eq(s->pkt.kind, SW_PKT_TCP);
	if (cut < s->pkt.pay_len)
		first = s->pkt.pay_off + cut;
	s->block = malloc(headroom + first);
	ck_assert_ptr_nonnull(s->block);
	memcpy(s->block + headroom, packet, first);
	s->before = pkt_dup(packet, first);
	s->rest_len = (uint32_t)(len - first);
	s->rest = pkt_dup(packet + first, s->rest_len);
	s->frame = (struct sw_frame){.data = s->block + headroom,
		.handle = s,
		.len = (uint32_t)first,
		.pkt_len = (uint32_t)len,
		.side = SW_OUTSIDE,
		.headroom = (uint16_t)headroom};
	s->pkt.f = &s->frame;
	s->frame_before = s->frame;
	s->pkt_before = s->pkt;
	free(whole.data);
}

static inline void
shot_free(struct shot *s)
{
	free(s->block);
	free(s->before);
	free(s->rest);
}

/* The whole packet as it is now, on the heap. */
static inline uint8_t *
whole_packet(const struct shot *s)
{
	uint8_t *p = malloc(s->frame.len + s->rest_len);

	ck_assert_ptr_nonnull(p);
	memcpy(p, s->frame.data, s->frame.len);
	memcpy(p + s->frame.len, s->rest, s->rest_len);
	return p;
}

static inline bool
untouched(const struct shot *s)
{
	return s->frame.data == s->frame_before.data && s->frame.len == s->frame_before.len &&
	       s->frame.pkt_len == s->frame_before.pkt_len &&
	       s->frame.headroom == s->frame_before.headroom &&
	       memcmp(&s->pkt, &s->pkt_before, sizeof(s->pkt)) == 0 &&
	       memcmp(s->frame.data, s->before, s->frame.len) == 0;
}

static const uint8_t shot_ip_opts[40] = {1, 148, 4, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
/* Hop-by-hop of 8 bytes, then destination options of 16, then TCP; each padded with PadN. */
static const uint8_t shot_ip6_ext[24] = {60, 0, 1, 4, 0, 0, 0, 0, 6, 1, 1, 12};

static inline struct pkt_make
shot_segment(uint64_t *seed, const uint8_t *opts, size_t opts_len, const uint8_t *payload)
{
	static const uint8_t flags[] = {SW_TCP_ACK, SW_TCP_ACK, SW_TCP_ACK | SW_TCP_PSH,
		SW_TCP_ACK | SW_TCP_FIN, SW_TCP_ACK | SW_TCP_URG,
		SW_TCP_ACK | SW_TCP_PSH | SW_TCP_FIN | SW_TCP_URG, SW_TCP_RST,
		SW_TCP_RST | SW_TCP_ACK, SW_TCP_SYN, SW_TCP_SYN | SW_TCP_ACK};
	struct pkt_make m = {
		.v6 = pkt_rand(seed) & 1,
		.n_vlan = (unsigned)(pkt_rand(seed) % 3),
		.vlan_tci = {7, 9},
		.tos = (uint8_t)pkt_rand(seed),
		.ip_id = (uint16_t)pkt_rand(seed),
		.frag = pkt_rand(seed) & 1 ? 0x4000 : 0,
		.sport = 1234,
		.dport = 80,
		.seq = (uint32_t)pkt_rand(seed),
		.ack = (uint32_t)pkt_rand(seed),
		.flags = (uint8_t)(flags[pkt_rand(seed) % sizeof(flags)] |
				   (pkt_rand(seed) & (SW_TCP_ECE | SW_TCP_CWR))),
		.window = (uint16_t)(pkt_rand(seed) >> pkt_rand(seed) % 16),
		.urgent = (uint16_t)pkt_rand(seed),
		.opts = opts,
		.opts_len = opts_len,
		.payload = payload,
		.payload_len = pkt_rand(seed) % 64,
	};

	for (unsigned i = 0; i < 16; i++) {
		m.src[i] = (uint8_t)pkt_rand(seed);
		m.dst[i] = (uint8_t)pkt_rand(seed);
	}
	if (m.v6 && pkt_rand(seed) & 1) {
		m.ext = shot_ip6_ext;
		m.ext_len = sizeof(shot_ip6_ext);
	} else if (!m.v6 && pkt_rand(seed) & 1) {
		m.ip_opts = shot_ip_opts;
		m.ip_opts_len = 5 + pkt_rand(seed) % (sizeof(shot_ip_opts) - 4);
	}
	if (pkt_rand(seed) % 4 == 0)
		m.pad_to = 250;
	return m;
}

/* Makes m with low bits of the offset byte set, which are to stay (RFC 9768 uses one of them). */
static inline size_t
shot_make(uint8_t *buf, const struct pkt_make *m, bool ae)
{
	size_t len = pkt_make(buf, PKT_MAX, m);
	struct pkt_seen seen;

	if (ae) {
		ck_assert(pkt_read(buf, len, &seen));
		buf[seen.l4_off + 12] |= 1;
		pkt_fix(buf, len);
	}
	return len;
}

#endif
