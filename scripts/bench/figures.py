#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Figures of scripts/bench.sh: reads reports, keeps rounds, prints medians and ratios, names the machine.

figures.py get REPORT PATH [NULL]             a figure of a report of synload, such as total.synack
figures.py failed REPORT                      connections that failed, by reason
figures.py wrong REPORT                       what no run may have: wrong bytes, numbers, checksums, SYN-ACKs
figures.py record [--windows REPORT KEYS] KEY=VALUE...
                                              one run, as a line of JSON; with the rates of its pieces, such as
                                              rx_pps or rx_pps+inside_rx_pps of the windows of a report of synload
figures.py report --bench NAME ... ROUNDS     medians, the ratio, and a file of JSON
figures.py collect FILE RESULT...             such files as one
figures.py markdown FILE                      one of either kind as tables
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")


def pick(tree, path):
    for key in path.split("."):
        if not isinstance(tree, dict) or key not in tree:
            sys.exit(f"figures.py: there is no {path}")
        tree = tree[key]
    return tree


def get(args):
    with open(args.report, encoding="ascii") as file:
        value = pick(json.load(file), args.path)
    if value is None and args.null is None:
        sys.exit(f"figures.py: {args.path} is null: it could not be measured")
    print(args.null if value is None else value)


def failed(args):
    """Failed connections by reason, but for the total."""
    with open(args.report, encoding="ascii") as file:
        reasons = pick(json.load(file), "connections.failed")
    print(", ".join(f"{key} {n}" for key, n in reasons.items() if n and key != "total") or "none")


# Whatever was lost or late, none of these may happen.
NEVER = ("failed.bad_payload", "failed.bad_synack", "failed.bad_sequence", "bad_checksum", "malformed", "bad_l2")


def wrong(args):
    """A line that names what went wrong, and exit status 1; or nothing. There is a server where synload is one."""
    with open(args.report, encoding="ascii") as file:
        tree = json.load(file)
    ends = ["connections"] + (["server"] if tree.get("server") else [])
    paths = [f"{end}.{name}" for end in ends for name in NEVER] + (["invalid.total"] if tree.get("invalid") else [])
    found = [f"{path} {pick(tree, path)}" for path in paths if pick(tree, path) != 0]
    if found:
        print(", ".join(found))
        sys.exit(1)


def typed(word):
    """KEY=VALUE, the value a number where it is one."""
    key, _, value = word.partition("=")
    try:
        return key, int(value)
    except ValueError:
        pass
    try:
        return key, float(value)
    except ValueError:
        return key, value


def windows_of(path, keys):
    """Of each piece of the measured time the sum of those rates."""
    with open(path, encoding="ascii") as file:
        windows = pick(json.load(file), "windows")
    return [round(sum(rates)) for rates in zip(*(pick(windows, key) for key in keys.split("+")))]


def record(args):
    run = dict(typed(word) for word in args.pairs)
    if args.windows:
        run["windows"] = windows_of(*args.windows)
    empty = [key for key, value in run.items() if value == ""]
    if empty or not isinstance(run.get("value", 0), (int, float)):
        sys.exit(f"figures.py: no figure for {', '.join(empty) or run['value']}")
    print(json.dumps(run))


def first_line(*command):
    try:
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def compiler(build):
    """The first word of the first command that the build directory's ninja runs, and what it says of itself."""
    try:
        with open(os.path.join(TOP, build, "compile_commands.json"), encoding="utf-8") as file:
            return first_line(json.load(file)[0]["command"].split()[0], "--version")
    except (OSError, KeyError, ValueError, IndexError):
        return "unknown"


def machine(build):
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        model = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "dpdk": first_line("pkg-config", "--modversion", "libdpdk"),
        "compiler": compiler(build),
        "commit": first_line("git", "describe", "--always", "--dirty", "--abbrev=12"),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


SCALES = {"Mpps": (1e6, "%.3f Mpps"), "connections/s": (1, "%d connections/s"), "Gbit/s": (1, "%.3f Gbit/s")}


def best_of(runs, who):
    return max(run["value"] for run in runs if run["who"] == who)


