# SPDX-License-Identifier: BSD-3-Clause
"""TRex profile: ACKs of SYN-ACKs that nobody sent. `start -f config/trex/ack_flood.py -m 1mpps`."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import floods  # noqa: E402, beside this file, wherever TRex was started


def register():
    return floods.Flood("A", "ack", [])
