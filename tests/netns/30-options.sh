#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2034,SC2317 # an array is filled by name, a function called by name
# On the server, ss shows the same MSS, window scales, SACK and timestamps for a proxied connection as for a
# direct one, whatever the client offers. "Direct" is the same path with the service in mode pass. The call is
# `ss -tino`: without -o, timestamps and SACK are not shown.
IDLE=${IDLE:-sleep} # what takes its time here is timers
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

# A cookie without timestamps carries the client's window scale in classes: exactly up to 9 (all values are
# 7 where the kernel's buffer limits are the default), larger ones as 9, which only costs window. The table
# is in lib/cookie/format.h.
WSCALE_EXACT_MAX=9

# The server's view of the connection from the client's port $1: options only, sorted.
server_view() {
	sw_in "$SRV" ss -tinoH state established "dport = :$1" | tr -s '[:space:]' '\n' |
		grep -E '^(ts|sack|ecn|ecnseen|wscale:.*|mss:.*|advmss:.*)$' | sort | tr '\n' ' '
}

holds() {
	grep -q '^held' "$1"
}

# view HOST: opens a connection, exchanges data both ways, prints what the server shows while it is open.
view() {
	local log=$WORK/hold fifo=$WORK/fifo pid
	rm -f "$fifo"
	mkfifo "$fifo"
	# Opened for both directions, so that this end does not wait for the other.
	exec 3<>"$fifo"
	: >"$log"
	SW_EXEC="exec" sw_peers "$CLI" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" client "$1" 5000 --hold \
		--down 100000 --up 100000 <"$fifo" 3>&- >"$log" 2>"$log.err" &
	pid=$!
	if sw_wait_until 20 holds "$log"; then
		server_view "$(awk '/^held/ { print $2 }' "$log")"
	else
		echo "no connection: $(cat "$log" "$log.err")"
	fi
	exec 3>&-
	wait "$pid" || echo "the connection failed: $(cat "$log" "$log.err")"
}

# Fills the array that is named with one view for each combination.
views() {
	local -n into=$1
	local ts sack ws host
	for ts in 1 0; do
		for sack in 1 0; do
			for ws in 1 0; do
				tcp_options $ts $sack $ws
				for host in "$V4_SRV" "$V6_SRV"; do
					into["$(options_name $ts $sack $ws), $host"]=$(view "$host")
				done
			done
		done
	done
}

# What a proxied connection must look like, from the direct one's view: $1 is its name, $2 the view.
expected() {
	local client_scale
	client_scale=$(sed -n 's/.*wscale:\([0-9]*\),.*/\1/p' <<<"$2")
	if [[ $1 == "timestamps off"* && ${client_scale:-0} -gt $WSCALE_EXACT_MAX ]]; then
		echo "${2/wscale:$client_scale,/wscale:$WSCALE_EXACT_MAX,}"
	else
		echo "$2"
	fi
}

declare -A direct proxied
net_up
# The kernel's default, from which window scale 7 follows.
sw_in "$CLI" sysctl -qw net.ipv4.tcp_rmem="4096 131072 6291456"
start_server 5000

start_synward "$(config pass)"
views direct
check_int "direct: no flow" "$(counter flow_created)" -eq 0
stop_synward TERM

start_synward "$(config proxy)"
views proxied
check_int "proxied: every connection had a flow" "$(counter flow_created)" -eq 16

for what in "${!direct[@]}"; do
	check_same "$what: the server shows the same options: ${direct[$what]}" \
		"${proxied[$what]}" "$(expected "$what" "${direct[$what]}")"
done
# The comparison above is worth nothing where ss shows nothing.
all=${direct["$(options_name 1 1 1), $V4_SRV"]} none=${direct["$(options_name 0 0 0), $V4_SRV"]}
check "all options on: shown" grep -qE 'mss:.*sack ts wscale:' <<<"$all"
check "all options off: not shown" has_no grep -qE 'sack|ts |wscale' <<<"$none"
finish
