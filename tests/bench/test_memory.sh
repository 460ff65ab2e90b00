#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The micro-benchmarks on a machine with too little memory: what was asked for and cannot be measured is a failure that
# says what is missing; with --quick it is a note. As root: /proc/meminfo is another file meanwhile, in a mount namespace.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# bench_with KIB NAME STATUS [ARGUMENT...]: what it says is in $WORK/log.
bench_with() {
	local kib=$1 name=$2 status=$3 rc=0
	shift 3
	printf 'MemAvailable: %s kB\nHugePages_Free: 0\n' "$kib" >"$WORK/meminfo"
	# shellcheck disable=SC2016 # for the shell in the namespace
	unshare --mount sh -c 'mount --bind "$1" /proc/meminfo && shift && exec "$@"' sh "$WORK/meminfo" \
		"$SW_TOP/build/tests/bench/bench" "$name" --rounds 50 "$@" >"$WORK/log" 2>&1 || rc=$?
	check_int "$name ${*:-} with $((kib / 1024)) MiB: exit status" "$rc" -eq "$status"
	[ "$rc" -eq "$status" ] || sed 's/^/# /' "$WORK/log"
}

says() {
	grep -qE "$1" "$WORK/log"
}

bench_with 1048576 flow/16M 1
check "it says how much is missing" says '^bench: [34][0-9]{3} MiB of memory are needed at once, and 1024 MiB'
check "it says what is not measured" says '^bench: FAILED: flow: no rte_hash'
bench_with 16384 flow/1k 1
bench_with 16384 flow/1k 0 --quick
check "it is a note" says '^# flow: no rte_hash'
bench_with 1048576 flow/16M 0 --quick
bench_with 1048576 flow/1M 0
check "with enough memory it is measured" says '^flow/1M/rte_keyed/miss '
finish
