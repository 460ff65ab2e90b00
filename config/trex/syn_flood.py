# SPDX-License-Identifier: BSD-3-Clause
"""TRex profile: a SYN flood with the options that Linux sends. `start -f config/trex/syn_flood.py -m 1mpps`."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import floods  # noqa: E402, beside this file, wherever TRex was started


def register():
    return floods.Flood("S", "seq", [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (12345, 0)),
                                     ("NOP", None), ("WScale", 7)])
