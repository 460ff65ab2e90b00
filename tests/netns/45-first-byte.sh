#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# From the SYN to the server's first byte: with the proxy at most one round trip of the inner link more than
# on the same path without its protection (mode pass), where the client speaks first and where the server does.
# All is measured at the client, in units of the inner link's round trip, which is what the handshake with the
# server itself takes more than that with the proxy. The least of several tries is taken: what else runs on the machine
# only adds to it.
# shellcheck source=tests/netns/lib-extra.sh
. "$(dirname "$0")/lib-extra.sh"

TRIES=${TRIES:-7}
OUTER_RTT_MS=20 INNER_RTT_MS=40
SPEAKS=([5000]=client [5001]=server)

# The least of the numbers on standard input.
least() {
	sort -n | head -1
}

# value NAME: that column of $WORK/results.
value() {
	tr ' ' '\n' <"$WORK/results" | sed -n "s/^$1=//p"
}

# series MODE PORT HOST: connections one after the other; fills RTT and FIRST, in ms, by that name.
declare -A RTT FIRST
series() {
	local mode=$1 port=$2 host=$3 what="$1, ${SPEAKS[$2]} first, $3" more=() bad=$N_NOT_OK
	[ "${SPEAKS[$port]}" = client ] || more=(--greeting)
	start_named_capture first "$CLI" tcp port "$port"
	check "$what: answered" client "$host" "$port" --connections "$TRIES" --up 500 --down 500 "${more[@]}"
	stop_captures
	"${SW_PYTHON[@]}" "$NETNS_DIR/capture.py" "$WORK/first.pcap" "$port" >"$WORK/results"
	check_int "$what: measured" "$(wc -l <"$WORK/results")" -eq "$TRIES"
	check_same "$what: nothing was sent twice by the client" "$(value resent_by_client | sort -u)" 0
	check_same "$what: nothing was sent twice to it" "$(value resent_by_server | sort -u)" 0
	RTT["$mode $port $host"]=$(value rtt_ms | least)
	FIRST["$mode $port $host"]=$(value response_ms | least)
	explain_failures "$bad" first
}

# in_round_trips MS INNER: with two digits.
in_round_trips() {
	awk -v ms="$1" -v inner="$2" 'BEGIN { printf "%.2f", ms / inner }'
}

compare() {
	local port=$1 host=$2 what="${SPEAKS[$1]} first, $2" direct proxied inner more
	direct=${FIRST["pass $port $host"]}
	proxied=${FIRST["proxy $port $host"]}
	inner=$(awk -v a="${RTT["pass $port $host"]}" -v b="${RTT["proxy $port $host"]}" 'BEGIN { print a - b }')
	more=$(in_round_trips "$(awk -v a="$proxied" -v b="$direct" 'BEGIN { print a - b }')" "$inner")
	echo "# $what: direct $direct ms, proxied $proxied ms, inner round trip $inner ms: $more round trips more"
	# The proxy answers the SYN itself: the difference is the inner link, or it did not.
	check "$what: the handshake is shorter by the inner link ($inner ms)" \
		awk -v inner="$inner" -v want=$INNER_RTT_MS 'BEGIN { exit !(inner > want * 0.75) }'
	check "$what: first byte, inner round trips more than direct ($more)" \
		awk -v more="$more" 'BEGIN { exit !(more <= 1.0) }'
}

net_up
prefer_congestion_control reno
start_server 5000 --greeting 5001
WIRE_CLI="--delay-ms $((OUTER_RTT_MS / 2))" WIRE_SRV="--delay-ms $((INNER_RTT_MS / 2))"
for mode in pass proxy; do
	start_synward "$(config $mode)"
	for port in "${!SPEAKS[@]}"; do
		series $mode "$port" "$V4_SRV"
		series $mode "$port" "$V6_SRV"
	done
	flows=$((4 * TRIES))
	[ $mode = proxy ] || flows=0
	check_int "$mode: connections of the proxy's" "$(counter flow_established)" -eq $flows
	stop_synward TERM
done
for port in "${!SPEAKS[@]}"; do
	compare "$port" "$V4_SRV"
	compare "$port" "$V6_SRV"
done
finish
