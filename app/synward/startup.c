/* SPDX-License-Identifier: BSD-3-Clause */
#include "startup.h"

#include <dirent.h>
#include <errno.h>
#include <mntent.h>
#include <numa.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define HUGEPAGES_DIR "/sys/kernel/mm/hugepages"
#define NO_HUGE_ADVICE \
	"or run without them: synward --no-huge -m 512 [more EAL arguments] -- --config FILE"

/* A number from a one-line file of the kernel; `otherwise` where there is none. */
static long
read_number(const char *path, long otherwise)
{
	FILE *f = fopen(path, "re");
	long n;

	if (f == NULL)
		return otherwise;
	if (fscanf(f, "%ld", &n) != 1)
		n = otherwise;
	fclose(f);
	return n;
}

/* Pages that are reserved, or that the kernel may make when asked, of all sizes. */
static unsigned long
pages_reserved(void)
{
	static const char *const files[] = {"nr_hugepages", "nr_overcommit_hugepages"};
	DIR *dir = opendir(HUGEPAGES_DIR);
	unsigned long sum = 0;
	struct dirent *e;
	char path[512];

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, "hugepages-", strlen("hugepages-")) != 0)
			continue;
		for (unsigned i = 0; i < SW_ARRAY_LEN(files); i++) {
			snprintf(path, sizeof(path), HUGEPAGES_DIR "/%s/%s", e->d_name, files[i]);
			sum += (unsigned long)read_number(path, 0);
		}
	}
	closedir(dir);
	return sum;
}

static bool
hugetlbfs_mounted(void)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && (m = getmntent(f)) != NULL)
		found = strcmp(m->mnt_type, "hugetlbfs") == 0;
	endmntent(f);
	return found;
}

int
sw_startup_hugepages(const struct sw_eal_args *e)
{
	bool reserved, mounted;

	if (e->no_huge)
		return 0;
	reserved = pages_reserved() != 0;
	mounted = e->in_memory || hugetlbfs_mounted();
	if (reserved && mounted)
		return 0;
	if (!reserved)
		sw_log_error("no hugepages are reserved%s. Reserve some (echo 512 > "
			     "/proc/sys/vm/nr_hugepages)%s " NO_HUGE_ADVICE,
			mounted ? "" : " and no hugetlbfs is mounted",
			mounted ? ","
				: " and mount it (mkdir -p /dev/hugepages && mount -t hugetlbfs "
				  "nodev /dev/hugepages),");
	else
		sw_log_error(
			"hugepages are reserved, but no hugetlbfs is mounted. Mount one (mkdir "
			"-p /dev/hugepages && mount -t hugetlbfs nodev "
			"/dev/hugepages), " NO_HUGE_ADVICE);
	return -ENOMEM;
}

/* NUMA node of a PCI device that a port is named after; -1: not known, or no PCI device. */
static int
port_node(const char *name)
{
	char path[SW_CONFIG_PORT_BYTES + 64];

	if (strchr(name, '/') != NULL)
		return -1;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", name);
	return (int)read_number(path, -1);
}

/* Last allowed CPU, on that node where one is. Interrupts and daemons gather on the first ones. */
static int
auto_cpu(const cpu_set_t *allowed, int node)
{
	bool by_node = node >= 0 && numa_available() >= 0;
	int last = -1, last_on_node = -1;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, allowed))
			continue;
		last = cpu;
		if (by_node && numa_node_of_cpu(cpu) == node)
			last_on_node = cpu;
	}
	return last_on_node >= 0 ? last_on_node : last;
}

/* Appends to a string that has room for it; false where it has not. */
__attribute__((format(printf, 2, 3))) static bool
append(char arg[SW_LCORES_ARG_BYTES], const char *fmt, ...)
{
	size_t len = strlen(arg);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(arg + len, SW_LCORES_ARG_BYTES - len, fmt, ap);
	va_end(ap);
	return n >= 0 && (size_t)n < SW_LCORES_ARG_BYTES - len;
}

/* "0-3,8-11" */
static bool
append_cpus(char arg[SW_LCORES_ARG_BYTES], const cpu_set_t *set)
{
	const char *comma = "";
	bool ok = true;

	for (int first = 0; first < CPU_SETSIZE && ok; first++) {
		int last = first;

		if (!CPU_ISSET(first, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		ok = first == last ? append(arg, "%s%d", comma, first)
				   : append(arg, "%s%d-%d", comma, first, last);
		comma = ",";
		first = last;
	}
	return ok;
}

int
sw_startup_lcores(const struct sw_config *cfg, char arg[SW_LCORES_ARG_BYTES])
{
	cpu_set_t allowed;
	bool ok;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
		int err = errno;

		sw_log_error("cannot read the CPUs of this process: %s", strerror(err));
		return -err;
	}
	arg[0] = '\0';
	ok = append(arg, "--lcores=0@(") && append_cpus(arg, &allowed) && append(arg, ")");
	for (unsigned i = 0; ok && i < cfg->n_lcores; i++) {
		if (cfg->lcores[i] >= CPU_SETSIZE || !CPU_ISSET(cfg->lcores[i], &allowed)) {
			char cpus[SW_LCORES_ARG_BYTES] = "";

			append_cpus(cpus, &allowed);
			sw_log_error("lcores: CPU %u is not there or not allowed for this process "
				     "(allowed: %s): change the list, or write lcores: auto",
				cfg->lcores[i], cpus);
			return -EINVAL;
		}
		ok = append(arg, ",%u@%u", i + 1, cfg->lcores[i]);
	}
	if (ok && cfg->n_lcores == 0)
		ok = append(arg, ",1@%d", auto_cpu(&allowed, port_node(cfg->outside)));
	if (!ok) {
		sw_log_error("too many CPUs for one list: start synward under taskset with fewer");
		return -EINVAL;
	}
	return 0;
}
