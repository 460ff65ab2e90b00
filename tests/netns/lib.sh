# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the network tests share. Topology, all of it in namespaces of this run's own:
#
#   $CLI                  $MID                                                 $SRV
#   10.77.0.1  ------- dtap0 == synward == dtap1 ------------------------  10.77.0.2
#   fd77::1                  outside   inside                              fd77::2
#   eth0                                                                   eth0
#
# Each host's eth0 is the tap itself, moved into its namespace; or, where WIRE_CLI or WIRE_SRV holds
# arguments for the wire program, a veth pair with that wire between it and the tap:
#
#   eth0 ===veth=== wcli -- wire -- dtap0 == synward == dtap1 -- wire -- wsrv ===veth=== eth0
#
# PORTS chooses what synward's ports are. With af_xdp they are ends of veth pairs, and the other ends
# take the places of the taps:
#
#   eth0 ===veth=== dxdp0 == synward == dxdp1 ===veth=== eth0
#   eth0 ===veth=== wcli -- wire -- pxdp0 ===veth=== dxdp0 == synward == dxdp1 ...
#
# With vhost they are virtio-user ports of two queues, and testpmd joins them to the taps:
#
#   eth0, dtap0 == testpmd ==vhost-user, virtio-user== synward ==virtio-user, vhost-user== testpmd == dtap1, eth0
#
# SW_WORKERS is the number of workers (1), QUEUES that of the queues of each port (as many as there are), IDLE
# what workers do that have nothing to do.
#
# A test: net_up; start_synward CONFIG; start_server PORT...; checks; finish. Everything is cleaned up
# at exit, on Ctrl-C too. Nothing is awaited by a plain sleep.

NETNS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$NETNS_DIR/../../scripts/lib.sh"

CLI=swcli.$$ MID=swmid.$$ SRV=swsrv.$$
PREFIX=swtest.$$
V4_CLI=10.77.0.1 V4_SRV=10.77.0.2
V6_CLI=fd77::1 V6_SRV=fd77::2
WIRE_CLI='' WIRE_SRV=''
PORTS=${PORTS:-tap} # or af_xdp, vhost
PORT_NAMES=()       # outside, inside
QUEUES=${QUEUES:-}
IDLE=${IDLE:-}
SYN_PORTS=''        # of count_server_syns, as nft writes them
CABLES=()           # what a host is connected to: outside, inside
WORK=
PIDS=()      # everything in the background but synward and the wires
WIRE_PIDS=()
SYNWARD_PID=
TESTPMD_PID=
N_OK=0 N_NOT_OK=0

# --- results ---------------------------------------------------------------------------------------

ok() {
	N_OK=$((N_OK + 1))
	echo "ok - $*"
}

not_ok() {
	N_NOT_OK=$((N_NOT_OK + 1))
	echo "not ok - $*"
}

# check WHAT COMMAND...
check() {
	local what=$1
	shift
	if "$@"; then ok "$what"; else not_ok "$what"; fi
}

has_no() {
	! "$@"
}

# check_int WHAT GOT OPERATOR WANT, the operator one of test's: -eq -ge -le ...
check_int() {
	local words="$2 $3 $4"
	if [[ $2 =~ ^[0-9]+$ ]] && test "$2" "$3" "$4"; then ok "$1 ($words)"; else not_ok "$1 ($words)"; fi
}

# check_same WHAT GOT WANT
check_same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '#   got:  %s\n#   want: %s\n' "$2" "$3"
	fi
}

finish() {
	[ -z "$SYNWARD_PID" ] || stop_synward TERM
	echo "# $N_OK ok, $N_NOT_OK not ok"
	[ $N_NOT_OK -eq 0 ] && [ $N_OK -gt 0 ]
	exit
}

# --- set-up and clean-up ---------------------------------------------------------------------------

clean_up() {
	local rc=$? pid
	trap - EXIT INT TERM
	for pid in "${PIDS[@]}" "${WIRE_PIDS[@]}"; do
		sw_end "$pid" TERM 3 2>/dev/null
	done
	[ -z "$SYNWARD_PID" ] || sw_end "$SYNWARD_PID" TERM 10
	if [ $rc -ne 0 ] && [ -s "$WORK/synward.err" ]; then
		sed 's/^/# synward: /' "$WORK/synward.err" | tail -20
	fi
	for ns in "$CLI" "$MID" "$SRV"; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$WORK" "/var/run/dpdk/$PREFIX" "/var/run/dpdk/$PREFIX.testpmd"
	exit $rc
}

