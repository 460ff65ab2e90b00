/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port.h - one end of the wire: a packet socket on a Linux interface, in any network namespace.
 *
 * Sees every frame that arrives on the interface and none that leaves it. Tags that the kernel took
 * off a frame are put back.
 *
 * Threads: one.
 */
#ifndef SW_TESTS_PORT_H
#define SW_TESTS_PORT_H

#include <stdint.h>

#include "vlan.h"

#define PORT_BATCH     64u
#define PORT_FRAME_MAX 65536u /* larger than any frame, even one glued together by offloads */

struct port_counters {
	uint64_t received;
	uint64_t sent;
	uint64_t oversize;    /* larger than the interface may carry: segmentation offload is on */
	uint64_t send_failed; /* refused by the interface: its queue is full or it is down */
	uint64_t missed;      /* lost in the kernel before they were read */
};

struct port {
	char name[64]; /* as given: NETNS/IF or IF */
	int fd;
	uint32_t mtu;
	struct port_counters count;
};

/* A frame in the port's receive buffers; WIRE_HEADROOM bytes before data are free. */
struct port_frame {
	uint8_t *data;
	uint32_t len;
};

/* spec: NETNS/IF, or IF in the caller's namespace. Returns 0 or -errno, with a sentence on stderr.
 */
int port_open(struct port *port, const char *spec);

/*
 * Reads up to PORT_BATCH frames without waiting. They stay valid until the next call for any port.
 * Returns how many; -errno where the interface failed.
 */
int port_receive(struct port *port, struct port_frame frames[PORT_BATCH]);

/* Sends n <= PORT_BATCH frames, waiting for socket buffer space. What cannot be sent is counted. */
void port_send(struct port *port, const struct port_frame *frames, unsigned n);

/* Adds what the kernel lost to count.missed. */
void port_read_missed(struct port *port);

#endif
