/* SPDX-License-Identifier: BSD-3-Clause */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

void
sw_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	socklen_t len;
	int fd;

	if (path == NULL || path[0] == '\0')
		return;
	if ((path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path)) {
		sw_log_warning("NOTIFY_SOCKET=%s is not a socket that can be written to", path);
		return;
	}
	memcpy(to.sun_path, path, strlen(path));
	if (path[0] == '@') /* abstract name space: begins with a NUL, ends with its length */
		to.sun_path[0] = '\0';
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0)
		sw_log_warning("cannot tell the service manager %s: %s", state, strerror(errno));
	if (fd >= 0)
		close(fd);
}
