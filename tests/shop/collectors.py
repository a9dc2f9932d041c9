"""Where the traces of a run go, and how to get them back: three kinds of collectors behind one face.

Each has `address` (gRPC, for the sidecar) and spans(trace_id) -> [trees.Span], or None if it cannot be asked."""
import json
import os
import socket
import urllib.request

import trees
from graphql import GraphQL
from say import Failed, progress, wait_for


class TestCollector:
    def __init__(self, programs, build):
        progress("starting the test collector")
        program = programs.start("test-collector", [os.path.join(build, "tests", "collector", "test-collector")])
        addresses = json.loads(program.first_line())
        self.address = addresses["grpc"]
        self.http = addresses["http"]

    def spans(self, trace_id):
        with urllib.request.urlopen(f"http://{self.http}/traces.json", timeout=30) as answer:
            for trace in json.load(answer)["traces"]:
                if trace["trace_id"] == trace_id:
                    return trees.from_test_collector(trace)
        return []


class Oap:
    """An OAP that runs somewhere; `query` is its REST address or None."""

    def __init__(self, address, query):
        self.address = address
        self._graphql = GraphQL(query) if query else None
        if self._graphql and not self._graphql.version():
            raise Failed(f"no OAP answers at {self._graphql.url}")

    def spans(self, trace_id):
        return trees.from_graphql(self._graphql.trace(trace_id)) if self._graphql else None


def own_oap(programs, version):
    """A real OAP of this version, started here; fetched before, if this is the first time."""
    script = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "oap", "oap")
    grpc, rest = _free_port(), _free_port()
    progress(f"starting OAP {version} (the first time it is fetched, about 130 MB)")
    program = programs.start("oap", [script, version, str(grpc), str(rest)])
    graphql = GraphQL(f"http://127.0.0.1:{rest}")

    def answers():
        if program.status() == 3:
            raise Failed(f"OAP {version} cannot be fetched", 3)
        program.check_running()
        return graphql.version()

    progress(f"OAP {wait_for('OAP answers', answers, 900, 0.25)} answers")
    return Oap(f"127.0.0.1:{grpc}", graphql.url)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
