/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compat.h - where the DPDK API differs between 22.11 and the newest release, and nowhere else.
 * The rest of the daemon is written to the newer name.
 */
#ifndef SW_APP_COMPAT_H
#define SW_APP_COMPAT_H

#include <rte_telemetry.h>
#include <rte_version.h>

/* Renamed in 23.03; the old name is to go. */
#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define rte_tel_data_add_dict_uint rte_tel_data_add_dict_u64
#endif

#endif
