#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 20 kB sent right after connect() on a 20 ms link are answered within 3 round trips from the SYN on, and
# nothing is sent twice. Round trips are counted by cause in a capture at the client (capture.py): one for the
# handshake, two because 20 kB do not fit into a first flight of ten segments.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

TRIES=3

field() {
	tr ' ' '\n' <<<"$RESULT" | sed -n "s/^$1=//p"
}

one_post() {
	local what=$1 host=$2 file=$WORK/capture bad=$N_NOT_OK
	start_capture "$CLI" "$file" tcp port 5000
	check "$what: answered" client "$host" 5000 --up 20000 --down 0
	stop_capture
	RESULT=$("${SW_PYTHON[@]}" "$NETNS_DIR/capture.py" "$file" 5000)
	echo "# $what: $RESULT"
	check_int "$what: connections" "$(wc -l <<<"$RESULT")" -eq 1
	check_int "$what: all of it was captured" "$(field sent_bytes)" -ge 20000
	check_int "$what: round trips" "$(field rounds)" -le 3
	check_int "$what: segments that the client sent twice" "$(field resent_by_client)" -eq 0
	check_int "$what: segments sent to the client twice" "$(field resent_by_server)" -eq 0
	check_int "$what: zero windows shown to the client" "$(field zero_windows)" -eq 0
	[ $bad -eq "$N_NOT_OK" ] || tcpdump -r "$file" -n -ttt 2>/dev/null | sed 's/^/# /'
}

net_up
# No pacing: what is sent follows from the window and the acknowledgements alone.
prefer_congestion_control reno
start_server 5000
for side in client server; do
	WIRE_CLI='' WIRE_SRV=''
	# Where the link's delay lies decides how much must be held until the server has answered.
	if [ $side = client ]; then WIRE_CLI="--delay-ms 10"; else WIRE_SRV="--delay-ms 10"; fi
	start_synward "$(config proxy)"
	for ts in 1 0; do
		tcp_options $ts 1 1
		for ((i = 0; i < TRIES; i++)); do
			one_post "link on the $side's side, v4, timestamps $ts, $i" "$V4_SRV"
			one_post "link on the $side's side, v6, timestamps $ts, $i" "$V6_SRV"
		done
	done
	check_int "$side's side: connections spliced" "$(counter flow_established)" -eq $((4 * TRIES))
	check_int "$side's side: SYNs sent to the server again" "$(counter server_syn_retransmitted)" -eq 0
	if [ $side = server ]; then
		check_int "$side's side: early data was held" "$(counter held_released)" -gt 0
	fi
	stop_synward TERM
done
finish
