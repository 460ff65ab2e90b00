#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2016,SC2317 # the fields are awk's; functions are called by name
# The impaired wire itself, without synward: what the other tests stand on. Two wires, back to back, so that
# what the first does with tags the second must undo:
#
#   client eth0 ==veth== a1 -- wire -- b1 ==veth== b2 -- wire -- a2 ==veth== eth0 server
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

veth() {
	ip -n "$MID" link add "$1" mtu 1508 type veth peer name "$2" netns "${3:-$MID}"
	sw_in "$MID" ethtool -K "$1" tso off gso off gro off tx off >/dev/null
	ip -n "$MID" link set "$1" up
}

# wire_up PORT-A PORT-B OPTION...
wire_up() {
	local log=$WORK/wire.$1
	: >"$log"
	taskset -c "$SW_CPU_PEERS" "$SW_WIRE" --a "$MID/$1" --b "$MID/$2" "${@:3}" >"$log" 2>&1 &
	WIRE_PIDS+=($!)
	sw_wait_until 10 grep -q '^wire: ready' "$log" || { cat "$log"; sw_die "no wire"; }
}

# Ends both and checks their books: everything is accounted for, nothing was too large or refused.
wires_down() {
	local what=$1 pid rc=0
	for pid in "${WIRE_PIDS[@]}"; do
		sw_end "$pid" || rc=1
	done
	WIRE_PIDS=()
	check_int "$what: exit status" $rc -eq 0
	check "$what: in + dup = out + lost + overflowed + queued" awk '
		/^(ab|ba) / { if ($3 + $9 != $5 + $7 + $15 + $17) bad++; seen++ }
		/^[ab] received/ { if ($7 + $9 + $11) bad++ }
		/^untagged/ { if ($2) bad++ }
		END { exit bad || seen != 4 }' "$WORK/wire.a1" "$WORK/wire.a2"
	sed 's/^/# /' "$WORK/wire.a1"
}

# happened FIELD: the counter in that column is not zero in both directions of the first wire.
happened() {
	awk -v at="$1" '/^(ab|ba) / && $at > 0 { n++ } END { exit n != 2 }' "$WORK/wire.a1"
}

# through WHAT SIZE OPTION...: with these options of the first wire and the same tags on the second.
through() {
	local what=$1 size=$2 tags=()
	shift 2
	case ${1:-} in --vlan | --qinq) tags=("$1" "$2") ;; esac
	wire_up a1 b1 "$@"
	wire_up a2 b2 "${tags[@]}"
	sw_wait_until 20 can_ping || not_ok "$what: ping"
	check "$what: IPv4" client "$V4_SRV" 5000 --down "$size" --up "$size"
	check "$what: IPv6" client "$V6_SRV" 5000 --down "$size" --up "$size"
}

net_up
veth a1 eth0 "$CLI"
veth a2 eth0 "$SRV"
veth b1 b2
ip -n "$MID" link set b2 mtu 1508 up
sw_in "$MID" ethtool -K b2 tso off gso off gro off tx off >/dev/null
sw_host_interface "$CLI" "$V4_CLI" "$V6_CLI"
sw_host_interface "$SRV" "$V4_SRV" "$V6_SRV"
start_server 5000

through "clean" 20000000
wires_down "clean"

for tag in "--vlan 7" "--qinq 100.7"; do
	# shellcheck disable=SC2086
	through "$tag" 5000000 $tag
	# What is between the two wires does carry the tags.
	pattern='802.1Q'
	[ "$tag" = "--vlan 7" ] || pattern='802.1Q-QinQ.*vlan 7'
	spawn_until 'listening on' "$WORK/tags" \
		sw_in "$MID" tcpdump -Z root -l -c 1 --immediate-mode -nei b2
	check "$tag: ping" can_ping
	check "$tag: seen between the wires" sw_wait_until 10 grep -qE "$pattern" "$WORK/tags"
	wires_down "$tag"
done

through "loss, duplication, reordering, corruption, jitter" 2000000 --delay-ms 2 --jitter-ms 1 \
	--loss 1 --dup 1 --reorder 1 --corrupt 1 --seed 5
wires_down "all at once"
check "packets were lost" happened 7
check "packets were duplicated" happened 9
check "packets were reordered" happened 11
check "packets were corrupted" happened 13

through "one direction only" 200000 --ab-delay-ms 30
rtt=$(sw_in "$CLI" ping -q -c 3 -i 0.2 "$V4_SRV" | awk -F / '/^rtt/ { print int($5) }')
check_int "one direction only: round trip, ms" "$rtt" -ge 30
wires_down "one direction only"

for wrong in "--a x" "--a x --b y --loss 101" "--a x --b y --loss x" "--a x --b y --vlan 4095" \
	"--a x --b y --qinq 5" "--a x --b y --seed" "--a x --b y --nosuch 1"; do
	# shellcheck disable=SC2086
	"$SW_WIRE" $wrong >/dev/null 2>"$WORK/out"
	check_int "wire $wrong: exit status" $? -eq 2
done
"$SW_WIRE" --a nosuch/eth0 --b y >/dev/null 2>"$WORK/out"
check_int "wire on a namespace that does not exist: exit status" $? -eq 1
finish
