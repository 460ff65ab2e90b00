/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <string.h>

#include "seg.h"

bool
seg_tuple_match(const struct seg_path *path, int from, const struct seg_path *got)
{
	if (path->v6 != got->v6 || path->n_tags != got->n_tags)
		return false;
	for (unsigned i = 0; i < path->n_tags; i++) {
		if (path->tci[i] != got->tci[i] || path->tpid[i] != got->tpid[i])
			return false;
	}
	for (int i = 0; i < 2; i++) {
		const struct seg_end *e = &path->end[i == 0 ? from : !from];

		if (memcmp(e->addr, got->end[i].addr, 16) != 0 || e->port != got->end[i].port)
			return false;
	}
	return true;
}

bool
seg_path_match(const struct seg_path *path, int from, const struct seg_path *got)
{
	return seg_tuple_match(path, from, got) &&
	       memcmp(path->end[from].mac, got->end[0].mac, 6) == 0 &&
	       memcmp(path->end[!from].mac, got->end[1].mac, 6) == 0;
}

static void
print_options(FILE *f, const struct seg *s, uint32_t ack_base)
{
	const char *sep = "";

	fprintf(f, ", options [");
	if (s->mss) {
		fprintf(f, "mss %u", s->mss);
		sep = ",";
	}
	if (s->sack_ok) {
		fprintf(f, "%ssackOK", sep);
		sep = ",";
	}
	if (s->ts) {
		fprintf(f, "%sTS val %u ecr %u", sep, s->tsval, s->tsecr);
		sep = ",";
	}
	if (s->wscale != SEG_NO_WSCALE) {
		fprintf(f, "%swscale %u", sep, s->wscale);
		sep = ",";
	}
	if (s->n_sack)
		fprintf(f, "%ssack %u ", sep, s->n_sack);
	for (unsigned i = 0; i < s->n_sack; i++)
		fprintf(f, "{%u:%u}", s->sack[i].left - ack_base, s->sack[i].right - ack_base);
	fprintf(f, "]");
}

static void
print_end(FILE *f, bool v6, const struct seg_end *e)
{
	char text[INET6_ADDRSTRLEN];

	fprintf(f, "%s.%u", inet_ntop(v6 ? AF_INET6 : AF_INET, e->addr, text, sizeof(text)),
		e->port);
}

static void
print_flags(FILE *f, uint8_t flags)
{
	static const char letter[] = "FSRP.UEW"; /* as tcpdump has them */

	fprintf(f, ": Flags [%s", flags == 0 ? "none" : "");
	for (unsigned i = 0; i < 8; i++) {
		if (flags & 1u << i)
			fputc(letter[i], f);
	}
	fputc(']', f);
}

void
seg_print(FILE *f, const struct seg_path *path, const struct seg *s, uint32_t seq_base,
	uint32_t ack_base)
{
	if (path->n_tags)
		fprintf(f, "vlan %u, ", path->tci[path->n_tags - 1] & 0xfff);
	fprintf(f, path->v6 ? "IP6 " : "IP ");
	print_end(f, path->v6, &path->end[0]);
	fprintf(f, " > ");
	print_end(f, path->v6, &path->end[1]);
	print_flags(f, s->flags);
	if (s->flags & SEG_SYN)
		seq_base = ack_base = 0;
	if (s->pay_len || s->flags & (SEG_SYN | SEG_FIN | SEG_RST))
		fprintf(f, ", seq %u", s->seq - seq_base);
	if (s->pay_len)
		fprintf(f, ":%u", s->seq + s->pay_len - seq_base);
	if (s->flags & SEG_ACK)
		fprintf(f, ", ack %u", s->ack - ack_base);
	fprintf(f, ", win %u", s->window);
	if (s->flags & SEG_URG)
		fprintf(f, ", urg %u", s->urgent);
	if (seg_opt_len(s))
		print_options(f, s, ack_base);
	fprintf(f, ", length %u", s->pay_len);
}

struct seg_path
seg_path_make(bool v6, uint32_t client, uint16_t client_port, uint16_t server_port, unsigned n_tags,
	uint16_t vid)
{
	struct seg_path p;
	uint8_t *c, *s;

	memset(&p, 0, sizeof(p));
	c = p.end[CLIENT].addr;
	s = p.end[SERVER].addr;
	p.v6 = v6;
	if (v6) { /* 2001:db8:1::client, 2001:db8::10 */
		c[0] = s[0] = 0x20, c[1] = s[1] = 0x01;
		c[2] = s[2] = 0x0d, c[3] = s[3] = 0xb8;
		c[5] = 1;
		s[15] = 0x10;
		for (unsigned i = 0; i < 4; i++)
			c[12 + i] = (uint8_t)(client >> (24 - 8 * i));
	} else { /* 11.x.x.x, 192.0.2.10 */
		c[0] = 11, c[1] = (uint8_t)(client >> 16);
		c[2] = (uint8_t)(client >> 8), c[3] = (uint8_t)client;
		s[0] = 192, s[1] = 0, s[2] = 2, s[3] = 10;
	}
	memcpy(p.end[CLIENT].mac, "\x02\xc1\x00\x00\x00\x01", 6);
	memcpy(p.end[SERVER].mac, "\x02\x5e\x00\x00\x00\x02", 6);
	p.end[CLIENT].port = client_port;
	p.end[SERVER].port = server_port;
	p.n_tags = (uint8_t)n_tags;
	for (unsigned i = 0; i < n_tags; i++) {
		p.tpid[i] = n_tags == 2 && i == 0 ? 0x88a8 : 0x8100;
		p.tci[i] = (uint16_t)((vid + i * 100) & 0xfff);
	}
	return p;
}
