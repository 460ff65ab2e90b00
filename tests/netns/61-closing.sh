#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
# What connections do late in their life, and at odd times, between two Linux stacks: ports taken again at once, clients
# that have forgotten, half-closes, keepalives, shut windows, urgent bytes, FINs that cross; connections
# that a server opens; servers that answer from another MAC.
IDLE=${IDLE:-sleep} # what takes its time here is timers
# shellcheck source=tests/netns/lib-extra.sh
. "$(dirname "$0")/lib-extra.sh"

# passes SCENARIO HOST: as closing.py tells it, captured at both ends.
passes() {
	local scenario=$1 host=$2 what="${1//_/ }, $2" from=$V4_CLI
	[ "$host" = "$V4_SRV" ] || from=$V6_CLI
	BAD=$N_NOT_OK
	start_named_capture client "$CLI" tcp
	start_named_capture server "$SRV" tcp
	check "$what" taskset -c "$SW_CPU_PEERS" "${SW_PYTHON[@]}" "$NETNS_DIR/closing.py" \
		"$CLI" "$SRV" "$host" "$from" "$scenario"
	stop_captures
}

# took WHAT COUNTER BEFORE OPERATOR NUMBER
took() {
	check_int "$1: $2" $(($(counter "$2") - $3)) "$4" "$5"
}

special_cases() {
	local host=$1 before made
	made=$(counter flow_reopened) before=$(counter flow_created)
	passes reuse "$host"
	took "reuse, $host" flow_created "$before" -eq 1
	took "reuse, $host" flow_reopened "$made" -eq 9
	capture_shows "reuse, $host: no SYN of the client was lost on the way" client -eq 10 is_syn
	explain_failures "$BAD" client server

	before=$(counter live_syn_passed)
	passes rebooted "$host"
	took "rebooted, $host" live_syn_passed "$before" -ge 1
	# The challenge is an ACK, in the client's numbers: its reset is what the old connection ends with.
	capture_shows "rebooted, $host: the client's reset reaches the server" server -ge 1 'to(5000) and rst'
	explain_failures "$BAD" client server

	for scenario in half_close keepalive; do
		passes $scenario "$host"
		explain_failures "$BAD" client server
	done

	passes zero_window "$host"
	capture_shows "zero window, $host: shut at the server" client -ge 1 'of(5000) and window == 0 and not rst'
	capture_shows "zero window, $host: shut at the client" server -ge 1 'to(5000) and window == 0 and not rst'
	explain_failures "$BAD"

	passes urgent "$host"
	capture_shows "urgent, $host: to the server" server -ge 1 'to(5000) and flags & URG and urgent > 0'
	capture_shows "urgent, $host: to the client" client -ge 1 'of(5000) and flags & URG and urgent > 0'
	explain_failures "$BAD" client server

	passes simultaneous "$host"
	explain_failures "$BAD" client server

	before=$(counter flow_from_server) made=$(counter cookie_accepted)
	passes from_server "$host"
	took "from server, $host" flow_from_server "$before" -eq 1
	took "from server, $host" cookie_accepted "$made" -eq 0
	capture_shows "from server, $host: one SYN arrives" client -eq 1 'is_syn and of(5000)'
	capture_shows "from server, $host: one SYN-ACK does" server -eq 1 'is_synack and to(5000)'
	explain_failures "$BAD" client server
}

# What the server sends has another source than what it is sent goes to, as with some bonds and routers.
other_mac() {
	local mac
	sw_in "$SRV" nft -f - <<-'NFT' || return 1
	table netdev other {
		chain out {
			type filter hook egress device eth0 priority 0;
			ether saddr set 02:00:00:00:00:99
		}
	}
	NFT
	mac=$(ip -n "$SRV" link show eth0 | awk '$1 == "link/ether" { print $2 }')
	for host in "$V4_SRV" "$V6_SRV"; do
		passes plain "$host"
		capture_shows "other MAC, $host: the server did answer from it" client -ge 10 \
			"of(5000) and smac == '02:00:00:00:00:99'"
		capture_shows "other MAC, $host: but is spoken to under its own" server -eq 0 \
			"to(5000) and dmac != '$mac'"
		explain_failures "$BAD" client server
	done
	sw_in "$SRV" nft delete table netdev other
}

# Crossing FINs need time on the way. The delay is on both sides of the proxy.
WIRE_CLI='--delay-ms 10' WIRE_SRV='--delay-ms 10'
net_up
start_synward "$(config proxy)"
for host in "$V4_SRV" "$V6_SRV"; do
	special_cases "$host"
done
check "another MAC can be had" other_mac
check_int "nothing that a server sent was without a connection" "$(counter drop_server_no_flow)" -eq 0
finish
