/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "log.h"
#include "totals.h"

/* An answer has 16 KiB; a service takes at most 350 bytes of it, a worker less. */
#define SERVICES_PER_ANSWER 40
#define WORKERS_PER_ANSWER  40
#define KEY_BYTES	    64

static_assert(SW_SERVICE_NAME_BYTES + sizeof("_65535") <= KEY_BYTES, "a key holds name and number");

/* Counters, two dozen of the workers and ports, the gauges. */
static_assert(SW_C_MAX + 14 + 4 * SW_SIDES + 4 <= RTE_TEL_MAX_DICT_ENTRIES,
	"all numbers fit one dictionary");

/* The lock is held while a command reads the daemon: nothing is freed under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct sw_daemon *daemon_read;

static const char *const mode_names[SW_MODE_MAX] = {
	[SW_MODE_PROXY] = "proxy",
	[SW_MODE_RESPOND] = "respond",
	[SW_MODE_PASS] = "pass",
	[SW_MODE_DROP] = "drop",
};

static void
add_number(const char *name, uint64_t value, enum sw_total_kind kind, void *arg)
{
	(void)kind;
	rte_tel_data_add_dict_uint(arg, name, value);
}

static int
handle_stats(const char *cmd, const char *params, struct rte_tel_data *data)
{
	int rc = -ESHUTDOWN;

	(void)cmd;
	(void)params;
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&lock);
	if (daemon_read != NULL) {
		sw_totals_each(daemon_read, add_number, data);
		rc = 0;
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

static struct rte_tel_data *
service_data(const struct sw_daemon *d, const struct sw_service *s, uint32_t idx)
{
	struct sw_service_stats st = sw_totals_service(d, idx);
	struct rte_tel_data *data = rte_tel_data_alloc();

	if (data == NULL)
		return NULL;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_string(data, "name", s->name);
	rte_tel_data_add_dict_uint(data, "index", idx);
	rte_tel_data_add_dict_string(
		data, "mode", s->mode < SW_MODE_MAX ? mode_names[s->mode] : "unknown");
	rte_tel_data_add_dict_uint(data, "syn_received", st.syn_received);
	rte_tel_data_add_dict_uint(data, "synack_sent", st.synack_sent);
	rte_tel_data_add_dict_uint(data, "cookie_accepted", st.cookie_accepted);
	rte_tel_data_add_dict_uint(data, "cookie_refused", st.cookie_refused);
	rte_tel_data_add_dict_uint(data, "established", st.established);
	rte_tel_data_add_dict_uint(data, "failed", st.failed);
	rte_tel_data_add_dict_uint(data, "dropped", st.dropped);
	rte_tel_data_add_dict_uint(data, "passed", st.passed);
	return data;
}

static void
key_of(char key[KEY_BYTES], const struct sw_policy *p, uint32_t idx)
{
	const char *name = sw_policy_service(p, (uint16_t)idx)->name;

	snprintf(key, KEY_BYTES, "%s", name);
	for (char *c = key; *c != '\0'; c++)
		if (*c == '.' || *c == '-')
			*c = '_';
}

/* The key, with its number where an earlier service of this answer has the same one. */
static void
unique_key(char key[KEY_BYTES], const struct sw_policy *p, uint32_t first, uint32_t idx)
{
	char other[KEY_BYTES];
	bool taken = false;

	key_of(key, p, idx);
	for (uint32_t i = first; i < idx && !taken; i++) {
		key_of(other, p, i);
		taken = strcmp(key, other) == 0;
	}
	if (taken)
		snprintf(key + strlen(key), KEY_BYTES - strlen(key), "_%u", idx);
}

static int
add_services(const struct sw_daemon *d, uint32_t first, struct rte_tel_data *data)
{
	const struct sw_policy *p = d->control->policy;
	uint32_t n = sw_policy_services(p);
	char key[KEY_BYTES];

	if (first != 0 && first >= n)
		return -EINVAL;
	for (uint32_t i = first; i < n && i < first + SERVICES_PER_ANSWER; i++) {
		struct rte_tel_data *one = service_data(d, sw_policy_service(p, (uint16_t)i), i);

		if (one == NULL)
			return -ENOMEM;
		unique_key(key, p, first, i);
		if (rte_tel_data_add_dict_container(data, key, one, 0) != 0) {
			rte_tel_data_free(one);
			return -ENOSPC;
		}
	}
	return 0;
}

