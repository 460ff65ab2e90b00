# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the scripts share: packages, building, waiting, namespaces, starting the daemon. Sourced, not run; the
# caller's directory is the top of the tree.

SW_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SW_SYNWARD=${SW_SYNWARD:-$SW_TOP/build/app/synward/synward}
SW_WIRE=${SW_WIRE:-$SW_TOP/build/tests/wire/wire}

# The interpreter itself, without what is installed beside the standard library: a wrapper that looks for it, as
# pyenv's does, and site-packages take ten times as long as the short scripts here, which run many hundred times.
# Asked once: scripts that this one starts find it in the environment.
export SW_PYTHON_PATH=${SW_PYTHON_PATH:-$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null || echo python3)}
SW_PYTHON=("$SW_PYTHON_PATH" -IS)

# To build and to show it; and what the tests need besides.
SW_PACKAGES_DEMO=(gcc libc6-dev meson ninja-build pkg-config libdpdk-dev libnuma-dev libyaml-dev libjansson-dev
	check iproute2 ethtool nftables procps util-linux python3 nginx-light curl hping3 iputils-ping)
SW_PACKAGES_TEST=(clang clang-format libclang-rt-14-dev tcpdump shellcheck openssl openssh-server
	openssh-client redis-server redis-tools vsftpd iperf3 dpdk-dev gnuplot-nox)

# Services that some of these bring along; the tests start the programs by themselves.
declare -A SW_SERVICE_OF=([nginx-light]=nginx [openssh-server]=ssh [redis-server]=redis-server
	[vsftpd]=vsftpd)

sw_die() {
	echo "$*" >&2
	exit 1
}

sw_missing_packages() {
	local package
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
			echo "$package"
	done
}

# Installing nginx must not start a web server on this machine, now or when it boots: services are held
# back meanwhile, and those that were not there before are switched off. A subshell, so that the trap,
# which acts on an interrupt too, is its own.
sw_apt_install() (
	local package service
	policy=/usr/sbin/policy-rc.d
	trap 'exit 130' HUP INT TERM
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
	fi
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" || exit 1
	command -v systemctl >/dev/null || exit 0
	for package in "$@"; do
		service=${SW_SERVICE_OF[$package]:-}
		[ -z "$service" ] || systemctl disable "$service" || exit 1
	done
)

