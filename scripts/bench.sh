#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Measures synward beside what else could stand in its place, in turn, on the same two cores.
#
# usage: scripts/bench.sh COMMAND [--rounds N] [--seconds N] [--wire memif|vhost|tap|af_xdp] [--ring N] [--json FILE] ...
#        engine has none of these but --json; goodput no --wire, transfer no --ring; all only --rounds and --seconds
#
#   engine     cycles of each part, on one core, without ports: build-bench/tests/bench/bench
#                --quick (few rounds, no large tables)
#   flood      SYNs flat out: SYN-ACKs that came back, beside testpmd 5tswap, which only turns packets round
#   ackflood   ACKs that belong to nothing: those sent that synward counts as dropped, beside testpmd 5tswap
#                both: --mode proxy|respond (proxy), --family v4|v6 (v4), --rate PPS (flat out);
#                flood: --options none|mss|linux|windows|mac (linux)
#   connect    whole connections, many at once: handshake, request, answer, close; beside testpmd io
#                --concurrent N (1000), --request BYTES (100), --response BYTES (1000)
#   segments   data on connections that stay open, both ways; beside testpmd io
#                --flows N (1000000), --response BYTES (1000); both: --family v4|v6 (v4)
#                these four: --against FILE, another synward in testpmd's place: of before a change, say
#   transfer   one long connection, iperf3, each direction; beside testpmd io; --wire af_xdp (its default) or tap
#   goodput    connections at a fixed rate while a flood grows: how many are served, and how fast. Over memif, beside
#              a synward without a flood in the same seconds (--rounds of them for each step); and over tap with a real
#              server: synward, the kernel's own SYN cookies, and nftables synproxy
#                --connect-rate N (1000), --steps PPS,PPS,... (flat out is "max"), --curves NAME,NAME,...,
#                --plot FILE.svg
#   all        all of these. --results FILE (docs/results/results.json) keeps every figure; a table in Markdown
#              ends standard output. --quick shows that all still work
#
# Each runs in --rounds (5) of --seconds (5). --ring: packets that a ring of memif (2048, which is the most; goodput 64)
# or of virtio-user (1024, which is the most) holds, a power of two from 64. Of flood, ackflood, connect and segments both
# devices are there at once, and run in turn while the other is stopped. Medians are in the last line, and the median of
# the rounds' ratios. As root; hugepages for memif, vhost and engine are reserved and given back; memif and engine do
# without where there are none. Root on a Debian has the packages that are missing installed first (apt-get). What is
# measured is a build of its own, build-bench, release without assertions: it is made, and set to that where it is another.
# Ratios can be compared; the rates are those of this machine on this day. No figure fails a run; a packet that should not
# be there does. SW_BENCH_LOGS=DIRECTORY keeps what the programs said. Exit: 0 measured, 1 failed, 2 wrong usage, 3 the
# wire cannot be had here.
set -u
CALLED_IN=$PWD
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/lib-dpdk.sh
. scripts/lib-dpdk.sh
# shellcheck source=scripts/lib-build.sh
. scripts/lib-build.sh

