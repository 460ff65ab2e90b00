/* SPDX-License-Identifier: BSD-3-Clause */
#include "craft.h"

#include "packet/options.h"
#include "packet/parse.h"

const char *const sw_craft_type_names[SW_CRAFT_TYPES] = {
	[SW_CRAFT_SYN] = "syn",
	[SW_CRAFT_ACK] = "ack",
	[SW_CRAFT_SYNACK] = "synack",
	[SW_CRAFT_RST] = "rst",
	[SW_CRAFT_FIN] = "fin",
};

const char *const sw_craft_option_names[SW_CRAFT_OPTION_SETS] = {
	[SW_CRAFT_NONE] = "none",
	[SW_CRAFT_MSS] = "mss",
	[SW_CRAFT_LINUX] = "linux",
	[SW_CRAFT_WINDOWS] = "windows",
	[SW_CRAFT_MAC] = "mac",
};

/* What a stack puts into its SYNs beside the options. */
static const struct {
	uint16_t window;
	uint8_t ttl;
	uint8_t wscale;
	bool ts;
} stacks[SW_CRAFT_OPTION_SETS] = {
	[SW_CRAFT_NONE] = {.window = 1024, .ttl = 64},
	[SW_CRAFT_MSS] = {.window = 64240, .ttl = 64},
	[SW_CRAFT_LINUX] = {.window = 64240, .ttl = 64, .wscale = 7, .ts = true},
	[SW_CRAFT_WINDOWS] = {.window = 64240, .ttl = 128, .wscale = 8},
	[SW_CRAFT_MAC] = {.window = 65535, .ttl = 64, .wscale = 6, .ts = true},
};

static const uint8_t type_flags[SW_CRAFT_TYPES] = {
	[SW_CRAFT_SYN] = SW_TCP_SYN,
	[SW_CRAFT_ACK] = SW_TCP_ACK,
	[SW_CRAFT_SYNACK] = SW_TCP_SYN | SW_TCP_ACK,
	[SW_CRAFT_RST] = SW_TCP_RST,
	[SW_CRAFT_FIN] = SW_TCP_FIN | SW_TCP_ACK,
};

/* MSS of an Ethernet of 1500 bytes. */
#define MSS_V4 1460
#define MSS_V6 1440

/* Options that grow. */
struct opts {
	uint8_t b[40];
	unsigned len;
	unsigned ts_val; /* where the timestamp's value stands; 0: nowhere */
};

static void
put(struct opts *o, const uint8_t *bytes, unsigned n)
{
	memcpy(o->b + o->len, bytes, n);
	o->len += n;
}

static void
put_ts(struct opts *o)
{
	o->ts_val = o->len + 2;
	put(o, (uint8_t[SW_OPT_TS_LEN]){SW_OPT_TS, SW_OPT_TS_LEN}, SW_OPT_TS_LEN);
}

static void
put_syn_options(struct opts *o, enum sw_craft_options set, bool v6)
{
	const uint16_t mss = v6 ? MSS_V6 : MSS_V4;
	const uint8_t wscale[] = {SW_OPT_WSCALE, SW_OPT_WSCALE_LEN, stacks[set].wscale};
	const uint8_t sack[] = {SW_OPT_SACK_PERM, SW_OPT_SACK_PERM_LEN};
	const uint8_t nops[] = {SW_OPT_NOP, SW_OPT_NOP};

	if (set == SW_CRAFT_NONE)
		return;
	put(o, (uint8_t[]){SW_OPT_MSS, SW_OPT_MSS_LEN, (uint8_t)(mss >> 8), (uint8_t)mss}, 4);
	if (set == SW_CRAFT_LINUX) {
		put(o, sack, sizeof(sack));
		put_ts(o);
		put(o, nops, 1);
		put(o, wscale, sizeof(wscale));
	} else if (set == SW_CRAFT_WINDOWS) {
		put(o, nops, 1);
		put(o, wscale, sizeof(wscale));
		put(o, nops, 2);
		put(o, sack, sizeof(sack));
	} else if (set == SW_CRAFT_MAC) {
		put(o, nops, 1);
		put(o, wscale, sizeof(wscale));
		put(o, nops, 2);
		put_ts(o);
		put(o, sack, sizeof(sack));
	}
	while (o->len % 4 != 0)
		put(o, (uint8_t[]){SW_OPT_EOL}, 1);
}

