#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/bench/figures.py, as bench.sh calls it: what it prints, what it writes, and its exit status."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/bench/figures.py")

REPORT = {
    "total": {"synack": 7},
    "windows": {"rx_pps": [1.4, 2.0, 3.0], "inside_rx_pps": [10, 20, 30]},
    "connections": {
        "failed": {"total": 5, "timeout_syn": 3, "reset": 2, "bad_payload": 0, "bad_synack": 0, "bad_sequence": 0},
        "bad_checksum": 0,
        "malformed": 0,
        "bad_l2": 0,
    },
    "server": None,
    "invalid": {"total": 0},
    "p99": None,
}

# Medians 3 and 4 Mpps; means would be 4 and 4, best rounds 8 and 5. Of the pieces of each, 0 to 39 and 0 to 78 Mpps,
# one in ten is faster than 35 and 70.
ROUNDS = [
    {"who": "synward", "value": 1e6, "ring_full_share": 0.4, "windows": [k * 1e6 for k in range(20)]},
    {"who": "testpmd", "value": 3e6, "ring_full_share": 0.05, "windows": [2e6 * k for k in range(20)]},
    {"who": "testpmd", "value": 4e6, "ring_full_share": 0.05, "windows": [2e6 * k for k in range(20, 40)]},
    {"who": "synward", "value": 8e6, "ring_full_share": 0.05, "windows": [k * 1e6 for k in range(20, 40)]},
    {"who": "synward", "value": 3e6, "ring_full_share": 0.05},
    {"who": "testpmd", "value": 5e6, "ring_full_share": 0.05},
]


