/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYNs of many stacks (clients_table.h), each taken through a whole handshake and data both ways,
 * over IPv4 and IPv6. What must come out is written from the RFCs and docs/handshake.md: the
 * SYN-ACK has what the SYN asked for and nothing else; the server is asked for what the client
 * would have asked it for itself.
 */
#include <check.h>
#include <string.h>

#include "splice/splice.h"
#include "unit/clients_table.h"
#include "unit/rig.h"

#define SERVER_TSVAL  0xfffffff0u
#define CLIENT_TSVAL2 (CLIENT_TSVAL + 20)
#define WINDOW	      32768 /* of our SYN-ACK */

static struct rig r;

/* A client at work: its case, its connection, and what of it is in force. */
struct peer {
	const struct client_case *k;
	struct rig_conn c;
	bool scaled, sack, ts, ecn;
};

static void
setup(void)
{
	struct sw_server_opts all = {
		.mss4 = 1460, .mss6 = 1440, .wscale = 7, .sack = true, .ts = true, .ecn = true};
	struct rig_params p = {.server = &all};

	rig_init(&r, &p);
}

static void
teardown(void)
{
	rig_fini(&r);
}

/* The largest class that does not exceed what the client said; docs/handshake.md. */
static uint16_t
mss_class(uint16_t mss, bool v6)
{
	static const uint16_t class4[] = {48, 216, 512, 1220, 1360, 1420, 1460, 8960};
	static const uint16_t class6[] = {48, 536, 1220, 1340, 1380, 1420, 1440, 8940};
	const uint16_t *class = v6 ? class6 : class4;
	uint16_t found = class[0];

	if (mss == 0)
		mss = v6 ? 1220 : 536; /* RFC 9293, 3.7.1 */
	for (unsigned i = 0; i < 8; i++)
		if (class[i] <= mss)
			found = class[i];
	return found;
}

/* With timestamps it comes back exactly, without by its class. */
static uint8_t
wscale_back(const struct client_case *k)
{
	static const uint8_t class[] = {0, 2, 5, 6, 7, 8, 9};
	uint8_t found = 0;

	if (k->ts || k->wscale == SW_WSCALE_NONE)
		return k->wscale;
	for (unsigned i = 0; i < SW_ARRAY_LEN(class); i++)
		if (class[i] <= k->wscale)
			found = class[i];
	return found;
}

static struct peer
peer_of(const struct client_case *k, unsigned n, bool v6)
{
	struct peer p = {.k = k,
		.c = {.v6 = v6,
			.cport = (uint16_t)(20000 + n),
			.c = 0xffffff00u + n,
			.s = 0x7fffffffu - n,
			.ctsval = CLIENT_TSVAL2,
			.stsval = SERVER_TSVAL,
			.swscale = 9},
		.scaled = k->wscale != SW_WSCALE_NONE,
		.sack = k->sack,
		.ts = k->ts,
		/* Only the timestamp has a bit for it. */
		.ecn = k->flags == (SW_TCP_ECE | SW_TCP_CWR) && k->ts};

	return p;
}

static void
send_syn(const struct peer *p, const uint8_t *data, size_t data_len)
{
	const struct client_case *k = p->k;
	struct pkt_make m = rig_client(&p->c);
	uint8_t b[PKT_MAX];
	struct pkt_seen s;

	m.flags = SW_TCP_SYN | k->flags;
	m.seq = p->c.c;
	m.ack = 0;
	m.opts = k->opts;
	m.opts_len = k->opts_len;
	m.window = k->window;
	m.urgent = k->urgent;
	m.ttl = k->ttl;
	m.tos = k->tos;
	m.frag = k->frag;
	m.payload = data;
	m.payload_len = data_len;
	size_t len = pkt_make(b, sizeof(b), &m);

	if (k->ae) {
		ck_assert(pkt_read(b, len, &s));
		b[s.l4_off + 12] |= 1;
		pkt_fix(b, len);
	}
	rig_queue_raw(&r, SW_OUTSIDE, b, len, 0);
	rig_run(&r);
}

