#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/generators.sh, as far as it goes without a generator and without root: wrong usage, and
what it says where the generator is not installed.
"""
import os
import subprocess
import unittest

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))

# None of them is there, whatever this machine has.
NOTHING = {"SW_PKTGEN": "no-such-pktgen", "SW_TREX": "/no/such/trex"}

WRONG = [
    ([], "which generator?"),
    (["ixia"], "'ixia' is no generator that it knows"),
    (["--flood", "syn"], "'--flood' is no generator that it knows"),
    (["pktgen", "--rate", "1"], "'--rate' is no option"),
    (["pktgen", "syn"], "'syn' is no option"),
    (["pktgen", "--flood"], "--flood needs a value"),
    (["trex", "--mode"], "--mode needs a value"),
    (["trex", "--seconds"], "--seconds needs a value"),
    (["pktgen", "--wire"], "--wire needs a value"),
    (["pktgen", "--flood", "udp"], "--flood cannot be 'udp'"),
    (["trex-pcap", "--mode", "pass"], "--mode cannot be 'pass'"),
    (["pktgen", "--seconds", "0"], "--seconds is a number from 1 to 9999"),
    (["pktgen", "--seconds", "10000"], "--seconds is a number from 1 to 9999"),
    (["pktgen", "--seconds", "1s"], "--seconds is a number from 1 to 9999"),
    (["pktgen", "--wire", "tap"], "--wire is vhost or memif"),
    (["trex", "--wire", "vhost"], "--wire of trex is memif"),
]

MISSING = [
    (["pktgen"], ["Pktgen-DPDK is not here", "https://github.com/pktgen/Pktgen-DPDK",
                  "SW_PKTGEN=PROGRAM"]),
    (["pktgen", "--wire", "memif", "--flood", "syn", "--mode", "proxy", "--seconds", "9999"],
     ["Pktgen-DPDK is not here"]),
    (["trex"], ["TRex is not in /no/such/trex", "https://trex-tgn.cisco.com", "holds t-rex-64"]),
    (["trex", "--wire", "memif", "--flood", "ack", "--mode", "respond"],
     ["TRex is not in /no/such/trex"]),
    (["trex-pcap"], ["TRex is not in /no/such/trex",
                     "holds automation/trex_control_plane/interactive/trex_stl_lib"]),
]


class Script(unittest.TestCase):
    def run_it(self, *args):
        return subprocess.run([os.path.join(TOP, "scripts/generators.sh"), *args],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, **NOTHING})

    def test_wrong_usage(self):
        for args, says in WRONG:
            done = self.run_it(*args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
            self.assertEqual(done.stderr,
                             f"generators.sh: {says}; see scripts/generators.sh --help\n", args)

    def test_not_installed(self):
        for args, says in MISSING:
            done = self.run_it(*args)
            self.assertEqual((done.returncode, done.stdout), (3, ""), args)
            for text in says:
                self.assertIn(text, done.stderr, args)

    def test_help(self):
        """Every generator, option and exit status."""
        for flag in "--help", "-h":
            done = self.run_it(flag)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for text in ("usage: scripts/generators.sh pktgen|trex|trex-pcap", "--flood syn|ack",
                         "--mode respond|proxy", "--seconds N", "--wire vhost|memif", "SW_PKTGEN=",
                         "SW_TREX=", "Exit: 0 fine, 1 failed, 2 wrong usage, 3 the generator is"):
                self.assertIn(text, " ".join(done.stdout.split()))
            self.assertNotIn("set -u", done.stdout)

    def test_files_are_there(self):
        """Those that it gives to the generators, by the names that it makes of a flood."""
        for flood in "syn", "ack":
            for path in (f"config/pktgen/{flood}-flood.pkt", f"config/trex/{flood}_flood.py"):
                self.assertTrue(os.path.isfile(os.path.join(TOP, path)), path)
        with open(os.path.join(TOP, "scripts/generators.sh"), encoding="utf-8") as file:
            script = file.read()
        for path in ("config/pktgen/$flood-flood.pkt", "config/pktgen/run.lua",
                     "config/trex/run.py", "config/trex/to_pcap.py", "config/trex/$1_flood.py"):
            self.assertIn(path, script)
            self.assertTrue("$" in path or os.path.isfile(os.path.join(TOP, path)), path)


if __name__ == "__main__":
    unittest.main()
