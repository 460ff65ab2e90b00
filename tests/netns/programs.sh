# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2016,SC2317 # the fields are awk's; functions are called by name
#
# Real programs through synward; sourced by 91 and 92, which choose the ports. The servers are
# Debian's, with configuration, keys and data of this run's own, all below $WORK, in the foreground:
#
#   program  port  what is special                           what is checked
#   nginx    5080  HTTP/1.1, plain                           files fetched and put
#   nginx    5043  HTTP/2 over TLS, 20 streams at once       each file, one connection
#   nginx    5080  the reader stops until its window is 0    the file, after probes of the window
#   OpenSSH  5022  both ends speak at once                   data through `cat`, scp both ways
#   vsftpd   5021  the server speaks first                   files both ways; data connections, to
#                                                            other ports, are bridged
#   Redis    5079  1,000 connections of one command each     the count; a large value both ways
#   iperf3   5001  as fast as it goes, both ways             bytes received
#
# Each runs plain, over IPv4 and IPv6; over IPv4 while SYNs from random sources flood its port; and
# over IPv6 with a wire between the client and synward that has a round trip of 50 ms (25 ms each
# way) and a loss of 2 % in each direction. Less is sent there; nothing depends on the time it takes.

# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/netns/nginx.sh
. "$(dirname "${BASH_SOURCE[0]}")/nginx.sh"

HTTP=5080 HTTPS=5043 SSH=5022 FTP=5021 REDIS=5079 IPERF=5001
FTP_DATA=21000-21099
PARTS=20 # files that are fetched at once over HTTP/2
IMPAIRED="--delay-ms 25 --loss 2 --seed ${SEED:-91}"

# --- servers ----------------------------------------------------------------------------------------

# make_data BYTES: what is served: a file of that size, and as much in parts.
make_data() {
	local n
	rm -rf "${WORK:?}/www"
	mkdir -p "$WORK/www/in"
	chmod 777 "$WORK/www/in"
	SIZE=$1
	head -c "$SIZE" /dev/urandom >"$WORK/www/file"
	for ((n = 1; n <= PARTS; n++)); do
		head -c $((SIZE / PARTS)) /dev/urandom >"$WORK/www/part$n"
	done
}

start_nginx() {
	mkdir -p "$WORK/nginx"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=server.test -addext subjectAltName=DNS:server.test \
		-keyout "$WORK/nginx/key" -out "$WORK/nginx/cert" 2>"$WORK/nginx/openssl" ||
		{ cat "$WORK/nginx/openssl"; sw_die "no certificate"; }
	spawn_nginx off <<-CONF
	client_max_body_size 0;
	server {
		listen $HTTP;
		listen [::]:$HTTP;
		listen $HTTPS ssl http2;
		listen [::]:$HTTPS ssl http2;
		ssl_certificate $WORK/nginx/cert;
		ssl_certificate_key $WORK/nginx/key;
		root $WORK/www;
		location /in/ { dav_methods PUT; }
	}
	CONF
}

# sshd insists on /run/sshd: a /run of its own, which nobody else sees. Without PAM it lets in no
# account that is locked, as root's may be.
start_sshd() {
	local pam=no key host
	[[ $(getent shadow root | cut -d: -f2) != '!'* ]] || pam=yes
	mkdir -p "$WORK/ssh"
	ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh/host" || sw_die "no host key"
	ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh/user" || sw_die "no user key"
	key=$(cut -d ' ' -f 1,2 "$WORK/ssh/host.pub")
	for host in "$V4_SRV" "$V6_SRV"; do
		echo "[$host]:$SSH $key"
	done >"$WORK/ssh/known_hosts"
	cat >"$WORK/ssh/sshd_config" <<-CONF
	Port $SSH
	HostKey $WORK/ssh/host
	AuthorizedKeysFile $WORK/ssh/user.pub
	StrictModes no
	PermitRootLogin prohibit-password
	PermitUserRC no
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	UsePAM $pam
	UseDNS no
	PidFile none
	Subsystem sftp internal-sftp
	CONF
	spawn "$WORK/ssh/log" sw_peers "$SRV" unshare --mount bash -c \
		'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f "$1"' - \
		"$WORK/ssh/sshd_config"
}

