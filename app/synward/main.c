/* SPDX-License-Identifier: BSD-3-Clause */
/* The order in which the daemon comes up and goes down. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "args.h"
#include "base/simd.h"
#include "daemon.h"
#include "log.h"
#include "notify.h"
#include "rss.h"
#include "startup.h"
#include "summary.h"
#include "telemetry.h"
#include "unmap.h"

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static uint32_t
share(uint32_t of_daemon, unsigned n_workers)
{
	return (of_daemon + n_workers - 1) / n_workers;
}

/* Exit status of a start that failed, or EXIT_STOPPED. */
static int
start_eal(const struct sw_args *args, const struct sw_config *cfg)
{
	static char lcores[SW_LCORES_ARG_BYTES]; /* EAL keeps pointers into its argv */
	char **argv;
	int argc, rc;

	if (sw_startup_hugepages(&args->eal) != 0)
		return EXIT_FAILED;
	if (!args->eal.chooses_cpus && sw_startup_lcores(cfg, lcores) != 0)
		return EXIT_FAILED;
	if (args->eal.chooses_cpus && cfg->n_lcores != 0)
		sw_log_warning("the CPUs of the EAL arguments are used; lcores: of the "
			       "configuration is not");
	argv = sw_eal_argv(&args->eal, args->eal.chooses_cpus ? NULL : lcores, &argc);
	if (argv == NULL) {
		sw_log_error("no memory for the arguments");
		return EXIT_FAILED;
	}
	rc = sw_eal_init(&args->eal, argc, argv);
	free(argv);
	if (rc != 0)
		return rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	return EXIT_STOPPED;
}

static int
find_workers(struct sw_daemon *d)
{
	unsigned lcore;

	RTE_LCORE_FOREACH_WORKER(lcore)
	d->lcores[d->n_workers++] = lcore;
	if (d->n_workers == 0) {
		sw_log_error(
			"no lcore is left for a worker: the EAL arguments name only the main one. "
			"Name one more (-l 0,1), or none at all and let synward choose");
		return -EINVAL;
	}
	if (d->n_workers > SW_STEER_WORKERS_MAX) {
		sw_log_error(
			"%u workers are too many: at most %u", d->n_workers, SW_STEER_WORKERS_MAX);
		return -EINVAL;
	}
	if (d->cfg.queues > d->n_workers) {
		sw_log_error(
			"ports.queues is %u, and there %s %u worker%s: a queue has a worker of "
			"its own, so it may be at most %u (or give more workers: lcores)",
			d->cfg.queues, d->n_workers == 1 ? "is" : "are", d->n_workers,
			d->n_workers == 1 ? "" : "s", d->n_workers);
		return -EINVAL;
	}
	return 0;
}

/* The ports themselves can bring a connection to one worker, as far as they say. */
static bool
rss_is_there(const struct sw_daemon *d, uint64_t *rss_hf)
{
	for (unsigned i = 0; i < d->n_ports; i++)
		if (d->n_workers < 2 || d->ports[i].n_queues != d->n_workers)
			return false;
	return sw_rss_types(d->ports, d->n_ports, rss_hf) == 0;
}

/* With several workers, and ports that run: who owns what. */
static int
choose_steering(struct sw_daemon *d, bool by_rss, uint64_t rss_hf)
{
	uint64_t key[4];

	if (d->n_workers < 2)
		return 0;
	if (by_rss && sw_rss_setup(d->ports, d->n_ports, d->n_workers, rss_hf) == 0) {
		sw_steer_by_rss(&d->steer, d->n_workers, sw_rss_period(d->ports, d->n_ports));
		return 0;
	}
	if (getrandom(key, sizeof(key), 0) != sizeof(key)) {
		sw_log_error("cannot read random numbers: %s", strerror(errno));
		return -EIO;
	}
	sw_steer_by_hash(&d->steer, d->n_workers, key);
	return 0;
}

static int
start_ports(struct sw_daemon *d)
{
	const char *const names[SW_SIDES] = {d->cfg.outside, d->cfg.inside};
	const struct sw_port_wish wish = {.n_workers = d->n_workers,
		.n_queues = d->cfg.queues,
		.mtu = d->cfg.mtu,
		.rx_descriptors = d->cfg.rx_descriptors};
	uint32_t extra = (share(d->cfg.held, d->n_workers) + SW_WORKER_BUFFERS) * d->n_workers;
	bool multi_seg = true, by_rss;
	uint64_t rss_hf = 0;
	int rc = 0;

	for (unsigned i = 0; i < SW_SIDES && names[i][0] != '\0' && rc == 0; i++) {
		rc = sw_port_find(&d->ports[d->n_ports], names[i], &wish);
		if (d->ports[d->n_ports].probed)
			multi_seg &= d->ports[d->n_ports++].multi_seg;
	}
	if (rc != 0)
		return rc;
	by_rss = rss_is_there(d, &rss_hf);
	extra += sw_handover_buffers(d->ports, d->n_ports, d->n_workers);
	rc = sw_port_pools(d->ports, d->n_ports,
		&(struct sw_port_pool_wish){.n_extra = extra, .or_else = " or set held: lower"});
	for (unsigned i = 0; i < d->n_ports && rc == 0; i++)
		rc = sw_port_start(
			&d->ports[i], by_rss ? rss_hf : sw_rss_spread(&d->ports[i]), multi_seg);
	return rc == 0 ? choose_steering(d, by_rss, rss_hf) : rc;
}

