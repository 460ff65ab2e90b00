/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clients_table.h - SYNs as real stacks, small stacks and scanners send them: option bytes in their
 * true order with their padding, and what they say, written down beside them by hand.
 *
 * Sources (the facts of them: which options in which order, window, TTL, DF, scale):
 *   [p0f]   p0f 3, p0f.fp, section tcp:request ("mss,nop,ws,..." and so on)
 *   [radar] clioon/net_radar, scanner/osfingerprint_db.py: windows of newer systems
 *   [nmap]  the probes of nmap's OS detection and SYN scan, as p0f.fp lists them
 *   [mass]  masscan, src/templ-pkt.c: window 1024, TTL 255, no DF
 *   [zmap]  ZMap, src/probe_modules/packet.c: window 65535, MSS alone
 *   [lwip]  lwIP, src/include/lwip/opt.h: MSS 536, four of them as window, TTL 255
 *   [uip]   uIP, uip.c: MSS is the only option of its SYN
 *   [7413]  RFC 7413, 4.1.1 and appendix A: Fast Open, option 34 and experimental 254
 *   [8684]  RFC 8684, 3.1: MP_CAPABLE, version 1 with 4 bytes; version 0 (RFC 6824) with 12
 *   [9768]  RFC 9768, 3.1.1: AE, CWR and ECE in the SYN
 * Values that a source leaves open (an MSS, a timestamp) are ours.
 */
#ifndef SW_TEST_CLIENTS_TABLE_H
#define SW_TEST_CLIENTS_TABLE_H

#include "packet/options.h"
#include "packet/parse.h"

#define CLIENT_TSVAL 0x11223344u
#define CLIENT_DF    0x4000

struct client_case {
	const char *name;
	uint8_t opts[40];
	uint8_t opts_len; /* a multiple of 4: the padding is the stack's own */
	uint16_t window;
	uint8_t ttl;
	uint16_t frag; /* CLIENT_DF or 0 */
	uint8_t flags; /* ECE, CWR */
	bool ae;       /* the flag before CWR (RFC 9768) */
	uint8_t tos;
	uint16_t urgent;
	/* What the options say. */
	uint16_t mss;	/* 0: not there */
	uint8_t wscale; /* SW_WSCALE_NONE: not there */
	bool sack, ts;
};

#define NOP	1
#define EOL	0
#define MSS(n)	2, 4, (n) >> 8, (n)&0xff
#define WS(n)	3, 3, (n)
#define SOK	4, 2
#define TS	8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0
#define TS_ECHO 8, 10, 0x11, 0x22, 0x33, 0x44, 0xff, 0xff, 0xff, 0xff
#define NO_WS	SW_WSCALE_NONE
#define ECN	(SW_TCP_ECE | SW_TCP_CWR)

