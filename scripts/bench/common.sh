# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# Set-up, clean-up and figures that all benchmarks share. Sourced by scripts/bench.sh after lib.sh and lib-dpdk.sh.

CLI=swbcli.$$ MID=swbmid.$$ SRV=swbsrv.$$
# Pairs of generator and device that are there at the same time, and names that they may have: turns.sh.
PAIRS=1 PAIR_NAMES=(synward testpmd flooded idle)
NAMESPACES=("$CLI" "$MID" "${PAIR_NAMES[@]/#/$MID.}" "$SRV")
PREFIX=swbench.$$ GEN_PREFIX=swbgen.$$
FIGURES=scripts/bench/figures.py
WORK='' HUGE='' ROUNDS_FILE=''
# Whatever runs in the background; emptied when it is ended.
DEVICE_PID='' GENERATOR_PID='' SERVER_PID='' HELD_OPEN='' TIMER_PID='' ENGINE_PID=''

# shellcheck disable=SC2317 # by trap
clean_up() {
	local rc=$? ns
	# A second Ctrl-C shall not leave half of it behind.
	trap '' INT TERM HUP
	trap - EXIT
	end_pairs
	end_programs
	[ -z "$SERVER_PID" ] || sw_end "$SERVER_PID"
	[ -z "$ENGINE_PID" ] || sw_end "$ENGINE_PID"
	for ns in "${NAMESPACES[@]}"; do
		ip netns del "$ns" 2>/dev/null
	done
	[ -z "$WORK" ] || rm -rf "$WORK"
	sw_dpdk_forget "$PREFIX" "${PAIR_NAMES[@]/#/$PREFIX.}" "$GEN_PREFIX" "${PAIR_NAMES[@]/#/$GEN_PREFIX.}"
	sw_hugepages_down
	exit "$rc"
}

# ends_clean: from here on, however it ends.
ends_clean() {
	trap clean_up EXIT
	trap 'exit 130' INT TERM HUP
}

# prepare COMMAND...: what is needed is there, and the namespaces are made. Once, though `all` calls it often.
prepare() {
	local ns program
	[ "$(id -u)" = 0 ] || sw_die "bench.sh needs root: it makes namespaces and ports"
	[ -n "$WORK" ] || bench_build
	for program in "$@"; do
		command -v "$program" >/dev/null ||
			sw_die "$program is missing (Debian: dpdk-dev, iperf3, ethtool, nginx-light, gnuplot-nox)"
	done
	[ -z "$WORK" ] || return 0
	WORK=$(mktemp -d)
	ends_clean
	sw_choose_cpus
	[ "$SW_CPU_PEERS" != "$SW_CPU_SYNWARD" ] ||
		echo "bench.sh: only one CPU is allowed here: the two programs share it, and the figures say little"
	for ns in "${NAMESPACES[@]}"; do
		sw_namespace "$ns" || sw_die "cannot make network namespaces here"
		[[ $ns != "$MID"* ]] ||
			sw_in "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	done
}

# choose_memory MEGABYTES [PAIRS]: for each of the two programs of a pair, of which each takes whole pages. Sets MEMORY,
# EAL's arguments, and PAIRS, to 1 where there are not enough hugepages for two.
choose_memory() {
	local each=$((($1 + 1) / 2 * 2))
	PAIRS=${2:-1}
	case $WIRE in
	tap | af_xdp)
		wire_can || { echo "bench.sh: this kernel cannot make ports of $WIRE here" >&2; exit 3; }
		HUGE=0
		;;
	*)
		if sw_hugepages_up $((2 * PAIRS * each)); then
			HUGE=1
		elif [ "$PAIRS" = 2 ] && sw_hugepages_up $((2 * each)); then
			HUGE=1 PAIRS=1
			echo "bench.sh: no $((4 * each)) MB of hugepages to be had, but $((2 * each)): one device behind the other, not" \
				"in turn"
		elif [ "$WIRE" = vhost ]; then
			echo "bench.sh: vhost needs $((2 * each)) MB of hugepages, and they cannot be reserved here" >&2
			exit 3
		else
			HUGE=0
			echo "bench.sh: no $((2 * each)) MB of hugepages to be had: --no-huge, which makes both programs slower"
		fi
		;;
	esac
	MEMORY=(-m "$each")
	[ "$HUGE" = 1 ] || MEMORY+=(--no-huge)
	[ "$WIRE" != vhost ] || MEMORY+=(--single-file-segments)
}

# order_of I ONE OTHER: which of the two is first in round I. Sets ORDER.
order_of() {
	if (($1 % 2)); then ORDER=("$2" "$3"); else ORDER=("$3" "$2"); fi
}

begin_round() {
	echo "round $1 of $ROUNDS, $WIRE, $SECONDS_EACH s each"
	order_of "$1" synward testpmd
}

# record [--windows REPORT KEYS] KEY=VALUE...: a run's figures, for figures.py; words stay words, the rest are
# numbers. With the rates of its pieces, by which it tells the undisturbed one.
record() {
	"${SW_PYTHON[@]}" "$FIGURES" record "$@" >>"$ROUNDS_FILE" || sw_die "no figures"
}

# new_figures: nothing is recorded yet.
new_figures() {
	ROUNDS_FILE=$WORK/rounds
	: >"$ROUNDS_FILE"
}

# report NAME UNIT PEER [KEY=VALUE...]: medians and ratio as the last line, and the JSON file where one is wanted.
report() {
	local name=$1 unit=$2 peer=$3 json=()
	shift 3
	[ -z "$JSON" ] || json=(--json "$JSON")
	[ "$PAIRS" = 1 ] || set -- "slice=$SLICE" "$@"
	[ -z "$RING" ] || set -- "ring=$RING" "$@"
	[ -z "$AGAINST" ] || set -- "against=$AGAINST" "$@"
	"${SW_PYTHON[@]}" "$FIGURES" report --bench "$name" --unit "$unit" --peer "$peer" --build "$BUILD" \
		"${json[@]}" "$ROUNDS_FILE" "wire=$WIRE" "hugepages=$HUGE" "seconds=$SECONDS_EACH" "$@"
}
