#!/usr/bin/env python3
"""The library of the C API exports what its header declares, and nothing else. Usage: exports.py LIBRARY HEADER"""
import re
import subprocess
import sys

symbols = subprocess.run(["nm", "-D", "--defined-only", sys.argv[1]], check=True, text=True, capture_output=True).stdout
exported = {line.split()[2].split("@")[0] for line in symbols.splitlines() if line.split()[1] in "TWDBV"}
with open(sys.argv[2], encoding="utf-8") as header:
    declared = set(re.findall(r"SW_API [^;]*?\b(sw_\w+)\(", header.read()))
print("only exported:", sorted(exported - declared), "only declared:", sorted(declared - exported))
sys.exit(0 if exported == declared and declared else 1)
