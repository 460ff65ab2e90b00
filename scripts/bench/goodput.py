#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The figures of bench.sh goodput: one line each, a file of JSON, and the plot, which gnuplot draws.

goodput.py line ROUNDS            the last step, in words
goodput.py reached ROUNDS         exit status 0 where its flood was as fast as it was to be
goodput.py report ROUNDS ...      everything; the last line is the summary
"""
import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # python3 -I does not look there
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


def beside(step):
    """What connecting took without a flood, in turn with it or behind it, where that was measured."""
    ratios = step.get("p99_ratios")
    if not ratios:
        return ""
    in_turn = "in turn, " if "slice" in step else "one behind the other, "
    return (f"without a flood, {in_turn}{milliseconds(step['idle']['p99_us'])}: ratio {step['p99_ratio']:.2f}, "
            f"of each round {ratios[0]:.2f} to {ratios[-1]:.2f}")


def words(step):
    said = beside(step)
    return (f"flood {step['flood_pps'] / 1e3:,.0f} kpps: {step['tried_per_second']:,.0f} connections/s tried, "
            f"{100 * step['success']:.2f} % served, p99 connect {milliseconds(step['p99_us'])}{said and f' ({said})'}")


def read(path):
    with open(path, encoding="utf-8") as file:
        runs = [json.loads(text) for text in file]
    for run in runs:
        for key in ("p50_us", "p99_us"):
            if run[key] == "null":
                run[key] = None
    return runs


SUMS = ("tried", "finished", "failed", "measured_tried", "measured_finished")
MEDIANS = ("flood_pps", "tried_per_second", "p50_us", "p99_us")


def rounds_as_one(runs):
    """Sums, and medians of what is known."""
    result = {key: sum(run[key] for run in runs) for key in SUMS}
    for key in MEDIANS:
        known = [run[key] for run in runs if run[key] is not None]
        result[key] = statistics.median(known) if known else None
    return dict(result, success=success(result))


def slice_of(runs):
    """As a key of a step or a report: how long each ran before the other did, where all runs beside others were in turn."""
    slices = {run.get("slice") for run in runs if "who" in run}
    return {"slice": slices.pop()} if len(slices) == 1 and None not in slices else {}


def step_of(runs):
    """The rounds of one step, with those without a flood that were in turn with them."""
    flooded = [run for run in runs if run.get("who") != "idle"]
    idle = [run for run in runs if run.get("who") == "idle"]
    step = {"step": runs[0]["step"], **rounds_as_one(flooded)}
    if idle:
        pairs = [(a["p99_us"], b["p99_us"]) for a, b in zip(flooded, idle)]
        ratios = sorted(a / b for a, b in pairs if a is not None and b)
        step.update(slice_of(runs), idle=rounds_as_one(idle), p99_ratio=statistics.median(ratios) if ratios else None,
                    p99_ratios=[round(ratio, 3) for ratio in ratios], rounds=runs)
    return step


def curves_of(runs):
    """Runs that follow each other and are of the same step are its rounds."""
    found = []
    for (curve, _), of_step in itertools.groupby(runs, key=lambda run: (run["curve"], run["step"])):
        if not found or found[-1]["curve"] != curve:
            found.append({"curve": curve, "name": NAMES[curve], "steps": []})
        found[-1]["steps"].append(step_of(list(of_step)))
    return found


def reached(step):
    return step["step"] in (0, "max") or step["flood_pps"] > 0.8 * step["step"]


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
        quiet = beside(last) or f"without a flood {milliseconds(first['p99_us'])}"
        said.append(f"{curve['name']}: at {last['flood_pps'] / 1e6:.3f} Mpps {100 * last['success']:.2f} % served, "
                    f"p99 connect {milliseconds(last['p99_us'])} ({quiet})")
    return "goodput: " + "; ".join(said)


def report(args):
    runs = read(args.rounds)
    curves = curves_of(runs)
    named = figures.machine(args.build)
    result = {"bench": "goodput", **dict(map(figures.typed, args.pairs)), **slice_of(runs), "curves": curves, "machine": named}
    if args.json:
        figures.write_json(args.json, result)
    if args.plot:
        plot(curves, args.plot, f"{named['cpu']}, kernel {named['kernel']}, {named['date']}")
    print(last_line(curves))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="command", required=True)
    for name in ("line", "reached"):
        one = sub.add_parser(name)
        one.add_argument("rounds")
    one = sub.add_parser("report")
    one.add_argument("rounds")
    one.add_argument("--build", required=True)
    one.add_argument("--json")
    one.add_argument("--plot")
    one.add_argument("pairs", nargs="*")
    args = parser.parse_args()
    if args.command == "report":
        report(args)
        return
    curve = curves_of(read(args.rounds))[-1]
    if args.command == "line":
        print(f"  {curve['name']}, {words(curve['steps'][-1])}")
    elif not reached(curve["steps"][-1]):
        sys.exit(1)


main()
