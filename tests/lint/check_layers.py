#!/usr/bin/env python3
"""Holds every #include of sidecar/ against layers.txt and prints the row it saw broken. Exit status 1 if any."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def read_table():
    rows, fences = {}, set()
    for line in (ROOT / "tests/lint/layers.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        module, rest = line.split(":", 1)
        allowed, _, fence = rest.partition("|")
        rows[module] = (allowed.split(), fence.split(), line)
        fences.update(fence.split())
    return rows, fences


def broken(path, rows, fences):
    module = path.relative_to(ROOT / "sidecar").parts[0]
    if module not in rows:
        if path.name != "main.cc":
            yield f"module {module} has no row in tests/lint/layers.txt"
        return
    allowed, fence, row = rows[module]
    for kind, name in INCLUDE.findall(path.read_text()):
        top = name.split("/")[0]
        if kind == '"' and top in rows:
            fine = top == module or top in allowed or name in allowed
        else:
            fenced = [f for f in fences if name == f or (f.endswith("/") and name.startswith(f))]
            fine = not fenced or any(f in fence for f in fenced)
        if not fine:
            yield f"includes {name}; the row is:  {row}"


def main():
    rows, fences = read_table()
    found = 0
    for path in sorted((ROOT / "sidecar").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        for what in broken(path, rows, fences):
            print(f"{path.relative_to(ROOT)}: {what}")
            found += 1
    shim_allowed = re.compile(r'^(sidecar/|sidecar_ipc/|[a-z_]+(\.h)?$|sys/|linux/|arpa/|netinet/|detail/)')
    for path in sorted((ROOT / "client-shim/include").rglob("*.h")):
        for _, name in INCLUDE.findall(path.read_text()):
            if not shim_allowed.match(name):
                print(f"{path.relative_to(ROOT)}: the shim includes {name}; only std, POSIX and sidecar_ipc are allowed")
                found += 1
    return found != 0


sys.exit(main())
