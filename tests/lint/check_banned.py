#!/usr/bin/env python3
"""Refuses what the code must not contain: sleeps and fixed ports in tests, getenv outside one file, a second clock, ...
Each rule is a pattern, where it applies, and where it is allowed. Exit status 1 if anything is found."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

#        what, pattern, applies to (prefixes), allowed in (prefixes)
RULES = [
    ("getenv belongs to config/environment", r"\bgetenv\s*\(", ["sidecar/"], ["sidecar/config/environment", "sidecar/log/journal", "sidecar/systemd/from_manager",
     "sidecar/ctl/"]),
    ("one clock: the loop's", r"(system|steady|high_resolution)_clock::now|\bclock_gettime\s*\(|\bgettimeofday\s*\(",
     ["sidecar/"], ["sidecar/loop/", "sidecar/ctl/"]),
    ("no sleeps", r"\b(usleep|nanosleep|sleep_for|sleep_until)\s*\(|[^_\w.]sleep\s*\(", ["sidecar/", "tests/unit/", "tests/integration/"],
     ["sidecar/ctl/"]),
    ("lambdas list what they capture", r"\[=\]|\[=,", ["sidecar/", "client-shim/", "tests/"], []),
    ("no detached threads", r"\.detach\s*\(\)", ["sidecar/", "client-shim/include/"], []),
    ("no stdout in modules", r"\bstd::cout\b|\bprintf\s*\(", ["sidecar/"], ["sidecar/ctl/", "sidecar/lifecycle/", "sidecar/main.cc"]),
    ("no doors for tests", r"_for_testing\b", ["sidecar/", "client-shim/"], []),
    ("nothing is left to do", r"\bTODO\b|\bFIXME\b|\bXXX\b", ["sidecar/", "client-shim/", "tests/", "dev", "conf/", "packaging/"], ["tests/lint/"]),
    ("no exceptions thrown by us", r"\bthrow\b", ["sidecar/", "client-shim/include/"], []),
]


def main():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    found = 0
    for name in files:
        if name.startswith("tests/lint/") or not (ROOT / name).is_file():
            continue
        if pathlib.Path(name).suffix not in (".h", ".cc", ".c", ".py", ".yaml", ".build", ""):
            continue
        try:
            lines = (ROOT / name).read_text().splitlines()
        except UnicodeDecodeError:
            continue  # a corpus
        for number, line in enumerate(lines, 1):
            code = re.sub(r"//.*", "", line) if name.endswith((".h", ".cc", ".c")) else line
            for what, pattern, where, allowed in RULES:
                if not name.startswith(tuple(where)) or name.startswith(tuple(allowed) or ("\0",)) or "/corpus/" in name:
                    continue
                text = line if "TODO" in pattern else code
                if re.search(pattern, text):
                    print(f"{name}:{number}: {what}: {line.strip()[:100]}")
                    found += 1
    return found != 0


sys.exit(main())
