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


def tell(programs, number):
    for program in programs:
        try:
            signal.pidfd_send_signal(program, number)
        except ProcessLookupError:
            pass  # the poll tells


def take_turns(seconds, pairs):
    """pairs: pidfds of [device, generator]. The place of the one of which a program has ended."""
    ended = []
    for pair in pairs:
        ended.append(select.poll())
        for program in pair:
            ended[-1].register(program, select.POLLIN)
    while True:
        for i, (device, generator) in enumerate(pairs):
            tell((device, generator), signal.SIGCONT)
            if ended[i].poll(seconds * 1000):
                return i
            # The generator is stopped last: until then it empties the ring of what was answered. Otherwise a device
            # that goes on before its generator finds that ring full.
            tell((device, generator), signal.SIGSTOP)


def main(seconds, *files):
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError as error:
        print(f"bench.sh: turns are not taken in real time: {error}", file=sys.stderr)
    pairs = []
    for place, name in enumerate(files):
        with open(name, encoding="ascii") as file:
            pids = [int(pid) for pid in file.read().split()]
        try:
            pairs.append([os.pidfd_open(pid) for pid in pids])
        except ProcessLookupError:
            print(1 + place)
            return
    print(1 + take_turns(float(seconds), pairs))


if __name__ == "__main__":
    main(*sys.argv[1:])
