#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2317 # functions are called by name
#
# synload against synward over memif, against itself, and against nginx over a tap. Without hugepages.
#
#   synload net_memif0 ====== outside [ synward ] inside ====== net_memif1 synload    floods, connections
#   synload net_memif0 ============== net_memif1 synload                              one process, no synward
#   synload net_tap0 --- eth0 of $SRV, nginx                                          a real server
#
# What synload says must agree with what the other end has counted.

# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SYNLOAD=${SYNLOAD:-$SW_TOP/build/app/synload/synload}
SERVERS=(--server "198.51.100.10:80" --server "[2001:db8::10]:80")

# memif_port N SERVER-OR-CLIENT ID: the --vdev of net_memifN.
memif_port() {
	echo "--vdev=net_memif$1,role=$2,id=$3,socket=$WORK/memif.sock,socket-abstract=no,rsize=11"
}

# synload ARGUMENT...: runs it on the other CPU; VDEVS are its ports. Its table goes to $WORK/out.
synload() {
	sw_in "$MID" timeout 120 "$SYNLOAD" --no-huge -m 512 --no-pci --file-prefix "$PREFIX.load" \
		--lcores "0@$SW_CPU_PEERS" "${VDEVS[@]}" -- "$@" --quiet --json "$WORK/json" \
		>"$WORK/out" 2>"$WORK/err"
	local rc=$?
	[ $rc -eq 0 ] || sed 's/^/# synload: /' "$WORK/err" "$WORK/out"
	return $rc
}

# synload_started LOG ARGUMENT...: in the background; LOAD_PID is its own.
synload_started() {
	local log=$1
	shift
	SW_EXEC="exec" sw_in "$MID" "$SYNLOAD" --no-huge -m 512 --no-pci --file-prefix "$PREFIX.load" \
		--lcores "0@$SW_CPU_PEERS" "${VDEVS[@]}" -- "$@" >"$log" 2>&1 &
	LOAD_PID=$!
	PIDS+=("$LOAD_PID")
}

# value KEY[.KEY...]: of the last report.
value() {
	python3 -c '
import functools, json, sys
print(functools.reduce(lambda o, k: o[k], sys.argv[2].split("."), json.load(open(sys.argv[1]))))
' "$WORK/json" "$1"
}

# --- through synward -------------------------------------------------------------------------------

synward_on_memif() {
	cat >"$WORK/memif.yaml" <<-YAML
	ports: {outside: net_memif0, inside: net_memif1}
	flows: 64k
	resend: 0
	services:
	  - {name: test, addresses: [198.51.100.10, "2001:db8::10"], ports: [80], mode: proxy}
	YAML
	SW_VDEVS=("$(memif_port 0 server 0)" "$(memif_port 1 server 1)")
	sw_launch "$MID" "$PREFIX" "$WORK/memif.yaml" "$WORK/synward" || sw_die "no synward, no test"
	SYNWARD_PID=$SW_PID
	VDEVS=("$(memif_port 0 client 0)" "$(memif_port 1 client 1)")
}

# Ends it, so that the next one counts from 0.
synward_off() {
	local pid=$SYNWARD_PID
	SYNWARD_PID=
	sw_end "$pid" TERM
	check_int "$1: synward's exit status" $? -eq 0
}

# syn_options NAME OPTIONS: synward has answered with all that the SYNs offered, and with an MSS in any case.
syn_options() {
	local has key all wscale=0 sack=0 ts=0
	all=$(value replies.checked)
	case $2 in
	linux | mac) wscale=$all sack=$all ts=$all ;;
	windows) wscale=$all sack=$all ;;
	esac
	for key in mss=$all wscale=$wscale sack=$sack ts=$ts; do
		has=$(value "replies.with_${key%=*}")
		check_int "$1: answers with ${key%=*}" "$has" -eq "${key#*=}"
	done
}

# syn_flood OPTIONS: 20,000 SYNs of a kind of stack, all of them and every answer accounted for.
syn_flood() {
	local name="SYN flood, options $1"
	synward_on_memif
	check "$name" synload flood --outside net_memif0 --count 20k --rate 50k --sample 1 \
		--options "$1" "${SERVERS[@]}"
	check_int "$name: sent" "$(value total.flood_sent.syn)" -eq 20000
	check_int "$name: synward received" "$(counter syn_received)" -eq 20000
	check_int "$name: SYN-ACKs that synward could send" "$(value total.synack)" \
		-eq $(($(counter synack_sent) - $(counter tx_full_outside)))
	check_int "$name: SYN-ACKs" "$(value total.synack)" -gt 10000
	check_int "$name: all of them checked" "$(value invalid.checked)" -eq "$(value total.synack)"
	check_int "$name: invalid" "$(value invalid.total)" -eq 0
	syn_options "$name" "$1"
	synward_off "$name"
}

