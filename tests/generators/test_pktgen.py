#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""config/pktgen/: the profiles by what Pktgen's commands take, and the script that runs them.

Pktgen-DPDK is not needed. The script is run by Lua's library, which comes with gnuplot; where that
is not there either, its test is skipped.
"""
import ctypes.util
import ipaddress
import math
import os
import re
import subprocess
import sys
import unittest
import unittest.mock

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "../../config/pktgen")

# What a range takes, in the words of Pktgen 23.03.0: start, least, greatest, step. Bits of each:
# a sum that does not fit begins at 0 again, below the least.
RANGES = {"size": 16, "ttl": 8, "src port": 16, "dst port": 16, "tcp seq": 32, "tcp ack": 32,
          "src ip": 32, "dst ip": 32, "src mac": 48, "dst mac": 48}
FLAGS = ("urg", "ack", "psh", "rst", "syn", "fin")


def number(text):
    if ":" in text:
        return int(text.replace(":", ""), 16)
    return int(ipaddress.IPv4Address(text)) if "." in text else int(text)


class Profile:
    """What a file sets: ranges by name, the flags, everything else as words."""

    def __init__(self, flood):
        self.ranges, self.flags, self.words = {}, set(), []
        with open(os.path.join(CONFIG, flood + "-flood.pkt"), encoding="ascii") as file:
            for line in file:
                line = line.split("#")[0].strip()
                if line:
                    self.take(line)

    def take(self, line):
        match = re.fullmatch(r"range 0 (\w+|\w+ \w+)((?: [0-9a-f.:]+){4})", line)
        flag = re.fullmatch(r"range 0 tcp flag (set|clr) (\w+)", line)
        if match and match[1] in RANGES:
            self.ranges[match[1]] = tuple(number(text) for text in match[2].split())
        elif flag and flag[2] in (*FLAGS, "all"):
            named = FLAGS if flag[2] == "all" else [flag[2]]
            (self.flags.update if flag[1] == "set" else self.flags.difference_update)(named)
        else:
            self.words.append(line)

    def how_many(self, name):
        """Values, before it begins anew."""
        _, least, greatest, step = self.ranges[name]
        return (greatest - least) // step + 1


class Profiles(unittest.TestCase):
    def test_ranges(self):
        for flood in "syn", "ack":
            profile = Profile(flood)
            for name, (start, least, greatest, step) in profile.ranges.items():
                self.assertEqual(start, least, f"{flood}: {name}")
                self.assertEqual(step == 0, least == greatest, f"{flood}: {name}")
                self.assertLess(greatest + step, 1 << RANGES[name], f"{flood}: {name}")
            self.assertEqual(set(profile.ranges), set(RANGES), flood)
            self.assertEqual(profile.ranges["src ip"][:3], (0xc6120001, 0xc6120001, 0xc613fffe))
            self.assertEqual(profile.ranges["dst ip"], (0x0a4d0002, 0x0a4d0002, 0x0a4d0002, 0))
            self.assertEqual(profile.ranges["dst port"], (80, 80, 80, 0))
            self.assertGreaterEqual(profile.ranges["src port"][1], 1024)
            self.assertEqual(profile.ranges["size"], (64, 64, 64, 0))

    def test_flags(self):
        self.assertEqual(Profile("syn").flags, {"syn"})
        self.assertEqual(Profile("ack").flags, {"ack"})
        self.assertEqual(Profile("syn").ranges["tcp ack"], (0, 0, 0, 0))
        self.assertNotEqual(Profile("ack").ranges["tcp ack"][3], 0)

    def test_other_words(self):
        """Nothing else, so nothing misspelt; TCP in IPv4, as fast as it can, without end."""
        for flood in "syn", "ack":
            self.assertEqual(Profile(flood).words, [
                "range 0 type ipv4", "range 0 proto tcp", "set 0 rate 100", "set 0 count 0",
                "enable 0 range"], flood)

    def test_no_two_alike(self):
        """The same address with the same port: after 100 million packets at the earliest."""
        for flood in "syn", "ack":
            profile = Profile(flood)
            steps = [of[3] for of in profile.ranges.values() if of[3]]
            self.assertTrue(all(math.gcd(one, other) == 1 for n, one in enumerate(steps)
                                for other in steps[:n]), f"{flood}: {steps}")
            self.assertGreater(math.lcm(profile.how_many("src ip"), profile.how_many("src port")),
                               100_000_000, flood)


# Notes every call and what is written; knows the functions of Pktgen that there are, and no others.
STUB = """
said = {}
pktgen = {}
for _, name in ipairs({"screen", "load", "delay", "clr", "start", "stop", "portStats", "quit"}) do
	pktgen[name] = function(...)
		said[#said + 1] = name .. "(" .. table.concat({...}, " ") .. ")"
		return {[0] = {opackets = 3000, ipackets = 2000, imissed = 5}}
	end
end
io.write = function(text) said[#said + 1] = text end
io.flush = function() end
"""

# In a process of its own: Lua's library may end it, and reads the environment as C does.
RUN = """
import ctypes, sys
library, stub, script = sys.argv[1:]
lua = ctypes.CDLL(library)
lua.luaL_newstate.restype = lua.lua_tolstring.restype = ctypes.c_void_p
lua.lua_tolstring.restype = ctypes.c_char_p
state = ctypes.c_void_p(lua.luaL_newstate())
lua.luaL_openlibs(state)
def run(failed, results):
    failed = failed or lua.lua_pcallk(state, 0, results, 0, ctypes.c_ssize_t(0), None)
    text = lua.lua_tolstring(state, -1, None) if failed or results else b""
    if failed:
        sys.exit(text.decode())
    return text.decode()
run(lua.luaL_loadstring(state, stub.encode()), 0)
run(lua.luaL_loadfilex(state, script.encode(), None), 0)
print(run(lua.luaL_loadstring(state, b"return table.concat(said, '\\\\n')"), 1))
"""


def lua_library():
    names = (ctypes.util.find_library(name) for name in ("lua5.4", "lua-5.4", "lua5.3", "lua-5.3"))
    return next((name for name in names if name), None)


@unittest.skipUnless(lua_library(), "Lua's library is not here")
class Script(unittest.TestCase):
    def run_it(self, **environment):
        """What it called and wrote, one a line."""
        done = subprocess.run(
            [sys.executable, "-c", RUN, lua_library(), STUB, os.path.join(CONFIG, "run.lua")],
            capture_output=True, text=True, check=False, env={**os.environ, **environment})
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line for line in done.stdout.splitlines() if line]

    def test_calls(self):
        self.assertEqual(self.run_it(SW_PROFILE="config/x.pkt", SW_SECONDS="7"), [
            "screen(off)", "load(config/x.pkt)", "delay(1500)", "clr()", "generator: starts",
            "start(0)", "delay(7000)", "stop(0)", "delay(2500)", "portStats(0 port)",
            "generator: sent 3000, received 2000, missed 5, in 7 s", "quit()"])

    def test_without_profile(self):
        environment = {name: value for name, value in os.environ.items() if name != "SW_PROFILE"}
        with unittest.mock.patch.dict(os.environ, environment, clear=True):
            self.assertEqual(self.run_it(), [
                "generator: failed: SW_PROFILE names no profile", "quit()"])


if __name__ == "__main__":
    unittest.main()
