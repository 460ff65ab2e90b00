#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The figures of bench.sh goodput: one line each, a file of JSON, and the plot, which gnuplot draws.

goodput.py line ROUNDS            the last run, in words
goodput.py report ROUNDS ...      everything; the last line is the summary
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import figures  # noqa: E402, beside this file

NAMES = {"memif": "synward, memif", "tap": "synward, tap", "cookies": "kernel SYN cookies, tap",
         "synproxy": "nftables synproxy, tap"}
# No flood stands at the left end of a logarithmic axis.
LEFT = 1000


def success(run):
    """Of the connections that were begun in the measured time, those that ended well, whenever that was."""
    return run["measured_finished"] / run["measured_tried"] if run["measured_tried"] else 0.0


def milliseconds(us):
    return "-" if us is None else f"{us / 1000:.2f} ms"


def words(run):
    return (f"flood {run['flood_pps'] / 1e3:,.0f} kpps: {run['tried_per_second']:,.0f} connections/s tried, "
            f"{100 * success(run):.2f} % served, p99 connect {milliseconds(run['p99_us'])}")


def read(path):
    with open(path, encoding="utf-8") as file:
        runs = [json.loads(text) for text in file]
    for run in runs:
        for key in ("p50_us", "p99_us"):
            if run[key] == "null":
                run[key] = None
    return runs


def curves_of(runs):
    found = []
    for run in runs:
        if not found or found[-1]["curve"] != run["curve"]:
            found.append({"curve": run["curve"], "name": NAMES[run["curve"]], "steps": []})
        step = {key: value for key, value in run.items() if key != "curve"}
        found[-1]["steps"].append(dict(step, success=success(run)))
    return found


def plot(curves, path, title):
    """One data file for each curve; goodput.gp says how it looks."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for curve in curves:
            files.append(os.path.join(folder, curve["curve"]))
            with open(files[-1], "w", encoding="ascii") as out:
                for step in sorted(curve["steps"], key=lambda s: s["flood_pps"]):
                    p99 = "NaN" if step["p99_us"] is None else step["p99_us"] / 1000
                    out.write(f"{max(step['flood_pps'], LEFT)} {100 * step['success']} {p99}\n")
        styles = " ".join(str(1 + list(NAMES).index(c["curve"])) for c in curves)
        settings = (f"styles='{styles}'; out='{os.path.abspath(path)}'; title_text='{title}'; files='{' '.join(files)}'; "
                    f"names='{' '.join(chr(34) + c['name'] + chr(34) for c in curves)}'; left={LEFT}")
        script = os.path.join(figures.HERE, "goodput.gp")
        done = subprocess.run(["gnuplot", "-e", settings, script], check=False)
    if done.returncode != 0:
        sys.exit("goodput.py: gnuplot did not draw it")


def last_line(curves):
    said = []
    for curve in curves:
        first, last = curve["steps"][0], curve["steps"][-1]
        said.append(f"{curve['name']}: at {last['flood_pps'] / 1e6:.3f} Mpps {100 * last['success']:.2f} % served, "
                    f"p99 connect {milliseconds(last['p99_us'])} (without a flood {milliseconds(first['p99_us'])})")
    return "goodput: " + "; ".join(said)


def report(args):
    curves = curves_of(read(args.rounds))
    named = figures.machine(args.build)
    result = {"bench": "goodput", **dict(map(figures.typed, args.pairs)), "curves": curves, "machine": named}
    if args.json:
        figures.write_json(args.json, result)
    if args.plot:
        plot(curves, args.plot, f"{named['cpu']}, kernel {named['kernel']}, {named['date']}")
    print(last_line(curves))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="command", required=True)
    one = sub.add_parser("line")
    one.add_argument("rounds")
    one = sub.add_parser("report")
    one.add_argument("rounds")
    one.add_argument("--build", required=True)
    one.add_argument("--json")
    one.add_argument("--plot")
    one.add_argument("pairs", nargs="*")
    args = parser.parse_args()
    if args.command == "line":
        run = read(args.rounds)[-1]
        print(f"  {NAMES[run['curve']]}, {words(run)}")
    else:
        report(args)


main()
