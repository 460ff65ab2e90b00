# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# bench.sh transfer: one long TCP connection between two hosts. Sourced by scripts/bench.sh.
#
#   namespace cli ==veth or tap== port 0 [ synward, or testpmd ] port 1 ==veth or tap== namespace srv

TRANSFER_CLI=10.77.0.1 TRANSFER_SRV=10.77.0.2 TRANSFER_PORT=5000

# The ports of the device; veths are made here, taps by the driver.
transfer_ports() {
	local i ends=("$CLI" "$SRV")
	DEVICE_PORTS=("--vdev=net_${WIRE}0,iface=dport0" "--vdev=net_${WIRE}1,iface=dport1")
	OUTSIDE=net_${WIRE}0 INSIDE=net_${WIRE}1
	[ "$WIRE" = af_xdp ] || return 0
	for i in 0 1; do
		ip -n "$MID" link add "dport$i" type veth peer name eth0 netns "${ends[$i]}" || return 1
		sw_in "$MID" ethtool -K "dport$i" tso off gso off gro off tx off >/dev/null 2>&1
		ip -n "$MID" link set "dport$i" up
	done
}

# The hosts' ends of them.
connect_hosts() {
	if [ "$WIRE" = tap ]; then
		ip -n "$MID" link set dport0 netns "$CLI" && ip -n "$CLI" link set dport0 name eth0 &&
			ip -n "$MID" link set dport1 netns "$SRV" && ip -n "$SRV" link set dport1 name eth0 ||
			return 1
	fi
	sw_host_interface "$CLI" "$TRANSFER_CLI" fd77::1 && sw_host_interface "$SRV" "$TRANSFER_SRV" fd77::2
}

can_ping() {
	sw_in "$CLI" ping -q -c 1 -W 1 "$TRANSFER_SRV" >/dev/null 2>&1
}

# transfer_up synward|testpmd: starts it between the hosts; both on the same core, with the same memory.
transfer_up() {
	transfer_ports || sw_die "cannot make the ports"
	device_up "$1" io paired
	connect_hosts || { tail -20 "$WORK/device" >&2; sw_die "cannot connect the hosts to $1"; }
	sw_wait_until 20 can_ping || { tail -20 "$WORK/device" >&2; sw_die "no way through $1"; }
}

transfer_down() {
	device_down
	ip -n "$CLI" link del eth0 2>/dev/null
	ip -n "$SRV" link del eth0 2>/dev/null
	return 0
}

# iperf [-R]: one connection; prints what the receiver got, Gbit/s, and the segments sent again.
iperf() {
	sw_peers "$CLI" iperf3 -J -c "$TRANSFER_SRV" -p $TRANSFER_PORT -t "$SECONDS_EACH" "$@" \
		>"$WORK/iperf.json" 2>&1
	"${SW_PYTHON[@]}" -c '
import json, sys
try:
    end = json.load(open(sys.argv[1]))["end"]
    print("%.3f %d" % (end["sum_received"]["bits_per_second"] / 1e9, end["sum_sent"].get("retransmits", 0)))
except (KeyError, ValueError):
    sys.exit("iperf3: " + open(sys.argv[1]).read()[:300])
' "$WORK/iperf.json" || exit 1
}

iperf_listens() {
	sw_in "$SRV" ss -tlnH "sport = :$TRANSFER_PORT" | grep -q .
}

# transfer_once synward|testpmd: one round of it, both directions.
transfer_once() {
	local who=$1 up up_again down down_again spliced
	transfer_up "$who"
	SW_EXEC="exec" sw_peers "$SRV" iperf3 -s -p $TRANSFER_PORT >"$WORK/server" 2>&1 &
	SERVER_PID=$!
	sw_wait_until 10 iperf_listens || sw_die "iperf3 does not listen"
	read -r up up_again < <(iperf)
	read -r down down_again < <(iperf -R)
	if [ -z "$up" ] || [ -z "$down" ]; then sw_die "$who: no figures"; fi
	sw_end "$SERVER_PID"
	SERVER_PID=''
	# What went the other way would be a figure of something else: iperf3 opens two connections a run.
	if [ "$who" = synward ]; then
		spliced=$(sw_stats "$PREFIX" flow_established)
		[ "${spliced:-0}" -ge 4 ] || sw_die "the connections did not go through the proxy"
	fi
	transfer_down
	record "who=$who" direction=to_server "value=$up" "segments_sent_again=$up_again"
	record "who=$who" direction=to_client "value=$down" "segments_sent_again=$down_again"
}

bench_transfer() {
	local i who
	[ -n "$WIRE_GIVEN" ] || WIRE=af_xdp
	case $WIRE in
	memif | vhost) bad_usage "transfer is between hosts, which have no $WIRE: --wire is af_xdp or tap" ;;
	esac
	prepare iperf3 dpdk-testpmd ethtool
	choose_memory 512
	MODE=proxy
	SERVICE_ADDRESSES="$TRANSFER_SRV, \"fd77::2\"" SERVICE_PORTS=$TRANSFER_PORT
	new_figures
	for ((i = 1; i <= ROUNDS; i++)); do
		begin_round "$i"
		for who in "${ORDER[@]}"; do
			transfer_once "$who"
		done
	done
	report transfer Gbit/s 'testpmd io'
}
