#!/usr/bin/env python3
"""count.py DIRECTORY: sums what the test runs left there and ends on "N passed, N failed[, N skipped]".

*.json is meson's testlog.json: a doctest program counts its cases (those that print
"SKIPPED: reason" as skipped), any other program counts once. fuzz.txt has one line for
each fuzz target, `ok NAME EXECUTIONS` or `FAILED NAME ...`. broken has one line for each step that could not run at all.
"""
import json
import pathlib
import re
import sys

CASES = re.compile(r"test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")


def count_meson(path):
    for line in path.read_text().splitlines():
        test = json.loads(line)
        result = test["result"]
        # colours cut the line that we look for
        output = re.sub(r"\x1b\[[0-9;]*m", "", test.get("stdout") or "")
        cases = CASES.search(output)
        if result == "SKIP":
            yield test["name"], 0, 0, 1
        elif cases and result in ("OK", "FAIL"):
            # a case that the host does not allow cannot be skipped while it runs: it says so, and passes
            skipped = len(re.findall(r"^SKIPPED: ", output, re.MULTILINE))
            passed, failed = int(cases[2]) - skipped, int(cases[3])
            # the program failed though no case did, or ran no case at all: that is a failure too
            yield test["name"], passed, failed + (result == "FAIL" and failed == 0) + (int(cases[1]) == 0), skipped
        else:
            yield test["name"], result == "OK", result != "OK", 0


def count_lines(path):
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        yield rest, word == "ok", word != "ok", 0


def main():
    directory = pathlib.Path(sys.argv[1])
    counts = []
    for path in sorted(directory.glob("*.json")):
        counts += count_meson(path)
    if (directory / "fuzz.txt").exists():
        counts += count_lines(directory / "fuzz.txt")
    if (directory / "broken").exists():
        counts += [(line, 0, 1, 0) for line in (directory / "broken").read_text().splitlines()]
    for name, _, failed, _ in counts:
        if failed:
            print(f"FAILED: {name}")
    passed, failed, skipped = (sum(int(c[i]) for c in counts) for i in (1, 2, 3))
    if passed + failed == 0:
        failed = 1
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed != 0


sys.exit(main())
