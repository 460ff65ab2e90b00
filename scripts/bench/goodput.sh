# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# bench.sh goodput: what real clients get while a flood grows. Sourced by scripts/bench.sh.
#
# memif      synload ==memif== synward ==memif== synload, which is the server too; and the same again without a flood,
#            in turn with it (turns.sh)
# tap        synload gtap0 --bridge-- dtap0 synward dtap1 == eth0 nginx         synward's ports are taps; the server
#                                                                               is the kernel's, in namespace SRV
# cookies    synload gtap0 == eth0 nginx                                        net.ipv4.tcp_syncookies = 2
# synproxy   synload gtap0 == eth0 router ==veth== eth0 nginx                   nftables in namespace CLI
#
# The generator has the first CPU; everything else, nginx and the kernel's part too, has the last one: what comes in
# on a tap is handed to it (RPS), for a flood does not slow down when its victim does. nginx goes before whatever
# else runs there, in all three. Neighbours are fixed entries: none has to be asked for.

GP_SERVER=10.77.0.2 GP_SOURCES=198.18.0.0/15
GP_GEN_MAC=02:00:00:00:00:01 GP_SRV_MAC=02:00:00:00:00:02

# --- the server, and what stands before it -----------------------------------------------------------

nginx_up() {
	cat >"$WORK/nginx.conf" <<-NGINX
	daemon off;
	worker_processes 1;
	pid $WORK/nginx.pid;
	error_log $WORK/nginx.log;
	events { worker_connections 65536; }
	worker_rlimit_nofile 65600;
	http {
		access_log off;
		client_body_temp_path $WORK/body; proxy_temp_path $WORK/proxy;
		fastcgi_temp_path $WORK/fastcgi; uwsgi_temp_path $WORK/uwsgi; scgi_temp_path $WORK/scgi;
		server { listen 80 backlog=4096; location / { return 200 "served by nginx\n"; } }
	}
	NGINX
	sw_in "$SRV" sysctl -qw net.core.somaxconn=4096 net.ipv4.tcp_syncookies="$1"
	SW_EXEC="exec" sw_in "$SRV" taskset -c "$SW_CPU_SYNWARD" nice -n -15 \
		nginx -p "$WORK" -c "$WORK/nginx.conf" >"$WORK/nginx.out" 2>&1 &
	SERVER_PID=$!
	sw_wait_until 20 nginx_listens || { cat "$WORK/nginx.out" >&2; sw_die "nginx does not listen"; }
}

nginx_listens() {
	sw_in "$SRV" ss -tlnH 'sport = :80' | grep -q .
}

# cpu_mask N: as sysfs writes it, 32 bits between commas.
cpu_mask() {
	local i
	printf '%x' $((1 << ($1 % 32)))
	for ((i = $1 / 32; i > 0; i--)); do
		printf ',00000000'
	done
}

# gp_receive NAMESPACE: what comes in on its eth0 is the last CPU's business.
gp_receive() {
	ip netns exec "$1" sh -c "echo $(cpu_mask "$SW_CPU_SYNWARD") >/sys/class/net/eth0/queues/rx-0/rps_cpus" \
		2>/dev/null || echo "bench.sh: no RPS here: the kernel's part shares the generator's CPU"
}

# gp_plug TAP NAMESPACE ADDRESS GATEWAY: a tap becomes eth0 there; the sources are beyond GATEWAY, which is synload.
gp_plug() {
	sw_wait_until 20 has_link "$1" && ip -n "$MID" link set "$1" netns "$2" name eth0 &&
		ip -n "$2" link set eth0 address $GP_SRV_MAC && sw_in "$2" ethtool -K eth0 tx off >/dev/null 2>&1
	ip -n "$2" addr add "$3/24" dev eth0 && ip -n "$2" link set eth0 up &&
		ip -n "$2" neigh replace "$4" lladdr $GP_GEN_MAC nud permanent dev eth0 &&
		ip -n "$2" route add $GP_SOURCES via "$4" && gp_receive "$2"
}

