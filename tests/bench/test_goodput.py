#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/bench/goodput.py, as bench.sh calls it: rounds of a step become one, beside those without a flood."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

GOODPUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/bench/goodput.py")


def run(curve, step, pps, p99, who=None, finished=1000):
    """A line as bench.sh records it; p99 "null": no connection was opened."""
    tree = {"curve": curve, "step": step, "flood_pps": pps, "tried": 1500, "finished": finished, "failed": 0,
            "measured_tried": 1000, "measured_finished": finished, "tried_per_second": 1000, "p50_us": 3,
            "p99_us": p99}
    return dict(tree, who=who, slice=0.25) if who else tree


# Ratios of the rounds 4, 1 and 0.5.
ROUNDS = [run("memif", "max", 8e6, 40, "flooded"), run("memif", "max", 0, 10, "idle"),
          run("memif", "max", 0, 50, "idle"), run("memif", "max", 9e6, 50, "flooded", 500),
          run("memif", "max", 1e6, 100, "flooded"), run("memif", "max", 0, 200, "idle")]


class Goodput(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_it(self, command, runs, *args, status=0):
        path = os.path.join(self.folder, "rounds")
        with open(path, "w", encoding="ascii") as file:
            for each in runs:
                file.write(json.dumps(each) + "\n")
        done = subprocess.run([sys.executable, GOODPUT, command, path, *args], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def report(self, runs):
        path = os.path.join(self.folder, "json")
        said = self.run_it("report", runs, "rounds=3", "--build", "none", "--json", path)
        with open(path, encoding="utf-8") as file:
            return said, json.load(file)

    def test_line_with_rounds(self):
        self.assertEqual(self.run_it("line", ROUNDS), "  synward, memif, flood 8,000 kpps: 1,000 connections/s tried, "
                         "83.33 % served, p99 connect 0.05 ms (without a flood, in turn, 0.05 ms: ratio 1.00, of each "
                         "round 0.50 to 4.00)\n")

    def test_line_of_one_run(self):
        self.assertEqual(self.run_it("line", ROUNDS + [run("tap", 5000, 5100.5, 1234)]), "  synward, tap, flood 5 kpps: "
                         "1,000 connections/s tried, 100.00 % served, p99 connect 1.23 ms\n")

    def test_nothing_served(self):
        runs = [run("memif", "max", 9e6, "null", "flooded", 0), run("memif", "max", 0, 10, "idle")]
        self.assertIn("0.00 % served, p99 connect -\n", self.run_it("line", runs))
        self.assertIn("p99 connect - (without a flood 0.01 ms)", self.report([run("memif", 0, 0, 10)] + runs)[0])

    def test_reached(self):
        for step, pps, status in ((0, 0, 0), ("max", 1, 0), (1000, 801, 0), (1000, 800, 1)):
            self.run_it("reached", [run("tap", 0, 0, 5), run("tap", step, pps, 5)], status=status)

    def test_report(self):
        said, tree = self.report([run("memif", 0, 0, 9, "flooded"), run("memif", 0, 0, 10, "idle")] + ROUNDS +
                                 [run("tap", 0, 0, 300), run("tap", "max", 7e4, 9000, finished=360)])
        self.assertEqual(said, "goodput: synward, memif: at 8.000 Mpps 83.33 % served, p99 connect 0.05 ms (without a "
                         "flood, in turn, 0.05 ms: ratio 1.00, of each round 0.50 to 4.00); synward, tap: at 0.070 Mpps "
                         "36.00 % served, p99 connect 9.00 ms (without a flood 0.30 ms)\n")
        memif, tap = tree["curves"]
        self.assertEqual([step["step"] for step in memif["steps"]], [0, "max"])
        flat_out = memif["steps"][1]
        self.assertEqual((flat_out["p99_ratio"], flat_out["p99_ratios"]), (1, [0.5, 1, 4]))
        self.assertEqual((flat_out["tried"], flat_out["idle"]["tried"], len(flat_out["rounds"])), (4500, 4500, 6))
        self.assertNotIn("p99_ratio", tap["steps"][1])
        self.assertEqual((tree["slice"], flat_out["slice"]), (0.25, 0.25))

    def test_one_behind_the_other(self):
        """As it is where there is memory for one pair only, in one round or in all."""
        one = [dict(run) for run in ROUNDS]
        del one[2]["slice"]
        for runs in (one, [{key: value for key, value in run.items() if key != "slice"} for run in ROUNDS]):
            said, tree = self.report(runs)
            self.assertIn("(without a flood, one behind the other, 0.05 ms: ratio 1.00, of each round", said)
            self.assertNotIn("slice", tree)
            self.assertNotIn("slice", tree["curves"][0]["steps"][0])


if __name__ == "__main__":
    unittest.main()
