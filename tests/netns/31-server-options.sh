#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
# Servers that lack an option, and one that changes while running. The first connection has been promised what the
# server does not have and is repaired; the next ones are told the truth in their SYN-ACK. Either way the
# bytes are right, the server gets nothing that it did not agree to, and neither does the client.
IDLE=${IDLE:-sleep} # what takes its time here is timers
# shellcheck source=tests/netns/lib-extra.sh
. "$(dirname "$0")/lib-extra.sh"

# A window that is not scaled must be filled several times.
SIZE=${SIZE:-250000}
SMALL_MSS=1300
OPTIONS=(ts sack wscale ecn mss)
# A lacking option is promised again a minute after it was found to lack; and a look at the clock.
RELEARN_S=75

# What servers have is learned for each service, so each case has one that knows nothing yet.
NOTHING=5100
declare -A PORT_OF=([ts]=5101 [sack]=5102 [wscale]=5103 [ecn]=5104 [mss]=5105)

more_services() {
	local port
	for port in $NOTHING "${PORT_OF[@]}"; do
		echo "  - {name: of-$port, addresses: [$V4_SRV, \"$V6_SRV\"], ports: [$port], mode: proxy}"
	done
}

# server_options 0 or 1: all of them.
server_options() {
	local option
	for option in "${OPTIONS[@]}"; do
		server_option "$option" "$1"
	done
}

# server_option NAME VALUE
server_option() {
	case $1 in
	ts) sw_in "$SRV" sysctl -qw net.ipv4.tcp_timestamps="$2" ;;
	sack) sw_in "$SRV" sysctl -qw net.ipv4.tcp_sack="$2" ;;
	wscale) sw_in "$SRV" sysctl -qw net.ipv4.tcp_window_scaling="$2" ;;
	# 1: asks for it and agrees to it; the client asks here.
	ecn) sw_in "$SRV" sysctl -qw net.ipv4.tcp_ecn="$2" ;;
	mss)
		local advmss=()
		[ "$2" = 1 ] || advmss=(advmss "$SMALL_MSS")
		ip -n "$SRV" route replace 10.77.0.0/24 dev eth0 src "$V4_SRV" "${advmss[@]}"
		ip -n "$SRV" -6 route replace fd77::/64 dev eth0 metric 256 "${advmss[@]}"
		;;
	esac
}

# What a SYN-ACK says that has the option, as an expression of capture.py.
declare -A HAS=([ts]=has_ts [sack]=sack_ok [wscale]='wscale is not None' [ecn]='ece'
	[mss]="mss > $SMALL_MSS")

# Segments that must not reach a server, or a client, without the option, each in its expression.
declare -A FORBIDDEN=([ts]='has_ts and not rst' [sack]='sack > 0' [wscale]=False [ecn]='ecn != 0'
	[mss]="segment > $SMALL_MSS")

# transfer WHAT HOST: SIZE bytes each way to PORT, captured at both ends.
transfer() {
	start_named_capture client "$CLI" tcp port "$PORT"
	start_named_capture server "$SRV" tcp port "$PORT"
	check "$1: bytes are right at both ends" client "$2" "$PORT" --down "$SIZE" --up "$SIZE"
	stop_captures
	capture_shows "$1: one handshake of the client" client -eq 1 'is_syn'
}

# server_got_nothing_else WHAT OPTION: what the server agreed to, as its SYN-ACKs say (the last one counts:
# the proxy may have had to ask again).
server_got_nothing_else() {
	local what=$1 option=$2
	capture_shows "$what: the server's SYN-ACK is without" server -ge 1 "is_synack and not (${HAS[$option]})"
	capture_shows "$what: the server gets none" server -eq 0 "to($PORT) and not syn and (${FORBIDDEN[$option]})"
	# RFC 7323, 3.2: once agreed, every segment has one.
	if [ "$(captured client 'is_synack and has_ts')" -gt 0 ]; then
		capture_shows "$what: every segment to the client has a timestamp" client -eq 0 \
			"of($PORT) and not rst and not has_ts"
		capture_shows "$what: the client's timestamps are the ones that come back" client -eq 0 \
			"of($PORT) and not rst and ts == 0"
	else
		capture_shows "$what: no segment to the client has a timestamp" client -eq 0 "of($PORT) and has_ts"
	fi
	capture_shows "$what: nothing longer than the client's MSS" client -eq 0 "of($PORT) and segment > 1460"
}