/* clang-format off */
static const struct client_case clients[] = {
	/* [p0f] order, [radar] window */
	{"Windows 10", {MSS(1460), NOP, WS(8), NOP, NOP, SOK}, 12, 64240, 128, CLIENT_DF,
		.mss = 1460, .wscale = 8, .sack = true},
	{"Windows 11, ECN", {MSS(1460), NOP, WS(8), NOP, NOP, SOK}, 12, 65535, 128, CLIENT_DF, ECN,
		.mss = 1460, .wscale = 8, .sack = true},
	{"Windows 7, scale 2", {MSS(1440), NOP, WS(2), NOP, NOP, SOK}, 12, 8192, 128, CLIENT_DF,
		.mss = 1440, .wscale = 2, .sack = true},
	{"Windows XP", {MSS(1452), NOP, NOP, SOK}, 8, 65535, 128, CLIENT_DF,
		.mss = 1452, .wscale = NO_WS, .sack = true},
	{"Windows XP, scale 1", {MSS(1460), NOP, WS(1), NOP, NOP, SOK}, 12, 65535, 128, CLIENT_DF,
		.mss = 1460, .wscale = 1, .sack = true},
	/* [p0f] */
	{"macOS", {MSS(1460), NOP, WS(6), NOP, NOP, TS, SOK, EOL, EOL}, 24, 65535, 64, CLIENT_DF,
		.mss = 1460, .wscale = 6, .sack = true, .ts = true},
	{"macOS, ECN", {MSS(1460), NOP, WS(6), NOP, NOP, TS, SOK, EOL, EOL}, 24, 65535, 64,
		CLIENT_DF, ECN, .mss = 1460, .wscale = 6, .sack = true, .ts = true},
	{"macOS, accurate ECN [9768]", {MSS(1460), NOP, WS(6), NOP, NOP, TS, SOK, EOL, EOL}, 24,
		65535, 64, CLIENT_DF, ECN, .ae = true, .mss = 1460, .wscale = 6, .sack = true,
		.ts = true},
	{"iOS, mobile network", {MSS(1380), NOP, WS(4), NOP, NOP, TS, SOK, EOL, EOL}, 24, 65535, 64,
		CLIENT_DF, .mss = 1380, .wscale = 4, .sack = true, .ts = true},
	{"iOS, ECT on the SYN", {MSS(1410), NOP, WS(6), NOP, NOP, TS, SOK, EOL, EOL}, 24, 65535, 64,
		CLIENT_DF, ECN, .tos = 2, .mss = 1410, .wscale = 6, .sack = true, .ts = true},
	{"Android 4", {MSS(1460), SOK, TS, NOP, WS(3)}, 20, 64240, 64, CLIENT_DF,
		.mss = 1460, .wscale = 3, .sack = true, .ts = true},
	/* [radar] */
	{"Android, newer", {MSS(1400), SOK, TS, NOP, WS(9)}, 20, 65535, 64, CLIENT_DF,
		.mss = 1400, .wscale = 9, .sack = true, .ts = true},
	{"Android, timestamps off", {MSS(1360), NOP, NOP, SOK, NOP, WS(9)}, 12, 65535, 64,
		CLIENT_DF, .mss = 1360, .wscale = 9, .sack = true},
	{"Android 4, timestamps off", {MSS(1460), NOP, NOP, SOK, NOP, WS(3)}, 12, 64240, 64,
		CLIENT_DF, .mss = 1460, .wscale = 3, .sack = true},
	/* [p0f] */
	{"Linux, scale 4, no timestamps", {MSS(1460), NOP, NOP, SOK, NOP, WS(4)}, 12, 14600, 64,
		CLIENT_DF, .mss = 1460, .wscale = 4, .sack = true},
	{"Linux, scale 5, no timestamps", {MSS(1460), NOP, NOP, SOK, NOP, WS(5)}, 12, 14600, 64,
		CLIENT_DF, .mss = 1460, .wscale = 5, .sack = true},
	{"Linux, scale 6, no timestamps", {MSS(1460), NOP, NOP, SOK, NOP, WS(6)}, 12, 14600, 64,
		CLIENT_DF, .mss = 1460, .wscale = 6, .sack = true},
	{"Linux", {MSS(1460), SOK, TS, NOP, WS(7)}, 20, 64240, 64, CLIENT_DF,
		.mss = 1460, .wscale = 7, .sack = true, .ts = true},
	{"Linux, scale 10", {MSS(1460), SOK, TS, NOP, WS(10)}, 20, 29200, 64, CLIENT_DF,
		.mss = 1460, .wscale = 10, .sack = true, .ts = true},
	{"Linux, scale 14, no timestamps", {MSS(1460), NOP, NOP, SOK, NOP, WS(14)}, 12, 29200, 64,
		CLIENT_DF, .mss = 1460, .wscale = 14, .sack = true},
	{"Linux, no SACK", {MSS(1460), NOP, NOP, TS, NOP, WS(7)}, 20, 64240, 64, CLIENT_DF,
		.mss = 1460, .wscale = 7, .ts = true},
	{"Linux, jumbo", {MSS(8960), SOK, TS, NOP, WS(7)}, 20, 62720, 64, CLIENT_DF,
		.mss = 8960, .wscale = 7, .sack = true, .ts = true},
	{"Linux, loopback MSS", {MSS(65495), SOK, TS, NOP, WS(7)}, 20, 65495, 64, CLIENT_DF,
		.mss = 65495, .wscale = 7, .sack = true, .ts = true},
	{"Linux 2.0", {MSS(1460)}, 4, 16384, 64, 0, .mss = 1460, .wscale = NO_WS},
	{"Linux, MSS alone", {MSS(1240)}, 4, 29200, 64, CLIENT_DF, .mss = 1240, .wscale = NO_WS},
	{"FreeBSD", {MSS(1460), NOP, WS(6), SOK, TS}, 20, 65535, 64, CLIENT_DF,
		.mss = 1460, .wscale = 6, .sack = true, .ts = true},
	{"OpenBSD", {MSS(1460), NOP, NOP, SOK, NOP, WS(3), NOP, NOP, TS}, 24, 16384, 64, CLIENT_DF,
		.mss = 1460, .wscale = 3, .sack = true, .ts = true},
	{"Solaris 10", {MSS(1460), NOP, WS(0), NOP, NOP, SOK}, 12, 49640, 64, CLIENT_DF,
		.mss = 1460, .wscale = 0, .sack = true},
	/* [p0f] has this order for its SYN-ACK */
	{"Solaris, timestamps first", {NOP, NOP, TS, MSS(1460), NOP, WS(2), NOP, NOP, SOK}, 24,
		49640, 64, CLIENT_DF, .mss = 1460, .wscale = 2, .sack = true, .ts = true},
	{"HP-UX", {MSS(1460), NOP, NOP, SOK, WS(0), NOP, NOP, NOP, TS}, 24, 32768, 64, CLIENT_DF,
		.mss = 1460, .wscale = 0, .sack = true, .ts = true},
	{"Tru64", {MSS(1460), NOP, WS(0)}, 8, 32768, 64, CLIENT_DF, .mss = 1460, .wscale = 0},
	{"Blackberry", {MSS(1452), NOP, NOP, SOK, NOP, NOP, TS}, 20, 65535, 128, 0,
		.mss = 1452, .wscale = NO_WS, .sack = true, .ts = true},
	{"Nintendo 3DS", {MSS(1360), NOP, NOP, SOK}, 8, 32768, 64, CLIENT_DF,
		.mss = 1360, .wscale = NO_WS, .sack = true},
	{"timestamps made NOPs on the way [p0f: BaiduSpider]",
		{MSS(1460), SOK, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, WS(7)}, 20,
		5840, 64, CLIENT_DF, .mss = 1460, .wscale = 7, .sack = true},
	/* Small stacks */
	{"no options at all", {0}, 0, 2144, 64, 0, .mss = 0, .wscale = NO_WS},
	{"lwIP [lwip]", {MSS(536)}, 4, 2144, 255, 0, .mss = 536, .wscale = NO_WS},
	{"lwIP, MSS 1460, scale", {MSS(1460), NOP, WS(2)}, 8, 65535, 255, 0,
		.mss = 1460, .wscale = 2},
	{"uIP [uip]", {MSS(216)}, 4, 216, 64, 0, .mss = 216, .wscale = NO_WS},
	{"uIP over 6LoWPAN", {MSS(48)}, 4, 48, 64, 0, .mss = 48, .wscale = NO_WS},
	{"MSS 1", {MSS(1)}, 4, 1, 64, 0, .mss = 1, .wscale = NO_WS},
	{"MSS 0 (counts as none)", {MSS(0)}, 4, 1024, 64, 0, .mss = 0, .wscale = NO_WS},
	{"window 0", {MSS(1460)}, 4, 0, 64, 0, .mss = 1460, .wscale = NO_WS},
	/* Scanners */
	{"nmap SYN scan [nmap]", {MSS(1460)}, 4, 1024, 57, 0, .mss = 1460, .wscale = NO_WS},
	{"nmap OS probe 1", {WS(10), NOP, MSS(1460), TS_ECHO, SOK}, 20, 1, 57, 0,
		.mss = 1460, .wscale = 10, .sack = true, .ts = true},
	{"nmap OS probe 2", {MSS(1400), WS(0), SOK, TS_ECHO, EOL}, 20, 63, 57, 0,
		.mss = 1400, .wscale = 0, .sack = true, .ts = true},
	{"nmap OS probe 3", {TS_ECHO, NOP, NOP, WS(5), NOP, MSS(640)}, 20, 4, 57, 0,
		.mss = 640, .wscale = 5, .ts = true},
	{"nmap OS probe 4", {SOK, TS_ECHO, WS(10), EOL}, 16, 4, 57, 0,
		.mss = 0, .wscale = 10, .sack = true, .ts = true},
	{"nmap OS probe 5", {MSS(536), SOK, TS_ECHO, WS(10), EOL}, 20, 16, 57, 0,
		.mss = 536, .wscale = 10, .sack = true, .ts = true},
	{"nmap OS probe 6", {MSS(265), SOK, TS_ECHO}, 16, 512, 57, 0,
		.mss = 265, .wscale = NO_WS, .sack = true, .ts = true},
	{"nmap ECN probe", {WS(10), NOP, MSS(1460), SOK, NOP, NOP}, 12, 3, 57, 0, ECN,
		.urgent = 0xf7f5, .mss = 1460, .wscale = 10, .sack = true},
	{"masscan, no options [mass]", {0}, 0, 1024, 255, 0, .mss = 0, .wscale = NO_WS},
	{"masscan, MSS", {MSS(1460)}, 4, 1024, 255, 0, .mss = 1460, .wscale = NO_WS},
	{"zmap [zmap]", {MSS(1460)}, 4, 65535, 255, 0, .mss = 1460, .wscale = NO_WS},
	{"options behind the end of the list [p0f: sendsyn]",
		{MSS(1331), NOP, EOL, 3, 3, 9, 4, 2, 0, 0, 0}, 16, 1337, 192, 0,
		.mss = 1331, .wscale = NO_WS},
	/* Options that are nothing to us */
	{"Linux, Fast Open request [7413]", {MSS(1460), SOK, TS, NOP, WS(7), 34, 2, NOP, NOP}, 24,
		64240, 64, CLIENT_DF, .mss = 1460, .wscale = 7, .sack = true, .ts = true},
	{"Linux, Fast Open cookie",
		{MSS(1460), SOK, TS, NOP, WS(7), 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, NOP, NOP}, 32,
		64240, 64, CLIENT_DF, .mss = 1460, .wscale = 7, .sack = true, .ts = true},
	{"experimental Fast Open request", {MSS(1460), SOK, TS, NOP, WS(7), 254, 4, 0xf9, 0x89}, 24,
		64240, 64, CLIENT_DF, .mss = 1460, .wscale = 7, .sack = true, .ts = true},
	{"Linux, MP_CAPABLE [8684]", {MSS(1460), SOK, TS, NOP, WS(7), 30, 4, 0x01, 0x81}, 24, 64240,
		64, CLIENT_DF, .mss = 1460, .wscale = 7, .sack = true, .ts = true},
	{"MP_CAPABLE, version 0",
		{MSS(1460), SOK, TS, NOP, WS(7), 30, 12, 0x00, 0x81, 1, 2, 3, 4, 5, 6, 7, 8}, 32,
		64240, 64, CLIENT_DF, .mss = 1460, .wscale = 7, .sack = true, .ts = true},
	{"MP_JOIN", {MSS(1460), SOK, TS, NOP, WS(7), 30, 12, 0x10, 1, 1, 2, 3, 4, 5, 6, 7, 8}, 32,
		64240, 64, CLIENT_DF, .mss = 1460, .wscale = 7, .sack = true, .ts = true},
	{"user timeout, experimental 253, unknown 99",
		{MSS(1460), 28, 4, 0x80, 0x3c, 253, 6, 0xde, 0xad, 1, 2, 99, 2, SOK}, 20, 64240, 64,
		CLIENT_DF, .mss = 1460, .wscale = NO_WS, .sack = true},
	{"obsolete echo and T/TCP",
		{MSS(1460), 6, 6, 1, 2, 3, 4, 11, 6, 0, 0, 0, 1, NOP, WS(1)}, 20,
		16384, 64, CLIENT_DF, .mss = 1460, .wscale = 1},
	{"each option twice", {MSS(1460), MSS(536), SOK, SOK, NOP, WS(7), NOP, WS(2), NOP, NOP, TS,
		NOP, NOP}, 36, 64240, 64, CLIENT_DF, .mss = 1460, .wscale = 7, .sack = true,
		.ts = true},
	{"scale beyond 14", {MSS(1460), NOP, WS(200)}, 8, 64240, 64, CLIENT_DF, .mss = 1460,
		.wscale = 14},
};
/* clang-format on */

#undef NOP
#undef EOL
#undef MSS
#undef WS
#undef SOK
#undef TS
#undef TS_ECHO
#undef NO_WS
#undef ECN

#endif
