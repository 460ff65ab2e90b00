# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # variables are those of scripts/bench.sh and its parts
# SPDX-License-Identifier: BSD-3-Clause
#
# The wires between the generator and the device under test, synward or testpmd. Sourced by scripts/bench.sh.
#
#   [ generator ] outside ==wire== outside [ device ] inside ==wire== inside [ generator ]
#
#   memif    shared memory of two processes; the device is the server of the socket
#   vhost    generator net_vhost, device virtio-user: the generator makes the socket and must be there first
#   af_xdp   the ends of a veth pair
#   tap      two taps, with a bridge of the kernel's between them
#
# With one port only, synward's inside is a port that never receives: in mode proxy it polls two, as it does in
# service. testpmd, which needs no second one, polls the wire alone.
# Both programs run in the namespace MID (of pairs in turn each has one of its own), which has no stack of its own.

# log2 N: of a power of two.
log2() {
	local n=$1 bits=0
	while ((n > 1)); do
		((n /= 2, bits++))
	done
	echo $bits
}

# The port that synward has beside those of the wire, if any.
NULL_PORT=()

# What synload is told of its packet buffers: those of a port that does not copy stay in order.
GENERATOR_BUFFERS=()

# wire_ports N: one or two ports on WIRE. Sets DEVICE_PORTS and GENERATOR_PORTS, as EAL arguments, GENERATOR_BUFFERS, as
# an argument of synload, and the names.
wire_ports() {
	local n=$1 i memif zero_copy='' virtio
	# The generator is to be faster than either device, and both see the same one. Only with one port: net_memif
	# closes the file of its memory when a port is connected, and another that has yet to send it then cannot
	# ("Bad file descriptor"). Whole connections were no faster with it.
	GENERATOR_BUFFERS=()
	if [ "$WIRE" = memif ] && [ "$HUGE" = 1 ] && [ "$n" = 1 ]; then
		zero_copy=,zero-copy=yes GENERATOR_BUFFERS=(--fifo-buffers)
	fi
	DEVICE_PORTS=() GENERATOR_PORTS=()
	# A virtio port uses no more of its ring than it is asked for: those of both devices are what synward asks for
	# (app/synward/port.c). The other drivers name their own.
	TESTPMD_RINGS=()
	[ "$WIRE" != vhost ] || TESTPMD_RINGS=(--rxd=1024 --txd=512)
	virtio=queue_size=${RING:-1024},packed_vq=1,in_order=1
	for ((i = 0; i < n; i++)); do
		case $WIRE in
		memif)
			memif="net_memif$i,id=$i,socket=$WORK/wire.sock,socket-abstract=no,bsize=2048"
			memif+=,rsize=$(log2 "${RING:-2048}")
			DEVICE_PORTS+=("--vdev=$memif,role=server")
			GENERATOR_PORTS+=("--vdev=$memif,role=client$zero_copy")
			;;
		vhost)
			DEVICE_PORTS+=("--vdev=net_virtio_user$i,path=$WORK/wire$i.sock,queues=1,$virtio")
			GENERATOR_PORTS+=("--vdev=net_vhost$i,iface=$WORK/wire$i.sock,queues=1")
			;;
		af_xdp)
			DEVICE_PORTS+=("--vdev=net_af_xdp$i,iface=dveth$i")
			GENERATOR_PORTS+=("--vdev=net_af_xdp$i,iface=gveth$i")
			;;
		tap)
			DEVICE_PORTS+=("--vdev=net_tap$i,iface=dtap$i")
			GENERATOR_PORTS+=("--vdev=net_tap$i,iface=gtap$i")
			;;
		esac
	done
	case $WIRE in
	vhost) OUTSIDE=net_virtio_user0 INSIDE=net_virtio_user1 GEN_OUTSIDE=net_vhost0 GEN_INSIDE=net_vhost1 ;;
	*) OUTSIDE=net_${WIRE}0 INSIDE=net_${WIRE}1 GEN_OUTSIDE=net_${WIRE}0 GEN_INSIDE=net_${WIRE}1 ;;
	esac
	NULL_PORT=()
	[ "$n" = 2 ] || INSIDE=net_null0
	[ "$n" = 2 ] || [ "$MODE" = respond ] || NULL_PORT=("--vdev=net_null0,no-rx=1")
	N_PORTS=$n
}

# wire_before: what must be there before either program is.
wire_before() {
	local i
	rm -f "$WORK"/wire*.sock
	[ "$WIRE" = af_xdp ] || return 0
	for ((i = 0; i < N_PORTS; i++)); do
		ip -n "$MID" link del "dveth$i" 2>/dev/null
		ip -n "$MID" link add "dveth$i" type veth peer name "gveth$i" &&
			ip -n "$MID" link set "dveth$i" up && ip -n "$MID" link set "gveth$i" up ||
			return 1
	done
}

# wire_can: whether this kernel has what WIRE is made of.
wire_can() {
	case $WIRE in
	tap) ip -n "$MID" tuntap add dev swprobe mode tap && ip -n "$MID" link del swprobe ;;
	af_xdp)
		"${SW_PYTHON[@]}" -c 'import socket; socket.socket(44, socket.SOCK_RAW, 0).close()' &&
			ip -n "$MID" link add swprobe type veth peer name swprobe1 &&
			ip -n "$MID" link del swprobe
		;;
	esac 2>/dev/null
}

has_link() {
	ip -n "$MID" link show "$1" >/dev/null 2>&1
}

# wire_between: what joins the two, when both are there.
wire_between() {
	local i
	[ "$WIRE" = tap ] || return 0
	for ((i = 0; i < N_PORTS; i++)); do
		sw_wait_until 20 has_link "gtap$i" && join "dtap$i" "gtap$i" "br$i" || return 1
	done
}

# join A B BRIDGE: in the namespace MID.
join() {
	ip -n "$MID" link add "$3" type bridge mcast_snooping 0 2>/dev/null
	ip -n "$MID" link set "$1" master "$3" up && ip -n "$MID" link set "$2" master "$3" up &&
		ip -n "$MID" link set "$3" up
}
