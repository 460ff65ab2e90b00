#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts the round trips of one request in a capture made at the client: capture.py FILE SERVER_PORT

Round trips are counted by cause, not by the clock: a segment of the client belongs to the round of the newest
segment that it had received; a segment of the server to one round more than the client's segment that it
acknowledges. A stall that ends by a retransmission shows as a retransmission.
"""
import struct
import sys

FIN, SYN, RST, ACK = 1, 2, 4, 16
MOD = 1 << 32


class Segment:
    def __init__(self, time, tcp, payload_len):
        self.time = time
        self.sport, self.dport, self.seq, self.ack = struct.unpack_from("!HHII", tcp)
        self.flags = tcp[13]
        self.window = struct.unpack_from("!H", tcp, 14)[0]
        self.length = payload_len
        self.end = (self.seq + payload_len + bool(self.flags & SYN) + bool(self.flags & FIN)) % MOD


def tcp_of(time, frame):
    kind = struct.unpack_from("!H", frame, 12)[0]
    packet = frame[14:]
    if kind == 0x0800 and packet[9] == 6:
        header, total = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
    elif kind == 0x86dd and packet[6] == 6:
        header, total = 40, 40 + struct.unpack_from("!H", packet, 4)[0]
    else:
        return None
    tcp = packet[header:]
    # From the IP header: the capture may hold less than the whole packet.
    return Segment(time, tcp, total - header - (tcp[12] >> 4) * 4)


def read_capture(path):
    with open(path, "rb") as file:
        data = file.read()
    magic, = struct.unpack_from("<I", data)
    scale = {0xa1b2c3d4: 1e6, 0xa1b23c4d: 1e9}[magic]
    at = 24
    while at + 16 <= len(data):
        sec, frac, size, _ = struct.unpack_from("<IIII", data, at)
        segment = tcp_of(sec + frac / scale, data[at + 16:at + 16 + size])
        if segment:
            yield segment
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


def main():
    path, port = sys.argv[1], int(sys.argv[2])
    segments = list(read_capture(path))
    client = [s for s in segments if s.dport == port]
    server = [s for s in segments if s.sport == port]
    if len({s.sport for s in client}) != 1 or not server:
        sys.exit("capture.py: expected exactly one connection")
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


if __name__ == "__main__":
    main()
