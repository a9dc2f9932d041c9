"""The orders a run sends, and what each has to leave behind in its trace."""
import concurrent.futures
import dataclasses
import urllib.error
import urllib.parse
import urllib.request

from say import Failed


@dataclasses.dataclass(frozen=True)
class Kind:
    name: str
    parameters: dict
    status: int     # what the gateway answers
    segments: int   # of its trace
    spans: int
    errors: int     # spans marked as failed


#             what it is        the order                               answer  segments  spans  errors
KINDS = [
    Kind("sold",            {"item": "tea", "count": "2"},                 200,        4,     8,      0),
    Kind("sold, unicode",   {"item": "coffee", "customer": "Zoë 空"},      200,        4,     8,      0),
    Kind("out of stock",    {"item": "unicorn"},                           409,        3,     8,      5),
    Kind("failing SQL",     {"item": "cocoa", "wrap": "yes"},              500,        3,     7,      6),
    Kind("not an order",    {"count": "1"},                                400,        1,     1,      1),
]
SHARES = [10, 4, 3, 2, 1]  # of each kind in a round
SETUP_SEGMENTS = 1         # stock creates its database in a trace of its own


@dataclasses.dataclass(frozen=True)
class Order:
    kind: Kind
    trace_id: str


def send(gateway, rounds):
    """Sends `rounds` x sum(SHARES) orders, some at a time, and returns them in order. Fails if one is answered wrongly."""
    plan = [kind for _ in range(rounds) for kind, share in zip(KINDS, SHARES) for _ in range(share)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda kind: _send_one(gateway, kind), plan))


def segments_of(orders):
    return SETUP_SEGMENTS + sum(order.kind.segments for order in orders)


def _send_one(gateway, kind):
    url = f"http://{gateway}/orders?{urllib.parse.urlencode(kind.parameters)}"
    try:
        with urllib.request.urlopen(url, data=b"", timeout=30) as answer:
            status, headers = answer.status, answer.headers
    except urllib.error.HTTPError as error:
        status, headers = error.code, error.headers
        error.close()
    except OSError as error:
        raise Failed(f"the gateway does not answer: {error}") from error
    if status != kind.status:
        raise Failed(f"the gateway answered {status} to an order that is `{kind.name}`, not {kind.status}")
    trace_id = headers.get("X-Trace-Id", "")
    if not trace_id:
        raise Failed("the gateway named no trace: its tracer is disabled")
    return Order(kind, trace_id)