static int
make_workers(struct sw_daemon *d)
{
	struct sw_worker_spec spec = {
		.params =
			{
				.max_flows = share(d->cfg.flows, d->n_workers),
				.max_pending = share(d->cfg.pending, d->n_workers),
				.max_held = share(d->cfg.held, d->n_workers),
				.max_recent = share(d->cfg.resend, d->n_workers),
			},
		.control = d->control,
		.ports = d->ports,
		.n_ports = d->n_ports,
		.idle_sleeps = d->cfg.idle_sleeps,
	};
	const size_t key_bytes = sizeof(spec.params.hash_key);

	if (d->n_workers > 1 && sw_handover_create(d->handovers, d->n_workers, &d->steer, d->ports,
					d->n_ports) != 0)
		return -ENOMEM;
	for (unsigned i = 0; i < d->n_workers; i++) {
		spec.lcore = d->lcores[i];
		spec.index = (uint16_t)i;
		spec.handover = d->handovers[i];
		if (getrandom(spec.params.hash_key, key_bytes, 0) != (ssize_t)key_bytes) {
			sw_log_error("cannot read random numbers: %s", strerror(errno));
			return -EIO;
		}
		d->workers[i] = sw_worker_create(&spec);
		if (d->workers[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
launch(struct sw_daemon *d)
{
	for (unsigned i = 0; i < d->n_workers; i++) {
		int rc = rte_eal_remote_launch(sw_worker_run, d->workers[i], d->lcores[i]);

		if (rc != 0) {
			sw_log_error("worker %u does not start on lcore %u: %s", i, d->lcores[i],
				strerror(-rc));
			return rc;
		}
	}
	return 0;
}

/* Waits for all workers; false where one of them failed. */
static bool
join(struct sw_daemon *d)
{
	bool ok = true;

	sw_control_stop(d->control);
	for (unsigned i = 0; i < d->n_workers; i++) {
		int rc = rte_eal_wait_lcore(d->lcores[i]);

		if (rc != 0) {
			sw_log_error("worker %u failed: %s", i, strerror(-rc));
			ok = false;
		}
	}
	return ok;
}

static void
say_ready(const struct sw_daemon *d)
{
	uint64_t flows = 0;

	for (unsigned i = 0; i < d->n_workers; i++)
		flows += sw_engine_gauges(d->workers[i]->engine).flows_max;
	printf("synward: ready: outside %s (%s)", d->ports[SW_OUTSIDE].name,
		d->ports[SW_OUTSIDE].driver);
	if (d->n_ports > SW_INSIDE)
		printf(", inside %s (%s)", d->ports[SW_INSIDE].name, d->ports[SW_INSIDE].driver);
	printf(", %u worker%s", d->n_workers, d->n_workers == 1 ? "" : "s");
	for (unsigned i = 0; i < d->n_ports && d->n_workers > 1; i++)
		printf("%s%u", i == 0 ? " (queues " : " and ", d->ports[i].n_queues);
	if (d->n_workers > 1)
		printf(", owners by %s)", d->steer.by_rss ? "RSS" : "hash");
	for (unsigned i = 0; i < d->n_ports && d->cfg.rx_descriptors != 0; i++)
		printf("%s%u", i == 0 ? ", receive rings of " : " and ", d->ports[i].nb_rxd);
	printf(", %lu flows, %u service%s, instructions: %s\n", (unsigned long)flows,
		d->cfg.n_services, d->cfg.n_services == 1 ? "" : "s", sw_simd_name(sw_simd()));
	fflush(stdout);
	sw_notify("READY=1");
}

/* Everything between a started EAL and its end; exit status. */
static int
run(struct sw_daemon *d)
{
	bool ok = false;

	if (find_workers(d) != 0 || start_ports(d) != 0)
		goto out_ports;
	d->control = sw_control_create(&d->cfg, d->n_workers, d->ports[SW_OUTSIDE].socket);
	if (d->control == NULL)
		goto out_ports;
	if (make_workers(d) != 0 || sw_telemetry_start(d) != 0)
		goto out_workers;
	sw_unmap_guard(d->control->qsbr);
	ok = launch(d) == 0;
	if (ok) {
		say_ready(d);
		ok = sw_control_run(d->control, d->workers, d->n_workers) == 0;
		sw_notify("STOPPING=1");
	}
	ok &= join(d);
	sw_unmap_guard(NULL);
	sw_telemetry_stop();
	sw_summary_print(d);

out_workers:
	for (unsigned i = 0; i < d->n_workers; i++) {
		sw_worker_free(d->workers[i]);
		sw_handover_free(d->handovers[i]);
	}
	sw_control_free(d->control);
out_ports:
	sw_ports_stop(d->ports, d->n_ports);
	sw_port_pools_free(d->ports, d->n_ports);
	return ok ? EXIT_STOPPED : EXIT_FAILED;
}

int
main(int argc, char **argv)
{
	static struct sw_daemon d;
	struct sw_args args;
	int status;

	if (sw_args_parse(&args, argc, argv) != 0)
		return EXIT_USAGE;
	if (args.action == SW_ARGS_HELP) {
		sw_args_help();
		return EXIT_STOPPED;
	}
	if (args.action == SW_ARGS_VERSION) {
		printf("synward %s\n", SW_VERSION);
		return EXIT_STOPPED;
	}
	if (sw_config_load(args.config, &d.cfg, stderr) != 0)
		return EXIT_USAGE;
	if (args.action == SW_ARGS_CHECK) {
		printf("synward: %s: right, %u service%s\n", args.config, d.cfg.n_services,
			d.cfg.n_services == 1 ? "" : "s");
		sw_config_free(&d.cfg);
		return EXIT_STOPPED;
	}
	sw_control_signals();
	status = start_eal(&args, &d.cfg);
	if (status == EXIT_STOPPED) {
		status = run(&d);
		rte_eal_cleanup();
	}
	sw_config_free(&d.cfg);
	return status;
}
