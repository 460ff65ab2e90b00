#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 500 connections at once over IPv4, 500 over IPv6 and 5,000 in a row, closed by either end, while SYNs from
# random sources flood the service: all are served with the right bytes, the server's stack does not notice the
# flood, and afterwards no flow is left.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

AT_ONCE=${AT_ONCE:-500} IN_A_ROW=${IN_A_ROW:-5000}
TOTAL=$((2 * AT_ONCE + IN_A_ROW))

# What the server's kernel counts when a flood gets through.
DISTRESS=(TcpExtListenDrops TcpExtListenOverflows TcpExtSyncookiesSent TcpExtSyncookiesRecv
	TcpExtSyncookiesFailed TcpExtTCPReqQFullDoCookies TcpExtTCPReqQFullDrop TcpAttemptFails)

distress() {
	local name
	for name in "${DISTRESS[@]}"; do
		echo "$name $(nstat_of "$SRV" "$name")"
	done
}

net_up
start_synward "$(config proxy "$TIMEOUTS")"
start_server 5000
count_server_syns

before=$(distress)
opens=$(nstat_of "$SRV" TcpPassiveOpens)
start_flood 5000 --flood
check "the flood runs" sw_wait_until 20 counter_is syn_received -gt 20000
# A second of it alone: nothing but cookies.
now=$(counter syn_received)
check "the flood goes on" sw_wait_until 20 counter_is syn_received -gt $((now + 20000))
check_int "the flood alone makes no flow" "$(counter flow_created)" -eq 0
check_int "the flood alone: SYNs that the server saw" "$(server_syns)" -eq 0
check_same "the flood alone: the server's kernel counted nothing unusual" "$(distress)" "$before"

for host in "$V4_SRV" "$V6_SRV"; do
	check "$host, $AT_ONCE at once: all served" client "$host" 5000 --closer alternate --together \
		--connections "$AT_ONCE" --parallel "$AT_ONCE"
	sed 's/^/# /' "$WORK/client"
done
check "$IN_A_ROW in a row: all served" client "$V4_SRV" 5000 --closer alternate --connections "$IN_A_ROW"
sed 's/^/# /' "$WORK/client"

check "the flood was there all the time" sw_alive "$FLOOD_PID"
check_same "the server's kernel counted nothing unusual" "$(distress)" "$before"
check_int "connections that the server accepted" \
	$(($(nstat_of "$SRV" TcpPassiveOpens) - opens)) -eq "$TOTAL"
check_int "SYNs that the server saw" "$(server_syns)" -eq \
	$((TOTAL + $(counter server_syn_retransmitted)))
check_int "flows made: one for each connection" $(($(counter flow_created) + $(counter flow_reopened))) -eq "$TOTAL"
echo "# flood: $(stop_flood) SYNs sent, $(counter syn_received) SYNs received"
check "no flow is left after the timers" sw_wait_until 90 counter_is flows -eq 0
check_int "nothing waits for a server" "$(counter pending)" -eq 0
check_int "nothing is held" "$(counter held_now)" -eq 0
finish
