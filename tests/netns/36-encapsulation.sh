#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
# What lies around TCP: VLAN tags, which the proxy's own packets must carry too; IPv4 options and IPv6 extension
# headers on every packet of a client; padding of short frames; fragments, dropped and passed.
IDLE=${IDLE:-sleep} # what takes its time here is timers
# shellcheck source=tests/netns/lib-extra.sh
. "$(dirname "$0")/lib-extra.sh"

OPEN=5000 GREETS=5001 UNREACHABLE=5002

# tags_kept WIRE-ARGUMENTS TAGS: the wires tag what comes from either host, and drop what they get back untagged.
tags_kept() {
	local what=$1 tags=$2 host bad=$N_NOT_OK port end
	WIRE_CLI=$1 WIRE_SRV=$1
	start_synward "$(config proxy)"
	start_named_capture outside "$MID/dtap0"
	start_named_capture inside "$MID/dtap1"
	for host in "$V4_SRV" "$V6_SRV"; do
		check "$what, $host: bytes are right at both ends" client "$host" $OPEN --up 300000 --down 300000
		# Where the client says nothing at first, the ACK of the server's SYN-ACK is the proxy's own.
		check "$what, $host, the server speaks first: bytes are right" client "$host" $GREETS --greeting
		# The router says that there is no server: the reset is the proxy's own.
		client "$host" $UNREACHABLE --timeout 60 >/dev/null
		check "$what, $host, unreachable: the client is reset" grep -q ConnectionResetError "$WORK/client"
	done
	stop_captures
	# A request that was under way when the reset was sent brings the cookie again, and is reset too.
	check_int "$what: resets made by the proxy" "$(counter client_rst_sent)" -ge 2
	check_int "$what: connections spliced" "$(counter flow_established)" -eq 4
	capture_shows "$what: SYN-ACKs of the proxy" outside -eq 6 "is_synack and tags == $tags"
	capture_shows "$what: RSTs of the proxy" outside -ge 2 "of($UNREACHABLE) and rst and tags == $tags"
	# A request tells the server, and its answer the client, what the proxy's ACKs would have.
	check_int "$what: ACKs of the proxy that open the window" "$(counter client_opened)" -ge 2
	check_int "$what: SYN-ACKs that opened it, or needed nothing" \
		"$(($(counter client_opened) + $(counter synack_consumed)))" -eq 4
	capture_shows "$what: SYNs of the proxy" inside -ge 6 "is_syn and tags == $tags"
	check_int "$what: ACKs of the proxy to the server" "$(counter server_ack_sent)" -ge 2
	for end in outside inside; do
		capture_shows "$what, $end: packets with other tags" $end -eq 0 "tags != $tags"
	done
	stop_synward TERM
	for end in wcli wsrv; do
		check "$what, $end: no frame came back untagged" grep -qx 'untagged 0' "$WORK/$end.log"
	done
	explain_failures "$bad" outside inside
}

# The router in front of the server has no way to it.
unreachable() {
	sw_in "$SRV" nft -f - <<-NFT
	table inet unreachable {
		chain in {
			type filter hook input priority 0;
			tcp dport $UNREACHABLE reject with icmpx host-unreachable
		}
	}
	NFT
}

# headers WHAT HOST EXPRESSION CLIENT-ARGUMENT...: on every packet of the client; they reach the server.
headers() {
	local what=$1 host=$2 expression=$3 bad=$N_NOT_OK established
	shift 3
	established=$(counter flow_established)
	start_named_capture client "$CLI" tcp
	start_named_capture server "$SRV"
	check "$what: bytes are right at both ends" client "$host" $OPEN --up 300000 --down 300000 "$@"
	stop_captures
	check_int "$what: spliced" "$(counter flow_established)" -eq $((established + 1))
	capture_shows "$what: every packet that the client sends has them" client -eq 0 \
		"to($OPEN) and not ($expression)"
	capture_shows "$what: data with them reaches the server" server -ge 100 \
		"to($OPEN) and length > 0 and ($expression)"
	capture_shows "$what: none without them does" server -eq 0 "to($OPEN) and length > 0 and not ($expression)"
	capture_shows "$what: the SYN-ACK is a plain one" client -eq 1 'is_synack and not ip_options and not ext'
	explain_failures "$bad" client server
}

# Frames of 54 bytes, which Ethernet would pad: bare ACKs without timestamps.
padded() {
	local host bad
	WIRE_CLI='--pad 60' WIRE_SRV='--pad 60'
	start_synward "$(config proxy)"
	sw_in "$CLI" sysctl -qw net.ipv4.tcp_timestamps=0
	for host in "$V4_SRV" "$V6_SRV"; do
		bad=$N_NOT_OK
		start_named_capture outside "$MID/dtap0"
		check "padding, $host: bytes are right at both ends" client "$host" $OPEN --up 300000 --down 300000
		stop_captures
		# A SYN-ACK of IPv6 is longer than 60 bytes.
		[ "$host" != "$V4_SRV" ] || capture_shows "padding: frames with junk behind the packet" outside -ge 10 \
			"to($OPEN) and wire_len == 60 and ip_len < 46"
		explain_failures "$bad" outside
	done
	sw_in "$CLI" sysctl -qw net.ipv4.tcp_timestamps=1
	check_int "padding: connections spliced" "$(counter flow_established)" -eq 2
	check_int "padding: nothing to drop" "$(counter dropped)" -eq 0
	stop_synward TERM
}

