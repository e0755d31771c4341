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
import ctypes
import inspect
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rawclient  # noqa: E402

CLONE_NEWNET = 0x40000000
PATIENCE = rawclient.PATIENCE
TEST_LIMIT_S = 180

SERVER = {4: "198.51.100.1", 6: "2001:db8::1"}
SERVER_OTHER = {4: "198.51.100.9", 6: "2001:db8::9"}
CLIENT = {4: "198.51.100.2", 6: "2001:db8::2"}
# A second host at the client's end: for IPv6 in another /56, as limits count these as one.
CLIENT_OTHER = {4: "198.51.100.3", 6: "2001:db8:0:100::3"}
CLIENT_NEIGHBOUR = {4: "198.51.100.4", 6: "2001:db8:0:1::4"}  # in the same /56
LINK_LOCAL = {"server": "fe80::1", "client": "fe80::2"}
CLIENT_LINK, SERVER_LINK = "cli0", "srv0"

# What tests stand on: nothing that a limit of the defaults would get in the way of.
BASE = {
    "listen": [{"port": 862}],
    "limits": {
        "max_connections": 4000, "max_connections_per_client": 4000,
        "max_sessions": 10000, "max_sessions_per_client": 10000,
        "max_sessions_per_connection": 5000, "request_rate": 0, "connection_rate": 0,
        "max_padding": 65000,
    },
    # A slow machine is no fault.
    "overload": {"loop_lag": 0, "reflector_busy": 0, "memory_used": 0, "memory_pressure": 0,
                 "send_drops": 0, "receive_drops": 0},
    "ports": {"first": 40000, "last": 59999, "also": []},
    "reflector": {"threads": 2},
    "log": {"level": "debug"},
}

libc = ctypes.CDLL(None, use_errno=True)


def run(*argv, check=True):
    return subprocess.run(argv, check=check, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)


def enter_namespace(name):
    """This thread goes into a network namespace; its later children and threads follow."""
    fd = os.open("/run/netns/" + name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + name)
    finally:
        os.close(fd)


