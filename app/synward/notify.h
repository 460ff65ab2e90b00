/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notify.h - tells a service manager how far the daemon is: sd_notify(3), Type=notify.
 *
 * Threads: any. Does nothing where NOTIFY_SOCKET is not set.
 */
#ifndef SW_APP_NOTIFY_H
#define SW_APP_NOTIFY_H

/* state: "READY=1", "STOPPING=1". A failure is a warning: the service itself runs. */
void sw_notify(const char *state);

#endif
