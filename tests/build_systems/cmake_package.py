#!/usr/bin/env python3
"""What find_package(sw-sidecar-shim) promises: which versions it is, the C API in a project without C++, and that it is found wherever
it was installed, moved afterwards, or seen through a link. Usage: cmake_package.py SOURCE_DIR"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import installs

ROOT = pathlib.Path(sys.argv[1]).resolve()
PROJECT = """cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(sw-sidecar-shim {version} REQUIRED)
add_executable(first {root}/client-shim/examples/languages/first.c)
target_link_libraries(first PRIVATE sw-sidecar-shim::c)
"""


def configure(work, prefix, version=""):
    """Whether a project that wants this version takes what is in `prefix`; its build directory is work/build."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (work / "CMakeLists.txt").write_text(PROJECT.format(version=version, root=ROOT), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "CMAKE_PREFIX_PATH"}
    done = subprocess.run(["cmake", "-S", work, "-B", work / "build", f"-DCMAKE_PREFIX_PATH={prefix}"], env=environment, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0 and not version:
        print(done.stderr)
    return done.returncode == 0


def runs(work, prefix):
    """Whether a program of C is built against what is in `prefix`, and makes the header of a call."""
    if not configure(work, prefix):
        return False
    built = subprocess.run(["cmake", "--build", work / "build"], text=True, capture_output=True, check=False)
    if built.returncode != 0:
        print(built.stdout, built.stderr)
        return False
    return installs.traces(work / "build/first", {}, work)


def wanted_versions(version):
    """(what a project asks for, whether it shall get `version`); before 1.0 only the same minor version will do."""
    major, minor, patch = (int(part) for part in version.split("."))
    own = f"{major}.{minor}"
    yield from ((own, True), (version, True), (f"{version} EXACT", True), (f"{own}.{patch + 1}", False), (f"{major}.{minor + 1}", False),
                (str(major + 1), False), (f"{own}...<{major}.{minor + 1}", True), (f"{own}...{version}", True),
                (f"{own}...<{version}", False), (str(major), True))
    if major == 0 and minor > 0:
        yield from ((f"0.{minor - 1}", False), (f"0.{minor - 1}...0.{minor - 1}.9", False), (f"0.{minor - 1}...{own}.9", True))


def main():
    failed = 0

    def hold(what, good):
        nonlocal failed
        print("ok    " if good else "FAILED", what)
        failed += not good

    with tempfile.TemporaryDirectory() as name:
        directory, work = pathlib.Path(name), pathlib.Path(name) / "work"
        prefix = installs.install(ROOT, directory, "--libdir=lib")
        version = next(line.split()[1] for line in (prefix / "lib/pkgconfig/sw-sidecar-shim.pc").read_text(encoding="utf-8").splitlines()
                       if line.startswith("Version:"))
        for wanted, good in wanted_versions(version):
            hold(f"{version} {'is' if good else 'is not'} {wanted}", configure(work, prefix, wanted) == good)

        moved = prefix.rename(directory / "moved")
        hold("a tree that was moved", runs(work, moved))
        # as /lib is on a host whose /usr is merged
        (directory / "root").mkdir()
        moved.rename(directory / "root/usr")
        (directory / "root/lib").symlink_to("usr/lib")
        hold("seen through a link to its lib", runs(work, directory / "root"))

        for option, found in (("--libdir", f"{directory}/out/lib"), ("--includedir", f"{directory}/out/headers")):
            apart = pathlib.Path(tempfile.mkdtemp(dir=directory))
            installs.install(ROOT, apart, f"{option}={found}")
            hold(f"{option} outside the prefix", runs(work, f"{directory}/out;{apart}/prefix"))
    return 1 if failed else 0


sys.exit(main())
