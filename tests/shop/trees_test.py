#!/usr/bin/env python3
"""Tests of trees: how spans become one tree, and what does not belong to it is named."""
import sys
import unittest

sys.dont_write_bytecode = True

import trees  # noqa: E402


def span(segment, number, parent=-1, refs=(), start=0, **more):
    facts = {"service": "svc", "operation": f"{segment}{number}", "type": "Entry", "layer": "Http", "peer": "", "end_ms": start + 5,
             "error": False, "tags": [], "logs": []}
    facts.update(more)
    return trees.Span(segment_id=segment, span_id=number, parent_span_id=parent, start_ms=start, refs=list(refs), **facts)


def names(spans):
    return [s.operation for s in spans]


def plain(text, _):
    return text


class Trees(unittest.TestCase):
    def test_a_span_hangs_below_its_parent_in_the_segment(self):
        roots, orphans = trees.assemble([span("a", 1, 0, start=1), span("a", 0), span("a", 2, 0, start=2)])
        self.assertEqual((names(roots), orphans), (["a0"], []))
        self.assertEqual(names(roots[0].children), ["a1", "a2"])

    def test_a_segment_hangs_below_the_span_it_refers_to(self):
        roots, orphans = trees.assemble([span("b", 0, refs=[("a", 1)]), span("a", 0), span("a", 1, 0)])
        self.assertEqual((names(roots), orphans), (["a0"], []))
        self.assertEqual(names(roots[0].children[0].children), ["b0"])

    def test_a_span_whose_parent_is_not_there_is_an_orphan(self):
        roots, orphans = trees.assemble([span("a", 0), span("b", 0, refs=[("lost", 1)]), span("c", 1, 0)])
        self.assertEqual((names(roots), sorted(names(orphans))), (["a0"], ["b0", "c1"]))

    def test_a_span_that_is_its_own_parent_is_an_orphan(self):
        self.assertEqual(names(trees.assemble([span("a", 0, 0)])[1]), ["a0"])

    def test_a_line_says_where_what_how_long_and_what_went_wrong(self):
        failed = span("a", 0, error=True, service="stock", operation="POST:/reserve", tags=[("http.status_code", "409"), ("other", "x")],
                      logs=[[("event", "error"), ("error.kind", "out of stock"), ("message", "only 0 left")]], peer="h:1")
        first, line = trees.lines_of("t", [failed], plain)
        self.assertEqual(first, "trace t  1 service, 1 segment, 1 span")
        for part in ("stock  POST:/reserve", "5 ms", "entry http", "ERROR", "to h:1", "http.status_code=409", "out of stock - only 0 left"):
            self.assertIn(part, line)
        self.assertNotIn("other", line)
        self.assertNotIn(" - error", line)

    def test_branches_are_drawn_to_their_parents(self):
        spans = [span("a", 0), span("a", 1, 0, start=1), span("a", 2, 1, start=2), span("a", 3, 0, start=3)]
        drawn = [line.split(" " * 5)[0] for line in list(trees.lines_of("t", spans, plain))[1:]]
        self.assertEqual(drawn, ["svc  a0", "├─ svc  a1", "│  └─ svc  a2", "└─ svc  a3"])

    def test_what_is_missing_is_said(self):
        lines = list(trees.lines_of("t", [span("a", 0, refs=[("lost", 0)])], plain))
        self.assertIn("not there", lines[1])

    def test_both_collectors_give_the_same_tree(self):
        ours = {"segments": [{"segment_id": "a", "service": "svc", "instance": "i", "spans": [
            {"span_id": 0, "parent_span_id": -1, "operation": "op", "type": "Entry", "layer": "Http", "component": 1, "peer": "", "start_ms": 1,
             "end_ms": 3, "error": True, "tags": [{"key": "k", "value": "v"}], "logs": [{"time": 2, "data": [{"key": "event", "value": "e"}]}],
             "refs": [{"type": "CrossProcess", "trace_id": "t", "segment_id": "p", "span_id": 2}]}]}]}
        theirs = [{"traceId": "t", "segmentId": "a", "spanId": 0, "parentSpanId": -1, "serviceCode": "svc", "startTime": 1, "endTime": 3,
                   "endpointName": "op", "type": "Entry", "peer": None, "isError": True, "layer": "Http",
                   "refs": [{"parentSegmentId": "p", "parentSpanId": 2}], "tags": [{"key": "k", "value": "v"}],
                   "logs": [{"time": 2, "data": [{"key": "event", "value": "e"}]}]}]
        self.assertEqual(trees.from_test_collector(ours), trees.from_graphql(theirs))


if __name__ == "__main__":
    unittest.main()
