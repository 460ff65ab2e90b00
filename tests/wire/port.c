/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SOCKET_BUFFER_BYTES (32 << 20) /* 20,000 frames: 0.4 s at 50,000 a second */
#define ETH_TYPE_ALL	    0x0003
#define ETH_HEADER_LEN	    14u
#define SEND_WAIT_MS	    100

union aux_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

static uint8_t buffers[PORT_BATCH][WIRE_HEADROOM + PORT_FRAME_MAX];

static int
set_flag(int fd, int option)
{
	int on = 1;

	return setsockopt(fd, SOL_PACKET, option, &on, sizeof(on)) == 0 ? 0 : -errno;
}

static int
read_mtu(int fd, const char *ifname, uint32_t *mtu)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCGIFMTU, &ifr) != 0)
		return -errno;
	*mtu = (uint32_t)ifr.ifr_mtu;
	return 0;
}

static int
set_up(struct port *port, const char *ifname)
{
	unsigned index = if_nametoindex(ifname);
	struct sockaddr_ll addr = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_TYPE_ALL),
		.sll_ifindex = (int)index};
	struct packet_mreq promisc = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
	int bytes = SOCKET_BUFFER_BYTES, rc;

	if (index == 0)
		return -errno;
	/* No protocol before bind(): nothing arrives from other interfaces meanwhile. */
	port->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (port->fd < 0)
		return -errno;
	if ((rc = read_mtu(port->fd, ifname, &port->mtu)) != 0 ||
		(rc = set_flag(port->fd, PACKET_AUXDATA)) != 0 ||
		(rc = set_flag(port->fd, PACKET_IGNORE_OUTGOING)) != 0)
		return rc;
	if (setsockopt(port->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
		setsockopt(port->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
		setsockopt(port->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc,
			sizeof(promisc)) != 0 ||
		bind(port->fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		return -errno;
	return 0;
}

static int
enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

int
port_open(struct port *port, const char *spec)
{
	const char *slash = strchr(spec, '/');
	const char *ifname = slash == NULL ? spec : slash + 1;
	char path[128];
	int home, rc = 0;

	memset(port, 0, sizeof(*port));
	port->fd = -1;
	snprintf(port->name, sizeof(port->name), "%s", spec);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		rc = -errno;
	if (rc == 0 && slash != NULL) {
		snprintf(path, sizeof(path), "/run/netns/%.*s", (int)(slash - spec), spec);
		rc = enter(path);
	}
	if (rc == 0)
		rc = set_up(port, ifname);
	if (home >= 0 && slash != NULL && setns(home, CLONE_NEWNET) != 0 && rc == 0)
		rc = -errno;
	if (home >= 0)
		close(home);
	if (rc != 0)
		fprintf(stderr, "wire: cannot open %s: %s\n", spec, strerror(-rc));
	return rc;
}

/* The kernel hands a tagged frame over without its outermost tag, and the tag beside it. */
static uint8_t *
restore_tag(struct msghdr *msg, uint8_t *frame, uint32_t *len)
{
	struct tpacket_auxdata aux;
	struct vlan_tag tag = {.tpid = 0x8100};
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0)
			return frame;
		if (aux.tp_status & TP_STATUS_VLAN_TPID_VALID)
			tag.tpid = aux.tp_vlan_tpid;
		tag.tci = aux.tp_vlan_tci;
		return vlan_push(frame, len, tag);
	}
	return frame;
}

int
port_receive(struct port *port, struct port_frame frames[PORT_BATCH])
{
	static struct mmsghdr msgs[PORT_BATCH];
	static struct iovec iovs[PORT_BATCH];
	static union aux_space aux[PORT_BATCH];
	int n, kept = 0;

	for (unsigned i = 0; i < PORT_BATCH; i++) {
		iovs[i] = (struct iovec){buffers[i] + WIRE_HEADROOM, PORT_FRAME_MAX};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iovs[i],
			.msg_iovlen = 1,
			.msg_control = &aux[i],
			.msg_controllen = sizeof(aux[i])};
	}
	n = recvmmsg(port->fd, msgs, PORT_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint8_t *data = buffers[i] + WIRE_HEADROOM;
		uint32_t len = msgs[i].msg_len;

		port->count.received++;
		if (len > port->mtu + ETH_HEADER_LEN + VLAN_TAGS_MAX * VLAN_TAG_LEN ||
			(msgs[i].msg_hdr.msg_flags & MSG_TRUNC)) {
			port->count.oversize++;
			continue;
		}
		if (len < ETH_HEADER_LEN)
			continue;
		data = restore_tag(&msgs[i].msg_hdr, data, &len);
		frames[kept++] = (struct port_frame){data, len};
	}
	return kept;
}

static void
wait_for_room(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	(void)poll(&pfd, 1, SEND_WAIT_MS);
}

void
port_send(struct port *port, const struct port_frame *frames, unsigned n)
{
	static struct mmsghdr msgs[PORT_BATCH];
	static struct iovec iovs[PORT_BATCH];
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		iovs[i] = (struct iovec){frames[i].data, frames[i].len};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iovs[i], .msg_iovlen = 1};
	}
	while (done < n) {
		int rc = sendmmsg(port->fd, msgs + done, n - done, 0);

		if (rc > 0) {
			port->count.sent += (unsigned)rc;
			done += (unsigned)rc;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN) {
			wait_for_room(port->fd);
			continue;
		}
		if (errno == EMSGSIZE)
			port->count.oversize++;
		else
			port->count.send_failed++;
		done++; /* this frame is lost on the wire; TCP will notice */
	}
}

void
port_read_missed(struct port *port)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	if (getsockopt(port->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		port->count.missed += stats.tp_drops;
}
