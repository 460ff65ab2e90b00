# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# For scripts that run two DPDK programs beside each other: hugepages, and what DPDK leaves behind. Sourced after
# lib.sh, not run.

SW_HUGE=/sys/kernel/mm/hugepages/hugepages-2048kB
SW_HUGE_TAKEN=0   # pages that we reserved, beside those that there were
SW_HUGE_MOUNT=''  # a hugetlbfs that we mounted

sw_hugetlbfs() {
	awk '$3 == "hugetlbfs" && $4 !~ /pagesize=[^2]/ { print $2; exit }' /proc/mounts
}

# sw_hugepages_up MEGABYTES: sees to it that so much is free in pages of 2 MiB, and mounted; 1 where it cannot be had.
# May be called again for more. sw_hugepages_down gives back what this took.
sw_hugepages_up() {
	local want=$((($1 + 1) / 2)) free before
	[ -r "$SW_HUGE/free_hugepages" ] || return 1
	free=$(<"$SW_HUGE/free_hugepages")
	if [ "$free" -lt "$want" ]; then
		before=$(<"$SW_HUGE/nr_hugepages")
		# Memory full of cached files has few whole pages left: let the kernel join what is free first.
		echo 1 2>/dev/null >/proc/sys/vm/compact_memory
		echo $((before + want - free)) 2>/dev/null >"$SW_HUGE/nr_hugepages"
		SW_HUGE_TAKEN=$((SW_HUGE_TAKEN + $(<"$SW_HUGE/nr_hugepages") - before))
		free=$(<"$SW_HUGE/free_hugepages")
	fi
	if [ "$free" -ge "$want" ] && [ -z "$(sw_hugetlbfs)" ]; then
		SW_HUGE_MOUNT=$(mktemp -d)
		mount -t hugetlbfs -o pagesize=2M nodev "$SW_HUGE_MOUNT" 2>/dev/null || {
			rmdir "$SW_HUGE_MOUNT"
			SW_HUGE_MOUNT=''
			free=0
		}
	fi
	[ "$free" -lt "$want" ] || return 0
	sw_hugepages_down
	return 1
}

sw_hugepages_down() {
	if [ -n "$SW_HUGE_MOUNT" ]; then
		umount "$SW_HUGE_MOUNT" && rmdir "$SW_HUGE_MOUNT"
		SW_HUGE_MOUNT=''
	fi
	((SW_HUGE_TAKEN > 0)) || return 0
	# No more than that, whoever has reserved some since, and no more than are free: the rest is in use.
	local now free
	now=$(<"$SW_HUGE/nr_hugepages") free=$(<"$SW_HUGE/free_hugepages")
	echo $((now - (SW_HUGE_TAKEN < free ? SW_HUGE_TAKEN : free))) >"$SW_HUGE/nr_hugepages"
	SW_HUGE_TAKEN=0
}

# sw_dpdk_forget PREFIX...: what a DPDK program with that --file-prefix leaves, even when it was killed.
sw_dpdk_forget() {
	local prefix mounted
	mounted=$(sw_hugetlbfs)
	for prefix in "$@"; do
		rm -rf "/var/run/dpdk/$prefix"
		[ -z "$mounted" ] || rm -f "$mounted/${prefix}map_"*
	done
}
