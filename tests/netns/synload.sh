# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2034,SC2317 # variables and functions are for those who source it
#
# Running synload; sourced by 95 and 96.

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
	"${SW_PYTHON[@]}" -c '
import functools, json, sys
print(functools.reduce(lambda o, k: o[k], sys.argv[2].split("."), json.load(open(sys.argv[1]))))
' "$WORK/json" "$1"
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
