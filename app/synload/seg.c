/* SPDX-License-Identifier: BSD-3-Clause */
#include "seg.h"

#include "packet/checksum.h"
#include "packet/options.h"
#include "packet/put.h"
#include "packet/wire.h"

static unsigned
l2_len(const struct sw_seg *s)
{
	return SW_ETH_BYTES + (s->l2->vlan != 0 ? SW_VLAN_BYTES : 0);
}

static unsigned
tcp_len(const struct sw_seg *s)
{
	return SW_TCP_BYTES + (s->ts ? SW_OPT_TS_BYTES : 0);
}

static unsigned
ip_len(const struct sw_seg *s)
{
	return sw_tuple_is_v6(s->tuple) ? SW_IP6_BYTES : SW_IP4_BYTES;
}

uint8_t *
sw_seg_payload(uint8_t *frame, const struct sw_seg *s)
{
	return frame + l2_len(s) + ip_len(s) + tcp_len(s);
}

static void
put_l2(uint8_t *p, const struct sw_seg *s)
{
	const bool v6 = sw_tuple_is_v6(s->tuple);

	memcpy(p, s->to_client ? s->l2->src : s->l2->dst, 6);
	memcpy(p + 6, s->to_client ? s->l2->dst : s->l2->src, 6);
	p += 12;
	if (s->l2->vlan != 0) {
		sw_store16(p, SW_ETHER_VLAN_BE);
		sw_store16(p + 2, rte_cpu_to_be_16(s->l2->vlan));
		p += 4;
	}
	sw_store16(p, v6 ? SW_ETHER_IP6_BE : SW_ETHER_IP4_BE);
}

uint16_t
sw_seg_finish(uint8_t *frame, const struct sw_seg *s)
{
	const uint32_t hdr = tcp_len(s), len = hdr + s->pay_len;
	uint8_t *ip = frame + l2_len(s), *tcp = ip + ip_len(s);
	struct sw_put h = {.p = tcp};

	put_l2(frame, s);
	h.sum = sw_put_ip(ip, s->tuple, s->to_client, len);
	sw_put_tcp(&h, s->tuple, s->to_client,
		&(struct sw_put_tcp){.seq = s->seq,
			.ack = s->ack,
			.hdr = hdr,
			.len = len,
			.flags = s->flags,
			.window = s->window});
	if (s->ts) {
		sw_put(&h, SW_OPT_TS_WORD);
		sw_put_be(&h, s->tsval);
		sw_put_be(&h, s->tsecr);
	}
	/* Headers are of an even length, so the payload's sum may be added. */
	h.sum += s->pay_sum;
	sw_store16(tcp + offsetof(struct sw_wire_tcp, csum), (uint16_t)~sw_csum_fold(h.sum));
	return (uint16_t)(tcp - frame + len);
}
