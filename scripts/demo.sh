#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# One server, one client, one flood of spoofed SYNs: without synward's protection, then with it.
#
#   namespace cli                  namespace mid                      namespace srv
#   +------------------+      +-----------------------+      +--------------------------+
#   | 10.77.0.1        |      |                       |      | 10.77.0.2                |
#   | curl, 4 at once  +------+ dtap0  synward  dtap1 +------+ nginx, port 80           |
#   | hping3 --flood   |      |    outside   inside   |      | tcp_syncookies = 0       |
#   +------------------+      +-----------------------+      +--------------------------+
#
# Everything runs on this machine, in network namespaces and on two tap devices: no NIC, no hugepages.
# What is missing is installed (Debian), what is not built is built; run as root.
#
# usage: scripts/demo.sh [--keep | --down]
#   --keep   leave the protected set-up running, and say what to try by hand
#   --down   take away what --keep left
#
# The last line is "demo: PASS" or "demo: FAIL" with the reason; exit status 0 or 1.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

NAMESPACES=(cli mid srv)
KEPT=/run/synward-demo
PREFIX=swdemo
V4_CLI=10.77.0.1 V4_SRV=10.77.0.2 V6_CLI=fd77::1 V6_SRV=fd77::2
CALM_SECONDS=4 FLOOD_SECONDS=12
CURLS=4           # loops of curl, each one connection after the other
CURL_SECONDS_MAX=5 # a connection that takes longer has failed
TRIED_MIN=50      # fewer say nothing
FLOOD_MIN=20000   # fewer are no flood

KEEP=no
WORK=
PIDS=()

say() {
	printf '%s\n' "$*"
}

fail() {
	say "demo: FAIL: $*"
	exit 1
}

# --- set-up and clean-up ---------------------------------------------------------------------------

end_all() {
	local pid
	for pid in "${PIDS[@]}"; do
		sw_end "$pid" TERM 10 2>/dev/null
	done
	PIDS=()
}

clean_up() {
	local rc=$? ns
	trap - EXIT INT TERM
	if [ $KEEP = left ]; then
		exit $rc
	fi
	end_all
	for ns in "${NAMESPACES[@]}"; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$WORK" "/var/run/dpdk/$PREFIX"
	exit $rc
}

# What --keep left: the file says which processes and which directory were ours.
take_down() {
	local pid started
	[ -r "$KEPT" ] || { say "nothing was kept"; exit 0; }
	{
		read -r WORK
		while read -r pid started; do
			# Not a stranger that has got the number since.
			[ "$started" != "$(start_time "$pid")" ] || sw_end "$pid" TERM 10
		done
	} <"$KEPT"
	for ns in "${NAMESPACES[@]}"; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$WORK" "$KEPT" "/var/run/dpdk/$PREFIX"
	say "taken down"
	exit 0
}

