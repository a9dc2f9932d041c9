#!/usr/bin/env python3
"""What the examples of the owner's README record, as the collector sees it. Usage: examples.py SOURCE_DIR BUILD_DIR HTTP QUEUE ASYNC"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT, BUILD, *EXAMPLES = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(ROOT) / "tests/shop"))

import trees  # noqa: E402
from collectors import TestCollector  # noqa: E402
from processes import Programs  # noqa: E402
from sidecar import Sidecar  # noqa: E402

# Of each example: its segments, and the spans of its trace, indented below what called them.
EXPECTED = {
    "http": (3, """
orders Entry GET:/orders
  orders Exit GET:/stock/{id} to stock:8080
    stock Entry GET:/stock/{id}
  orders Exit GET:/stock/{id} to stock:8080 failed
    stock Entry GET:/stock/{id} failed"""),
    "queue": (4, """
shop Entry POST:/orders
  shop Exit orders/produce to broker:9092
    billing Entry orders/consume
  shop Exit orders/produce to broker:9092
    billing Entry orders/consume
    statistics Entry orders/consume-batch after 2"""),
    "async": (2, """
orders Entry GET:/orders
  orders Exit GET:/stock to stock:8080
  orders Local bill"""),
}


def lines_of(spans, indent=""):
    """Siblings by their lines, since they may have begun in the same millisecond, or on different threads."""
    texts = []
    for span in spans:
        text = f"{indent}{span.service} {span.type} {span.operation}" + (f" to {span.peer}" if span.peer else "")
        text += (" failed" if span.error else "") + (f" after {len(span.refs)}" if len(span.refs) > 1 else "")
        texts.append("\n".join([text, *lines_of(span.children, indent + "  ")]))
    return sorted(texts)


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        programs = Programs(directory)
        try:
            collector = TestCollector(programs, BUILD)
            sidecar = Sidecar(programs, BUILD, collector.address)
            environment = {**os.environ, "SW_SIDECAR_SOCKET": sidecar.socket}
            segments = 0
            for program in EXAMPLES:
                name = pathlib.Path(program).name.removeprefix("example_")
                count, expected = EXPECTED[name]
                done = subprocess.run([program], env=environment, text=True, capture_output=True, timeout=60, check=True)
                segments += count
                sidecar.wait_settled(segments)
                roots, orphans = trees.assemble(collector.spans(done.stdout.strip()))
                seen = "\n".join(lines_of(roots))
                good = not orphans and seen == expected.strip()
                failed += not good
                print(name, "ok" if good else f"FAILED: {len(orphans)} orphans, expected{expected}\nseen\n{seen}")
        finally:
            programs.stop_all()
    return 1 if failed else 0


sys.exit(main())
