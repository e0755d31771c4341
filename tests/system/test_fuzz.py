# SPDX-License-Identifier: BSD-2-Clause
"""Black-box fuzzing of the real twampd over TCP and UDP: sequences of valid messages with fields
that are mutated, cut anywhere, and octets of no meaning, on many connections at once, and
datagrams to live and dead ports. Meanwhile a legitimate session loses nothing; afterwards all is
as it was. TWAMPD_TEST_SEED repeats the choices of a run, TWAMPD_FUZZ_S makes it longer.
RFC 4656 6, RFC 5357 3 and 4.
"""

import contextlib
import os
import random
import socket
import struct
import tempfile
import threading
import time

import harness
import rawclient
from harness import same, test, true, wait_for
from rawclient import make_n, make_packet, make_request, make_setup, make_start, make_stop

SECONDS = float(os.environ.get("TWAMPD_FUZZ_S", "4"))
WARM_UP = 1.0
CONNECTIONS = 60
SENDERS = 4
SLACK = 8 << 20
INTERVAL = 0.01  # between packets of the legitimate session

INTERESTING = (0, 1, 0x7f, 0x80, 0xff)
SIZES = (0, 1, 13, 14, 15, 40, 41, 44, 47, 48, 111, 112, 113, 1472, 65507)


class Legitimate(threading.Thread):
    """A session that is measured while all else goes on."""

    def __init__(self, sender, to):
        super().__init__(daemon=True)
        self.sender, self.to = sender, to
        self.sent, self.answered, self.ended = 0, set(), threading.Event()
        self.fault = None

    def run(self):
        try:
            while not self.ended.wait(INTERVAL):
                self.sender.send(self.to, make_packet(self.sent))
                self.sent += 1
                self.collect(0)
            end = time.monotonic() + harness.PATIENCE
            while len(self.answered) < self.sent and time.monotonic() < end:
                self.collect(0.1)
        except Exception as fault:  # told by the test
            self.fault = fault

    def collect(self, patience):
        reply = self.sender.receive(patience)
        while reply is not None:
            same(reply.source, self.to, "source of a reply")
            self.answered.add(reply.sender_seq)
            reply = self.sender.receive(0)

    def check(self):
        self.ended.set()
        self.join()
        if self.fault:
            raise self.fault
        same(len(self.answered), self.sent, "replies of the legitimate session")


class Fuzzer:
    def __init__(self, t, d, chance):
        self.t, self.d, self.chance = t, d, chance
        self.conns = []
        self.senders = [t.sender(t.client_other) for _ in range(SENDERS)]
        self.ports = []
        self.counts = {}
        self.most = 0  # sessions at once

    # octets

    def mutate(self, octets):
        octets = bytearray(octets)
        for _ in range(self.chance.choice((0, 0, 1, 1, 2, 5))):
            if octets:
                value = self.chance.choice(INTERESTING + (self.chance.randrange(256),))
                octets[self.chance.randrange(len(octets))] = value
        return bytes(octets)

    def message(self):
        r = self.chance
        kind = r.randrange(10)
        if kind < 4:
            return make_request(sender_port=r.choice(self.senders).port, ipvn=self.t.family,
                                sender=r.choice((None, self.t.client_other)),
                                timeout=r.choice((0, 1 << 31, 1 << 32)),
                                padding=r.choice((0, 27, 64, 9000, 70000)))
        if kind < 6:
            return make_start()
        if kind < 8:
            return make_stop(r.choice((0, 1, 2, 0xffffffff)))
        return make_n(r.choice((7, 9)), [r.randbytes(16) for _ in range(r.choice((0, 1, 2, 40)))])

    def setup(self):
        r = self.chance
        mode = r.choice((1, 1, 1, 1 | 0x10, 1 | 0x170, 2, 4, 8, 0, 3, r.getrandbits(32)))
        octets = bytearray(make_setup(mode))
        if mode & 14:
            octets[4:9] = r.choice((b"probe", b"nobod", b"\xff\xfe\0\1\2"))
            octets[84:164] = r.randbytes(80)
        return bytes(octets)

    # TCP

    def open(self):
        if len(self.conns) >= CONNECTIONS:
            self.close()
        s = socket.socket(rawclient.family_of(self.t.server), socket.SOCK_STREAM)
        s.bind((self.t.client_other, 0))
        s.settimeout(harness.PATIENCE)
        s.connect((self.t.server, rawclient.PORT))
        s.setblocking(False)
        self.conns.append(s)
        if self.chance.randrange(8):
            self.say(s, self.setup() if self.chance.randrange(4) else self.mutate(self.setup()))

    def close(self):
        s = self.conns.pop(self.chance.randrange(len(self.conns)))
        if self.chance.randrange(3) == 0:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    def say(self, s, octets):
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            s.send(octets)

    def talk(self):
        r = self.chance
        s = r.choice(self.conns)
        octets = b"".join(self.mutate(self.message()) for _ in range(r.choice((1, 1, 2, 6))))
        if r.randrange(6) == 0:
            octets = r.randbytes(r.choice((1, 15, 16, 17, 300, 5000)))
        elif r.randrange(3) == 0:
            octets = octets[:r.randrange(len(octets) + 1)]
        self.say(s, octets)
        if r.randrange(20) == 0:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_WR)

    def listen(self):
        """Some read what comes, others let it pile up."""
        s = self.chance.choice(self.conns)
        try:
            while s.recv(65536):
                pass
            self.conns.remove(s)
            s.close()
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.conns.remove(s)
            s.close()

    # UDP

    def datagram(self):
        r = self.chance
        size = r.choice(SIZES + (r.randrange(2000),))
        octets = r.randbytes(size)
        if size >= 14 and r.randrange(2):
            octets = self.mutate(make_packet(r.getrandbits(32))) + octets[14:]
        port = r.choice(self.ports) if self.ports and r.randrange(4) else r.randrange(1, 65536)
        # an ICMP error of an earlier one is told in place of sending
        with contextlib.suppress(ConnectionRefusedError, BlockingIOError):
            r.choice(self.senders).sock.sendto(octets, (self.t.server, port))

    def drain(self):
        self.ports = self.d.session_ports()
        self.most = max(self.most, len(self.ports))
        for sender in self.senders:
            with contextlib.suppress(BlockingIOError):
                while True:
                    sender.sock.recv(65536, socket.MSG_DONTWAIT)

    def run(self, for_s, sessions=0):
        """For so long, and until there were so many sessions at once."""
        actions = ([self.open] * 4 + [self.talk] * 30 + [self.listen] * 20 + [self.close] +
                   [self.datagram] * 30 + [self.drain])
        end = time.monotonic() + for_s
        while time.monotonic() < end or (self.most < sessions and
                                         time.monotonic() < end + harness.PATIENCE):
            action = self.chance.choice(actions if self.conns else [self.open])
            action()
            self.counts[action.__name__] = self.counts.get(action.__name__, 0) + 1
        true(self.d.alive(), "twampd has ended")

    def end(self):
        for s in self.conns:
            s.close()
        self.conns = []


