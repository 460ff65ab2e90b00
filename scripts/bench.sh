#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Measures synward beside what else could stand in its place, in turn, on the same two cores.
#
#   namespace cli ==veth or tap== port 0 [ synward, or testpmd ] port 1 ==veth or tap== namespace srv
#
# usage: scripts/bench.sh transfer [--wire af_xdp|tap] [--rounds N] [--seconds N] [--json FILE]
#
#   transfer   one long TCP connection, iperf3, each direction of it for --seconds (5) in each of --rounds (5):
#              through synward (mode proxy), and through dpdk-testpmd that only forwards (io). The same
#              ports, cores, offloads and MTU. Last line: medians over both directions, and their ratio.
#
# As root; needs dpdk-testpmd (Debian: dpdk-dev), iperf3, and a build of synward. Ratios can be compared;
# the rates are those of this machine on this day. Everything that it makes it takes away, on Ctrl-C too.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

CLI=swbcli.$$ MID=swbmid.$$ SRV=swbsrv.$$ PREFIX=swbench.$$
V4_CLI=10.77.0.1 V4_SRV=10.77.0.2 V6_CLI=fd77::1 V6_SRV=fd77::2
PORT=5000
WIRE=af_xdp ROUNDS=5 SECONDS_EACH=5 JSON=''
WORK=''
SERVER_PID='' MIDDLE_PID='' HELD_OPEN=''

usage() {
	sed -n '/^# usage/,/^# As root/{/^# As root/!p}' "$0" | sed 's/^# \{0,1\}//'
}

bad_usage() {
	echo "bench.sh: $*; see scripts/bench.sh --help" >&2
	exit 2
}

# --- set-up and clean-up ---------------------------------------------------------------------------

clean_up() {
	local rc=$? ns
	trap - EXIT INT TERM
	middle_down
	[ -z "$SERVER_PID" ] || sw_end "$SERVER_PID"
	for ns in "$CLI" "$MID" "$SRV"; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$WORK" "/var/run/dpdk/$PREFIX"
	exit $rc
}

# prepare COMMAND...: what is needed is there, and the namespaces are made.
prepare() {
	local ns program
	[ "$(id -u)" = 0 ] || sw_die "bench.sh needs root: it makes namespaces"
	for program in "$@"; do
		command -v "$program" >/dev/null || sw_die "$program is missing (Debian: iperf3, dpdk-dev)"
	done
	[ -x "$SW_SYNWARD" ] || sw_build || exit 1
	WORK=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	sw_choose_cpus
	for ns in "$CLI" "$MID" "$SRV"; do
		sw_namespace "$ns" || sw_die "cannot make network namespaces here"
	done
	sw_in "$MID" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	cat >"$WORK/config" <<-YAML
	ports: {outside: net_${WIRE}0, inside: net_${WIRE}1}
	flows: 64k
	services:
	  - {name: bench, addresses: [$V4_SRV, "$V6_SRV"], ports: [$PORT], mode: proxy}
	YAML
}

# The DPDK ports, as EAL arguments, in PORTS; veths are made here, taps by the driver.
make_ports() {
	local i ends=("$CLI" "$SRV")
	if [ "$WIRE" = tap ]; then
		PORTS=('--vdev=net_tap0,iface=dtap0' '--vdev=net_tap1,iface=dtap1')
		return
	fi
	PORTS=('--vdev=net_af_xdp0,iface=dveth0' '--vdev=net_af_xdp1,iface=dveth1')
	for i in 0 1; do
		ip -n "$MID" link add "dveth$i" type veth peer name eth0 netns "${ends[$i]}" || return 1
		sw_in "$MID" ethtool -K "dveth$i" tso off gso off gro off tx off >/dev/null 2>&1
		ip -n "$MID" link set "dveth$i" up
	done
}

