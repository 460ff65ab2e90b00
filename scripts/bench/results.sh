# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# bench.sh engine, and all: every benchmark, one file of results and a table. Sourced by scripts/bench.sh.

# What its tables take at one time, with what is beside them: those of 16M flows 3.1 GiB (flow), all engines of splice
# 1.8 GiB; with --quick those of 1M, 290 MiB.
ENGINE_MB=3584 ENGINE_QUICK_MB=512

# Needs neither root nor ports, nor hugepages, though it is quicker in them.
bench_engine() {
	local json=() megabytes=$ENGINE_MB
	[ -z "$QUICK" ] || megabytes=$ENGINE_QUICK_MB
	bench_build
	sw_choose_cpus
	[ -x "$BUILD/tests/bench/bench" ] || sw_die "$BUILD/tests/bench/bench is not built"
	[ -z "$JSON" ] || json=(--json "$JSON")
	ends_clean
	sw_hugepages_up $megabytes ||
		echo "bench.sh: no $megabytes MB of hugepages to be had: in ordinary pages, which makes large tables slower"
	# Waited for in the background: a signal is heeded at once.
	# shellcheck disable=SC2086 # nothing, or one word
	"$BUILD/tests/bench/bench" --cpu "$SW_CPU_SYNWARD" $QUICK "${json[@]}" &
	ENGINE_PID=$!
	wait $ENGINE_PID || sw_die "engine: failed"
	ENGINE_PID=''
}

PART_PID='' PARTS=''

# shellcheck disable=SC2317 # by trap
all_ends() {
	local rc=$?
	trap '' INT TERM HUP
	trap - EXIT
	# Not by force: it has programs, namespaces and hugepages to see to. TERM, as what runs in the background does not
	# hear of a Ctrl-C.
	[ -z "$PART_PID" ] || { kill "$PART_PID" 2>/dev/null; wait "$PART_PID" 2>/dev/null; }
	rm -rf "$PARTS"
	exit $rc
}

# one_of_all NAME COMMAND [OPTION...]: a run of its own, whose figures go to NAME.json. Waited for in the background: a
# signal is heeded at once, not when it has ended.
one_of_all() {
	local name=$1 rc=0
	shift
	echo "== $*"
	scripts/bench.sh "$@" --json "$PARTS/$name.json" &
	PART_PID=$!
	wait $PART_PID || rc=$?
	PART_PID=''
	case $rc in
	0 | 3) ;; # 3: a wire that cannot be had here, which it has said
	*) FAILED_PARTS+=("$name") ;;
	esac
}

bench_all() {
	local often=(--rounds "$ROUNDS" --seconds "$SECONDS_EACH") quick=() engine=()
	[ -z "$QUICK" ] || engine=(--quick) quick=(--steps 10000)
	FAILED_PARTS=()
	mkdir -p "$(dirname "$RESULTS")" || exit 1
	PARTS=$(mktemp -d)
	trap all_ends EXIT
	trap 'exit 130' INT TERM HUP
	one_of_all 1-engine engine "${engine[@]}"
	one_of_all 2-flood-memif flood "${often[@]}"
	[ -n "$QUICK" ] || one_of_all 3-flood-memif-v6 flood --family v6 "${often[@]}"
	one_of_all 4-flood-vhost flood --wire vhost "${often[@]}"
	one_of_all 5-ackflood-memif ackflood "${often[@]}"
	one_of_all 6-connect-memif connect "${often[@]}"
	one_of_all 7-segments-memif segments "${often[@]}" ${QUICK:+--flows 1000}
	one_of_all 8-transfer transfer "${often[@]}"
	one_of_all 9-goodput goodput "${often[@]}" --plot "$PARTS/plot.svg" "${quick[@]}"
	"${SW_PYTHON[@]}" "$FIGURES" collect "$PARTS/all" "$PARTS"/*.json || sw_die "no results"
	"${SW_PYTHON[@]}" "$FIGURES" markdown "$PARTS/all" || sw_die "no results"
	[ ${#FAILED_PARTS[@]} = 0 ] || sw_die "failed: ${FAILED_PARTS[*]}; $RESULTS stays as it was"
	cp "$PARTS/all" "$RESULTS" || exit 1
	echo
	echo "These results are in $RESULTS."
	[ ! -s "$PARTS/plot.svg" ] || cp "$PARTS/plot.svg" "${RESULTS%.json}.svg" || exit 1
}
