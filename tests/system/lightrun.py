# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of reflectors without control share."""

import re
import signal
import struct
import subprocess

import harness
from harness import same, true
from rawclient import make_packet

QUIET = 0.3  # for replies that must not come
LIGHT, STAMP, STAMP_MIN = 5000, 5001, 44
EVERYBODY = ["0.0.0.0/0", "::/0"]


def light(*entries, clients=None):
    """Settings with these entries."""
    for e in entries:
        e.setdefault("type", "twamp-light")
        e.setdefault("clients", clients or EVERYBODY)
    return {"light": list(entries)}


def both():
    return light({"port": LIGHT}, {"port": STAMP, "type": "stamp"})


def stamp_packet(seq=0, ssid=0, rest=b"", error_estimate=0x0001):
    return make_packet(seq, error_estimate=error_estimate)[:14] + struct.pack("!H", ssid) + bytes(28) + rest


def reply_to(sender, to, octets):
    answer = sender.exchange(to, octets)
    true(answer is not None, "no reply")
    return answer


def no_reply(sender, to, octets):
    same(sender.exchange(to, octets, QUIET), None, "reply")


def ended(d):
    """The lines with the final counters, after SIGTERM."""
    same(d.terminate(), 0, "exit status")
    return re.findall(r"reflecting without control ended: (.*)", d.log())


def twamp(t, *arguments):
    return subprocess.run([t.run.twamp, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)


class responder:
    """twamp responder in the client's namespace, until the test ends."""

    def __init__(self, t, *arguments):
        self.process = subprocess.Popen([t.run.twamp, "responder", *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        t.stack.callback(self.stop)
        self.said = self.process.stderr.readline() + self.process.stderr.readline()

    def stop(self):
        """What it prints at its end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=harness.PATIENCE)
        same((self.process.returncode, err), (0, ""), "end of the responder")
        self.stop = lambda: None
        return out
