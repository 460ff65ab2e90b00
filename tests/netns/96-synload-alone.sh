#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
#
# synload against itself, and against nginx over a tap; its command line and signals. Without hugepages.
#
#   synload net_memif0 ============== net_memif1 synload                              one process, no synward
#   synload net_tap0 --- eth0 of $SRV, nginx                                          a real server

# shellcheck source=tests/netns/synload.sh
. "$(dirname "${BASH_SOURCE[0]}")/synload.sh"
# shellcheck source=tests/netns/nginx.sh
. "$(dirname "${BASH_SOURCE[0]}")/nginx.sh"

# Preloaded, it makes interrupts late.
LATE=${LATE:-$SW_TOP/build/tests/late/late.so}

against_itself() {
	VDEVS=("$(memif_port 0 server 0)" "$(memif_port 1 client 0)")
	conn_run "against itself" 2000 --concurrent 100 --options mac
	check_int "against itself: bytes verified" "$(value bytes_verified)" -eq $((2000 * 1100))
	check_int "against itself: 5 segments there, 3 back, at least" \
		"$(($(value total.tx_packets) + $(value total.rx_packets)))" -ge 16000
	conn_run "against itself, one VLAN, server closes" 200 --concurrent 10 --vlan 7 --close server
	conn_run "against itself, buffers in turn" 200 --concurrent 10 --fifo-buffers
	check "against itself, buffers in turn: as asked" [ "$(value asked.fifo_buffers)" = True ]
}

# The ports of one program are the ends of one wire: when the first is stopped, the other one hears of it while it is stopped
# itself.
stops_late() {
	local rc i
	VDEVS=("$(memif_port 0 server 0)" "$(memif_port 1 client 0)")
	need_program "$LATE"
	for i in 1 2 3; do
		rc=0
		LD_PRELOAD=$LATE synload connect --outside net_memif0 --inside net_memif1 --total 10 || rc=$?
		check_int "interrupts that come late, $i: exit status" $rc -eq 0
		check "interrupts that come late, $i: they do, and memory is given back slowly" \
			grep -qE '^late: [1-9][0-9]* interrupts, [1-9]' "$WORK/err"
		check_int "interrupts that come late, $i: nothing is freed twice" "$(grep -c 'Invalid memory' "$WORK/err")" -eq 0
	done
}

serves() {
	sw_in "$SRV" curl -s -o /dev/null --max-time 2 "http://198.51.100.10:80/"
}

start_nginx() {
	mkdir -p "$WORK/www"
	head -c 100000 /dev/urandom >"$WORK/www/file"
	echo hello >"$WORK/www/index.html"
	spawn_nginx "$WORK/nginx/access" <<-CONF
	server {
		listen 80;
		listen [::]:80;
		root $WORK/www;
	}
	CONF
	sw_wait_until 20 serves || { cat "$WORK/nginx/log.err"; sw_die "nginx does not serve"; }
}

# The tap comes with synload and goes with it. It is moved once the port is started: the driver looks
# for it by its name until then.
connect_tap() {
	sw_wait_until 30 grep -q '^synload: ready' "$WORK/out" || return 1
	ip -n "$MID" link set dtap0 netns "$SRV" && ip -n "$SRV" link set dtap0 name eth0 || return 1
	sw_in "$SRV" ethtool -K eth0 tso off gso off gro off tx off >/dev/null 2>&1
	ip -n "$SRV" link set eth0 address 02:00:00:00:00:02
	sw_in "$SRV" ip addr add 198.51.100.10/24 dev eth0
	sw_in "$SRV" ip -6 addr add 2001:db8::10/64 dev eth0 nodad
	ip -n "$SRV" link set eth0 up
	# Whoever is at the other end, its MAC address is known.
	ip -n "$SRV" neigh replace 198.51.100.1 lladdr 02:00:00:00:00:01 dev eth0
	ip -n "$SRV" -6 neigh replace 2001:db8::1 lladdr 02:00:00:00:00:01 dev eth0
	ip -n "$SRV" route add 10.0.0.0/8 via 198.51.100.1
	ip -n "$SRV" -6 route add fd00::/8 via 2001:db8::1
}

# http NAME N ARGUMENT...: N requests to nginx. The SYNs that leave before the tap is connected are
# sent again.
http() {
	local name=$1 n=$2 pid before
	shift 2
	VDEVS=('--vdev=net_tap0,iface=dtap0')
	: >"$WORK/out"
	before=$(grep -c 'synload/' "$WORK/nginx/access")
	synload connect --outside net_tap0 --total "$n" --concurrent 20 --timeout 60000 --rto 100 \
		"$@" &
	pid=$!
	check "$name: connected" connect_tap
	wait $pid
	check_int "$name: exit status" $? -eq 0
	check_int "$name: tried" "$(value connections.tried)" -eq "$n"
	check_int "$name: finished" "$(value connections.finished)" -eq $((n - BAD))
	check_int "$name: answers that were no 200" "$(value connections.failed.bad_status)" -eq $BAD
	check_int "$name: nginx's own account" \
		"$(($(grep -c 'synload/' "$WORK/nginx/access") - before))" -eq "$n"
}