start_time() {
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

set_up() {
	local ns
	[ ! -e "$KEPT" ] || fail "an earlier --keep is still running: scripts/demo.sh --down takes it away"
	for ns in "${NAMESPACES[@]}"; do
		[ ! -e "/run/netns/$ns" ] ||
			fail "there is already a network namespace '$ns': not ours, so it is left alone"
	done
	WORK=$(mktemp -d)
	chmod 755 "$WORK"
	trap clean_up EXIT
	trap 'say "demo: FAIL: interrupted"; exit 130' INT TERM
	sw_choose_cpus
	for ns in "${NAMESPACES[@]}"; do
		sw_namespace "$ns" || fail "cannot make network namespaces here"
	done
	sw_in mid sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	# The server on its own against the flood. Its backlogs are the kernel's and nginx's defaults.
	sw_in srv sysctl -qw net.ipv4.tcp_syncookies=0
	sw_in srv nft -f - <<-'NFT'
	table inet count {
		counter syns { }
		chain in {
			type filter hook prerouting priority raw;
			tcp flags & (syn | ack) == syn counter name syns
		}
	}
	NFT
}

can_ping() {
	sw_in cli ping -q -c 1 -W 1 "$V4_SRV" >/dev/null 2>&1
}

# start MODE: synward and a fresh server; returns when the client reaches the server.
start() {
	cat >"$WORK/synward.yaml" <<-YAML
	ports: {outside: net_tap0, inside: net_tap1}
	services:
	  - name: web
	    addresses: [$V4_SRV, "$V6_SRV"]
	    ports: [80]
	    mode: $1
	YAML
	sw_launch mid "$PREFIX" "$WORK/synward.yaml" "$WORK/synward" || fail "synward did not start"
	PIDS+=("$SW_PID")
	ip -n mid link set dtap0 netns cli && ip -n cli link set dtap0 name eth0
	ip -n mid link set dtap1 netns srv && ip -n srv link set dtap1 name eth0
	sw_host_interface cli "$V4_CLI" "$V6_CLI" || fail "cannot set the client's addresses"
	sw_host_interface srv "$V4_SRV" "$V6_SRV" || fail "cannot set the server's addresses"
	# Answers to the flood's invented sources leave the server and go nowhere.
	ip -n srv route add default via "$V4_CLI"
	sw_wait_until 20 can_ping || fail "the client cannot reach the server"
	cat >"$WORK/nginx.conf" <<-NGINX
	daemon off;
	worker_processes 1;
	pid $WORK/nginx.pid;
	error_log $WORK/nginx.log;
	events { worker_connections 1024; }
	http {
		access_log off;
		client_body_temp_path $WORK/body; proxy_temp_path $WORK/proxy;
		fastcgi_temp_path $WORK/fastcgi; uwsgi_temp_path $WORK/uwsgi; scgi_temp_path $WORK/scgi;
		server { listen 80; listen [::]:80; location / { return 200 "served by nginx\n"; } }
	}
	NGINX
	SW_EXEC="exec" sw_peers srv nginx -p "$WORK" -c "$WORK/nginx.conf" >"$WORK/nginx.out" 2>&1 &
	PIDS+=($!)
	sw_wait_until 20 sw_in srv curl -s -o /dev/null http://127.0.0.1/ || fail "nginx does not answer"
}

# --- measuring -------------------------------------------------------------------------------------

server_syns() {
	sw_in srv nft list counter inet count syns | awk '/packets/ { print $2 }'
}

# The number of packets that hping3 says it sent, at its end.
stop_flood() {
	sw_end "$FLOOD_PID" INT
	awk '/packets transmitted/ { print $1 }' "$WORK/hping3"
}

start_flood() {
	SW_EXEC="exec" sw_peers cli timeout -s INT 300 \
		hping3 -q -S --flood --rand-source -p 80 "$V4_SRV" >"$WORK/hping3" 2>&1 &
	FLOOD_PID=$!
	PIDS+=("$FLOOD_PID")
}

# curl_loops SECONDS LEAST FILE: for so long, and until so many were tried. One line a connection: HTTP status (000:
# failed), seconds to connect, seconds to the first byte.
curl_loops() {
	local seconds=$1 each=$((($2 + CURLS - 1) / CURLS)) out=$3 i loops=()
	# shellcheck disable=SC2016 # expanded by the inner shell
	for ((i = 0; i < CURLS; i++)); do
		SW_EXEC="exec" sw_peers cli bash -c '
			end=$((SECONDS + $1))
			for ((n = 0; n < $2 || SECONDS < end; n++)); do
				curl -s -o /dev/null --max-time "$3" "http://$4/" \
					-w "%{http_code} %{time_connect} %{time_starttransfer}\n"
			done' - "$seconds" "$each" "$CURL_SECONDS_MAX" "$V4_SRV" >"$out.$i" &
		loops+=($!)
		PIDS+=($!)
	done
	wait "${loops[@]}"
	cat "$out".[0-9] >"$out"
}

# milliseconds FILE COLUMN PERCENT, of those that were served.
milliseconds() {
	awk '$1 == 200' "$1" | sort -n -k "$2,$2" | awk -v column="$2" -v percent="$3" '
		{ value[NR] = $column }
		END {
			at = int(NR * percent / 100) + 1
			if (at > NR) at = NR
			if (NR) printf "%.1f", value[at] * 1000; else printf "-"
		}'
}

# measure NAME SECONDS LEAST: runs the curls; sets the arrays' entries of that name.
declare -A TRIED SERVED MEDIAN P99 FIRST SYNS_SENT SYNS_SEEN
# shellcheck disable=SC2034 # the table reads them by name
measure() {
	local name=$1 file=$WORK/curls.$1 seen
	seen=$(server_syns)
	curl_loops "$2" "$3" "$file"
	SYNS_SEEN[$name]=$(($(server_syns) - seen))
	TRIED[$name]=$(wc -l <"$file")
	SERVED[$name]=$(grep -c '^200 ' "$file")
	MEDIAN[$name]=$(milliseconds "$file" 2 50)
	P99[$name]=$(milliseconds "$file" 2 99)
	FIRST[$name]=$(milliseconds "$file" 3 50)
	SYNS_SENT[$name]=0
	say "  $name: ${SERVED[$name]} of ${TRIED[$name]} connections served"
}

# measure_flooded NAME LEAST: the same with the flood, which has a second's start.
measure_flooded() {
	local name=$1 before
	before=$(sw_stats "$PREFIX" rx_outside)
	start_flood
	# shellcheck disable=SC2317 # called by name
	flooded() {
		[ "$(sw_stats "$PREFIX" rx_outside)" -gt $((before + FLOOD_MIN)) ]
	}
	sw_wait_until 20 flooded || fail "hping3 does not send: $(tail -1 "$WORK/hping3")"
	measure "$name" "$FLOOD_SECONDS" "$2"
	sw_alive "$FLOOD_PID" || fail "hping3 ended early: $(tail -1 "$WORK/hping3")"
	SYNS_SENT[$name]=$(stop_flood)
}

row() {
	local -n of=$2
	printf '%-32s %12s %12s %12s\n' "$1" "${of[calm]}" "${of[pass]}" "${of[proxy]}"
}

table() {
	say
	printf '%-32s %12s %12s %12s\n' "" "no flood" "flood" "flood"
	printf '%-32s %12s %12s %12s\n' "synward's mode" "pass" "pass" "proxy"
	row "connections tried" TRIED
	row "connections served" SERVED
	row "connect, median (ms)" MEDIAN
	row "connect, p99 (ms)" P99
	row "first byte, median (ms)" FIRST
	row "flood SYNs sent" SYNS_SENT
	row "SYNs that the server saw" SYNS_SEEN
	say
	say "Times are curl's (time_connect, time_starttransfer), of the connections that were served; a"
	say "connection fails after $CURL_SECONDS_MAX s. With proxy, connect ends at synward's answer and only the first"
	say "byte comes from the server. Client, server and flood share one CPU; synward has another."
	say
}

judge() {
	local expected
	expected=$(($(sw_stats "$PREFIX" server_syn_sent) + $(sw_stats "$PREFIX" server_syn_retransmitted)))
	[ "${SERVED[calm]}" -eq "${TRIED[calm]}" ] || fail "not even without a flood all were served"
	[ "${TRIED[calm]}" -ge $TRIED_MIN ] || fail "only ${TRIED[calm]} connections without a flood"
	[ "${SYNS_SENT[pass]:-0}" -ge $FLOOD_MIN ] || fail "the flood on mode pass was none"
	[ "${SYNS_SENT[proxy]:-0}" -ge $FLOOD_MIN ] || fail "the flood on mode proxy was none"
	[ $((SERVED[pass] * 2)) -lt "${TRIED[pass]}" ] ||
		awk -v ms="${MEDIAN[pass]}" 'BEGIN { exit ms < 900 }' ||
		fail "the unprotected server withstood the flood: nothing is shown"
	[ "${TRIED[proxy]}" -ge $TRIED_MIN ] || fail "only ${TRIED[proxy]} connections were tried"
	[ "${SERVED[proxy]}" -eq "${TRIED[proxy]}" ] ||
		fail "$((TRIED[proxy] - SERVED[proxy])) connections were not served under the flood"
	[ "${SYNS_SEEN[proxy]}" -le "$expected" ] ||
		fail "the server saw ${SYNS_SEEN[proxy]} SYNs, and synward sent it only $expected"
}

keep() {
	local pid
	{
		say "$WORK"
		for pid in "${PIDS[@]}"; do
			sw_gone "$pid" || say "$pid $(start_time "$pid")"
		done
	} >"$KEPT"
	KEEP=left
	say "Still running. To try by hand:"
	say "  ip netns exec cli curl -v http://$V4_SRV/        a page through synward"
	say "  ip netns exec cli curl -v 'http://[$V6_SRV]/'       the same by IPv6"
	say "  ip netns exec cli hping3 -q -S --flood --rand-source -p 80 $V4_SRV"
	say "  ip netns exec srv tcpdump -ni eth0 tcp           what the server sees of it"
	say "  ip netns exec srv ss -tino                       the options of its connections"
	say "  tests/netns/stat.py --file-prefix $PREFIX        synward's counters"
	say "  scripts/demo.sh --down                           takes it all away"
}

# --- the show --------------------------------------------------------------------------------------

case ${1:-} in
"") ;;
--keep) KEEP=yes ;;
--down) take_down ;;
-h | --help) sed -n '3,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) say "demo.sh: '$1' is no option; see --help" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || fail "run it as root: it makes network namespaces"
sw_install_demo_packages || fail "packages are missing"
say "building"
sw_build || fail "it does not build"

sed -n '5,/^# Everything/{/^# Everything/!s/^# \{0,1\}//p}' "$0"
set_up

say "1. mode pass: synward only bridges, the server stands alone"
start pass
measure calm "$CALM_SECONDS" $TRIED_MIN
measure_flooded pass 1
end_all
ip -n cli link del eth0 2>/dev/null
ip -n srv link del eth0 2>/dev/null

say "2. mode proxy: the same server and the same flood"
start proxy
measure_flooded proxy $TRIED_MIN

table
judge
[ $KEEP = no ] || keep
say "demo: PASS"
