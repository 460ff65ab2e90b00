#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2016 # the fields are awk's
# The same transfers with 1 % loss, 20 ms delay and reordering, on the client's side of the proxy, and on the server's.
# All of them run at once, those of each side in namespaces of their own: mostly they wait. SIDE=client or server: one alone.
# The loss is what counts here, not the rate: BBR, where the kernel has it, does not crawl because of it.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

SIZE=${SIZE:-50000000}
SIDE=${SIDE:-}

# Workers that sleep when there is nothing to do share a CPU.
both_sides() {
	local log rc=0
	log=$(mktemp)
	SIDE=client IDLE=sleep "$0" >"$log" 2>&1 &
	SIDE=server IDLE=sleep "$0" || rc=1
	wait $! || rc=1
	cat "$log"
	rm -f "$log"
	return $rc
}

[ -n "$SIDE" ] || { both_sides; exit; }

# 10 ms each way. One packet in a hundred comes 3 ms late, behind those that were sent after it.
IMPAIRED="--delay-ms 10 --loss 1 --reorder 1 --reorder-ms 3 --seed ${SEED:-20}"

net_up
prefer_congestion_control bbr
count_server_syns

# The client's options are read at connect(): each transfer is connected before the next is set.
JOBS=()
begin() {
	local name=$1 host=$2 seed=$3 created
	created=$(counter flow_created)
	spawn "$WORK/job.$name" sw_peers "$CLI" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" client "$host" 5000 \
		--down "$SIZE" --up "$SIZE" --seed "$seed" --timeout 180
	JOBS+=("$name:$SPAWNED")
	sw_wait_until 30 counter_is flow_created -gt "$created" || not_ok "$name: connected"
}

impaired() {
	local side=$1 job name before after
	start_synward "$(config proxy)"
	before=$(server_syns)
	JOBS=()
	tcp_options 1 1 1
	begin "$side-v4-default" "$V4_SRV" 1
	begin "$side-v6-default" "$V6_SRV" 3
	tcp_options 0 0 0
	begin "$side-v4-bare" "$V4_SRV" 5
	begin "$side-v6-bare" "$V6_SRV" 7
	for job in "${JOBS[@]}"; do
		name=${job%:*}
		check "$name: bytes are right at both ends" wait "${job##*:}"
		grep -q '"served": 1' "$WORK/job.$name" || sed 's/^/# /' "$WORK/job.$name" "$WORK/job.$name.err"
	done
	after=$(server_syns)
	check_int "$side: one flow for each connection" "$(counter flow_created)" -eq 4
	check_int "$side: every flow was spliced" "$(counter flow_established)" -eq 4
	check_int "$side: SYNs that the server saw" $((after - before)) -ge 4
	check_int "$side: spliced to the server" "$(counter spliced_to_server)" -ge $((4 * SIZE / 1460))
	check_int "$side: spliced to the client" "$(counter spliced_to_client)" -ge $((4 * SIZE / 1460))
	stop_synward TERM
	check "$side: the wire did lose and reorder" awk '
		/^(ab|ba) / { lost += $7; late += $11; seen++ }
		END { exit !(seen == 2 && lost > 100 && late > 100) }' "$WORK/$2.log"
	check "$side: no frame was larger than the wire's" awk '
		/^[ab] / { for (i = 1; i < NF; i++) if ($i == "oversize") n += $(i + 1) }
		END { exit n != 0 }' "$WORK/$2.log"
	sed 's/^/# wire: /' "$WORK/$2.log"
}

start_server 5000
case $SIDE in
client)
	WIRE_CLI=$IMPAIRED
	impaired client-side wcli
	;;
server)
	WIRE_SRV=$IMPAIRED
	impaired server-side wsrv
	;;
*) sw_die "SIDE=$SIDE: it is client or server" ;;
esac
finish
