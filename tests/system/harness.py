# SPDX-License-Identifier: BSD-2-Clause
"""Two network namespaces joined by veth, twampd in one of them, the test in the other.

A test file registers functions with @test and ends with harness.main(). Arguments of every
test file: path of twampd, path of twamp; further ones select tests by name. The test process
itself enters the client's namespace, so that everything it opens or starts is there. Output
is TAP. Nothing is left behind: processes are ended by their pid, namespaces by their name.
"""

import argparse
import atexit
import contextlib
import inspect
import os
import re
import signal
import socket
import sys
import tempfile
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rawclient  # noqa: E402
from asserting import PATIENCE, pause, same, true, wait_for  # noqa: E402,F401
from daemon import BASE, CALM, Daemon, config_text, libconfig, merge  # noqa: E402,F401
from nets import (CLIENT, CLIENT_LINK, CLIENT_NEIGHBOUR, CLIENT_OTHER, LINK_LOCAL,  # noqa: E402,F401
                  SERVER, SERVER_LINK, SERVER_OTHER, Net, enter_namespace, libc, run)

TEST_LIMIT_S = 180

# --- tests ----------------------------------------------------------------------------

TESTS = []


def test(function=None, *, both=False, limit=TEST_LIMIT_S):
    """Register a test; both = once over IPv4 and once over IPv6; limit in seconds."""
    def register(f):
        for family in ((4, 6) if both else (4,)):
            name = f.__name__ + ("_ipv%d" % family if both else "")
            TESTS.append((name, f, family, limit))
        return f
    return register(function) if function else register


class Skip(Exception):
    """This test cannot be done here; says why."""


class Context:
    """What a test function gets: addresses of its family, and what it opens is closed after."""

    def __init__(self, test_run, family):
        self.run = test_run
        self.net = test_run.net
        self.family = family
        self.server, self.client = SERVER[family], CLIENT[family]
        self.server_other, self.client_other = SERVER_OTHER[family], CLIENT_OTHER[family]
        self.stack = contextlib.ExitStack()
        self.own = []

    def daemon(self, config=None, **options):
        """A twampd of this test; the shared one makes room for it."""
        self.run.end_shared()
        return Daemon(self.run, config, owner=self.own, **options)

    def shared(self, idle=False):
        """The twampd with the base configuration that all tests of a file share; idle: wait
        until it has forgotten the tests before."""
        d = self.run.shared()
        if idle:
            d.wait_idle()
        return d

    def control(self, address=None, **options):
        """A connection that has not said anything yet."""
        return self.stack.enter_context(rawclient.Control(address or self.server, **options))

    def connect(self, address=None, **options):
        return self.stack.enter_context(rawclient.connect(address or self.server, **options))

    def sender(self, address=None, **options):
        return self.stack.enter_context(rawclient.Sender(address or self.client, **options))

    def session(self, control=None, sender=None, start=True, **fields):
        """One session, started unless told otherwise: (control, sender, (address, port))."""
        control = control or self.connect()
        sender = sender or self.sender()
        answer = control.request(sender_port=sender.port, **fields)
        same(answer.accept, 0, "Accept of the request")
        if start:
            same(control.start().accept, 0, "Accept of Start-Ack")
        return control, sender, (self.server, answer.port)

    def close(self):
        self.stack.close()
        wrong = [w for w in (d.remove() for d in self.own) if w]
        for d in self.own:
            self.run.daemons.remove(d)
        if wrong:
            raise AssertionError("\n".join(wrong))


class Notify:
    """What systemd would hear."""

    def __init__(self, t):
        self.dir = tempfile.TemporaryDirectory(prefix="twampd-notify-")
        self.path = os.path.join(self.dir.name, "socket")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.sock.settimeout(0.05)
        self.heard = []
        t.stack.callback(self.dir.cleanup)
        t.stack.callback(self.sock.close)

    def listen(self):
        try:
            while True:
                self.heard += self.sock.recv(65536).decode().splitlines()
        except socket.timeout:
            pass
        return self.heard

    def wait(self, pattern, since=0):
        return wait_for(lambda: next((h for h in self.listen()[since:]
                                      if re.fullmatch(pattern, h)), None),
                        "%s in %r" % (pattern, self.heard[since:]))


