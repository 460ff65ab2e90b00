#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the first packets of a TRex profile to a pcap file, without TRex's server: loads the profile by TRex's own
Python library and does with each packet what the stream's instructions say.

    PYTHONPATH=TREX/automation/trex_control_plane/interactive config/trex/to_pcap.py PROFILE COUNT FILE

It knows the instructions that floods.py uses for virtual ports, and refuses others.
"""
import base64
import struct
import sys

from trex_stl_lib.api import STLProfile


def ones_complement_sum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Variables:
    """The stream's variables: each has its first value in the first packet and moves for each packet."""

    def __init__(self, instructions):
        self.all = {i["name"]: i for i in instructions if i["type"] == "flow_var"}
        self.value = {name: i["init_value"] for name, i in self.all.items()}

    def move(self):
        for name, var in self.all.items():
            step = {"inc": var["step"], "dec": -var["step"]}[var["op"]]
            span = var["max_value"] - var["min_value"] + 1
            self.value[name] = var["min_value"] + (self.value[name] + step - var["min_value"]) % span


def packets(stream, count):
    instructions = stream["vm"]["instructions"]
    variables = Variables(instructions)
    packet = bytearray(base64.b64decode(stream["packet"]["binary"]))
    for _ in range(count):
        for i in instructions:
            at = i.get("pkt_offset")
            if i["type"] == "write_flow_var":
                name = i["name"]
                size = variables.all[name]["size"]
                value = variables.value[name] + i["add_value"]
                packet[at:at + size] = value.to_bytes(size, "big" if i["is_big_endian"] else "little")
            elif i["type"] == "fix_checksum_ipv4":
                length = 4 * (packet[at] & 15)
                packet[at + 10:at + 12] = b"\0\0"
                check = 0xffff ^ ones_complement_sum(bytes(packet[at:at + length]))
                packet[at + 10:at + 12] = check.to_bytes(2, "big")
            elif i["type"] != "flow_var":
                sys.exit(f"to_pcap.py: {i['type']} is an instruction that only TRex can carry out")
        yield bytes(packet)
        variables.move()


def main():
    if len(sys.argv) != 4 or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    streams = STLProfile.load_py(sys.argv[1], tunables=[]).get_streams()
    if len(streams) != 1:
        sys.exit(f"to_pcap.py: the profile has {len(streams)} streams, not one")
    with open(sys.argv[3], "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n, packet in enumerate(packets(streams[0].to_json(), int(sys.argv[2]))):
            # Ethernet's least, which the wire would pad to.
            packet = packet.ljust(60, b"\0")
            out.write(struct.pack("=IIII", 0, n, len(packet), len(packet)) + packet)


if __name__ == "__main__":
    main()