def median_of(runs, who):
    values = [run["value"] for run in runs if run["who"] == who]
    return statistics.median(values) if values else None


def round_ratios(runs):
    """Of each round the ratio of its two runs, least first."""
    ours, theirs = ([run["value"] for run in runs if run["who"] == who] for who in ("synward", "testpmd"))
    if len(ours) != len(theirs):
        sys.exit(f"figures.py: {len(ours)} runs of synward, {len(theirs)} of testpmd: they are not pairs")
    return sorted(a / b for a, b in zip(ours, theirs))


# Which of the pieces of a run stands for an undisturbed one: one in ten is faster. Of fewer it would be the best.
UNDISTURBED = 0.9
PIECES_MIN = 20


def undisturbed(runs, who):
    """The rate that a program has when nobody else wants the machine, as far as its runs tell, and of how many pieces;
    None: not known."""
    pieces = sorted(rate for run in runs if run["who"] == who for rate in run.get("windows", []))
    if len(pieces) < PIECES_MIN:
        return None, len(pieces)
    return pieces[int((len(pieces) - 1) * UNDISTURBED)], len(pieces)


# A round in which the generator found the ring full for a smaller share of its packets was the generator's: near 0 it is as
# fast as it can be (synload(8)). A device that is the limit all the time takes 64 packets at once, and synload brings 32:
# of two bursts at most one waits, and rounds of which it is known had 36 to 40 %. Below 5 % the device was the limit for
# less than a seventh of the round. 0 would never be met: on a shared machine each device is held up for a moment in each
# round, and the ring is full then.
RING_FULL_SHARE_MIN = 0.05


def generator_limited(runs, pairs):
    """Of the two those that were as fast as a flat-out generator, and in how many rounds. A ring of the kernel's (tap,
    af_xdp) tells nothing: what is too much for it is dropped behind it."""
    if pairs.get("rate") != "max" or pairs.get("wire") not in ("memif", "vhost"):
        return {}
    found = {}
    for who in ("synward", "testpmd"):
        rounds = sum(run["who"] == who and run.get("ring_full_share", 1) < RING_FULL_SHARE_MIN for run in runs)
        if rounds:
            found[who] = rounds
    return found


def names_of(peer):
    """What the two are called: in testpmd's place may be another synward."""
    return {"synward": "synward", "testpmd": peer.split()[0]}


def rounds_of(limited, total, names):
    return " and ".join(f"{n} of {total} rounds of {names[who]}" for who, n in limited.items())


def limited_words(limited, total, names):
    """What such rounds say of the ratio: the one that the generator held up is faster than it looks."""
    if not limited:
        return ""
    bound = {("synward",): "the ratio is at least this", ("testpmd",): "the ratio is at most this"}
    return (f"; generator was the limit in {rounds_of(limited, total, names)}: "
            f"{bound.get(tuple(limited), 'the ratio may be less or more')}")


def directions_of(runs, divisor):
    """Of runs that have a direction each (transfer): medians and their ratio, by direction."""
    found = {}
    for name in dict.fromkeys(run["direction"] for run in runs if "direction" in run):
        ours, theirs = (median_of([run for run in runs if run.get("direction") == name], who)
                        for who in ("synward", "testpmd"))
        if not ours or not theirs:
            sys.exit(f"figures.py: one of the two has no figures of {name}")
        found[name] = {"synward": ours / divisor, "testpmd": theirs / divisor, "ratio": ours / theirs}
    return found


def busy_of(runs):
    """What synward's worker says of its own time (operations.md): the medians, and the least time for each."""
    bursts, each = ([run[key] for run in runs if run["who"] == "synward" and key in run]
                    for key in ("busy_burst", "busy_ns_each"))
    if not bursts:
        return {}
    return {"burst": statistics.median(bursts), "ns_each": statistics.median(each), "ns_each_least": min(each)}


def write_json(path, result):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def in_words(key, value):
    """A figure of a run beside its value."""
    if key.endswith("_share"):
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if isinstance(value, (int, float)) else value


