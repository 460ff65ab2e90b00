#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Floods synward with a packet generator of other people, where it is installed, with the profiles in config/.
#
#   [ generator, one port ] ==virtio-user, vhost-user or memif== outside [ synward ] inside == nothing
#
# usage: scripts/generators.sh pktgen|trex|trex-pcap [--flood syn|ack] [--mode respond|proxy] [--seconds N]
#                              [--wire vhost|memif]
#
#   pktgen     Pktgen-DPDK, config/pktgen/; found as `pktgen` or by SW_PKTGEN=PROGRAM. --wire vhost (its default):
#              its port is virtio-user, synward's is vhost-user. memif works with versions of it that set no MTU.
#   trex       TRex, stateless, config/trex/; SW_TREX=DIRECTORY holds t-rex-64. Always memif.
#   trex-pcap  The same profiles without TRex's server: its Python library makes the packets, and synward reads
#              them from a file (needs SW_TREX, no hugepages, no second core).
#
# Without --flood, both; without --mode, both. For each: what the generator counted, what synward counted, and whether
# these are what they should be. As root; synward is built first, in build-bench, as for scripts/bench.sh.
# Exit: 0 fine, 1 failed, 2 wrong usage, 3 the generator is not installed.
set -u
# Paths are meant from where it was called; a name without a slash is looked for in the PATH.
case ${SW_PKTGEN:-} in
/*) ;;
*/*) SW_PKTGEN=$PWD/$SW_PKTGEN ;;
esac
case ${SW_TREX:-} in
'' | /*) ;;
*) SW_TREX=$PWD/$SW_TREX ;;
esac
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/lib-dpdk.sh
. scripts/lib-dpdk.sh
# shellcheck source=scripts/lib-build.sh
. scripts/lib-build.sh

PREFIX=swgen.$$ PEER_PREFIX=swgenp.$$
PCAP_PACKETS=200000 # more than the sources that a profile has: every range turns over
FLOODS=(syn ack) MODES=(respond proxy) SECONDS_EACH=5 WIRE=''
WORK='' SYNWARD_PID='' GENERATOR_PID='' TREX_PID='' HELD_OPEN=''
FAILED=0

usage() {
	sed -n '/^# usage/,/^set -u/{/^set -u/!p}' "$0" | sed 's/^# \{0,1\}//'
}

bad_usage() {
	echo "generators.sh: $*; see scripts/generators.sh --help" >&2
	exit 2
}

not_installed() {
	echo "generators.sh: $*" >&2
	exit 3
}

clean_up() {
	local rc=$?
	# A second Ctrl-C shall not leave half of it behind.
	trap '' INT TERM HUP
	trap - EXIT
	generator_down
	trex_down
	[ -z "$SYNWARD_PID" ] || sw_end "$SYNWARD_PID" INT
	[ -z "$WORK" ] || rm -rf "$WORK"
	sw_dpdk_forget "$PREFIX" "$PEER_PREFIX"
	sw_hugepages_down
	exit "$rc"
}

prepare() {
	[ "$(id -u)" = 0 ] || sw_die "generators.sh needs root"
	bench_build
	WORK=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 130' INT TERM HUP
	sw_choose_cpus
	[ "$GENERATOR" = trex-pcap ] || sw_hugepages_up 2048 ||
		sw_die "no hugepages: 2 GiB of them, in pages of 2 MiB, cannot be reserved here"
}

# --- synward ---------------------------------------------------------------------------------------

# synward_up MODE EAL-ARGUMENT...: one port outside, and inside, in mode proxy, one with nothing behind it.
synward_up() {
	local mode=$1 inside=''
	shift
	[ "$mode" = respond ] || inside=', inside: net_null0'
	[ "$mode" = respond ] || set -- "$@" --vdev=net_null0,no-rx=1
	cat >"$WORK/config" <<-YAML
	ports: {outside: ${OUTSIDE}$inside}
	flows: 64k
	services:
	  - {name: flooded, addresses: [10.77.0.2], ports: [80], mode: $mode}
	YAML
	: >"$WORK/synward"
	"$SW_SYNWARD" --no-pci --file-prefix "$PREFIX" --lcores "0@$SW_CPU_SYNWARD,1@$SW_CPU_SYNWARD" "$@" \
		-- --config "$WORK/config" >"$WORK/synward" 2>&1 &
	SYNWARD_PID=$!
	sw_wait_until 30 sw_ready_or_gone "$WORK/synward" "$SYNWARD_PID"
	grep -q '^synward: ready' "$WORK/synward" || { tail "$WORK/synward" >&2; sw_die "synward did not start"; }
}

synward_down() {
	sw_end "$SYNWARD_PID" INT
	SYNWARD_PID=''
}

# The value of a counter in synward's summary; what is not there is 0.
counted() {
	awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }' "$WORK/synward"
}

# verdict FLOOD: prints synward's counters; every packet must have met what is meant for it.
verdict() {
	local rx bad
	rx=$(counted rx_outside)
	bad=$(counted drop_cookie_bad)
	echo "  synward:   received $rx, SYNs $(counted syn_received), SYN-ACKs $(counted synack_sent)" \
		"(sent again $(counted synack_retransmitted), no room in the ring for $(counted tx_full_outside))," \
		"dropped $(counted dropped), of these for their cookie $bad"
	if [ "$1" = syn ]; then
		[ "$rx" -gt 0 ] && [ "$(counted syn_received)" = "$rx" ] && [ "$(counted synack_sent)" = "$rx" ]
	else
		[ "$rx" -gt 0 ] && [ "$bad" = "$rx" ] && [ "$(counted dropped)" = "$rx" ]
	fi
}

# --- Pktgen-DPDK -----------------------------------------------------------------------------------

find_pktgen() {
	case ${WIRE:=vhost} in
	vhost) OUTSIDE=net_vhost0 ;;
	memif) OUTSIDE=net_memif0 ;;
	*) bad_usage "--wire is vhost or memif" ;;
	esac
	SW_PKTGEN=$(command -v "${SW_PKTGEN:-pktgen}") || not_installed \
		"Pktgen-DPDK is not here: Debian has no package of it. Its sources and how to build them:" \
		"https://github.com/pktgen/Pktgen-DPDK and https://pktgen-dpdk.readthedocs.io; 23.03.0, with Lua," \
		"goes with DPDK 22.11. Put pktgen into the PATH, or set SW_PKTGEN=PROGRAM"
}

socket_there() {
	[ -S "$WORK/wire.sock" ]
}

generator_down() {
	[ -z "$GENERATOR_PID" ] || sw_end "$GENERATOR_PID" TERM 3
	GENERATOR_PID=''
	[ -z "$HELD_OPEN" ] || exec {HELD_OPEN}<&-
	HELD_OPEN=''
}

generator_says() {
	grep -aq "^generator: $1" "$WORK/generator" || sw_gone "$GENERATOR_PID"
}

# Pktgen's screen, timer and command line run beside its worker on the one CPU that is left for it: they shall not take
# half of it.
worker_first() {
	local task
	for task in "/proc/$GENERATOR_PID/task"/*; do
		grep -qs '^rte-worker' "$task/comm" || renice -n 19 -p "${task##*/}" >/dev/null 2>&1
	done
}

