"""Programs the runner starts, and ends by their process id whatever happens."""
import os
import signal
import subprocess

from say import Failed, wait_for


class Program:
    """A running program; what it prints is in files of `directory`. It does not get the terminal's Ctrl-C."""

    def __init__(self, name, argv, directory, environment=None):
        self.name = name
        self._out = os.path.join(directory, name + ".out")
        self._err = os.path.join(directory, name + ".err")
        if not os.access(argv[0], os.X_OK):
            raise Failed(f"{argv[0]} is not there: build it first (./dev build)")
        with open(self._out, "wb") as out, open(self._err, "wb") as err:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
                                             env={**os.environ, **(environment or {})})

    @property
    def pid(self):
        return self._process.pid

    def first_line(self, limit=30):
        """The first line of its stdout, once it is whole."""
        def line():
            with open(self._out, encoding="utf-8", errors="replace") as out:
                text = out.read()
            self.check_running()
            return text.split("\n", 1)[0] if "\n" in text else None
        return wait_for(f"the first line of {self.name}", line, limit)

    def status(self):
        """Its exit status (negative: a signal), None while it runs."""
        return self._process.poll()

    def check_running(self):
        if self.status() is not None:
            raise Failed(f"{self.name} ended with {describe(self.status())}")

    def stop(self, limit=10):
        """SIGTERM, then SIGKILL at the limit. None if it ended with 0, else what it ended with."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return f"killed: it did not end within {limit} s of SIGTERM"
        return None if status == 0 else describe(status)

    def tail(self, lines=15):
        """The last lines of what it printed."""
        text = ""
        for path in (self._out, self._err):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text.rstrip().split("\n")[-lines:]


class Programs:
    """All programs of a run, ended in the reverse order of their start."""

    def __init__(self, directory):
        self.directory = directory
        self._running = []

    def start(self, name, argv, environment=None):
        program = Program(name, argv, self.directory, environment)
        self._running.append(program)
        return program

    def stop(self, program, limit=10):
        self._running.remove(program)
        return program.stop(limit)

    def stop_all(self):
        while self._running:
            self.stop(self._running[-1])

    def tails(self):
        for program in self._running:
            lines = [line for line in program.tail() if line]
            if lines:
                yield program.name, lines


def describe(status):
    return f"signal {-status}" if status < 0 else f"status {status}"
