# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the tests of special cases share, beyond lib.sh, which this file reads itself.

# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# --- captures --------------------------------------------------------------------------------------

# start_named_capture NAME NAMESPACE[/INTERFACE] [FILTER...]: of eth0 where none is named, into
# $WORK/NAME.pcap; any number of them at once.
declare -A CAPTURES
start_named_capture() {
	local name=$1 ns=${2%%/*} interface=eth0
	[ "$2" = "$ns" ] || interface=${2#*/}
	shift 2
	spawn_until 'listening on' "$WORK/tcpdump.$name" \
		sw_in "$ns" tcpdump -Z root -U --immediate-mode -s 160 -B 16384 -i "$interface" -w "$WORK/$name.pcap" "$@"
	CAPTURES[$name]=$SPAWNED
}

# Ends all of them; what a full buffer lost would make a test say what is not so.
stop_captures() {
	local name
	for name in "${!CAPTURES[@]}"; do
		sw_end "${CAPTURES[$name]}" INT
		if ! grep -q '^0 packets dropped by kernel' "$WORK/tcpdump.$name.err"; then
			not_ok "capture $name is whole: $(grep dropped "$WORK/tcpdump.$name.err")"
		fi
	done
	CAPTURES=()
}

# captured NAME EXPRESSION: number of packets for which it is true; see capture.py.
captured() {
	"${SW_PYTHON[@]}" "$NETNS_DIR/capture.py" "$WORK/$1.pcap" --count "$2"
}

# show_captured NAME EXPRESSION [FORM]
show_captured() {
	"${SW_PYTHON[@]}" "$NETNS_DIR/capture.py" "$WORK/$1.pcap" --show "$2" ${3:+--as "$3"}
}

# seen_in NAME EXPRESSION: such a packet has been captured already; for waiting. A packet that is being
# written at this moment is read at the next try.
seen_in() {
	[ "$(captured "$1" "$2" 2>/dev/null || echo 0)" -gt 0 ]
}

# capture_shows WHAT NAME OPERATOR NUMBER EXPRESSION
capture_shows() {
	local n
	n=$(captured "$2" "$5")
	check_int "$1" "$n" "$3" "$4"
	if ! { [[ $n =~ ^[0-9]+$ ]] && test "$n" "$3" "$4"; }; then
		show_captured "$2" "$5" | head -5 | sed 's/^/# /'
	fi
}

# explain_failures SINCE NAME...: prints both ends of the captures where checks failed since N_NOT_OK was SINCE.
explain_failures() {
	local since=$1 name
	shift
	[ "$since" -ne "$N_NOT_OK" ] || return 0
	for name in "$@"; do
		echo "# capture $name:"
		show_captured "$name" True | awk '{ line[NR] = $0 }
			END { for (i = 1; i <= NR; i++) if (i <= 20 || i > NR - 20) print "#   " line[i] }'
	done
}

# --- more namespaces and other configurations --------------------------------------------------------

# add_namespace NAME: one more, taken away at the end.
MORE_NAMESPACES=()
add_namespace() {
	MORE_NAMESPACES+=("$1")
	sw_namespace "$1"
}

del_more_namespaces() {
	local ns
	for ns in "${MORE_NAMESPACES[@]}"; do
		ip netns del "$ns" 2>/dev/null
	done
}

# A host behind a router: far_up ROUTER makes $FAR (10.78.0.9, fd78::9) with a veth to the router's eth1; the router
# is $CLI or $SRV, which must have its eth0 already. Routes on the other side of the proxy are the caller's.
FAR=swfar.$$
V4_FAR=10.78.0.9 V6_FAR=fd78::9 V4_GATE=10.78.0.1 V6_GATE=fd78::1
far_up() {
	local router=$1
	add_namespace "$FAR" || sw_die "cannot make a namespace"
	ip -n "$router" link add eth1 type veth peer name eth0 netns "$FAR"
	sw_in "$router" ethtool -K eth1 tso off gso off gro off tx off >/dev/null 2>&1
	sw_in "$router" ip addr add "$V4_GATE/24" dev eth1
	sw_in "$router" ip -6 addr add "$V6_GATE/64" dev eth1 nodad
	ip -n "$router" link set eth1 up
	sw_host_interface "$FAR" "$V4_FAR" "$V6_FAR"
	ip -n "$FAR" route add default via "$V4_GATE"
	ip -n "$FAR" -6 route add default via "$V6_GATE"
	sw_in "$router" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# far_down ROUTER: the veth goes first, since a namespace takes a while to end.
far_down() {
	ip -n "$1" link del eth1
	ip netns del "$FAR"
}

# Around lib.sh's: what the trap calls.
eval "base_$(declare -f clean_up)"
clean_up() {
	local rc=$?
	del_more_namespaces
	(exit $rc)
	base_clean_up
}

# config_of V4 V6 [MORE-TOP-LEVEL-YAML]: like config(), for another server's addresses.
config_of() {
	V4_SRV=$1 V6_SRV=$2 config proxy "${3:-}"
}
