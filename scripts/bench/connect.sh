# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# bench.sh connect, segments: whole connections from the outside port to an emulated server at the inside port.
# Sourced by scripts/bench.sh.

# connect_arguments ARGUMENT...: of synload, with those of every such run.
connect_arguments() {
	local server=$V4_SERVER:80
	[ "$FAMILY" = v4 ] || server="[$V6_SERVER]:80"
	CONNECT=(connect --outside "$GEN_OUTSIDE" --inside "$GEN_INSIDE" --server "$server"
		--request "$REQUEST" --response "$RESPONSE" "$@")
}

# failed_by_reason: such as "timeout_syn 3, reset 1", or "none".
failed_by_reason() {
	"${SW_PYTHON[@]}" "$FIGURES" failed "$WORK/report" || sw_die "no figures"
}

# What synward did must be what was measured: each connection through a cookie and a splice of its own.
connect_check() {
	local opened
	all_right
	opened=$(reported server.opened) || exit 1
	[ "$opened" -gt 0 ] || fail_round "no connection was opened"
	[ "$(reported bytes_verified)" -gt 0 ] || fail_round "no payload was verified"
	is_synward "$1" || return 0
	[ "$(counted flow_established)" -ge "$opened" ] ||
		fail_round "more connections were opened than went through the proxy"
	[ "$(counted drop_table_full)" = 0 ] || fail_round "the flow table was full: fewer --concurrent or --seconds"
}

# connections WHO: one run of them.
connections() {
	both_up "$1" io paired "${CONNECT[@]}"
	generator_done
	device_down
	connect_check "$1"
}

# connect_once WHO
connect_once() {
	local busy=()
	connections "$1"
	# shellcheck disable=SC2207 # two words
	! is_synward "$1" || busy=($(busy_of "$(counted flow_established)"))
	record --windows "$WORK/report" per_second "who=$1" "value=$(reported connections.per_second)" \
		"finished=$(reported connections.finished)" "failed=$(failed_by_reason)" \
		"handshake_p50_us=$(reported handshake_us.p50)" "handshake_p99_us=$(reported handshake_us.p99)" "${busy[@]}"
}

# segments_once WHO
segments_once() {
	local outside inside open
	connections "$1"
	open=$(reported connections.open) || exit 1
	[ "$open" -ge $((N_FLOWS * 99 / 100)) ] ||
		echo "  $1: only $open of $N_FLOWS connections were open when it was measured"
	outside=$(reported rx_pps) || exit 1
	inside=$(reported inside.rx_pps) || exit 1
	record --windows "$WORK/report" rx_pps+inside_rx_pps "who=$1" \
		"value=$("${SW_PYTHON[@]}" -c "print($outside + $inside)")" "to_client_pps=$outside" \
		"to_server_pps=$inside" "open=$open"
}

bench_connect() {
	prepare_peer
	MODE=proxy
	choose_memory 1536 2
	# At 1M connections a second, and a second and a half, of those in which it runs, that each is kept after its end.
	FLOWS=4M TIMEOUTS="timeouts: {closed: ${PAIRS}s, reset: ${PAIRS}s}"
	# All of them may wait for the server at the same moment.
	TIMEOUTS+=$'\n'"pending: $((CONCURRENT < 4000000 ? CONCURRENT + 1024 : 4000000))"
	wire_ports 2
	connect_arguments --concurrent "$CONCURRENT" --warmup 1
	rounds_in_turn connect_once
	report connect connections/s "$(peer_named 'testpmd io')" "concurrent=$CONCURRENT" "request=$REQUEST" \
		"response=$RESPONSE" "family=$FAMILY"
}

bench_segments() {
	local timeout_ms
	prepare_peer
	MODE=proxy
	choose_memory $((1024 + N_FLOWS / 1000)) 2
	# Room for those that fail under way and are tried again.
	FLOWS=$((2 * N_FLOWS + 65536)) TIMEOUTS="timeouts: {closed: ${PAIRS}s, reset: ${PAIRS}s}"
	TIMEOUTS+=$'\n'"pending: $((N_FLOWS < 4000000 ? N_FLOWS + 1024 : 4000000))"
	wire_ports 2
	# Time enough to open them all, before the time that is measured. None ends by itself: synload waits three
	# times --timeout for them at its end. More of them than a ring holds lose segments, and need time for it.
	timeout_ms=$((N_FLOWS > 2000 ? 10000 : 1000))
	connect_arguments --concurrent "$N_FLOWS" --keep-alive 65535 --warmup $((2 + N_FLOWS / 100000)) \
		--timeout "$timeout_ms"
	GENERATOR_EXTRA=$((60 + N_FLOWS / 50000))
	rounds_in_turn segments_once
	report segments Mpps "$(peer_named 'testpmd io')" "flows=$N_FLOWS" "response=$RESPONSE" "family=$FAMILY"
}