/* Every byte of the list belongs to one of these options or is a NOP or the end. */
static void
check_list(const struct pkt_seen *s, unsigned want, const char *name)
{
	static const uint8_t kind[] = {SW_OPT_MSS, SW_OPT_WSCALE, SW_OPT_SACK_PERM, SW_OPT_TS};
	unsigned seen = 0;

	for (size_t i = 0; i < s->opts_len && s->opts[i] != SW_OPT_EOL;) {
		unsigned n;

		if (s->opts[i] == SW_OPT_NOP) {
			i++;
			continue;
		}
		for (n = 0; n < 4 && kind[n] != s->opts[i]; n++)
			;
		ck_assert_msg(n < 4, "%s: option %u is there", name, s->opts[i]);
		ck_assert_msg(!(seen & 1u << n), "%s: option %u twice", name, s->opts[i]);
		seen |= 1u << n;
		i += s->opts[i + 1];
	}
	ck_assert_msg(seen == want, "%s: options %#x, not %#x", name, seen, want);
}

static unsigned
list_of(const struct peer *p)
{
	return RIG_MSS | (p->scaled ? RIG_WS : 0) | (p->sack ? RIG_SACK : 0) | (p->ts ? RIG_TS : 0);
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
check_synack(struct peer *p)
{
	const struct sent *s = rig_only(&r, SW_OUTSIDE);
	const char *name = p->k->name;
	const uint8_t *o;

	ck_assert_msg(s->tcp, "%s", name);
	ck_assert_msg(s->seen.flags == (SW_TCP_SYN | SW_TCP_ACK | (p->ecn ? SW_TCP_ECE : 0)),
		"%s: flags %#x", name, s->seen.flags);
	ck_assert_msg((s->data[s->seen.l4_off + 12] & 0xf) == 0, "%s: reserved flags", name);
	ck_assert_msg(s->seen.ack == p->c.c + 1, "%s", name);
	ck_assert_msg(s->seen.payload_len == 0 && s->seen.urgent == 0, "%s", name);
	ck_assert_msg(s->seen.window == WINDOW, "%s", name);
	/* RFC 3168, 6.1.1: a SYN-ACK is not sent as ECN-capable. */
	ck_assert_msg(p->c.v6 || (s->data[s->seen.l3_off + 1] & 3) == 0, "%s: ECT", name);
	check_list(&s->seen, list_of(p), name);
	ck_assert_uint_eq(get16(rig_opt(&s->seen, SW_OPT_MSS) + 2), p->c.v6 ? 1440 : 1460);
	if (p->scaled)
		ck_assert_uint_eq(rig_opt(&s->seen, SW_OPT_WSCALE)[2], 7);
	if (p->ts) {
		o = rig_opt(&s->seen, SW_OPT_TS);
		p->c.ktsval = rig_get32(o + 2);
		ck_assert_msg(rig_get32(o + 6) == CLIENT_TSVAL, "%s", name);
	}
	p->c.ts = p->ts;
	p->c.k = s->seen.seq;
}

static void
check_server_syn(const struct peer *p)
{
	const struct pkt_seen *s = &rig_only(&r, SW_INSIDE)->seen;
	const char *name = p->k->name;
	uint16_t mss = get16(rig_opt(s, SW_OPT_MSS) + 2);
	uint32_t window = 1000u << (p->scaled ? wscale_back(p->k) : 0); /* rig_client() has 1000 */
	const uint8_t ecn = SW_TCP_ECE | SW_TCP_CWR;

	ck_assert_msg(s->flags == (SW_TCP_SYN | (p->ecn ? ecn : 0)), "%s: %#x", name, s->flags);
	check_list(s, list_of(p), name);
	ck_assert_msg(mss == mss_class(p->k->mss, p->c.v6), "%s: MSS %u", name, mss);
	if (p->scaled)
		ck_assert_msg(rig_opt(s, SW_OPT_WSCALE)[2] == wscale_back(p->k), "%s: scale %u",
			name, rig_opt(s, SW_OPT_WSCALE)[2]);
	if (p->ts) {
		ck_assert_msg(rig_get32(rig_opt(s, SW_OPT_TS) + 2) == CLIENT_TSVAL2, "%s", name);
		ck_assert_msg(rig_get32(rig_opt(s, SW_OPT_TS) + 6) == 0, "%s", name);
	}
	ck_assert_msg(
		s->window == (window > 65535 ? 65535 : window), "%s: window %u", name, s->window);
	ck_assert_msg(memcmp(r.sent[0].data, "\2\0\0\0\0\2\2\0\0\0\0\1", 12) == 0, "%s", name);
	ck_assert_msg(s->seq == p->c.c && s->ack == 0, "%s", name);
}

/* Data of the client, with a SACK block where that is agreed, as the server must see it. */
static void
client_data(const struct peer *p)
{
	struct pkt_make m = rig_client(&p->c);
	uint8_t o[24];
	size_t n = 0;

	if (p->ts)
		n = rig_ts(o, CLIENT_TSVAL2 + 5, p->c.ktsval + 3);
	if (p->sack) {
		uint32_t edge[2] = {rte_cpu_to_be_32(p->c.k + 101), rte_cpu_to_be_32(p->c.k + 201)};

		memcpy(o + n, "\1\1\5\12", 4);
		memcpy(o + n + 4, edge, 8);
		n += 12;
	}
	m.opts = o;
	m.opts_len = n;
	m.flags |= SW_TCP_PSH;
	m.payload = (const uint8_t *)"request";
	m.payload_len = 7;
	rig_send(&r, SW_OUTSIDE, &m);
	const struct pkt_seen *s = &rig_only(&r, SW_INSIDE)->seen;

	ck_assert_msg(s->seq == p->c.c + 1 && s->ack == p->c.s + 1, "%s", p->k->name);
	ck_assert_msg(
		s->payload_len == 7 && memcmp(s->payload, "request", 7) == 0, "%s", p->k->name);
	ck_assert_uint_eq(s->opts_len, n);
	if (p->ts) {
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 2), CLIENT_TSVAL2 + 5);
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 6), SERVER_TSVAL + 3);
	}
	if (p->sack) {
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_SACK) + 2), p->c.s + 101);
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_SACK) + 6), p->c.s + 201);
	}
}

