#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds synward and passes its tests. On a fresh Debian 12, as root: installs what is missing first.
# Needs no hugepages. See docs/testing.md.
#
#   scripts/test.sh              everything: some 24 minutes on 2 cores, less when built; lint, clang, sanitize beside netns
#   scripts/test.sh --quick      unit tests and a short simulation: about a minute
#   scripts/test.sh STAGE...     only these: lint clang unit sim sanitize fuzz netns bench
#
# Environment: SW_SIM_SEEDS (12500: 50,000 connections), SW_FUZZ_SECONDS (30, each target).
# The last line is "N passed, N failed"; exit 0 only where nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

# Undefined behaviour is a failure, not a line in a log.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

seeds=${SW_SIM_SEEDS:-12500}
fuzz_seconds=${SW_FUZZ_SECONDS:-30}
passed=0
failed=0
failures=()

usage() {
	sed -n '/^# Builds/,/^# The last/s/^# \{0,1\}//p' "$0"
}

# step NAME COMMAND...: runs it, counts it.
step() {
	local name=$1 start=$SECONDS rc=0
	shift
	echo "== $name"
	"$@" || rc=1
	echo "== $name: $((SECONDS - start)) s"
	if [ $rc = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		failures+=("$name")
		echo "== $name: FAILED" >&2
	fi
}

# configure DIR MESON-OPTION...: set up once, reconfigured by ninja itself when a meson file changes.
configure() {
	local dir=$1 log
	shift
	[ ! -f "$dir/build.ninja" ] || return 0
	log=$(mktemp)
	meson setup "$dir" "$@" >"$log" || { cat "$log"; rm -f "$log"; return 1; }
	rm -f "$log"
}

build_gcc() {
	configure build -Dwerror=true && ninja -C build --quiet
}

build_clang() {
	CC=clang configure build-clang -Dwerror=true && ninja -C build-clang --quiet
}

# Only what is run in it: meson builds the tests of a suite itself. -O1: two thirds of the time of -O2.
build_asan() {
	configure build-asan -Dwerror=true -Doptimization=1 -Dc_args=-fno-var-tracking \
		-Db_sanitize=address,undefined -Db_lundef=false &&
		ninja -C build-asan --quiet tests/sim/sim tests/sim/scenarios
}

build_fuzz() {
	CC=clang configure build-fuzz -Dfuzz=true -Dwerror=true -Db_sanitize=address,undefined \
		-Db_lundef=false && ninja -C build-fuzz --quiet tests/fuzz/fuzz_parse tests/fuzz/fuzz_engine
}

# header_alone HEADER: it compiles by itself, with both compilers; what has vectors, at the lowest level and the highest.
header_alone() {
	local cc dpdk rc=0 level levels=('')
	read -ra dpdk < <(pkg-config --cflags libdpdk)
	case $1 in */row.h | *_rows.h | */frame_vec.h | */sort.h | */syn_mac.h)
		levels=('-mavx2' '-mavx512f -mavx512bw -mavx512dq -mavx512vl -DSW_ROW_512') ;;
	esac
	for cc in gcc clang; do
		for level in "${levels[@]}"; do
			# shellcheck disable=SC2086 # options
			echo "#include \"${1#lib/}\"" | "$cc" -std=gnu11 -fsyntax-only -Wall -Wextra -Werror \
				-Ilib "${dpdk[@]}" $level -xc - || rc=1
		done
	done
	return $rc
}