class Run:
    def __init__(self, twampd, twamp):
        self.twampd = os.path.abspath(twampd)
        self.twamp = os.path.abspath(os.environ.get("TWAMPD_TEST_TWAMP", twamp))
        with open(self.twampd, "rb") as f:
            # Sanitizers keep freed memory and need address space of their own.
            self.sanitized = re.search(rb"__(a|t|m)san_init", f.read()) is not None
        self.daemons = []
        self.net = None
        self._shared = None
        self.complaints = []  # about the shared twampd, when it ends
        atexit.register(self.cleanup)

    def shared(self):
        if self._shared is None:
            made = []
            try:
                self._shared = Daemon(self, owner=made)
            except BaseException:
                for d in made:
                    self.daemons.remove(d)
                    d.remove()
                raise
        return self._shared

    def end_shared(self):
        """It has no client any more: it must hold nothing, and end well."""
        d, self._shared = self._shared, None
        if d is None:
            return
        try:
            if d.alive():
                d.wait_idle(60)
        except AssertionError as error:
            self.complaints.append("%s: ports %r" % (error, d.session_ports()[:10]))
        self.daemons.remove(d)
        wrong = d.remove()
        if wrong:
            self.complaints.append(wrong)

    def cleanup(self):
        signal.alarm(0)
        for d in self.daemons:
            d.remove()
        self.daemons = []
        if self.net:
            self.net.remove()
            self.net = None


def on_alarm(number, frame):
    raise AssertionError("the time for this test is over")


def run_one(test_run, function, family, limit):
    """None, or what went wrong as (kind, text)."""
    context = Context(test_run, family)
    signal.alarm(limit)
    try:
        if test_run._shared and not test_run._shared.alive():
            test_run.end_shared()
        try:
            function(context)
        finally:
            context.close()
        if test_run._shared and not test_run._shared.alive():
            raise AssertionError("the shared twampd ended during this test")
        return None
    except Skip as reason:
        return ("skip", str(reason))
    except Exception as error:  # a test fails by any exception
        where = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in where if f.name == function.__name__), 0)
        deepest = where[-1] if where else None
        text = "%s line %d: %s: %s" % (function.__name__, line, type(error).__name__, error)
        if deepest and not isinstance(error, AssertionError):
            text += " (%s:%d)" % (os.path.basename(deepest.filename), deepest.lineno)
        return ("fail", text)
    finally:
        signal.alarm(0)


def check_shared(test_run):
    """Whenever the shared twampd was ended, it was idle, and ended well."""
    test_run.end_shared()
    return ("fail", "\n".join(test_run.complaints)) if test_run.complaints else None


def report(number, name, result):
    if result is None:
        print("ok %d - %s" % (number, name))
    elif result[0] == "skip":
        print("ok %d - %s # SKIP %s" % (number, name, result[1]))
    else:
        print("not ok %d - %s" % (number, name))
        for line in result[1].splitlines():
            print("# " + line)
    sys.stdout.flush()
    return result is None or result[0] == "skip"


def main():
    parser = argparse.ArgumentParser(description=inspect.getdoc(sys.modules["__main__"]))
    parser.add_argument("twampd", help="path of the daemon")
    parser.add_argument("twamp", help="path of the client")
    parser.add_argument("names", nargs="*", help="only tests with one of these in their name")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        # The TAP way to say 77.
        print("1..0 # SKIP network namespaces need root")
        sys.exit(0)
    chosen = [t for t in TESTS
              if not arguments.names or any(n in t[0] for n in arguments.names)]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, frame: sys.exit(128 + n))
    signal.signal(signal.SIGALRM, on_alarm)
    test_run = Run(arguments.twampd, arguments.twamp)
    test_run.net = Net()
    print("1..%d" % (len(chosen) + 1))
    good = True
    for number, (name, function, family, limit) in enumerate(chosen, 1):
        good &= report(number, name, run_one(test_run, function, family, limit))
    good &= report(len(chosen) + 1, "the_shared_daemon_is_idle_and_ends_well",
                   check_shared(test_run))
    test_run.cleanup()
    sys.exit(0 if good else 1)
