# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on the socket of twampctl, by somebody who may connect to it: a thousand callers, floods of
questions, lines without an end, and readers who do not read. A running session loses nothing,
newcomers are served, root is answered, and nothing is left but closed connections.
"""

import contextlib
import json
import os
import shutil
import socket
import tempfile
import time

import hostile
import harness
import rawclient
from harness import pause, same, test, true, wait_for
from hostile import Attack, Siege, knock_often, say, until

NOBODY = 65534
CALLERS = 1000
SESSIONS = 2000
ANSWER_S = 1.0  # until root has its status


class Held(Siege):
    """A siege of a daemon that can be asked, with sessions enough for a long answer."""

    def __init__(self, t):
        self.folder = tempfile.mkdtemp(prefix="twampd-run-")
        t.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, "control.sock")
        super().__init__(t, {"limits": {"max_sessions_per_client": 5000, "request_rate": 0,
                                        "max_sessions_per_connection": 5000},
                             # A slow machine is no fault; newcomers tell how late the loop is.
                             "overload": harness.BASE["overload"]},
                         env={"RUNTIME_DIRECTORY": self.folder}, slack=8 << 20)
        os.chmod(self.path, 0o666)  # as for a member of the group

    def call(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.path)  # waits for its turn
        s.settimeout(harness.PATIENCE)
        return s

    def ask(self):
        """Root's question, and how long it took."""
        begin = time.monotonic()
        with self.call() as s:
            s.sendall(b'{"cmd":"status"}\n')
            same(json.loads(s.makefile().readline())["ok"], True, "root is answered")
        return time.monotonic() - begin


def as_nobody(t, work):
    """An attacker of its own who is not root: a process that runs work() until it is killed."""
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            work()
        os._exit(0)

    def end():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    t.stack.callback(end)
    return end


def besiege(t, work, seconds=4):
    siege = Held(t)
    with rawclient.connect(t.server, source=t.client_other) as c:
        for i in range(SESSIONS):
            same(c.request(sender_port=1024 + i, timeout=0).accept, 0, "Accept")
        end = as_nobody(t, lambda: work(siege))
        times = []

        def ask(attack):
            while attack.on:
                times.append(siege.ask())
                pause(0.1, "root asks now and then, at any moment of the attack")
        root = Attack(t, ask)
        knock_often(t, until(seconds), every=0.3)
        root.end()
        end()
    say("root waited %s ms" % " ".join("%.0f" % (x * 1e3) for x in sorted(times)[-5:]))
    true(sorted(times)[len(times) // 2] < ANSWER_S, "root is answered: %r" % times)
    siege.end(check_log=False)


def connect(siege):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(2)
    s.connect(siege.path)
    return s


@test
def a_thousand_callers(t):
    """They connect, stay, and come again."""
    def work(siege):
        while True:
            crowd = []
            for _ in range(CALLERS):
                with contextlib.suppress(OSError):
                    crowd.append(connect(siege))
            for s in crowd:
                s.close()
    besiege(t, work)


@test
def floods_of_questions(t):
    def work(siege):
        line = b'{"cmd":"sessions"}\n' * 200
        while True:
            with contextlib.suppress(OSError), connect(siege) as s:
                while True:
                    s.sendall(line)
                    s.recv(1 << 20)
    besiege(t, work)


@test
def lines_without_an_end(t):
    def work(siege):
        while True:
            with contextlib.suppress(OSError), connect(siege) as s:
                while True:
                    s.sendall(b"[" * 65536)
    besiege(t, work)


@test
def readers_who_do_not_read(t):
    """All places are taken by those who ask for everything and read nothing, or an octet a second."""
    def work(siege):
        crowd = []
        while True:
            with contextlib.suppress(OSError):
                s = connect(siege)
                s.sendall(b'{"cmd":"sessions"}\n' * 50)
                crowd.append(s)
            for s in crowd[:]:
                try:
                    s.settimeout(0.01)
                    if not s.recv(1):
                        raise OSError
                except socket.timeout:
                    pass
                except OSError:
                    crowd.remove(s)
    besiege(t, work)


if __name__ == "__main__":
    harness.main()
