/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/pkts.h"

#include <stdlib.h>

#include "packet/checksum.h"

const char *const bench_opt_name[BENCH_OPT_KINDS] = {"none", "mss", "full"};

struct sw_tuple
bench_tuple(const struct bench_shape *s, uint64_t rand)
{
	static const uint8_t net6[6] = {0x20, 0x01, 0x0d, 0xb8, 0, 1};
	static const uint8_t server6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};
	static const uint8_t server4[4] = {198, 51, 100, 2};
	uint16_t port = (uint16_t)(1024 + (rand & 0x7fff));
	struct sw_tuple t = {.vlan_af = s->vid | (s->v6 ? SW_TUPLE_IPV6 : 0)};
	uint64_t host = rand >> 15;

	if (s->v6) {
		memcpy(t.client.b, net6, sizeof(net6));
		memcpy(t.client.b + 8, &host, sizeof(host));
		memcpy(t.server.b, server6, sizeof(server6));
	} else {
		memcpy(t.client.b + 12, &host, 4);
		t.client.b[12] = (uint8_t)(1 + t.client.b[12] % 126); /* 1..126: one that may be */
		memcpy(t.server.b + 12, server4, sizeof(server4));
	}
	t.cport_be = rte_cpu_to_be_16(port);
	t.sport_be = rte_cpu_to_be_16(BENCH_SERVER_PORT);
	return t;
}

unsigned
bench_l2(const struct bench_shape *s, bool to_client, uint8_t l2[SW_L2_MAX_BYTES])
{
	static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
	unsigned len = SW_ETH_BYTES;

	memcpy(l2, mac[!to_client], 6);
	memcpy(l2 + 6, mac[to_client], 6);
	if (s->vid != 0) {
		sw_store16(l2 + 12, SW_ETHER_VLAN_BE);
		sw_store16(l2 + 14, rte_cpu_to_be_16(s->vid));
		len += SW_VLAN_BYTES;
	}
	sw_store16(l2 + len - 2, s->v6 ? SW_ETHER_IP6_BE : SW_ETHER_IP4_BE);
	return len;
}

struct sw_tcp_opts
bench_syn_opts(unsigned kind, uint32_t tsval)
{
	if (kind == BENCH_OPT_FULL)
		return (struct sw_tcp_opts){
			.mss = 1460, .wscale = 7, .sack_perm = true, .ts = true, .tsval = tsval};
	return (struct sw_tcp_opts){
		.mss = kind == BENCH_OPT_MSS ? 1460 : 0, .wscale = SW_WSCALE_NONE};
}

/* Appends payload bytes and corrects lengths and checksums. */
static void
add_payload(struct sw_frame *f, unsigned l3_off, bool v6, uint32_t payload)
{
	uint8_t *ip = f->data + l3_off;
	struct sw_wire_tcp *tcp = (void *)(ip + (v6 ? SW_IP6_BYTES : SW_IP4_BYTES));
	uint32_t tcp_len;

	for (uint32_t i = 0; i < payload; i++)
		f->data[f->len + i] = (uint8_t)(i * 7 + 1);
	f->len += payload;
	tcp_len = f->len - (uint32_t)((uint8_t *)tcp - f->data);
	if (v6) {
		((struct sw_wire_ip6 *)ip)->plen_be = rte_cpu_to_be_16((uint16_t)tcp_len);
	} else {
		struct sw_wire_ip4 *h = (void *)ip;

		h->len_be = rte_cpu_to_be_16((uint16_t)(tcp_len + SW_IP4_BYTES));
		h->csum = 0;
		h->csum = sw_csum_ipv4(h, SW_IP4_BYTES);
	}
	tcp->csum = 0;
	tcp->csum = (uint16_t)~sw_csum_fold(
		sw_csum_add(sw_csum_tcp_pseudo(ip, v6, tcp_len), tcp, tcp_len));
}

uint32_t
bench_write(uint8_t *data, const struct bench_shape *shape, const struct sw_segment *seg,
	uint32_t payload)
{
	uint8_t l2[SW_L2_MAX_BYTES];
	struct sw_segment s = *seg;
	struct sw_frame f = {.data = data, .room = SW_SEGMENT_MAX_BYTES};

	s.l2 = l2;
	s.l2_len = (uint8_t)bench_l2(shape, seg->to_client, l2);
	if (sw_build_segment(&f, &s) != 0)
		abort(); /* there is room for all that it writes */
	if (payload > 0)
		add_payload(&f, s.l2_len, shape->v6, payload);
	return f.len;
}

uint32_t
bench_write_syn(uint8_t *data, const struct bench_shape *shape, uint64_t rand)
{
	struct sw_tuple tuple = bench_tuple(shape, rand);
	uint64_t more = bench_hash(rand);
	struct sw_segment s = {
		.tcp_flags = SW_TCP_SYN,
		.window = 64240,
		.seq = (uint32_t)more,
		.tuple = &tuple,
		.opts = bench_syn_opts(shape->opts, (uint32_t)(more >> 32)),
	};

	return bench_write(data, shape, &s, 0);
}

void
bench_set_init(struct bench_set *s, unsigned n)
{
	*s = (struct bench_set){.n = n};
	s->data = malloc(n * sizeof(*s->data));
	s->len = calloc(n, sizeof(*s->len));
	if (s->data == NULL || s->len == NULL)
		abort();
}

void
bench_set_fini(struct bench_set *s)
{
	free(s->data);
	free(s->len);
}