/* Data of the server as the client must see it; the server's scale is 9 where it may scale. */
static void
server_data(const struct peer *p)
{
	struct pkt_make m = rig_server(&p->c);
	uint8_t o[12];

	if (p->ts) {
		m.opts = o;
		m.opts_len = rig_ts(o, SERVER_TSVAL + 40, CLIENT_TSVAL2 + 5);
	}
	m.ack += 7;
	m.window = 500;
	m.payload = (const uint8_t *)"answer";
	m.payload_len = 6;
	rig_send(&r, SW_INSIDE, &m);
	const struct pkt_seen *s = &rig_only(&r, SW_OUTSIDE)->seen;

	ck_assert_msg(s->seq == p->c.k + 1 && s->ack == p->c.c + 8, "%s", p->k->name);
	ck_assert_msg(
		s->payload_len == 6 && memcmp(s->payload, "answer", 6) == 0, "%s", p->k->name);
	ck_assert_msg(s->window == (p->scaled ? 500 << 9 >> 7 : 500), "%s: window %u", p->k->name,
		s->window);
	ck_assert_uint_eq(s->opts_len, p->ts ? 12 : 0);
	if (p->ts) { /* the client's clock goes on where the SYN-ACK's began */
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 2), p->c.ktsval + 40);
		ck_assert_uint_eq(rig_get32(rig_opt(s, SW_OPT_TS) + 6), CLIENT_TSVAL2 + 5);
	}
}

/* _i: the case, twice, for each family. */
START_TEST(whole_connection)
{
	struct peer p = peer_of(&clients[_i / 2], (unsigned)_i, _i % 2);

	send_syn(&p, NULL, 0);
	check_synack(&p);
	ck_assert_uint_eq(rig_flows(&r), 0); /* nothing is kept */
	rig_ack(&r, &p.c);
	check_server_syn(&p);
	rig_synack(&r, &p.c);
	ck_assert_uint_eq(r.n_sent, 2);
	client_data(&p);
	server_data(&p);
	ck_assert_uint_eq(rig_flows(&r), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_ESTABLISHED), 1);
	ck_assert_uint_eq(rig_stat(&r, SW_C_FLOW_REPAIRED), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_DROPPED), 0);
}
END_TEST

/*
 * Data on the SYN (RFC 9293, 3.4; RFC 7413, 4.2 where it is not accepted): answered, not
 * acknowledged. What the client sends again with its ACK is held for the server and delivered once.
 */
START_TEST(data_on_the_syn)
{
	static const uint8_t data[] = "GET / HTTP/1.0\r\n\r\n";
	struct peer p = peer_of(&clients[_i / 2], (unsigned)_i, _i % 2);
	struct pkt_make m;
	uint8_t o[12];

	send_syn(&p, data, sizeof(data));
	check_synack(&p);
	m = rig_client(&p.c);
	m.payload = data;
	m.payload_len = sizeof(data);
	if (p.ts) {
		m.opts = o;
		m.opts_len = rig_ts(o, CLIENT_TSVAL2, p.c.ktsval);
	}
	rig_send(&r, SW_OUTSIDE, &m);
	check_server_syn(&p);
	ck_assert_uint_eq(r.sent[0].seen.payload_len, 0);
	ck_assert_uint_eq(sw_engine_gauges(r.e).held, 1);
	p.c.asked = (uint8_t)(list_of(&p) | (p.ecn ? RIG_ECN : 0));
	rig_synack_held(&r, &p.c);
	ck_assert_uint_eq(rig_only(&r, SW_INSIDE)->seen.payload_len, sizeof(data));
	ck_assert(memcmp(r.sent[0].seen.payload, data, sizeof(data)) == 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_HELD_RELEASED), 1);
}
END_TEST