# The router of the synproxy curve: its inside is a veth pair to the server.
gp_router() {
	ip -n "$CLI" link add in0 type veth peer name eth0 netns "$SRV" &&
		ip -n "$CLI" addr add 10.77.0.1/24 dev in0 && ip -n "$CLI" link set in0 up &&
		ip -n "$SRV" addr add $GP_SERVER/24 dev eth0 && ip -n "$SRV" link set eth0 up &&
		ip -n "$SRV" route add $GP_SOURCES via 10.77.0.1 || return 1
	# The table first: it brings connection tracking, whose settings are not there before.
	sw_in "$CLI" nft -f - <<-'NFT' || return 1
	table ip front {
		chain raw {
			type filter hook prerouting priority raw;
			iifname "eth0" tcp dport 80 tcp flags & (fin | syn | rst | ack) == syn notrack
		}
		chain forward {
			type filter hook forward priority filter;
			iifname "eth0" tcp dport 80 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
			ct state invalid drop
		}
	}
	NFT
	sw_in "$CLI" sysctl -qw net.ipv4.ip_forward=1 net.netfilter.nf_conntrack_tcp_loose=0 \
		net.ipv4.tcp_timestamps=1 net.ipv4.tcp_syncookies=1
}

# --- one run ---------------------------------------------------------------------------------------

# gp_arguments STEP: of synload; STEP is the flood's rate, 0, or max. No stage may take longer than two seconds: a SYN
# that is sent again after one is late, and is served; one that is lost twice is not.
gp_arguments() {
	SYNLOAD=(mixed --flood-type syn)
	case $1 in
	0) SYNLOAD=(connect) ;;
	max) ;;
	*) SYNLOAD+=(--flood-rate "$1") ;;
	esac
	SYNLOAD+=(--outside "$GEN_OUTSIDE" --rate "$CONNECT_RATE" --options linux --warmup 2
		--timeout 2000)
}

# gp_generator STEP: on one tap, against a real server.
gp_generator() {
	gp_arguments "$1"
	generator_up "${SYNLOAD[@]}" --http / --server "$GP_SERVER:80" --sources $GP_SOURCES \
		--src-mac $GP_GEN_MAC --dst-mac $GP_SRV_MAC
}

gp_start_tap() {
	gp_tap_ports
	DEVICE_PORTS=('--vdev=net_tap0,iface=dtap0' '--vdev=net_tap1,iface=dtap1')
	OUTSIDE=net_tap0 INSIDE=net_tap1 MODE=proxy FLOWS=1M TIMEOUTS='timeouts: {closed: 1s, reset: 1s}'
	SERVICE_ADDRESSES=$GP_SERVER SERVICE_PORTS=80
	device_up synward io paired
	gp_plug dtap1 "$SRV" $GP_SERVER 10.77.0.1 || sw_die "cannot connect the server"
	nginx_up 1
	gp_generator "$1"
	sw_wait_until 20 has_link gtap0
	join dtap0 gtap0 br0 || sw_die "cannot connect synload"
}

gp_start_cookies() {
	gp_tap_ports
	nginx_up 2
	gp_generator "$1"
	gp_plug gtap0 "$SRV" $GP_SERVER 10.77.0.1 || sw_die "cannot connect synload"
}

gp_start_synproxy() {
	gp_tap_ports
	gp_router || sw_die "no router with nftables synproxy here"
	nginx_up 1
	gp_generator "$1"
	gp_plug gtap0 "$CLI" 10.77.1.254 10.77.1.1 || sw_die "cannot connect synload"
}

gp_tap_ports() {
	WIRE=tap
	choose_memory 512
	GENERATOR_PORTS=('--vdev=net_tap0,iface=gtap0')
	GEN_OUTSIDE=net_tap0
}

# Everything away, so that each run starts from nothing.
gp_stop() {
	local ns
	[ -z "$SERVER_PID" ] || sw_end "$SERVER_PID" TERM
	SERVER_PID=''
	for ns in "$CLI" "$SRV"; do
		ip netns del "$ns" 2>/dev/null
		sw_namespace "$ns" || sw_die "cannot make network namespaces"
	done
	ip -n "$MID" link del br0 2>/dev/null
	return 0
}

