# SPDX-License-Identifier: BSD-2-Clause
"""A machine with the packages, and the steps that a test file takes on it, one after the other:
each finds the machine as the one before left it. A file registers functions with @step and ends
with bed.main(). Output is TAP; the journal of the machine is shown when a step fails.
"""

import argparse
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
import machine as boot  # noqa: E402
import rawclient  # noqa: E402

SERVICE, SOCKET = "twampd.service", "twampd.socket"
CONFIG = "/etc/twampd/twampd.conf"
DROP_IN = "/etc/systemd/system/twampd.service.d/test.conf"
STEPS = []


class Skip(Exception):
    """This step cannot be done here; says why."""


def step(function):
    STEPS.append(function)
    return function


def same(got, want, what):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what, got, want))


def true(value, what):
    if not value:
        raise AssertionError(what)


class Bed:
    """The machine with what the steps need of it."""

    def __init__(self, machine, debs, old, folder):
        self.m, self.debs, self.old, self.folder = machine, debs, old, folder

    def pid(self, unit=SERVICE):
        return int(self.m.property("MainPID", unit))

    def active(self, unit=SERVICE):
        return self.m.property("ActiveState", unit) == "active"

    def systemd(self):
        """The version of the service manager."""
        return int(self.m.run("systemctl", "--version").stdout.split()[1])

    def type(self):
        """Type= of the service, where its package was built with this service manager."""
        return "notify-reload" if self.systemd() >= 253 else "notify"

    def restarts(self):
        return int(self.m.property("NRestarts", SERVICE))

    def status(self, pid=None):
        """/proc/PID/status of the daemon."""
        text = self.m.run("cat", "/proc/%d/status" % (pid or self.pid())).stdout
        return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M))

    def systemctl(self, *argv, check=True):
        if argv[0] in ("start", "restart"):
            # These tests start it more often than any limit allows.
            self.m.run("systemctl", "reset-failed", SERVICE, check=False)
        return self.m.run("systemctl", *argv, check=check)

    def configure(self, text):
        self.m.write(CONFIG, text)

    def drop_in(self, text, path=DROP_IN):
        if text is None:
            self.m.run("rm", "-f", path)
        else:
            self.m.write(path, text)
        self.systemctl("daemon-reload")

    def measure(self, host="127.0.0.1", *options):
        done = self.m.run("twamp", "controller", host, "--count", "5", "--interval", "2ms",
                          "--json", *options, check=False)
        same(done.returncode, 0, "status of twamp: %s%s" % (done.stdout, done.stderr))
        return json.loads(done.stdout)

    def journal(self, *matches, since=0):
        """Entries after a moment. Not by cursor: with a match, journalctl skips one then."""
        return [e for e in self.m.journal(*matches) if int(e["__REALTIME_TIMESTAMP"]) > since]

    def events(self, name, since=0):
        return self.journal("TWAMPD_EVENT=" + name, since=since)

    def now(self):
        """The moment of the last entry."""
        return int(self.m.journal("-n", "1")[-1]["__REALTIME_TIMESTAMP"])

    def wait_restarted(self, count, what):
        self.m.wait(lambda: self.restarts() > count and self.active(), what)

    def greeting_modes(self):
        """The Modes that the Server-Greeting offers."""
        def ask():
            with rawclient.Control("127.0.0.1") as c:
                return c.greeting().modes
        return self.m.in_network(ask)


@contextlib.contextmanager
def client(b):
    """A session that lives across what is done meanwhile, and loses nothing."""
    since = b.now()
    b.m.shell("setsid twamp controller 127.0.0.1 --count 100000 --interval 50ms --json "
              ">/root/result 2>/root/errors </dev/null & echo $! >/root/pid")
    b.m.wait(lambda: b.events("SESSIONS_STARTED", since=since), "the session is started")
    yield
    pid = b.m.run("cat", "/root/pid").stdout.strip()
    b.m.run("kill", "-INT", pid)
    b.m.wait(lambda: b.m.run("test", "-d", "/proc/" + pid, check=False).returncode, "its end")
    result = json.loads(b.m.run("cat", "/root/result").stdout)
    if result["lost"]:
        # The last replies may not have come when it was interrupted: the reflector knows.
        b.m.wait(lambda: str(result["sent"]) in [e["TWAMPD_REFLECTED"] for e in
                                                 b.events("SESSION_ENDED", since=since)],
                 "as many replies as packets: %r" % result)