headers_alone() {
	export -f header_alone
	# shellcheck disable=SC2016 # expanded there
	printf '%s\0' lib/*/*.h | xargs -0 -n 1 -P "$(nproc)" bash -c 'header_alone "$1" || exit 1' -
}

# clang-format leaves comments alone.
lines_of_100() {
	local files
	mapfile -t files < <(find app lib tests -name '*.[ch]')
	python3 - "${files[@]}" <<-'PY'
	import sys
	long = [f"{name}:{n}: a line of more than 100 columns" for name in sys.argv[1:]
	        for n, line in enumerate(open(name, encoding="utf-8"), 1) if len(line.rstrip("\n").expandtabs(8)) > 100]
	sys.exit("\n".join(long) if long else None if len(sys.argv) > 1 else "no files")
	PY
}

# without REGISTERS FILE...: no instruction in any of these has one. REGISTERS: an extended regular expression.
without() {
	local registers=$1 file code rc=0
	shift
	for file; do
		if ! code=$(objdump -d --no-show-raw-insn "$file"); then
			rc=1
			continue
		fi
		! grep -E -m3 "$registers" <<<"$code" || { echo "$file: the instructions above"; rc=1; }
	done
	return $rc
}

# Registers of 512 bits, which lower the clock of some CPUs, are at one level alone (lib/base/simd.h); those that only
# AVX-512 has are not in code for less, nor those of AVX in code for any x86-64.
registers_by_level() {
	local dir code rc=0 of_avx512='zmm|[xy]mm(1[6-9]|2[0-9]|3[01])|%k[0-7]'
	for dir in build/lib build-clang/lib; do
		without "ymm|$of_avx512" "$dir"/libsynward.a.p/*.o || rc=1
		without "$of_avx512" "$dir/libsynward_avx2.a" || rc=1
		without zmm "$dir/libsynward_avx512.a" || rc=1
		code=$(objdump -d --no-show-raw-insn "$dir/libsynward_avx512w.a")
		grep -q zmm <<<"$code" || { echo "$dir: avx512w without registers of 512 bits"; rc=1; }
	done
	return $rc
}

stage_lint() {
	step "layers" scripts/check-layers.sh
	step "headers compile alone" headers_alone
	step "formatting" bash -c 'find app lib tests -name "*.[ch]" -print0 |
		xargs -0 clang-format --dry-run -Werror'
	step "lines of at most 100 columns" lines_of_100
	# shellcheck disable=SC2016 # expanded there
	step "shell scripts" bash -c 'printf "%s\0" scripts/*.sh scripts/bench/*.sh tests/netns/*.sh tests/bench/*.sh |
		xargs -0 -n 4 -P "$(nproc)" shellcheck -x'
}

stage_clang() {
	step "clang build, warnings are errors" build_clang
	step "registers, by level" registers_by_level
}

stage_unit() {
	step "unit tests" meson test -C build --suite unit --suite scripts --print-errorlogs
}

# simulate_part PROGRAM START SEEDS: what it says comes at its end, whole.
simulate_part() {
	local said rc=0
	said=$("$1" --start "$2" --seeds "$3" 2>&1) || rc=1
	echo "$said"
	return $rc
}

# simulate PROGRAM START SEEDS: a part of the seeds on each CPU.
simulate() {
	local i n first end
	n=$(nproc)
	export -f simulate_part
	for ((i = 0; i < n; i++)); do
		first=$(($3 * i / n)) end=$(($3 * (i + 1) / n))
		[ $first -eq $end ] || echo "$1 $(($2 + first)) $((end - first))"
	done | xargs -L 1 -P "$n" bash -c 'simulate_part "$@" || exit 1' -
}

stage_sim() {
	step "simulation, $seeds seeds" simulate build/tests/sim/sim 1 "$seeds"
	step "simulated scenarios" build/tests/sim/scenarios
}

stage_sanitize() {
	step "sanitizer build" build_asan
	# Limits of time are meson's, and Check's.
	step "unit tests, sanitized" env CK_TIMEOUT_MULTIPLIER="$patience" meson test -C build-asan --suite unit \
		--print-errorlogs --timeout-multiplier "$patience"
	step "simulated scenarios, sanitized" build-asan/tests/sim/scenarios
	step "simulation, sanitized, $((seeds / 10)) seeds" simulate build-asan/tests/sim/sim 1000000 "$((seeds / 10))"
}

stage_fuzz() {
	step "fuzz build" build_fuzz
	step "fuzz targets, ${fuzz_seconds} s each" tests/fuzz/run.sh build-fuzz "$fuzz_seconds"
}

stage_netns() {
	step "network tests" tests/netns/run.sh
}

# Lint, another build and the sanitized tests beside the network tests, which wait for timers a third of their time: they
# get what CPU time those leave, and no more. A process group of their own, so that all of it can be ended; but no session,
# for each of those may have its share of the CPUs (sched_autogroup_enabled), whatever priority is in it.
stage_netns_and_others() {
	set -m
	SW_BESIDE=1 chrt -i 0 scripts/test.sh lint clang sanitize >"$beside_log" 2>&1 &
	beside=$!
	set +m
	stage_netns
	step "lint, clang build and sanitized tests, beside the network tests" wait $beside
	end_beside
}

# What it has said is shown in any case.
end_beside() {
	[ -n "$beside" ] || return 0
	kill -- -"$beside" 2>/dev/null
	wait "$beside" 2>/dev/null
	beside=''
	cat "$beside_log"
}

# Each checks that it did what it is to measure; and what is written for programs can be read by one.
micro_bench() {
	local json rc=0
	json=$(mktemp)
	build/tests/bench/bench --quick --json "$json" || rc=1
	[ $rc != 0 ] || python3 -m json.tool "$json" >/dev/null || rc=1
	rm -f "$json"
	return $rc
}

bench_briefly() {
	local results rc=0
	results=$(mktemp -d)
	scripts/bench.sh all --quick --rounds 1 --seconds 1 --results "$results/results.json" || rc=1
	[ -s "$results/results.svg" ] || rc=1
	scripts/bench.sh ackflood --against build/app/synward/synward --rounds 1 --seconds 1 || rc=1
	rm -rf "$results"
	return $rc
}

# So that they still run; what they measure in so short a time says nothing, and nothing fails by it.
stage_bench() {
	step "micro-benchmarks, briefly" micro_bench
	step "micro-benchmarks without memory" tests/bench/test_memory.sh
	step "benchmarks, briefly" bench_briefly
	step "a benchmark that is interrupted" tests/bench/test_turns.sh
	step "floods by a stand-in for TRex's library" \
		env SW_TREX=tests/generators/trex scripts/generators.sh trex-pcap
}

stages=() patience=1 beside='' beside_log=$(mktemp)
trap 'end_beside; rm -f "$beside_log"' EXIT
trap 'exit 130' INT TERM
for arg in "$@"; do
	case $arg in
	--quick) stages+=(unit sim) seeds=200 ;;
	lint | clang | unit | sim | sanitize | fuzz | netns | bench) stages+=("$arg") ;;
	-h | --help) usage; exit 0 ;;
	*) echo "test.sh: '$arg' is no stage; see --help" >&2; exit 2 ;;
	esac
done
[ ${#stages[@]} -gt 0 ] || stages=(unit sim fuzz netns_and_others bench)

if [ -n "${SW_BESIDE:-}" ]; then
	patience=20 # by stage_netns_and_others(), where gcc's is built
else
	sw_install_packages || exit 1
	step "build" build_gcc
	[ $failed -eq 0 ] || { echo "$passed passed, $failed failed"; exit 1; }
fi
for stage in "${stages[@]}"; do
	"stage_$stage"
done

[ $failed -eq 0 ] || printf 'failed: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
