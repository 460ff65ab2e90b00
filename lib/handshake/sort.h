/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sort.h - which frames of a burst may take a short way (syn.h, seg.h, blind.h), by what is quick
 * to see: where the frame came in, its length, EtherType, version and TCP flags. The rest is judged
 * in rows. Private to handshake/.
 *
 * Frames of one kind mostly come together, in a flood all of them. So eight are looked at in one
 * go where the first of them fits, and one by one where not all of them do.
 */
#ifndef SW_HANDSHAKE_SORT_H
#define SW_HANDSHAKE_SORT_H

#include "handshake/frame_vec.h"
#include "handshake/syn.h"

/* What a way asks of a frame. Constants: each way has code of its own. */
struct sort_want {
	uint32_t
		reach[2]; /* IPv4, IPv6: bytes from the IP header on that may be read and written */
	uint8_t csum_bad; /* SW_CSUM_*: the port has not said any of these */
	uint8_t flags;	  /* TCP flags under flags_mask */
	uint8_t flags_mask; /* 0: any */
	bool outside;	    /* from there alone */
	bool unicast;	    /* to one station alone */
	bool tagged;	    /* with one VLAN tag, too */
};

sw_always_inline uint32_t
sort_tcp_off(uint32_t l3, const bool v6)
{
	return l3 + (v6 ? SW_IP6_BYTES : SW_IP4_BYTES);
}

/* A frame of that family, whose IP header is at l3. */
sw_always_inline bool
sort_fits(const struct sw_frame *f, uint32_t l3, const struct sort_want *want, const bool v6)
{
	const uint32_t tcp = sort_tcp_off(l3, v6), cap = f->len + f->room;

	if (f->len < tcp + SW_TCP_BYTES || f->len != f->pkt_len || cap < l3 + want->reach[v6] ||
		cap > UINT16_MAX)
		return false;
	return (f->data[tcp + offsetof(struct sw_wire_tcp, flags)] & want->flags_mask) ==
		       want->flags &&
	       !(want->unicast && f->data[0] & 1);
}

/* The family of a frame, and where its IP header is. */
sw_always_inline unsigned
sort_family(const struct sw_frame *f, uint32_t *l3, const struct sort_want *want)
{
	uint32_t type;

	*l3 = SW_ETH_BYTES;
	if ((want->outside && f->side != SW_OUTSIDE) || (f->csum & want->csum_bad) ||
		f->len < SW_ETH_BYTES + SW_IP4_BYTES)
		return SYN_NO_FAMILY;
	type = syn_type(f);
	if (want->tagged && sw_unlikely((type & 0xffff) == SW_ETHER_VLAN_BE)) {
		*l3 += SW_VLAN_BYTES;
		type = sw_load32(f->data + *l3 - 2);
	}
	if (syn_type_is(type, false))
		return sort_fits(f, *l3, want, false) ? 0 : SYN_NO_FAMILY;
	return syn_type_is(type, true) && sort_fits(f, *l3, want, true) ? 1 : SYN_NO_FAMILY;
}

/* Of what a burst is sorted for, there are one or two. */
#define SORT_SECOND 2u /* first kind of the second */
#define SORT_KINDS  4
#define SORT_NONE   4u
static_assert(SORT_SECOND + SYN_NO_FAMILY == SORT_NONE, "sort_kind() adds them");

/* What kind of frame it is: 0, 1 what is wanted first, IPv4 and IPv6; 2, 3 second; or SORT_NONE. */
sw_always_inline unsigned
sort_kind(const struct sw_frame *f, uint32_t *l3, const struct sort_want *first,
	const struct sort_want *second)
{
	const unsigned v6 = sort_family(f, l3, first);

	if (v6 != SYN_NO_FAMILY)
		return v6;
	if (second == NULL)
		return SORT_NONE;
	return SORT_SECOND + sort_family(f, l3, second);
}

/* The next lane is that frame, whose IP header is at l3. */
sw_always_inline void
sort_put(struct syn_batch *s, struct sw_frame *f, uint32_t l3)
{
	const unsigned i = s->n++;

	s->f[i] = f;
	s->l3[i] = f->data + l3;
	s->l3_len[i] = f->len - l3;
	s->vlan[i] = 0;
	if (l3 != SW_ETH_BYTES)
		s->vlan[i] = rte_be_to_cpu_16(sw_load16(f->data + SW_ETH_BYTES)) & SW_VLAN_ID_MASK;
	s->inside[i] = f->side == SW_INSIDE ? UINT32_MAX : 0;
}

/* Frames at a time, whatever rows have: more of them would less often be alike. */
#define SORT_LANES 8

sw_always_inline __m256i
sort_set1(uint32_t x)
{
	return _mm256_set1_epi32((int)x);
}

