#!/usr/bin/env python3
"""The second of three services: reads the headers of its "request" from stdin, and calls the third by its stdout.
SW_SIDECAR_LIBRARY names the library if it is not where the system looks."""
import os
import sys

import sidecar

tracer = sidecar.Tracer("second", os.environ.get("SW_SIDECAR_LIBRARY", "libsw-sidecar-shim.so.1"))
request = dict(line.rstrip("\n").split(": ", 1) for line in sys.stdin)

with tracer.entry("GET:/second", request) as span:
    span.tag("language", "Python")
    with tracer.exit("GET:/third", "third:80") as call:
        for name, value in call.headers().items():
            print(f"{name}: {value}")

sys.exit(0 if tracer.flush(2000) else 1)