class Figures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, *trees):
        with open(self.path(name), "w", encoding="ascii") as file:
            for tree in trees:
                file.write(json.dumps(tree) + "\n")
        return self.path(name)

    def run_it(self, *args, status=0):
        """What it prints; on failure what it says."""
        done = subprocess.run([sys.executable, FIGURES, *args], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return (done.stdout if status == 0 or done.stdout else done.stderr).rstrip("\n")

    def test_get(self):
        report = self.file("report", REPORT)
        self.assertEqual(self.run_it("get", report, "total.synack"), "7")
        self.assertEqual(self.run_it("get", report, "p99", "-"), "-")
        self.assertIn("p99 is null", self.run_it("get", report, "p99", status=1))
        self.assertIn("there is no total.rst", self.run_it("get", report, "total.rst", status=1))
        self.assertIn("there is no p99.x", self.run_it("get", report, "p99.x", status=1))

    def test_peer(self):
        """Another synward in testpmd's place: by its name, and what is said of the worker is not of that one."""
        rounds = [{"who": "synward", "value": 2e6, "busy_burst": 50, "busy_ns_each": 70},
                  {"who": "testpmd", "value": 1e6, "busy_burst": 10, "busy_ns_each": 10}]
        said = self.run_it("report", "--bench", "flood", "--unit", "Mpps", "--peer", "other synward", "--build",
                           self.folder, self.file("rounds", *rounds))
        self.assertNotIn("testpmd", said)
        self.assertIn("  other    1.000", said)
        self.assertIn("busy for 70 ns each (least 70), with 50.0 packets", said)
        self.assertTrue(said.endswith("flood: synward 2.000 Mpps, other synward 1.000 Mpps, ratio 2.000"), said)

    def test_failed(self):
        self.assertEqual(self.run_it("failed", self.file("report", REPORT)), "timeout_syn 3, reset 2")
        none = {"connections": {"failed": {"total": 0, "reset": 0}}}
        self.assertEqual(self.run_it("failed", self.file("none", none)), "none")

    def test_wrong(self):
        self.assertEqual(self.run_it("wrong", self.file("report", REPORT)), "")
        for at in ("connections.failed.bad_payload", "connections.failed.bad_synack",
                   "connections.failed.bad_sequence", "connections.bad_checksum", "invalid.total",
                   "connections.bad_l2", "server.malformed",
                   "server.failed.bad_payload", "server.bad_checksum"):
            report = json.loads(json.dumps(REPORT))
            report["server"] = json.loads(json.dumps(report["connections"]))
            branch = report
            *path, last = at.split(".")
            for key in path:
                branch = branch[key]
            branch[last] = 2
            self.assertEqual(self.run_it("wrong", self.file("report", report), status=1), f"{at} 2")

    def test_record(self):
        run = json.loads(self.run_it("record", "who=synward", "value=1.5", "n=3", "failed=none"))
        self.assertEqual(run, {"who": "synward", "value": 1.5, "n": 3, "failed": "none"})
        run = json.loads(self.run_it("record", "--windows", self.file("report", REPORT), "rx_pps+inside_rx_pps",
                                     "who=testpmd", "value=2"))
        self.assertEqual(run["windows"], [11, 22, 33])
        for words in (["value="], ["value=1", "n="], ["value=none"]):
            self.assertIn("no figure", self.run_it("record", *words, status=1))

    def report(self, runs, *pairs, status=0):
        lines = self.run_it("report", "--bench", "flood", "--unit", "Mpps", "--peer", "testpmd 5tswap", "--build", "none",
                            "--json", self.path("json"), self.file("rounds", *runs), *pairs, status=status).split("\n")
        return lines

    def test_report(self):
        lines = self.report(ROUNDS, "wire=memif", "rate=max", "slice=0.25")
        self.assertEqual(lines[0], "  synward  1.000 Mpps (ring_full_share 40.0 %)")
        self.assertEqual(lines[-4], "best of 3: synward 8.000 Mpps, testpmd 5.000 Mpps, ratio 1.600")
        self.assertEqual(lines[-3], "undisturbed: synward 35.000 Mpps, testpmd 70.000 Mpps, ratio 0.500 (one in ten of "
                                    "40 and 40 pieces of the time is faster)")
        # 1 of 3, 8 of 4 and 3 of 5
        self.assertEqual(lines[-2], "of each round: ratio 0.333 to 2.000; of the medians: 0.750")
        self.assertEqual(lines[-1], "flood: synward 3.000 Mpps, testpmd 5tswap 4.000 Mpps, ratio 0.600")
        with open(self.path("json"), encoding="utf-8") as file:
            result = json.load(file)
        self.assertEqual((result["synward"], result["testpmd"], result["ratio"]), (3, 4, 0.6))
        self.assertEqual(result["undisturbed"], {"synward": 35, "testpmd": 70})
        self.assertEqual((result["wire"], result["generator_limited"]), ("memif", []))
        self.assertEqual([run["value"] for run in result["rounds"]], [run["value"] for run in ROUNDS])
        self.assertEqual(result["round_ratios"], [0.3333, 0.6, 2])
        self.assertFalse(any("windows" in run for run in result["rounds"]))

    def test_busy(self):
        """Of synward's runs, the medians."""
        runs = json.loads(json.dumps(ROUNDS))
        for run, burst, each in zip([run for run in runs if run["who"] == "synward"], (50, 63.5, 60), (1000, 2000, 800)):
            run.update(busy_burst=burst, busy_ns_each=each)
        lines = self.report(runs, "wire=memif")
        self.assertEqual(lines[0], "  synward  1.000 Mpps (ring_full_share 40.0 %, busy_burst 50, busy_ns_each 1,000)")
        self.assertEqual(lines[-3], "synward's worker: busy for 1000 ns each (least 800), with 60.0 packets at once of 64 "
                                    "that it can take")
        with open(self.path("json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["busy"], {"burst": 60, "ns_each": 1000, "ns_each_least": 800})

    def test_rounds_that_are_not_pairs(self):
        self.assertIn("1 runs of synward, 2 of testpmd", self.report(ROUNDS[:3], status=1)[-1])

    def test_results_without_ratios_of_rounds(self):
        self.report(ROUNDS, "wire=memif")
        with open(self.path("json"), encoding="utf-8") as file:
            older = json.load(file)
        del older["round_ratios"]
        self.assertIn("| 0.750 | - | 1.600 |", self.run_it("markdown", self.file("older", older)))

    def test_two_figures_a_round(self):
        """As transfer has them, each of the two first in every other round; the ratio is that of the medians."""
        values = (("synward", 1, 2), ("testpmd", 2, 8), ("testpmd", 4, 2), ("synward", 3, 1))
        runs = [{"who": who, "direction": name, "value": value} for who, up, down in values
                for name, value in (("to_server", up), ("to_client", down))]
        lines = self.report(runs, "wire=af_xdp")
        self.assertTrue(lines[-5].startswith("best of 2: "))
        self.assertEqual(lines[-4], "to_server: synward 0.000 Mpps, testpmd 0.000 Mpps, ratio 0.667")
        with open(self.path("json"), encoding="utf-8") as file:
            directions = json.load(file)["directions"]
        self.assertEqual(directions, {"to_server": {"synward": 2e-6, "testpmd": 3e-6, "ratio": 2 / 3},
                                      "to_client": {"synward": 1.5e-6, "testpmd": 5e-6, "ratio": 0.3}})
        self.assertEqual(lines[-2], "of each round and direction: ratio 0.250 to 0.750; of the medians: 0.500")
        self.assertTrue(lines[-1].endswith("ratio 0.500"))

    def test_too_few_pieces(self):
        runs = [dict(run, windows=[1] * 9) for run in ROUNDS[:4]]
        self.assertFalse(any(line.startswith("undisturbed") for line in self.report(runs)))

    def limited(self, shares, *pairs):
        """What the last line says after the ratio, and the tree, where the rounds with these numbers have these shares."""
        runs = [dict(run) for run in ROUNDS]
        for i, share in shares.items():
            runs[i]["ring_full_share"] = share
        _, ratio, said = self.report(runs, *pairs)[-1].partition("ratio 0.750")
        self.assertTrue(ratio)
        with open(self.path("json"), encoding="utf-8") as file:
            return said, json.load(file)

    def test_generator_limited(self):
        at_most = "; generator was the limit in 2 of 3 rounds of testpmd: the ratio is at most this"
        for wire in ("memif", "vhost"):
            said, tree = self.limited({1: 0.0001, 5: 0.0499}, f"wire={wire}", "rate=max")
            self.assertEqual(said, at_most)
            self.assertEqual(tree["generator_limited"], ["testpmd"])
            self.assertEqual(tree["generator_limited_rounds"], {"testpmd": 2})
        self.assertEqual(self.limited({0: 0}, "wire=memif", "rate=max")[0],
                         "; generator was the limit in 1 of 3 rounds of synward: the ratio is at least this")
        self.assertEqual(self.limited({0: 0, 1: 0}, "wire=memif", "rate=max")[0],
                         "; generator was the limit in 1 of 3 rounds of synward and 1 of 3 rounds of testpmd: the ratio "
                         "may be less or more")
        for pairs in (("wire=tap", "rate=max"), ("wire=memif", "rate=1000")):
            said, tree = self.limited({1: 0, 5: 0}, *pairs)
            self.assertEqual((said, tree["generator_limited"], tree["generator_limited_rounds"]), ("", [], {}))

    def test_generator_limited_in_the_table(self):
        _, tree = self.limited({1: 0}, "wire=memif", "rate=max")
        self.assertIn("| flood, memif, generator the limit in 1 of 3 rounds of testpmd | ",
                      self.run_it("markdown", self.path("json")))
        del tree["generator_limited_rounds"]
        self.assertIn("| flood, memif, generator-limited (testpmd) | ",
                      self.run_it("markdown", self.file("older", tree)))

    def test_one_of_the_two_alone(self):
        runs = [run for run in ROUNDS if run["who"] == "synward"]
        self.assertIn("one of the two has no figures", self.report(runs, status=1)[0])

    def test_collect_and_markdown(self):
        self.report(ROUNDS, "wire=memif", "rate=max", "family=v4")
        engine = self.file("engine", {"benchmarks": [{"name": "mac", "median": 14.94, "p99": 20, "unit": "MAC"}]})
        goodput = self.file("goodput", {"curves": [{"name": "tap", "steps": [
            {"flood_pps": 5000, "tried_per_second": 1000, "success": 0.5, "p99_us": 1234},
            {"flood_pps": 6000, "tried_per_second": 1000, "success": 0, "p99_us": None},
            {"flood_pps": 7000, "tried_per_second": 1000, "success": 1, "p99_us": 50, "p99_ratio": 2.5,
             "p99_ratios": [1.25, 2.5, 4]}]}]})
        self.run_it("collect", self.path("all"), engine, self.path("json"), goodput)
        with open(self.path("all"), encoding="utf-8") as file:
            results = json.load(file)
        self.assertGreater(results["machine"]["cpus"], 0)
        self.assertEqual(len(results["results"]), 3)
        self.assertFalse(any("machine" in result for result in results["results"]))
        rows = self.run_it("markdown", self.path("all")).split("\n")
        self.assertIn("| flood, memif, v4 | 3.000 Mpps | 4.000 Mpps (5tswap) | 0.750 | 0.333, 2.000 | 1.600 | 0.500 |", rows)
        self.assertIn("| mac | 14.9 | 20.0 | MAC |", rows)
        self.assertIn("| tap | 5 | 1,000 | 50.00 | 1.23 | - |", rows)
        self.assertIn("| tap | 6 | 1,000 | 0.00 | - | - |", rows)
        self.assertIn("| tap | 7 | 1,000 | 100.00 | 0.05 | 2.50 (1.25 to 4.00) |", rows)


if __name__ == "__main__":
    unittest.main()