run_pktgen() {
	local flood=$1 mode=$2 ours theirs
	rm -f "$WORK/wire.sock"
	if [ "$WIRE" = vhost ]; then
		ours=net_vhost0,iface=$WORK/wire.sock,queues=1
		theirs=net_virtio_user0,path=$WORK/wire.sock,queues=1,queue_size=1024,packed_vq=1,in_order=1
	else
		ours=net_memif0,role=server,socket=$WORK/wire.sock,socket-abstract=no,rsize=11,bsize=2048
		theirs=${ours/role=server/role=client}
	fi
	synward_up "$mode" -m 512 --single-file-segments "--vdev=$ours"
	sw_wait_until 10 socket_there || sw_die "synward made no socket"
	: >"$WORK/generator"
	# It ends when its standard input does: it is given one that stays open.
	exec {HELD_OPEN}<> <(:)
	SW_PROFILE=config/pktgen/$flood-flood.pkt SW_SECONDS=$SECONDS_EACH \
		"$SW_PKTGEN" --no-pci --file-prefix "$PEER_PREFIX" -m 512 --single-file-segments \
		--lcores "0@$SW_CPU_PEERS,1@$SW_CPU_PEERS" "--vdev=$theirs" -- -m 1.0 -f config/pktgen/run.lua \
		<&"$HELD_OPEN" >"$WORK/generator" 2>&1 &
	GENERATOR_PID=$!
	sw_wait_until 30 generator_says starts
	if sw_alive "$GENERATOR_PID"; then
		worker_first
		sw_wait_until $((SECONDS_EACH + 30)) generator_says '\(sent\|failed\)'
	fi
	generator_down
	synward_down
}

# --- TRex ------------------------------------------------------------------------------------------

find_trex() {
	local what=t-rex-64
	[ "${WIRE:=memif}" = memif ] || bad_usage "--wire of trex is memif"
	[ "$GENERATOR" = trex ] || what=automation/trex_control_plane/interactive/trex_stl_lib
	[ -e "${SW_TREX:-/opt/trex}/$what" ] || not_installed \
		"TRex is not in ${SW_TREX:-/opt/trex}: Debian has no package of it. Releases and how to install" \
		"them: https://trex-tgn.cisco.com and its manual there, sources:" \
		"https://github.com/cisco-system-traffic-generator/trex-core. Set SW_TREX to the directory that" \
		"holds $what"
	SW_TREX=$(cd "${SW_TREX:-/opt/trex}" && pwd)
	export PYTHONPATH=$SW_TREX/automation/trex_control_plane/interactive PYTHONDONTWRITEBYTECODE=1
	OUTSIDE=net_memif0
	[ "$GENERATOR" = trex ] || OUTSIDE=net_pcap0
}