def taken_over(b, since):
    """The session of the client, and maybe those of other steps that are in their Timeout."""
    told = [e["MESSAGE"] for e in b.events("TAKEN_OVER", since=since)]
    true(any(re.match(r"took 1 connection and [1-9]\d* sessions? over", text) for text in told),
         "TAKEN_OVER: %r" % told)


# --- running them ---------------------------------------------------------------------

def make_old(deb, folder):
    """The same package with a lower version, to upgrade from."""
    tree = pathlib.Path(folder, pathlib.Path(deb).stem)
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1~previous", control.read_text(),
                              flags=re.M))
    target = str(tree) + "-previous.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, target], check=True,
                   stdout=subprocess.DEVNULL)
    return target


def packages(folder, suite):
    """The packages of this tree, as built on that release; without those of debugging symbols."""
    where = folder / "packages"
    if suite == boot.own_suite():
        subprocess.run([HERE / "packages.sh", where], check=True)
    else:
        where = folder / ("packages-" + suite)
        root = boot.make_root(folder, boot.build_dependencies(), suite, boots=False)
        subprocess.run([HERE / "packages.sh", "--root", root, where], check=True)
    return [str(deb) for deb in sorted((where / "first").glob("*.deb")) if "-dbgsym_" not in deb.name]


def place(machine, debs):
    """Copy packages into the machine; their paths there."""
    paths = ["/root/" + pathlib.Path(deb).name for deb in debs]
    for deb, path in zip(debs, paths):
        machine.copy(deb, path)
    return paths


def run_step(number, function, bed):
    start = time.monotonic()
    result = "ok"
    try:
        function(bed)
    except Skip as reason:
        print("ok %d - %s # SKIP %s" % (number, function.__name__, reason), flush=True)
        return True
    except Exception as error:  # a step fails by any exception
        result = "not ok"
        trace = traceback.format_exc() if not isinstance(error, AssertionError) else str(error)
        print("".join("# %s\n" % line for line in trace.splitlines()), end="")
    print("%s %d - %s (%.1f s)" % (result, number, function.__name__, time.monotonic() - start),
          flush=True)
    return result == "ok"


def main(what, before=None, on=None):
    """what: of the file, in a line. before: the release whose packages are the previous ones.
    on: the only release that it is about."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--folder", type=pathlib.Path, required=True,
                        help="where packages and root are kept")
    parser.add_argument("--suite", help="the release of the machine, if not that of the host")
    arguments = parser.parse_args()
    suite = on or arguments.suite or boot.own_suite()
    reason = boot.why_not()
    if reason:
        print("1..0 # SKIP " + reason)
        return 0
    print("1..%d" % len(STEPS), flush=True)
    debs = packages(arguments.folder, suite)
    previous = packages(arguments.folder, before) if before else debs
    root = boot.make_root(arguments.folder, boot.dependencies(debs), suite)
    good = True
    with tempfile.TemporaryDirectory(prefix="twampd-debs-") as folder:
        old = [make_old(deb, folder) for deb in previous]
        machine = boot.Machine(root)
        try:
            bed = Bed(machine, place(machine, debs), place(machine, old), arguments.folder)
            for number, function in enumerate(STEPS, 1):
                if not run_step(number, function, bed):
                    good = False
                    text = machine.run("journalctl", "-q", "--no-pager", "-n", "12").stdout
                    print("".join("#   %s\n" % line for line in text.splitlines()), flush=True)
        finally:
            machine.remove()
    return 0 if good else 1
