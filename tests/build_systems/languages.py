#!/usr/bin/env python3
"""A C program calls a Python script, which calls a C++ program: one trace of three services at the collector.
Usage: languages.py SOURCE_DIR BUILD_DIR LIBRARY FIRST THIRD"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT, BUILD, LIBRARY, FIRST, THIRD = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(ROOT) / "tests/shop"))

import trees  # noqa: E402
from collectors import TestCollector  # noqa: E402
from processes import Programs  # noqa: E402
from sidecar import Sidecar  # noqa: E402


def main():
    with tempfile.TemporaryDirectory() as directory:
        programs = Programs(directory)
        try:
            collector = TestCollector(programs, BUILD)
            sidecar = Sidecar(programs, BUILD, collector.address)
            environment = {**os.environ, "SW_SIDECAR_SOCKET": sidecar.socket, "SW_SIDECAR_LIBRARY": LIBRARY}
            python = {"LD_PRELOAD": os.environ["PRELOAD"], "ASAN_OPTIONS": "detect_leaks=0"} if "PRELOAD" in os.environ else {}
            pipe = {"text": True, "capture_output": True, "timeout": 60, "check": True}
            text = ""
            for argv in ([FIRST], [sys.executable, f"{ROOT}/client-shim/examples/languages/second.py"], [THIRD]):
                more = python if argv[0] == sys.executable else {}
                text = subprocess.run(argv, input=text, env={**environment, **more}, **pipe).stdout
            sidecar.wait_settled(3)
            roots, orphans = trees.assemble(collector.spans(text.strip()))
        finally:
            programs.stop_all()
    chain = []
    at = roots
    while at:
        chain.append((at[0].service, at[0].operation, dict(at[0].tags).get("language", "")))
        at = at[0].children
    print(chain, "orphans:", len(orphans))
    return 0 if not orphans and len(roots) == 1 and chain == [
        ("first", "GET:/first", "C"), ("first", "GET:/second", ""), ("second", "GET:/second", "Python"), ("second", "GET:/third", ""),
        ("third", "GET:/third", "C++")] else 1


sys.exit(main())