need_program() {
	[ -x "$1" ] || sw_die "$1 is not built: run scripts/test.sh, or meson setup build && ninja -C build"
}

net_up() {
	[ "$(id -u)" = 0 ] || sw_die "the network tests need root: they make namespaces"
	need_program "$SW_SYNWARD"
	need_program "$SW_WIRE"
	WORK=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	sw_choose_cpus
	choose_ports
	local ns
	for ns in "$CLI" "$MID" "$SRV"; do
		sw_namespace "$ns" || sw_die "cannot make network namespaces here"
	done
	# The middle has no stack of its own: only taps and the ends of veths.
	sw_in "$MID" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	# A connection must not start with what an earlier one learned.
	sw_in "$CLI" sysctl -qw net.ipv4.tcp_no_metrics_save=1
	sw_in "$SRV" sysctl -qw net.ipv4.tcp_no_metrics_save=1
}

choose_ports() {
	CABLES=(dtap0 dtap1)
	PORT_NAMES=("net_${PORTS}0" "net_${PORTS}1")
	case $PORTS in
	tap) ;;
	vhost)
		PORT_NAMES=(virtio_user0 virtio_user1)
		SW_VDEVS=("--vdev=virtio_user0,path=$WORK/vhost0,queues=${QUEUES:-1}"
			"--vdev=virtio_user1,path=$WORK/vhost1,queues=${QUEUES:-1}")
		;;
	af_xdp)
		CABLES=(pxdp0 pxdp1)
		SW_VDEVS=('--vdev=net_af_xdp0,iface=dxdp0' '--vdev=net_af_xdp1,iface=dxdp1')
		;;
	*) sw_die "PORTS=$PORTS: it is tap, af_xdp or vhost" ;;
	esac
}

# One core between the taps and the sockets of vhost-user. It ends when its input does: that never says anything.
start_testpmd() {
	rm -f "$WORK"/vhost[01]
	[ -p "$WORK/silence" ] || mkfifo "$WORK/silence"
	# shellcheck disable=SC2016 # expanded there
	spawn_until 'Press enter' "$WORK/testpmd" sw_peers "$MID" bash -c 'fifo=$1; shift; exec "$@" <>"$fifo"' - \
		"$WORK/silence" stdbuf -oL dpdk-testpmd --no-huge -m 256 --no-pci --file-prefix "$PREFIX.testpmd" \
		--lcores "0@$SW_CPU_PEERS,1@$SW_CPU_PEERS" \
		--vdev="net_vhost0,iface=$WORK/vhost0,queues=${QUEUES:-1}" --vdev=net_tap0,iface=dtap0 \
		--vdev="net_vhost1,iface=$WORK/vhost1,queues=${QUEUES:-1}" --vdev=net_tap1,iface=dtap1 \
		-- --no-mlockall --forward-mode=io --nb-cores=1 "--rxq=${QUEUES:-1}" "--txq=${QUEUES:-1}" \
		--total-num-mbufs=16384 --auto-start
	TESTPMD_PID=$SPAWNED
}

# The taps come with the daemon; what it takes for ports otherwise must be there before.
make_ports() {
	local n
	[ "$PORTS" != vhost ] || start_testpmd
	[ "$PORTS" = af_xdp ] || return 0
	for n in 0 1; do
		ip -n "$MID" link add dxdp$n mtu 1508 type veth peer name pxdp$n mtu 1508 || return 1
		# A segment without a checksum of its own would go out as it is.
		sw_in "$MID" ethtool -K pxdp$n tso off gso off gro off tx off >/dev/null || return 1
		ip -n "$MID" link set dxdp$n up || return 1
	done
}

# Both ends use this congestion control where the kernel lets namespaces choose it.
prefer_congestion_control() {
	grep -qw "$1" /proc/sys/net/ipv4/tcp_allowed_congestion_control || return 0
	sw_in "$CLI" sysctl -qw net.ipv4.tcp_congestion_control="$1"
	sw_in "$SRV" sysctl -qw net.ipv4.tcp_congestion_control="$1"
}