# The hosts' ends of them.
connect_hosts() {
	if [ "$WIRE" = tap ]; then
		ip -n "$MID" link set dtap0 netns "$CLI" && ip -n "$CLI" link set dtap0 name eth0 &&
			ip -n "$MID" link set dtap1 netns "$SRV" && ip -n "$SRV" link set dtap1 name eth0 ||
			return 1
	fi
	sw_host_interface "$CLI" "$V4_CLI" "$V6_CLI" && sw_host_interface "$SRV" "$V4_SRV" "$V6_SRV"
}

can_ping() {
	sw_in "$CLI" ping -q -c 1 -W 1 "$V4_SRV" >/dev/null 2>&1
}

# in_the_middle synward|testpmd: starts it between the hosts; both on the same core, with the same memory.
in_the_middle() {
	local log=$WORK/$1
	make_ports || sw_die "cannot make the ports"
	: >"$log"
	local eal=(--no-huge -m 512 --no-pci --file-prefix "$PREFIX"
		--lcores "0@$SW_CPU_SYNWARD,1@$SW_CPU_SYNWARD" "${PORTS[@]}")
	if [ "$1" = synward ]; then
		SW_EXEC="exec" sw_in "$MID" "$SW_SYNWARD" "${eal[@]}" -- --config "$WORK/config" \
			>"$log" 2>&1 &
	else
		# testpmd ends when its standard input does: it is given one that stays open.
		exec {HELD_OPEN}<> <(:)
		SW_EXEC="exec" sw_in "$MID" dpdk-testpmd "${eal[@]}" -- --no-mlockall --forward-mode=io \
			--auto-start --port-topology=paired --nb-cores=1 --total-num-mbufs=16384 \
			--stats-period=3600 <&"$HELD_OPEN" >"$log" 2>&1 &
	fi
	MIDDLE_PID=$!
	sw_wait_until 30 middle_ready_or_gone "$log"
	connect_hosts || { tail -20 "$log" >&2; sw_die "cannot connect the hosts to $1"; }
	sw_wait_until 20 can_ping || { tail -20 "$log" >&2; sw_die "no way through $1"; }
}

middle_ready_or_gone() {
	grep -qE '^synward: ready|^Port statistics|Start automatic packet forwarding' "$1" || sw_gone "$MIDDLE_PID"
}

middle_down() {
	[ -n "$MIDDLE_PID" ] || return 0
	sw_end "$MIDDLE_PID" INT
	MIDDLE_PID=''
	[ -z "$HELD_OPEN" ] || exec {HELD_OPEN}<&-
	HELD_OPEN=''
	ip -n "$CLI" link del eth0 2>/dev/null
	ip -n "$SRV" link del eth0 2>/dev/null
	return 0
}

# --- figures ---------------------------------------------------------------------------------------

# median NUMBER...
median() {
	printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 }
		END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b > 0 ? a / b : 0) }'
}

# --- transfer --------------------------------------------------------------------------------------

# iperf [-R]: one connection; prints what the receiver got, Gbit/s, and the segments sent again.
iperf() {
	sw_peers "$CLI" iperf3 -J -c "$V4_SRV" -p $PORT -t "$SECONDS_EACH" "$@" >"$WORK/iperf.json" 2>&1
	python3 -c '
import json, sys
try:
    end = json.load(open(sys.argv[1]))["end"]
    print("%.3f %d" % (end["sum_received"]["bits_per_second"] / 1e9, end["sum_sent"].get("retransmits", 0)))
except (KeyError, ValueError):
    sys.exit("iperf3: " + open(sys.argv[1]).read()[:300])
' "$WORK/iperf.json" || exit 1
}

listens() {
	sw_in "$SRV" ss -tlnH "sport = :$PORT" | grep -q .
}

