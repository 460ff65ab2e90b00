#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2034,SC2317 # variables and functions are for the parts that are sourced
#
# Parts of scripts/bench.sh by themselves: the build that it measures, programs that are never ready, ports that do not
# copy, hugepages that are given back. What they call is replaced.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.sh"
# shellcheck source=scripts/lib-dpdk.sh
. "$SW_TOP/scripts/lib-dpdk.sh"
# shellcheck source=scripts/lib-build.sh
. "$SW_TOP/scripts/lib-build.sh"
# shellcheck source=scripts/bench/common.sh
. "$SW_TOP/scripts/bench/common.sh"
# shellcheck source=scripts/bench/programs.sh
. "$SW_TOP/scripts/bench/programs.sh"
# shellcheck source=scripts/bench/turns.sh
. "$SW_TOP/scripts/bench/turns.sh"
# shellcheck source=scripts/bench/wires.sh
. "$SW_TOP/scripts/bench/wires.sh"

TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
cd "$TMP" || exit 1

# --- the build ---------------------------------------------------------------------------------------

meson() {
	if [ "$1" = introspect ]; then cat options; else echo "meson $*" >>called; fi
}

ninja() {
	echo "ninja $*" >>called
}

sw_install_bench_packages() {
	:
}

# builds NAME STATUS CALLED: what bench_build calls; what it says is in the file `said`.
builds() {
	local rc=0
	: >called
	(bench_build) >said 2>&1 || rc=$?
	check_int "$1: exit status" $rc -eq "$2"
	check "$1: it calls: ${3:-nothing}" [ "$(paste -sd ' ' called)" = "$3" ]
}

# has BUILDTYPE B_NDEBUG: the options of the build.
has() {
	echo '[{"name": "b_ndebug", "value": "'"$2"'"}, {"name": "buildtype", "value": "'"$1"'"}, {"name": "x", "value": 1}]' \
		>options
}

builds "no build" 0 'meson setup build-bench -Dbuildtype=release -Db_ndebug=true ninja -C build-bench '"${BUILD_TARGETS[*]}"
mkdir build-bench && : >build-bench/build.ninja
has release true
builds "a right build" 0 "ninja -C build-bench ${BUILD_TARGETS[*]}"
check "a right build: nothing is said" [ ! -s said ]
set_anew='meson configure build-bench -Dbuildtype=release -Db_ndebug=true ninja -C build-bench '"${BUILD_TARGETS[*]}"
has debugoptimized false
builds "a build of another kind" 0 "$set_anew"
check "it says which" grep -q 'build-bench has buildtype=debugoptimized b_ndebug=false: set to' said
has release false
builds "a build with assertions" 0 "$set_anew"
check "it says so" grep -q 'build-bench has b_ndebug=false: set to' said
echo '[' >options
builds "a broken build" 1 ''
check "it says what to do" grep -q 'remove it' said

# --- programs that run and are never ready -----------------------------------------------------------

sw_in() {
	shift
	exec tail -f /dev/null
}

# never_ready NAME COMMAND...: it ends at once, with its program.
never_ready() {
	local name=$1 rc=0
	shift
	(trap end_programs EXIT; "$@"; echo "it goes on") >said 2>&1 || rc=$?
	check_int "$name is never ready: exit status" $rc -eq 1
	check "$name is never ready: it says so" [ "$(cat said)" = "$name is not ready after 0 s" ]
}

WORK=$TMP READY_S=0 MODE=proxy
never_ready synward device_up synward io paired
never_ready testpmd device_up testpmd io paired
never_ready synload generator_up flood

# --- a device that is stopped for the other pair while it ends -----------------------------------------

# stopped_at_end before|after: it is stopped before it is told to end, or when it has been told. It ends with status 7.
stopped_at_end() {
	local rc=0
	: >ready
	python3 -c '
import os, signal, sys, time
def end(*_):
    if sys.argv[1] == "after":
        os.kill(os.getpid(), signal.SIGSTOP)
    sys.exit(7)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
if sys.argv[1] == "before":
    os.kill(os.getpid(), signal.SIGSTOP)
while True:
    time.sleep(0.05)' "$1" >ready &
	DEVICE_PID=$!
	sw_wait_until 10 grep -q ready ready || not_ok "a device that is stopped $1 it is told to end: it is there"
	[ "$1" = after ] || sw_wait_until 10 grep -q '^State:.T' "/proc/$DEVICE_PID/status" || not_ok "it is stopped"
	device_end || rc=$?
	check_int "a device that is stopped $1 it is told to end: its status" $rc -eq 7
}

stopped_at_end before
stopped_at_end after

# --- ports that do not copy --------------------------------------------------------------------------

# buffers WIRE HUGE PORTS WHAT: what synload is told of its buffers.
buffers() {
	WIRE=$1 HUGE=$2 RING=''
	wire_ports "$3"
	check "$1, $3 ports, hugepages $2: synload is told '$4'" [ "${GENERATOR_BUFFERS[*]}" = "$4" ]
}

buffers memif 1 1 --fifo-buffers
buffers vhost 1 1 ''
buffers memif 1 1 --fifo-buffers
buffers memif 1 2 ''
buffers memif 0 1 ''

# --- hugepages ---------------------------------------------------------------------------------------

# gives_back NAME NR FREE TAKEN LEFT: of NR pages FREE are free, TAKEN were reserved by us; then LEFT are reserved.
gives_back() {
	SW_HUGE=$TMP/huge SW_HUGE_TAKEN=$4
	mkdir -p "$SW_HUGE"
	echo "$2" >"$SW_HUGE/nr_hugepages"
	echo "$3" >"$SW_HUGE/free_hugepages"
	sw_hugepages_down
	check_int "hugepages, $1" "$(cat "$SW_HUGE/nr_hugepages")" -eq "$5"
	check_int "hugepages, $1: once" "$SW_HUGE_TAKEN" -eq 0
}

gives_back "all of them ours" 500 500 500 0
gives_back "beside those of others" 1500 700 500 1000
gives_back "some of ours still in use" 500 100 500 400
gives_back "none taken" 500 500 0 500
finish
