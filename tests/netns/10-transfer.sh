#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 50 MB down and 50 MB up through the proxy, checked by SHA-256 at both ends: IPv4 and IPv6, with every
# combination of timestamps, SACK and window scaling at the client. On taps once more among frames that are too long.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

SIZE=${SIZE:-50000000}

net_up
start_synward "$(config proxy)"
start_server 5000
count_server_syns

n=0
transfer() {
	local what=$1 host=$2 to_server to_client
	to_server=$(counter spliced_to_server)
	to_client=$(counter spliced_to_client)
	check "$what: bytes are right at both ends" client "$host" 5000 --down "$SIZE" --up "$SIZE" --seed $n
	n=$((n + 1))
	# At most 1,460 bytes a segment: fewer cannot have carried it all.
	check_int "$what: spliced to the server" $(($(counter spliced_to_server) - to_server)) -ge $((SIZE / 1460))
	check_int "$what: spliced to the client" $(($(counter spliced_to_client) - to_client)) -ge $((SIZE / 1460))
}

for ts in 1 0; do
	for sack in 1 0; do
		for ws in 1 0; do
			tcp_options $ts $sack $ws
			what=$(options_name $ts $sack $ws)
			transfer "IPv4, $what" "$V4_SRV"
			transfer "IPv6, $what" "$V6_SRV"
		done
	done
done
# net_tap stops at a frame that is too long for it, with all that is behind it: no reason to lose that.
too_long() {
	local full pings
	full=$(counter tx_full_inside)
	ip -n "$CLI" link set eth0 mtu 2000
	spawn "$WORK/too-long" sw_in "$CLI" ping -q -f -c 100 -s 1600 -W 1 "$V4_SRV"
	pings=$SPAWNED
	transfer "among frames that are too long" "$V4_SRV"
	wait "$pings"
	# The client's own queue is full at times, and then takes no ping.
	check_int "those are counted" "$(counter tx_too_long_inside)" -gt 0
	check_int "nothing else was lost" "$(counter tx_full_inside)" -eq "$full"
}
[ "$PORTS" != tap ] || too_long

check_int "one flow for each connection" "$(counter flow_created)" -eq $n
check_int "one cookie accepted for each" "$(counter cookie_accepted)" -eq $n
check_int "every flow was spliced" "$(counter flow_established)" -eq $n
check_int "the server saw one SYN for each" "$(server_syns)" -eq $n
check_int "nothing passed by the proxy" "$(counter passed)" -eq 0
finish
