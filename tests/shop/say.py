"""What the runner tells its user: progress on stderr, results on stdout, colour only where somebody looks."""
import os
import sys
import time

_begin = time.monotonic()


class Failed(Exception):
    """Something did not come about; the text is for the user. `status` is the program's."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status


def progress(text):
    print(f"-- {time.monotonic() - _begin:5.1f} s  {text}", file=sys.stderr, flush=True)


def wait_for(what, condition, limit, between=0.05):
    """Asks until `condition()` is true, and returns what it returned. What it says when time is up is `what`."""
    end = time.monotonic() + limit
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failed(f"waited {limit} s in vain: {what() if callable(what) else what}")
        time.sleep(between)


def colours(stream):
    """A function (text, name) -> text that colours for `stream`, or leaves it alone."""
    codes = {"red": "31", "green": "32", "dim": "2", "bold": "1", "cyan": "36"}
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return lambda text, name: text
    return lambda text, name: f"\033[{codes[name]}m{text}\033[0m"
