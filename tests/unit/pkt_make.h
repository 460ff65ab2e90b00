/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pkt_make.h - makes packets for tests, and reads and checks them, without a line of lib/.
 *
 * Written byte by byte from the RFCs, to be compared with the libraries: slow and plain on purpose.
 *
 *	uint8_t buf[2048];
 *	size_t len = pkt_make(buf, sizeof(buf), &(struct pkt_make){
 *		.src = {192, 0, 2, 1}, .dst = {198, 51, 100, 1}, .sport = 1024, .dport = 80,
 *		.seq = 1, .flags = 0x02, .window = 64240,
 *		.opts = opts, .opts_len = sizeof(opts),
 *	});
 *
 * All numbers are in host order. Everything left out has a sound default.
 */
#ifndef SW_TEST_PKT_MAKE_H
#define SW_TEST_PKT_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that any packet with one MTU of payload needs. */
#define PKT_MAX 2048

struct pkt_make {
	uint8_t dst_mac[6];    /* all 0: 02:00:00:00:00:02 */
	uint8_t src_mac[6];    /* all 0: 02:00:00:00:00:01 */
	unsigned n_vlan;       /* tags, at most 4 */
	uint16_t vlan_tci[4];  /* priority and id, outer first */
	uint16_t vlan_tpid[4]; /* 0: 0x8100 */
	uint16_t ethertype;    /* 0: by the family */
	bool v6;
	uint8_t src[16]; /* IPv4: the first 4 */
	uint8_t dst[16];
	uint8_t ttl; /* 0: 64 */
	uint8_t tos;
	uint16_t ip_id;
	uint16_t frag; /* IPv4: flags and offset as in the header, 0x2000 is MF */
	uint8_t proto; /* 0: 6 (TCP); another one: `payload` is all that follows */
	/* IPv4 options, padded with 0 to a multiple of 4; at most 40 bytes */
	const uint8_t *ip_opts;
	size_t ip_opts_len;
	/*
	 * IPv6 extension headers as they lie, the last one's next-header byte included; ext_first
	 * is the next header of the IPv6 header itself
	 */
	const uint8_t *ext;
	size_t ext_len;
	uint8_t ext_first;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags; /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
	uint16_t window;
	uint16_t urgent;
	/* TCP options, padded with 0 to a multiple of 4; at most 40 bytes */
	const uint8_t *opts;
	size_t opts_len;
	const uint8_t *payload;
	size_t payload_len;
	size_t pad_to; /* Ethernet padding (0xa5) up to this length */
};

/* Makes the packet. Returns its length, padding included; aborts where it does not fit into cap. */
size_t pkt_make(uint8_t *buf, size_t cap, const struct pkt_make *m);

/* A TCP packet as it was found. Pointers lead into the buffer. */
struct pkt_seen {
	uint8_t proto; /* what follows the IP headers */
	bool more;     /* a first fragment: more come */
	unsigned n_vlan;
	uint16_t vlan_tci[4];
	bool v6;
	uint8_t src[16], dst[16]; /* IPv4: the first 4, the rest is 0 */
	uint8_t ttl;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, urgent;
	const uint8_t *opts;
	size_t opts_len;
	const uint8_t *payload;
	size_t payload_len; /* by the IP length: no padding */
	size_t l3_off, l4_off;
	size_t ip_end; /* of the first byte behind the IP packet */
	bool ip_ok;    /* IPv4 header checksum; always set for IPv6 */
	bool tcp_ok;   /* TCP checksum; of a first fragment: false */
};

/*
 * Reads a TCP packet: at most two VLAN tags, IPv4 with options, IPv6 with at most 8 extension
 * headers. False where it is something else, is a fragment (one that is whole counts as none), has
 * a wrong length, malformed IPv4 options or a source route or routing header with stops left. TCP
 * flags and options are not judged.
 */
bool pkt_read(const uint8_t *buf, size_t len, struct pkt_seen *s);

/*
 * The same for a first fragment that has its TCP header, for IPv6 right behind the fragment header,
 * and for nothing else.
 */
bool pkt_read_first(const uint8_t *buf, size_t len, struct pkt_seen *s);

/* Fills s up to the end of the IP headers, whatever follows. False for all fragments but first. */
bool pkt_read_ip(const uint8_t *buf, size_t len, struct pkt_seen *s);

/*
 * Goes through at most 8 IPv6 extension headers from off on, to what follows them or, in a fragment
 * that is not the first, its fragment header. Returns the offset, 0 where they are malformed or not
 * all before end. *next: kind of the header there; *frag: offset and M of the fragment header or 0.
 */
size_t pkt_walk6(const uint8_t *b, size_t off, size_t end, uint8_t *next, unsigned *frag);

/* Checksum over the pseudo-header and len bytes at p: 0 where one is among them and is right. */
uint16_t pkt_l4_sum(bool v6, const uint8_t *src, const uint8_t *dst, uint8_t proto,
	const uint8_t *p, size_t len);

/* True for a TCP packet whose checksums are all right. */
bool pkt_check(const uint8_t *buf, size_t len);

/* Sets the checksums of a packet that pkt_read() can read, after a test has changed its bytes. */
void pkt_fix(uint8_t *buf, size_t len);

/* Internet checksum of `start` and len bytes, complemented, a number; stored high byte first. */
uint16_t pkt_sum(uint32_t start, const uint8_t *p, size_t len);

/* A copy on the heap of exactly len bytes, so that a sanitizer sees every byte read beyond. */
uint8_t *pkt_dup(const uint8_t *buf, size_t len);

/* The next random number of a seeded row (splitmix64). */
static inline uint64_t
pkt_rand(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Where the seeds of a test start: SW_TEST_SEED in the environment, else 1. */
uint64_t pkt_seed(void);

#endif
