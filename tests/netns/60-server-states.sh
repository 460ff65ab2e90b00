#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
# Servers that are silent, refuse, reset or close by halves; and what is not the proxy's business: ARP,
# neighbour discovery, ping and other ports.
IDLE=${IDLE:-sleep} # what takes its time here is timers
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

SILENT=5001 REFUSED=5002 OPEN=5000 OTHER=6000

# Everything for the silent port is counted by kind and dropped.
silence() {
	sw_in "$SRV" nft -f - <<-NFT
	table inet silent {
		counter seen { }
		chain in {
			type filter hook input priority 0;
			tcp dport $SILENT counter name seen drop
		}
	}
	NFT
}

silent_seen() {
	sw_in "$SRV" nft list counter inet silent seen | awk '/packets/ { print $2 }'
}

# fails_with WHAT LOG: the client's only error.
fails_with() {
	grep -q "\"served\": 0, \"errors\": {\"$2" "$1"
}

net_up
start_synward "$(config proxy)"
start_server $OPEN $OTHER
silence
count_server_syns

# Silent: the proxy's SYN goes out at 0, 1, 3 and 7 s, the client is reset at 15 s. Runs beside the rest.
spawn "$WORK/silent" sw_peers "$CLI" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" client "$V4_SRV" $SILENT --timeout 60
silent_pid=$SPAWNED

for host in "$V4_SRV" "$V6_SRV"; do
	# Not by connect(): the proxy has said yes by then. By a reset right after it.
	refused=$(counter server_refused)
	has_no client "$host" $REFUSED --timeout 60 >/dev/null
	check "$host refused: the client is reset" fails_with "$WORK/client" 'ConnectionResetError'
	# Twice where the client's data came after the refusal and proved the cookie once more.
	refused=$(($(counter server_refused) - refused))
	check "$host refused: counted ($refused)" test $refused -eq 1 -o $refused -eq 2

	# Resets, half-closes and closes of either end.
	for closer in reset half client server; do
		check "$host $closer: bytes and end are right" client "$host" $OPEN --closer $closer \
			--connections 10 --up 200000 --down 200000
	done

	# Outside the services: untouched, no cookie.
	passed=$(counter bridged)
	flows=$(counter flow_created)
	check "$host unprotected port: works" client "$host" $OTHER --connections 5 --up 100000
	check_int "$host unprotected port: bridged" $(($(counter bridged) - passed)) -ge 50
	check_int "$host unprotected port: no flow" "$(counter flow_created)" -eq "$flows"
	check "$host ping goes through" can_ping
done
check "reset flows are gone in their time" sw_wait_until 60 counter_is flow_reset -ge 20

# ARP and neighbour discovery anew, through the proxy.
ip -n "$CLI" neigh flush all
ip -n "$SRV" neigh flush all
bridged=$(counter bridged)
check "after the neighbours were forgotten: found again" sw_wait_until 10 can_ping
check_int "ARP and neighbour discovery are bridged" $(($(counter bridged) - bridged)) -ge 8
check_same "the client's neighbour is the server itself" \
	"$(ip -n "$CLI" neigh show "$V4_SRV" | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')" \
	"$(ip -n "$SRV" link show eth0 | awk '$1 == "link/ether" { print $2 }')"

check "silent: the client does not wait for ever" has_no wait "$silent_pid"
check "silent: the client is reset" fails_with "$WORK/silent" 'ConnectionResetError'
check_int "silent: SYNs sent again" "$(counter server_syn_retransmitted)" -eq 3
check_int "silent: counted" "$(counter server_timed_out)" -eq 1
check_int "silent: packets that the server was sent" "$(silent_seen)" -ge 4
check_int "nothing waits for a server" "$(counter pending)" -eq 0
finish
