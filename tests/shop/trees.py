"""Traces as trees: from the spans a collector has, to lines for a terminal."""
import dataclasses

TELLING_TAGS = ("http.status_code", "db.statement", "shop.item", "shop.customer", "shop.price")


@dataclasses.dataclass
class Span:
    segment_id: str
    span_id: int
    parent_span_id: int
    service: str
    operation: str
    type: str
    layer: str
    peer: str
    start_ms: int
    end_ms: int
    error: bool
    tags: list   # of (key, value)
    logs: list   # of lists of (key, value)
    refs: list   # of (segment id, span id)
    children: list = dataclasses.field(default_factory=list)


def from_test_collector(trace):
    """The spans of one element of /traces.json."""
    spans = []
    for segment in trace["segments"]:
        for span in segment["spans"]:
            spans.append(Span(
                segment["segment_id"], span["span_id"], span["parent_span_id"], segment["service"], span["operation"], span["type"],
                span["layer"], span["peer"], span["start_ms"], span["end_ms"], span["error"], _pairs(span["tags"]),
                [_pairs(log["data"]) for log in span["logs"]], [(ref["segment_id"], ref["span_id"]) for ref in span["refs"]]))
    return spans


def from_graphql(spans):
    """The spans of an OAP's queryTrace."""
    return [Span(span["segmentId"], span["spanId"], span["parentSpanId"], span["serviceCode"], span["endpointName"] or "", span["type"],
                 span["layer"] or "", span["peer"] or "", span["startTime"], span["endTime"], span["isError"], _pairs(span["tags"]),
                 [_pairs(log["data"]) for log in span["logs"]],
                 [(ref["parentSegmentId"], ref["parentSpanId"]) for ref in span["refs"]]) for span in spans]


def assemble(spans):
    """(roots, orphans): spans without a parent, and those whose parent is not there. Children hang below, by start."""
    known = {(span.segment_id, span.span_id): span for span in spans}
    roots, orphans = [], []
    for span in sorted(spans, key=lambda s: (s.start_ms, s.span_id)):
        parent = (span.segment_id, span.parent_span_id) if span.parent_span_id >= 0 else span.refs[0] if span.refs else None
        if parent is None:
            roots.append(span)
        elif parent in known and known[parent] is not span:
            known[parent].children.append(span)
        else:
            orphans.append(span)
    return roots, orphans


def lines_of(trace_id, spans, paint):
    """The trace as lines: service, operation, duration, telling tags; errors marked."""
    roots, orphans = assemble(spans)
    services = len({span.service for span in spans})
    yield paint(f"trace {trace_id}", "bold") + "  " + ", ".join(
        counted(n, what) for n, what in ((services, "service"), (len({s.segment_id for s in spans}), "segment"), (len(spans), "span")))
    for root in roots:
        yield from _lines(root, "", "", paint)
    for orphan in orphans:
        yield paint("the parent of the next is not there:", "red")
        yield from _lines(orphan, "", "", paint)


def _lines(span, first, rest, paint):
    # what a reader looks for comes in columns: where, what, how long; the rest trails
    left = f"{first}{span.service}  {span.operation}"
    kind = span.type.lower() + ("" if span.layer.lower() in ("", "unknown") else " " + span.layer.lower())
    yield (f"{left:<58} {span.end_ms - span.start_ms:>5} ms  {paint(f'{kind:<14}', 'dim')}"
           + (paint(" ERROR", "red") if span.error else "") + _details(span, paint))
    for number, child in enumerate(span.children):
        last = number + 1 == len(span.children)
        yield from _lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), paint)


def _details(span, paint):
    text = f" to {span.peer}" if span.peer else ""
    text += "".join(paint(f" {key}=", "cyan") + value for key, value in span.tags if key in TELLING_TAGS)
    for log in span.logs:
        said = dict(log)
        text += paint(" log: ", "cyan") + " - ".join(said[key] for key in ("error.kind", "event", "message") if said.get(key, "error") != "error")
    return text


def _pairs(data):
    return [(pair["key"], pair["value"] or "") for pair in data or []]


def counted(number, what):
    return f"{number} {what}" + ("" if number == 1 else "s")
