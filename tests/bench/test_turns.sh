#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
#
# scripts/bench.sh flood, ended in the middle of a round or robbed of one of its programs, and all, ended in the middle of
# a part: it says so at once, and leaves nothing behind. As root, where scripts/bench.sh has been built (scripts/test.sh bench).
# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.sh"

LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
BENCH=''

# programs [NAME]: pids of those that this bench.sh has started, by the EAL prefix that it gives them.
programs() {
	pgrep -f -- "--file-prefix ${1:-sw(bench|bgen)}\.$BENCH"
}

stopped() {
	local pid
	for pid in $(programs); do
		grep -l '^State:.T' "/proc/$pid/status" 2>/dev/null
	done
}

# Both pairs are there, and one of them is stopped.
in_turn() {
	sw_gone "$BENCH" || { [ "$(programs | wc -l)" = 4 ] && [ "$(stopped | wc -l)" = 2 ]; }
}

device() {
	programs swbench | head -1
}

generator() {
	programs swbgen | head -1
}

nothing_left() {
	[ -z "$(programs)" ] && ! pgrep -f bench/turns.py >/dev/null && ! ip netns | grep -q "\.$BENCH" &&
		! ls -d "/var/run/dpdk/"*".$BENCH"* >/dev/null 2>&1
}

# ended NAME STATUS SIGNAL PID-OF: the signal goes to what PID-OF prints, when all four programs are there.
ended() {
	local name=$1 status=$2 signal=$3
	shift 3
	"$SW_TOP/scripts/bench.sh" flood --rounds 2 --seconds 10 >"$LOG" 2>&1 &
	BENCH=$!
	check "$name: both pairs are there, one of them stopped" sw_wait_until 60 in_turn
	kill -s "$signal" "$("$@")"
	ends "$name" "$status"
	check "$name: nothing is left" nothing_left
	[ "$N_NOT_OK" = 0 ] || sed 's/^/# /' "$LOG"
}

# ends NAME STATUS
ends() {
	local rc=0
	check "$1: it ends" sw_wait_until 30 sw_gone "$BENCH"
	wait "$BENCH" || rc=$?
	check_int "$1: exit status" "$rc" -eq "$2"
}

# all_ended: `all`, of which only the first process gets a signal, while its first part has minutes yet to go.
all_ended() {
	local part micro
	"$SW_TOP/scripts/bench.sh" all --results "$LOG.json" >"$LOG" 2>&1 &
	BENCH=$!
	check "all: its first part runs" sw_wait_until 60 grep -q '^timer ' "$LOG"
	part=$(pgrep -P "$BENCH" -f 'bench.sh engine')
	micro=$(pgrep -P "$part" -f 'tests/bench/bench')
	kill "$BENCH"
	ends "all: TERM" 130
	check "all: its part has ended" sw_gone "$part"
	check "all: what measures has ended" sw_gone "$micro"
	[ "$N_NOT_OK" = 0 ] || sed 's/^/# /' "$LOG"
}

of_bench() {
	echo "$BENCH"
}

ended "TERM" 130 TERM of_bench
ended "a device killed" 1 KILL device
ended "a generator killed" 1 KILL generator
all_ended
finish