def seed():
    chosen = int(os.environ.get("TWAMPD_TEST_SEED", "0"), 0) or random.SystemRandom().getrandbits(64)
    print("# TWAMPD_TEST_SEED=0x%x" % chosen, flush=True)
    return random.Random(chosen)


def keys_file(t):
    folder = t.stack.enter_context(tempfile.TemporaryDirectory(prefix="twampd-keys-"))
    path = os.path.join(folder, "twampd.keys")
    with open(path, "w") as f:
        f.write("probe correct horse battery staple\n")
    os.chmod(path, 0o600)
    return path


@test(both=True)
def nothing_that_comes_does_harm(t):
    # R-072 R-073 R-074 R-120 T-041 T-042
    d = t.daemon({
        "modes": ["unauthenticated", "authenticated", "encrypted", "mixed"],
        "features": ["individual-session-control", "reflect-octets", "symmetrical-size",
                     "dscp-ecn", "ptp-timestamps"],
        "keys_file": keys_file(t),
        "auth": {"count": 1024, "failure_rate": 0},
        "timers": {"max_timeout": 2, "handshake": 5, "message": 5},
        "log": {"level": "notice"},
    })
    fuzzer = Fuzzer(t, d, seed())
    fuzzer.run(WARM_UP)  # what the allocator takes once and keeps
    fuzzer.end()
    d.wait_idle()
    fds, memory = len(d.fds()), d.memory()
    control, sender, to = t.session()
    legitimate = Legitimate(sender, to)
    legitimate.start()
    try:
        fuzzer.run(SECONDS, sessions=6)
        with rawclient.connect(t.server) as late:  # and another gets in
            same(late.request(sender_port=9).accept, 0, "Accept of a legitimate request")
        wait_for(lambda: legitimate.sent > 20 or legitimate.fault, "packets of the legitimate session")
    finally:
        fuzzer.end()
        legitimate.ended.set()
    legitimate.check()
    true(fuzzer.most > 5, "only %d sessions at once" % fuzzer.most)
    control.close()
    d.wait_idle()
    wait_for(lambda: len(d.fds()) <= fds, "descriptors are closed: %r" % d.fds())
    grown = d.memory() - memory
    true(grown < SLACK or t.run.sanitized, "memory grew by %d octets" % grown)
    print("# %r, %d packets without loss" % (fuzzer.counts, legitimate.sent), flush=True)


harness.main()