case ${SW_BENCH_LOGS:-} in
'' | /*) ;;
*) export SW_BENCH_LOGS=$CALLED_IN/$SW_BENCH_LOGS ;;
esac
[ -z "${SW_BENCH_LOGS:-}" ] || mkdir -p "$SW_BENCH_LOGS" || exit 1

command=${1:-}
[ $# -eq 0 ] || shift

WIRE=memif ROUNDS=5 SECONDS_EACH=5 JSON='' MODE=proxy OPTIONS=linux FAMILY=v4 RATE=''
CONCURRENT=1000 REQUEST=100 RESPONSE=1000 N_FLOWS=1000000 QUICK='' WIRE_GIVEN=''
CONNECT_RATE=1000 RING='' STEPS=0,10000,100000,500000,1000000,2000000,5000000,max PLOT='' RESULTS=docs/results/results.json
CURVES=memif,tap,cookies,synproxy AGAINST=''

usage() {
	sed -n '/^# usage/,/^set -u/{/^set -u/!p}' "$0" | sed 's/^# \{0,1\}//'
}

bad_usage() {
	echo "bench.sh: $*; see scripts/bench.sh --help" >&2
	exit 2
}

# shellcheck source=scripts/bench/common.sh
. scripts/bench/common.sh
# shellcheck source=scripts/bench/wires.sh
. scripts/bench/wires.sh
# shellcheck source=scripts/bench/programs.sh
. scripts/bench/programs.sh
# shellcheck source=scripts/bench/turns.sh
. scripts/bench/turns.sh
# shellcheck source=scripts/bench/flood.sh
. scripts/bench/flood.sh
# shellcheck source=scripts/bench/connect.sh
. scripts/bench/connect.sh
# shellcheck source=scripts/bench/transfer.sh
. scripts/bench/transfer.sh
# shellcheck source=scripts/bench/goodput.sh
. scripts/bench/goodput.sh
# shellcheck source=scripts/bench/results.sh
. scripts/bench/results.sh

# --- command line ----------------------------------------------------------------------------------

# The options of a command besides those of all; a word each.
own_options() {
	case $command in
	engine) echo quick ;;
	flood) echo mode family rate options against ;;
	ackflood) echo mode family rate against ;;
	connect) echo concurrent request response family against ;;
	segments) echo flows response family against ;;
	goodput) echo connect-rate steps curves plot ;;
	all) echo results quick ;;
	esac
}

# What synload takes at most: connections, packets or connections a second, seconds, bytes of a request or an answer. Of
# segments an answer is one of 65,535 on a connection, which may have so many bytes in all. And rounds as many as nobody
# waits for.
CONCURRENT_MOST=16000000 RATE_MOST=1000000000 SECONDS_MOST=86400 BYTES_MOST=1000000000 SEGMENT_MOST=15259 ROUNDS_MOST=1000

# is_number OPTION VALUE MOST
is_number() {
	if [[ ! $2 =~ ^[1-9][0-9]{0,9}$ ]] || [ "$2" -gt "$3" ]; then
		bad_usage "$1 is a number from 1 to $3, not '$2'"
	fi
}

# one_of OPTION VALUE WORD...
one_of() {
	local option=$1 value=$2 words
	shift 2
	words=" $* "
	[[ $words == *" $value "* ]] || bad_usage "$option is one of: $*; not '$value'"
}

# as_called FILE: a path as it was meant where the script was called.
as_called() {
	case $1 in
	/*) echo "$1" ;;
	*) echo "$CALLED_IN/$1" ;;
	esac
}

# set_option OPTION VALUE
set_option() {
	case $1 in
	--wire) one_of "$1" "$2" memif vhost tap af_xdp && WIRE=$2 WIRE_GIVEN=1 ;;
	--mode) one_of "$1" "$2" proxy respond && MODE=$2 ;;
	--family) one_of "$1" "$2" v4 v6 && FAMILY=$2 ;;
	--options) one_of "$1" "$2" none mss linux windows mac && OPTIONS=$2 ;;
	--rounds) is_number "$1" "$2" $ROUNDS_MOST && ROUNDS=$2 ;;
	--seconds) is_number "$1" "$2" $SECONDS_MOST && SECONDS_EACH=$2 ;;
	--rate) is_number "$1" "$2" $RATE_MOST && RATE=$2 ;;
	--concurrent) is_number "$1" "$2" $CONCURRENT_MOST && CONCURRENT=$2 ;;
	--request) is_number "$1" "$2" $BYTES_MOST && REQUEST=$2 ;;
	--response)
		if [ "$command" = segments ]; then is_number "$1" "$2" $SEGMENT_MOST; else is_number "$1" "$2" $BYTES_MOST; fi
		RESPONSE=$2
		;;
	--flows) is_number "$1" "$2" $CONCURRENT_MOST && N_FLOWS=$2 ;;
	--ring) one_of "$1" "$2" 64 128 256 512 1024 2048 && RING=$2 ;;
	--connect-rate) is_number "$1" "$2" $RATE_MOST && CONNECT_RATE=$2 ;;
	--steps)
		[[ ,$2 =~ ^(,(0|[1-9][0-9]{0,8}|$RATE_MOST|max))+$ ]] ||
			bad_usage "--steps are packets a second, from 0 to $RATE_MOST, or max, with commas between; not '$2'"
		STEPS=$2
		;;
	--curves)
		[[ $2 =~ ^(memif|tap|cookies|synproxy)(,(memif|tap|cookies|synproxy))*$ ]] ||
			bad_usage "--curves are some of memif,tap,cookies,synproxy, with commas between"
		CURVES=$2
		;;
	--against)
		AGAINST=$(as_called "$2")
		if [ ! -f "$AGAINST" ] || [ ! -x "$AGAINST" ]; then bad_usage "--against is a synward to run, and '$2' is none"; fi
		;;
	--json) JSON=$(as_called "$2") ;;
	--plot) PLOT=$(as_called "$2") ;;
	--results) RESULTS=$(as_called "$2") ;;
	esac
}

# fits_ring: beyond these a ring is never full, and what is measured is another one. Over memif synload has not the packets
# to fill a longer one with, which it receives in place. Over virtio-user synward and testpmd ask for 1,024 at most.
fits_ring() {
	[ -n "$RING" ] || return 0
	case $WIRE in
	memif) ;; # 2048
	vhost) [ "$RING" -le 1024 ] || bad_usage "--ring is at most 1024 over vhost, not '$RING'" ;;
	*) bad_usage "--ring is for memif and vhost: a wire of $WIRE has none to set" ;;
	esac
}

read_options() {
	local known
	known=" $(own_options) json "
	case $command in
	engine) ;;
	transfer) known+="rounds seconds wire " ;;
	goodput) known+="rounds seconds ring " ;;
	all) known=" $(own_options) rounds seconds " ;;
	*) known+="rounds seconds wire ring " ;;
	esac
	while [ $# -gt 0 ]; do
		[[ $1 == --* && $known == *" ${1#--} "* ]] || bad_usage "'$1' is no option of $command"
		if [ "$1" = --quick ]; then
			QUICK=--quick
			shift
			continue
		fi
		[ $# -ge 2 ] || bad_usage "$1 needs a value"
		set_option "$1" "$2"
		shift 2
	done
	fits_ring
}

case $command in
engine | flood | ackflood | connect | segments | transfer | goodput | all)
	read_options "$@"
	;;
-h | --help)
	usage
	exit 0
	;;
'') bad_usage "what is to be measured?" ;;
*) bad_usage "'$command' is nothing that it can measure" ;;
esac
case $command in
engine) bench_engine ;;
flood) bench_flood ;;
ackflood) bench_ackflood ;;
connect) bench_connect ;;
segments) bench_segments ;;
transfer) bench_transfer ;;
goodput) bench_goodput ;;
all) bench_all ;;
esac
