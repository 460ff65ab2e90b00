#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Prints counters of a running synward, from DPDK's telemetry socket: stat.py --file-prefix P NAME...

With --command /synward/services a name is SERVICE.COUNTER."""
import argparse
import json
import socket
import sys


def ask(prefix, command):
    """One command of the telemetry protocol: banner first, then a request and its JSON answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(10)
        sock.connect(f"/var/run/dpdk/{prefix}/dpdk_telemetry.v2")
        banner = json.loads(sock.recv(1024))
        sock.send(command.encode())
        return json.loads(sock.recv(banner["max_output_len"]))[command]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file-prefix", required=True)
    parser.add_argument("--command", default="/synward/stats")
    parser.add_argument("name", nargs="*", help="counters; none: all, with their names")
    args = parser.parse_args()
    try:
        stats = ask(args.file_prefix, args.command)
    except OSError as error:
        sys.exit(f"stat.py: no answer from synward {args.file_prefix}: {error}")
    if not args.name:
        print(json.dumps(stats, indent=1))
    for name in args.name:
        value = stats
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                sys.exit(f"stat.py: synward has no counter {name}")
            value = value[part]
        print(value)


if __name__ == "__main__":
    main()
