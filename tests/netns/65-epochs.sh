#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
# Connections are served before, across and after changes of the cookie's key, without a gap: not one cookie
# that was issued is refused. The client is far away, so that cookies come back after the key has changed, and
# one connection stays open all the time. What telemetry says of the service agrees.
IDLE=${IDLE:-sleep} # what takes its time here is timers
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

EPOCH=16 CHANGES=2
# synward looks at the clock about once a second.
LATE=2
BATCH=4

# The number of the epoch, SECONDS ago; without a secret file synward counts them by the monotonic clock.
epoch_number() {
	"${SW_PYTHON[@]}" -c "import time; print(int(time.monotonic() - $1) // $EPOCH)"
}

# serve HOST: BATCH connections at once.
serve() {
	client "$1" 5000 --connections $BATCH --parallel $BATCH --timeout 15 || return 1
	MADE=$((MADE + BATCH))
}

WIRE_CLI="--delay-ms 75"
net_up
start_synward "$(config proxy "cookie: {epoch: ${EPOCH}s}")"
start_server 5000

# Held open until its standard input ends.
mkfifo "$WORK/fifo"
exec 3<>"$WORK/fifo"
: >"$WORK/held"
SW_EXEC="exec" sw_peers "$CLI" "${SW_PYTHON[@]}" "$NETNS_DIR/peer.py" client "$V4_SRV" 5000 --hold \
	<"$WORK/fifo" 3>&- >"$WORK/held" 2>"$WORK/held.err" &
held=$!
PIDS+=("$held")
check "a connection to be held open" sw_wait_until 20 grep -q '^held' "$WORK/held"
MADE=1 rounds=0 bad=0

first=$(epoch_number 0)
while [ $bad -eq 0 ] && [ "$(epoch_number $LATE)" -lt $((first + CHANGES)) ]; do
	serve "$V4_SRV" || bad=1
	serve "$V6_SRV" || bad=1
	tcp_options $((rounds % 2)) 1 1
	rounds=$((rounds + 1))
done
check_int "rounds with a connection that failed" $bad -eq 0
check_int "keys have changed" $(($(epoch_number $LATE) - first)) -ge $CHANGES
echo "# $MADE connections in $rounds rounds"

exec 3>&-
check "the connection that was open all the time ends well" wait "$held"
check_int "cookies accepted" "$(counter cookie_accepted)" -eq $MADE
check_int "cookies refused" "$(counter drop_cookie_bad)" -eq 0
check_int "flows made: one for each connection" \
	$(($(counter flow_created) + $(counter flow_reopened))) -eq $MADE
for name in syn_received synack_sent cookie_accepted established; do
	check_int "the service: $name" "$(service_counter $name)" -eq $MADE
done
for name in cookie_refused failed; do
	check_int "the service: $name" "$(service_counter $name)" -eq 0
done
finish
