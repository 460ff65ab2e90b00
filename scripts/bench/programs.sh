# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# Starting and ending the device under test and the generator. Sourced by scripts/bench.sh.

V4_SERVER=198.51.100.10 V6_SERVER=2001:db8::10

# How long a program may take until it is ready. One that is there but not ready would be measured as it is.
READY_S=60

# The configuration of synward: one service. What a benchmark needs otherwise, it sets.
FLOWS=64k TIMEOUTS='' SERVICE_ADDRESSES="$V4_SERVER, \"$V6_SERVER\"" SERVICE_PORTS=80

write_config() {
	local inside=", inside: $INSIDE"
	[ "$MODE" = proxy ] || inside=''
	cat >"$WORK/config" <<-YAML
	ports: {outside: $OUTSIDE$inside}
	flows: $FLOWS
	$TIMEOUTS
	services:
	  - {name: bench, addresses: [$SERVICE_ADDRESSES], ports: [$SERVICE_PORTS], mode: $MODE}
	YAML
}

device_ready_or_gone() {
	grep -qE '^synward: ready|^Port statistics|Start automatic packet forwarding' "$WORK/device" ||
		sw_gone "$DEVICE_PID"
}

# not_ready LOG PROGRAM
not_ready() {
	tail -20 "$WORK/$1" >&2
	sw_die "$2 is not ready after $READY_S s"
}

# is_synward synward|testpmd: the latter may be another synward (--against), with its name.
is_synward() {
	[ "$1" = synward ] || [ -n "$AGAINST" ]
}

# peer_named NAME: of the second device, in what is printed.
peer_named() {
	if [ -n "$AGAINST" ]; then echo "other synward"; else echo "$1"; fi
}

# prepare_peer: with what the second device needs.
prepare_peer() {
	if [ -n "$AGAINST" ]; then prepare; else prepare dpdk-testpmd; fi
}

# device_up synward|testpmd FORWARD-MODE TOPOLOGY: the latter two are testpmd's. On the last CPU.
device_up() {
	local program=$SW_SYNWARD eal=("${MEMORY[@]}" --no-pci --file-prefix "$PREFIX"
		--lcores "0@$SW_CPU_SYNWARD,1@$SW_CPU_SYNWARD" "${DEVICE_PORTS[@]}")
	: >"$WORK/device"
	DEVICE=$1
	if is_synward "$1"; then
		[ "$1" = synward ] || program=$AGAINST
		eal+=("${NULL_PORT[@]}")
		write_config
		SW_EXEC="exec" sw_in "$MID" "$program" "${eal[@]}" -- --config "$WORK/config" \
			>"$WORK/device" 2>&1 &
	else
		# testpmd ends when its standard input does: it is given one that stays open.
		exec {HELD_OPEN}<> <(:)
		# Over vhost the other end of its socket goes first: that it says so into it shall not end it.
		{
			trap '' PIPE
			SW_EXEC="exec" sw_in "$MID" dpdk-testpmd "${eal[@]}" -- --no-mlockall "--forward-mode=$2" \
				--auto-start "--port-topology=$3" --nb-cores=1 --burst=64 --total-num-mbufs=16384 \
				--stats-period=3600 "${TESTPMD_RINGS[@]}"
		} <&"$HELD_OPEN" >"$WORK/device" 2>&1 &
	fi
	DEVICE_PID=$!
	sw_wait_until $READY_S device_ready_or_gone || not_ready device "$1"
	sw_alive "$DEVICE_PID" || { tail -20 "$WORK/device" >&2; sw_die "$1 did not start"; }
}

# The device is gone, or it is told to go on: where its generator has just ended, its pair may have been stopped for the
# other one all the same (turns.sh), at any moment until that has its turn.
device_gone() {
	kill -s CONT "$DEVICE_PID" 2>/dev/null
	sw_gone "$DEVICE_PID"
}

# Ends it; the log, with its counters, is $WORK/device. The exit status is the program's.
device_end() {
	local rc=0
	[ -n "$DEVICE_PID" ] || return 0
	kill -s INT "$DEVICE_PID" 2>/dev/null
	sw_wait_until 10 device_gone || kill -s KILL "$DEVICE_PID" 2>/dev/null
	wait "$DEVICE_PID" 2>/dev/null || rc=$?
	DEVICE_PID=''
	[ -z "$HELD_OPEN" ] || exec {HELD_OPEN}<&-
	HELD_OPEN=''
	keep_log device
	return $rc
}

# Ends it after a run: one that failed, or that lost packet buffers, has no figures. How testpmd ends
# when synload has gone is its own affair (it crashed once over memif, when is not known); that it was there until then is
# seen to.
device_down() {
	local rc=0
	[ -n "$DEVICE_PID" ] || return 0
	device_end || rc=$?
	[ $rc = 0 ] || ! is_synward "$DEVICE" || fail_round "the device ended with exit status $rc"
	! grep -q 'did not come back' "$WORK/device" || fail_round "$(grep -m 1 'did not come back' "$WORK/device")"
}