def wait_for(condition, what, patience=PATIENCE):
    """Until condition() is true; its value."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("in vain waited for: " + what)
        time.sleep(0.02)


def same(got, want, what):
    if got != want:
        show = lambda v: v.hex() if isinstance(v, bytes) else repr(v)  # noqa: E731
        raise AssertionError("%s: got %s, want %s" % (what, show(got), show(want)))


def true(value, what):
    if not value:
        raise AssertionError(what)


# --- configuration --------------------------------------------------------------------

def merge(base, overrides):
    out = dict(base)
    for key, value in (overrides or {}).items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            value = merge(out[key], value)
        out[key] = value
    return out


def libconfig(value):
    """A Python value as libconfig writes it."""
    if isinstance(value, dict):
        return "{ %s}" % "".join("%s = %s; " % (k, libconfig(v)) for k, v in value.items())
    if isinstance(value, list):
        inner = ", ".join(libconfig(v) for v in value)
        return "( %s )" % inner if any(isinstance(v, dict) for v in value) else "[ %s ]" % inner
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"')


def config_text(config):
    return "".join("%s = %s;\n" % (k, libconfig(v)) for k, v in config.items())


# --- the two namespaces ---------------------------------------------------------------

class Net:
    def __init__(self):
        self.server = "tw%ds" % os.getpid()
        self.client = "tw%dc" % os.getpid()
        self.sweep()
        try:
            self.make()
        except BaseException:
            self.remove()
            raise
        enter_namespace(self.client)

    @staticmethod
    def sweep():
        """Remove namespaces of test processes that were killed before they could."""
        for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else ():
            match = re.fullmatch(r"tw(\d+)[scr]", name)
            if match and not os.path.exists("/proc/" + match.group(1)):
                run("ip", "netns", "delete", name, check=False)

    def make(self):
        for name in (self.server, self.client):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", SERVER_LINK, "netns", self.server, "type", "veth",
            "peer", "name", CLIENT_LINK, "netns", self.client)
        ends = ((self.server, SERVER_LINK, LINK_LOCAL["server"], (SERVER, SERVER_OTHER)),
                (self.client, CLIENT_LINK, LINK_LOCAL["client"],
                 (CLIENT, CLIENT_OTHER, CLIENT_NEIGHBOUR)))
        for name, link, link_local, addresses in ends:
            run("ip", "-n", name, "link", "set", link, "addrgenmode", "none")
            run("ip", "-n", name, "link", "set", link, "up")
            for i, both in enumerate(addresses):
                run("ip", "-n", name, "address", "add", both[4] + "/24", "dev", link)
                # Only the first is what the kernel takes when it has the choice.
                run("ip", "-n", name, "address", "add", both[6] + "/48", "dev", link, "nodad",
                    *(("preferred_lft", "0") if i else ()))
            run("ip", "-n", name, "address", "add", link_local + "/64", "dev", link, "nodad")

    def remove(self):
        for name in (self.server, self.client):
            run("ip", "netns", "delete", name, check=False)


# --- twampd ---------------------------------------------------------------------------

class Daemon:
    """A twampd in the server's namespace. Its events are read from its stderr."""

    def __init__(self, test_run, config=None, env=None, args=(), text=None, wait=True,
                 owner=None, keys=None, prefix=()):
        self.run = test_run
        self.prefix = list(prefix)  # a program that starts it
        self.pass_fds = ()
        self.config = merge(BASE, config)
        self.dir = tempfile.mkdtemp(prefix="twampd-test-")
        self.file = os.path.join(self.dir, "twampd.conf")
        self.log_file = os.path.join(self.dir, "stderr")
        self.keys_file = os.path.join(self.dir, "twampd.keys")  # where twampd looks by default
        if keys is not None:
            self.write_keys(keys)
        self.write(self.config, text)
        self.env = dict(os.environ, **(env or {}))
        if not env or "NOTIFY_SOCKET" not in env:
            self.env.pop("NOTIFY_SOCKET", None)
        self.args = list(args)
        self.process = None
        self.status = None
        test_run.daemons.append(self)
        if owner is not None:
            owner.append(self)
        self.start(wait)

    def write(self, config=None, text=None):
        with open(self.file, "w") as f:
            f.write(text if text is not None else config_text(config))

    def write_keys(self, keys, mode=0o640, path=None):
        """A keys file of {KeyID: passphrase}, or of the octets given."""
        if isinstance(keys, dict):
            keys = b"".join(k + b" " + v + b"\n" for k, v in keys.items())
        path = path or self.keys_file
        with open(path + ".new", "wb") as f:
            f.write(keys)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)

    def start(self, wait=True):
        argv = self.prefix + [self.run.twampd, "--config", self.file, "--log-target", "stderr"]
        argv += self.args
        server = self.run.net.server
        offset = self.log_size()
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                pass_fds=self.pass_fds, preexec_fn=lambda: enter_namespace(server))
        self.pid = self.process.pid
        self.status = None
        if wait:
            self.wait_log(r"\bready\b", since=offset)
            self.idle_ports = self.udp_ports()

    # the log

    def log_size(self):
        try:
            return os.path.getsize(self.log_file)
        except FileNotFoundError:
            return 0

    def log(self, since=0):
        with open(self.log_file, "rb") as f:
            f.seek(since)
            return f.read().decode("utf-8", "replace")

    def wait_log(self, pattern, since=0, patience=PATIENCE):
        """The first line since octet `since` of the log that has the pattern in it."""
        def find():
            for line in self.log(since).splitlines():
                if re.search(pattern, line, re.I):
                    return line
            if self.process.poll() is not None:
                raise AssertionError("twampd ended with %d:\n%s" %
                                     (self.process.returncode, self.log()))
            return None
        return wait_for(find, "log line with /%s/ in:\n%s" % (pattern, self.log(since)), patience)

    # what it holds

    def alive(self):
        return self.process.poll() is None

    def fds(self):
        """Open descriptors by number."""
        out = {}
        for fd in os.listdir("/proc/%d/fd" % self.pid):
            with contextlib.suppress(FileNotFoundError):
                out[int(fd)] = os.readlink("/proc/%d/fd/%s" % (self.pid, fd))
        return out

    def memory(self):
        """Octets of private memory that is in use (what a leak makes grow)."""
        with open("/proc/%d/smaps_rollup" % self.pid) as f:
            return sum(int(line.split()[1]) * 1024 for line in f
                       if line.startswith(("Private_Dirty:", "Swap:")))

    def sockets(self, kind):
        """(local address in hex, local port, state) of the sockets in its namespace."""
        out = []
        for line in self.socket_lines(kind):
            address, port = line.split()[1].split(":")
            out.append((address, int(port, 16), int(line.split()[3], 16)))
        return out

    def socket_lines(self, *kinds):
        out = []
        for kind in kinds:
            for suffix in ("", "6"):
                with open("/proc/%d/net/%s%s" % (self.pid, kind, suffix)) as f:
                    out += list(f)[1:]
        return out

    def udp_ports(self):
        return sorted(port for _, port, _ in self.sockets("udp"))

    def session_ports(self):
        """UDP ports in use now beyond those of the idle daemon: one for each session."""
        ports = self.udp_ports()
        for port in self.idle_ports:
            with contextlib.suppress(ValueError):
                ports.remove(port)
        return ports

    def connections(self):
        """Established control connections (or half closed ones)."""
        return sum(1 for _, port, state in self.sockets("tcp") if port == 862 and state in (1, 8))

    def wait_sessions(self, number, patience=PATIENCE):
        wait_for(lambda: len(self.session_ports()) == number,
                 "%d sessions instead of %r" % (number, self.session_ports()[:10]), patience)

    def unread(self):
        """Octets that its connections have received and it has not read."""
        return sum(int(line.split()[4].split(":")[1], 16) for line in self.socket_lines("tcp")
                   if line.split()[3] != "0A")

    def wait_read(self):
        """It has taken what has come so far. On a veth, what was sent has come."""
        wait_for(lambda: self.unread() == 0, "twampd to read what it received")

    def wait_idle(self, patience=PATIENCE):
        """No connection and no session is left."""
        wait_for(lambda: self.connections() == 0 and not self.session_ports(),
                 "no connection and no session left", patience)

    # signals

    def signal(self, number):
        os.kill(self.pid, number)

    def reload(self, config=None, text=None, expect="settings reloaded"):
        """New settings and SIGHUP; the log line that tells the outcome."""
        if text is None:
            self.config = merge(self.config, config)
        self.write(self.config, text)
        since = self.log_size()
        self.signal(signal.SIGHUP)
        return self.wait_log(expect, since)

    def wait_exit(self, patience=PATIENCE):
        try:
            self.status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError("twampd does not end:\n" + self.log()[-2000:]) from None
        return self.status

    def terminate(self):
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait_exit()

    def remove(self):
        """End it whatever it does, and remove its files; what is wrong with it, or None."""
        wrong = None
        try:
            if self.process is not None and self.status is None:
                if self.process.poll() is not None:
                    wrong = "twampd ended by itself with %d" % self.process.returncode
                elif self.terminate() != 0:
                    wrong = "twampd exits with %d after SIGTERM" % self.status
        except AssertionError as error:
            wrong = str(error)
        finally:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        log = self.log() if os.path.exists(self.log_file) else ""
        if re.search(r"Sanitizer|runtime error:|assertion .* failed|ERROR SUMMARY: [1-9]", log,
                     re.I):
            wrong = "twampd reports an error:\n" + log[-6000:]
        elif wrong:
            wrong += "\n" + log[-2000:]
        shutil.rmtree(self.dir, ignore_errors=True)
        return wrong


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
