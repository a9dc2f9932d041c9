#!/usr/bin/env python3
"""A program that runs with more rights than its user does not take the shim's settings from that user's environment.
Needs root to make one; is skipped otherwise, and where set-uid has no effect. Usage: secure.py SOURCE_DIR"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[1]).resolve()
SKIPPED = 77
USER = 4321
SOURCE = """#include <sidecar/shim.h>
#include <sys/auxv.h>
#include <cstdio>
int main() {
  std::printf("%d %d", static_cast<int>(getauxval(AT_SECURE)), sidecar::Tracer::open(sidecar::TracerOptions()).enabled() ? 1 : 0);
}
"""


def main():
    if os.geteuid() != 0:
        print("skipped: only root can make a set-uid program of another user")
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        program = f"{directory}/program"
        subprocess.run(["g++", "-std=c++17", f"-I{ROOT}/client-shim/include", f"-I{ROOT}/ipc-schema/include", "-x", "c++", "-", "-o", program],
                       input=SOURCE, text=True, check=True)
        run = lambda: subprocess.run([program], env={"SW_SIDECAR_SERVICE": "s"}, text=True, capture_output=True, check=True, user=USER,
                                     group=USER, extra_groups=[]).stdout
        os.chmod(program, 0o755)
        plain = run()
        os.chmod(program, 0o4755)
        secure = run()
        print(f"plain: {plain}, set-uid: {secure}")
        if secure.startswith("0"):
            print("skipped: set-uid has no effect here")
            return SKIPPED
        return 0 if plain == "0 1" and secure == "1 0" else 1


sys.exit(main())
