# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# bench.sh flood, ackflood: packets flat out at the outside port. Sourced by scripts/bench.sh.

# flood_arguments TYPE WARMUP: of synload; seconds that do not count.
flood_arguments() {
	local server=$V4_SERVER:80
	[ "$FAMILY" = v4 ] || server="[$V6_SERVER]:80"
	# What testpmd turns round is not checked, and a check is 2 % of the generator's time where it is one in 64.
	FLOOD=(flood --outside "$GEN_OUTSIDE" --server "$server" --type "$1" --options "$OPTIONS" --warmup "$2"
		--sample 1024)
	[ -z "$RATE" ] || FLOOD+=(--rate "$RATE")
}

# all_taken COUNTER: synward has counted as many as the generator sent in all. memif loses nothing; a queue of the
# kernel's may; of net_vhost's, some in a million were seen to be counted as sent and never to come: one in 10,000 is
# allowed.
all_taken() {
	local sent taken
	sent=$(reported total.tx_packets) || exit 1
	taken=$(counted "$1")
	case $WIRE in
	memif) [ "$taken" = "$sent" ] ;;
	vhost) [ "$taken" -le "$sent" ] && [ "$taken" -ge $((sent - sent / 10000)) ] ;;
	*) [ "$taken" -gt 0 ] && [ "$taken" -le "$sent" ] ;;
	esac
}

# All that was offered is in every SYN-ACK that was checked: no cheaper answer is measured.
options_check() {
	local option options=()
	case $OPTIONS in
	mss) options=(with_mss) ;;
	windows) options=(with_mss with_wscale with_sack) ;;
	linux | mac) options=(with_mss with_wscale with_sack with_ts) ;;
	esac
	for option in "${options[@]}"; do
		[ "$(reported "replies.$option")" = "$(reported replies.checked)" ] ||
			fail_round "SYN-ACKs that are not ${option/_/ }"
	done
}

flood_check() {
	local answered
	[ "$(reported invalid.total)" = 0 ] || fail_round "SYN-ACKs that synload found wrong"
	[ "$(reported invalid.checked)" -gt 0 ] || fail_round "no SYN-ACK was checked"
	options_check
	all_taken syn_received || fail_round "the device did not take as many SYNs as were sent"
	[ "$(counted synack_sent)" = "$(counted syn_received)" ] || fail_round "SYNs without an answer"
	answered=$(($(counted synack_sent) + $(counted synack_retransmitted) - $(counted tx_full_outside)))
	[ "$(reported total.synack)" -le "$answered" ] || fail_round "more SYN-ACKs came than were sent"
	# What no ring was full for has arrived, but for what was sent again when synload had ended.
	case $WIRE in
	memif | vhost)
		[ "$(reported total.synack)" -ge $((answered - $(counted synack_retransmitted))) ] ||
			fail_round "$((answered - $(reported total.synack))) SYN-ACKs were lost without a trace"
		;;
	esac
}

# flood_once WHO
flood_once() {
	both_up "$1" 5tswap loop "${FLOOD[@]}"
	generator_done
	device_down
	if is_synward "$1"; then
		flood_check
		# shellcheck disable=SC2046 # two words
		record --windows "$WORK/report" answered_pps "who=$1" "value=$(reported answered_pps)" \
			"offered_pps=$(reported tx_pps)" "tx_full=$(reported tx_full)" \
			"ring_full_share=$(reported tx_full_share)" "checked=$(reported invalid.checked)" \
			$(busy_of "$(counted rx_outside)")
	else
		[ "$(reported total.syn)" -gt 0 ] || fail_round "testpmd reflected nothing"
		record --windows "$WORK/report" rx_pps "who=$1" "value=$(reported rx_pps)" "offered_pps=$(reported tx_pps)" \
			"tx_full=$(reported tx_full)" "ring_full_share=$(reported tx_full_share)"
	fi
}

bench_flood() {
	prepare_peer
	choose_memory 512 2
	wire_ports 1
	flood_arguments syn 1
	rounds_in_turn flood_once
	report flood Mpps "$(peer_named 'testpmd 5tswap')" "mode=$MODE" "options=$OPTIONS" "family=$FAMILY" \
		"rate=${RATE:-max}"
}

# --- ACKs ------------------------------------------------------------------------------------------

# ackflood_once WHO: nothing comes back from synward: of those that the generator sent while it measured it is taken that
# share which synward has counted of all.
ackflood_once() {
	local sent dropped
	both_up "$1" 5tswap loop "${FLOOD[@]}"
	generator_done
	device_down
	if is_synward "$1"; then
		[ "$(counted drop_cookie_bad)" = "$(counted rx_outside)" ] ||
			fail_round "ACKs that were not dropped for their cookie"
		all_taken drop_cookie_bad || fail_round "the device did not take as many ACKs as were sent"
		[ "$(reported total.rx_packets)" = 0 ] || fail_round "a blind ACK was answered"
		sent=$(reported total.tx_packets) dropped=$(counted drop_cookie_bad)
		# shellcheck disable=SC2046 # two words
		record "who=$1" "value=$("${SW_PYTHON[@]}" -c "print($(reported tx_pps) * $dropped / $sent)")" \
			"offered_pps=$(reported tx_pps)" "tx_full=$(reported tx_full)" \
			"ring_full_share=$(reported tx_full_share)" $(busy_of "$(counted rx_outside)")
	else
		[ "$(reported total.rx_packets)" -gt 0 ] || fail_round "testpmd reflected nothing"
		record "who=$1" "value=$(reported rx_pps)" "offered_pps=$(reported tx_pps)" \
			"tx_full=$(reported tx_full)" "ring_full_share=$(reported tx_full_share)"
	fi
}

bench_ackflood() {
	prepare_peer
	choose_memory 512 2
	wire_ports 1
	flood_arguments ack 1
	rounds_in_turn ackflood_once
	report ackflood Mpps "$(peer_named 'testpmd 5tswap')" "mode=$MODE" "family=$FAMILY" "rate=${RATE:-max}"
}