# lacking OPTION HOST: the server has just lost it; nobody knows yet.
lacking() {
	local option=$1 host=$2 what repaired learned cut bad=$N_NOT_OK
	repaired=$(counter flow_repaired) learned=$(counter learned) cut=$(counter segment_cut)
	what="$option, $host, first"
	transfer "$what" "$host"
	capture_shows "$what: the client was promised it" client -ge 1 "is_synack and (${HAS[$option]})"
	check_int "$what: the connection was repaired" "$(counter flow_repaired)" -eq $((repaired + 1))
	[ "$option" != mss ] || check_int "$what: segments were cut" $(($(counter segment_cut) - cut)) -gt 100
	[ "$option" = mss ] || check_int "$what: learned" "$(counter learned)" -eq $((learned + 1))
	server_got_nothing_else "$what" "$option"
	explain_failures "$bad" client server
	CUT=$(counter segment_cut)
	what="$option, $host, second"
	bad=$N_NOT_OK
	transfer "$what" "$host"
	capture_shows "$what: the client is told the truth" client -eq 0 "is_synack and (${HAS[$option]})"
	nothing_to_repair "$what" "$option" $((repaired + 1))
	server_got_nothing_else "$what" "$option"
	explain_failures "$bad" client server
	has_all_else "$option" "$host"
}

# nothing_to_repair WHAT OPTION REPAIRED-BEFORE. The cookie does not say which MSS a client was promised: until its
# key changes all of them are watched, and what must not happen is that a segment is too long.
nothing_to_repair() {
	if [ "$2" = mss ]; then
		check_int "$1: nothing to cut" "$(counter segment_cut)" -eq "$CUT"
	else
		check_int "$1: nothing to repair" "$(counter flow_repaired)" -eq "$3"
	fi
}

# has_all_else OPTION HOST: what the server does have is promised. Not ECN without timestamps: the cookie
# remembers it in them.
has_all_else() {
	local other
	for other in "${!HAS[@]}"; do
		[ "$other" = "$1" ] || [ "$1 $other" = "ts ecn" ] || capture_shows "$1, $2: $other is still promised" client -ge 1 \
			"is_synack and (${HAS[$other]})"
	done
}

promises_all() {
	client "$1" "$PORT" >/dev/null || return 1
	seen_in again "is_synack and src == '$1' and has_ts and sack_ok and wscale is not None and ece"
}

# The server has it, then loses it.
one_option() {
	local option=$1 host repaired
	PORT=${PORT_OF[$option]}
	repaired=$(counter flow_repaired)
	for host in "$V4_SRV" "$V6_SRV"; do
		transfer "$option, $host, had" "$host"
		capture_shows "$option, $host, had: promised" client -ge 1 "is_synack and (${HAS[$option]})"
	done
	check_int "$option: nothing to repair" "$(counter flow_repaired)" -eq "$repaired"
	server_option "$option" 0
	lacking "$option" "$V4_SRV"
	lacking "$option" "$V6_SRV"
	server_option "$option" 1
}

net_up
start_server $NOTHING "${PORT_OF[@]}"
# The client asks for all there is.
sw_in "$CLI" sysctl -qw net.ipv4.tcp_ecn=1
start_synward "$(config proxy "$(more_services)")"

# A server that has nothing from the start; the daemon finds out all at once.
server_options 0
PORT=$NOTHING
for host in "$V4_SRV" "$V6_SRV"; do
	for n in first second; do
		transfer "nothing, $host, $n" "$host"
		capture_shows "nothing, $host, $n: the server's SYN-ACK" server -ge 1 \
			"is_synack and not (has_ts or sack_ok or wscale is not None or ece)"
		capture_shows "nothing, $host, $n: the server gets none" server -eq 0 \
			"to($PORT) and not syn and not rst and (has_ts or sack > 0 or ecn != 0 or segment > $SMALL_MSS)"
	done
	capture_shows "nothing, $host: nothing is promised" client -eq 0 \
		"is_synack and (has_ts or sack_ok or wscale is not None or ece or mss > $SMALL_MSS)"
done
check_int "nothing: learned, four options of two families" "$(counter learned)" -eq 8

# And has it all again: nobody is promised it until it is time to see. The minute passes with the servers of the other
# services.
server_options 1
for host in "$V4_SRV" "$V6_SRV"; do
	transfer "all again, $host, at once" "$host"
	capture_shows "all again, $host, at once: nothing is promised yet" client -eq 0 \
		"is_synack and (has_ts or sack_ok or wscale is not None or ece)"
done
for option in "${OPTIONS[@]}"; do
	one_option "$option"
done

# Then everybody.
PORT=$NOTHING
learned=$(counter learned)
for host in "$V4_SRV" "$V6_SRV"; do
	start_named_capture again "$CLI" tcp port "$PORT"
	check "all again, $host: promised after a while" sw_wait_until $RELEARN_S promises_all "$host"
	stop_captures
	transfer "all again, $host" "$host"
	capture_shows "all again, $host: promised" client -ge 1 \
		"is_synack and has_ts and sack_ok and wscale is not None and ece"
	capture_shows "all again, $host: the server agreed" server -ge 1 \
		"is_synack and has_ts and sack_ok and wscale is not None and ece"
done
check_int "all again: learned, four options of two families" "$(counter learned)" -eq $((learned + 8))
finish