/* The number behind a command's comma; 0 without one, `limit` where it is none below that. */
static unsigned long
first_of(const char *params, unsigned long limit)
{
	unsigned long first;
	char *end;

	if (params == NULL || params[0] == '\0')
		return 0;
	first = strtoul(params, &end, 10);
	return *end != '\0' || params[0] == '-' || first >= limit ? limit : first;
}

static int
handle_services(const char *cmd, const char *params, struct rte_tel_data *data)
{
	unsigned long first = first_of(params, SW_SERVICES_MAX);
	int rc = -ESHUTDOWN;

	(void)cmd;
	rte_tel_data_start_dict(data);
	if (first == SW_SERVICES_MAX)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	if (daemon_read != NULL)
		rc = add_services(daemon_read, (uint32_t)first, data);
	pthread_mutex_unlock(&lock);
	return rc;
}

static struct rte_tel_data *
worker_data(const struct sw_worker *w)
{
	const struct sw_engine_gauges g = sw_engine_gauges(w->engine);
	struct rte_tel_data *data = rte_tel_data_alloc();
	uint64_t c[SW_C_MAX] = {0};
	struct sw_worker_times t = {0};
	struct sw_handed h = {0};

	if (data == NULL)
		return NULL;
	sw_stats_read(sw_engine_stats(w->engine), c);
	sw_totals_handed(w->handover, &h);
	sw_totals_times(w, &t);
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_uint(data, "lcore", w->lcore);
	rte_tel_data_add_dict_uint(data, "busy_us", t.busy_us);
	rte_tel_data_add_dict_uint(data, "idle_us", t.idle_us);
	rte_tel_data_add_dict_uint(data, "stalled_us", t.stalled_us);
	rte_tel_data_add_dict_uint(data, "busy_rounds", t.busy_rounds);
	rte_tel_data_add_dict_uint(data, "rx_outside", c[SW_C_RX_OUTSIDE]);
	rte_tel_data_add_dict_uint(data, "rx_inside", c[SW_C_RX_INSIDE]);
	rte_tel_data_add_dict_uint(data, "flow_created", c[SW_C_FLOW_CREATED]);
	rte_tel_data_add_dict_uint(data, "flows", g.flows);
	rte_tel_data_add_dict_uint(data, "handover_given", h.given);
	rte_tel_data_add_dict_uint(data, "handover_taken", h.taken);
	rte_tel_data_add_dict_uint(data, "handover_full", h.give_full);
	rte_tel_data_add_dict_uint(data, "handover_tx", h.lent);
	rte_tel_data_add_dict_uint(
		data, "handover_tx_full", h.lend_full[SW_OUTSIDE] + h.lend_full[SW_INSIDE]);
	return data;
}

static int
add_workers(const struct sw_daemon *d, unsigned long first, struct rte_tel_data *data)
{
	for (unsigned long i = first; i < d->n_workers && i < first + WORKERS_PER_ANSWER; i++) {
		struct rte_tel_data *one = worker_data(d->workers[i]);
		char key[KEY_BYTES];

		if (one == NULL)
			return -ENOMEM;
		snprintf(key, sizeof(key), "worker_%lu", i);
		if (rte_tel_data_add_dict_container(data, key, one, 0) != 0) {
			rte_tel_data_free(one);
			return -ENOSPC;
		}
	}
	return 0;
}

static int
handle_workers(const char *cmd, const char *params, struct rte_tel_data *data)
{
	int rc = -ESHUTDOWN;

	(void)cmd;
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&lock);
	if (daemon_read != NULL) {
		unsigned long n = daemon_read->n_workers, first = first_of(params, n);

		rc = first == n ? -EINVAL : add_workers(daemon_read, first, data);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int
sw_telemetry_start(const struct sw_daemon *d)
{
	int rc = rte_telemetry_register_cmd(
		"/synward/stats", handle_stats, "Returns all counters and gauges. No parameters");

	if (rc == 0)
		rc = rte_telemetry_register_cmd("/synward/services", handle_services,
			"Returns mode and counters of services. Parameters: number of the first");
	if (rc == 0)
		rc = rte_telemetry_register_cmd("/synward/workers", handle_workers,
			"Returns numbers of workers. Parameters: number of the first");
	if (rc != 0) {
		sw_log_error("telemetry does not take its commands: %s", strerror(-rc));
		return rc;
	}
	pthread_mutex_lock(&lock);
	daemon_read = d;
	pthread_mutex_unlock(&lock);
	return 0;
}

void
sw_telemetry_stop(void)
{
	pthread_mutex_lock(&lock);
	daemon_read = NULL;
	pthread_mutex_unlock(&lock);
}
