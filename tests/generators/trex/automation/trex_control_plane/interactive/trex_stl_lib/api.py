# SPDX-License-Identifier: BSD-3-Clause
"""As much of TRex's Python library as config/trex/ uses, for tests where TRex is not: packets
without scapy, streams as the JSON that TRex's server would be sent. What it gives is, byte for
byte, what the library of TRex v3.06 gives.

The client talks to no server. CALLS is what it was told, STATS what it reports; with something in
REFUSES it cannot connect.
"""
import base64
import importlib.util
import ipaddress
import os
import struct

CALLS = []
REFUSES = []
STATS = {"opackets": 3000, "ipackets": 2000, "ierrors": 5}


class STLError(Exception):
    pass


def complement_of_sum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff ^ total


# --- packets -------------------------------------------------------------------------------------

class Layer:
    """Layers joined by / are one packet."""

    def __init__(self, **fields):
        self.fields = fields
        self.layers = [self]

    def __truediv__(self, upper):
        self.layers = self.layers + upper.layers
        return self


class Ether(Layer):
    pass


class IP(Layer):
    pass


class TCP(Layer):
    pass


def ethernet_bytes(fields):
    addresses = (fields["dst"] + fields["src"]).replace(":", "")
    return bytes.fromhex(addresses) + b"\x08\x00"


def ip_bytes(fields, payload_len):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + payload_len, 1, 0, 64, 6, 0,
                         ipaddress.IPv4Address(fields["src"]).packed,
                         ipaddress.IPv4Address(fields["dst"]).packed)
    return header[:10] + complement_of_sum(header).to_bytes(2, "big") + header[12:]


def option_bytes(name, value):
    if name == "NOP":
        return b"\x01"
    kind, data = {
        "MSS": lambda: (2, struct.pack("!H", value)),
        "WScale": lambda: (3, struct.pack("!B", value)),
        "SAckOK": lambda: (4, b""),
        "Timestamp": lambda: (8, struct.pack("!II", *value)),
    }[name]()
    return bytes([kind, 2 + len(data)]) + data


def tcp_bytes(fields, addresses):
    options = b"".join(option_bytes(*option) for option in fields["options"])
    options = options.ljust((len(options) + 3) // 4 * 4, b"\0")
    flags = sum(1 << "FSRPAU".index(flag) for flag in fields["flags"])
    header = struct.pack("!HHIIBBHHH", fields["sport"], fields["dport"], fields["seq"],
                         fields["ack"], (20 + len(options)) // 4 << 4, flags, fields["window"],
                         0, 0) + options
    check = complement_of_sum(addresses + struct.pack("!HH", 6, len(header)) + header)
    return header[:16] + check.to_bytes(2, "big") + header[18:]


# --- the field engine ----------------------------------------------------------------------------

OFFSETS = {"IP": 14, "IP.src": 26, "TCP.sport": 34, "TCP.seq": 38, "TCP.ack": 42, "TCP.window": 48}


class CTRexVmInsFixHwCs:
    L4_TYPE_TCP = 13


class STLVM:
    def __init__(self):
        self.instructions = []

    def var(self, name, min_value, max_value, size, op, init_value=None, step=1,
            split_to_cores=True):
        if not 0 <= min_value <= max_value < 1 << 8 * size:
            raise STLError(f"{name} does not fit into {size} bytes")
        self.instructions.append({
            "type": "flow_var", "name": name, "size": size, "op": op, "next_var": None,
            "split_to_cores": split_to_cores,
            "init_value": min_value if init_value is None else init_value,
            "min_value": min_value, "max_value": max_value, "step": step})

    def write(self, fv_name, pkt_offset):
        self.instructions.append({"type": "write_flow_var", "name": fv_name,
                                  "pkt_offset": OFFSETS[pkt_offset], "add_value": 0,
                                  "is_big_endian": True})

    def fix_chksum(self):
        self.instructions.append({"type": "fix_checksum_ipv4", "pkt_offset": OFFSETS["IP"]})

    def fix_chksum_hw(self, l3_offset, l4_offset, l4_type):
        if (l3_offset, l4_offset) != ("IP", "TCP"):
            raise STLError("only TCP in IPv4")
        self.instructions.append({"type": "fix_checksum_hw", "l2_len": 14, "l3_len": 20,
                                  "l4_type": l4_type})


class STLPktBuilder:
    def __init__(self, pkt, vm):
        ether, ip, tcp = pkt.layers
        segment = tcp_bytes(tcp.fields, b"".join(
            ipaddress.IPv4Address(ip.fields[name]).packed for name in ("src", "dst")))
        self.packet = (ethernet_bytes(ether.fields) + ip_bytes(ip.fields, len(segment)) +
                       segment)
        self.vm = vm


class STLTXCont:
    def __init__(self, pps):
        self.pps = pps


class STLStream:
    def __init__(self, packet, mode):
        self.packet = packet
        self.mode = mode

    def to_json(self):
        return {
            "mode": {"type": "continuous", "rate": {"type": "pps", "value": self.mode.pps}},
            "packet": {"binary": base64.b64encode(self.packet.packet).decode("ascii"), "meta": ""},
            "vm": {"instructions": self.packet.vm.instructions},
        }


class STLProfile:
    def __init__(self, streams):
        self.streams = streams

    @staticmethod
    def load_py(path, tunables):
        name = os.path.basename(path).split(".", maxsplit=1)[0]
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return STLProfile(module.register().get_streams(direction=0, port_id=0,
                                                        tunables=tunables))

    def get_streams(self):
        return self.streams


# --- the client of TRex's server -----------------------------------------------------------------

class STLClient:
    def __init__(self, server):
        CALLS.append(("server", server))

    def __getattr__(self, name):
        return lambda **arguments: CALLS.append((name, arguments))

    def connect(self):
        CALLS.append(("connect", {}))
        if REFUSES:
            raise STLError("no server there")

    def add_streams(self, streams, ports):
        CALLS.append(("add_streams", {"streams": streams, "ports": ports}))

    @staticmethod
    def get_stats():
        return {0: STATS}