# gp_end CURVE STEP FLOOD [KEY=VALUE...]: waits for the end of a run with that flood, and records it.
gp_end() {
	local curve=$1 step=$2 flood=$3 finished pps=0 spliced
	shift 3
	generator_done
	finished=$(reported connections.finished) || exit 1
	if [ "$flood" != 0 ]; then pps=$(reported flood.tx_pps) || exit 1; fi
	device_down
	all_right
	case $curve in
	memif | tap)
		spliced=$(counted flow_established)
		[ "$spliced" -ge "$finished" ] || fail_round "more connections were served than went through the proxy"
		;;
	esac
	if [ "$flood" = 0 ] && [ "$finished" = 0 ]; then
		fail_round "$curve: no connection is served, even without a flood"
	fi
	record "curve=$curve" "step=$step" "$@" "flood_pps=$pps" "tried=$(reported connections.tried)" \
		"finished=$finished" "failed=$(reported connections.failed.total)" \
		"measured_tried=$(reported connections.measured.tried)" \
		"measured_finished=$(reported connections.measured.finished)" \
		"tried_per_second=$(reported connections.tried_per_second)" \
		"p50_us=$(reported handshake_us.p50 null)" "p99_us=$(reported handshake_us.p99 null)"
}

# gp_memif_once flooded|idle
gp_memif_once() {
	local flood=$STEP slice=()
	[ "$1" = flooded ] || flood=0
	gp_arguments "$flood"
	both_up synward io paired "${SYNLOAD[@]}" --inside "$GEN_INSIDE" --server "$V4_SERVER:80"
	# Only of those that are there at once is it true.
	[ "$PAIRS" = 1 ] || slice=("slice=$SLICE")
	gp_end memif "$STEP" "$flood" "who=$1" "${slice[@]}"
}

# In rounds: what connecting takes is told beside what it takes in the same seconds without a flood. A flat-out flood fills
# whatever ring there is, and each packet of a client stands behind it.
gp_memif_step() {
	local i
	STEP=$1 WIRE=memif MODE=proxy FLOWS=1M
	choose_memory 768 2
	TIMEOUTS="timeouts: {closed: ${PAIRS}s, reset: ${PAIRS}s}"
	wire_ports 2
	for ((i = 1; i <= ROUNDS; i++)); do
		order_of "$i" flooded idle
		in_turn gp_memif_once
	done
}

# gp_step CURVE STEP: true where the flood was as fast as it was to be.
gp_step() {
	case $1 in
	memif) gp_memif_step "$2" ;;
	*)
		"gp_start_$1" "$2"
		gp_end "$1" "$2" "$2"
		gp_stop
		;;
	esac
	"${SW_PYTHON[@]}" scripts/bench/goodput.py line "$ROUNDS_FILE" || sw_die "no figures"
	"${SW_PYTHON[@]}" scripts/bench/goodput.py reached "$ROUNDS_FILE"
}

# gp_can CURVE: this kernel has what it takes; it is tried, and put away again.
gp_can() {
	local rc=0
	case $1 in
	memif) return 0 ;;
	tap) WIRE=tap wire_can || return 1 ;;
	cookies) WIRE=tap wire_can && sw_in "$SRV" sysctl -qw net.ipv4.tcp_syncookies=2 || return 1 ;;
	synproxy)
		WIRE=tap wire_can && gp_router || rc=1
		gp_stop
		return $rc
		;;
	esac
}

bench_goodput() {
	local curve step json=() plot=()
	prepare nginx nft gnuplot ethtool
	RING=${RING:-64}
	# The first millisecond of a turn belongs to the other threads of both programs, which SIGCONT wakes too: a smaller
	# share of a longer turn.
	SLICE=1
	new_figures
	for curve in ${CURVES//,/ }; do
		gp_can "$curve" || {
			echo "bench.sh: this kernel cannot do what the curve $curve needs: left out"
			continue
		}
		for step in ${STEPS//,/ }; do
			gp_step "$curve" "$step" || {
				echo "  as fast as it goes here: no use in steps beyond this one"
				break
			}
		done
	done
	[ -s "$ROUNDS_FILE" ] || { echo "bench.sh: none of these curves can be had here" >&2; exit 3; }
	[ -z "$JSON" ] || json=(--json "$JSON")
	[ -z "$PLOT" ] || plot=(--plot "$PLOT")
	"${SW_PYTHON[@]}" scripts/bench/goodput.py report "$ROUNDS_FILE" "seconds=$SECONDS_EACH" \
		"connect_rate=$CONNECT_RATE" "rounds=$ROUNDS" "ring=$RING" --build "$BUILD" "${json[@]}" "${plot[@]}"
}