def report(args):
    names = names_of(args.peer)
    with open(args.rounds, encoding="utf-8") as file:
        runs = [json.loads(line) for line in file]
    ours, theirs = median_of(runs, "synward"), median_of(runs, "testpmd")
    if not ours or not theirs:
        sys.exit("figures.py: one of the two has no figures")
    divisor, form = SCALES[args.unit]
    pairs = dict(map(typed, args.pairs))
    directions = directions_of(runs, divisor)
    n_rounds = len(runs) // 2 // (len(directions) or 1)
    limited = generator_limited(runs, pairs)
    best = {"synward": best_of(runs, "synward"), "testpmd": best_of(runs, "testpmd")}
    quiet, pieces = {}, {}
    for who in ("synward", "testpmd"):
        quiet[who], pieces[who] = undisturbed(runs, who)
    busy = busy_of(runs)
    ratios = round_ratios(runs)
    # Of two that had the machine in turn, a round's ratio is theirs; the medians may be those of a quick round of one and
    # a slow one of the other.
    ratio = statistics.median(ratios) if "slice" in pairs else ours / theirs
    kept = [{key: value for key, value in run.items() if key != "windows"} for run in runs]
    result = {"bench": args.bench, "unit": args.unit, "peer": args.peer, "synward": ours / divisor,
              "testpmd": theirs / divisor, "ratio": ratio,
              "best": {who: value / divisor for who, value in best.items()}, "generator_limited": list(limited),
              "generator_limited_rounds": limited, **({"directions": directions} if directions else {}),
              **({"busy": busy} if busy else {}), **pairs,
              "round_ratios": [round(ratio, 4) for ratio in ratios],
              "undisturbed": {who: value and value / divisor for who, value in quiet.items()},
              "machine": machine(args.build), "rounds": kept}
    if args.json:
        write_json(args.json, result)
    for run in runs:
        more = ", ".join(f"{key} {in_words(key, value)}" for key, value in run.items()
                         if key not in ("who", "value", "windows"))
        print(f"  {names[run['who']]:8} {form % (run['value'] / divisor)} {'(' + more + ')' if more else ''}")
    # Where the two CPUs of a virtual machine are now on one core, now far apart, rounds differ by more than programs.
    print(f"best of {n_rounds}: synward {form % (best['synward'] / divisor)}, {names['testpmd']} "
          f"{form % (best['testpmd'] / divisor)}, ratio {best['synward'] / best['testpmd']:.3f}")
    if all(quiet.values()):
        print(f"undisturbed: synward {form % (quiet['synward'] / divisor)}, {names['testpmd']} "
              f"{form % (quiet['testpmd'] / divisor)}, ratio {quiet['synward'] / quiet['testpmd']:.3f} (one in ten of "
              f"{pieces['synward']} and {pieces['testpmd']} pieces of the time is faster)")
    if busy:
        print(f"synward's worker: busy for {busy['ns_each']:.0f} ns each (least {busy['ns_each_least']:.0f}), with "
              f"{busy['burst']:.1f} packets at once of 64 that it can take")
    for name, of in directions.items():
        print(f"{name}: synward {form % of['synward']}, testpmd {form % of['testpmd']}, ratio {of['ratio']:.3f}")
    each = "round and direction" if directions else "round"
    print(f"of each {each}: ratio {ratios[0]:.3f} to {ratios[-1]:.3f}; of the medians: {ours / theirs:.3f}")
    us = "" if args.unit == "connections/s" else "synward "
    print(f"{args.bench}: {us}{form % (ours / divisor)}, {args.peer} {form % (theirs / divisor)}, "
          f"ratio {ratio:.3f}{limited_words(limited, n_rounds, names)}")


def what_of(result):
    """A result's conditions, in words, for the table."""
    words = [result["bench"]]
    for key in ("wire", "mode", "options", "family", "concurrent", "flows"):
        if key in result:
            words.append(str(result[key]))
    if "ring" in result:
        words.append(f"rings of {result['ring']}")
    if result.get("rate", "max") != "max":
        words.append(f"{result['rate']} pps")
    limited = result.get("generator_limited_rounds")
    if limited:
        total = sum(run["who"] == "synward" for run in result["rounds"])
        words.append(f"generator the limit in {rounds_of(limited, total, names_of(result['peer']))}")
    elif result.get("generator_limited"):  # of a file of an earlier version
        words.append(f"generator-limited ({', '.join(result['generator_limited'])})")
    if result.get("hugepages") == 0 and result.get("wire") == "memif":
        words.append("no hugepages")
    return ", ".join(words)


