#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2016,SC2317 # functions are called by name; quoted scripts expand later
# The daemon's command line: what is wrong gets a sentence that says what to do, the right exit status and no core
# dump; SIGINT and SIGTERM end it with a summary, SIGHUP does not; mode respond needs one port only; several
# workers, with RSS and without, and queues that are not there.
PORTS=tap # some are started by hand here
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

EAL=(--no-huge -m 512 --no-pci --file-prefix "$PREFIX")
TAPS=('--vdev=net_tap0,iface=dtap0' '--vdev=net_tap1,iface=dtap1')

# refused STATUS TEXT WHAT ARGUMENT...: synward ends by itself with this status, says so in one line
# that holds TEXT, and not much else (DPDK's tap driver talks a little).
refused() {
	local status=$1 text=$2 what=$3 rc
	shift 3
	sw_in "$MID" timeout 60 "$SW_SYNWARD" "$@" >"$WORK/out" 2>&1 </dev/null
	rc=$?
	check_int "$what: exit status" $rc -eq "$status"
	check "$what: says '$text'" grep -qE -- "$text" "$WORK/out"
	check_int "$what: lines of output" "$(wc -l <"$WORK/out")" -le 12
	sed 's/^/# /' "$WORK/out"
}

# In a mount namespace without hugetlbfs, as on a fresh machine; what is reserved stays untouched.
no_hugepages() {
	local rc
	sw_in "$MID" unshare --mount --propagation private bash -c '
		while read -r _ dir type _; do
			[ "$type" != hugetlbfs ] || umount "$dir" || exit 99
		done </proc/mounts
		exec timeout 60 "$@"' - "$SW_SYNWARD" --no-pci --file-prefix "$PREFIX" "${TAPS[@]}" -- \
		--config "$CONFIG" >"$WORK/out" 2>&1
	rc=$?
	check_int "no hugepages: exit status" $rc -eq 1
	check "no hugepages: says what is missing" grep -qiE '^synward: .*huge' "$WORK/out"
	check "no hugepages: says what to do" grep -qE -- '--no-huge' "$WORK/out"
	check_int "no hugepages: lines of output" "$(wc -l <"$WORK/out")" -le 12
}

ends_on() {
	local signal=$1
	start_synward "$CONFIG"
	check "SIG$signal: was running" can_ping
	kill -s HUP "$SYNWARD_PID"
	check "SIGHUP: a warning" sw_wait_until 10 grep -qE '^synward: .*SIGHUP: ' "$WORK/synward.err"
	check "SIGHUP: goes on" can_ping
	stop_synward "$signal"
	check_int "SIG$signal: exit status" $? -eq 0
	check "SIG$signal: the summary has counters" grep -qE '^bridged [1-9][0-9]*$' "$WORK/synward"
}

# One tap, no server at all: the handshake is completed by synward itself.
responds_on_one_port() {
	local pid
	cat >"$WORK/one.yaml" <<-YAML
	ports: {outside: net_tap0}
	services:
	  - name: test
	    addresses: [$V4_SRV, "$V6_SRV"]
	    ports: [5000]
	    mode: respond
	YAML
	: >"$WORK/synward"
	SW_EXEC="exec" sw_in "$MID" "$SW_SYNWARD" "${EAL[@]}" "${TAPS[0]}" \
		--lcores "0@$SW_CPU_SYNWARD,1@$SW_CPU_SYNWARD" -- --config "$WORK/one.yaml" \
		>"$WORK/synward" 2>"$WORK/synward.err" &
	pid=$!
	SYNWARD_PID=$pid
	check "respond on one port: starts" sw_wait_until 30 grep -q '^synward: ready' "$WORK/synward"
	check "respond on one port: the best instructions of this CPU" \
		grep -q ", instructions: $(best_instructions)$" "$WORK/synward"
	plug "$CLI" dtap0 wcli
	sw_host_interface "$CLI" "$V4_CLI" "$V6_CLI"
	# Nobody is there to answer for the server's address.
	ip -n "$CLI" neigh replace "$V4_SRV" lladdr 02:00:00:00:00:01 dev eth0
	ip -n "$CLI" neigh replace "$V6_SRV" lladdr 02:00:00:00:00:01 dev eth0
	check "respond on one port: connects, v4" sw_peers "$CLI" timeout 20 bash -c \
		"exec 3<>/dev/tcp/$V4_SRV/5000"
	check "respond on one port: connects, v6" sw_peers "$CLI" timeout 20 bash -c \
		"exec 3<>/dev/tcp/$V6_SRV/5000"
	check "respond on one port: counted" sw_wait_until 10 counter_is respond_accepted -eq 2
	check_int "respond on one port: no flow" "$(counter flow_created)" -eq 0
	stop_synward INT
	check_int "respond on one port: exit status" $? -eq 0
}

# cpu_has FLAG...: all of them, by /proc/cpuinfo.
cpu_has() {
	local flags flag
	flags=" $(sed -n 's/^flags[^:]*: //p' /proc/cpuinfo | head -1) "
	for flag; do
		[[ $flags == *" $flag "* ]] || return 1
	done
}

