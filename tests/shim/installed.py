#!/usr/bin/env python3
"""Without the daemon, `meson install` gives headers and a pkg-config file with which the smallest example compiles and runs.
Usage: installed.py SOURCE_DIR"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[1]).resolve()


def main():
    with tempfile.TemporaryDirectory() as directory:
        quiet = {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(["meson", "setup", f"{directory}/build", str(ROOT), "-Ddaemon=false", "-Dtests=false", f"--prefix={directory}/prefix"],
                       **quiet)
        subprocess.run(["meson", "install", "-C", f"{directory}/build"], **quiet)
        found = next(pathlib.Path(f"{directory}/prefix").rglob("sw-sidecar-shim.pc"))
        environment = {**os.environ, "PKG_CONFIG_PATH": str(found.parent)}
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "sw-sidecar-shim"], env=environment, check=True, text=True,
                               capture_output=True).stdout.split()
        subprocess.run(["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", str(ROOT / "client-shim/examples/minimal.cc"), *flags,
                        "-o", f"{directory}/minimal"], check=True)
        run = subprocess.run([f"{directory}/minimal"], env={"SW_SIDECAR_SERVICE": "s", "SW_SIDECAR_SOCKET": f"{directory}/none"}, text=True,
                             capture_output=True, timeout=20)
        print(run.stdout)
        return 0 if "sw8: 1-" in run.stdout else 1


sys.exit(main())