# fragmented_syns POLICY: in ten shapes; none may reach the server, whatever the policy says.
fragmented_syns() {
	local what="fragments: $1" host source before sent=0 n accepted
	before=$(fragments_counted)
	accepted=$(nstat_of "$SRV" TcpPassiveOpens)
	start_named_capture server "$SRV"
	for host in "$V4_SRV" "$V6_SRV"; do
		source=$V4_CLI
		[ "$host" = "$V4_SRV" ] || source=$V6_CLI
		n=$(sw_in "$CLI" "${SW_PYTHON[@]}" "$NETNS_DIR/fragments.py" "$source" "$host" $OPEN)
		sent=$((sent + n))
	done
	check_int "$what: fragments of SYNs sent" $sent -eq 20
	check "$what: all of them are counted" sw_wait_until 20 fragments_seen $((before + sent))
	check "$what: the way is open" can_ping
	stop_captures
	capture_shows "$what: no first fragment of a SYN reaches the server" server -eq 0 'fragment == 0'
	capture_shows "$what: no SYN does" server -eq 0 is_syn
	check_int "$what: connections that the server accepted" \
		$(($(nstat_of "$SRV" TcpPassiveOpens) - accepted)) -eq 0
	[ "$1" = pass ] || capture_shows "$what: no fragment at all does" server -eq 0 'fragment is not None'
}

# A first fragment that does not hold the whole header is no TCP header.
fragments_counted() {
	echo $(($(counter drop_fragment) + $(counter fragment_passed) + $(counter drop_tcp_header)))
}

fragments_seen() {
	[ "$(fragments_counted)" -ge "$1" ]
}

# A router in front of the client fragments what is longer than 576 bytes and does not forbid it.
fragments() {
	local policy=$1 what="fragments: $1" bad=$N_NOT_OK job before
	WIRE_CLI='' WIRE_SRV=''
	start_synward "$(config proxy "fragments: $policy")"
	fragmented_syns "$policy"
	far_up "$CLI"
	ip -n "$CLI" route replace 10.77.0.0/24 dev eth0 src "$V4_CLI" mtu lock 576
	before=$(counter drop_fragment)
	start_named_capture server "$SRV"
	spawn "$WORK/job" sw_peers "$FAR" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" client "$V4_SRV" $OPEN --fragmentable \
		--up 60000 --down 60000
	job=$SPAWNED
	if [ "$policy" = pass ]; then
		check "$what: bytes are right at both ends" wait "$job"
		stop_captures
		capture_shows "$what: fragments reach the server" server -ge 80 'fragment is not None'
		capture_shows "$what: segments, cut in two or three" server -ge 40 "fragment == 0 and to($OPEN)"
		check_int "$what: counted" "$(counter fragment_passed)" -ge 80
	else
		check "$what: data is dropped" sw_wait_until 30 counter_is drop_fragment -ge $((before + 10))
		sw_end "$job" TERM
		stop_captures
		capture_shows "$what: none reaches the server" server -eq 0 'fragment is not None'
		capture_shows "$what: nor any data" server -eq 0 "to($OPEN) and length > 0"
		check_int "$what: none is passed" "$(counter fragment_passed)" -eq 0
	fi
	far_down "$CLI"
	stop_synward TERM
	explain_failures "$bad" server
}

net_up
start_server $OPEN --greeting $GREETS
unreachable
tags_kept '--vlan 7' '(7,)'
tags_kept '--qinq 100.7' '(100, 7)'

WIRE_CLI='' WIRE_SRV=''
start_synward "$(config proxy)"
headers 'IPv4, NOPs' "$V4_SRV" 'ip_options == 4' --ip-options 01010101
# Record route with three slots; timestamps with two.
headers 'IPv4, record route' "$V4_SRV" 'ip_options == 16' --ip-options 070f0400000000000000000000000000
headers 'IPv4, timestamps' "$V4_SRV" 'ip_options == 12' --ip-options 440c05000000000000000000
headers 'IPv6, hop-by-hop' "$V6_SRV" "ext == ('hop',)" --extension hop
headers 'IPv6, destination' "$V6_SRV" "ext == ('dst',)" --extension dst
headers 'IPv6, both' "$V6_SRV" "ext == ('hop', 'dst')" --extension hop --extension dst
check_int "headers: nothing was malformed" "$(counter drop_ip6_headers)" -eq 0
stop_synward TERM

padded
fragments drop
fragments pass
finish
