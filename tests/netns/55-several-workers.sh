#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
# Several workers on ports that spread packets in ways of their own: taps, and virtio-user with two queues. Both
# directions of a connection then come in on different queues, and ICMP errors on others; where a port has fewer
# queues than there are workers, some workers have none. Every connection is served, every worker has its share,
# nothing is lost between them. That no worker sees a connection of another is asserted by the daemon itself.
#
#   $FAR eth0 ==veth== eth1 $CLI eth0 --- synward, 2 to 4 workers --- eth0 $SRV
# shellcheck source=tests/netns/lib-extra.sh
. "$(dirname "$0")/lib-extra.sh"

CONNECTIONS=${CONNECTIONS:-200} SIZE=${SIZE:-2000000}
MTU=1280
PMTU_CONNECTIONS=8
FLOOD=10000 # SYNs that must come in while connections are made

# worker NUMBER NAME: a number of one worker.
worker() {
	sw_stats "$PREFIX" --command /synward/workers "worker_$1.$2"
}

# Both asked for at once, and twice: nothing was on its way in between.
given_are_taken() {
	local one two
	one=$(sw_stats "$PREFIX" handover_given handover_taken)
	two=$(sw_stats "$PREFIX" handover_given handover_taken)
	[ "$one" = "$two" ] && awk '{ for (i = 1; i <= NF; i++) n[++k] = $i } END { exit !(k == 2 && n[1] > 0 && n[1] == n[2]) }' \
		<<<"$one"
}

# What was lost between the workers.
lost_between() {
	local name sum=0
	for name in handover_full handover_tx_full_outside handover_tx_full_inside; do
		sum=$((sum + $(counter $name)))
	done
	echo $sum
}

connections() {
	local host
	for host in "$V4_SRV" "$V6_SRV"; do
		check "$WHAT, $host: $CONNECTIONS connections are served" client "$host" 5000 \
			--closer alternate --connections "$CONNECTIONS" --parallel 20
		check "$WHAT, $host: bytes are right at both ends" client "$host" 5000 --down "$SIZE" --up "$SIZE"
	done
	MADE=$((2 * CONNECTIONS + 2))
}

# The kernel spreads ICMP by addresses: all errors come in on one queue, whoever owns their connections.
path_mtu() {
	local host translated stray
	translated=$(counter icmp_translated)
	stray=$(nstat_of "$SRV" TcpExtOutOfWindowIcmps)
	ip -n "$CLI" route replace 10.78.0.0/24 dev eth1 mtu lock $MTU
	ip -n "$CLI" -6 route replace fd78::/64 dev eth1 metric 256 mtu lock $MTU
	for host in "$V4_SRV" "$V6_SRV"; do
		for ((n = 0; n < PMTU_CONNECTIONS; n++)); do
			sw_in "$SRV" ip route flush cache
			sw_in "$SRV" ip -6 route flush cache
			sw_peers "$FAR" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" client "$host" 5000 --down 100000 >>"$WORK/far" || break
		done
		check_int "$WHAT, $host: connections through a router with an MTU of $MTU" $n -eq $PMTU_CONNECTIONS
	done
	MADE=$((MADE + 2 * PMTU_CONNECTIONS))
	check_int "$WHAT: ICMP errors translated" $(($(counter icmp_translated) - translated)) -ge $((2 * PMTU_CONNECTIONS))
	check_int "$WHAT: ICMP errors without their connection" "$(counter drop_icmp_no_flow)" -eq 0
	check_int "$WHAT: ICMP errors thought bad" "$(counter drop_icmp_bad)" -eq 0
	# Of one that was overtaken on another queue the segment has been acknowledged already; untranslated, all are so.
	check_int "$WHAT: of them, with a sequence number that the server does not know" \
		$(($(nstat_of "$SRV" TcpExtOutOfWindowIcmps) - stray)) -le $((($(counter icmp_translated) - translated) / 4))
}

# At a rate that each CPU keeps up with while it does everything else as well; not nice, as the
# worker on that CPU may poll.
flood() {
	local before syns
	before=$(counter syn_received)
	FLOOD_NICE=0 start_flood 5000 -i u100
	check "$WHAT, in a flood: $CONNECTIONS connections are served" client "$V4_SRV" 5000 \
		--closer alternate --connections "$CONNECTIONS" --parallel 4
	check "$WHAT, in a flood: SYNs" sw_wait_until 60 counter_is syn_received -gt $((before + FLOOD))
	sw_end "$FLOOD_PID" INT
	MADE=$((MADE + CONNECTIONS))
	syns=$((MADE + $(counter server_syn_retransmitted)))
	check_int "$WHAT: SYNs that the server saw" "$(server_syns)" -eq $syns
}

# Rings that have packets in them when the workers end.
stop_in_a_flood() {
	local before rc
	before=$(counter syn_received)
	FLOOD_NICE=0 start_flood 5000 --flood
	check "$WHAT: a flood at full rate" sw_wait_until 60 counter_is syn_received -gt $((before + 10000))
	# From here on nice: what ends must not wait for the CPU. timeout(1) has made a group of the two.
	renice -n 19 -g "$FLOOD_PID" >/dev/null
	stop_synward TERM
	rc=$?
	sw_end "$FLOOD_PID" INT
	check_int "$WHAT: exit status" $rc -eq 0
	check "$WHAT: every packet buffer came back" has_no grep -q 'did not come back' "$WORK/synward.err"
}

shares() {
	local w name
	for ((w = 0; w < SW_WORKERS; w++)); do
		check_int "$WHAT, worker $w: flows made" "$(worker $w flow_created)" -gt 0
		# Of one queue, all that comes in is with its worker already.
		if [ "$QUEUES" -gt 1 ] || [ $w -gt 0 ]; then
			check_int "$WHAT, worker $w: packets taken from others" "$(worker $w handover_taken)" -gt 0
		fi
		name=handover_given
		[ $w -lt "$QUEUES" ] || name=handover_tx
		check_int "$WHAT, worker $w: $name" "$(worker $w $name)" -gt 0
	done
	check_int "$WHAT: flows made, one for each connection" \
		$(($(counter flow_created) + $(counter flow_reopened))) -eq $MADE
	check_int "$WHAT: lost between workers" "$(lost_between)" -eq 0
	check "$WHAT: no flow is left after the timers" sw_wait_until 90 counter_is flows -eq 0
	# Neighbour discovery and the like go on.
	check "$WHAT: packets given and taken" sw_wait_until 20 given_are_taken
}

# several PORTS WORKERS QUEUES IDLE
several() {
	PORTS=$1 SW_WORKERS=$2 QUEUES=$3 IDLE=$4
	WHAT="$2 workers, $3 queues, $1, $4"
	choose_ports
	sw_choose_lcores
	start_synward "$(config proxy "$TIMEOUTS")"
	check "$WHAT: says how it steers" \
		grep -q "$2 workers (queues $3 and $3, owners by hash)" "$WORK/synward"
	far_up "$CLI"
	ip -n "$SRV" -6 route add default via "$V6_CLI"
	start_server 5000
	SERVER_PID=$SPAWNED
	count_server_syns
	connections
	path_mtu
	flood
	shares
	far_down "$CLI"
	sw_in "$SRV" nft delete table inet count
	sw_end "$SERVER_PID"
	stop_in_a_flood
}

net_up
check "the daemon is built with assertions" grep -aqF 'sw_steer_all_mine(w->handover->steer' "$SW_SYNWARD"
several tap 2 2 poll
several tap 4 2 sleep
several tap 3 1 sleep
several vhost 2 2 poll
several vhost 4 2 sleep
finish
