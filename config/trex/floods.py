# SPDX-License-Identifier: BSD-3-Clause
"""TRex, stateless: floods from ranged sources, for syn_flood.py and ack_flood.py beside this.

A NIC that sums on transmit (--nic-checksum) lets everything move at random. Virtual ports (memif, tap, af_packet) do
not sum, and TRex itself only mends the IPv4 header: then what moves moves in pairs, one field up and the other down
by the same step, so that the ones' complement sum of TCP stays what it was:

    source address (up)  +  sequence or acknowledgement number (down)    32 bits each
    source port (up)     +  window (down)                                16 bits each

Every address is sent with every port before a pair of them comes again: how many there are of each has
no factor in common with how many there are of the other.
"""
import argparse
import ipaddress
import math

from trex_stl_lib.api import (Ether, IP, TCP, STLVM, CTRexVmInsFixHwCs, STLPktBuilder, STLStream,
                              STLTXCont)

# The number of ports, 64,499, is prime: the largest prime for which the window has room as well.
# A prefix of b bits has 2^(32 - b) - 2 addresses without its first and its last one; the prime
# divides none of these numbers.
PORT_MIN, PORT_MAX = 1025, 65523
PREFIX_MIN, PREFIX_MAX = 8, 30
assert all(math.gcd(PORT_MAX - PORT_MIN + 1, 2 ** (32 - bits) - 2) == 1
           for bits in range(PREFIX_MIN, PREFIX_MAX + 1))


def sources(text):
    """An IPv4 prefix, from the command line."""
    try:
        net = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not an IPv4 prefix: {error}") from error
    if not PREFIX_MIN <= net.prefixlen <= PREFIX_MAX:
        raise argparse.ArgumentTypeError(
            f"{text} is not of {PREFIX_MIN} to {PREFIX_MAX} bits: the first and the last address of "
            "a prefix are left out, and two have to remain")
    return net


def paired(vm, number, first, last):
    """Sources and `number` ("TCP.seq" or "TCP.ack") move against each other, port and window too."""
    span = last - first
    vm.var(name="source", min_value=first, max_value=last, size=4, op="inc", split_to_cores=False)
    vm.var(name="number", min_value=0x20000000, max_value=0x20000000 + span, size=4, op="dec",
           init_value=0x20000000 + span, split_to_cores=False)
    vm.var(name="port", min_value=PORT_MIN, max_value=PORT_MAX, size=2, op="inc", split_to_cores=False)
    vm.var(name="window", min_value=1024, max_value=1024 + PORT_MAX - PORT_MIN, size=2, op="dec",
           init_value=1024 + PORT_MAX - PORT_MIN, split_to_cores=False)
    vm.write(fv_name="source", pkt_offset="IP.src")
    vm.write(fv_name="number", pkt_offset=number)
    vm.write(fv_name="port", pkt_offset="TCP.sport")
    vm.write(fv_name="window", pkt_offset="TCP.window")
    vm.fix_chksum()


def random(vm, number, first, last):
    """Everything at random; the NIC sums."""
    vm.var(name="source", min_value=first, max_value=last, size=4, op="random")
    vm.var(name="number", min_value=0, max_value=0xffffffff, size=4, op="random")
    vm.var(name="port", min_value=1025, max_value=65535, size=2, op="random")
    vm.write(fv_name="source", pkt_offset="IP.src")
    vm.write(fv_name="number", pkt_offset=number)
    vm.write(fv_name="port", pkt_offset="TCP.sport")
    vm.fix_chksum_hw(l3_offset="IP", l4_offset="TCP", l4_type=CTRexVmInsFixHwCs.L4_TYPE_TCP)


class Flood:
    """What TRex asks a profile for."""

    def __init__(self, flags, number, options):
        self.flags = flags
        self.number = number
        self.options = options

    def get_streams(self, tunables=(), **_):
        parser = argparse.ArgumentParser(prog="profile")
        parser.add_argument("--server", default="10.77.0.2", help="address under attack")
        parser.add_argument("--port", type=int, default=80)
        parser.add_argument("--sources", type=sources, default="198.18.0.0/15",
                            help=f"IPv4 prefix of the sources, of {PREFIX_MIN} to {PREFIX_MAX} bits")
        parser.add_argument("--pps", type=float, default=1, help="packets a second, before TRex's -m")
        parser.add_argument("--nic-checksum", action="store_true", help="the port sums on transmit")
        args = parser.parse_args(list(tunables))
        first, last = int(args.sources[1]), int(args.sources[-2])
        span = last - first
        window = 1024 + PORT_MAX - PORT_MIN
        start = {"seq": 1, "ack": 0}
        start[self.number] = 0x20000000 + span
        base = (Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01") /
                IP(src=str(args.sources[1]), dst=args.server) /
                TCP(sport=PORT_MIN, dport=args.port, flags=self.flags, window=window,
                    options=self.options, **start))
        vm = STLVM()
        (random if args.nic_checksum else paired)(vm, "TCP." + self.number, first, last)
        return [STLStream(packet=STLPktBuilder(pkt=base, vm=vm), mode=STLTXCont(pps=args.pps))]