static void
put_options(struct opts *o, enum sw_craft_type type, enum sw_craft_options set, bool v6)
{
	if (type_flags[type] & SW_TCP_SYN) {
		put_syn_options(o, set, v6);
	} else if (type != SW_CRAFT_RST && stacks[set].ts) {
		put(o, (uint8_t[]){SW_OPT_NOP, SW_OPT_NOP}, 2);
		put_ts(o);
	}
}

static unsigned
put_l2(uint8_t *p, const struct sw_load_l2 *l2, bool v6)
{
	unsigned len = 12;

	memcpy(p, l2->dst, 6);
	memcpy(p + 6, l2->src, 6);
	if (l2->vlan != 0) {
		sw_store16(p + len, SW_ETHER_VLAN_BE);
		sw_store16(p + len + 2, rte_cpu_to_be_16(l2->vlan));
		len += 4;
	}
	sw_store16(p + len, v6 ? SW_ETHER_IP6_BE : SW_ETHER_IP4_BE);
	return len + 2;
}

static void
put_ip(struct sw_craft *c, const struct sw_load_server *server, uint8_t ttl, unsigned tcp_len)
{
	if (c->v6) {
		struct sw_wire_ip6 *ip = (struct sw_wire_ip6 *)(c->frame + c->ip_off);

		ip->ver_tc_flow_be = RTE_BE32(0x60000000);
		ip->plen_be = rte_cpu_to_be_16((uint16_t)tcp_len);
		ip->next = SW_IPPROTO_TCP;
		ip->hops = ttl;
		memcpy(ip->dst, server->addr.b, sizeof(ip->dst));
	} else {
		struct sw_wire_ip4 *ip = (struct sw_wire_ip4 *)(c->frame + c->ip_off);

		ip->ver_ihl = 0x45;
		ip->len_be = rte_cpu_to_be_16((uint16_t)(SW_IP4_BYTES + tcp_len));
		ip->frag_be = SW_IP4_DF_BE;
		ip->ttl = ttl;
		ip->proto = SW_IPPROTO_TCP;
		ip->dst_be = server->addr.w_be[3];
		c->ip_sum = sw_csum_fold(sw_csum_add(0, ip, sizeof(*ip)));
	}
}

void
sw_craft_init(struct sw_craft *c, const struct sw_load_l2 *l2, const struct sw_load_server *server,
	enum sw_craft_type type, enum sw_craft_options set)
{
	struct opts o = {0};
	struct sw_wire_tcp *tcp;
	unsigned tcp_len;

	put_options(&o, type, set, server->v6);
	tcp_len = SW_TCP_BYTES + o.len;
	*c = (struct sw_craft){.v6 = server->v6, .has_ack = type_flags[type] & SW_TCP_ACK};
	c->ip_off = (uint8_t)put_l2(c->frame, l2, c->v6);
	c->tcp_off = (uint8_t)(c->ip_off + (c->v6 ? SW_IP6_BYTES : SW_IP4_BYTES));
	c->len = (uint16_t)(c->tcp_off + tcp_len);
	if (o.ts_val != 0)
		c->ts_off = (uint8_t)(c->tcp_off + SW_TCP_BYTES + o.ts_val);
	put_ip(c, server, stacks[set].ttl, tcp_len);
	tcp = (struct sw_wire_tcp *)(c->frame + c->tcp_off);
	tcp->dport_be = rte_cpu_to_be_16(server->port);
	tcp->off = (uint8_t)(tcp_len / 4 << 4);
	tcp->flags = type_flags[type];
	tcp->window_be = type == SW_CRAFT_RST ? 0 : rte_cpu_to_be_16(stacks[set].window);
	memcpy(tcp + 1, o.b, o.len);
	c->tcp_sum = sw_csum_fold(sw_csum_add(
		sw_csum_tcp_pseudo(c->frame + c->ip_off, c->v6, tcp_len), tcp, tcp_len));
}