# spawn LOG COMMAND...: in the background, ended at the end; sets SPAWNED.
spawn() {
	local log=$1
	shift
	# Not left to the child: who waits for a text must not find that of an earlier run.
	: >"$log"
	: >"$log.err"
	SW_EXEC="exec" "$@" >"$log" 2>"$log.err" &
	SPAWNED=$!
	PIDS+=("$SPAWNED")
}

says_ready() {
	grep -q "$2" "$1" "$1.err" 2>/dev/null
}

spawn_until() {
	local text=$1 log=$2
	shift 2
	spawn "$log" "$@"
	sw_wait_until 20 says_ready "$log" "$text" || { cat "$log" "$log.err"; sw_die "$1: not ready"; }
}

# plug HOST-NAMESPACE CABLE VETH WIRE-ARGUMENTS: connects a host to a tap, or to a port's veth.
plug() {
	local ns=$1 cable=$2 veth=$3
	shift 3
	if [ $# -eq 0 ]; then
		ip -n "$MID" link set "$cable" netns "$ns" && ip -n "$ns" link set "$cable" name eth0 mtu 1500
		return
	fi
	ip -n "$MID" link add "$veth" type veth peer name eth0 netns "$ns" || return 1
	sw_in "$MID" ethtool -K "$veth" tso off gso off gro off tx off >/dev/null 2>&1
	# Room for two tags of the wire's.
	ip -n "$MID" link set "$cable" mtu 1508 up
	ip -n "$MID" link set "$veth" up
	: >"$WORK/$veth.log"
	taskset -c "$SW_CPU_PEERS" "$SW_WIRE" --a "$MID/$veth" --b "$MID/$cable" "$@" \
		>"$WORK/$veth.log" 2>&1 &
	WIRE_PIDS+=($!)
	sw_wait_until 10 grep -q '^wire: ready' "$WORK/$veth.log" || { cat "$WORK/$veth.log"; return 1; }
}

can_ping() {
	sw_in "$CLI" ping -q -c 1 -W 1 "$V4_SRV" >/dev/null 2>&1 &&
		sw_in "$CLI" ping -6 -q -c 1 -W 1 "$V6_SRV" >/dev/null 2>&1
}

# start_synward CONFIG: daemon, cables and addresses; returns when both ends can ping each other.
start_synward() {
	make_ports || sw_die "cannot make veth pairs for ports"
	sw_launch "$MID" "$PREFIX" "$1" "$WORK/synward" || sw_die "no synward, no test"
	SYNWARD_PID=$SW_PID
	# shellcheck disable=SC2086
	plug "$CLI" "${CABLES[0]}" wcli $WIRE_CLI || sw_die "cannot connect the client"
	# shellcheck disable=SC2086
	plug "$SRV" "${CABLES[1]}" wsrv $WIRE_SRV || sw_die "cannot connect the server"
	sw_host_interface "$CLI" "$V4_CLI" "$V6_CLI" || sw_die "cannot set the client's address"
	sw_host_interface "$SRV" "$V4_SRV" "$V6_SRV" || sw_die "cannot set the server's address"
	# Answers to sources that do not exist go back the way they came.
	ip -n "$SRV" route add default via "$V4_CLI"
	sw_wait_until 20 can_ping || sw_die "no way through: the ends cannot ping each other"
}

# stop_synward SIGNAL: ends it and the wires; its summary stays in $WORK/synward. Returns synward's exit status.
stop_synward() {
	local pid=$SYNWARD_PID rc wire
	SYNWARD_PID=
	for wire in "${WIRE_PIDS[@]}"; do
		sw_end "$wire"
	done
	WIRE_PIDS=()
	sw_end "$pid" "$1"
	rc=$?
	[ -z "$TESTPMD_PID" ] || sw_end "$TESTPMD_PID"
	TESTPMD_PID=
	# The taps go with the daemon; veths have to be taken away.
	ip -n "$CLI" link del eth0 2>/dev/null
	ip -n "$SRV" link del eth0 2>/dev/null
	ip -n "$MID" link del dxdp0 2>/dev/null
	ip -n "$MID" link del dxdp1 2>/dev/null
	return $rc
}

# For config(): short timers of what both ends have closed, so that the end can be seen. closing is longer: in that time the
# other end must close, too, and one thread of 500 that share a CPU may take seconds to get to it.
# shellcheck disable=SC2034 # used by tests
TIMEOUTS='timeouts: {established: 60s, closing: 60s, closed: 1s, reset: 1s}'

# config [MODE [MORE-TOP-LEVEL-YAML]]: writes a configuration; prints its path. Ports 5000-5099 are
# protected.
config() {
	local file
	file=$(mktemp "$WORK/config.XXXXXX")
	cat >"$file" <<-YAML
	ports: {outside: ${PORT_NAMES[0]}, inside: ${PORT_NAMES[1]}${QUEUES:+, queues: $QUEUES}}
	flows: 64k
	idle: ${IDLE:-poll}
	services:
	  - name: test
	    addresses: [$V4_SRV, "$V6_SRV"]
	    ports: [5000-5099]
	    mode: ${1:-proxy}
	${2:-}
	YAML
	echo "$file"
}

# --- what the ends do ------------------------------------------------------------------------------

start_server() {
	spawn_until '^peer: ready' "$WORK/server" sw_peers "$SRV" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" serve "$@"
}

# client HOST PORT [OPTION...]: runs it; its JSON goes to $WORK/client.
client() {
	sw_peers "$CLI" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" client "$@" >"$WORK/client" 2>"$WORK/client.err"
	local rc=$?
	[ $rc -eq 0 ] || sed 's/^/# client: /' "$WORK/client" "$WORK/client.err"
	return $rc
}

# tcp_options TIMESTAMPS SACK WINDOW-SCALING, each 0 or 1: of the client.
tcp_options() {
	sw_in "$CLI" sysctl -qw net.ipv4.tcp_timestamps="$1" net.ipv4.tcp_sack="$2" \
		net.ipv4.tcp_window_scaling="$3"
}

options_name() {
	local on=("off" "on")
	echo "timestamps ${on[$1]}, sack ${on[$2]}, wscale ${on[$3]}"
}

# --- what was counted ------------------------------------------------------------------------------

# counter NAME: a counter of synward.
counter() {
	sw_stats "$PREFIX" "$1"
}

# service_counter NAME: the same of the service that config() makes.
service_counter() {
	sw_stats "$PREFIX" --command /synward/services "test.$1"
}

counter_is() {
	local value
	value=$(counter "$1") && test "$value" "$2" "$3"
}

# is_stopped PID: by a signal, until SIGCONT.
is_stopped() {
	grep -q '^State:.T' "/proc/$1/status"
}

# nstat_of NAMESPACE NAME: a counter of that namespace's kernel.
nstat_of() {
	sw_in "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}

# Counts the SYNs that reach the server's stack: all, or those to SYN_PORTS.
count_server_syns() {
	sw_in "$SRV" nft -f - <<-NFT
	table inet count {
		counter syns { }
		chain in {
			type filter hook prerouting priority raw;
			${SYN_PORTS:+tcp dport $SYN_PORTS} tcp flags & (syn | ack) == syn counter name syns
		}
	}
	NFT
}

server_syns() {
	sw_in "$SRV" nft list counter inet count syns | awk '/packets/ { print $2 }'
}

# start_capture NAMESPACE FILE FILTER...: returns when it runs; sets CAPTURE_PID.
start_capture() {
	local ns=$1 file=$2
	shift 2
	spawn_until 'listening on' "$WORK/tcpdump" \
		sw_in "$ns" tcpdump -Z root -U --immediate-mode -s 128 -i eth0 -w "$file" "$@"
	CAPTURE_PID=$SPAWNED
}

stop_capture() {
	sw_end "$CAPTURE_PID" INT
}

# start_flood PORT [HPING3 OPTION...]: SYNs from random sources to the server's IPv4 address, bounded in
# time; sets FLOOD_PID. With FLOOD_NICE=0 as urgent as all else: for where a worker polls on its CPU.
start_flood() {
	local port=$1
	shift
	spawn "$WORK/hping3" sw_peers "$CLI" nice -n "${FLOOD_NICE:-19}" timeout -s INT 300 \
		hping3 -q -S --rand-source -p "$port" "$@" "$V4_SRV"
	FLOOD_PID=$SPAWNED
}

stop_flood() {
	sw_end "$FLOOD_PID" INT
	awk '/packets transmitted/ { print $1 }' "$WORK/hping3.err" "$WORK/hping3" | head -1
}