# measure synward|testpmd: one round of it, both directions.
measure() {
	local who=$1 up up_again down down_again
	in_the_middle "$who"
	SW_EXEC="exec" sw_peers "$SRV" iperf3 -s -p $PORT >"$WORK/server" 2>&1 &
	SERVER_PID=$!
	sw_wait_until 10 listens || sw_die "iperf3 does not listen"
	read -r up up_again < <(iperf)
	read -r down down_again < <(iperf -R)
	if [ -z "$up" ] || [ -z "$down" ]; then sw_die "$who: no figures"; fi
	sw_end "$SERVER_PID"
	SERVER_PID=''
	# What went the other way would be a figure of something else: iperf3 opens two connections a run.
	if [ "$who" = synward ]; then
		spliced=$(sw_stats "$PREFIX" flow_established)
		[ "${spliced:-0}" -ge 4 ] || sw_die "the connections did not go through the proxy"
	fi
	middle_down
	printf '%-8s to server %7s Gbit/s (%s sent again), to client %7s Gbit/s (%s sent again)\n' \
		"$who" "$up" "$up_again" "$down" "$down_again"
	UP=$up DOWN=$down
}

# json_list NUMBER...
json_list() {
	local IFS=,
	echo "[$*]"
}

# transfer_json SYNWARD TESTPMD RATIO: with the rounds in bench_transfer's arrays.
transfer_json() {
	cat <<-JSON
	{"bench": "transfer", "wire": "$WIRE", "seconds": $SECONDS_EACH, "unit": "Gbit/s", "ratio": $3,
	 "synward": {"median": $1, "to_server": $(json_list "${synward_up[@]}"),
	             "to_client": $(json_list "${synward_down[@]}")},
	 "testpmd": {"median": $2, "to_server": $(json_list "${testpmd_up[@]}"),
	             "to_client": $(json_list "${testpmd_down[@]}")}}
	JSON
}

bench_transfer() {
	local synward_up=() synward_down=() testpmd_up=() testpmd_down=() UP DOWN i a b
	prepare iperf3 dpdk-testpmd ethtool
	for ((i = 1; i <= ROUNDS; i++)); do
		echo "round $i of $ROUNDS, $WIRE, $SECONDS_EACH s each way"
		# Each first in turn: machines drift.
		if ((i % 2)); then set -- synward testpmd; else set -- testpmd synward; fi
		for who in "$@"; do
			measure "$who"
			if [ "$who" = synward ]; then
				synward_up+=("$UP") synward_down+=("$DOWN")
			else
				testpmd_up+=("$UP") testpmd_down+=("$DOWN")
			fi
		done
	done
	echo "medians: to server: synward $(median "${synward_up[@]}"), testpmd $(median "${testpmd_up[@]}");" \
		"to client: synward $(median "${synward_down[@]}"), testpmd $(median "${testpmd_down[@]}") Gbit/s"
	a=$(median "${synward_up[@]}" "${synward_down[@]}")
	b=$(median "${testpmd_up[@]}" "${testpmd_down[@]}")
	[ -z "$JSON" ] || transfer_json "$a" "$b" "$(ratio "$a" "$b")" >"$JSON" || exit 1
	echo "transfer: synward $a Gbit/s, testpmd io $b Gbit/s, ratio $(ratio "$a" "$b")"
}

# --- command line ----------------------------------------------------------------------------------

is_number() {
	[[ $1 =~ ^[1-9][0-9]{0,3}$ ]]
}

read_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--wire | --rounds | --seconds | --json) [ $# -ge 2 ] || bad_usage "$1 needs a value" ;;
		*) bad_usage "'$1' is no option" ;;
		esac
		case $1 in
		--wire) WIRE=$2 ;;
		--rounds) ROUNDS=$2 ;;
		--seconds) SECONDS_EACH=$2 ;;
		--json) JSON=$2 ;;
		esac
		shift 2
	done
	case $WIRE in af_xdp | tap) ;; *) bad_usage "--wire is af_xdp or tap, not '$WIRE'" ;; esac
	is_number "$ROUNDS" || bad_usage "--rounds is a number from 1 on"
	is_number "$SECONDS_EACH" || bad_usage "--seconds is a number from 1 on"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
transfer)
	read_options "$@"
	bench_transfer
	;;
-h | --help) usage ;;
'') bad_usage "what is to be measured?" ;;
*) bad_usage "'$command' is nothing that it can measure" ;;
esac