def engine_rows(result):
    for row in result["benchmarks"]:
        yield f"| {row['name']} | {row['median']:.1f} | {row['p99']:.1f} | {row['unit']} |"


def goodput_rows(result):
    for curve in result["curves"]:
        for step in curve["steps"]:
            p99 = "-" if step["p99_us"] is None else f"{step['p99_us'] / 1000:.2f}"
            ratios = step.get("p99_ratios")
            ratio = f"{step['p99_ratio']:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})" if ratios else "-"
            yield (f"| {curve['name']} | {step['flood_pps'] / 1e3:,.0f} | {step['tried_per_second']:,.0f} | "
                   f"{100 * step['success']:.2f} | {p99} | {ratio} |")


def collect(args):
    """Many results become one file; the machine is named once."""
    results = []
    for path in args.results:
        with open(path, encoding="utf-8") as file:
            results.append(json.load(file))
    named = next((r["machine"] for r in results if "machine" in r), None)
    for r in results:
        r.pop("machine", None)
    write_json(args.file, {"machine": named, "results": results})


def markdown(args):
    with open(args.results, encoding="utf-8") as file:
        results = json.load(file)
    named = results.get("machine")
    results = results.get("results", [results])
    if named:
        print(f"{named['cpu']}, {named['cpus']} CPUs; kernel {named['kernel']}; DPDK {named['dpdk']}; "
              f"{named['compiler']}; commit {named['commit']}; {named['date']}.\n")
    pairs = [r for r in results if "ratio" in r]
    if pairs:
        print("| benchmark | synward | testpmd | ratio | least, most | of the best rounds | undisturbed |\n"
              "|---|---|---|---|---|---|---|")
    for r in pairs:
        form = SCALES[r["unit"]][1]
        quiet = r.get("undisturbed") or {}
        quiet = f"{quiet['synward'] / quiet['testpmd']:.3f}" if quiet and all(quiet.values()) else "-"
        each = r.get("round_ratios")
        each = f"{each[0]:.3f}, {each[-1]:.3f}" if each else "-"
        print(f"| {what_of(r)} | {form % r['synward']} | {form % r['testpmd']} ({r['peer'].removeprefix('testpmd ')}) | "
              f"{r['ratio']:.3f} | {each} | {r['best']['synward'] / r['best']['testpmd']:.3f} | {quiet} |")
    for r in results:
        if "curves" in r:
            print("\n| goodput, curve | flood, kpps | connections/s tried | served, % | p99 connect, ms | "
                  "of that without a flood |\n|---|---|---|---|---|---|")
            print("\n".join(goodput_rows(r)))
        elif "benchmarks" in r:
            print("\n| engine | median | p99 | unit |\n|---|---|---|---|")
            print("\n".join(engine_rows(r)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="command", required=True)
    one = sub.add_parser("get")
    one.add_argument("report")
    one.add_argument("path")
    one.add_argument("null", nargs="?", help="what to print where it is null")
    one = sub.add_parser("failed")
    one.add_argument("report")
    one = sub.add_parser("wrong")
    one.add_argument("report")
    one = sub.add_parser("record")
    one.add_argument("--windows", nargs=2)
    one.add_argument("pairs", nargs="+")
    one = sub.add_parser("report")
    for name in ("--bench", "--unit", "--peer", "--build"):
        one.add_argument(name, required=True)
    one.add_argument("--json")
    one.add_argument("rounds")
    one.add_argument("pairs", nargs="*")
    one = sub.add_parser("collect")
    one.add_argument("file")
    one.add_argument("results", nargs="+")
    one = sub.add_parser("markdown")
    one.add_argument("results")
    args = parser.parse_args()
    globals()[args.command](args)


if __name__ == "__main__":
    main()