# cpu_says NAME: of the first CPU.
cpu_says() {
	sed -n "s/^$1[[:space:]]*: //p" /proc/cpuinfo | head -1
}

best_instructions() {
	if ! cpu_has avx2 bmi1 bmi2; then
		echo scalar
	elif ! cpu_has avx512f avx512bw avx512dq avx512vl; then
		echo avx2
	elif [ "$(cpu_says vendor_id) $(cpu_says 'cpu family')" = "AuthenticAMD 26" ] && [ "$(cpu_says model)" -lt 32 ]; then
		echo avx512w
	else
		echo avx512
	fi
}

# Every wrong configuration: the place of at least one mistake, and the status that says so.
checks_refused() {
	local file name rc n=0
	for file in "$NETNS_DIR"/../config/bad/*.yaml; do
		name=$(basename "$file")
		"$SW_SYNWARD" --check "$file" >"$WORK/out" 2>&1 </dev/null
		rc=$?
		check_int "--check of $name: exit status" $rc -eq 2
		check "--check of $name: FILE:LINE:COL" awk -v file="$file:" '
			index($0, file) == 1 && substr($0, length(file) + 1) ~ /^[0-9]+:[0-9]+: ./ { n++ }
			END { exit n == 0 }' "$WORK/out"
		n=$((n + 1))
	done
	check_int "wrong configurations tried" $n -ge 50
}

# config_workers OUTSIDE INSIDE: with one worker on the first CPU and one on the last.
config_workers() {
	sed -e "s/net_tap0/$1/; s/net_tap1/$2/" "$CONFIG"
	echo "lcores: [$SW_CPU_PEERS, $SW_CPU_SYNWARD]"
}

# wrong_queues: more than there are workers, by the file and by the EAL arguments; more than the port has.
wrong_queues() {
	sed 's/net_tap1}/net_tap1, queues: 2}/' "$CONFIG" >"$WORK/queues.yaml"
	refused 1 'ports.queues is 2, and there is 1 worker' "two queues and one worker" \
		"${EAL[@]}" "${TAPS[@]}" -- --config "$WORK/queues.yaml"
	sed 's/net_tap1}/net_tap1, queues: 17}/' "$CONFIG" >"$WORK/queues.yaml"
	refused 1 'net_tap0 .*has 16 receive and 16 transmit queues, ports.queues is 17' \
		"more queues than a tap has" "${EAL[@]}" "${TAPS[@]}" \
		--lcores "0@$SW_CPU_SYNWARD,(1-17)@$SW_CPU_SYNWARD" -- --config "$WORK/queues.yaml"
	echo "lcores: [$SW_CPU_SYNWARD]" >>"$WORK/queues.yaml"
	refused 2 'queues.yaml:1:[0-9]+: ports.queues: 17 is more than the 1 worker of lcores' \
		"more queues than the file has CPUs" "${EAL[@]}" "${TAPS[@]}" -- --config "$WORK/queues.yaml"
}

# starts_with WHAT CONFIG EAL-ARGUMENT...: one that chooses its own CPUs.
starts_with() {
	local what=$1 config=$2
	shift 2
	: >"$WORK/synward"
	SW_EXEC="exec" sw_in "$MID" "$SW_SYNWARD" "${EAL[@]}" "$@" \
		-- --config "$config" >"$WORK/synward" 2>"$WORK/synward.err" &
	SYNWARD_PID=$!
	check "$what: start" sw_wait_until 30 sw_ready_or_gone "$WORK/synward" "$SYNWARD_PID"
	check "$what: ready" grep -q '^synward: ready' "$WORK/synward"
}

# What the ports are asked for, they have, and the line says so.
receive_rings() {
	sed 's/net_tap1}/net_tap1, rx_descriptors: 256}/' "$CONFIG" >"$WORK/rings.yaml"
	starts_with "short receive rings" "$WORK/rings.yaml" "${TAPS[@]}"
	check "short receive rings: says so" grep -q ', receive rings of 256 and 256, ' "$WORK/synward"
	stop_synward TERM
	check_int "short receive rings: exit status on SIGTERM" $? -eq 0
}

# What the time of a worker goes to: taps on which nothing comes in, a process that is stopped, and null ports, which
# have a burst always.
worker_times() {
	local before rounds
	starts_with "times" "$CONFIG" "${TAPS[@]}"
	check "times: idle" sw_wait_until 30 counter_is idle_us -gt 200000
	check_int "times: busy, of idle $(counter idle_us)" "$(counter busy_us)" -lt $(($(counter idle_us) / 4))
	kill -s STOP "$SYNWARD_PID"
	check "times: stopped" sw_wait_until 30 is_stopped "$SYNWARD_PID"
	sleep 0.05 # it is the time that is to be told
	kill -s CONT "$SYNWARD_PID"
	check "times: stalled" sw_wait_until 30 counter_is stalled_us -ge 50000
	stop_synward TERM
	check_int "times: exit status on SIGTERM" $? -eq 0
	sed 's/net_tap/net_null/g' "$CONFIG" >"$WORK/busy.yaml"
	starts_with "times on null ports" "$WORK/busy.yaml" --vdev=net_null0 --vdev=net_null1
	check "times on null ports: busy" sw_wait_until 30 counter_is busy_us -gt 200000
	check_int "times on null ports: idle, of busy $(counter busy_us)" "$(counter idle_us)" \
		-lt $(($(counter busy_us) / 4))
	# Each round has 64 packets; the counters go on while they are read.
	before=$(($(counter rx_outside) + $(counter rx_inside))) rounds=$(counter busy_rounds)
	check_int "times on null ports: rounds of so many packets before" $((rounds * 64)) -ge "$before"
	check_int "times on null ports: and after" $((rounds * 64)) \
		-le $(($(counter rx_outside) + $(counter rx_inside)))
	stop_synward TERM
	check_int "times on null ports: exit status on SIGTERM" $? -eq 0
}

# A tap has no hash that it lets one set; the null driver does.
several_workers() {
	if [ "$SW_CPU_PEERS" = "$SW_CPU_SYNWARD" ]; then
		echo "# one CPU only: no test of several workers"
		return
	fi
	config_workers net_tap0 net_tap1 >"$WORK/taps.yaml"
	starts_with "two workers on taps" "$WORK/taps.yaml" "${TAPS[@]}"
	check "two workers on taps: says why they do not rely on the ports" \
		grep -qE '^synward: warning: port net_tap0 .*cannot spread connections' "$WORK/synward.err"
	check "two workers on taps: owners by hash" \
		grep -q '2 workers (queues 2 and 2, owners by hash)' "$WORK/synward"
	stop_synward TERM
	check_int "two workers on taps: exit status on SIGTERM" $? -eq 0
	sed 's/net_tap1}/net_tap1, mtu: 9000}/' "$CONFIG" >"$WORK/mtu.yaml"
	refused 1 'net_tap0 .*takes an MTU of at most' "an MTU that a tap does not take" \
		"${EAL[@]}" "${TAPS[@]}" -- --config "$WORK/mtu.yaml"
	config_workers net_null0 net_null1 >"$WORK/nulls.yaml"
	starts_with "two workers on null ports" "$WORK/nulls.yaml" --vdev=net_null0 --vdev=net_null1
	check "two workers on null ports: owners by RSS" \
		grep -q '2 workers (queues 2 and 2, owners by RSS)' "$WORK/synward"
	check "two workers on null ports: packets run" counter_is rx_outside -gt 0
	stop_synward TERM
	check_int "two workers on null ports: exit status on SIGTERM" $? -eq 0
}

net_up
ulimit -c unlimited
cd "$WORK" || exit 1 # a core dump would be seen here
CONFIG=$(config proxy)
sed 's/net_tap1/net_tap7/' "$CONFIG" >"$WORK/noport.yaml"
sed 's/mode:/mod:/' "$CONFIG" >"$WORK/bad.yaml"

refused 2 '--config' "no --config" "${EAL[@]}" --
refused 2 '--config' "no arguments at all"
refused 2 'nosuch' "unknown option" --config "$CONFIG" --nosuch
refused 2 'absent.yaml' "no such file" --config "$WORK/absent.yaml"
refused 2 "$WORK" "a directory" --config "$WORK"
refused 2 'bad.yaml:[0-9]+:[0-9]+: .*mod' "wrong file" "${EAL[@]}" -- --config "$WORK/bad.yaml"
refused 1 'net_tap7' "a port that does not exist" "${EAL[@]}" "${TAPS[@]}" -- \
	--config "$WORK/noport.yaml"
refused 1 'net_tap0' "no port at all" "${EAL[@]}" -- --config "$CONFIG"
check "a port that does not exist: those that do are named" grep -q 'vdev' "$WORK/out"
no_hugepages

"$SW_SYNWARD" --check --config "$CONFIG" >"$WORK/out" 2>&1
check_int "--check of a right file: exit status" $? -eq 0
"$SW_SYNWARD" --check --config "$WORK/bad.yaml" >"$WORK/out" 2>&1
check_int "--check of a wrong file: exit status" $? -eq 2
check "--check of a wrong file: FILE:LINE:COL" grep -qE "^$WORK/bad.yaml:8:5: .*mod" "$WORK/out"
"$SW_SYNWARD" --check "$CONFIG" >"$WORK/out" 2>&1
check_int "--check FILE of a right file: exit status" $? -eq 0
checks_refused
"$SW_SYNWARD" --help >"$WORK/out"
check_int "--help: exit status" $? -eq 0
check "--help: shows the options" grep -q -- --config "$WORK/out"
check "--version" grep -q "^synward [0-9]" <("$SW_SYNWARD" --version)

ends_on INT
ends_on TERM
responds_on_one_port
wrong_queues
receive_rings
worker_times
several_workers
check_same "no core dump" "$(find "$WORK" -name 'core*')" ""
finish
