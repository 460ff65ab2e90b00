# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# Two devices in turn. Sourced by scripts/bench.sh.
#
#   CPU of the generators    synload for synward | synload for testpmd | synload for synward | ...
#   CPU of the devices       synward             | testpmd             | synward             | ...
#                            <------ SLICE ------>
#
# A machine that is shared is quick and slow in spells of some seconds. Two runs of some seconds, one behind the other,
# then differ by their spells; so both pairs of generator and device are there at once, on the same two CPUs, and each is
# stopped while the other runs. synload's clock stands still meanwhile (synload.8), so its seconds are those in which it ran.
# What polls only finds that time has passed.

SLICE=0.25

# The subshells that see to the pairs, by device; emptied when they are done.
declare -A PAIR_PIDS=()

# end_programs: the generator and the device of this shell, stopped or not.
end_programs() {
	[ -z "$DEVICE_PID$GENERATOR_PID" ] || kill -s CONT $DEVICE_PID $GENERATOR_PID 2>/dev/null
	[ -z "$GENERATOR_PID" ] || sw_end "$GENERATOR_PID" INT 5
	GENERATOR_PID=''
	device_end
}

# pair WHO ONCE: `ONCE WHO`, with files, a namespace and a wire of its own: in a subshell, for it does not give back what
# it sets.
pair() {
	WORK=$WORK/$1 MID=$MID.$1 PREFIX=$PREFIX.$1 GEN_PREFIX=$GEN_PREFIX.$1
	PAIR_PIDS=()
	trap pair_ends EXIT
	trap 'exit 143' TERM
	wire_ports "$N_PORTS"
	"$2" "$1"
}

# shellcheck disable=SC2317 # by trap
pair_ends() {
	local rc=$?
	trap '' TERM
	trap - EXIT
	end_programs
	exit $rc
}

end_pairs() {
	local pid
	[ ${#PAIR_PIDS[@]} = 0 ] || kill "${PAIR_PIDS[@]}" 2>/dev/null
	for pid in "${PAIR_PIDS[@]}"; do
		wait "$pid" 2>/dev/null
	done
	PAIR_PIDS=()
}

# pair_is_up: by both_up, in the subshell, for the shell that has them in turn.
pair_is_up() {
	echo "$DEVICE_PID $GENERATOR_PID" >"$WORK/up.new" && mv "$WORK/up.new" "$WORK/up"
}

pair_up_or_gone() {
	[ -e "$WORK/$1/up" ] || sw_gone "${PAIR_PIDS[$1]}"
}

# pair_signal SIGNAL WHO: both of its programs, one right after the other.
pair_signal() {
	local device generator
	read -r device generator <"$WORK/$2/up" && kill -s "$1" "$device" "$generator" 2>/dev/null
}

both_run() {
	local who device generator
	for who in "${ORDER[@]}"; do
		read -r device generator <"$WORK/$who/up" && sw_alive "$generator" || return 1
	done
}

pair_done() {
	local rc=0
	pair_signal CONT "$1"
	wait "${PAIR_PIDS[$1]}" || rc=1
	unset "PAIR_PIDS[$1]"
	return $rc
}

# in_turn ONCE: a round: `ONCE synward` and `ONCE testpmd`, each of which calls both_up, waits for its generator and
# records.
in_turn() {
	local who
	for who in "${ORDER[@]}"; do
		mkdir -p "$WORK/$who"
		rm -f "$WORK/$who/up"
		pair "$who" "$1" &
		PAIR_PIDS[$who]=$!
		sw_wait_until 180 pair_up_or_gone "$who"
		[ -e "$WORK/$who/up" ] || sw_die "$command: no $who, no figures"
		pair_signal STOP "$who"
	done
	while both_run; do
		for who in "${ORDER[@]}"; do
			pair_signal CONT "$who"
			sleep $SLICE
			pair_signal STOP "$who"
		done
	done
	# One has done all that it was to do; the other is at most a slice behind, and what comes after it is not measured.
	for who in "${ORDER[@]}"; do
		pair_done "$who" || sw_die "$command: $who has no figures"
	done
}
