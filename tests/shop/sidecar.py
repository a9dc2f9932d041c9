"""The sidecar of a run: its config, and the status that sidecarctl gives."""
import json
import os
import subprocess

from say import Failed, wait_for

CONFIG = """collector:
  addresses: ["{collector}"]
socket:
  path: {socket}
control:
  path: {control}
"""


class Sidecar:
    def __init__(self, programs, build, collector):
        self._ctl = os.path.join(build, "sidecar", "sidecarctl")
        self.socket = os.path.join(programs.directory, "ingest.sock")
        self.control = os.path.join(programs.directory, "control.sock")
        config = os.path.join(programs.directory, "sidecar.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(collector=collector, socket=self.socket, control=self.control))
        self.program = programs.start("sw-sidecar", [os.path.join(build, "sidecar", "sw-sidecar"), "--config", config])
        wait_for("the sidecar answers on its control socket", self._answers, 30)

    def _answers(self):
        self.program.check_running()
        return os.path.exists(self.socket) and self._run("status").returncode == 0

    def status_text(self):
        """`sidecarctl status`, for people."""
        return self._output("status")

    def status(self):
        return json.loads(self._output("status", "--json"))

    def wait_settled(self, segments, limit=30):
        """Until the ledger says that so many segments were received and all of them delivered. Returns its totals."""
        totals = {}

        def settled():
            nonlocal totals
            self.program.check_running()
            totals = self.status()["totals"]
            if totals["dropped_total"]:
                raise Failed(f"the sidecar dropped segments: {totals['dropped']}")
            return totals["received"] >= segments and totals["held"] == 0 and totals["delivered"] == totals["received"]

        wait_for(lambda: f"{segments} segments delivered; the ledger says {json.dumps(totals)}", settled, limit)
        if totals["received"] != segments or not totals["balanced"]:
            raise Failed(f"expected {segments} segments and a balanced ledger; it says {json.dumps(totals)}")
        return totals

    def _run(self, *arguments):
        return subprocess.run([self._ctl, "--socket", self.control, *arguments], capture_output=True, text=True, timeout=10,
                              check=False)

    def _output(self, *arguments):
        done = self._run(*arguments)
        if done.returncode != 0:
            raise Failed(f"sidecarctl {' '.join(arguments)} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout
