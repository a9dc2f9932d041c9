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


def by_subproject(work, environment):
    """With nothing installed: the checkout is the subproject. What another compiler warns of does not stop the build."""
    warning = {**environment, "CXXFLAGS": "-Wpadded"}
    (work / "meson/subprojects").mkdir()
    (work / "meson/subprojects/sw-sidecar").symlink_to(ROOT)
    subprocess.run(["meson", "setup", "--wrap-mode=forcefallback", "meson-build", "meson"], cwd=work, env=warning, **installs.QUIET)
    subprocess.run(["ninja", "-C", "meson-build"], cwd=work, env=warning, **installs.QUIET)
    return work / "meson-build/hello"


def by_single_header(work, environment):
    shutil.copy(pathlib.Path(environment["CMAKE_PREFIX_PATH"]) / "share/sw-sidecar/sw-sidecar-shim.h", work / "single-header")
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]
    for standard in ("c++17", "c++20", "c++23"):
        subprocess.run(["g++", f"-std={standard}", *warnings, "hello.cc", "-o", "hello"], cwd=work / "single-header", check=True)
    return work / "single-header/hello"


def by_installed_meson(work, environment):
    subprocess.run(["meson", "setup", "--wrap-mode=nofallback", "installed-build", "meson"], cwd=work, env=environment, **installs.QUIET)
    subprocess.run(["ninja", "-C", "installed-build", "hello"], cwd=work, env=environment, **installs.QUIET)
    return work / "installed-build/hello"


def by_c(work, environment):
    """Strict C99, and as C++: the header of the C API, with the library."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "sw-sidecar-shim-c"], env=environment, check=True, text=True,
                           capture_output=True).stdout.split()
    for compiler in (["g++", "-std=c++17", "-x", "c++"], ["gcc", "-std=c99"]):
        subprocess.run([*compiler, "-pedantic", "-Wall", "-Wextra", "-Werror", "languages/first.c", *flags, "-o", "first"], cwd=work,
                       check=True)
    return work / "first"


def by_python(work, _):
    """Text that is no UTF-8, as Python makes of file names and headers, is no reason to fail."""
    (work / "odd.py").write_text(ODD_PYTHON, encoding="utf-8")
    (work / "odd.py").chmod(0o755)
    return work / "odd.py"


ODD_PYTHON = """#!/usr/bin/env python3
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "languages"))
import sidecar

odd = os.fsdecode(b"\\xff")
tracer = sidecar.Tracer("first" + odd)
try:
    with tracer.entry("GET:/" + odd, {"sw8": odd}) as request, tracer.local(odd), tracer.exit(odd, odd) as call:
        request.tag(odd, odd)
        headers = call.headers()
        raise ValueError(odd)
except ValueError:
    print("sw8: " + headers["sw8"])
"""


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory) / "examples"
        shutil.copytree(ROOT / "client-shim/examples", work)
        environment = installs.environment_of(installs.install(ROOT, directory))
        for build in (by_cmake, by_pkg_config, by_subproject, by_installed_meson, by_single_header, by_c, by_python):
            program = build(work, environment)
            good = installs.traces(program, environment, directory)
            print(build.__name__, "ok" if good else "FAILED: it made no header")
            failed += not good
    return 1 if failed else 0


sys.exit(main())
