/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.h - what a program says to its operator: one sentence a line on standard error, each saying
 * what is wrong and what to do. Never called on the data path.
 */
#ifndef SW_APP_LOG_H
#define SW_APP_LOG_H

/* "PROGRAM: MESSAGE" */
__attribute__((format(printf, 1, 2))) void sw_log_error(const char *fmt, ...);

/* "PROGRAM: warning: MESSAGE": it goes on. */
__attribute__((format(printf, 1, 2))) void sw_log_warning(const char *fmt, ...);

#endif