trex_listens() {
	ss -tlnH 'sport = :4501' | grep -q . || sw_gone "$TREX_PID"
}

trex_up() {
	cat >"$WORK/trex.yaml" <<-YAML
	- port_limit: 2
	  version: 2
	  prefix: $PEER_PREFIX
	  limit_memory: 1024
	  c: 1
	  interfaces: ["--vdev=net_memif0,role=client,id=0,socket-abstract=no,socket=$WORK/wire.sock", "dummy"]
	YAML
	# It starts others; in a group of their own they end together.
	(cd "$SW_TREX" && exec setsid taskset -c "$SW_CPU_PEERS" ./t-rex-64 -i --software --cfg "$WORK/trex.yaml") \
		>"$WORK/trex" 2>&1 &
	TREX_PID=$!
	sw_wait_until 90 trex_listens
	sw_alive "$TREX_PID" || { tail "$WORK/trex" >&2; sw_die "TRex did not start"; }
}

trex_group_gone() {
	! kill -0 -- "-$TREX_PID" 2>/dev/null
}

trex_down() {
	[ -n "$TREX_PID" ] || return 0
	kill -INT -- "-$TREX_PID" 2>/dev/null
	sw_wait_until 10 trex_group_gone || kill -KILL -- "-$TREX_PID" 2>/dev/null
	wait "$TREX_PID" 2>/dev/null
	TREX_PID=''
}

run_trex() {
	rm -f "$WORK/wire.sock"
	synward_up "$2" -m 512 \
		"--vdev=net_memif0,role=server,socket=$WORK/wire.sock,socket-abstract=no,rsize=11,bsize=2048"
	trex_up
	taskset -c "$SW_CPU_PEERS" python3 config/trex/run.py "config/trex/$1_flood.py" "$SECONDS_EACH" \
		>"$WORK/generator" 2>&1
	trex_down
	synward_down
}

read_all() {
	local n
	n=$(sw_stats "$PREFIX" rx_outside) && [ "$n" -ge "$PCAP_PACKETS" ]
}

run_trex_pcap() {
	python3 -W ignore config/trex/to_pcap.py "config/trex/$1_flood.py" "$PCAP_PACKETS" "$WORK/flood.pcap" \
		>"$WORK/generator" 2>&1 || return
	echo "generator: made $PCAP_PACKETS" >>"$WORK/generator"
	synward_up "$2" --no-huge -m 512 "--vdev=net_pcap0,rx_pcap=$WORK/flood.pcap,tx_pcap=/dev/null"
	sw_wait_until 30 read_all || echo "generator: failed: synward did not read all of it" >>"$WORK/generator"
	synward_down
}

# --- command line ----------------------------------------------------------------------------------

read_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--flood | --mode | --seconds | --wire) [ $# -ge 2 ] || bad_usage "$1 needs a value" ;;
		*) bad_usage "'$1' is no option" ;;
		esac
		case $1=$2 in
		--flood=syn | --flood=ack) FLOODS=("$2") ;;
		--mode=respond | --mode=proxy) MODES=("$2") ;;
		--wire=*) WIRE=$2 ;;
		--seconds=*)
			SECONDS_EACH=$2
			[[ $2 =~ ^[1-9][0-9]{0,3}$ ]] || bad_usage "--seconds is a number from 1 to 9999"
			;;
		*) bad_usage "$1 cannot be '$2'" ;;
		esac
		shift 2
	done
}

# one FLOOD MODE: runs the generator once; says what both sides counted.
one() {
	: >"$WORK/generator"
	case $GENERATOR in
	pktgen) run_pktgen "$1" "$2" ;;
	trex) run_trex "$1" "$2" ;;
	trex-pcap) run_trex_pcap "$1" "$2" ;;
	esac
	if grep -aq '^generator: failed' "$WORK/generator" ||
		! grep -a '^generator: \(sent\|made\)' "$WORK/generator" | sed 's/^/  /' | grep .; then
		grep -aiE 'panic|cannot|failed|error' "$WORK/generator" | tail -5 >&2
		echo "  the generator failed: FAILED" >&2
		return 1
	fi
	verdict "$1" || { echo "  not what it should be: FAILED" >&2; return 1; }
}

GENERATOR=${1:-}
[ $# -eq 0 ] || shift
case $GENERATOR in
pktgen | trex | trex-pcap) read_options "$@" ;;
-h | --help) usage; exit 0 ;;
'') bad_usage "which generator?" ;;
*) bad_usage "'$GENERATOR' is no generator that it knows" ;;
esac
case $GENERATOR in
pktgen) find_pktgen ;;
*) find_trex ;;
esac
prepare
for flood in "${FLOODS[@]}"; do
	for mode in "${MODES[@]}"; do
		echo "$GENERATOR, $flood flood, mode $mode:"
		one "$flood" "$mode" || FAILED=1
	done
done
[ "$FAILED" = 0 ]