start_vsftpd() {
	mkdir -p "$WORK/ftp/empty"
	cat >"$WORK/ftp/conf" <<-CONF
	listen_ipv6=YES
	listen_port=$FTP
	background=NO
	anonymous_enable=YES
	nopriv_user=nobody
	no_anon_password=YES
	write_enable=YES
	anon_upload_enable=YES
	anon_umask=022
	anon_root=$WORK/www
	secure_chroot_dir=$WORK/ftp/empty
	pasv_min_port=${FTP_DATA%-*}
	pasv_max_port=${FTP_DATA#*-}
	CONF
	spawn "$WORK/ftp/log" sw_peers "$SRV" vsftpd "$WORK/ftp/conf"
}

start_redis() {
	mkdir -p "$WORK/redis"
	spawn "$WORK/redis/log" sw_peers "$SRV" redis-server --port $REDIS --bind '*' -::'*' \
		--protected-mode no --daemonize no --save '' --appendonly no --dir "$WORK/redis"
}

start_iperf() {
	mkdir -p "$WORK/iperf"
	spawn "$WORK/iperf/log" sw_peers "$SRV" iperf3 --server --port $IPERF --forceflush
}

all_listen() {
	[ "$(sw_in "$SRV" ss -tlnH | awk '{ sub(/.*:/, "", $4); print $4 }' | sort -u |
		grep -cxE "$HTTP|$HTTPS|$SSH|$FTP|$REDIS|$IPERF")" -eq 6 ]
}

show_logs() {
	local log
	for log in "$WORK"/{nginx,ssh,ftp,redis,iperf}/log; do
		tail -q -n 5 "$log" "$log.err" | sed "s|^|# ${log#"$WORK"/}: |"
	done
}

start_programs() {
	# vsftpd serves as the user ftp.
	chmod 755 "$WORK"
	start_nginx
	start_sshd
	start_vsftpd
	start_redis
	start_iperf
	sw_wait_until 30 all_listen && return
	show_logs
	sw_die "not every server listens"
}

# --- clients ----------------------------------------------------------------------------------------

in_url() {
	if [[ $1 == *:* ]]; then echo "[$1]"; else echo "$1"; fi
}

# The limit only keeps a hang from lasting.
at_client() {
	sw_peers "$CLI" timeout --foreground 120 "$@"
}

fetch() {
	at_client curl -q -sS --fail --noproxy '*' --cacert "$WORK/nginx/cert" "$@"
}

http_files() {
	local url versions
	url=http://$(in_url "$1"):$HTTP
	versions=$(fetch --http1.1 -w '%{http_version} ' -o "$WORK/got/a" "$url/file" \
		-o "$WORK/got/b" "$url/part1") || return 1
	[ "$versions" = "1.1 1.1 " ] || { echo "# versions: $versions"; return 1; }
	cmp "$WORK/got/a" "$WORK/www/file" && cmp "$WORK/got/b" "$WORK/www/part1" || return 1
	fetch --http1.1 -T "$WORK/www/file" "$url/in/http" || return 1
	cmp "$WORK/www/in/http" "$WORK/www/file"
}

# All at once on one connection: the path's check counts it.
http2_streams() {
	local n versions
	versions=$(fetch --http2 --parallel --no-progress-meter \
		--resolve "server.test:$HTTPS:$(in_url "$1")" -w '%{http_version}\n' \
		-o "$WORK/got/part#1" "https://server.test:$HTTPS/part[1-$PARTS]") || return 1
	[ "$(grep -cx 2 <<<"$versions")" -eq $PARTS ] || { echo "# versions: $versions"; return 1; }
	for ((n = 1; n <= PARTS; n++)); do
		cmp "$WORK/got/part$n" "$WORK/www/part$n" || return 1
	done
}

# reader_stalled CLOSED PROBES: since then the client has closed its window and been probed twice.
reader_stalled() {
	[ "$(nstat_of "$CLI" TcpExtTCPToZeroWindowAdv)" -gt "$1" ] &&
		[ "$(nstat_of "$SRV" TcpExtTCPWinProbe)" -ge $(($2 + 2)) ]
}

# A pipe that nobody reads stops curl. The kernel may have room for all of the file by then, unless it is told not to.
http_stalled() {
	local closed probes rmem rc=0
	rmem=$(sw_in "$CLI" sysctl -n net.ipv4.tcp_rmem) || return 1
	sw_in "$CLI" sysctl -qw net.ipv4.tcp_rmem="4096 131072 262144" || return 1
	closed=$(nstat_of "$CLI" TcpExtTCPToZeroWindowAdv)
	probes=$(nstat_of "$SRV" TcpExtTCPWinProbe)
	(
		set -o pipefail
		fetch "http://$(in_url "$1"):$HTTP/file" | {
			sw_wait_until 60 reader_stalled "$closed" "$probes" && cat >"$WORK/got/stalled"
		}
	) || rc=1
	sw_in "$CLI" sysctl -qw net.ipv4.tcp_rmem="$rmem" || rc=1
	[ $rc = 0 ] && cmp "$WORK/got/stalled" "$WORK/www/file"
}

# ssh_with PROGRAM ARGUMENT...: ssh or scp with this run's keys.
ssh_with() {
	at_client "$1" -F none -o LogLevel=ERROR -o BatchMode=yes -o StrictHostKeyChecking=yes \
		-o UserKnownHostsFile="$WORK/ssh/known_hosts" -o Port=$SSH -i "$WORK/ssh/user" "${@:2}"
}

ssh_cat() {
	ssh_with ssh "root@$1" cat <"$WORK/www/file" >"$WORK/got/ssh" || return 1
	cmp "$WORK/got/ssh" "$WORK/www/file"
}

scp_files() {
	local from
	from=root@$(in_url "$1"):$WORK/www
	ssh_with scp "$from/file" "$WORK/got/scp" || return 1
	ssh_with scp "$WORK/www/file" "$from/in/scp" || return 1
	cmp "$WORK/got/scp" "$WORK/www/file" && cmp "$WORK/www/in/scp" "$WORK/www/file"
}

# Each curl is a login of its own: a server that speaks first, so often. Those for one file run at once, since
# each has many round trips.
FTP_LOGINS=10
ftp_files() {
	local url n jobs=()
	url=ftp://$(in_url "$1"):$FTP
	for ((n = 1; n < FTP_LOGINS; n++)); do
		fetch -o "$WORK/got/ftp$n" "$url/part$n" &
		jobs+=($!)
	done
	for ((n = 1; n < FTP_LOGINS; n++)); do
		wait "${jobs[n - 1]}" || return 1
		cmp "$WORK/got/ftp$n" "$WORK/www/part$n" || return 1
	done
	fetch -T "$WORK/www/file" "$url/in/ftp" --next -sS --fail \
		-o "$WORK/got/ftp" "$url/file" || return 1
	cmp "$WORK/got/ftp" "$WORK/www/file" && cmp "$WORK/www/in/ftp" "$WORK/www/file"
}

# redis HOST COMMAND...
redis() {
	at_client redis-cli -h "$1" -p $REDIS "${@:2}"
}

# The benchmark connects anew for each command.
REDIS_SHORT=1000
redis_short() {
	local log=$WORK/got/redis-benchmark
	[ "$(redis "$1" SET n 0)" = OK ] || return 1
	at_client redis-benchmark -h "$1" -p $REDIS -k 0 -c 50 -n $REDIS_SHORT -q INCR n \
		>"$log" 2>&1 || { cat "$log"; return 1; }
	[ "$(redis "$1" GET n)" = $REDIS_SHORT ] || { echo "# $(redis "$1" GET n) counted"; return 1; }
	[ "$(redis "$1" -x SET value <"$WORK/www/file")" = OK ] || return 1
	redis "$1" GET value >"$WORK/got/redis" || return 1
	# redis-cli ends what it prints with a newline.
	echo | cat "$WORK/www/file" - | cmp - "$WORK/got/redis"
}

iperf_ready() {
	[ "$(grep -c '^Server listening' "$WORK/iperf/log")" -gt "$1" ]
}

# iperf_run HOST OPTION...: once the server has done with the runs before. With --bytes the receiver
# is asked what it has while the last of them are under way: up to what two sockets of twice 64 KiB
# hold, and one block of 128 KiB more.
iperf_run() {
	local log=$WORK/got/iperf
	sw_wait_until 20 iperf_ready $IPERF_RUNS || return 1
	IPERF_RUNS=$((IPERF_RUNS + 1))
	at_client iperf3 --client "$1" --port $IPERF --bytes "$SIZE" --window 64K --json \
		"${@:2}" >"$log" || { cat "$log"; return 1; }
	"${SW_PYTHON[@]}" - "$log" "$SIZE" <<-'PYTHON'
	import json, sys
	end = json.load(open(sys.argv[1]))["end"]
	sent, received = end["sum_sent"]["bytes"], end["sum_received"]["bytes"]
	if not int(sys.argv[2]) - 384 * 1024 <= received <= sent:
	    sys.exit(f"# {sent} bytes sent, {received} received")
	PYTHON
}

IPERF_RUNS=0
iperf_both() {
	iperf_run "$1" && iperf_run "$1" --reverse
}

# --- what is checked --------------------------------------------------------------------------------

# Fills the array that is named: what synward and the server have counted so far.
count() {
	local -n into=$1
	# shellcheck disable=SC2034 # the caller's array
	mapfile -t into < <(sw_stats "$PREFIX" cookie_accepted flow_established server_syn_sent \
		server_syn_retransmitted syn_received && server_syns)
}

# Ends of the client's that still have something to say or to hear.
client_done() {
	[ -z "$(sw_in "$CLI" ss -tnH state connected exclude time-wait)" ]
}

# The flood leaves by the client's own interface: one that fills its queue takes handshake ACKs away as
# well, and what a server that speaks first then sends never comes, because under a flood most
# SYN-ACKs are not sent again. So at most 20,000 SYNs a second, and room for one second of them. Test 50
# is the one with a flood as fast as it goes.
pace_flood() {
	ip -n "$CLI" link set eth0 txqueuelen 20000
	sw_in "$CLI" nft -f - <<-NFT || sw_die "cannot pace the flood"
	table netdev flood {
		chain out {
			type filter hook egress device eth0 priority 0;
			ip saddr != $V4_CLI limit rate over 20000/second burst 1000 packets drop
		}
	}
	NFT
}

flood_on() {
	local now
	now=$(counter syn_received)
	start_flood "$1" --flood
	sw_wait_until 30 counter_is syn_received -gt $((now + 5000)) ||
		not_ok "the flood of port $1 runs"
}

# program WHAT HOST PORT OPERATOR CONNECTIONS FUNCTION: runs it; each of its connections was opened
# by a cookie and spliced, and the server was sent no SYN but theirs.
program() {
	local what="$PHASE, $1, $2" host=$2 start=$SECONDS
	local before after
	# What an earlier run fetched or sent is not taken for this one's.
	rm -rf "${WORK:?}/got" "$WORK"/www/in/*
	mkdir "$WORK/got"
	count before
	[ "$PHASE" != flood ] || flood_on "$3"
	if "$6" "$host"; then
		ok "$what: right"
	else
		not_ok "$what: right"
		show_logs
	fi
	if [ "$PHASE" = flood ]; then
		check "$what: flooded all the time" sw_alive "$FLOOD_PID"
		stop_flood >"$WORK/flood"
	fi
	check "$what: closed" sw_wait_until 60 client_done
	count after
	local accepted=$((after[0] - before[0])) syns=$((after[2] + after[3] - before[2] - before[3]))
	check_int "$what: cookies accepted" $accepted "$4" "$5"
	check_int "$what: connections spliced" $((after[1] - before[1])) -eq $accepted
	check_int "$what: SYNs sent to the server" $((after[2] - before[2])) -eq $accepted
	check_int "$what: SYNs that the server saw" $((after[5] - before[5])) -eq $syns
	echo "# $what: $((after[4] - before[4])) SYNs received, $((SECONDS - start)) s"
}

programs() {
	program "HTTP/1.1" "$1" $HTTP -eq 2 http_files
	program "HTTP/2 over TLS" "$1" $HTTPS -eq 1 http2_streams
	program "a reader that stalls" "$1" $HTTP -eq 1 http_stalled
	program "ssh" "$1" $SSH -eq 1 ssh_cat
	program "scp" "$1" $SSH -eq 2 scp_files
	program "FTP" "$1" $FTP -eq $FTP_LOGINS ftp_files
	program "iperf3" "$1" $IPERF -eq 4 iperf_both
	# The benchmark opens some more than it needs.
	program "Redis" "$1" $REDIS -ge $((REDIS_SHORT + 4)) redis_short
}

nothing_left() {
	local name
	check "$PHASE: no flow is left after the timers" sw_wait_until 90 counter_is flows -eq 0
	check_int "$PHASE: nothing waits for a server" "$(counter pending)" -eq 0
	check_int "$PHASE: nothing is held" "$(counter held_now)" -eq 0
	for name in flow_failed server_timed_out server_refused drop_cookie_bad; do
		check_int "$PHASE: $name" "$(counter $name)" -eq 0
	done
}

all_programs() {
	local SIZE PHASE
	net_up
	SYN_PORTS=5000-5099
	count_server_syns
	make_data 2000000
	start_synward "$(config proxy "$TIMEOUTS")"
	start_programs
	PHASE=plain
	programs "$V4_SRV"
	programs "$V6_SRV"
	nothing_left
	PHASE=flood
	pace_flood
	programs "$V4_SRV" # what the flood can reach
	nothing_left
	stop_synward TERM

	PHASE=impaired
	IDLE=${IDLE:-sleep} # what takes its time here is timers
	make_data 1000000
	WIRE_CLI=$IMPAIRED
	start_synward "$(config proxy "$TIMEOUTS")"
	programs "$V6_SRV"
	nothing_left
	stop_synward TERM
	check "the wire did lose packets both ways" awk '
		/^(ab|ba) / && $7 > 20 { n++ }
		END { exit n != 2 }' "$WORK/wcli.log"
	sed 's/^/# wire: /' "$WORK/wcli.log"
	finish
}