/* The scanner's own system knows no such connection: its RST meets nothing and costs nothing. */
START_TEST(scanner_resets)
{
	for (unsigned i = 0; i < SW_ARRAY_LEN(clients); i++) {
		struct peer p = peer_of(&clients[i], i, i % 2);
		struct pkt_make m = rig_client(&p.c);

		send_syn(&p, NULL, 0);
		check_synack(&p);
		m.flags = SW_TCP_RST;
		m.ack = 0;
		m.window = 0;
		rig_send(&r, SW_OUTSIDE, &m);
		ck_assert_uint_eq(r.n_sent, 0);
	}
	ck_assert_uint_eq(rig_drop(&r, SW_DROP_RST_NO_FLOW), SW_ARRAY_LEN(clients));
	ck_assert_uint_eq(rig_flows(&r), 0);
	ck_assert_uint_eq(rig_stat(&r, SW_C_TX_INSIDE), 0);
}
END_TEST

/* Lists that no stack sends: refused whole, unanswered. */
START_TEST(broken_lists)
{
	static const struct client_case broken[] = {
		{"length 0", {2, 0, 5, 180}, 4},
		{"length 1", {3, 1, 7, 1}, 4},
		{"MSS of 3", {2, 3, 5, 1}, 4},
		{"MSS of 6", {2, 6, 5, 180, 0, 0, 1, 1}, 8},
		{"scale of 4", {3, 4, 7, 7}, 4},
		{"SACK-permitted of 4", {4, 4, 0, 0}, 4},
		{"timestamps of 8", {8, 8, 1, 2, 3, 4, 0, 0}, 8},
		{"past the header", {1, 1, 34, 8}, 4},
		{"no length", {1, 1, 1, 30}, 4},
	};

	for (unsigned i = 0; i < SW_ARRAY_LEN(broken); i++) {
		struct peer p = peer_of(&broken[i], i, i % 2);

		send_syn(&p, NULL, 0);
		ck_assert_msg(r.n_sent == 0, "%s", broken[i].name);
		ck_assert_msg(rig_drop(&r, SW_DROP_TCP_OPTIONS) == i + 1, "%s", broken[i].name);
	}
}
END_TEST

/*
 * The SYN again with fewer options, as stacks do when nothing was answered (RFC 3168, 6.1.1.1 for
 * ECN; TCP Fast Open and MPTCP blackhole detection): the ACK's cookie says which was answered last.
 */
START_TEST(syn_again_with_other_options)
{
	const struct client_case *with = NULL, *without = NULL;

	for (unsigned i = 0; i < SW_ARRAY_LEN(clients); i++) {
		if (strcmp(clients[i].name, "macOS, ECN") == 0)
			with = &clients[i];
		if (strcmp(clients[i].name, "Linux, MSS alone") == 0)
			without = &clients[i];
	}
	ck_assert(with != NULL && without != NULL);
	for (unsigned last = 0; last < 2; last++) {
		struct peer a = peer_of(with, last, false), b = peer_of(without, last, false);
		struct peer *p = last ? &b : &a;

		send_syn(&a, NULL, 0);
		check_synack(&a);
		send_syn(&b, NULL, 0);
		check_synack(&b);
		rig_ack(&r, &p->c);
		check_server_syn(p);
		rig_synack(&r, &p->c);
		client_data(p);
		server_data(p);
	}
	ck_assert_uint_eq(rig_flows(&r), 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("clients");
	TCase *c = tcase_create("clients");

	tcase_set_timeout(c, 0);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, whole_connection, 0, 2 * (int)SW_ARRAY_LEN(clients));
	tcase_add_loop_test(c, data_on_the_syn, 0, 2 * (int)SW_ARRAY_LEN(clients));
	tcase_add_test(c, scanner_resets);
	tcase_add_test(c, broken_lists);
	tcase_add_test(c, syn_again_with_other_options);
	suite_add_tcase(s, c);
	return check_suite_run(s, CK_NOFORK);
}
