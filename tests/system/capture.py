# SPDX-License-Identifier: BSD-2-Clause
"""tshark on the client's end of the veth, as a decoder of other make."""

import os
import shutil
import signal
import subprocess
import tempfile

import harness
import rawclient
from harness import same, wait_for

DISCARD = 9  # the port of markers: packets to nobody
# Settings of a twampd that is captured: else replies to packets that came together may be seen as
# one, before they are cut up.
PLAIN = {"reflector": {"segmentation": False}}


class Capture:
    def __init__(self, t, what="tcp port 862 or udp"):
        if not shutil.which("tshark"):
            raise harness.Skip("tshark is not installed")
        self.dir = tempfile.mkdtemp(prefix="twampd-capture-")
        os.chmod(self.dir, 0o777)  # dumpcap gives up root
        t.stack.callback(shutil.rmtree, self.dir, True)
        self.file = os.path.join(self.dir, "capture.pcapng")
        self.log = open(os.path.join(self.dir, "log"), "w+")
        t.stack.callback(self.log.close)
        self.process = subprocess.Popen(
            ["tshark", "-i", harness.CLIENT_LINK, "-w", self.file, "-q",
             "-f", "(%s) or udp port %d" % (what, DISCARD)], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)
        t.stack.callback(self.stop)
        wait_for(lambda: "Capturing on" in self.text() and os.path.exists(self.file),
                 "tshark captures")
        self.see(b"marker: it begins")

    def text(self):
        with open(self.log.name) as f:
            return f.read()

    def see(self, marker):
        """Send this until it is in the file. What is sent after the first is captured, and of what was
        sent before the last, all that ever will be."""
        with rawclient.Sender(harness.CLIENT[4]) as s:
            def seen():
                s.send((harness.SERVER[4], DISCARD), marker)
                with open(self.file, "rb") as f:
                    return marker in f.read()
            wait_for(seen, "%r in the capture:\n%s" % (marker, self.text()))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(harness.PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def decode(self, fields, decode_as, *options):
        """All that was sent so far, as lists of these fields; the capture is over then."""
        self.see(b"marker: it ends")
        self.stop()
        argv = ["tshark", "-r", self.file, "-T", "fields", "-E", "separator=|",
                "-E", "aggregator=;", "-d", decode_as, *options]
        for field in fields:
            argv += ["-e", field]
        out = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=dict(os.environ, TZ="UTC", LC_ALL="C"), timeout=120)
        same(out.returncode, 0, "exit status of tshark (%s)" % out.stderr)
        return [line.split("|") for line in out.stdout.splitlines()]