# Cookies that nobody has issued: dropped, not answered.
ack_flood() {
	synward_on_memif
	check "ACK flood" synload flood --outside net_memif0 --count 20k --rate 50k --type ack \
		"${SERVERS[@]}"
	check_int "ACK flood: sent" "$(value total.flood_sent.ack)" -eq 20000
	check_int "ACK flood: synward received" "$(counter rx_outside)" -eq 20000
	check_int "ACK flood: no flow" "$(counter flow_created)" -eq 0
	check_int "ACK flood: no SYN-ACK" "$(value total.synack)" -eq 0
	synward_off "ACK flood"
}

# conn_run NAME N ARGUMENT...: N connections, all of which finish, with all bytes right at both ends.
conn_run() {
	local name=$1 n=$2
	shift 2
	check "$name" synload connect --outside net_memif0 --inside net_memif1 --total "$n" \
		--timeout 60000 "${SERVERS[@]}" "$@"
	check_int "$name: tried" "$(value connections.tried)" -eq "$n"
	check_int "$name: finished" "$(value connections.finished)" -eq "$n"
	check_int "$name: failed" "$(value connections.failed.total)" -eq 0
	check_int "$name: finished at the server" "$(value server.finished)" -eq "$n"
	check_int "$name: handshakes timed" "$(value handshake_us.n)" -eq "$n"
}

connections() {
	synward_on_memif
	conn_run "connections" 2000 --concurrent 50
	check_int "connections: bytes verified" "$(value bytes_verified)" -eq $((2000 * 1100))
	check_int "connections: synward spliced them" "$(counter flow_established)" -eq 2000
	conn_run "large ones, closed by the server" 100 --concurrent 10 --request 20000 --response 50000 \
		--keep-alive 3 --close server --options windows
	check_int "large ones: bytes verified" "$(value bytes_verified)" -eq $((100 * 3 * 70000))
	check_int "large ones: synward spliced them" "$(counter flow_established)" -eq 2100
	conn_run "held ones" 500 --concurrent 500 --hold 1
	check_int "held ones: all at once" "$(counter flow_established)" -eq 2600
	synward_off "connections"
}

mixed() {
	synward_on_memif
	check "mixed" synload mixed --outside net_memif0 --inside net_memif1 --rate 200 --seconds 3 \
		--flood-rate 20k --timeout 60000 --sample 1 "${SERVERS[@]}"
	check_int "mixed: connections tried" "$(value connections.tried)" -ge 400
	check_int "mixed: finished" "$(value connections.finished)" -eq "$(value connections.tried)"
	check_int "mixed: flood" "$(value total.flood_sent.syn)" -ge 1000
	check_int "mixed: SYNs at synward" "$(counter syn_received)" \
		-ge $(($(value total.flood_sent.syn) + $(value connections.tried)))
	check_int "mixed: nothing of the flood at the server" "$(value server.tried)" \
		-eq "$(value connections.tried)"
	check_int "mixed: strays at the server" "$(value server.stray)" -eq 0
	check_int "mixed: checked" "$(value invalid.checked)" -gt 500
	check_int "mixed: invalid" "$(value invalid.total)" -eq 0
	check_int "mixed: none but the measured ones are among those" "$(value connections.measured.tried)" \
		-lt "$(value connections.tried)"
	check_int "mixed: measured ones that finished" "$(value connections.measured.finished)" \
		-eq "$(value connections.measured.tried)"
	# One second is measured, and all of its connections are held for two more.
	check "held under a flood" synload mixed --outside net_memif0 --inside net_memif1 --rate 200 \
		--seconds 1 --warmup 0 --hold 2 --flood-rate 20k --timeout 60000 "${SERVERS[@]}"
	check_int "held under a flood: the flood went on to the end" "$(value total.flood_sent.syn)" \
		-ge $(($(value flood.tx_packets) * 3 / 2))
	check_int "held under a flood: measured" "$(value connections.measured.tried)" \
		-eq "$(value connections.tried)"
	check_int "held under a flood: finished" "$(value connections.measured.finished)" \
		-eq "$(value connections.measured.tried)"
	synward_off "mixed"
}

received_more_than() {
	[ "$(counter syn_received)" -gt "$1" ]
}

# The generator is killed while it floods, and unmaps nothing itself: DPDK's interrupt thread takes the
# rings away from under the worker, which must be between two bursts then (unmap.h).
peer_is_killed() {
	local turn before
	synward_on_memif
	check "killed: the drivers unmap by synward's own munmap()" \
		grep -q ' T munmap$' <(nm -D --defined-only "$SW_SYNWARD")
	for turn in 1 2 3; do
		before=$(counter syn_received)
		synload_started "$WORK/killed" flood --outside net_memif0 --seconds 600 "${SERVERS[@]}"
		check "killed, $turn: was flooding" sw_wait_until 30 received_more_than $((before + 1000))
		sw_end "$LOAD_PID" KILL
	done
	before=$(counter syn_received)
	check "killed: the next one" synload flood --outside net_memif0 --count 20k --rate 50k "${SERVERS[@]}"
	check_int "killed: the next one's SYNs" $(($(counter syn_received) - before)) -eq 20000
	synward_off "killed"
}

# The other way round: synward is killed under a flood, and synload goes on to its end. DPDK's memif does not connect
# anew by itself.
synward_is_killed() {
	local turn
	check "synward killed: the drivers unmap by synload's own munmap()" \
		grep -q ' T munmap$' <(nm -D --defined-only "$SYNLOAD")
	for turn in 1 2 3; do
		synward_on_memif
		rm -f "$WORK/json"
		synload_started "$WORK/goes-on" flood --outside net_memif0 --warmup 0 --seconds 2 "${SERVERS[@]}" \
			--json "$WORK/json"
		check "synward killed, $turn: was flooded" sw_wait_until 30 received_more_than 1000
		sw_end "$SYNWARD_PID" KILL
		SYNWARD_PID=
		rm -f "$WORK/memif.sock" # it could not
		check "synward killed, $turn: synload ends" sw_wait_until 30 sw_gone "$LOAD_PID"
		sw_end "$LOAD_PID" INT
		check_int "synward killed, $turn: synload's exit status" $? -eq 0
		check_int "synward killed, $turn: it reports what it sent" "$(value total.flood_sent.syn)" -ge 1000
	done
}

# What would never end, for its packets are not taken any more, says so.
never_ends() {
	synward_on_memif
	synload_started "$WORK/never" flood --outside net_memif0 --count 10G "${SERVERS[@]}"
	check "never ends: was flooded" sw_wait_until 30 received_more_than 1000
	sw_end "$SYNWARD_PID" KILL
	SYNWARD_PID=
	rm -f "$WORK/memif.sock" # it could not
	check "never ends: synload ends" sw_wait_until 60 sw_gone "$LOAD_PID"
	sw_end "$LOAD_PID" INT
	check_int "never ends: synload's exit status" $? -eq 1
	check "never ends: synload says why" grep -q 'net_memif0 .* has taken nothing for 10 s' "$WORK/never"
}

# --- without synward -------------------------------------------------------------------------------

against_itself() {
	VDEVS=("$(memif_port 0 server 0)" "$(memif_port 1 client 0)")
	conn_run "against itself" 2000 --concurrent 100 --options mac
	check_int "against itself: bytes verified" "$(value bytes_verified)" -eq $((2000 * 1100))
	check_int "against itself: 5 segments there, 3 back, at least" \
		"$(($(value total.tx_packets) + $(value total.rx_packets)))" -ge 16000
	conn_run "against itself, one VLAN, server closes" 200 --concurrent 10 --vlan 7 --close server
}

serves() {
	sw_in "$SRV" curl -s -o /dev/null --max-time 2 "http://198.51.100.10:80/"
}

start_nginx() {
	mkdir -p "$WORK/nginx" "$WORK/www"
	head -c 100000 /dev/urandom >"$WORK/www/file"
	echo hello >"$WORK/www/index.html"
	cat >"$WORK/nginx/conf" <<-CONF
	user root;
	daemon off;
	worker_processes 1;
	pid $WORK/nginx/pid;
	error_log stderr;
	events { worker_connections 1024; }
	http {
		access_log $WORK/nginx/access;
		client_body_temp_path $WORK/nginx/body;
		proxy_temp_path $WORK/nginx/proxy;
		fastcgi_temp_path $WORK/nginx/fastcgi;
		uwsgi_temp_path $WORK/nginx/uwsgi;
		scgi_temp_path $WORK/nginx/scgi;
		server {
			listen 80;
			listen [::]:80;
			root $WORK/www;
		}
	}
	CONF
	spawn "$WORK/nginx/log" sw_peers "$SRV" nginx -p "$WORK/nginx" -c "$WORK/nginx/conf" -e stderr
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

is_stopped() {
	grep -q '^State:.T' "/proc/$LOAD_PID/status"
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
	check "stopped: it is" sw_wait_until 10 is_stopped
	check_int "stopped: threads that take SIGCONT, of several" "$(takers_of_sigcont)" -eq 1
	sw_wait_until 3 false
	kill -CONT "$LOAD_PID"
	check "stopped: ends by itself" sw_wait_until 30 sw_gone "$LOAD_PID"
	wait "$LOAD_PID"
	check_int "stopped: exit status" $? -eq 0
	check_int "stopped: tried" "$(value connections.tried)" -ge 1500
	check_int "stopped: failed" "$(value connections.failed.total)" -eq 0
	check "stopped: pieces of the measured time" python3 -c '
import json, sys
pieces = json.load(open(sys.argv[1]))["windows"]
sys.exit(not (len(pieces["seconds"]) >= 15 and max(pieces["seconds"]) < 0.5 and min(pieces["inside_rx_pps"]) > 0))' "$WORK/json"
}

net_up
need_program "$SYNLOAD"
for set in none mss linux windows mac; do
	syn_flood $set
done
ack_flood
connections
mixed
peer_is_killed
synward_is_killed
never_ends
against_itself
real_server
command_line
stopped_and_continued
finish
