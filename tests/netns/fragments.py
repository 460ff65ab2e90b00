#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends fragmented SYNs to a server, with right checksums: fragments.py SOURCE DESTINATION PORT

Cut at 8 bytes (ports only), at 24 (behind the fixed header), at 40 (behind all of the header) and at 64
(the second fragment holds nothing but data); and at 8, the first fragment last. Two fragments of each; prints
how many packets were sent.
"""
import socket
import struct
import sys

SYN, TCP, FRAGMENT = 2, 6, 44
CUTS = ((8, False), (24, False), (40, False), (64, False), (8, True))
DATA = b"x" * 80
# MSS 1460, SACK permitted, timestamps, NOP, window scale: 20 bytes.
OPTIONS = bytes.fromhex("020405b4 0402 080a00000001 00000000 01 030307")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(src, dst, sport, dport):
    header = struct.pack("!HHIIBBHHH", sport, dport, 1000, 0, 10 << 4, SYN, 64000, 0, 0) + OPTIONS
    size = len(header) + len(DATA)
    pseudo = src + dst + struct.pack("!II", size, TCP)
    value = checksum(pseudo + header + DATA)
    return header[:16] + struct.pack("!H", value) + header[18:] + DATA


def packet(src, dst, number, part, offset, more):
    if len(src) == 4:
        where = offset // 8 | more << 13
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), number, where, 64, TCP, 0) + src + dst
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + part
    extension = struct.pack("!BBHI", TCP, 0, offset | more, number)
    return struct.pack("!IHBB", 6 << 28, 8 + len(part), FRAGMENT, 64) + src + dst + extension + part


def main():
    source, destination, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    src, dst = (socket.inet_pton(family, a) for a in (source, destination))
    sock = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sent = 0
    for number, (cut, reverse) in enumerate(CUTS, 1):
        whole = syn(src, dst, 40000 + number, port)
        parts = [packet(src, dst, number, whole[:cut], 0, True),
                 packet(src, dst, number, whole[cut:], cut, False)]
        for part in reversed(parts) if reverse else parts:
            sock.sendto(part, (destination, 0))
            sent += 1
    print(sent)


if __name__ == "__main__":
    main()