# fail_round WORD...: figures of something else than what was to be measured are none.
fail_round() {
	tail -40 "$WORK/generator" 2>/dev/null >&2
	grep -E '^[a-z0-9_]+ [0-9]+$|did not come back|rror' "$WORK/device" >&2
	sw_die "$command: $*"
}

# keep_log NAME: what a program said, for a look afterwards, where SW_BENCH_LOGS is a directory.
keep_log() {
	[ -z "${SW_BENCH_LOGS:-}" ] || cp "$WORK/$1" "$SW_BENCH_LOGS/$command-$(date +%H%M%S)-${DEVICE:+$DEVICE-}$1"
}

# counted NAME: of synward's summary, when it has ended; what is not there is 0.
counted() {
	awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }' "$WORK/device"
}

# busy_of N: two words for record: how long synward's worker was busy for each of N in the whole run, and how many
# packets it found at once. Time in which it was stopped is not in it.
busy_of() {
	awk -v n="$1" '$1 == "busy_us" { busy = $2 } $1 == "busy_rounds" { rounds = $2 } $1 ~ /^rx_(out|in)side$/ { rx += $2 }
		END { printf "busy_ns_each=%.1f busy_burst=%.1f\n", busy * 1000 / n, rx / rounds }' "$WORK/device" ||
		sw_die "no figures"
}

generator_ready_or_gone() {
	grep -q '^synload: ready' "$WORK/generator" || sw_gone "$GENERATOR_PID"
}

# generator_up MODE ARGUMENT...: synload, on the first CPU; its report goes to $WORK/report.
generator_up() {
	local files=()
	rm -f "$WORK/report"
	: >"$WORK/generator"
	# Its packets stay where they are when a memif port sends them: the other end maps each piece of memory as a file.
	[ "$HUGE" = 0 ] || [ "$WIRE" != memif ] || files=(--single-file-segments)
	SW_EXEC="exec" sw_in "$MID" "$SW_SYNLOAD" "${MEMORY[@]}" "${files[@]}" --no-pci --file-prefix "$GEN_PREFIX" \
		--lcores "0@$SW_CPU_PEERS,1@$SW_CPU_PEERS" "${GENERATOR_PORTS[@]}" -- "$@" \
		"${GENERATOR_BUFFERS[@]}" --seconds "$SECONDS_EACH" --json "$WORK/report" --quiet >"$WORK/generator" 2>&1 &
	GENERATOR_PID=$!
	sw_wait_until $READY_S generator_ready_or_gone || not_ready generator synload
	sw_alive "$GENERATOR_PID" || { tail -20 "$WORK/generator" >&2; sw_die "synload did not start"; }
}

# The device is not there any more, and synload has no report yet.
device_left() {
	[ -n "$DEVICE_PID" ] && [ ! -s "$WORK/report" ] && sw_gone "$DEVICE_PID"
}

# Waits for it to end: warm-up, what is measured, and what is left over. Without looking again and again: each look
# would take its milliseconds of what is measured.
generator_done() {
	local rc=0
	sleep $((PAIRS * (SECONDS_EACH + ${GENERATOR_EXTRA:-60}) + PAIR_START_S)) >/dev/null 2>&1 &
	TIMER_PID=$!
	# shellcheck disable=SC2086 # nothing, or one word
	wait -n $GENERATOR_PID $DEVICE_PID $TIMER_PID
	sw_alive $TIMER_PID || echo "synload does not end by itself" >&2
	kill $TIMER_PID 2>/dev/null
	TIMER_PID=''
	! device_left || fail_round "$DEVICE ended during the run"
	sw_end "$GENERATOR_PID" INT || rc=$?
	GENERATOR_PID=''
	keep_log generator
	[ ! -s "$WORK/report" ] || keep_log report
	if [ $rc != 0 ] || [ ! -s "$WORK/report" ]; then
		tail -20 "$WORK/generator" >&2
		sw_die "synload failed (exit status $rc)"
	fi
}

# Nothing that synload received may be wrong, whoever sent it.
all_right() {
	local wrong
	wrong=$("${SW_PYTHON[@]}" "$FIGURES" wrong "$WORK/report") ||
		fail_round "synload received what is wrong: ${wrong:-its report cannot be read}"
}

# both_up WHO FORWARD-MODE TOPOLOGY SYNLOAD-ARGUMENT...: in the order that the wire needs.
both_up() {
	local who=$1 forward=$2 topology=$3
	shift 3
	wire_before || sw_die "cannot make the ports of a $WIRE wire"
	if [ "$WIRE" = vhost ]; then
		generator_up "$@"
		device_up "$who" "$forward" "$topology"
	else
		device_up "$who" "$forward" "$topology"
		generator_up "$@"
	fi
	wire_between || sw_die "cannot join the ports of a $WIRE wire"
	[ "$PAIRS" = 1 ] || pair_is_up
}

# reported PATH [NULL]: a figure of synload's report, such as total.synack; NULL in place of one that is null.
reported() {
	"${SW_PYTHON[@]}" "$FIGURES" get "$WORK/report" "$@" || sw_die "no figures"
}
