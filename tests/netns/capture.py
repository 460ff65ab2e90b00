#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Questions to a capture that was made with tcpdump at one end.

  capture.py FILE SERVER_PORT        rounds: the round trips of one request, see below; a line for each connection
  capture.py FILE --count EXPRESSION
  capture.py FILE --show EXPRESSION [--as EXPRESSION]

An EXPRESSION is Python over the fields of one packet (class Packet): `--count "to(5000) and not has_ts"`.
--show prints a line for each packet for which it is true: what --as says, or a summary.

Round trips are counted by cause, not by the clock: a segment of the client belongs to the round of the newest
segment that it had received; a segment of the server to one round more than the client's segment that it
acknowledges. A stall that ends by a retransmission shows as a retransmission.
"""
import argparse
import signal
import socket
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
MOD = 1 << 32
TAGS = (0x8100, 0x88a8, 0x9100)
EXTENSIONS = {0: "hop", 43: "rt", 60: "dst", 51: "ah"}
OPT_END, OPT_NOP, OPT_MSS, OPT_WSCALE, OPT_SACK_OK, OPT_SACK, OPT_TS = 0, 1, 2, 3, 4, 5, 8
OPT_MPTCP, OPT_FASTOPEN = 30, 34


class Packet:
    """One IPv4 or IPv6 packet; `tcp` says whether it is TCP with its header.

    tags: VLAN ids, the outer first; ecn: 0 to 3 (3: CE); fragment: offset in bytes, or None where the
    packet is whole; more: more fragments follow; ip_options: bytes of them; ext: IPv6 extension headers by
    name. TCP: seq, ack, flags, window (as sent), urgent, length of the payload, end (sequence number
    behind it); mss, wscale, ts and ts_echo (None where not there), sack: number of SACK blocks; kinds: all
    options' numbers. segment: TCP options and payload, which is what an MSS bounds. icmp: type and code.
    """

    tcp, icmp = False, None
    flags = sport = dport = seq = ack = window = length = end = 0
    mss = wscale = ts = ts_echo = None
    sack, kinds, segment = 0, (), 0
    fragment, more, ip_options, ext = None, False, 0, ()

    def __init__(self, time, frame, wire_len):
        self.time, self.wire_len = time, wire_len
        self.dmac, self.smac = frame[:6].hex(":"), frame[6:12].hex(":")
        at, self.tags = 12, ()
        while struct.unpack_from("!H", frame, at)[0] in TAGS:
            self.tags += (struct.unpack_from("!H", frame, at + 2)[0] & 0xfff,)
            at += 4
        self.kind, = struct.unpack_from("!H", frame, at)
        packet = frame[at + 2:]
        if self.kind == 0x0800:
            self.read_v4(packet)
        elif self.kind == 0x86dd:
            self.read_v6(packet)

    def read_v4(self, packet):
        header, self.ip_len = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
        self.ecn, self.ip_options, self.ttl = packet[1] & 3, header - 20, packet[8]
        where, = struct.unpack_from("!H", packet, 6)
        self.dont_fragment, self.more = bool(where & 0x4000), bool(where & 0x2000)
        if where & 0x3fff:
            self.fragment = (where & 0x1fff) * 8
        self.src, self.dst = (socket.inet_ntoa(packet[i:i + 4]) for i in (12, 16))
        self.read_payload(packet[9], packet, header)

    def read_v6(self, packet):
        self.ip_len = 40 + struct.unpack_from("!H", packet, 4)[0]
        self.ecn, self.ttl = packet[1] >> 4 & 3, packet[7]
        self.src, self.dst = (socket.inet_ntop(socket.AF_INET6, packet[i:i + 16]) for i in (8, 24))
        proto, at = packet[6], 40
        while proto in EXTENSIONS or proto == 44:
            if proto == 44:
                where, = struct.unpack_from("!H", packet, at + 2)
                self.fragment, self.more = where & 0xfff8, bool(where & 1)
                size = 8
            else:
                self.ext += (EXTENSIONS[proto],)
                size = (packet[at + 1] + 1) * 8
            proto, at = packet[at], at + size
        self.read_payload(proto, packet, at)

    def read_payload(self, proto, packet, header):
        self.proto = proto
        if self.fragment:
            return
        if proto in (1, 58):
            self.icmp = tuple(packet[header:header + 2])
            self.icmp_mtu = struct.unpack_from("!I", packet, header + 4)[0]
        elif proto == 6 and len(packet) >= header + 20:
            # Lengths from the IP header: the capture may hold less than the whole packet.
            self.read_tcp(packet[header:], self.ip_len - header)

    def read_tcp(self, tcp, size):
        self.tcp = True
        self.sport, self.dport, self.seq, self.ack = struct.unpack_from("!HHII", tcp)
        self.flags = tcp[13]
        self.window, _, self.urgent = struct.unpack_from("!HHH", tcp, 14)
        self.length, self.segment = size - (tcp[12] >> 4) * 4, size - 20
        self.end = (self.seq + self.length + self.syn + self.fin) % MOD
        at, end = 20, min((tcp[12] >> 4) * 4, len(tcp))
        while at < end and tcp[at] != OPT_END:
            kind, size = tcp[at], 1
            if kind != OPT_NOP:
                size = tcp[at + 1]
                self.read_option(kind, tcp[at + 2:at + size])
                self.kinds += (kind,)
            at += size

    def read_option(self, kind, data):
        if kind == OPT_MSS:
            self.mss, = struct.unpack("!H", data)
        elif kind == OPT_WSCALE:
            self.wscale = data[0]
        elif kind == OPT_SACK:
            self.sack = len(data) // 8
        elif kind == OPT_TS:
            self.ts, self.ts_echo = struct.unpack("!II", data)

    syn = property(lambda self: bool(self.flags & SYN))
    fin = property(lambda self: bool(self.flags & FIN))
    rst = property(lambda self: bool(self.flags & RST))
    has_ts = property(lambda self: self.ts is not None)
    sack_ok = property(lambda self: OPT_SACK_OK in self.kinds)
    mptcp = property(lambda self: OPT_MPTCP in self.kinds)
    fastopen = property(lambda self: OPT_FASTOPEN in self.kinds)
    ece = property(lambda self: bool(self.flags & ECE))
    cwr = property(lambda self: bool(self.flags & CWR))

    def acks(self, flags):
        """Of SYN, FIN, RST and ACK exactly these are set."""
        return self.tcp and self.flags & (SYN | FIN | RST | ACK) == flags

    is_syn = property(lambda self: self.acks(SYN))
    is_synack = property(lambda self: self.acks(SYN | ACK))

    def to(self, port):
        return self.tcp and self.dport == port

    def of(self, port):
        return self.tcp and self.sport == port

    def __str__(self):
        if not self.tcp:
            return f"{self.time:.6f} kind {self.kind:#x} icmp {self.icmp} fragment {self.fragment}"
        names = "".join(n for n, bit in zip("FSRPAUEC", (1 << i for i in range(8))) if self.flags & bit)
        return (f"{self.time:.6f} {self.src}.{self.sport} > {self.dst}.{self.dport} {names} seq {self.seq} "
                f"ack {self.ack} win {self.window} len {self.length} mss {self.mss} wscale {self.wscale} "
                f"ts {self.ts}/{self.ts_echo} sack {self.sack} ecn {self.ecn} tags {self.tags}")


class Fields(dict):
    """The names in an expression: those of the packet first."""

    def __init__(self, packet):
        super().__init__(FIN=FIN, SYN=SYN, RST=RST, PSH=PSH, ACK=ACK, URG=URG)
        self.packet = packet

    def __missing__(self, name):
        try:
            return getattr(self.packet, name)
        except AttributeError:
            # A field of another kind of packet; a name that no packet has is a mistake in the test.
            if name in ("icmp_mtu", "urgent", "dont_fragment", "ecn", "ttl", "src", "dst", "ip_len", "proto"):
                return None
            raise KeyError(name) from None


def read_capture(path):
    with open(path, "rb") as file:
        data = file.read()
    magic, = struct.unpack_from("<I", data)
    scale = {0xa1b2c3d4: 1e6, 0xa1b23c4d: 1e9}[magic]
    at = 24
    while at + 16 <= len(data):
        sec, frac, size, wire_len = struct.unpack_from("<IIII", data, at)
        yield Packet(sec + frac / scale, data[at + 16:at + 16 + size], wire_len)
        at += 16 + size


def later(a, b):
    return 0 < (a - b) % MOD < MOD // 2


def count_resent(segments):
    """Segments that carry sequence numbers which were sent before."""
    resent, top = 0, None
    for s in segments:
        if s.end == s.seq:
            continue
        if top is not None and later(top, s.seq):
            resent += 1
        if top is None or later(s.end, top):
            top = s.end
    return resent


def response_round(segments, port):
    """The round in which the first data of the server arrives, or None."""
    newest = 0
    sent = []  # (end of sequence, round) of the client's segments
    for s in segments:
        if s.dport == port:
            sent.append((s.end, newest))
            continue
        acked = [r for end, r in sent if not later(end, s.ack)]
        newest = max([newest] + [r + 1 for r in acked[-1:]])
        if s.length > 0:
            return newest
    return None


def rounds(path, port):
    """One line for each connection, in the order in which they began."""
    connections = {}
    for p in read_capture(path):
        if p.tcp and port in (p.dport, p.sport):
            connections.setdefault(p.sport if p.dport == port else p.dport, []).append(p)
    if not connections:
        raise SystemExit("capture.py: no connection")
    for segments in connections.values():
        rounds_of(segments, port)


def rounds_of(segments, port):
    client = [s for s in segments if s.dport == port]
    server = [s for s in segments if s.sport == port]
    if not client or not server:
        raise SystemExit("capture.py: not both ends of a connection")
    start = client[0].time
    rtt = server[0].time - start
    first = next((s.time for s in server if s.length > 0), None)
    result = {
        "rounds": response_round(segments, port),
        "resent_by_client": count_resent(client),
        "resent_by_server": count_resent(server),
        "zero_windows": sum(s.window == 0 and not s.flags & RST for s in server),
        "rtt_ms": round(rtt * 1000, 3),
        "response_ms": None if first is None else round((first - start) * 1000, 3),
        "sent_bytes": sum(s.length for s in client)}
    print(*(f"{name}={value}" for name, value in result.items()))


def main():
    # Whoever wants only the first lines ends us quietly.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("port", type=int, nargs="?")
    parser.add_argument("--count", metavar="EXPRESSION")
    parser.add_argument("--show", metavar="EXPRESSION")
    parser.add_argument("--as", dest="form", metavar="EXPRESSION")
    args = parser.parse_args()
    where = args.count or args.show
    if not where:
        return rounds(args.file, args.port)
    found = [p for p in read_capture(args.file) if eval(where, {}, Fields(p))]
    if args.count:
        print(len(found))
        return None
    for p in found:
        print(eval(args.form, {}, Fields(p)) if args.form else p)
    return None


if __name__ == "__main__":
    main()
