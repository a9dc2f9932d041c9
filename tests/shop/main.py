"""One run of the shop: start everything, send orders, wait until all of it is accounted for, show it, end everything."""
import argparse
import os
import shutil
import signal
import sys
import tempfile

import traffic
import trees
from collectors import Oap, TestCollector, own_oap
from processes import Programs
from say import Failed, colours, progress, wait_for
from sidecar import Sidecar


def main(arguments):
    options = parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = tempfile.mkdtemp(prefix="sw-shop-")
    programs = Programs(directory)
    try:
        run(options, programs)
        return 0
    except Failed as failed:
        for name, lines in programs.tails():
            print(f"-- the last words of {name}:", *lines, sep="\n   ", file=sys.stderr)
        print(f"shop: {failed}", file=sys.stderr)
        return failed.status
    except KeyboardInterrupt:
        print("\nshop: interrupted", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not leave half of it behind
        programs.stop_all()
        shutil.rmtree(directory, ignore_errors=True)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="run", description="Runs the shop with the sidecar and a collector, and shows its traces.")
    parser.add_argument("--build", required=True, metavar="DIR", help="where everything was built")
    parser.add_argument("--collector", metavar="HOST:PORT", help="send to this OAP instead of a test collector")
    parser.add_argument("--query", metavar="URL", help="with --collector: read the traces back from its GraphQL")
    parser.add_argument("--oap", metavar="VERSION", help="send to a real OAP of this version, started here")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help=f"rounds of {sum(traffic.SHARES)} orders (2)")
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    options = parser.parse_args(arguments)
    if options.query and not options.collector:
        parser.error("--query needs --collector")
    if options.oap and options.collector:
        parser.error("--oap and --collector exclude each other")
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    return options


def run(options, programs):
    collector = start_collector(options, programs)
    progress(f"starting the sidecar, which sends to {collector.address}")
    sidecar = Sidecar(programs, options.build, collector.address)
    services, gateway = start_shop(options, programs, sidecar)

    progress(f"sending {options.rounds * sum(traffic.SHARES)} orders, some of which fail")
    orders = traffic.send(gateway, options.rounds)
    segments = traffic.segments_of(orders)
    progress(f"waiting until {segments} segments are delivered")
    sidecar.wait_settled(segments)
    show(collector, orders)
    print("\n$ sidecarctl status\n" + sidecar.status_text().rstrip(), flush=True)

    if options.keep:
        keep(collector, sidecar, gateway, [*services, sidecar.program])
    progress("stopping")
    for program in (*reversed(services), sidecar.program):
        problem = programs.stop(program)
        if problem:
            raise Failed(f"{program.name} did not end well: {problem}")
    progress(f"{len(orders)} orders, {segments} segments: everything arrived")


def start_collector(options, programs):
    if options.oap:
        return own_oap(programs, options.oap)
    if options.collector:
        return Oap(options.collector, options.query)
    return TestCollector(programs, options.build)


def start_shop(options, programs, sidecar):
    """The three services, from the back to the front; returns them and the gateway's address."""
    progress("starting stock, orders and gateway")
    services, address = [], None
    for name in ("stock", "orders", "gateway"):
        argv = [os.path.join(options.build, "client-shim", "examples", "shop", name), "--port", "0"]
        argv += ["--upstream", address] if address else []
        services.append(programs.start(name, argv, {"SW_SIDECAR_SOCKET": sidecar.socket}))
        address = services[-1].first_line().rsplit(" ", 1)[-1]
    return services, address


def show(collector, orders):
    """One trace of each kind as a tree, after all of them have been checked; ids alone where nobody can be asked."""
    paint = colours(sys.stdout)
    if collector.spans(orders[0].trace_id) is None:
        print("\nTrace ids, to be looked up in your SkyWalking:")
        for order in orders:
            print(f"  {order.trace_id}  {order.kind.name}")
        return
    progress("reading the traces back")
    shown = set()
    for order in orders:
        spans = wait_for(f"trace {order.trace_id} with {order.kind.spans} spans",
                         lambda order=order: complete(collector.spans(order.trace_id), order), 30)
        check(order, spans)
        if order.kind.name not in shown:
            shown.add(order.kind.name)
            print(f"\n{paint(order.kind.name, 'green')}, one of {sum(o.kind == order.kind for o in orders)}:")
            print(*trees.lines_of(order.trace_id, spans, paint), sep="\n")


def complete(spans, order):
    return spans if len(spans) >= order.kind.spans else None


def check(order, spans):
    """What came back is one tree, of the size that this kind of order makes."""
    roots, orphans = trees.assemble(spans)
    found = (len(roots), len(orphans), len({span.segment_id for span in spans}), len(spans), sum(span.error for span in spans))
    expected = (1, 0, order.kind.segments, order.kind.spans, order.kind.errors)
    for span in spans:
        span.children.clear()
    if found != expected:
        raise Failed(f"trace {order.trace_id} (`{order.kind.name}`) has {found} roots, orphans, segments, spans, errors; "
                     f"expected {expected}:\n" + "\n".join(trees.lines_of(order.trace_id, spans, lambda text, _: text)))


def keep(collector, sidecar, gateway, programs):
    progress("left running until Ctrl-C. Try:")
    print(f"  curl -d '' 'http://{gateway}/orders?item=tea&count=3'\n  sidecarctl --socket {sidecar.control} status", file=sys.stderr)
    if isinstance(collector, TestCollector):
        print(f"  curl http://{collector.http}/traces.json", file=sys.stderr)
    try:
        while True:
            for program in programs:
                program.check_running()
            signal.sigtimedwait([], 0.5)
    except KeyboardInterrupt:
        print(file=sys.stderr)