real_server() {
	BAD=0
	sw_in "$SRV" ip addr add 198.51.100.10/32 dev lo
	start_nginx
	sw_in "$SRV" ip addr del 198.51.100.10/32 dev lo
	http "nginx" 300 --http /index.html --server 198.51.100.10:80
	check_int "nginx: bytes" "$(value connections.bytes_received)" -ge $((300 * 100))
	http "nginx, IPv6, a large file" 50 --http /file --server "[2001:db8::10]:80"
	check_int "nginx, a large file: bytes" "$(value connections.bytes_received)" -ge $((50 * 100000))
	BAD=20
	http "nginx, no such file" 20 --http /nothing --server 198.51.100.10:80
}

# --- its command line ------------------------------------------------------------------------------

# refused STATUS TEXT WHAT ARGUMENT...
refused() {
	local status=$1 text=$2 what=$3
	shift 3
	sw_in "$MID" timeout 60 "$SYNLOAD" "$@" >"$WORK/out" 2>&1
	check_int "$what: exit status" $? -eq "$status"
	check "$what: says so" grep -qE "^synload: .*$text" "$WORK/out"
}

command_line() {
	local eal=(--no-huge -m 64 --no-pci --file-prefix "$PREFIX.load" --lcores "0@$SW_CPU_PEERS")
	refused 2 'flood, connect' "no mode" "${eal[@]}" --
	refused 2 'nosuch' "unknown option" "${eal[@]}" -- flood --outside x --nosuch
	refused 1 'cannot write /no/such/file: No such file' "a report that cannot be written" "${eal[@]}" -- \
		flood --outside net_memif7 --json /no/such/file
	refused 1 'net_memif7' "no such port" "${eal[@]}" -- flood --outside net_memif7
	check "--help" grep -q 'connect' <("$SYNLOAD" --help)
	check "--version" grep -qE '^synload [0-9]' <("$SYNLOAD" --version)
	# A signal ends it early, with a report.
	VDEVS=("$(memif_port 0 server 0)" "$(memif_port 1 client 0)")
	rm -f "$WORK/json"
	: >"$WORK/sig"
	synload_started "$WORK/sig" connect --outside net_memif0 --inside net_memif1 --seconds 600 \
		--rate 100 --json "$WORK/json"
	check "a signal: was running" sw_wait_until 30 grep -q 'opened [1-9]' "$WORK/sig"
	sw_end "$LOAD_PID" INT 30
	check_int "a signal: exit status" $? -eq 0
	check_int "a signal: a report, and nothing left undone" "$(value connections.finished)" \
		-eq "$(value connections.tried)"
}

# takers_of_sigcont: how many threads do not block it.
takers_of_sigcont() {
	local status blocked n=0
	for status in "/proc/$LOAD_PID/task/"*/status; do
		blocked=$(awk '$1 == "SigBlk:" { print $2 }' "$status")
		(((0x$blocked >> 17) & 1)) || n=$((n + 1))
	done
	echo $n
}

# Its clock stands still while it is stopped, for longer than all that it was to run: what it was to do is done later, and
# no piece of the measured time is empty, or longer than others.
stopped_and_continued() {
	VDEVS=("$(memif_port 0 server 0)" "$(memif_port 1 client 0)")
	rm -f "$WORK/json"
	: >"$WORK/stopped"
	synload_started "$WORK/stopped" connect --outside net_memif0 --inside net_memif1 --seconds 2 --warmup 0 \
		--rate 1000 --hold 0.1 --timeout 1000 --json "$WORK/json"
	check "stopped: was running" sw_wait_until 30 grep -q 'opened [1-9]' "$WORK/stopped"
	kill -STOP "$LOAD_PID"
	check "stopped: it is" sw_wait_until 10 is_stopped "$LOAD_PID"
	check_int "stopped: threads that take SIGCONT, of several" "$(takers_of_sigcont)" -eq 1
	sw_wait_until 3 false
	kill -CONT "$LOAD_PID"
	check "stopped: ends by itself" sw_wait_until 30 sw_gone "$LOAD_PID"
	wait "$LOAD_PID"
	check_int "stopped: exit status" $? -eq 0
	check_int "stopped: tried" "$(value connections.tried)" -ge 1500
	check_int "stopped: failed" "$(value connections.failed.total)" -eq 0
	check "stopped: pieces of the measured time" "${SW_PYTHON[@]}" -c '
import json, sys
pieces = json.load(open(sys.argv[1]))["windows"]
sys.exit(not (len(pieces["seconds"]) >= 15 and max(pieces["seconds"]) < 0.5 and min(pieces["inside_rx_pps"]) > 0))' "$WORK/json"
}

net_up
need_program "$SYNLOAD"
against_itself
stops_late
real_server
command_line
stopped_and_continued
finish
