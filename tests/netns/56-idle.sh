#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
# A daemon without traffic sleeps, and is there when packets come; one with `idle: poll` does not sleep. How often
# each slept, and what CPU time each used, is counted for as long as the one that polls takes to use two seconds of it.
# These counts are compared with one another: no time by the clock fails the test.
# shellcheck source=tests/netns/lib-extra.sh
. "$(dirname "$0")/lib-extra.sh"

MID2=swmid2.$$
TICKS_PER_S=$(getconf CLK_TCK)

# ticks PID: of CPU time, user and system.
ticks() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

# waits PID: times that its first worker gave up the CPU by itself. Of what a worker does (lcore.c), only its sleep
# waits for something; that it was put aside for another program is not counted here.
waits() {
	local task
	for task in "/proc/$1/task"/*; do
		[[ $(cat "$task/comm") != *-worker-1 ]] ||
			awk '/^voluntary_ctxt_switches/ { print $2 }' "$task/status"
	done
}

has_used() {
	[ $(($(ticks "$1") - $2)) -ge "$3" ]
}

end_poller() {
	[ -z "$POLLER" ] || sw_end "$POLLER"
	POLLER=
	rm -rf "/var/run/dpdk/$PREFIX.poll"
}

POLLER=
eval "extra_$(declare -f clean_up)"
clean_up() {
	local rc=$?
	end_poller
	(exit "$rc")
	extra_clean_up
}

net_up
add_namespace "$MID2" || sw_die "cannot make a namespace"
IDLE=poll sw_launch "$MID2" "$PREFIX.poll" "$(IDLE=poll config)" "$WORK/poller" || sw_die "no synward, no test"
POLLER=$SW_PID

# On the other CPU, where there is one.
SW_LCORES="0@$SW_CPU_PEERS,1@$SW_CPU_PEERS"
IDLE='sleep'
start_synward "$(config proxy)"
start_server 5000
check "sleeping worker: a connection is served" client "$V4_SRV" 5000 --connections 20

poll_ticks=$(ticks "$POLLER") poll_waits=$(waits "$POLLER")
sleep_ticks=$(ticks "$SYNWARD_PID") sleep_waits=$(waits "$SYNWARD_PID")
check "the polling daemon takes what CPU time there is" \
	sw_wait_until 120 has_used "$POLLER" "$poll_ticks" $((2 * TICKS_PER_S))
poll_ticks=$(($(ticks "$POLLER") - poll_ticks)) poll_waits=$(($(waits "$POLLER") - poll_waits))
sleep_ticks=$(($(ticks "$SYNWARD_PID") - sleep_ticks)) sleep_waits=$(($(waits "$SYNWARD_PID") - sleep_waits))
echo "# CPU time in ticks, and times that the worker slept: polling $poll_ticks, $poll_waits;" \
	"sleeping $sleep_ticks, $sleep_waits"
check_int "the sleeping worker sleeps" "$sleep_waits" -ge 100
# None, in general; the kernel may let it wait for a lock or a page of its own.
check_int "the polling worker does not" "$poll_waits" -le $((sleep_waits / 20))
# On two CPUs with other work it was a twenty-fifth, with eight busy loops on each of them a fifth: they take time from
# the poller, while one that sleeps gets the little that it asks for.
check_int "sleeping takes less than half of the CPU time" $((2 * sleep_ticks)) -lt "$poll_ticks"

check "sleeping worker: a connection is served afterwards" client "$V6_SRV" 5000 --connections 20
end_poller
finish
