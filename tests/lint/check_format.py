#!/usr/bin/env python3
"""check_format.py CLANG-FORMAT: what is not formatted as `./dev fmt` would format it. Exit status 1 if anything is."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

files = subprocess.run(["git", "ls-files", "*.h", "*.cc"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
found = subprocess.run([sys.argv[1], "--dry-run", *files], cwd=ROOT, capture_output=True, text=True).stderr
names = sorted({line.split(":")[0] for line in found.splitlines() if ": warning: " in line})
for name in names:
    print(f"{name}: not formatted; run ./dev fmt")
sys.exit(bool(names))
