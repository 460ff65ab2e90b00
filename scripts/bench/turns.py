#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two pairs of programs in turn, until a program has ended. For scripts/bench/turns.sh.

    turns.py SECONDS FILE FILE

Each file has the two pids of a pair, of the device and of the generator. One pair runs for so many seconds while the
other is stopped, the first one first. The place, 1 or 2, of the pair of which a program has ended comes on standard
output; that pair goes on, the other one is stopped.

It is a process of its own, in real time, for what it takes of the CPUs is taken from what is measured: a tenth of a
millisecond a turn, where a shell that starts `sleep` and looks whether the programs are alive takes some.
"""
import os
import select
import signal
import sys


def tell(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # the poll tells


def take_turns(seconds, pairs):
    """pairs: of [device, generator]. The place of the one that has ended."""
    ended = []
    for pair in pairs:
        poll = select.poll()
        for pid in pair:
            try:
                poll.register(os.pidfd_open(pid), select.POLLIN)
            except ProcessLookupError:
                return pairs.index(pair)
        ended.append(poll)
    while True:
        for i, (device, generator) in enumerate(pairs):
            tell((device, generator), signal.SIGCONT)
            if ended[i].poll(seconds * 1000):
                return i
            # The generator last: it empties the ring of what has been answered. A device that goes on before it, and
            # finds that ring full, would lose the rest.
            tell((device, generator), signal.SIGSTOP)


def main(seconds, *files):
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError as error:
        print(f"bench.sh: turns are not taken in real time: {error}", file=sys.stderr)
    pairs = []
    for name in files:
        with open(name, encoding="ascii") as file:
            pairs.append([int(pid) for pid in file.read().split()])
    print(1 + take_turns(float(seconds), pairs))


if __name__ == "__main__":
    main(*sys.argv[1:])
