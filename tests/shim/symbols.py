#!/usr/bin/env python3
"""A shared object that uses the shim exports nothing of it but what a compiler makes for the few types that an application may
keep in its own (constructors, copies, destructors), and nothing unique, which would keep the object from being unloaded.
Usage: symbols.py SOURCE_DIR"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[1])
SOURCE = """#include <sidecar/shim.h>
using namespace sidecar;
int use(const char* text);
int use(const char* text) {
  TracerOptions options;
  options.property("a", text);
  Tracer tracer = Tracer::open(options);
  Span span = tracer.entry("a", [&](std::string_view) { return text; });
  span.tag("a", 1).log({{"a", "b"}}).error("x", "y").correlation("a", "b");
  span.inject([](std::string_view, std::string_view) {});
  const Incoming incoming = Incoming::read([&](std::string_view) { return std::string(text); });
  span.ref(incoming);
  AsyncSpan async = tracer.start_local("x", tracer.capture());
  async.child_exit("a", "b").end();
  tracer.flush(std::chrono::milliseconds(1));
  const bool all = tracer.stats().dropped.total() == 0 && bool(tracer.capture()) && incoming.valid();
  return all && span.correlation("a").empty() && incoming.bad_headers() == 0 && span.trace_id().empty() ? 1 : 0;
}
"""
VISIBLE = ["TracerOptions", "Stats", "Stats::Dropped", "Stats::Cut", "Incoming", "detail::Correlation", "detail::Correlation::Entry",
           "detail::Context", "detail::Extension"]


def is_made_by_the_compiler(name):
    """Constructor, destructor or assignment of a visible type."""
    for kind in VISIBLE:
        own = kind.split("::")[-1]
        if re.match(rf"sidecar::v1::{kind}::(~?{own}|operator=)\(", name):
            return True
    return False


def main():
    with tempfile.TemporaryDirectory() as directory:
        library = f"{directory}/use.so"
        subprocess.run(["g++", "-std=c++17", "-O0", "-fPIC", "-shared", f"-I{ROOT}/client-shim/include", f"-I{ROOT}/ipc-schema/include",
                        "-x", "c++", "-", "-o", library], input=SOURCE, text=True, check=True)
        lines = subprocess.run(["nm", "-DC", "--defined-only", library], text=True, capture_output=True, check=True).stdout.splitlines()
    ours = [line.split(" ", 2)[1:] for line in lines if " sidecar::" in line or "<sidecar::" in line]
    wrong = [(kind, name) for kind, name in ours
             if kind == "u" or (name.startswith("sidecar::") and not is_made_by_the_compiler(name))]
    for kind, name in wrong:
        print("exported:", kind, name)
    made = len(ours) - len(wrong)
    print(f"{made} symbols are made by the compiler for visible types")
    return 1 if wrong or made == 0 else 0


sys.exit(main())
