/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * craft.h - packets by the million: a template for each kind, into which the few fields that differ
 * are written, with their share of the checksums.
 *
 * The sums of everything that stays are made once. For a packet the template is copied, the fields
 * are stored and added; there is no loop over the packet. tests/unit/test_load_craft.c compares
 * every packet with a reader that adds up all of it.
 *
 * The option sets are those that the stacks send in their SYNs:
 *
 *   none       -
 *   mss        MSS
 *   linux      MSS, SACK-permitted, timestamps, NOP, window scale 7
 *   windows    MSS, NOP, window scale 8, NOP, NOP, SACK-permitted
 *   mac        MSS, NOP, window scale 6, NOP, NOP, timestamps, SACK-permitted, EOL
 *
 * ACKs and FINs of a set with timestamps carry NOP, NOP, timestamps; RSTs carry nothing.
 *
 * Threads: templates are immutable once made.
 */
#ifndef SW_LOAD_CRAFT_H
#define SW_LOAD_CRAFT_H

#include "load.h"
#include "packet/checksum.h"
#include "packet/wire.h"

enum sw_craft_type {
	SW_CRAFT_SYN,
	SW_CRAFT_ACK,
	SW_CRAFT_SYNACK,
	SW_CRAFT_RST,
	SW_CRAFT_FIN,
	SW_CRAFT_TYPES
};

enum sw_craft_options {
	SW_CRAFT_NONE,
	SW_CRAFT_MSS,
	SW_CRAFT_LINUX,
	SW_CRAFT_WINDOWS,
	SW_CRAFT_MAC,
	SW_CRAFT_OPTION_SETS
};

/* Names as on the command line. */
extern const char *const sw_craft_type_names[SW_CRAFT_TYPES];
extern const char *const sw_craft_option_names[SW_CRAFT_OPTION_SETS];

struct sw_craft {
	alignas(SW_CACHE_LINE_BYTES) uint8_t frame[SW_LOAD_HEADERS_MAX_BYTES];
	uint64_t tcp_sum; /* pseudo-header and segment, with the fields below 0; not complemented */
	uint32_t ip_sum;  /* IPv4 header without source; not complemented */
	uint16_t len;
	uint8_t ip_off;
	uint8_t tcp_off;
	uint8_t ts_off; /* of the timestamp value; 0: no timestamps */
	bool v6;
	bool has_ack;
};

/* What differs from packet to packet. */
struct sw_craft_fields {
	uint64_t src_hi; /* the address as two words of memory, sw_addr.q[]; IPv4: 0 */
	uint64_t src_lo; /* IPv4: sw_load_pack4() */
	rte_be16_t sport_be;
	uint32_t seq;
	uint32_t ack;	/* where the type has one */
	uint32_t tsval; /* where there are timestamps */
};

void sw_craft_init(struct sw_craft *c, const struct sw_load_l2 *l2,
	const struct sw_load_server *server, enum sw_craft_type type, enum sw_craft_options set);

/*
 * Writes one packet of c->len bytes; SW_LOAD_HEADERS_MAX_BYTES at out are written at most. Inline:
 * it is most of what a flood costs.
 */
sw_always_inline void
sw_craft_write(const struct sw_craft *c, uint8_t *out, const struct sw_craft_fields *f)
{
	struct sw_wire_tcp *tcp = (struct sw_wire_tcp *)(out + c->tcp_off);
	uint64_t sum = c->tcp_sum + f->sport_be;

	/* Constant sizes: no call, no loop. */
	memcpy(out, c->frame, 96);
	if (c->len > 96)
		memcpy(out + 96, c->frame + 96, sizeof(c->frame) - 96);
	if (c->v6) {
		uint8_t *src = out + c->ip_off + offsetof(struct sw_wire_ip6, src);

		memcpy(src, &f->src_hi, 8);
		memcpy(src + 8, &f->src_lo, 8);
		sum += (f->src_hi & UINT32_MAX) + (f->src_hi >> 32);
		sum += (f->src_lo & UINT32_MAX) + (f->src_lo >> 32);
	} else {
		struct sw_wire_ip4 *ip = (struct sw_wire_ip4 *)(out + c->ip_off);
		const rte_be32_t src_be = sw_load_unpack4(f->src_lo);

		ip->src_be = src_be;
		ip->csum = (uint16_t)~sw_csum_fold((uint64_t)c->ip_sum + src_be);
		sum += src_be;
	}
	tcp->sport_be = f->sport_be;
	tcp->seq_be = rte_cpu_to_be_32(f->seq);
	sum += tcp->seq_be;
	if (c->has_ack) {
		tcp->ack_be = rte_cpu_to_be_32(f->ack);
		sum += tcp->ack_be;
	}
	if (c->ts_off != 0) {
		const rte_be32_t ts_be = rte_cpu_to_be_32(f->tsval);

		sw_store32(out + c->ts_off, ts_be);
		sum += ts_be;
	}
	tcp->csum = (uint16_t)~sw_csum_fold(sum);
}

#endif
