#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the network tests: all, or those whose names begin with an argument (run.sh 10 40). Each test's output
# is shown; the last line is the summary. Exit 0 only where all passed. PORTS=af_xdp or vhost in the environment
# puts synward on AF_XDP sockets or virtio-user instead of taps, in the tests that can do that; see lib.sh.
set -u
cd "$(dirname "$0")" || exit 1

tests=()
for test in [0-9]*.sh; do
	[ $# -gt 0 ] || tests+=("$test")
	for want in "$@"; do
		[[ $test != "$want"* ]] || tests+=("$test")
	done
done
[ ${#tests[@]} -gt 0 ] || { echo "run.sh: no such test: $*" >&2; exit 2; }

trap 'exit 130' INT TERM
passed=0
failed=()
for test in "${tests[@]}"; do
	echo "== $test"
	start=$SECONDS
	# No test may hang the whole run: the longest takes about a minute and a half.
	if timeout -k 30 900 "./$test"; then
		passed=$((passed + 1))
		echo "== $test: passed ($((SECONDS - start)) s)"
	else
		failed+=("$test")
		echo "== $test: FAILED ($((SECONDS - start)) s)"
	fi
done
[ ${#failed[@]} -eq 0 ] || echo "failed: ${failed[*]}"
echo "$passed passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
