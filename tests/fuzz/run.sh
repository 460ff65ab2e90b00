#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs each fuzz target from its committed corpus for a while: run.sh BUILD-DIRECTORY SECONDS
# New inputs stay in BUILD-DIRECTORY/corpus/<target>, where the next run begins with them. An input that
# fails is left in BUILD-DIRECTORY/fuzz-failures and named; give it to the target as its only argument.
set -u
# Undefined behaviour is a failure, not a line in a log.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
build=$1
seconds=$2
top=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$build/fuzz-failures"
failed=0
pids=()
names=()
for source in "$top"/fuzz_*.c; do
	name=$(basename "$source" .c)
	mkdir -p "$build/corpus/$name" "$top/corpus/${name#fuzz_}"
	"$build/tests/fuzz/$name" -max_total_time="$seconds" -max_len=2048 -print_final_stats=1 \
		-artifact_prefix="$build/fuzz-failures/$name-" "$build/corpus/$name" \
		"$top/corpus/${name#fuzz_}" >"$build/fuzz-failures/$name.log" 2>&1 &
	pids+=($!)
	names+=("$name")
done
for i in "${!pids[@]}"; do
	log=$build/fuzz-failures/${names[$i]}.log
	if wait "${pids[$i]}"; then
		echo "${names[$i]}: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, none failed"
	else
		tail -40 "$log"
		echo "${names[$i]}: FAILED, see $log"
		failed=1
	fi
done
exit $failed
