# SPDX-License-Identifier: BSD-2-Clause
"""A twampd in the server's namespace, and the text of its settings."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile

from asserting import PATIENCE, wait_for
from nets import enter_namespace

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


# For settings of a test's own: with the defaults a busy machine is overload, and new clients get 5.
CALM = config_text({"overload": BASE["overload"]})


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
        """At once: a reload that still goes on must not read half of it, or nothing."""
        path = os.path.realpath(self.file)
        with open(path + ".new", "w") as f:
            f.write(text if text is not None else config_text(config))
        if os.path.exists(path):
            shutil.copymode(path, path + ".new")
        os.rename(path + ".new", path)

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

    def datagrams(self):
        """That have come to sockets of its namespace so far, all in all."""
        n = 0
        with open("/proc/%d/net/snmp" % self.pid) as f:
            n += int([line for line in f if line.startswith("Udp:")][1].split()[1])
        with open("/proc/%d/net/snmp6" % self.pid) as f:
            return n + sum(int(line.split()[1]) for line in f if line.startswith("Udp6InDatagrams"))

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
