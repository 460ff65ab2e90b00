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
# A device's goes on: synward's timers are to be so much longer, and testpmd has none.

SLICE=0.25

# How long it may take until one pair is up, and the other one is stopped meanwhile.
PAIR_START_S=180

# The subshells that see to the pairs, by device, and what has them in turn; emptied when they are done.
declare -A PAIR_PIDS=()
TURNS_PID=''

# end_programs: the generator and the device of this shell, stopped or not.
end_programs() {
	# shellcheck disable=SC2086 # nothing, or one word each
	[ -z "$DEVICE_PID$GENERATOR_PID" ] || kill -s CONT $DEVICE_PID $GENERATOR_PID 2>/dev/null
	[ -z "$TIMER_PID" ] || kill "$TIMER_PID" 2>/dev/null
	TIMER_PID=''
	[ -z "$GENERATOR_PID" ] || sw_end "$GENERATOR_PID" INT 5
	GENERATOR_PID=''
	device_end
}

# pair WHO ONCE: `ONCE WHO`, with files, a namespace and a wire of its own. In a subshell: these are changed in it only. It
# ends by TERM, from end_pairs; a Ctrl-C is for the shell that waits for it.
pair() {
	WORK=$WORK/$1 MID=$MID.$1 PREFIX=$PREFIX.$1 GEN_PREFIX=$GEN_PREFIX.$1
	PAIR_PIDS=()
	trap pair_ends EXIT
	trap 'exit 143' TERM HUP
	trap '' INT
	wire_ports "$N_PORTS"
	"$2" "$1"
}

# shellcheck disable=SC2317 # by trap
pair_ends() {
	local rc=$?
	trap '' TERM HUP
	trap - EXIT
	end_programs
	exit $rc
}

end_pairs() {
	local pid
	# First: it would stop again what is to end.
	[ -z "$TURNS_PID" ] || sw_end "$TURNS_PID"
	TURNS_PID=''
	for pid in "${PAIR_PIDS[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	PAIR_PIDS=()
}

# pair_is_up: by both_up, in the subshell, for the shell that has the pairs in turn.
pair_is_up() {
	echo "$DEVICE_PID $GENERATOR_PID" >"$WORK/up.new" && mv "$WORK/up.new" "$WORK/up"
}

pair_up_or_gone() {
	[ -e "$WORK/$1/up" ] || sw_gone "${PAIR_PIDS[$1]}"
}

# The generator last, as in turns.py.
pair_stop() {
	local device generator
	read -r device generator <"$WORK/$1/up" && kill -s STOP "$device" "$generator" 2>/dev/null
}

pair_go_on() {
	local device generator
	read -r device generator <"$WORK/$1/up" && kill -s CONT "$device" "$generator" 2>/dev/null
}

pair_start() {
	mkdir -p "$WORK/$1"
	rm -f "$WORK/$1/up"
	pair "$1" "$2" &
	PAIR_PIDS[$1]=$!
}

# pair_done WHO: what it has to do is done, and recorded; or the whole run fails.
pair_done() {
	[ ! -e "$WORK/$1/up" ] || pair_go_on "$1"
	wait "${PAIR_PIDS[$1]}" || sw_die "$command: $1 has no figures"
	unset "PAIR_PIDS[$1]"
}

# take_turns FIRST SECOND: until one of them has ended, whose name is in ENDED then. Waited for in the background: a
# signal is heeded at once.
take_turns() {
	local place
	"${SW_PYTHON[@]}" scripts/bench/turns.py $SLICE "$WORK/$1/up" "$WORK/$2/up" >"$WORK/ended" &
	TURNS_PID=$!
	wait $TURNS_PID || sw_die "$command: nobody has the pairs in turn"
	TURNS_PID=''
	read -r place <"$WORK/ended"
	ENDED=${!place}
}

# in_turn ONCE: a round: `ONCE synward` and `ONCE testpmd`, each of which calls both_up, waits for its generator and
# records.
in_turn() {
	local who
	for who in "${ORDER[@]}"; do
		pair_start "$who" "$1"
		[ "$PAIRS" = 2 ] || { pair_done "$who"; continue; }
		sw_wait_until $PAIR_START_S pair_up_or_gone "$who"
		[ -e "$WORK/$who/up" ] || sw_die "$command: no $who, no figures"
		pair_stop "$who"
	done
	[ "$PAIRS" = 2 ] || return 0
	take_turns "${ORDER[@]}"
	# Of the other one a slice is left, and what comes after the measured time.
	pair_done "$ENDED"
	for who in "${!PAIR_PIDS[@]}"; do
		pair_done "$who"
	done
}

# rounds_in_turn ONCE: all rounds, from no figures on.
rounds_in_turn() {
	local i
	new_figures
	for ((i = 1; i <= ROUNDS; i++)); do
		begin_round "$i"
		in_turn "$1"
	done
}
