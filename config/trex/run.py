#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a profile on port 0 of a TRex server on this machine, and prints what its own counters say.

    PYTHONPATH=TREX/automation/trex_control_plane/interactive config/trex/run.py PROFILE SECONDS [RATE]

RATE is TRex's multiplier, such as 2mpps; 100% without one. scripts/generators.sh looks for the line that begins with
"generator:".
"""
import sys

from trex_stl_lib.api import STLClient, STLError, STLProfile


def main():
    if len(sys.argv) not in (3, 4) or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    seconds = int(sys.argv[2])
    client = STLClient(server="127.0.0.1")
    try:
        client.connect()
        client.reset(ports=[0])
        client.add_streams(STLProfile.load_py(sys.argv[1], tunables=[]).get_streams(), ports=[0])
        client.clear_stats()
        client.start(ports=[0], mult=sys.argv[3] if len(sys.argv) > 3 else "100%", duration=seconds)
        client.wait_on_traffic(ports=[0])
        port = client.get_stats()[0]
        print(f"generator: sent {port['opackets']}, received {port['ipackets']}, "
              f"receive errors {port['ierrors']}, in {seconds} s")
    except STLError as error:
        sys.exit(f"generator: failed: {error}")
    finally:
        client.disconnect()


if __name__ == "__main__":
    main()