sw_install() {
	local missing log rc=0
	mapfile -t missing < <(sw_missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "these packages are missing, and only root can install them: ${missing[*]}" >&2
		return 1
	fi
	echo "installing: ${missing[*]}"
	log=$(mktemp)
	{ apt-get update && sw_apt_install "${missing[@]}"; } >"$log" 2>&1 || rc=1
	[ $rc = 0 ] || { tail -20 "$log" >&2; echo "installing packages failed" >&2; }
	rm -f "$log"
	return $rc
}

# For scripts/bench.sh, on a Debian; elsewhere it says what is missing by itself.
SW_PACKAGES_BENCH=(gcc libc6-dev meson ninja-build pkg-config libdpdk-dev libnuma-dev libyaml-dev
	libjansson-dev check iproute2 ethtool nftables procps util-linux python3 nginx-light iputils-ping
	iperf3 dpdk-dev gnuplot-nox git)

sw_install_bench_packages() {
	command -v dpkg-query >/dev/null || return 0
	sw_install "${SW_PACKAGES_BENCH[@]}"
}

# Installs what is not there: for everything, or only for the demo.
sw_install_packages() {
	sw_install "${SW_PACKAGES_DEMO[@]}" "${SW_PACKAGES_TEST[@]}"
}

sw_install_demo_packages() {
	sw_install "${SW_PACKAGES_DEMO[@]}"
}

# Builds into build/; seconds where nothing has changed.
sw_build() {
	local log rc=0
	log=$(mktemp)
	if [ ! -f "$SW_TOP/build/build.ninja" ]; then
		meson setup "$SW_TOP/build" "$SW_TOP" -Dwerror=true >"$log" 2>&1 || rc=1
	fi
	[ $rc != 0 ] || ninja -C "$SW_TOP/build" >"$log" 2>&1 || rc=1
	[ $rc = 0 ] || { tail -40 "$log" >&2; echo "the build failed" >&2; }
	rm -f "$log"
	return $rc
}

# sw_wait_until SECONDS COMMAND...: until the command succeeds; 1 where it does not in time. Most wait for
# what is there in a few milliseconds; what is not is asked about less often.
sw_wait_until() {
	local end=$((SECONDS + $1)) pauses=(0.005 0.01 0.02 0.03 0.05) n=0
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep "${pauses[n]}"
		[ $n -ge $((${#pauses[@]} - 1)) ] || n=$((n + 1))
	done
}

sw_alive() {
	kill -0 "$1" 2>/dev/null
}

sw_gone() {
	! sw_alive "$1"
}

# sw_end PID [SIGNAL [SECONDS]]: ends a child and waits; by force where it does not go. Its status.
sw_end() {
	local pid=$1 signal=${2:-TERM} seconds=${3:-10}
	kill -s "$signal" "$pid" 2>/dev/null
	if ! sw_wait_until "$seconds" sw_gone "$pid"; then
		kill -s KILL "$pid" 2>/dev/null
	fi
	wait "$pid" 2>/dev/null
}

# sw_in NAMESPACE COMMAND...: without the mount namespace that `ip netns exec` makes. In the background:
# SW_EXEC="exec" sw_in ... &, so that $! is the command itself and not a shell that waits for it.
sw_in() {
	local ns=$1
	shift
	${SW_EXEC:-} nsenter --net="/run/netns/$ns" "$@"
}

# Polling takes a whole CPU: synward gets the last one, everything else the first. Of several workers
# (SW_WORKERS) every second one runs on the first CPU too.
sw_choose_cpus() {
	local cpus
	cpus=$(taskset -pc $$ | sed 's/.*: //')
	SW_CPU_PEERS=${cpus%%[,-]*}
	SW_CPU_SYNWARD=${cpus##*[,-]}
	sw_choose_lcores
}

SW_WORKERS=${SW_WORKERS:-1}

# SW_LCORES for that many workers.
sw_choose_lcores() {
	local n cpus=("$SW_CPU_PEERS" "$SW_CPU_SYNWARD")
	SW_LCORES=0@$SW_CPU_SYNWARD
	for ((n = 1; n <= SW_WORKERS; n++)); do
		SW_LCORES+=,$n@${cpus[n % 2]}
	done
}

# sw_peers NAMESPACE COMMAND...: like sw_in, on the CPU that is not synward's.
sw_peers() {
	local ns=$1
	shift
	sw_in "$ns" taskset -c "$SW_CPU_PEERS" "$@"
}

sw_namespace() {
	ip netns add "$1" || return 1
	sw_in "$1" ip link set lo up
	# The taps' and veths' ends must say nothing of their own; the hosts forward nothing.
	sw_in "$1" sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0 \
		net.ipv6.conf.default.router_solicitations=0
}

# sw_host_interface NAMESPACE V4 V6: gives eth0 its addresses; no offloads, so that what arrives at the
# other end are frames as on a cable.
sw_host_interface() {
	sw_in "$1" ethtool -K eth0 tso off gso off gro off tx off >/dev/null 2>&1
	sw_in "$1" ip addr add "$2/24" dev eth0 || return 1
	sw_in "$1" ip -6 addr add "$3/64" dev eth0 nodad || return 1
	sw_in "$1" ip link set eth0 up
}

sw_ready_or_gone() {
	grep -q '^synward: ready' "$1" || sw_gone "$2"
}

# The ports of sw_launch: two new taps, unless the caller sets others.
SW_VDEVS=('--vdev=net_tap0,iface=dtap0' '--vdev=net_tap1,iface=dtap1')

# sw_launch NAMESPACE PREFIX CONFIG LOG [EAL ARGUMENT...]: starts synward on SW_VDEVS in that namespace;
# sets SW_PID. Without hugepages.
sw_launch() {
	local ns=$1 prefix=$2 config=$3 log=$4
	shift 4
	: >"$log"
	SW_EXEC="exec" sw_in "$ns" "$SW_SYNWARD" --no-huge -m 512 --no-pci --file-prefix "$prefix" \
		--lcores "$SW_LCORES" \
		"${SW_VDEVS[@]}" "$@" \
		-- --config "$config" >"$log" 2>"$log.err" &
	SW_PID=$!
	sw_wait_until 30 sw_ready_or_gone "$log" "$SW_PID"
	if ! grep -q '^synward: ready' "$log"; then
		echo "synward did not start:" >&2
		cat "$log" "$log.err" >&2
		# Late is as bad as not at all; nobody else knows of it.
		sw_end "$SW_PID"
		return 1
	fi
}

# sw_stats PREFIX NAME...: the counters' values, one a line.
sw_stats() {
	local prefix=$1
	shift
	"${SW_PYTHON[@]}" "$SW_TOP/tests/netns/stat.py" --file-prefix "$prefix" "$@"
}
