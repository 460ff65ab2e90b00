#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Options of clients that a cookie cannot carry, and one that it can. MPTCP and TCP Fast Open fall back to plain TCP at
# once, with no retransmission and no byte lost. ECN is negotiated from end to end, and marks come back.
IDLE=${IDLE:-sleep} # what takes its time here is timers
# shellcheck source=tests/netns/lib-extra.sh
. "$(dirname "$0")/lib-extra.sh"

PLAIN=5000 MULTIPATH=5001

# Both kernels' retransmission timers that ran out: a stall, however short.
timeouts() {
	echo $(($(nstat_of "$CLI" TcpExtTCPTimeouts) + $(nstat_of "$SRV" TcpExtTCPTimeouts)))
}

# captured_client PORT CLIENT-ARGUMENT...: captured at both ends; no timer may run out meanwhile.
captured_client() {
	local what=$1 port=$3 before
	shift
	before=$(timeouts)
	start_named_capture client "$CLI" tcp port "$port"
	start_named_capture server "$SRV" tcp port "$port"
	check "$what: bytes are right at both ends" client "$@"
	stop_captures
	check_int "$what: retransmission timers that ran out" "$(timeouts)" -eq "$before"
	capture_shows "$what: one SYN of the client" client -eq 1 is_syn
	capture_shows "$what: one SYN-ACK to it" client -eq 1 is_synack
	capture_shows "$what: one SYN to the server" server -eq 1 is_syn
}

# Both ends speak MPTCP, and would with each other; the proxy offers the server plain TCP.
multipath() {
	local host=$1 what="MPTCP, $1" bad=$N_NOT_OK fallbacks
	fallbacks=$(nstat_of "$CLI" MPTcpExtMPCapableFallbackSYNACK)
	captured_client "$what" "$host" $MULTIPATH --mptcp --down 300000 --up 300000
	capture_shows "$what: the client did ask for it" client -eq 1 'is_syn and mptcp'
	capture_shows "$what: nothing of it reaches the server" server -eq 0 "to($MULTIPATH) and mptcp"
	capture_shows "$what: nothing of it comes back" client -eq 0 "of($MULTIPATH) and mptcp"
	check_int "$what: the client's kernel fell back at the SYN-ACK" \
		$(($(nstat_of "$CLI" MPTcpExtMPCapableFallbackSYNACK) - fallbacks)) -eq 1
	explain_failures "$bad" client server
}

# The first data is in the SYN; nobody acknowledges it, so the client sends it again when the SYN-ACK comes.
fast_open() {
	local host=$1 what="Fast Open, $1" bad=$N_NOT_OK order
	captured_client "$what" "$host" $PLAIN --fastopen --down 20000 --up 5000
	capture_shows "$what: the client's SYN had data" client -eq 1 'is_syn and length > 0'
	capture_shows "$what: it was not acknowledged with the SYN" client -eq 1 'is_synack and not fastopen'
	capture_shows "$what: the server's SYN has none" server -eq 1 'is_syn and length == 0 and not fastopen'
	# All that the client was sent before that data: the SYN-ACK.
	order=$(show_captured client "length > 0 and to($PLAIN) and not syn or of($PLAIN)" \
		"'synack' if syn else 'data' if to($PLAIN) else 'other'" | head -2 | tr '\n' ' ')
	check_same "$what: sent again after the SYN-ACK and nothing else" "$order" "synack data "
	explain_failures "$bad" client server
}

# marks NAMESPACE: every 20th packet that may be marked is, on its way out of there.
marks() {
	sw_in "$1" nft -f - <<-'NFT'
	table inet marks {
		chain out {
			type filter hook output priority 0;
			meta l4proto tcp ip ecn != not-ect numgen inc mod 20 == 0 ip ecn set ce
			meta l4proto tcp ip6 ecn != not-ect numgen inc mod 20 == 0 ip6 ecn set ce
		}
	}
	NFT
}

# congestion HOST: marks in both directions, and what each end makes of them.
congestion() {
	local host=$1 what="ECN, $1" bad=$N_NOT_OK end other from back marked
	captured_client "$what" "$host" $PLAIN --down 2000000 --up 2000000
	capture_shows "$what: the client asks" client -eq 1 'is_syn and ece and cwr'
	capture_shows "$what: the proxy agrees" client -eq 1 'is_synack and ece and not cwr'
	capture_shows "$what: the proxy asks" server -eq 1 'is_syn and ece and cwr'
	capture_shows "$what: the server agrees" server -eq 1 'is_synack and ece and not cwr'
	for end in client server; do
		other=server
		[ $end = client ] || other=client
		from="to($PLAIN)" back="of($PLAIN)"
		[ $end = client ] || from="of($PLAIN)" back="to($PLAIN)"
		marked=$(captured $end "$from and ecn == 3")
		check_int "$what: the $end's segments, marked" "$marked" -ge 20
		capture_shows "$what: marks of the $end's that arrive" $other -eq "$marked" "$from and ecn == 3"
		capture_shows "$what: echoed to the $end" $end -ge 1 "$back and not syn and ece"
		capture_shows "$what: the $end slows down and says so to the other" $other -ge 1 "$from and not syn and cwr"
	done
	explain_failures "$bad"
}

net_up
prefer_congestion_control reno
start_server $PLAIN --mptcp $MULTIPATH
# 5: data in a SYN, with a cookie of the server's or without.
sw_in "$CLI" sysctl -qw net.ipv4.tcp_fastopen=5
sw_in "$SRV" sysctl -qw net.ipv4.tcp_fastopen=1027
start_synward "$(config proxy)"

for host in "$V4_SRV" "$V6_SRV"; do
	multipath "$host"
	fast_open "$host"
done
check_int "nothing was repaired" "$(counter flow_repaired)" -le 2

sw_in "$CLI" sysctl -qw net.ipv4.tcp_ecn=1
sw_in "$SRV" sysctl -qw net.ipv4.tcp_ecn=1
for ns in "$CLI" "$SRV"; do
	marks "$ns" || sw_die "cannot mark packets"
done
for host in "$V4_SRV" "$V6_SRV"; do
	congestion "$host"
done
check_int "every connection was spliced" "$(counter flow_established)" -eq 6
check_int "no mark was an excuse to drop" "$(counter drop_congested)" -eq 0
finish
