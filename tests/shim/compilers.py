#!/usr/bin/env python3
"""Compiles the shim's header alone with every compiler that we claim, as strictly as an application may, and prints what
including it costs. A missing compiler is a failure. Usage: compilers.py SOURCE_DIR"""
import concurrent.futures
import pathlib
import resource
import shutil
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
COMPILERS = ["g++-11", "g++-12", "clang++-14", "clang++-19"]
STANDARDS = ["c++17", "c++20", "c++2b"]  # the last is C++23, as all of them spell it
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
BARE = ["-fno-exceptions", "-fno-rtti"]
INCLUDES = [f"-I{ROOT}/client-shim/include", f"-I{ROOT}/ipc-schema/include"]
# Every template is used, or it would not be compiled.
SOURCE = """#include <sidecar/shim.h>
struct Kept { sidecar::Tracer tracer; sidecar::Span span; sidecar::AsyncSpan async; };
int main() {
  sidecar::Tracer tracer = sidecar::Tracer::open(sidecar::TracerOptions());
  sidecar::Span span = tracer.entry("a", [](std::string_view) { return std::string_view(); });
  span.tag("a", 1).tag("b", 2ul).tag("c", true).tag("d", "e").log({{"a", "b"}}).error("a", "b");
  span.inject([](std::string_view, std::string_view) {});
  sidecar::AsyncSpan async = tracer.start_local("a", tracer.capture());
  async.child_exit("a", "b").inject([](std::string_view, std::string_view) {});
  return tracer.stats().created == 0 ? 0 : 1;
}
"""


def compile_one(arguments):
    done = subprocess.run([*arguments, *INCLUDES, "-x", "c++", "-c", "-", "-o", "/dev/null"], input=SOURCE, text=True, capture_output=True)
    return arguments, done.returncode, done.stderr


def cost(compiler, source):
    """CPU seconds of the cheapest of seven looks at it."""
    best = 1e9
    for _ in range(7):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([compiler, "-std=c++17", "-fsyntax-only", *INCLUDES, "-x", "c++", "-"], input=source, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def main():
    missing = [compiler for compiler in COMPILERS if shutil.which(compiler) is None]
    for compiler in missing:
        print(f"{compiler}: not installed")
    jobs = [[compiler, f"-std={standard}", "-O1", *STRICT, *extra]
            for compiler in COMPILERS if compiler not in missing for standard in STANDARDS for extra in ([], BARE)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for arguments, code, errors in pool.map(compile_one, jobs):
            print("ok    " if code == 0 else "FAILED", *arguments)
            if code != 0:
                failed += 1
                print(errors[:4000])
    for compiler in COMPILERS:
        if compiler not in missing:
            nothing = cost(compiler, "")
            whole = cost(compiler, "#include <sidecar/shim.h>\n") - nothing
            std = cost(compiler, "#include <string>\n#include <vector>\n#include <chrono>\n#include <atomic>\n") - nothing
            print(f"{compiler}: including the shim costs {whole:.2f} s of CPU, <string>, <vector>, <chrono> and <atomic> alone {std:.2f} s")
    return 1 if missing or failed else 0


sys.exit(main())
