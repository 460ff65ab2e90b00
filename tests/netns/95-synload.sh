#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
#
# synload against synward over memif. Without hugepages.
#
#   synload net_memif0 ====== outside [ synward ] inside ====== net_memif1 synload    floods, connections
#
# What synload says must agree with what synward has counted.

# shellcheck source=tests/netns/synload.sh
. "$(dirname "${BASH_SOURCE[0]}")/synload.sh"

synward_on_memif() {
	cat >"$WORK/memif.yaml" <<-YAML
	ports: {outside: net_memif0, inside: net_memif1}
	flows: 64k
	resend: 0
	services:
	  - {name: test, addresses: [198.51.100.10, "2001:db8::10"], ports: [80], mode: proxy}
	YAML
	SW_VDEVS=("$(memif_port 0 server 0)" "$(memif_port 1 server 1)")
	sw_launch "$MID" "$PREFIX" "$WORK/memif.yaml" "$WORK/synward" || sw_die "no synward, no test"
	SYNWARD_PID=$SW_PID
	VDEVS=("$(memif_port 0 client 0)" "$(memif_port 1 client 1)")
}

# Ends it, so that the next one counts from 0.
synward_off() {
	local pid=$SYNWARD_PID
	SYNWARD_PID=
	sw_end "$pid" TERM
	check_int "$1: synward's exit status" $? -eq 0
}

# syn_options NAME OPTIONS: synward has answered with all that the SYNs offered, and with an MSS in any case.
syn_options() {
	local has key all wscale=0 sack=0 ts=0
	all=$(value replies.checked)
	case $2 in
	linux | mac) wscale=$all sack=$all ts=$all ;;
	windows) wscale=$all sack=$all ;;
	esac
	for key in mss=$all wscale=$wscale sack=$sack ts=$ts; do
		has=$(value "replies.with_${key%=*}")
		check_int "$1: answers with ${key%=*}" "$has" -eq "${key#*=}"
	done
}

# syn_flood OPTIONS: 20,000 SYNs of a kind of stack, all of them and every answer accounted for.
syn_flood() {
	local name="SYN flood, options $1"
	synward_on_memif
	check "$name" synload flood --outside net_memif0 --count 20k --rate 50k --sample 1 \
		--options "$1" "${SERVERS[@]}"
	check_int "$name: sent" "$(value total.flood_sent.syn)" -eq 20000
	check_int "$name: synward received" "$(counter syn_received)" -eq 20000
	check_int "$name: SYN-ACKs that synward could send" "$(value total.synack)" \
		-eq $(($(counter synack_sent) - $(counter tx_full_outside)))
	check_int "$name: SYN-ACKs" "$(value total.synack)" -gt 10000
	check_int "$name: all of them checked" "$(value invalid.checked)" -eq "$(value total.synack)"
	check_int "$name: invalid" "$(value invalid.total)" -eq 0
	syn_options "$name" "$1"
	synward_off "$name"
}

# Cookies that nobody has issued: dropped, not answered.
ack_flood() {
	synward_on_memif
	check "ACK flood" synload flood --outside net_memif0 --count 20k --rate 50k --type ack \
		"${SERVERS[@]}"
	check_int "ACK flood: sent" "$(value total.flood_sent.ack)" -eq 20000
	check_int "ACK flood: synward received" "$(counter rx_outside)" -eq 20000
	check_int "ACK flood: no flow" "$(counter flow_created)" -eq 0
	check_int "ACK flood: no SYN-ACK" "$(value total.synack)" -eq 0
	synward_off "ACK flood"
}

connections() {
	synward_on_memif
	conn_run "connections" 2000 --concurrent 50
	check_int "connections: bytes verified" "$(value bytes_verified)" -eq $((2000 * 1100))
	check_int "connections: synward spliced them" "$(counter flow_established)" -eq 2000
	conn_run "large ones, closed by the server" 100 --concurrent 10 --request 20000 --response 50000 \
		--keep-alive 3 --close server --options windows
	check_int "large ones: bytes verified" "$(value bytes_verified)" -eq $((100 * 3 * 70000))
	check_int "large ones: synward spliced them" "$(counter flow_established)" -eq 2100
	conn_run "held ones" 500 --concurrent 500 --hold 1
	check_int "held ones: all at once" "$(counter flow_established)" -eq 2600
	synward_off "connections"
}