sw_always_inline bool
sort_lengths_fit(const struct frame_words *w, const struct sort_want *want, const bool v6)
{
	const uint32_t len_min = sort_tcp_off(SW_ETH_BYTES, v6) + SW_TCP_BYTES;
	const uint32_t never = (uint32_t)want->csum_bad << 24 | (want->outside ? 0xff0000 : 0);
	const __m256i cap =
		_mm256_add_epi32(w->len, _mm256_and_si256(w->room, sort_set1(UINT16_MAX)));
	/* frame_copy_grown() relies on the last one. */
	const __m256i wrong[] = {
		_mm256_cmpgt_epi32(sort_set1(len_min), w->len),
		_mm256_xor_si256(w->len, w->pkt_len),
		_mm256_and_si256(w->room, sort_set1(never)),
		_mm256_cmpgt_epi32(sort_set1(SW_ETH_BYTES + want->reach[v6]), cap),
		_mm256_cmpgt_epi32(cap, sort_set1(UINT16_MAX)),
	};
	__m256i any = wrong[0];

	for (unsigned i = 1; i < SW_ARRAY_LEN(wrong); i++)
		any = _mm256_or_si256(any, wrong[i]);
	return _mm256_testz_si256(any, any);
}

/* As a lane of s->inside has it. */
sw_always_inline __m256i
sort_inside(__m256i room)
{
	const __m256i side = _mm256_and_si256(_mm256_srli_epi32(room, 16), sort_set1(SW_INSIDE));

	return _mm256_sub_epi32(_mm256_setzero_si256(), side);
}

sw_always_inline void
sort_store(uint32_t *lanes, __m256i x)
{
	_mm256_storeu_si256((__m256i *)(void *)lanes, x);
}

/* Puts eight frames into rows; false, and none is there, where one of them is something else. */
sw_always_inline bool
sort_eight(
	struct syn_batch *s, struct sw_frame *frames, const struct sort_want *want, const bool v6)
{
	const uint32_t flags_at =
		sort_tcp_off(SW_ETH_BYTES, v6) + offsetof(struct sw_wire_tcp, flags);
	uint32_t type = 0, flags = 0, group = 0;
	struct sw_frame **const f = &s->f[s->n];
	uint8_t **const l3 = &s->l3[s->n];
	const struct frame_words w = frame_read_eight(frames);

	if (!sort_lengths_fit(&w, want, v6))
		return false;
	for (unsigned k = 0; k < SORT_LANES; k++) {
		uint8_t *d = frames[k].data;

		type |= syn_type(&frames[k]) ^ (v6 ? SYN_TYPE_IP6 : SYN_TYPE_IP4);
		flags |= d[flags_at] ^ want->flags;
		group |= d[0];
		f[k] = &frames[k];
		l3[k] = d + SW_ETH_BYTES;
	}
	if ((type & (v6 ? SYN_TYPE_IP6_MASK : SYN_TYPE_IP4_MASK)) | (flags & want->flags_mask) |
		(want->unicast && group & 1))
		return false;
	sort_store(&s->l3_len[s->n], _mm256_sub_epi32(w.len, sort_set1(SW_ETH_BYTES)));
	sort_store(&s->vlan[s->n], _mm256_setzero_si256());
	if (!want->outside)
		sort_store(&s->inside[s->n], sort_inside(w.room));
	s->n += SORT_LANES;
	return true;
}

sw_always_inline bool
sort_eight_of(unsigned kind, struct syn_batch rows[], struct sw_frame *frames,
	const struct sort_want *first, const struct sort_want *second)
{
	if (kind == 0)
		return sort_eight(&rows[0], frames, first, false);
	if (kind == 1)
		return sort_eight(&rows[1], frames, first, true);
	if (second == NULL)
		return false;
	return kind == SORT_SECOND ? sort_eight(&rows[SORT_SECOND], frames, second, false)
				   : sort_eight(&rows[SORT_SECOND + 1], frames, second, true);
}

/*
 * Sorts n frames by what is wanted, second may be NULL, into rows[], by kind, each in the order of
 * the burst. kind[]: of each frame (sort_kind()).
 */
sw_always_inline void
sort_burst(struct syn_batch rows[], uint8_t *kind, struct sw_frame *frames, unsigned n,
	const struct sort_want *first, const struct sort_want *second)
{
	unsigned one_by_one = 0; /* up to there: the last eight were not alike */

	for (unsigned k = 0; k < (second != NULL ? SORT_KINDS : SORT_SECOND); k++) {
		rows[k].n = 0;
		rows[k].v6 = k % 2;
	}
	for (unsigned i = 0; i < n;) {
		uint32_t l3;
		const unsigned k = sort_kind(&frames[i], &l3, first, second);

		if (k != SORT_NONE && l3 == SW_ETH_BYTES && i >= one_by_one &&
			n - i >= SORT_LANES) {
			if (sort_eight_of(k, rows, frames + i, first, second)) {
				memset(kind + i, (int)k, SORT_LANES);
				i += SORT_LANES;
				continue;
			}
			one_by_one = i + SORT_LANES;
		}
		if (k != SORT_NONE)
			sort_put(&rows[k], &frames[i], l3);
		kind[i++] = (uint8_t)k;
	}
}

#endif
