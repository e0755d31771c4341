# SPDX-License-Identifier: BSD-2-Clause
"""What a service manager does for a restart, as sd_notify(3) describes it: it keeps the
descriptors that a process sends with FDSTORE=1 and passes them to the next one.
"""

import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading

import rawclient
from harness import PATIENCE, same, true, wait_for
from keyed import connect, keyed_daemon, open_session

ACTIVATE = [sys.executable, "-B",
            os.path.join(os.path.dirname(os.path.abspath(__file__)), "activate.py")]
HAND_OVER = signal.SIGRTMIN + 1


class Manager:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="twampd-notify-")
        self.path = os.path.join(self.folder, "socket")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.store = []  # (name, descriptor)
        self.told = []
        self.keeps = True  # False: as with FileDescriptorStoreMax=0
        self.hears = True
        self.heard_mark = threading.Event()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while True:
            octets, fds, _, _ = socket.recv_fds(self.socket, 4096, 300)
            if octets == b"end":
                return
            if octets == b"mark":
                self.heard_mark.set()
                continue
            if not self.hears:
                for fd in fds:
                    os.close(fd)
                continue
            lines = octets.decode().splitlines()
            fields = dict(line.split("=", 1) for line in lines if "=" in line)
            self.told.append(fields)
            if fields.get("FDSTORE") == "1" and self.keeps:
                self.store += [(fields["FDNAME"], fd) for fd in fds]
                continue
            if fields.get("FDSTOREREMOVE") == "1":
                self.drop(lambda name, _: name == fields["FDNAME"])
            for fd in fds:  # with BARRIER=1, that is the answer
                os.close(fd)

    def drop(self, which):
        """Forget, and close, those of which(name, descriptor)."""
        gone = [entry for entry in self.store if which(*entry)]
        self.store = [entry for entry in self.store if entry not in gone]
        for _, fd in gone:
            os.close(fd)
        return len(gone)

    def catch_up(self):
        """Until all is heard that was said before."""
        self.heard_mark.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"mark", self.path)
        true(self.heard_mark.wait(PATIENCE), "the manager does not listen")

    @contextlib.contextmanager
    def deaf(self):
        """What a process says in here, it did not come to say. It has to end in here, too."""
        self.hears = False
        yield
        self.catch_up()
        self.hears = True

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", self.path)
        self.thread.join()
        self.drop(lambda *_: True)
        self.socket.close()
        os.unlink(self.path)
        os.rmdir(self.folder)

    # what a test does with it

    def replace(self, name, fd):
        """Another descriptor, or none, by that name."""
        self.drop(lambda other, _: other == name)
        if fd is not None:
            self.store.append((name, fd))

    def unpack(self):
        """The sockets that wait in the one by that name: [(kind, descriptor)]."""
        fd = next(fd for name, fd in self.store if name == "twampd-sockets")
        lots = []
        with socket.socket(fileno=os.dup(fd)) as s:
            while True:
                kind, fds, _, _ = socket.recv_fds(s, 1, 253)
                if not kind:
                    return lots
                lots += [(kind, fd) for fd in fds]

    def pack(self, lots):
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with here:
            for kind, fd in lots:
                socket.send_fds(here, [kind], [fd])
                os.close(fd)
        self.replace("twampd-sockets", there.detach())

    def environment(self):
        return {"NOTIFY_SOCKET": self.path}

    def end(self, daemon):
        """The first half of a restart."""
        daemon.signal(HAND_OVER)
        same(daemon.wait_exit(), 0, "exit status of who hands over")
        self.catch_up()

    def wait_empty(self):
        wait_for(lambda: not self.store, "the store to give up what was taken")

    def start(self, daemon, *specs, wait=True):
        """The other half: with what is in the store, and with @specs of activate.py."""
        specs = list(specs) + ["fd%d:%s" % (fd, name) for name, fd in self.store]
        daemon.prefix = ACTIVATE + specs + ["--"] if specs else []
        daemon.pass_fds = [fd for _, fd in self.store]
        daemon.start(wait)

    def restart(self, daemon):
        self.end(daemon)
        since = daemon.log_size()
        self.start(daemon)
        return since


def managed(t, config=None, **options):
    """A twampd under a service manager."""
    m = Manager()
    t.stack.callback(m.close)
    return m, keyed_daemon(t, config, env=m.environment(), **options)


def packet(s, number):
    return s.layout.sent(number, rawclient.ntp(), 0x8001)


def sessions_of(t, modes=(1, 4)):
    """A connection with a session in each mode: [(control, Session)]."""
    opened = []
    for mode in modes:
        c = connect(t, mode)
        s, _ = open_session(t, c, mode)
        s.check(packet(s, 0))
        opened.append((c, s))
    return opened


def check_sessions(opened):
    for _, s in opened:
        s.check(packet(s, s.seq))
