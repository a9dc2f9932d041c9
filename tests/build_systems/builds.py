#!/usr/bin/env python3
"""Each example of a build system builds against an installed shim, and what it builds runs. Usage: builds.py SOURCE_DIR"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import installs

ROOT = pathlib.Path(sys.argv[1]).resolve()


def by_cmake(work, environment):
    subprocess.run(["cmake", "-S", "cmake", "-B", "cmake-build"], cwd=work, env=environment, **installs.QUIET)
    subprocess.run(["cmake", "--build", "cmake-build"], cwd=work, env=environment, **installs.QUIET)
    return work / "cmake-build/hello"


def by_pkg_config(work, environment):
    subprocess.run(["make", "-C", "pkg-config"], cwd=work, env=environment, **installs.QUIET)
    return work / "pkg-config/hello"


def by_subproject(work, _):
    """With nothing installed: the checkout is the subproject."""
    (work / "meson/subprojects").mkdir()
    (work / "meson/subprojects/sw-sidecar").symlink_to(ROOT)
    subprocess.run(["meson", "setup", "meson-build", "meson"], cwd=work, **installs.QUIET)
    subprocess.run(["ninja", "-C", "meson-build", "hello"], cwd=work, **installs.QUIET)
    return work / "meson-build/hello"


def by_single_header(work, environment):
    shutil.copy(pathlib.Path(environment["CMAKE_PREFIX_PATH"]) / "share/sw-sidecar/sw-sidecar-shim.h", work / "single-header")
    for standard in ("c++17", "c++20"):
        subprocess.run(["g++", f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "hello.cc", "-o", "hello"],
                       cwd=work / "single-header", check=True)
    return work / "single-header/hello"


def by_c(work, environment):
    """Strict C99, and as C++: the header of the C API, with the library."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "sw-sidecar-shim-c"], env=environment, check=True, text=True,
                           capture_output=True).stdout.split()
    for compiler in (["gcc", "-std=c99"], ["g++", "-std=c++17", "-x", "c++"]):
        subprocess.run([*compiler, "-pedantic", "-Wall", "-Wextra", "-Werror", "languages/first.c", *flags, "-o", "first"], cwd=work,
                       check=True)
    return None


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory) / "examples"
        shutil.copytree(ROOT / "client-shim/examples", work)
        environment = installs.environment_of(installs.install(ROOT, directory))
        for build in (by_cmake, by_pkg_config, by_subproject, by_single_header, by_c):
            program = build(work, environment)
            good = program is None or installs.traces(program, directory)
            print(build.__name__, "ok" if good else "FAILED: it made no header")
            failed += not good
    return 1 if failed else 0


sys.exit(main())
