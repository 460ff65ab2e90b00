#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
# A router on the path whose MTU drops to 1280 in the middle of a transfer, on the client's side of the proxy,
# then on the server's. Its ICMP errors quote translated segments; the proxy undoes that, the sender believes
# them and sends smaller segments.
#
#   first:   $FAR eth0 ==veth== eth1 $CLI eth0 --- synward --- eth0 $SRV         the server's ICMP passes
#   second:  $CLI eth0 --- synward --- eth0 $SRV eth1 ==veth== eth0 $FAR         the client's ICMP passes
IDLE=${IDLE:-sleep} # what takes its time here is timers
# shellcheck source=tests/netns/lib-extra.sh
. "$(dirname "$0")/lib-extra.sh"

SIZE=${SIZE:-6000000}
MTU=1280
# So much must have gone through before the MTU drops, and must still come after it.
BEFORE=1000000 AFTER=2000000
# At 20 ms and with these windows 6 MB take some seconds: time to drop the MTU in between.
WINDOW="4096 65536 65536"
DELAY="--delay-ms 10"
# Segments in flight when the MTU drops, of both windows: each may cost an error and a retransmission.
IN_FLIGHT=200

# Small windows, and no connection starts with what an earlier one learned.
small_windows() {
	local ns
	for ns in "$CLI" "$SRV" "$FAR"; do
		sw_in "$ns" sysctl -qw net.ipv4.tcp_rmem="$WINDOW" net.ipv4.tcp_no_metrics_save=1
	done
}

# mtu_to NUMBER: of the router's path to $FAR. The route's MTU, not the interface's: that would make
# the veth drop what comes the other way.
mtu_to() {
	ip -n "$ROUTER" route replace 10.78.0.0/24 dev eth1 mtu lock "$1"
	ip -n "$ROUTER" -6 route replace fd78::/64 dev eth1 metric 256 mtu lock "$1"
}


# settled NAME PORT-EXPRESSION: bytes of payload that the sender sent before the first ICMP error, between
# and after the last; and the errors.
settled() {
	show_captured "$1" "icmp in ((3, 4), (2, 0)) or ($2 and length > 0)" \
		"'icmp' if icmp else '%d %d' % (length, ip_len)" | awk -v mtu=$MTU '
		$1 == "icmp" { errors++; between += after; after = late = 0; next }
		errors == 0 { before += $1; next }
		{ after += $1; if ($2 > mtu) late++ }
		END { print before + 0, between + 0, after + 0, late + 0, errors + 0 }'
}

# transfer WHAT DIRECTION HOST PEER CLIENT-NAMESPACE: DIRECTION is the one whose segments are too long
# for the router; PEER is where they go.
transfer() {
	local what=$1 direction=$2 host=$3 peer=$4 from=$5 sender=$SRV expression='of(5000)' bad=$N_NOT_OK
	local count=spliced_to_client size=(--down "$SIZE" --up 1000) before between after late errors
	if [ "$direction" = up ]; then
		sender=$CLI expression='to(5000)' count=spliced_to_server size=(--down 1000 --up "$SIZE")
	fi
	BASE=$(counter $count)
	mtu_to 1500
	sw_in "$sender" ip route flush cache
	sw_in "$sender" ip -6 route flush cache
	local translated stray timeouts resent
	translated=$(counter icmp_translated)
	stray=$(nstat_of "$sender" TcpExtOutOfWindowIcmps)
	timeouts=$(nstat_of "$sender" TcpExtTCPTimeouts)
	resent=$(nstat_of "$sender" TcpRetransSegs)
	start_named_capture sender "$sender" "tcp port 5000 or icmp or icmp6"
	spawn "$WORK/job" sw_peers "$from" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" client "$host" 5000 "${size[@]}"
	local job=$SPAWNED
	check "$what: under way" sw_wait_until 60 counter_is $count -ge $((BASE + BEFORE / 1400))
	mtu_to $MTU
	check "$what: bytes are right at both ends" wait "$job"
	stop_captures
	read -r before between after late errors < <(settled sender "$expression")
	echo "# $what: bytes before $before, meanwhile $between, after $after; ICMP errors $errors"
	check_int "$what: bytes before the first error" "$before" -ge $BEFORE
	check_int "$what: bytes after the last error" "$after" -ge $AFTER
	check_int "$what: segments above the MTU after the last error" "$late" -eq 0
	check_int "$what: errors" "$errors" -ge 1
	check_int "$what: no more errors than segments in flight" "$errors" -le $IN_FLIGHT
	check_int "$what: all of them passed translated" $(($(counter icmp_translated) - translated)) -eq "$errors"
	check_int "$what: errors with a sequence number that the sender does not know" \
		$(($(nstat_of "$sender" TcpExtOutOfWindowIcmps) - stray)) -eq 0
	check_int "$what: timers that ran out" $(($(nstat_of "$sender" TcpExtTCPTimeouts) - timeouts)) -le 1
	check_int "$what: segments sent again" $(($(nstat_of "$sender" TcpRetransSegs) - resent)) -le $IN_FLIGHT
	check "$what: the sender's route knows the MTU" \
		grep -q "mtu $MTU" <(sw_in "$sender" ip route get "$peer")
	explain_failures "$bad" sender
}

net_up
for side in client server; do
	if [ $side = client ]; then
		ROUTER=$CLI WIRE_CLI=$DELAY WIRE_SRV=''
		start_synward "$(config proxy)"
		far_up "$CLI"
		small_windows
		ip -n "$SRV" -6 route add default via "$V6_CLI"
		start_server 5000
		check "client's side: the ends can ping each other" sw_wait_until 20 can_ping
		transfer "router on the client's side, IPv4" down "$V4_SRV" "$V4_FAR" "$FAR"
		transfer "router on the client's side, IPv6" down "$V6_SRV" "$V6_FAR" "$FAR"
	else
		ROUTER=$SRV WIRE_CLI='' WIRE_SRV=$DELAY
		start_synward "$(config_of "$V4_FAR" "$V6_FAR")"
		far_up "$SRV"
		small_windows
		ip -n "$CLI" route add 10.78.0.0/24 via "$V4_SRV"
		ip -n "$CLI" -6 route add fd78::/64 via "$V6_SRV"
		ip -n "$SRV" route del default
		spawn_until '^peer: ready' "$WORK/far" sw_peers "$FAR" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" serve 5000
		transfer "router on the server's side, IPv4" up "$V4_FAR" "$V4_FAR" "$CLI"
		transfer "router on the server's side, IPv6" up "$V6_FAR" "$V6_FAR" "$CLI"
	fi
	check_int "$side's side: every connection was spliced" "$(counter flow_established)" -eq 2
	check_int "$side's side: no error was thought bad" "$(counter drop_icmp_bad)" -eq 0
	check_int "$side's side: no error was without a connection" "$(counter drop_icmp_no_flow)" -eq 0
	far_down "$ROUTER"
	stop_synward TERM
done
finish