mixed() {
	synward_on_memif
	check "mixed" synload mixed --outside net_memif0 --inside net_memif1 --rate 200 --seconds 3 \
		--flood-rate 20k --timeout 60000 --sample 1 "${SERVERS[@]}"
	check_int "mixed: connections tried" "$(value connections.tried)" -ge 400
	check_int "mixed: finished" "$(value connections.finished)" -eq "$(value connections.tried)"
	check_int "mixed: flood" "$(value total.flood_sent.syn)" -ge 1000
	check_int "mixed: SYNs at synward" "$(counter syn_received)" \
		-ge $(($(value total.flood_sent.syn) + $(value connections.tried)))
	check_int "mixed: nothing of the flood at the server" "$(value server.tried)" \
		-eq "$(value connections.tried)"
	check_int "mixed: strays at the server" "$(value server.stray)" -eq 0
	check_int "mixed: checked" "$(value invalid.checked)" -gt 500
	check_int "mixed: invalid" "$(value invalid.total)" -eq 0
	check_int "mixed: none but the measured ones are among those" "$(value connections.measured.tried)" \
		-lt "$(value connections.tried)"
	check_int "mixed: measured ones that finished" "$(value connections.measured.finished)" \
		-eq "$(value connections.measured.tried)"
	# One second is measured, and all of its connections are held for two more.
	check "held under a flood" synload mixed --outside net_memif0 --inside net_memif1 --rate 200 \
		--seconds 1 --warmup 0 --hold 2 --flood-rate 20k --timeout 60000 "${SERVERS[@]}"
	check_int "held under a flood: the flood went on to the end" "$(value total.flood_sent.syn)" \
		-ge $(($(value flood.tx_packets) * 3 / 2))
	check_int "held under a flood: measured" "$(value connections.measured.tried)" \
		-eq "$(value connections.tried)"
	check_int "held under a flood: finished" "$(value connections.measured.finished)" \
		-eq "$(value connections.measured.tried)"
	synward_off "mixed"
}

received_more_than() {
	[ "$(counter syn_received)" -gt "$1" ]
}

# The generator is killed while it floods, and unmaps nothing itself: DPDK's interrupt thread takes the
# rings away from under the worker, which must be between two bursts then (unmap.h).
peer_is_killed() {
	local turn before
	synward_on_memif
	check "killed: the drivers unmap by synward's own munmap()" \
		grep -q ' T munmap$' <(nm -D --defined-only "$SW_SYNWARD")
	for turn in 1 2 3; do
		before=$(counter syn_received)
		synload_started "$WORK/killed" flood --outside net_memif0 --seconds 600 "${SERVERS[@]}"
		check "killed, $turn: was flooding" sw_wait_until 30 received_more_than $((before + 1000))
		sw_end "$LOAD_PID" KILL
	done
	before=$(counter syn_received)
	check "killed: the next one" synload flood --outside net_memif0 --count 20k --rate 50k "${SERVERS[@]}"
	check_int "killed: the next one's SYNs" $(($(counter syn_received) - before)) -eq 20000
	synward_off "killed"
}

# With its end of the socket, which it leaves.
synward_kill() {
	sw_end "$SYNWARD_PID" KILL
	SYNWARD_PID=
	rm -f "$WORK/memif.sock"
}

# The other way round: synward is killed under a flood, and synload goes on to its end. DPDK's memif does not connect
# anew by itself.
synward_is_killed() {
	local turn
	check "synward killed: the drivers unmap by synload's own munmap()" \
		grep -q ' T munmap$' <(nm -D --defined-only "$SYNLOAD")
	for turn in 1 2 3; do
		synward_on_memif
		rm -f "$WORK/json"
		synload_started "$WORK/goes-on" flood --outside net_memif0 --warmup 0 --seconds 2 "${SERVERS[@]}" \
			--json "$WORK/json"
		check "synward killed, $turn: was flooded" sw_wait_until 30 received_more_than 1000
		synward_kill
		check "synward killed, $turn: synload ends" sw_wait_until 30 sw_gone "$LOAD_PID"
		sw_end "$LOAD_PID" INT
		check_int "synward killed, $turn: synload's exit status" $? -eq 0
		check_int "synward killed, $turn: it reports what it sent" "$(value total.flood_sent.syn)" -ge 1000
	done
}

# What would never end, for its packets are not taken any more, says so.
never_ends() {
	synward_on_memif
	synload_started "$WORK/never" flood --outside net_memif0 --count 10G "${SERVERS[@]}"
	check "never ends: was flooded" sw_wait_until 30 received_more_than 1000
	synward_kill
	check "never ends: synload ends" sw_wait_until 60 sw_gone "$LOAD_PID"
	sw_end "$LOAD_PID" INT
	check_int "never ends: synload's exit status" $? -eq 1
	check "never ends: synload says why" grep -q 'net_memif0 .* has taken nothing for 10 s' "$WORK/never"
}

net_up
need_program "$SYNLOAD"
for set in none mss linux windows mac; do
	syn_flood $set
done
ack_flood
connections
mixed
peer_is_killed
synward_is_killed
never_ends
finish
