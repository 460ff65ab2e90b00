#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""config/trex/: the streams that the profiles make, the packets that these are, what run.py tells
TRex's server.

TRex is not needed: trex/ here stands in for its Python library.
"""
import base64
import contextlib
import importlib
import io
import math
import os
import struct
import sys
import tempfile
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "../../config/trex")
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "trex/automation/trex_control_plane/interactive"), CONFIG]

# By name, since where they are is only known here.
STUB = importlib.import_module("trex_stl_lib.api")
TO_PCAP = importlib.import_module("to_pcap")
RUN = importlib.import_module("run")
PROFILES = {flood: importlib.import_module(flood + "_flood") for flood in ("syn", "ack")}

SYN, ACK = 0x02, 0x10
FIRST, LAST = 0xc6120001, 0xc613fffe  # 198.18.0.1, 198.19.255.254
NUMBER = 0x20000000 + LAST - FIRST  # what the number that moves begins with


def stream(flood, *tunables):
    """The one stream of a profile, as the server would get it."""
    streams = PROFILES[flood].register().get_streams(direction=0, port_id=0, tunables=tunables)
    assert len(streams) == 1
    return streams[0].to_json()


def variables(json):
    return {i["name"]: i for i in json["vm"]["instructions"] if i["type"] == "flow_var"}


def written(json):
    """Offset to variable."""
    return {i["pkt_offset"]: i["name"] for i in json["vm"]["instructions"]
            if i["type"] == "write_flow_var"}


def ends(variable):
    return variable["min_value"], variable["max_value"]


def how_many(variable):
    return variable["max_value"] - variable["min_value"] + 1


def complement_sum(data):
    """As RFC 1071 has it, byte by byte: not how config/ and the stub do it."""
    total = 0
    for n, byte in enumerate(data):
        total += byte << 8 if n % 2 == 0 else byte
    return total % 0xffff or 0xffff


class Packet:
    """Fields of a TCP segment in IPv4 in Ethernet, without IP options."""

    def __init__(self, data):
        ethertype, version, length, protocol, self.source, self.server = struct.unpack_from(
            "!12xHBxH5xBxxII", data)
        assert (ethertype, version) == (0x0800, 0x45), data[12:15].hex()
        (self.sport, self.dport, self.seq, self.ack, offset, self.flags,
         self.window) = struct.unpack_from("!HHIIBBH", data, 34)
        self.options = data[54:34 + (offset >> 4) * 4]
        self.headers = data[14:34]
        segment = data[34:14 + length]
        self.summed = data[26:34] + struct.pack("!HH", protocol, len(segment)) + segment

    def sums_right(self):
        return complement_sum(self.headers) == 0xffff and complement_sum(self.summed) == 0xffff


class Streams(unittest.TestCase):
    def test_first_packet(self):
        """What both floods have in common, and what is theirs."""
        for flood, flags, seq, ack in ("syn", SYN, NUMBER, 0), ("ack", ACK, 1, NUMBER):
            json = stream(flood)
            packet = Packet(base64.b64decode(json["packet"]["binary"]))
            self.assertEqual((packet.source, packet.server), (FIRST, 0x0a4d0002), flood)
            self.assertEqual((packet.sport, packet.dport, packet.window), (1025, 80, 65522), flood)
            self.assertEqual((packet.flags, packet.seq, packet.ack), (flags, seq, ack), flood)
            self.assertTrue(packet.sums_right(), flood)
            self.assertEqual(json["mode"]["type"], "continuous", flood)
            self.assertEqual(json["mode"]["rate"], {"type": "pps", "value": 1}, flood)

    def test_options(self):
        """A SYN has those of Linux: MSS, SACK, timestamp, NOP, window scale. An ACK has none."""
        packet = Packet(base64.b64decode(stream("syn")["packet"]["binary"]))
        self.assertEqual(packet.options.hex(), "020405b40402080a000030390000000001030307")
        self.assertEqual(Packet(base64.b64decode(stream("ack")["packet"]["binary"])).options, b"")

    def test_pairs(self):
        """Each field that moves has another that moves as far the other way, from the other end."""
        for flood, at in ("syn", 38), ("ack", 42):
            json = stream(flood)
            self.assertEqual(written(json),
                             {26: "source", at: "number", 34: "port", 48: "window"})
            moves = variables(json)
            for up, down, size in ("source", "number", 4), ("port", "window", 2):
                up, down = moves[up], moves[down]
                self.assertEqual((up["op"], up["size"], up["step"]), ("inc", size, 1))
                self.assertEqual((down["op"], down["size"], down["step"]), ("dec", size, 1))
                self.assertEqual(how_many(up), how_many(down))
                self.assertEqual(up["init_value"], up["min_value"])
                self.assertEqual(down["init_value"], down["max_value"])
                self.assertFalse(up["split_to_cores"] or down["split_to_cores"])
            self.assertEqual(ends(moves["source"]), (FIRST, LAST))
            self.assertGreaterEqual(moves["port"]["min_value"], 1024)
            self.assertEqual([i for i in json["vm"]["instructions"] if i["type"].startswith("fix")],
                             [{"type": "fix_checksum_ipv4", "pkt_offset": 14}])

    def test_every_pair_is_sent(self):
        """Of an address and a port; whatever the prefix by arithmetic, of the smallest by hand."""
        for bits in range(8, 31):
            moves = variables(stream("syn", "--sources", f"10.0.0.0/{bits}"))
            self.assertEqual(how_many(moves["source"]), 2 ** (32 - bits) - 2, bits)
            self.assertEqual(math.gcd(how_many(moves["source"]), how_many(moves["port"])), 1, bits)
        instructions = stream("syn", "--sources", "10.0.0.0/30")["vm"]["instructions"]
        moving, seen = TO_PCAP.Variables(instructions), set()
        pairs = 2 * how_many(moving.all["port"])
        for _ in range(pairs):
            seen.add((moving.value["source"], moving.value["port"]))
            moving.move()
        self.assertEqual(len(seen), pairs)

    def test_sums_stay_right(self):
        """Also where the addresses, and where the ports begin anew."""
        for flood in PROFILES:
            made = TO_PCAP.packets(stream(flood, "--sources", "198.51.100.0/29"), 64499 + 8)
            sources, ports, flags = set(), set(), set()
            for n, data in enumerate(made):
                packet = Packet(data)
                sources.add(packet.source)
                ports.add(packet.sport)
                flags.add(packet.flags)
                if n < 20 or n % 1009 == 0 or n >= 64490:
                    self.assertTrue(packet.sums_right(), f"{flood}: packet {n}")
            self.assertEqual(sources, set(range(0xc6336401, 0xc6336407)))
            self.assertEqual((len(ports), min(ports), max(ports)), (64499, 1025, 65523))
            self.assertEqual(flags, {SYN if flood == "syn" else ACK})

    def test_tunables(self):
        json = stream("ack", "--server", "192.0.2.9", "--port", "443", "--pps", "50",
                      "--sources", "198.51.100.0/24")
        packet = Packet(base64.b64decode(json["packet"]["binary"]))
        self.assertEqual((packet.server, packet.dport), (0xc0000209, 443))
        self.assertEqual(packet.source, 0xc6336401)
        self.assertEqual(json["mode"]["rate"]["value"], 50)
        self.assertTrue(packet.sums_right())

    def test_nic_checksum(self):
        """Everything at random, all of it: the NIC sums."""
        for flood, at in ("syn", 38), ("ack", 42):
            json = stream(flood, "--nic-checksum")
            moves = variables(json)
            self.assertEqual(written(json), {26: "source", at: "number", 34: "port"})
            self.assertEqual({i["op"] for i in moves.values()}, {"random"})
            self.assertEqual(ends(moves["source"]), (FIRST, LAST))
            self.assertEqual(ends(moves["number"]), (0, 0xffffffff))
            self.assertEqual(ends(moves["port"]), (1025, 65535))
            self.assertEqual(json["vm"]["instructions"][-1],
                             {"type": "fix_checksum_hw", "l2_len": 14, "l3_len": 20, "l4_type": 13})
            with self.assertRaises(SystemExit) as refused:
                list(TO_PCAP.packets(json, 1))
            self.assertIn("an instruction that only TRex can carry out", str(refused.exception))

    def test_sources_refused(self):
        for text, sentence in (("10.0.0.0/7", "10.0.0.0/7 is not of 8 to 30 bits"),
                               ("10.0.0.2/31", "10.0.0.2/31 is not of 8 to 30 bits"),
                               ("10.0.0.1/32", "10.0.0.1/32 is not of 8 to 30 bits"),
                               ("10.0.0.1", "10.0.0.1 is not of 8 to 30 bits"),
                               ("10.0.0.1/8", "10.0.0.1/8 is not an IPv4 prefix: "),
                               ("fd77::/64", "fd77::/64 is not an IPv4 prefix: "),
                               ("any", "any is not an IPv4 prefix: ")):
            said = io.StringIO()
            with self.assertRaises(SystemExit) as refused, contextlib.redirect_stderr(said):
                stream("syn", "--sources", text)
            self.assertEqual(refused.exception.code, 2, text)
            self.assertIn(f"argument --sources: {sentence}", said.getvalue())


class Programs(unittest.TestCase):
    def run_it(self, module, *args):
        """What it prints, and what it exits with."""
        said, status = io.StringIO(), 0
        with mock.patch.object(sys, "argv", ["it", *args]), contextlib.redirect_stdout(said):
            try:
                module.main()
            except SystemExit as ended:
                status = ended.code
        return said.getvalue(), status

    def test_to_pcap(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pcap")
            done = self.run_it(TO_PCAP, os.path.join(CONFIG, "ack_flood.py"), "3", path)
            self.assertEqual(done, ("", 0))
            with open(path, "rb") as file:
                data = file.read()
        self.assertEqual(struct.unpack_from("=IHHiIII", data), (0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        self.assertEqual(len(data), 24 + 3 * (16 + 60))
        for n in range(3):
            at = 24 + n * (16 + 60)
            self.assertEqual(struct.unpack_from("=IIII", data, at), (0, n, 60, 60))
            packet = Packet(data[at + 16:at + 76])
            self.assertEqual((packet.source, packet.sport), (FIRST + n, 1025 + n))
            self.assertTrue(packet.sums_right())

    def test_run(self):
        STUB.CALLS.clear()
        said, status = self.run_it(RUN, os.path.join(CONFIG, "syn_flood.py"), "7")
        self.assertEqual(status, 0)
        self.assertEqual(said, "generator: sent 3000, received 2000, receive errors 5, in 7 s\n")
        calls = dict(STUB.CALLS)
        self.assertEqual([name for name, _ in STUB.CALLS],
                         ["server", "connect", "reset", "add_streams", "clear_stats", "start",
                          "wait_on_traffic", "disconnect"])
        self.assertEqual(calls["start"], {"ports": [0], "mult": "100%", "duration": 7})
        self.assertEqual(len(calls["add_streams"]["streams"]), 1)

    def test_run_rate(self):
        STUB.CALLS.clear()
        self.run_it(RUN, os.path.join(CONFIG, "syn_flood.py"), "7", "2mpps")
        self.assertEqual(dict(STUB.CALLS)["start"]["mult"], "2mpps")

    def test_run_without_server(self):
        with mock.patch.object(STUB, "REFUSES", ["all"]):
            said, status = self.run_it(RUN, os.path.join(CONFIG, "syn_flood.py"), "7")
        self.assertEqual((said, status), ("", "generator: failed: no server there"))

    def test_wrong_arguments(self):
        for module, args in ((RUN, []), (RUN, ["profile", "long"]),
                             (TO_PCAP, ["profile", "3"]), (TO_PCAP, ["profile", "x", "file"])):
            self.assertEqual(self.run_it(module, *args), ("", module.__doc__))


if __name__ == "__main__":
    unittest.main()
